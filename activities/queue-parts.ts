import type { ListsParts } from '../connectors/contract.ts'
import { allEnded } from '../connectors/limiter.ts'
import { type NotedParts, type PartKind, partKinds } from '../core/parts.ts'
import type { Store } from '../core/store.ts'
import type { Side } from '../core/values.ts'
import { mapsType, type Workbench } from './connections.ts'

interface QueuePartsInput {
  linkId: string
  side: Side
  /** What came or changed since then; null: all. */
  since: string | null
  /** How many there were at the last look; null: nobody has looked. */
  known: Readonly<Record<PartKind, NotedParts | null>>
  /** Ends when the scan has queued the records themselves. */
  recordsQueued: Promise<void>
}

/** Milliseconds after which what the last look noted is noted anew though nothing has changed; it bounds what `queueLostParts` reads. */
const noteAfterMs = 600_000

/**
 * Queues the records of a side whose files or comments have changed, where the link carries such: one that comes, changes or goes
 * need not change its record. What is listed is held against what the pairs know, so that it does not matter who looked
 * before. One that was taken away leaves no trace, but there is one less than there should be: then all are listed. One that came
 * since the last look and is gone again changes no count; what the pairs have learnt meanwhile tells of it. Nothing is queued
 * before `recordsQueued`: a record that was queued for its parts would not be noticed as one that escaped earlier scans.
 */
export async function queueParts(
  store: Pick<Store, 'queueForParts' | 'queueLostParts' | 'noteParts'>,
  bench: Workbench,
  { linkId, side, since, known, recordsQueued }: QueuePartsInput,
  call: { signal?: AbortSignal },
): Promise<void> {
  const { entityType } = bench.link.configuration[side]
  const queueKind = async (kind: PartKind) => {
    const lists = listedBy(bench, side, kind)
    if (lists === undefined) return
    const began = performance.now()
    const before = known[kind]
    // Counted before the listing: what happens in between is counted, or listed, by the next look.
    const totals = await lists.totals(entityType, before?.highest ?? null, call)
    const fewer = totals !== null && before !== null && totals.count < before.count + totals.above
    const from = fewer ? null : since
    const listed: string[] = []
    let after: string | null = null
    do {
      const page: Awaited<ReturnType<typeof lists.listed>> = await lists.listed(entityType, from, after, call)
      const all = from === null && after === null && page.range === null
      const { parts, ids, range } = page
      await recordsQueued
      await store.queueForParts({ linkId, side, kind, parts, ids, range, all })
      for (const { id } of parts) if (Number(id) > Number(before?.highest ?? 0)) listed.push(id)
      after = page.next
    } while (after !== null)
    if (totals === null) return
    const { count, highest } = totals
    if (before !== null && from !== null)
      await store.queueLostParts({
        linkId,
        side,
        kind,
        above: before.highest,
        listed,
        agoMs: performance.now() - began,
      })
    const stale = before?.agoMs === null || (before?.agoMs ?? 0) > noteAfterMs
    if (stale || before?.count !== count || before.highest !== highest)
      await store.noteParts({ linkId, side, kind, count, highest, agoMs: performance.now() - began })
  }
  await allEnded(partKinds.map(queueKind))
}

/** Undefined: the link carries none, or a change of them is one of the record. */
function listedBy(bench: Workbench, side: Side, kind: PartKind): ListsParts | undefined {
  const { attachments, comments } = bench.connectors[side]
  if (kind === 'files') return mapsType(bench, side, 'attachments') ? attachments : undefined
  return comments?.oneText === false && mapsType(bench, side, 'comments') ? comments : undefined
}
