import type { FilesMark, Store } from '../core/store.ts'
import type { Side } from '../core/values.ts'
import { mapsType, type Workbench } from './connections.ts'

interface QueueFilesInput {
  linkId: string
  side: Side
  /** Files attached or changed since then; null: all. */
  since: string | null
  /** How many files there were at the last look; null: nobody has looked. */
  known: FilesMark | null
}

/**
 * Queues the records of a side whose files have changed, where the link carries files: a file that comes, changes or goes need
 * not change its record. One that was taken away leaves no trace, but there is one less than there should be: then all are listed.
 */
export async function queueFiles(
  store: Pick<Store, 'queueForFiles' | 'noteFiles'>,
  bench: Workbench,
  { linkId, side, since, known }: QueueFilesInput,
  call: { signal?: AbortSignal },
): Promise<void> {
  const { entityType } = bench.link.configuration[side]
  const files = bench.connectors[side].attachments
  if (files === undefined || !mapsType(bench, side, 'attachments')) return
  // Counted before the listing: what happens in between is counted, or listed, by the next look.
  const totals = await files.totals(entityType, known?.highest ?? null, call)
  const fewer = totals !== null && known !== null && totals.count < known.count + totals.above
  const from = fewer ? null : since
  let after: string | null = null
  do {
    const page: Awaited<ReturnType<typeof files.attached>> = await files.attached(entityType, from, after, call)
    const all = from === null && after === null && page.range === null
    await store.queueForFiles({ linkId, side, files: page.files, ids: page.ids, range: page.range, all })
    after = page.next
  } while (after !== null)
  if (totals === null) return
  const { count, highest } = totals
  if (known?.count !== count || known.highest !== highest) await store.noteFiles({ linkId, side, count, highest })
}
