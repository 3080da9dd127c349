import type { PartsPage } from '../connectors/contract.ts'
import { fieldByName } from '../core/metadata.ts'
import type { Store } from '../core/store.ts'
import type { FieldType, Side } from '../core/values.ts'
import type { Workbench } from './connections.ts'

/**
 * What the last scan for changes was told and has queued, by link, side and kind of part: files and comments that do not change
 * their record are told again as long as no younger record moves the time, our own among them. A process that begins anew
 * looks at them once more.
 */
const queuedBefore = new Map<string, { version: number; marks: ReadonlySet<string> }>()

/** A new file or comment need not change its record: who has one is asked for by itself, where the link carries such. */
export async function queueParts(
  store: Pick<Store, 'queueForParts'>,
  bench: Workbench,
  { linkId, side, since, readAgain }: { linkId: string; side: Side; since: string | null; readAgain: boolean },
  call: { signal?: AbortSignal },
): Promise<void> {
  const { configuration, version } = bench.link
  const { attachments, comments } = bench.connectors[side]
  const isMapped = (type: FieldType) =>
    configuration.fields.some((mapping) => fieldByName(bench.metadata[side].entity, mapping[side] ?? '')?.type === type)
  const feeds = [
    ...(attachments !== undefined && isMapped('attachments')
      ? [{ part: 'files' as const, feed: attachments.attached }]
      : []),
    // Where comments are a text of the record, a change of them is one of the record.
    ...(comments !== undefined && !comments.oneText && isMapped('comments')
      ? [{ part: 'comments' as const, feed: comments.commented }]
      : []),
  ]
  for (const { part, feed } of feeds) {
    const key = `${linkId} ${side} ${part}`
    const before = queuedBefore.get(key)
    const known = readAgain || since === null || before?.version !== version ? undefined : before.marks
    const marks = new Set<string>()
    let after: string | null = null
    do {
      const page: PartsPage = await feed(configuration[side].entityType, since, after, call)
      const ids = page.ids.filter((id, index) => {
        const mark = page.marks?.[index]
        if (mark === undefined || mark === null) return true
        marks.add(`${id} ${mark}`)
        return known?.has(`${id} ${mark}`) !== true
      })
      await store.queueForParts({ linkId, side, part, ids, all: since === null && after === null })
      after = page.next
    } while (after !== null)
    if (since !== null) queuedBefore.set(key, { version, marks })
  }
}
