import type { LinkKind } from '../../core/link-config.ts'
import { fieldByName, type RecordReference } from '../../core/metadata.ts'
import { noReferences, type References, type ReferredRecord, recordIdOf } from '../../core/references.ts'
import type { Store } from '../../core/store.ts'
import { type RecordSnapshot, type Side, sides } from '../../core/values.ts'
import type { ReferredState } from '../../core/work-items.ts'
import type { Workbench } from '../connections.ts'

type Snapshots = Record<Side, ReadonlyMap<string, RecordSnapshot>>

/**
 * Looks up everything that the records of a batch refer to, once: twins in the store, and of records above in the tree
 * their types at the endpoint, since a folder is nothing to wait for.
 */
export async function referencesOf(input: {
  bench: Workbench
  store: Pick<Store, 'referred'>
  snapshots: Snapshots
  call: { signal?: AbortSignal }
}): Promise<References> {
  const { bench, store, snapshots, call } = input
  const [left, right] = await Promise.all(sides.map((side) => referredOn(side)))
  const known: Record<Side, ReadonlyMap<string, ReferredRecord>> = {
    left: left ?? new Map(),
    right: right ?? new Map(),
  }
  if (known.left.size + known.right.size === 0) return noReferences
  return { resolve: (side, to, id) => known[side].get(keyOf(to.kind, recordIdOf(to, id))) ?? { state: 'no-link' } }

  async function referredOn(side: Side): Promise<Map<string, ReferredRecord>> {
    const wanted = referredIds(bench, side, snapshots[side].values())
    if (wanted.size === 0) return new Map()
    const records = [...wanted.values()]
    const [states, types] = await Promise.all([
      store.referred({ linkId: bench.link.id, side, records: records.map(({ kind, id }) => ({ kind, id })) }),
      typesOf(
        side,
        records.filter((record) => record.above).map((record) => record.id),
      ),
    ])
    return new Map(
      records.map((record, index) => [
        keyOf(record.kind, record.id),
        referredRecord(
          states[index] ?? { state: 'no-link' },
          record.above ? (types.get(record.id) ?? null) : undefined,
        ),
      ]),
    )
  }

  /** The type pair of each record above: those that cannot be read, or are of no mapped type, are missing. */
  async function typesOf(side: Side, ids: readonly string[]): Promise<Map<string, string>> {
    const typeField = bench.metadata[side].entity.recordTypes?.field
    if (ids.length === 0 || typeField === undefined) return new Map()
    const unread = ids.filter((id) => !snapshots[side].has(id))
    const read =
      unread.length === 0
        ? []
        : await bench.connectors[side].read(bench.link.configuration[side].entityType, unread, [typeField], call)
    const all = [...read, ...ids.flatMap((id) => snapshots[side].get(id) ?? [])]
    return new Map(
      all.flatMap((snapshot) => {
        const type = bench.planner.kindOf(side, snapshot)?.type
        return type === undefined || type === null ? [] : [[snapshot.id, type.id] as const]
      }),
    )
  }
}

/** `type`: of a record above; null: of no mapped type. Undefined: not a record above. */
function referredRecord(state: ReferredState, type: string | null | undefined): ReferredRecord {
  if (type === null) return { state: 'outside' }
  const withType = type === undefined ? {} : { type }
  if (state.state === 'paired') return { ...state, ...withType }
  if (state.state === 'unpaired') return { state: 'waits', ...withType }
  return { state: state.state }
}

function keyOf(kind: LinkKind, id: string): string {
  return `${kind}:${id}`
}

/** Every record that a mapped field of the snapshots names, by kind and id. */
function referredIds(
  bench: Workbench,
  side: Side,
  snapshots: Iterable<RecordSnapshot>,
): Map<string, { kind: LinkKind; id: string; above: boolean }> {
  const fields = bench.link.configuration.fields.flatMap((mapping) => {
    const [left, right] = sides.map((one) =>
      mapping[one] === null ? undefined : fieldByName(bench.metadata[one].entity, mapping[one]),
    )
    const own = side === 'left' ? left : right
    return own?.refersTo === undefined ||
      !bench.link.kinds.includes(own.refersTo.kind) ||
      left?.refersTo?.kind !== right?.refersTo?.kind
      ? []
      : [{ name: own.name, to: own.refersTo satisfies RecordReference, above: own.hierarchy !== undefined }]
  })
  const wanted = new Map<string, { kind: LinkKind; id: string; above: boolean }>()
  if (fields.length === 0) return wanted
  for (const snapshot of snapshots)
    for (const { name, to, above } of fields) {
      const value = snapshot.fields[name]
      if (value === null || value === undefined) continue
      for (const item of Array.isArray(value) ? (value as readonly string[]) : [value]) {
        const id = recordIdOf(to, String(item))
        wanted.set(keyOf(to.kind, id), { kind: to.kind, id, above })
      }
    }
  return wanted
}
