import { crossReference } from '../../core/endpoint.ts'
import type { IntentField } from '../../core/intents.ts'
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
  /**
   * What was sent for sources whose create is open: where twins are found by their values, by what they were created with,
   * whatever has become of the source since.
   */
  sent?: ReadonlyMap<string, readonly IntentField[]>
  call: { signal?: AbortSignal }
}

/**
 * Looks up what may already be the twin of each source, in one request or few: by the cross-reference that names the source,
 * or, where the other side has no field for one, by the values that tell its records apart.
 */
export async function findTwins(input: FindTwinsInput): Promise<Map<string, RecordSnapshot[]>> {
  return input.sources.length === 0 ? new Map() : (await search(input)).twins
}

/** The field of the other side by which twins are looked up; null: there is none. */
export function searchedField(bench: Workbench, to: Side): string | null {
  const { fields, matchBy, [to]: side } = bench.link.configuration
  return side.crossReference ?? fields.find((mapping) => mapping.id === matchBy[0])?.[to] ?? null
}

/** What is asked for in the same request, and in which order the answer comes. */
interface Beside {
  /** Values of the searched field that records of the other side are known to hold. */
  witnesses: readonly string[]
  descending: boolean
}

interface Search {
  twins: Map<string, RecordSnapshot[]>
  /** Every witness was found as well. */
  complete: boolean
}

/** What `findTwins` does, with something asked for beside it. */
export async function search(
  input: FindTwinsInput,
  beside: Beside = { witnesses: [], descending: false },
): Promise<Search> {
  const { bench, from, sources, call } = input
  const to = otherSide(from)
  const { entityType, crossReference: field } = bench.link.configuration[to]
  if (field === null) return searchByValues(input, beside)
  const found = await bench.connectors[to].find(
    entityType,
    field,
    [...sources.map((source) => nameOf(bench, from, source.id)), ...beside.witnesses],
    bench.planner.fieldsToRead(to),
    { ...call, descending: beside.descending },
  )
  const byName = grouped(eachOnce(found), (match) => String(match.fields[field] ?? ''))
  return {
    twins: new Map(sources.map((source) => [source.id, byName.get(nameOf(bench, from, source.id)) ?? []])),
    complete: beside.witnesses.every((value) => byName.has(value)),
  }
}

/** A listing that moves under its reader shows a record twice. */
export function eachOnce(found: readonly RecordSnapshot[]): RecordSnapshot[] {
  return [...new Map(found.map((one) => [one.id, one])).values()]
}

/** Records of the other side that are not paired and hold the same in every field by which records are told apart. */
async function searchByValues(input: FindTwinsInput, { witnesses, descending }: Beside): Promise<Search> {
  const { bench, store, from, sources, references, call } = input
  const to = otherSide(from)
  const { configuration } = bench.link
  const keys = configuration.matchBy.flatMap((id) => configuration.fields.find((mapping) => mapping.id === id) ?? [])
  const [first] = keys
  const nothing = { twins: new Map<string, RecordSnapshot[]>(), complete: true }
  if (first === undefined || first[to] === null) return nothing
  const searched = first[to]
  const translated = (mapping: FieldMapping, source: RecordSnapshot) => {
    const created = input.sent?.get(source.id)?.find((field) => field.mappingId === mapping.id)
    if (created !== undefined) return created.sent
    const value = mapping[from] === null ? undefined : source.fields[mapping[from]]
    const planned = value === undefined ? null : bench.planner.translate(mapping, from, source, value, references)
    return planned?.ok === true ? planned.value : undefined
  }
  const values = sources.flatMap((source) => {
    const value = translated(first, source)
    return value === undefined || value === null ? [] : [String(value)]
  })
  if (values.length === 0) return nothing
  const found = eachOnce(
    await bench.connectors[to].find(
      configuration[to].entityType,
      searched,
      [...new Set([...values, ...witnesses])],
      bench.planner.fieldsToRead(to),
      { ...call, descending },
    ),
  )
  const kind = configuration.entityType
  const states = await store.referred({
    linkId: bench.link.id,
    side: to,
    records: found.map(({ id }) => ({ kind, id })),
  })
  const free = found.filter((_match, index) => states[index]?.state !== 'paired')
  const held = new Set(found.map((match) => String(match.fields[searched] ?? '')))
  const twins = new Map(
    sources.map((source) => {
      const type = bench.planner.kindOf(from, source)?.type ?? null
      const own = keys.filter((mapping) => mapping.types === undefined || mapping.types.includes(type?.id ?? ''))
      const same = (match: RecordSnapshot) =>
        (bench.planner.kindOf(to, match)?.type ?? null) === type &&
        own.every((mapping) => {
          const value = translated(mapping, source)
          return value !== undefined && mapping[to] !== null && sameValue(value, match.fields[mapping[to]] ?? null)
        })
      return [source.id, free.filter(same)] as const
    }),
  )
  return { twins, complete: witnesses.every((value) => held.has(value)) }
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
