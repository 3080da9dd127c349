import { Context } from '@temporalio/activity'
import { type CallOptions, ConnectorError } from '../connectors/contract.ts'
import { type AdoptionMethod, type AdoptionRecord, adoptedFields, adoptionKey, idInField } from '../core/adoption.ts'
import type { FieldMapping } from '../core/link-config.ts'
import { fieldByName } from '../core/metadata.ts'
import { noReferences } from '../core/references.ts'
import type { Store } from '../core/store.ts'
import { type CanonicalValue, otherSide, type RecordSnapshot, type Side, sides } from '../core/values.ts'
import type { Connections, Workbench } from './connections.ts'
import { guardedStep } from './failures.ts'
import { referencesOf } from './reconcile/references.ts'
import { outOfScope, scopeOf } from './scope.ts'

/** So many matched pairs are read and compared at a time. */
const comparedAtOnce = 100
const longestTitle = 200

/**
 * Lists both sides page by page, has the store find the twins, and tells of each pair what would become of its fields.
 * Writes nothing to either side; cut off, it begins anew.
 */
export function createAdopt({ store, connections }: { store: Store; connections: Connections }) {
  async function listAdoption(input: { linkId: string; runId: string; version: number }): Promise<void> {
    await guardedStep(store, { runId: input.runId, step: 'Listing what exists' }, async () => {
      const context = Context.current()
      const call = { signal: context.cancellationSignal }
      const bench = await connections.workbench(await store.link(input.linkId, input.version), true)
      const begun = await store.beginAdoptionListing(input)
      if (begun === null) return
      const { adoptionId, settings } = begun
      assertFields(bench, settings)
      for (const side of sides)
        await listSide(bench, store, { adoptionId, settings, side }, (rows) => context.heartbeat({ side, rows }), call)
      await store.matchAdoption({ adoptionId })
      let compared = 0
      for (let after: string | null = null; ; ) {
        const pairs: Awaited<ReturnType<Store['adoptionMatches']>> = await store.adoptionMatches({
          adoptionId,
          after,
          limit: comparedAtOnce,
        })
        if (pairs.length === 0) break
        await store.saveAdoptionFields({ adoptionId, items: await compare(bench, store, pairs, call) })
        compared += pairs.length
        context.heartbeat({ compared })
        after = pairs[pairs.length - 1]?.left ?? null
      }
      await store.finishAdoptionListing({ adoptionId, version: input.version })
    })
  }
  return { listAdoption }
}

/** Throws where what the records are to be told by is not there. */
function assertFields(bench: Workbench, settings: AdoptionMethod): void {
  const refuse = (message: string, remedy: string) => {
    throw new ConnectorError({ class: 'mapping', code: 'unknown-field', message, remedy })
  }
  if (settings.method === 'field') {
    const { side, field } = settings
    if (fieldByName(bench.metadata[side].entity, field) === undefined)
      refuse(
        `${bench.link[side].name} has no field "${field}".`,
        'Name the field that holds the ids, as its API calls it.',
      )
  }
  if (settings.method === 'keys')
    for (const id of settings.mappings)
      if (
        !bench.link.configuration.fields.some(
          (mapping) => mapping.id === id && mapping.left !== null && mapping.right !== null,
        )
      )
        refuse(
          `The link has no mapping "${id}" of two fields.`,
          'Name mappings of the link, as "link show" lists them.',
        )
}

function keyMappings(bench: Workbench, settings: AdoptionMethod): FieldMapping[] {
  if (settings.method !== 'keys') return []
  const { fields } = bench.link.configuration
  return settings.mappings.flatMap((id) => fields.find((mapping) => mapping.id === id) ?? [])
}

