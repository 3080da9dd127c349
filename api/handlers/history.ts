import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { z } from 'zod'
import { differences } from '../../core/differences.ts'
import { type Finding, runPhases } from '../../core/run.ts'
import type { KeptHistory } from '../../core/run-history.ts'
import { exportLedger } from '../../db/ledger-export.ts'
import { getLink, listLinkVersions } from '../../db/links.ts'
import { loadHistory, type StoredHistory } from '../../db/run-histories.ts'
import { compareOutcomes, listOutcomes, listRunLog } from '../../db/run-log.ts'
import { getFindings, getRun } from '../../db/runs.ts'
import { listWatchedHours, verdictOf } from '../../db/watch-hours.ts'
import { beforeImages } from '../ledger-lines.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { page, readCursor } from './cursor.ts'
import type { Dependencies, Handlers } from './types.ts'

const lineKey = z.strictObject({ id: z.int().min(0) })
const placeKey = z.strictObject({ line: z.int().min(0), position: z.int().min(0) })

const decompressed = promisify(gunzip)

/** Records of a comparison that are named one by one. */
const shownDifferences = 200
const hourMs = 3_600_000
const mostDays = 31

type HistoryHandlerName =
  | 'runHistory'
  | 'runExecution'
  | 'runLog'
  | 'runOutcomes'
  | 'compareRuns'
  | 'beforeImages'
  | 'linkHours'

