import { crossReference } from '../../core/endpoint.ts'
import type { FieldMapping } from '../../core/link-config.ts'
import type { References } from '../../core/references.ts'
import type { Store } from '../../core/store.ts'
import { otherSide, type RecordSnapshot, type Side, sameValue } from '../../core/values.ts'
import type { Workbench } from '../connections.ts'

export interface FindTwinsInput {
  bench: Workbench
  store: Pick<Store, 'referred'>
  from: Side
  /** Records of `from` whose twins are looked for. */
  sources: readonly RecordSnapshot[]
  references: References
  call: { signal?: AbortSignal }
}

/**
 * Looks up what may already be the twin of each source, in one request or few: by the cross-reference that names the source,
 * or, where the other side has no field for one, by the values that tell its records apart.
 */
export async function findTwins(input: FindTwinsInput): Promise<Map<string, RecordSnapshot[]>> {
  const { bench, from, sources, call } = input
  if (sources.length === 0) return new Map()
  const to = otherSide(from)
  const { entityType, crossReference: field } = bench.link.configuration[to]
  if (field === null) return findByValues(input)
  const found = await bench.connectors[to].find(
    entityType,
    field,
    sources.map((source) => nameOf(bench, from, source.id)),
    bench.planner.fieldsToRead(to),
    call,
  )
  const byName = grouped(found, (match) => String(match.fields[field] ?? ''))
  return new Map(sources.map((source) => [source.id, byName.get(nameOf(bench, from, source.id)) ?? []]))
}

/** Records of the other side that are not paired and hold the same in every field by which records are told apart. */
async function findByValues(input: FindTwinsInput): Promise<Map<string, RecordSnapshot[]>> {
  const { bench, store, from, sources, references, call } = input
  const to = otherSide(from)
  const { configuration } = bench.link
  const keys = configuration.matchBy.flatMap((id) => configuration.fields.find((mapping) => mapping.id === id) ?? [])
  const [first] = keys
  if (first === undefined || first[to] === null) return new Map()
  const searched = first[to]
  const translated = (mapping: FieldMapping, source: RecordSnapshot) => {
    const value = mapping[from] === null ? undefined : source.fields[mapping[from]]
    const planned = value === undefined ? null : bench.planner.translate(mapping, from, source, value, references)
    return planned?.ok === true ? planned.value : undefined
  }
  const values = sources.flatMap((source) => {
    const value = translated(first, source)
    return value === undefined || value === null ? [] : [String(value)]
  })
  if (values.length === 0) return new Map()
  const found = await bench.connectors[to].find(
    configuration[to].entityType,
    searched,
    [...new Set(values)],
    bench.planner.fieldsToRead(to),
    call,
  )
  const kind = configuration.entityType
  const states = await store.referred({
    linkId: bench.link.id,
    side: to,
    records: found.map(({ id }) => ({ kind, id })),
  })
  const free = found.filter((_match, index) => states[index]?.state !== 'paired')
  return new Map(
    sources.map((source) => {
      const type = bench.planner.kindOf(from, source)?.type ?? null
      const own = keys.filter((mapping) => mapping.types === undefined || mapping.types.includes(type?.id ?? ''))
      const same = (match: RecordSnapshot) =>
        (bench.planner.kindOf(to, match)?.type ?? null) === type &&
        own.every((mapping) => {
          const value = translated(mapping, source)
          return value !== undefined && mapping[to] !== null && sameValue(value, match.fields[mapping[to]] ?? null)
        })
      return [source.id, free.filter(same)]
    }),
  )
}

/** The name under which the other side's cross-reference field knows a record of `side`. */
export function nameOf(bench: Workbench, side: Side, id: string): string {
  return crossReference(bench.link[side].address, bench.link.configuration[side].entityType, id)
}

function grouped<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const name = key(item)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [item])
    else group.push(item)
  }
  return groups
}
