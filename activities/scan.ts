import { Context } from '@temporalio/activity'
import { ConnectorError, type ScanRow } from '../connectors/contract.ts'
import { allEnded } from '../connectors/limiter.ts'
import type { LogLine } from '../core/run-log.ts'
import { isBefore, secondsBetween } from '../core/server-time.ts'
import type { Store } from '../core/store.ts'
import type { Side } from '../core/values.ts'
import type { PendingReason } from '../core/work-items.ts'
import type { Connections, Workbench } from './connections.ts'
import { createEditAge } from './edit-age.ts'
import { guardedStep } from './failures.ts'
import { watchPeople } from './people-watch.ts'
import { queueParts } from './queue-parts.ts'
import { listed, restoredError } from './reconcile/restored.ts'
import { lookAtClock } from './scan-clock.ts'
import { watchSchema } from './schema-watch.ts'
import { queueArrivals } from './scope.ts'

export interface ScanInput {
  linkId: string
  runId: string | null
  version: number
  side: Side
  /** `changes`: what was modified since T. `all`: every record, to find what no change feed told. */
  extent: 'changes' | 'all'
}

export interface ScanStepInput extends Omit<ScanInput, 'extent'> {
  /** `foreseen`: `all` where the link carries deletions over, which only listings prove, so that a simulation shows them. */
  extent: ScanInput['extent'] | 'foreseen'
}

export interface ScanResult {
  rows: number
  queued: number
  /** Changes that only a complete listing found. */
  escaped: number
  /** Paired records that a complete listing lacks. */
  absent: number
  /** True: so many are absent at once that nothing is done about them until somebody agrees. */
  braked: boolean
}

/**
 * So many of the highest numbers gone at once, with the newest change gone as well, is a restored endpoint; fewer may be
 * records that somebody created and deleted again, which listings and look-ups by id tell.
 */
const vanishedTogether = 3

/**
 * Finds which records of a side may have changed and queues them. It asks for the newest time H first, lists
 * `modified >= T` in id order (offsets over a moving order skip rows), queues each page as it comes, and only then sets
 * T := H - overlap. A retry starts over: queueing the same row twice is nothing new. A complete listing is evidence for what
 * is gone and for what had escaped the scans for changes. A side whose newest time lies below the one we saw is listed
 * whole: either its newest record was deleted, or the endpoint went back in time, which stops the link before any write. Where
 * only its clock went back (docs/decisions/0005), T follows.
 */
export async function scanSide(
  store: Store,
  bench: Workbench,
  input: ScanInput,
  onPage: (rows: number) => void,
  signal?: AbortSignal,
): Promise<ScanResult> {
  const { linkId, side, runId } = input
  const { configuration } = bench.link
  const { tuning, brake } = configuration
  const { entityType } = configuration[side]
  const types = configuration.types.flatMap((type) => type[side].values)
  const connector = bench.connectors[side]
  const call = signal === undefined ? {} : { signal }
  const asked = performance.now()
  const position = await store.scanPosition(linkId, side)
  if (position.restored !== null)
    throw new ConnectorError({ ...restoredError(bench, side, '').problem, message: position.restored })
  const stopped = async (what: string) => {
    const error = restoredError(bench, side, what)
    await store.markRestored({ linkId, side, runId, message: error.message })
    return error
  }
  let highestId: number | null = null
  const newest = await connector.newest(entityType, call)
  const wentBack = isBefore(newest, position.newest)
  const clock = lookAtClock({ connector, position, newest, wentBack, configured: tuning.overlapSeconds, asked })
  const extent = wentBack || clock.whole ? 'all' : input.extent
  const listing = extent === 'all' ? await store.beginListing({ linkId, side, runId }) : null
  const from = rescanStart(clock.since, position.rescanFrom)
  const reason: PendingReason = extent === 'all' ? 'full-scan' : 'scan'
  const result: ScanResult = { rows: 0, queued: 0, escaped: 0, absent: 0, braked: false }
  const escapedBehind = (at: string) => (position.since === null ? 0 : secondsBetween(at, position.since))
  /** What lies before T was not listed because it came late, but because somebody wanted it read again. */
  const isReadAgain = (at: string) => position.rescanFrom !== null && isBefore(at, position.since)
  const agesNow = createEditAge(connector, position, asked)
  let lateness = 0
  let escapedAt: string | null = null
  let afterId: string | null = null
  const pageAfter = (id: string | null) =>
    connector.scan(
      {
        entityType,
        since: extent === 'all' ? null : from,
        ...(types.length === 0 ? {} : { types }),
        afterId: id,
        limit: connector.capabilities.maxScanPage,
      },
      call,
    )
  const listRecords = async () => {
    let ahead = pageAfter(null)
    for (;;) {
      const page: Awaited<ReturnType<typeof connector.scan>> = await ahead
      afterId = page.rows[page.rows.length - 1]?.id ?? afterId
      if (!page.last) {
        // The next page is on its way while this one is queued. Should that fail, nobody waits for it.
        ahead = pageAfter(afterId)
        ahead.catch(() => undefined)
      }
      if (page.rows.length > 0) {
        const record = (rows: readonly ScanRow[]) => {
          const editedAgo = agesNow()
          return store.recordScanPage({
            linkId,
            side,
            runId,
            reason,
            rows: rows.map(({ id, stamp, created = null }) => ({
              id,
              stamp,
              created,
              editedAgoMs: editedAgo(stamp.modified),
            })),
            createdFixed: connector.capabilities.creationTime === 'fixed',
            ...(listing === null ? {} : listing),
          })
        }
        const recorded = await record(page.rows)
        const suspicious = [...recorded.regressed, ...(position.accepted ? [] : recorded.reused)]
        if (suspicious.length > 0) {
          // A page may be older than a write of ours that was committed meanwhile: only what is read now counts.
          const now = await connector.read(entityType, suspicious, [], call)
          const again = await record(now)
          if (again.regressed.length > 0)
            throw await stopped(`${listed(again.regressed)} show an older version than was seen before`)
          if (again.reused.length > 0 && !position.accepted)
            throw await stopped(`${listed(again.reused)} were created at another time than those known by these ids`)
        }
        const modified = new Map(page.rows.map((row) => [row.id, row.stamp.modified]))
        for (const id of recorded.unannounced) {
          const at = modified.get(id)
          if (at === undefined || at === null) continue
          if (extent === 'all' && escapedBehind(at) > 0) {
            result.escaped++
            if (escapedAt === null || isBefore(escapedAt, at)) escapedAt = at
          } else if (position.newest !== null && !isReadAgain(at))
            lateness = Math.max(lateness, secondsBetween(at, position.newest))
        }
        for (const { id } of page.rows) if (/^\d+$/.test(id)) highestId = Math.max(highestId ?? 0, Number(id))
        result.rows += page.rows.length
        result.queued += recorded.queued.length
      }
      onPage(result.rows)
      if (page.last) break
    }
  }
  const recordsQueued = listRecords()
  const partsSince = extent === 'all' ? null : from
  const parts = { linkId, side, since: partsSince, known: position.parts, recordsQueued }
  // Files and comments are asked for meanwhile.
  await allEnded([recordsQueued, queueParts(store, bench, parts, call)])
  if (extent === 'all') await queueArrivals(store, bench, side, call)
  if (listing !== null) {
    const { absent, aboveHighest, braked } = await store.finishListing({
      ...listing,
      linkId,
      side,
      rows: result.rows,
      highestId,
      escaped: result.escaped,
      graceSeconds: tuning.goneAfterSeconds,
      mostAbsent: brake.deletions,
    })
    if (wentBack && aboveHighest >= vanishedTogether)
      throw await stopped(
        `its newest change (${newest}) lies before ${position.newest}, and ${aboveHighest} known records with higher numbers than ${highestId} are gone`,
      )
    result.absent = absent
    result.braked = braked
  }
  const settled = clock.after({ lateness, escaped: result.escaped, escapedAt })
  if (newest !== null && settled !== null)
    await store.finishScan({ linkId, side, newest, highestId, rescanned: position.rescanFrom, ...settled })
  return result
}

