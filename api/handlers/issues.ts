import type { Side } from '../../core/values.ts'
import {
  heedIssues,
  type IssueChoice,
  ignoreIssues,
  issueCodes,
  issuesBeginningWith,
  listIssues,
  retryIssues,
} from '../../db/issues.ts'
import { getLink, listLinkVersions } from '../../db/links.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { page, readCursor, timeKey } from './cursor.ts'
import type { Dependencies, Handlers } from './types.ts'

type IssueHandlerName = 'linkIssues' | 'issue' | 'retryIssues' | 'ignoreIssues' | 'heedIssues'

/** What is wrong with records of a link, and what a person does about it. What is retried the next run does. */
export function issueHandlers({ database }: Dependencies): Pick<Handlers, IssueHandlerName> {
  async function existing(id: string): Promise<void> {
    if ((await getLink(database, id)) === null) throw notFound('link', id)
  }

  /** Whoever mistypes a code would be told that nothing is concerned. */
  async function assertKnownCode(linkId: string, code: string | undefined): Promise<void> {
    if (code === undefined) return
    const known = await issueCodes(database, linkId)
    if (known.includes(code)) return
    const message = `No issue of this link has or had the code "${code}".`
    throw new ApiProblem(422, 'unknown-code', message, {
      remedy: known.length === 0 ? 'The link has had no issues so far.' : `Use one that there is: ${known.join(', ')}.`,
      errors: [{ pointer: '/code', message }],
    })
  }

  return {
    linkIssues: async ({ params, query }) => {
      await existing(params.id)
      const { cursor, limit, open, ignored, ...choice } = query
      const before = readCursor(cursor, timeKey)
      const rows = await listIssues(database, {
        linkId: params.id,
        limit: limit + 1,
        ...given(choice),
        ...(open === undefined ? {} : { open: open === 'true' }),
        ...(ignored === undefined ? {} : { ignored: ignored === 'true' }),
        ...(before === undefined ? {} : { before }),
      })
      return page(rows, limit, (row) => ({ at: row.lastSeen, id: row.id }))
    },

    issue: async ({ params }) => {
      const [found, second] = await issuesBeginningWith(database, params.id)
      if (found === undefined) throw notFound('issue', params.id)
      if (second !== undefined)
        throw new ApiProblem(409, 'several-begin-so', `Several issues begin with ${params.id}.`, {
          remedy: 'Give more of the id; lists as JSON have all of it.',
        })
      const { side, mappingId, ...issue } = found
      const link = await getLink(database, found.linkId)
      const [version] = link === null ? [] : await listLinkVersions(database, link.id, link.version)
      const fields = version?.configuration.fields ?? []
      const index = fields.findIndex(({ id }) => id === mappingId)
      const own = (of: Side) => (index === -1 && side === of ? issue.field : (fields[index]?.[of] ?? null))
      return {
        ...issue,
        fields: { left: own('left'), right: own('right') },
        pointer: index === -1 ? null : `/fields/${index}`,
      }
    },

    retryIssues: async ({ params, body }, { actor }) => {
      await existing(params.id)
      await assertKnownCode(params.id, body.code)
      return { issues: await retryIssues(database, { linkId: params.id, actor, ...given(body) }) }
    },

    ignoreIssues: async ({ params, body }, { actor }) => {
      await existing(params.id)
      const { reason, until, ...choice } = body
      await assertKnownCode(params.id, choice.code)
      if (until !== null && Date.parse(until) <= Date.now())
        throw new ApiProblem(400, 'invalid-request', 'until lies in the past', {
          remedy: 'Name a time to come, or leave it out.',
          errors: [{ pointer: '/until', message: 'lies in the past' }],
        })
      return { issues: await ignoreIssues(database, { linkId: params.id, actor, reason, until, ...given(choice) }) }
    },

    heedIssues: async ({ params, body }, { actor }) => {
      await existing(params.id)
      await assertKnownCode(params.id, body.code)
      return { issues: await heedIssues(database, { linkId: params.id, actor, ...given(body) }) }
    },
  }
}

function given(choice: {
  ids?: string[] | undefined
  class?: string | undefined
  code?: string | undefined
  owner?: IssueChoice['owner'] | undefined
}): IssueChoice {
  return {
    ...(choice.ids === undefined ? {} : { ids: choice.ids }),
    ...(choice.class === undefined ? {} : { class: choice.class }),
    ...(choice.code === undefined ? {} : { code: choice.code }),
    ...(choice.owner === undefined ? {} : { owner: choice.owner }),
  }
}
