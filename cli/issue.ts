import type { Command } from 'commander'
import type { IssueDetail } from '../api/contract/issues.ts'
import { everyPage, Refused } from './api-client.ts'
import type { Context } from './context.ts'
import { describeIssue, describeIssues, type ShownValue } from './describe-issues.ts'
import { findLink } from './link.ts'
import { localTime } from './output.ts'

interface Choice {
  class?: string
  code?: string
  owner?: 'admin' | 'endpoint' | 'us'
  all?: boolean
}

/** Issues that a list shows to people. */
const mostShown = 200

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
      const query = {
        limit: '200',
        ...(options.all === true ? {} : { open: 'true', ignored: 'false' }),
        ...filterOf(options),
      }
      const items = await everyPage(
        (cursor) => api.call('linkIssues', { params: { id: found.id }, query: { ...query, cursor } }),
        // A page and one more tells that there are others.
        output.json ? undefined : mostShown + 1,
      )
      output.show(items, (issues) =>
        issues.length === 0
          ? Object.keys(filterOf(options)).length > 0
            ? 'No issue is like that.'
            : options.all === true
              ? 'There have been no issues.'
              : 'No open issues.'
          : [
              describeIssues(issues.slice(0, mostShown), found),
              ...(issues.length > mostShown
                ? [`There are more than these ${mostShown}: --class, --code and --owner choose, --json has all.`]
                : []),
            ].join('\n'),
      )
    })

  const issue = program.command('issue').description('issues: show one, try records again, or be told of them no more')

  issue
    .command('show <id>')
    .description('everything about one issue, with the values of both sides as they are now')
    .action(async (given: string) => {
      const here = context()
      const found = await here.api.call('issue', { params: { id: given } })
      const [left, right] = await Promise.all([shownValue(here, found, 'left'), shownValue(here, found, 'right')])
      here.output.show({ ...found, values: { left, right } }, () => describeIssue(found, { left, right }))
    })

  choosing(issue.command('retry <link> [ids...]').description('try the records of issues again at once')).action(
    async (which: string, ids: string[], options: Choice) => {
      const { api, output } = context()
      const found = await findLink(context(), which)
      const body = await choiceOf(context(), found.id, ids, options)
      const answer = await api.call('retryIssues', { params: { id: found.id }, body })
      output.show(answer, ({ issues }) =>
        issues === 0 ? nothingLike : `${counted(issues)} tried again by the next run.`,
      )
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
      output.show(answer, ({ issues }) =>
        issues === 0 ? nothingLike : `${counted(issues)} ignored${until === null ? '' : ` until ${localTime(until)}`}.`,
      )
    })

  choosing(issue.command('heed <link> [ids...]').description('be told of ignored issues again')).action(
    async (which: string, ids: string[], options: Choice) => {
      const { api, output } = context()
      const found = await findLink(context(), which)
      const body = await choiceOf(context(), found.id, ids, options)
      const answer = await api.call('heedIssues', { params: { id: found.id }, body })
      output.show(answer, ({ issues }) => (issues === 0 ? noneIgnored : `${counted(issues)} told again.`))
    },
  )
}

/** What a side's record holds now in the field that an issue is about; null: it is about no record or field of this side. */
async function shownValue({ api }: Context, issue: IssueDetail, side: 'left' | 'right'): Promise<ShownValue | null> {
  const [recordId, field] = [side === 'left' ? issue.leftId : issue.rightId, issue.fields[side]]
  if (recordId === null || field === null) return null
  if (issue.linkDeleted) return { words: 'not read any more' }
  try {
    const { found, fields } = await api.call('linkRecord', { params: { id: issue.linkId, side, recordId } })
    if (!found) return { words: 'the record is not there, or may not be read' }
    return field in fields ? { value: fields[field] } : { words: 'not mapped any more' }
  } catch (error) {
    // What is known of the issue is shown all the same.
    if (!(error instanceof Refused)) throw error
    return { words: `cannot be read now: ${error.problem.detail}` }
  }
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
  const ids = await Promise.all(
    beginnings.map(async (beginning) => {
      const found = await context.api.call('issue', { params: { id: beginning } })
      if (found.linkId !== linkId) throw new Error(`Issue "${beginning}" is of another link.`)
      return found.id
    }),
  )
  return { ids, ...filter }
}

const nothingLike = 'No open issue is like that: nothing was done.'
const noneIgnored = 'No ignored issue is like that: nothing was done.'

function momentOf(text: string): string {
  const moment = new Date(text)
  if (Number.isNaN(moment.getTime())) throw new Error(`--until takes a time such as 2027-01-31, not "${text}".`)
  return moment.toISOString()
}

function counted(issues: number): string {
  return issues === 1 ? '1 issue is' : `${issues} issues are`
}
