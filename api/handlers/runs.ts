import { listIssues } from '../../db/issues.ts'
import { listLedger } from '../../db/ledger.ts'
import { getFindings, getRun, getRunReport, listRuns } from '../../db/runs.ts'
import { notFound } from '../problem.ts'
import { page, readCursor, timeKey } from './cursor.ts'
import { simulationHandlers } from './simulations.ts'
import type { Dependencies, Handlers } from './types.ts'

type RunHandlerName = 'listRuns' | 'getRun' | 'runFindings' | 'runLedger' | 'runIssues'

export function runHandlers(
  dependencies: Dependencies,
): Pick<Handlers, RunHandlerName | keyof ReturnType<typeof simulationHandlers>> {
  const { database } = dependencies
  async function existing(id: string) {
    const found = await getRun(database, id)
    if (found === null) throw notFound('run', id)
    return found
  }

  return {
    ...simulationHandlers(dependencies),
    listRuns: async ({ query }) => {
      const before = readCursor(query.cursor, timeKey)
      const { limit, cursor: _cursor, changed, ...filter } = query
      const rows = await listRuns(database, {
        ...filter,
        limit: limit + 1,
        ...(changed === undefined ? {} : { changed: changed === 'true' }),
        ...(before === undefined ? {} : { before }),
      })
      return page(rows, query.limit, (row) => ({ at: row.startedAt, id: row.id }))
    },
    getRun: async ({ params }) => {
      const report = await getRunReport(database, params.id)
      if (report === null) throw notFound('run', params.id)
      return report
    },
    runFindings: async ({ params }) => {
      await existing(params.id)
      const found = await getFindings(database, params.id)
      if (found === null) return { passed: false, findings: [], parts: [] }
      const parts = found.parts.map(({ part, runId }) => ({ part, runId }))
      return { passed: found.passed, findings: [...found.findings], parts }
    },
    runLedger: async ({ params, query }) => {
      await existing(params.id)
      const before = readCursor(query.cursor, timeKey)
      const rows = await listLedger(database, {
        runId: params.id,
        limit: query.limit + 1,
        ...(before === undefined ? {} : { before }),
      })
      return page(rows, query.limit, (row) => ({ at: row.at, id: row.id }))
    },
    runIssues: async ({ params, query }) => {
      await existing(params.id)
      const before = readCursor(query.cursor, timeKey)
      const rows = await listIssues(database, {
        runId: params.id,
        limit: query.limit + 1,
        ...(before === undefined ? {} : { before }),
      })
      return page(rows, query.limit, (row) => ({ at: row.lastSeen, id: row.id }))
    },
  }
}
