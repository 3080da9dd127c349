import type { Command } from 'commander'
import type { Context } from './context.ts'
import { findLink } from './link.ts'
import { localTime, short, table } from './output.ts'

interface Choice {
  class?: string
  code?: string
  owner?: 'admin' | 'endpoint' | 'us'
  all?: boolean
}

/** What is wrong with records of a link, and what a person does about it. */
export function issueCommands(program: Command, context: () => Context): void {
  const link = program.commands.find((one) => one.name() === 'link')
  if (link === undefined) throw new Error('the link commands come first')

  link
    .command('issues <link>')
    .description('what is wrong, with which record, and what to do about it')
    .option('--all', 'resolved and ignored ones too')
    .option('--class <class>', 'only of this class, such as mapping')
    .option('--code <code>', 'only with this code, such as value-gap')
    .option('--owner <owner>', 'only those that admin, endpoint or us must settle')
    .action(async (which: string, options: Choice) => {
      const { api, output } = context()
      const found = await findLink(context(), which)
      const { items } = await api.call('linkIssues', {
        params: { id: found.id },
        query: {
          limit: '200',
          ...(options.all === true ? {} : { open: 'true', ignored: 'false' }),
          ...filterOf(options),
        },
      })
      output.show(items, (issues) =>
        table(
          ['Id', found.left.name, found.right.name, 'Owner', 'Issue', 'Remedy', 'Tries', 'Next'],
          issues.map((one) => [
            one.id.slice(0, 8),
            one.leftId,
            one.rightId,
            one.owner,
            short(`${one.ignored === null ? '' : '(ignored) '}${one.message}`, 70),
            short(one.remedy, 60),
            one.attempts,
            localTime(one.nextAttempt),
          ]),
          'No open issues.',
        ),
      )
    })

  const issue = program.command('issue').description('issues: try records again, or be told of them no more')

  choosing(issue.command('retry <link> [ids...]').description('try the records of issues again at once')).action(
    async (which: string, ids: string[], options: Choice) => {
      const { api, output } = context()
      const found = await findLink(context(), which)
      const body = await choiceOf(context(), found.id, ids, options)
      const answer = await api.call('retryIssues', { params: { id: found.id }, body })
      output.show(answer, ({ issues }) => `${counted(issues)} tried again by the next run.`)
    },
  )

  choosing(
    issue.command('ignore <link> [ids...]').description('be told of issues no more; their records are tried as before'),
  )
    .requiredOption('--reason <text>', 'why: it stays in the ledger')
    .option('--until <time>', 'they count again from then on, such as 2027-01-31')
    .action(async (which: string, ids: string[], options: Choice & { reason: string; until?: string }) => {
      const { api, output } = context()
      const found = await findLink(context(), which)
      const body = await choiceOf(context(), found.id, ids, options)
      const until = options.until === undefined ? null : momentOf(options.until)
      const answer = await api.call('ignoreIssues', {
        params: { id: found.id },
        body: { ...body, reason: options.reason, until },
      })
      output.show(
        answer,
        ({ issues }) => `${counted(issues)} ignored${until === null ? '' : ` until ${localTime(until)}`}.`,
      )
    })

  choosing(issue.command('heed <link> [ids...]').description('be told of ignored issues again')).action(
    async (which: string, ids: string[], options: Choice) => {
      const { api, output } = context()
      const found = await findLink(context(), which)
      const body = await choiceOf(context(), found.id, ids, options)
      const answer = await api.call('heedIssues', { params: { id: found.id }, body })
      output.show(answer, ({ issues }) => `${counted(issues)} told again.`)
    },
  )
}

function choosing(command: Command): Command {
  return command
    .option('--class <class>', 'all of this class, such as mapping')
    .option('--code <code>', 'all with this code, such as value-gap')
    .option('--owner <owner>', 'all that admin, endpoint or us must settle')
}

function filterOf({ class: kind, code, owner }: Choice): Omit<Choice, 'all'> {
  return {
    ...(kind === undefined ? {} : { class: kind }),
    ...(code === undefined ? {} : { code }),
    ...(owner === undefined ? {} : { owner }),
  }
}

/** Issues by the beginnings of their ids, as lists show them, or by what they have in common. */
async function choiceOf(context: Context, linkId: string, beginnings: readonly string[], options: Choice) {
  const filter = filterOf(options)
  if (beginnings.length === 0) {
    if (Object.keys(filter).length === 0) throw new Error('Say which issues: ids, --class, --code or --owner.')
    return filter
  }
  const { items } = await context.api.call('linkIssues', {
    params: { id: linkId },
    query: { limit: '200', open: 'true' },
  })
  const ids = beginnings.map((beginning) => {
    const found = items.filter((one) => one.id.startsWith(beginning))
    const [only] = found
    if (only === undefined || found.length > 1)
      throw new Error(
        found.length > 1 ? `Several issues begin with "${beginning}".` : `No open issue begins with "${beginning}".`,
      )
    return only.id
  })
  return { ids, ...filter }
}

function momentOf(text: string): string {
  const moment = new Date(text)
  if (Number.isNaN(moment.getTime())) throw new Error(`--until takes a time such as 2027-01-31, not "${text}".`)
  return moment.toISOString()
}

function counted(issues: number): string {
  return issues === 1 ? '1 issue is' : `${issues} issues are`
}
