import { type Command, InvalidArgumentError } from 'commander'
import type { CleanUpView, RetentionView } from '../api/contract/retention.ts'
import type { Context } from './context.ts'
import { localTime, table } from './output.ts'

const parts: readonly [keyof RetentionView, string][] = [
  ['runs', 'runs, and whatever else is kept of them'],
  ['logs', 'logs of runs, with the outcome of each record'],
  ['simulations', 'what simulations planned'],
  ['histories', 'histories of the workflows of runs'],
  ['freshness', 'how long single edits took'],
  ['hours', 'counters that prove that links were looked at'],
  ['issues', 'issues that are resolved'],
]

/** Commander takes null for an option that was not given. */
function daysOf(text: string): number | 'forever' {
  if (text === 'forever') return text
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('Give a number of days, or "forever".')
  return Number(text)
}

/** `tandem retention`: how long things are kept; `tandem clean-up`: take away now what is older. */
export function retentionCommands(program: Command, context: () => Context): void {
  const retention = program
    .command('retention')
    .description('show how many days things are kept; with options, change what they name ("forever" keeps it)')
  for (const [part, words] of parts) retention.option(`--${part} <days>`, words, daysOf)
  retention.action(async (options: Partial<Record<keyof RetentionView, number | 'forever'>>) => {
    const { api, output } = context()
    const change = Object.fromEntries(
      Object.entries(options).map(([part, days]) => [part, days === 'forever' ? null : days]),
    )
    const days =
      Object.keys(change).length === 0
        ? await api.call('getRetention')
        : await api.call('changeRetention', { body: change })
    const { items } = await api.call('listCleanUps', { query: { limit: '5' } })
    output.show({ days, cleanUps: items }, () =>
      [
        table(
          ['', 'Days', ''],
          parts.map(([part, words]) => [part, days[part] ?? 'for ever', words]),
          '',
        ),
        '',
        ...(items.length === 0 ? ['Nothing has been cleaned up yet; it happens once a day.'] : ['Last clean-ups:']),
        ...items.map((one) => `  ${cleanUpWords(one)}`),
      ].join('\n'),
    )
  })

  program
    .command('clean-up')
    .description('take away now what is older than it is kept for; it happens by itself once a day')
    .action(async () => {
      const { api, output } = context()
      output.show(await api.call('cleanUp'), cleanUpWords)
    })
}

function cleanUpWords({ at, actor, endedAt, removed }: CleanUpView): string {
  const taken = parts.flatMap(([part]) => (removed[part] === undefined ? [] : [`${removed[part]} of ${part}`]))
  const end = endedAt === null ? ' (not ended)' : ''
  return `${localTime(at)} by ${actor}: ${taken.length === 0 ? 'nothing was old enough' : `took away ${taken.join(', ')}`}${end}`
}