/** Where a scan starts that is to read the side again from a time; null: at the beginning. */
function rescanStart(since: string | null, rescanFrom: string | null): string | null {
  if (rescanFrom === null) return since
  return rescanFrom === '' ? null : isBefore(rescanFrom, since) ? rescanFrom : since
}

function scanLine(endpoint: string, extent: ScanInput['extent'], result: ScanResult): LogLine {
  const { rows, queued, escaped, absent, braked } = result
  return {
    level: braked ? 'warning' : 'info',
    category: 'scan',
    message: [
      `${endpoint}: ${rows} ${extent === 'all' ? 'records listed' : 'changed records listed'}, ${queued} due.`,
      ...(escaped === 0 ? [] : [`${escaped} changes had escaped earlier scans.`]),
      ...(absent === 0 ? [] : [`${absent} paired records are missing.`]),
      ...(braked ? ['So many are missing at once that nothing is done about them until somebody agrees.'] : []),
    ].join(' '),
  }
}

function foreseenExtent({ link: { configuration } }: Workbench): ScanInput['extent'] {
  const { rules, types } = configuration
  const deletes = [rules, ...types.flatMap((type) => type.rules ?? [])].some(
    ({ toRight, toLeft }) => toRight.delete !== 'nothing' || toLeft.delete !== 'nothing',
  )
  return deletes ? 'all' : 'changes'
}

export function createScan({ store, connections }: { store: Store; connections: Connections }) {
  /** One side's scan as a step of a run; heartbeats per page. */
  async function scan(input: ScanStepInput): Promise<ScanResult> {
    const { runId, side } = input
    return guardedStep(store, { runId, step: `Scan of the ${side} side` }, async () => {
      const context = Context.current()
      const leads = side === 'left'
      const complete = leads && input.extent === 'all'
      const link = await store.link(input.linkId, input.version)
      const bench = await connections.workbench(link, complete, runId)
      // A simulation plans by fresh descriptions, which are asked for while the side is listed. It asks itself where that fails.
      const described =
        input.extent === 'foreseen'
          ? connections.describe(link[side], link.configuration[side].entityType, true, runId).catch(() => undefined)
          : null
      if (leads) await watchSchema(store, bench, runId)
      if (complete) await watchPeople(store, bench)
      const extent = input.extent === 'foreseen' ? foreseenExtent(bench) : input.extent
      const onPage = (rows: number) => context.heartbeat({ rows })
      const result = await scanSide(store, bench, { ...input, extent }, onPage, context.cancellationSignal)
      await described
      if (runId !== null) await store.logRun({ runId, lines: [scanLine(bench.link[side].name, extent, result)] })
      return result
    })
  }
  return { scan }
}
