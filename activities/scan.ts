import { Context } from '@temporalio/activity'
import type { PendingReason, Store } from '../core/store.ts'
import type { Side } from '../core/values.ts'
import type { Connections, Workbench } from './connections.ts'
import { guarded } from './failures.ts'

export interface ScanInput {
  linkId: string
  runId: string | null
  version: number
  side: Side
  /** `changes`: what was modified since T. `all`: every record, to find what no change feed told. */
  extent: 'changes' | 'all'
}

export interface ScanResult {
  rows: number
  queued: number
}

/**
 * Finds which records of a side may have changed and queues them. It asks for the newest time H first, lists
 * `modified >= T` in id order (offsets over a moving order skip rows), queues each page as it comes, and only then sets
 * T := H - overlap. A retry starts over: queueing the same row twice is nothing new.
 */
export async function scanSide(
  store: Store,
  bench: Workbench,
  input: ScanInput,
  onPage: (rows: number) => void,
  signal?: AbortSignal,
): Promise<ScanResult> {
  const { linkId, side, runId, extent } = input
  const { configuration } = bench.link
  const { entityType } = configuration[side]
  const connector = bench.connectors[side]
  const call = signal === undefined ? {} : { signal }
  const position = await store.scanPosition(linkId, side)
  const newest = await connector.newest(entityType, call)
  const reason: PendingReason = extent === 'all' ? 'full-scan' : 'scan'
  const result: ScanResult = { rows: 0, queued: 0 }
  let afterId: string | null = null
  for (;;) {
    const page: Awaited<ReturnType<typeof connector.scan>> = await connector.scan(
      {
        entityType,
        since: extent === 'all' ? null : position.since,
        afterId,
        limit: connector.capabilities.maxScanPage,
      },
      call,
    )
    if (page.rows.length > 0) {
      const recorded = await store.recordScanPage({
        linkId,
        side,
        runId,
        reason,
        rows: page.rows.map(({ id, stamp }) => ({ id, stamp })),
      })
      result.rows += page.rows.length
      result.queued += recorded.queued
      afterId = page.rows[page.rows.length - 1]?.id ?? afterId
    }
    onPage(result.rows)
    if (page.last) break
  }
  if (newest !== null)
    await store.finishScan({
      linkId,
      side,
      newest,
      since: connector.earlier(newest, configuration.tuning.overlapSeconds),
    })
  return result
}

export function createScan({ store, connections }: { store: Store; connections: Connections }) {
  /** One side's scan as a step of a run; heartbeats per page. */
  async function scan(input: ScanInput): Promise<ScanResult> {
    return guarded(async () => {
      const context = Context.current()
      const bench = await connections.workbench(await store.link(input.linkId, input.version))
      return scanSide(store, bench, input, (rows) => context.heartbeat({ rows }), context.cancellationSignal)
    })
  }
  return { scan }
}
