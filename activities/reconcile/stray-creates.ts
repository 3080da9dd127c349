import type { OpenIntent, SettledIntent } from '../../core/intents.ts'
import type { References } from '../../core/references.ts'
import type { Store } from '../../core/store.ts'
import { otherSide, type RecordSnapshot, type Side, sides } from '../../core/values.ts'
import type { WorkItem } from '../../core/work-items.ts'
import type { Workbench } from '../connections.ts'
import { findCreated } from './find-created.ts'
import { notApplied, settledCreation } from './settle.ts'

/** What became of the creates that are open about pairs whose records are both there, by intent; null: not known yet. */
export type StrayCreates = ReadonlyMap<string, SettledIntent | null>

/**
 * Creates that nobody answered and whose source has a twin all the same: the record that was to be created anew came back, or
 * the number of their source belongs to another record since its endpoint was restored. Whoever names the source beside its
 * twin is what they made; it is left as it is for a person.
 */
export async function strayCreates(input: {
  bench: Workbench
  store: Pick<Store, 'referred' | 'siblings'>
  items: readonly WorkItem[]
  snapshots: Record<Side, ReadonlyMap<string, RecordSnapshot>>
  references: References
  call: { signal?: AbortSignal }
}): Promise<StrayCreates> {
  const { items, snapshots, ...common } = input
  const outcomes = new Map<string, SettledIntent | null>()
  for (const from of sides) {
    const to = otherSide(from)
    const open = items.flatMap((item) => {
      const source = item.pair === null ? undefined : snapshots[from].get(item.pair[from].id)
      const twin = item.pair === null ? undefined : snapshots[to].get(item.pair[to].id)
      const creates = item.intents.filter((intent) => intent.action === 'create' && intent.side === to)
      return source === undefined || twin === undefined || creates.length === 0
        ? []
        : [{ item, source, ownTwin: twin.id, creates }]
    })
    if (open.length === 0) continue
    const { found, absent } = await findCreated({ ...common, from, records: open })
    for (const { source, creates } of open) {
      const strays = found.get(source.id) ?? []
      for (const create of creates) outcomes.set(create.id, outcomeOf(create, strays, creates, absent.has(source.id)))
    }
  }
  return outcomes
}

function outcomeOf(
  create: OpenIntent,
  strays: readonly RecordSnapshot[],
  creates: readonly OpenIntent[],
  surelyAbsent: boolean,
): SettledIntent | null {
  const [stray, another] = strays
  if (stray === undefined) return surelyAbsent ? notApplied(create.id) : null
  if (another === undefined && creates.length === 1) return settledCreation(create, stray)
  return { ...notApplied(create.id), outcome: 'unknown' }
}
