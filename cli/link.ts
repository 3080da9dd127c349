import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { CommandName } from '../api/contract/commands.ts'
import type { GuardView } from '../api/contract/guards.ts'
import type { LinkView } from '../api/contract/schemas.ts'
import type { Context } from './context.ts'
import { findEndpoint } from './endpoint.ts'
import { localTime, savedWords, table } from './output.ts'
import { describeFindings, describeRun, exitCodeOf, followRun } from './run.ts'
import { describeNext, describeWaiting } from './schedule.ts'
import { describeSimulation, percent } from './simulation.ts'

interface CreateOptions {
  left: string
  right: string
  kind: 'defect' | 'backlog' | 'release'
  type: AskedType[]
  managed: ManagedPlace[]
  description: string
}

export type AskedType = { octane: 'epic' | 'feature' | 'story'; alm: string[] }
type ManagedPlace = [string, 'left' | 'right' | 'both']

/** `story=User Story,Functional` */
export function askedType(given: string): AskedType {
  const [octane = '', names = ''] = given.split('=')
  const alm = names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const type = octane.trim()
  if ((type !== 'epic' && type !== 'feature' && type !== 'story') || alm.length === 0)
    throw new InvalidArgumentError(
      `"${given}" is not like "story=User Story,Functional": epic, feature or story come first.`,
    )
  return { octane: type, alm }
}

/** `left`, or `story=right` */
function managedPlace(given: string): ManagedPlace {
  const [first = '', second] = given.split('=').map((part) => part.trim())
  const [type, place] = second === undefined ? ['*', first] : [first, second]
  if (place !== 'left' && place !== 'right' && place !== 'both')
    throw new InvalidArgumentError(`"${given}" is not like "left", "right", "both" or "story=left".`)
  return [type, place]
}

