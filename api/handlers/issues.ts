import { heedIssues, type IssueChoice, ignoreIssues, listIssues, retryIssues } from '../../db/issues.ts'
import { getLink } from '../../db/links.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { page, readCursor, timeKey } from './cursor.ts'
import type { Dependencies, Handlers } from './types.ts'

type IssueHandlerName = 'linkIssues' | 'retryIssues' | 'ignoreIssues' | 'heedIssues'

/** What is wrong with records of a link, and what a person does about it. What is retried the next run does. */
export function issueHandlers({ database }: Dependencies): Pick<Handlers, IssueHandlerName> {
  async function existing(id: string): Promise<void> {
    if ((await getLink(database, id)) === null) throw notFound('link', id)
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

    retryIssues: async ({ params, body }, { actor }) => {
      await existing(params.id)
      return { issues: await retryIssues(database, { linkId: params.id, actor, ...given(body) }) }
    },

    ignoreIssues: async ({ params, body }, { actor }) => {
      await existing(params.id)
      const { reason, until, ...choice } = body
      if (until !== null && Date.parse(until) <= Date.now())
        throw new ApiProblem(400, 'invalid-request', 'until lies in the past', {
          remedy: 'Name a time to come, or leave it out.',
          errors: [{ pointer: '/until', message: 'lies in the past' }],
        })
      return { issues: await ignoreIssues(database, { linkId: params.id, actor, reason, until, ...given(choice) }) }
    },

    heedIssues: async ({ params, body }, { actor }) => {
      await existing(params.id)
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
