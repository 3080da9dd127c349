import { listIssues } from '../../db/issues.ts'
import { getLink } from '../../db/links.ts'
import { listRequestedRecords } from '../../db/requests.ts'
import { getRun } from '../../db/runs.ts'
import { notFound } from '../problem.ts'
import type { Dependencies, Handlers } from './types.ts'

/** Synchronizing a few records by id, and what became of each. */
export function recordHandlers({ database, temporal }: Dependencies): Pick<Handlers, 'syncRecords' | 'runRecords'> {
  return {
    syncRecords: async ({ params, body }, command) => {
      if ((await getLink(database, params.id)) === null) throw notFound('link', params.id)
      const asked = (['left', 'right'] as const).flatMap((side) =>
        [...new Set(body[side].map((id) => id.replace(/(^|-)0+(?=\d)/, '$1')))].map((id) => ({ side, id })),
      )
      const force = body.force ? { force: true } : {}
      const answer = await temporal.syncRecords(params.id, { ...command, records: asked, ...force })
      const { state, runId, startsAt = null } = answer
      // A request of records is never merged into another one.
      return { state: state === 'merged' ? 'queued' : state, runId, startsAt }
    },

    runRecords: async ({ params }) => {
      const rows = await listRequestedRecords(database, params.id)
      // A request is there before its run begins.
      if (rows.length === 0 && (await getRun(database, params.id)) === null) throw notFound('run', params.id)
      const ids = [...new Set(rows.flatMap((row) => row.issueIds))]
      const issues = ids.length === 0 ? [] : await listIssues(database, { ids, limit: ids.length })
      return {
        items: rows.map(({ issueIds, ...row }) => ({
          ...row,
          issues: issues.filter((issue) => issueIds.includes(issue.id)),
        })),
      }
    },
  }
}