export function linkCommands(program: Command, context: () => Context): void {
  const link = program.command('link').description('links: which project is kept in step with which workspace')

  link
    .command('create <name>')
    .description('create a link with an automatic mapping')
    .requiredOption('--left <endpoint>', 'ALM endpoint, by name')
    .requiredOption('--right <endpoint>', 'ALM Octane endpoint, by name')
    .addOption(
      new Option('--kind <kind>', 'what it keeps in step').choices(['defect', 'backlog', 'release']).default('defect'),
    )
    .option(
      '--type <types>',
      'backlog: requirement types of ALM for one of Octane, the default first: "story=User Story,Functional"; repeatable',
      (given: string, before: AskedType[]) => [...before, askedType(given)],
      [] as AskedType[],
    )
    .option(
      '--managed <place>',
      'where records are managed: left, right or both, or of one type only: "story=right"; repeatable',
      (given: string, before: ManagedPlace[]) => [...before, managedPlace(given)],
      [] as ManagedPlace[],
    )
    .option('--description <text>', 'what it is for', '')
    .action(async (name: string, options: CreateOptions) => {
      const { api, output } = context()
      const types = options.type
      const [left, right] = [await findEndpoint(context(), options.left), await findEndpoint(context(), options.right)]
      const created = await api.call('createLink', {
        body: {
          name,
          description: options.description,
          entityType: options.kind,
          ...(types.length === 0 ? {} : { types }),
          ...(options.managed.length === 0 ? {} : { managed: Object.fromEntries(options.managed) }),
          left: left.id,
          right: right.id,
        },
      })
      output.show(created, ({ link: one, notes }) =>
        [
          `Created ${one.name} (${one.id}).`,
          ...notes.map((note) => `  ! ${note}`),
          'Next: tandem link check, then simulate, then run.',
        ].join('\n'),
      )
    })

  link
    .command('list')
    .description('list links with their status')
    .action(async () => {
      const { api, output } = context()
      output.show((await api.call('listLinks')).items, (items) =>
        table(
          ['Name', 'Status', 'Mode', 'Left', 'Right', 'Pairs', 'To do', 'Issues', 'Warnings', 'Last run'],
          items.map((one) => [
            one.name,
            one.statusLabel,
            one.mode,
            one.left.name,
            one.right.name,
            one.pairs,
            one.pending,
            one.openIssues,
            one.openWarnings,
            one.lastRun === null ? '' : `${one.lastRun.status} ${localTime(one.lastRun.endedAt)}`,
          ]),
          'There are no links yet. Create one with "tandem link create".',
        ),
      )
    })

  link
    .command('show <link>')
    .description('show a link with its field mapping')
    .action(async (name: string) => {
      const { api, output } = context()
      const found = await findLink(context(), name)
      const { items } = await api.call('listVersions', { params: { id: found.id } })
      const configuration = items[0]?.configuration as
        | { fields?: { id: string; left: string | null; right: string | null; direction: string; conflict: string }[] }
        | undefined
      const [guards, simulations] = await Promise.all([
        api.call('linkGuards', { params: { id: found.id } }),
        api.call('linkComparisons', { params: { id: found.id }, query: { limit: '5' } }),
      ])
      const arrows: Record<string, string> = { both: '<->', 'to-right': '->', 'to-left': '<-' }
      output.show({ ...found, configuration, guards, simulations }, () =>
        [
          `${found.name}: ${found.statusLabel}${found.statusAction === null ? '' : `. ${found.statusAction}`}`,
          `  ${found.left.name} <-> ${found.right.name}, ${found.entityType}s, ${found.mode}, version ${found.version}`,
          `  ${found.pairs} pairs, ${found.pending} to do, ${found.openIssues} open issues, ${found.openWarnings} warnings`,
          ...(found.healthMessage === null ? [] : [`  ${found.healthMessage}`]),
          ...describeNext(found),
          describeGuard(guards.left),
          describeGuard(guards.right),
          ...(simulations.comparisons === 0
            ? []
            : [
                `  Simulations so far: ${simulations.comparisons} compared, precision ${percent(simulations.precision)}, recall ${percent(simulations.recall)}`,
              ]),
          '',
          table(
            ['Left', '', 'Right', 'Wins'],
            (configuration?.fields ?? []).map((field) => [
              field.left,
              arrows[field.direction] ?? '',
              field.right,
              field.direction === 'both' ? field.conflict : '',
            ]),
            'No fields.',
          ),
        ].join('\n'),
      )
    })

  runCommand('check', 'check', 'run the integrity check', async ({ api, output }, run, found) => {
    const { findings } = await api.call('runFindings', { params: { id: run.id } })
    output.show({ ...run, findings }, () => `${describeRun(run)}\n${describeFindings(findings, found)}`)
  })
  runCommand('simulate', 'simulate', 'show what a run would do, without doing it', async ({ api, output }, run) => {
    const { items, ...counts } = await api.call('runSimulation', { params: { id: run.id }, query: { limit: '200' } })
    output.show({ ...run, ...counts, items }, () => [describeRun(run), describeSimulation(counts, items)].join('\n'))
  })
  runCommand('run', 'run', 'synchronize what has changed', async ({ output }, run) => output.show(run, describeRun))
  runCommand('full', 'full', 'synchronize, listing every record of both sides', async ({ output }, run) =>
    output.show(run, describeRun),
  )
  for (const [name, words, done] of [
    ['pause', 'stop at the next batch and stay so', 'is paused'],
    ['resume', 'go on after a pause', 'goes on'],
    ['auto', 'keep in step by itself from now on', 'is in automatic mode'],
    ['manual', 'run only when told', 'is in manual mode'],
    ['cancel', 'end the run that is going on', 'ends its run at the next batch'],
  ] as const)
    link
      .command(`${name} <link>`)
      .description(words)
      .action(async (which: string) => {
        const { api, output } = context()
        const found = await findLink(context(), which)
        const command: CommandName = name === 'auto' ? 'automatic' : name
        const answer = await api.call('commandLink', { params: { id: found.id }, body: { command } })
        output.show(answer, () => `${found.name} ${done}.`)
      })

  link
    .command('export-config <link>')
    .description('print the whole configuration as JSON')
    .action(async (which: string) => {
      const { api } = context()
      const found = await findLink(context(), which)
      const { items } = await api.call('listVersions', { params: { id: found.id } })
      process.stdout.write(`${JSON.stringify(items[0]?.configuration, null, 2)}\n`)
    })

  link
    .command('automap <link>')
    .description('show which fields of the same name and type could be mapped; with --yes, map them')
    .option('--yes', 'do it: save them as a new version; what is mapped already stays as it is')
    .action(async (which: string, options: { yes?: boolean }) => {
      const { api, output } = context()
      const found = await findLink(context(), which)
      const answer = await api.call('automapLink', { params: { id: found.id }, body: { save: options.yes === true } })
      output.show(answer, ({ added, notes, version }) =>
        [
          ...(added.length === 0
            ? ['There is nothing to add.']
            : [
                table(
                  ['Left', 'Direction', 'Right'],
                  added.map((one) => [one.left, one.direction, one.right]),
                  '',
                ),
              ]),
          ...notes.map((note) => `  ! ${note}`),
          ...(version !== null
            ? [savedWords(found, version, '. It is checked before the next run.')]
            : added.length > 0
              ? ['Nothing was saved. Save it with --yes.']
              : []),
        ].join('\n'),
      )
    })

  link
    .command('set-config <link> <file>')
    .description('save a configuration from a JSON file as a new version')
    .option('--comment <text>', 'why', '')
    .action(async (which: string, file: string, options: { comment: string }) => {
      const { api, output } = context()
      const found = await findLink(context(), which)
      const configuration = readJson(file)
      const saved = await api.call('addVersion', {
        params: { id: found.id },
        body: { expectedVersion: found.version, comment: options.comment, configuration },
      })
      output.show(saved, ({ version }) => savedWords(found, version, '. It is checked before the next run.'))
    })

  type Shown = Awaited<ReturnType<typeof followRun>>

  function runCommand(
    name: string,
    command: CommandName,
    words: string,
    show: (context: Context, run: Shown, link: LinkView) => Promise<void> | void,
  ): void {
    const made = link.command(`${name} <link>`).description(words)
    if (command === 'full')
      made.option('--next', 'instead, make the next run that the link starts by itself a full scan')
    made
      .option('--no-wait', 'return at once')
      .option('--force', 'also while a blackout is on')
      .action(async (which: string, options: { wait: boolean; force?: boolean; next?: boolean }) => {
        const here = context()
        const found = await findLink(here, which)
        if (options.next === true) {
          if (options.force === true) throw new Error('--next and --force do not go together: give one of them.')
          const asked = await here.api.call('commandLink', { params: { id: found.id }, body: { command: 'full-next' } })
          here.output.show(asked, () => `The next run that ${found.name} starts by itself is a full scan.`)
          return
        }
        const body = { command, force: options.force === true }
        const answer = await here.api.call('commandLink', { params: { id: found.id }, body })
        if (answer.startsAt !== null) {
          here.output.show(answer, ({ startsAt, runId }) => describeWaiting(found.name, startsAt ?? '', runId ?? ''))
          return
        }
        if (!options.wait || answer.runId === null) {
          here.output.show(
            answer,
            ({ state, runId }) => `The run is ${state}. Look at it with: tandem run show ${runId}`,
          )
          return
        }
        if (answer.state !== 'started') here.output.line(`The run is ${answer.state} behind the one going on.`)
        const run = await followRun(here, answer.runId)
        await show(here, run, found)
        here.exit(exitCodeOf(run))
      })
  }
}

/** How a side's writes are kept from overwriting edits, with what was measured. */
function describeGuard(one: GuardView): string {
  const window =
    one.window === null
      ? ''
      : ` The window was at most ${one.window.p50} ms half the time and ${one.window.p95} ms in 95 of 100 writes (${one.window.measured} measured).`
  const overwrites =
    one.overwrites === 0 ? 'No overwrite was noticed.' : `${one.overwrites} possible overwrites are in the ledger.`
  return `  Writes to ${one.endpoint}: ${one.words}.${window} ${overwrites}`
}

/** By name or id. */
export async function findLink({ api }: Context, name: string): Promise<LinkView> {
  const { items } = await api.call('listLinks')
  const found = items.find((one) => one.name === name || one.id === name)
  if (found === undefined)
    throw new Error(
      `There is no link "${name}". There ${items.length === 0 ? 'are none yet' : `is: ${items.map((one) => one.name).join(', ')}`}.`,
    )
  return found
}

export function readJson(file: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new Error(`The file ${file} cannot be read.`)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`The file ${file} is not valid JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}
