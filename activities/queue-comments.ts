import type { PartsPage } from '../connectors/contract.ts'
import type { Store } from '../core/store.ts'
import type { Side } from '../core/values.ts'
import { mapsType, type Workbench } from './connections.ts'

/**
 * What the last scan for changes was told and has queued, by link and side: comments that do not change their
 * record are told again as long as no younger record moves the time, our own among them. A process that begins anew
 * looks at them once more.
 */
const queuedBefore = new Map<string, { version: number; marks: ReadonlySet<string> }>()

/** A new comment need not change its record: who has one is asked for by itself, where the link carries such. */
export async function queueComments(
  store: Pick<Store, 'queueForComments'>,
  bench: Workbench,
  { linkId, side, since, readAgain }: { linkId: string; side: Side; since: string | null; readAgain: boolean },
  call: { signal?: AbortSignal },
): Promise<void> {
  const { configuration, version } = bench.link
  const { comments } = bench.connectors[side]
  // Where comments are a text of the record, a change of them is one of the record.
  if (comments === undefined || comments.oneText || !mapsType(bench, side, 'comments')) return
  const key = `${linkId} ${side}`
  const before = queuedBefore.get(key)
  const known = readAgain || since === null || before?.version !== version ? undefined : before.marks
  const marks = new Set<string>()
  let after: string | null = null
  do {
    const page: PartsPage = await comments.commented(configuration[side].entityType, since, after, call)
    const ids = page.ids.filter((id, index) => {
      const mark = page.marks?.[index]
      if (mark === undefined || mark === null) return true
      marks.add(`${id} ${mark}`)
      return known?.has(`${id} ${mark}`) !== true
    })
    const whole = since === null
    await store.queueForComments({ linkId, side, ids, all: whole && after === null, news: !whole })
    after = page.next
  } while (after !== null)
  if (since !== null) queuedBefore.set(key, { version, marks })
}