export function historyHandlers({ database }: Dependencies): Pick<Handlers, HistoryHandlerName> {
  async function existing(id: string) {
    const found = await getRun(database, id)
    if (found === null) throw notFound('run', id)
    return found
  }

  async function keptHistory(runId: string): Promise<KeptHistory & { storedAt: string }> {
    const found = await loadHistory(database, runId)
    if (found === null) throw notFound('run', runId)
    if (found.state !== 'kept') {
      const [words, remedy] = noHistory[found.state]
      throw new ApiProblem(404, 'no-history', words, { remedy })
    }
    const kept = JSON.parse((await decompressed(found.content)).toString('utf8')) as KeptHistory
    return { ...kept, storedAt: found.storedAt }
  }

  return {
    runLog: async ({ params, query }) => {
      await existing(params.id)
      const after = readCursor(query.cursor, lineKey)
      const { level, category, text } = query
      const rows = await listRunLog(database, {
        runId: params.id,
        limit: query.limit + 1,
        ...(level === undefined ? {} : { level }),
        ...(category === undefined ? {} : { category }),
        ...(text === undefined ? {} : { text }),
        ...(after === undefined ? {} : { after: after.id }),
      })
      return page(rows, query.limit, ({ id }) => ({ id }))
    },

    runOutcomes: async ({ params, query }) => {
      await existing(params.id)
      const after = readCursor(query.cursor, placeKey)
      const { outcome, level, record } = query
      const rows = await listOutcomes(database, {
        runId: params.id,
        limit: query.limit + 1,
        ...(outcome === undefined ? {} : { outcome }),
        ...(level === undefined ? {} : { level }),
        ...(record === undefined ? {} : { record }),
        ...(after === undefined ? {} : { after }),
      })
      return page(rows, query.limit, ({ line, position }) => ({ line, position }))
    },

    compareRuns: async ({ params }) => {
      const [a, b] = [await existing(params.id), await existing(params.other)]
      if (a.id === b.id)
        throw new ApiProblem(422, 'same-run', 'The other run is the same run: it does not differ from itself.', {
          remedy: 'Name two runs of a link.',
          errors: [{ pointer: '/path/other', message: 'is the same run' }],
        })
      if (a.linkId !== b.linkId)
        throw new ApiProblem(422, 'other-link', `One run is of ${a.linkName}, the other one of ${b.linkName}.`, {
          remedy: 'Compare runs of one link.',
          errors: [{ pointer: '/path/other', message: 'is a run of another link' }],
        })
      const [[before], [after], findingsA, findingsB, { moves, records }] = await Promise.all([
        listLinkVersions(database, a.linkId, a.version),
        listLinkVersions(database, b.linkId, b.version),
        getFindings(database, a.id),
        getFindings(database, b.id),
        compareOutcomes(database, { a: a.id, b: b.id, limit: shownDifferences }),
      ])
      const only = (mine: readonly Finding[], others: readonly Finding[]) => {
        const known = new Set(others.map(findingKey))
        return mine.filter((finding) => !known.has(findingKey(finding)))
      }
      const [mine, others] = [findingsA?.findings ?? [], findingsB?.findings ?? []]
      return {
        a,
        b,
        counters: (Object.keys(a.counters) as (keyof typeof a.counters)[])
          .map((name) => ({ name, a: a.counters[name], b: b.counters[name] }))
          .filter((one) => one.a !== 0 || one.b !== 0),
        phases: [...runPhases, 'other' as const]
          .map((name) => ({ name, a: a.time.phases[name], b: b.time.phases[name] }))
          .filter((one) => one.a !== 0 || one.b !== 0),
        configuration: differences(before?.configuration, after?.configuration),
        findings: { onlyA: only(mine, others), onlyB: only(others, mine) },
        outcomes: moves,
        records,
      }
    },

    beforeImages: async ({ params }) => {
      const run = await existing(params.id)
      const pages = exportLedger(database, { link: run.linkId, run: run.id, kind: 'write' })
      return { type: 'text/csv; charset=utf-8', fileName: `before-${run.id}.csv`, chunks: beforeImages(pages) }
    },

    runHistory: ({ params }) => keptHistory(params.id),

    runExecution: async ({ params }) => {
      const { executions } = await keptHistory(params.id)
      const chosen = executions[Number(params.execution) - 1]
      if (chosen === undefined)
        throw new ApiProblem(404, 'no-history', `The run has no execution ${params.execution}.`, {
          remedy: `Ask for one from 1 to ${executions.length}.`,
        })
      return { events: chosen.events }
    },

    linkHours: async ({ params, query }) => {
      if ((await getLink(database, params.id)) === null) throw notFound('link', params.id)
      const to = query.to === undefined ? Date.now() : Date.parse(query.to)
      const from = query.from === undefined ? to - 24 * hourMs : Date.parse(query.from)
      if (from >= to || to - from > mostDays * 24 * hourMs)
        throw new ApiProblem(
          400,
          'invalid-request',
          `The time from ${query.from ?? 'a day before'} to ${query.to ?? 'now'} is no such period.`,
          {
            remedy: `Name a period of at most ${mostDays} days, its beginning first.`,
            errors: [{ pointer: '/query/from', message: `must lie before \`to\`, by at most ${mostDays} days` }],
          },
        )
      const iso = (ms: number) => new Date(ms).toISOString()
      const hours = await listWatchedHours(database, { linkId: params.id, from: iso(from), to: iso(to) })
      const items = hours.map((hour) => ({ ...hour, verdict: verdictOf(hour) }))
      const verdicts: Record<string, number> = {}
      for (const { verdict } of items) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1
      return { items, verdicts }
    },
  }
}

/** Why there is no history, and what to do. */
const noHistory: Record<Exclude<StoredHistory['state'], 'kept'>, [words: string, remedy: string]> = {
  running: ['The run goes on.', 'Its history is kept when it is over; until then look at it in the Temporal UI.'],
  due: ['The history of the run is not kept yet.', 'It is kept within a minute after the end of the run; try again.'],
  lost: ['Temporal had forgotten the history before it could be kept.', 'The log of the run tells what it did.'],
  over: [
    'The history is not kept any more.',
    'It was older than it is to be kept, see /retention. The log of the run tells what it did.',
  ],
  none: ['The run was cancelled before it began, so that it has no history.', 'Nothing to do.'],
}

function findingKey({ check, severity, side, message }: Finding): string {
  return JSON.stringify([check, severity, side, message])
}
