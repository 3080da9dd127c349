import { z } from 'zod'
import { runKindWords } from '../../core/run.ts'
import { getLink } from '../../db/links.ts'
import { getRun } from '../../db/runs.ts'
import {
  countSimulated,
  exportSimulated,
  findSimulated,
  listComparisons,
  overallScore,
  type SimulatedRow,
} from '../../db/simulations.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { simulationCsv, simulationJsonLines } from '../simulation-lines.ts'
import { page, readCursor } from './cursor.ts'
import type { Dependencies, Handlers } from './types.ts'

const placeKey = z.strictObject({ page: z.int32().min(0), position: z.int32().min(0) })

type SimulationHandlerName = 'runSimulation' | 'exportSimulation' | 'runComparison' | 'linkComparisons'

export function simulationHandlers({ database }: Dependencies): Pick<Handlers, SimulationHandlerName> {
  async function existing(id: string): Promise<void> {
    if ((await getRun(database, id)) === null) throw notFound('run', id)
  }

  async function existingSimulation(id: string): Promise<void> {
    const run = await getRun(database, id)
    if (run === null) throw notFound('run', id)
    if (run.kind === 'simulation') return
    throw new ApiProblem(422, 'no-simulation', `The run is no simulation: ${runKindWords[run.kind]}.`, {
      remedy: 'List the runs of the kind simulation, and name one of them.',
    })
  }

  return {
    runSimulation: async ({ params, query }) => {
      await existingSimulation(params.id)
      const { limit, cursor, ...filter } = query
      const after = readCursor(cursor, placeKey)
      const [rows, { byAction, byType, problems }, [comparison]] = await Promise.all([
        findSimulated(database, { runId: params.id, ...filter }, { limit: limit + 1, after }),
        countSimulated(database, params.id),
        listComparisons(database, { runId: params.id, limit: 1 }),
      ])
      const summary = comparison?.simulationId === params.id ? comparison.summary : null
      return {
        counts: byAction,
        types: byType,
        problems,
        summary,
        ...page(rows.map(shown), limit, (row) => ({ page: row.page, position: row.position })),
      }
    },
    exportSimulation: async ({ params, query }) => {
      await existingSimulation(params.id)
      const { format, ...filter } = query
      const pages = exportSimulated(database, { runId: params.id, ...filter })
      return format === 'csv'
        ? { type: 'text/csv; charset=utf-8', fileName: 'simulation.csv', chunks: simulationCsv(pages) }
        : { type: 'application/x-ndjson', fileName: 'simulation.jsonl', chunks: simulationJsonLines(pages) }
    },
    runComparison: async ({ params }) => {
      await existing(params.id)
      const [found] = await listComparisons(database, { runId: params.id, limit: 1 })
      return { comparison: found === undefined ? null : comparisonOf(found) }
    },
    linkComparisons: async ({ params, query }) => {
      if ((await getLink(database, params.id)) === null) throw notFound('link', params.id)
      const [overall, items] = await Promise.all([
        overallScore(database, params.id),
        listComparisons(database, { linkId: params.id, limit: query.limit }),
      ])
      return { ...overall, items: items.map(comparisonOf) }
    },
  }
}

function comparisonOf({ score, ...rest }: Awaited<ReturnType<typeof listComparisons>>[number]) {
  return { ...rest, score: score === null ? null : { ...score, codes: [...score.codes] } }
}

/** Stamps are nobody's business outside. */
function shown({ stamps: _stamps, sent: _sent, real, ...row }: SimulatedRow) {
  return {
    ...row,
    fields: [...row.fields],
    problems: [...row.problems],
    real:
      real === null
        ? null
        : { outcome: real.outcome, written: [...real.written], problems: real.problems.map((one) => ({ ...one })) },
  }
}
