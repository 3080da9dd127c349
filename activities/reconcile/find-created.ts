import type { OpenIntent } from '../../core/intents.ts'
import { recordTypeMappingId } from '../../core/link-planner.ts'
import type { Problem } from '../../core/problems.ts'
import type { References } from '../../core/references.ts'
import type { Store } from '../../core/store.ts'
import { otherSide, type RecordSnapshot, type Side, sameValue } from '../../core/values.ts'
import type { WorkItem } from '../../core/work-items.ts'
import type { Workbench } from '../connections.ts'
import { eachOnce, type FindTwinsInput, findTwins, search, searchedField } from './find-twins.ts'
import { unreadTypes } from './judge-gone.ts'

/**
 * Looks up the twins of records, and once more and surely where a create would be given up for not having happened. `ownTwin`
 * is known, and not what is looked for.
 */
export async function findCreated({
  records,
  ...common
}: {
  bench: Workbench
  store: Pick<Store, 'referred' | 'siblings'>
  from: Side
  records: readonly { item: WorkItem; source: RecordSnapshot; ownTwin?: string }[]
  references: References
  call: { signal?: AbortSignal }
}): Promise<{ found: ReadonlyMap<string, readonly RecordSnapshot[]>; absent: ReadonlySet<string> }> {
  const sent = new Map(records.map(({ item, source }) => [source.id, openCreate(item)?.fields ?? []]))
  const input = { ...common, sent }
  const own = new Map(records.map(({ source, ownTwin }) => [source.id, ownTwin]))
  const others = (matches: ReadonlyMap<string, RecordSnapshot[]>) =>
    new Map([...matches].map(([id, all]) => [id, all.filter((match) => match.id !== own.get(id))]))
  const found = others(await findTwins({ ...input, sources: records.map(({ source }) => source) }))
  const overdue = records.flatMap(({ item, source }) => {
    const open = openCreate(item)
    const waits = open === undefined || open.ageSeconds < input.bench.link.configuration.tuning.inDoubtSeconds
    const type = open?.fields.find((field) => field.mappingId === recordTypeMappingId)?.sent ?? null
    return waits || (found.get(source.id) ?? []).length > 0
      ? []
      : [{ source, ageSeconds: open.ageSeconds, type: type === null ? null : String(type) }]
  })
  const { twins, complete } = await findTwinsSurely({ ...input, sources: overdue })
  const all = others(twins)
  const absent = new Set([...complete].filter((id) => (all.get(id) ?? []).length === 0))
  return { found: new Map([...found, ...all]), absent }
}

/**
 * Of records without pair, those that an open create may have made: where records carry no reference, they are known by the
 * values that tell records apart, as they were sent. They wait for whoever settles that create.
 */
export async function madeByOpenCreates({
  bench,
  store,
  from,
  records,
}: {
  bench: Workbench
  store: Pick<Store, 'openCreates'>
  from: Side
  records: readonly { source: RecordSnapshot }[]
}): Promise<ReadonlySet<string>> {
  const {
    matchBy,
    [from]: { crossReference },
  } = bench.link.configuration
  if (crossReference !== null || matchBy.length === 0 || records.length === 0) return new Set()
  const open = await store.openCreates({ linkId: bench.link.id, side: from })
  const made = (source: RecordSnapshot) =>
    open.some((create) => {
      const keys = create.fields.filter((field) => matchBy.includes(field.mappingId))
      return keys.length > 0 && keys.every(({ field, sent }) => sameValue(sent, source.fields[field] ?? null))
    })
  return new Set(records.flatMap(({ source }) => (made(source) ? [source.id] : [])))
}

/** The last create that was sent for an item and never answered. */
export function openCreate(item: WorkItem): OpenIntent | undefined {
  return item.intents.filter((one) => one.action === 'create').at(-1)
}

/** So many records that are known to be there are looked up beside those in question. */
const mostWitnesses = 5

/** So many sources are asked for at a time, so that the witnesses stand in the same request. */
const sourcesAtATime = 40

/** Where a side shows no record at all, nothing can bear witness: a record is looked for so many times as long. */
const patienceWithoutWitness = 3

/**
 * Looks for records that an unanswered create may have made, when the time has come to say that it made none. That a look-up
 * lacks them proves nothing: rights may have been lost, or the answer may lack its beginning or its end. It takes two
 * look-ups in opposite orders, each of which finds records that are known to be there, and a record of its type that reads. Answers what was found after all,
 * and for which sources that is surely all there is.
 */
async function findTwinsSurely(
  input: Omit<FindTwinsInput, 'sources' | 'store'> & {
    store: Pick<Store, 'referred' | 'siblings'>
    sources: readonly { source: RecordSnapshot; ageSeconds: number; type: string | null }[]
  },
): Promise<{ twins: Map<string, RecordSnapshot[]>; complete: ReadonlySet<string> }> {
  const { bench, from, store, call } = input
  const to = otherSide(from)
  const twins = new Map<string, RecordSnapshot[]>()
  const complete = new Set<string>()
  const field = searchedField(bench, to)
  if (input.sources.length === 0 || field === null) return { twins, complete }
  const connector = bench.connectors[to]
  const {
    tuning,
    [to]: { entityType },
  } = bench.link.configuration
  const known = await store.siblings({ linkId: bench.link.id, side: to, limit: mostWitnesses })
  const read = known.length === 0 ? [] : await connector.read(entityType, known, [field], call)
  const witnesses = read.flatMap(({ fields }) => {
    const value = fields[field]
    return typeof value === 'string' && value !== '' ? [value] : []
  })
  const shown = read.length > 0 || (known.length === 0 && (await connector.newest(entityType, call)) !== null)
  const types = [...new Set(input.sources.flatMap(({ type }) => type ?? []))]
  const unread = new Set(await unreadTypes(bench, to, types, call))
  for (let start = 0; start < input.sources.length; start += sourcesAtATime) {
    const some = input.sources.slice(start, start + sourcesAtATime)
    const sources = some.map(({ source }) => source)
    const [up, down] = await Promise.all(
      [false, true].map((descending) => search({ ...input, sources }, { witnesses, descending })),
    )
    for (const { source, ageSeconds, type } of some) {
      const found = eachOnce([...(up?.twins.get(source.id) ?? []), ...(down?.twins.get(source.id) ?? [])])
      const isUnread = type !== null && unread.has(type)
      const waited = ageSeconds > patienceWithoutWitness * tuning.inDoubtSeconds
      const provable = (shown && !isUnread) || ((known.length === 0 || isUnread) && waited)
      twins.set(source.id, found)
      if (provable && up?.complete === true && down?.complete === true) complete.add(source.id)
    }
  }
  return { twins, complete }
}

export function unansweredCreate(side: Side): Problem {
  return {
    class: 'in-doubt',
    code: 'create-unanswered',
    message:
      'A create was sent and its answer never came. The record is looked for until it is found or surely was not created.',
    remedy: 'Nothing to do: this settles by itself.',
    side,
  }
}

export function unprovenAbsence(bench: Workbench, side: Side): Problem {
  return {
    ...unansweredCreate(side),
    message: `A create was sent and its answer never came. It is not found, but ${bench.link[side].name} shows none of the records either that are known to be there, or not all of them, so it is not created again.`,
    remedy: 'See whether the integration user may still read all records of this type.',
  }
}