async function listSide(
  bench: Workbench,
  store: Store,
  { adoptionId, settings, side }: { adoptionId: string; settings: AdoptionMethod; side: Side },
  onPage: (rows: number) => void,
  call: CallOptions,
): Promise<void> {
  const { configuration } = bench.link
  const connector = bench.connectors[side]
  const { entityType, crossReference } = configuration[side]
  const types = configuration.types.flatMap((type) => type[side].values)
  const typeField = bench.metadata[side].entity.recordTypes?.field
  const keys = keyMappings(bench, settings)
  const restricted = scopeOf(bench, side) !== null
  const idField = settings.method === 'field' && settings.side === side ? settings.field : null
  const fields = [
    ...new Set(
      ['name', crossReference, idField, typeField ?? null, ...keys.map((mapping) => mapping[side])].filter(
        (name): name is string => name !== null && fieldByName(bench.metadata[side].entity, name) !== undefined,
      ),
    ),
  ]
  let afterId: string | null = null
  let rows = 0
  for (;;) {
    const page: Awaited<ReturnType<typeof connector.scan>> = await connector.scan(
      {
        entityType,
        since: null,
        ...(types.length === 0 ? {} : { types }),
        afterId,
        limit: connector.capabilities.maxScanPage,
      },
      call,
    )
    const ids = page.rows.map(({ id }) => id)
    if (ids.length > 0) {
      const [snapshots, outside] = await Promise.all([
        connector.read(entityType, ids, fields, call),
        restricted ? outOfScope(bench, side, ids, call) : Promise.resolve(null),
      ])
      const records = snapshots.map((snapshot) => ({
        ...recordOf(bench, side, snapshot, { idField, keys }),
        inScope: outside === null ? null : !outside.has(snapshot.id),
      }))
      await store.saveAdoptionRecords({ adoptionId, side, records })
    }
    rows += ids.length
    onPage(rows)
    afterId = ids[ids.length - 1] ?? afterId
    if (page.last || ids.length === 0) return
  }
}

function recordOf(
  bench: Workbench,
  side: Side,
  snapshot: RecordSnapshot,
  { idField, keys }: { idField: string | null; keys: readonly FieldMapping[] },
): Omit<AdoptionRecord, 'inScope'> {
  const { configuration } = bench.link
  const other = otherSide(side)
  const { crossReference } = configuration[side]
  const idOf = (value: CanonicalValue) => idInField(bench.link[other].address, configuration[other].entityType, value)
  const value = idField === null ? null : (snapshot.fields[idField] ?? null)
  const ref = idOf(value)
  const named = crossReference === null ? null : (snapshot.fields[crossReference] ?? null)
  const kind = bench.planner.kindOf(side, snapshot)
  const type = kind === null ? null : (kind.type?.id ?? '')
  return {
    id: snapshot.id,
    title: String(snapshot.fields.name ?? '').slice(0, longestTitle),
    type,
    ref: ref ?? null,
    unreadable: ref === undefined ? String(value).slice(0, 100) : null,
    key: type === null || keys.length === 0 ? null : keyOf(bench, side, snapshot, type, keys),
    // What it holds instead of an id says nothing about a twin.
    names: crossReference === idField ? null : (idOf(named) ?? null),
  }
}

/** Both sides' values in the form of the right one; null where one has no counterpart. */
function keyOf(
  bench: Workbench,
  side: Side,
  snapshot: RecordSnapshot,
  type: string,
  keys: readonly FieldMapping[],
): string | null {
  const values: CanonicalValue[] = []
  for (const mapping of keys) {
    if (mapping.types !== undefined && !mapping.types.includes(type)) continue
    const value = mapping[side] === null ? null : (snapshot.fields[mapping[side]] ?? null)
    if (side === 'right' || value === null) {
      values.push(value)
      continue
    }
    const there = bench.planner.translate(mapping, 'left', snapshot, value, noReferences)
    // Somebody without twin, or whom the default user stands for, tells no record from another.
    if (!there.ok || there.warning !== undefined) return null
    values.push(there.value)
  }
  return adoptionKey(type, values)
}

/** What would become of the fields of matched pairs: two bulk reads, and nothing is kept of the values. */
async function compare(
  bench: Workbench,
  store: Store,
  pairs: readonly { left: string; right: string }[],
  call: CallOptions,
): Promise<Parameters<Store['saveAdoptionFields']>[0]['items']> {
  const { configuration } = bench.link
  const [left, right] = await Promise.all(
    sides.map(async (side) => {
      const ids = pairs.map((pair) => pair[side])
      const found = await bench.connectors[side].read(
        configuration[side].entityType,
        ids,
        bench.planner.fieldsToRead(side),
        call,
      )
      return new Map(found.map((snapshot) => [snapshot.id, snapshot]))
    }),
  )
  if (left === undefined || right === undefined) throw new Error('a link has two sides')
  const references = await referencesOf({ bench, store, snapshots: { left, right }, call })
  return pairs.flatMap((pair) => {
    const twins = { left: left.get(pair.left), right: right.get(pair.right) }
    if (twins.left === undefined || twins.right === undefined) return []
    const input = { left: twins.left, right: twins.right, base: {}, seen: { left: null, right: null }, references }
    const fields = adoptedFields(
      configuration.fields,
      bench.planner.planPair({ ...input, adopting: 'ask' }),
      bench.planner.planPair({ ...input, adopting: 'policy' }),
    )
    return [{ left: pair.left, fields: Object.fromEntries([...fields].filter(([, what]) => what !== 'equal')) }]
  })
}
