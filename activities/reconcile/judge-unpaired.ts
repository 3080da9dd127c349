import { referencedId } from '../../core/endpoint.ts'
import type { OpenIntent } from '../../core/intents.ts'
import type { References } from '../../core/references.ts'
import type { Store } from '../../core/store.ts'
import { otherSide, type RecordSnapshot, type Side } from '../../core/values.ts'
import type { TwinState, WorkItem } from '../../core/work-items.ts'
import type { Workbench } from '../connections.ts'
import { outOfScope } from '../scope.ts'
import { judgeAdopted } from './adopted.ts'
import { type CreateDecision, type Decision, declined, type PairDecision, type StopDecision, stop } from './decision.ts'
import { findCreated, madeByOpenCreates, openCreate, unansweredCreate, unprovenAbsence } from './find-created.ts'
import { nameOf } from './find-twins.ts'
import type { Snapshots } from './judge.ts'
import { ruleOf } from './judge-gone.ts'
import { copiedReference, severalTwins, undoneTwin, unprovenTwin } from './judge-problems.ts'
import { linkBackComesWithin, lookAgainIn, planPair } from './plan-pair.ts'
import { baseOfCreation, notApplied, settledCreation, settledLinkBack } from './settle.ts'

/** Records of one side of a batch that have no pair, as they were read. */
export interface UnpairedInput {
  bench: Workbench
  store: Pick<Store, 'twins' | 'referred' | 'siblings' | 'openCreates'>
  from: Side
  records: readonly { item: WorkItem; from: Side; source: RecordSnapshot }[]
  snapshots: Snapshots
  readInto(snapshots: Snapshots, side: Side, ids: Iterable<string>): Promise<void>
  references: References
  call: { signal?: AbortSignal }
}

/** Seconds until a record that waits for another worker's create is looked at again. */
export const waitForCreateSeconds = 5

/**
 * A record without pair, in this order: it names a twin: settle or adopt, never create onward; a create from it is open:
 * look for its twin; else it is new. A twin is taken only on proof: our own intent, or references that name each other.
 */
export async function judgeUnpaired(input: UnpairedInput): Promise<Decision[]> {
  const { bench, store, from, snapshots, readInto, references, call } = input
  if (input.records.length === 0) return []
  // What an admin wants to have paired; writes of ours that nobody has answered are settled first.
  const adopted = input.records.filter(({ item }) => item.adopt !== undefined && item.intents.length === 0)
  const records = input.records.filter((one) => !adopted.includes(one))
  const byWord = await judgeAdopted({ ...input, records: adopted }, (item, { left, right }) =>
    planPair(bench, item, { left, right, references }, { pairId: null, base: {}, intents: [] }, 'adopted'),
  )
  if (records.length === 0) return byWord
  const { configuration } = bench.link
  const to = otherSide(from)
  const ownReference = configuration[from].crossReference

  const named = new Map<string, string>()
  for (const { source } of records) {
    const reference = ownReference === null ? null : source.fields[ownReference]
    const twinId = referencedId(bench.link[to].address, configuration[to].entityType, reference)
    if (twinId !== null) named.set(source.id, twinId)
  }
  const twins = new Map<string, TwinState>()
  if (named.size > 0) {
    const twinIds = [...new Set(named.values())]
    const [states] = await Promise.all([
      store.twins({ linkId: bench.link.id, side: from, twinIds }),
      readInto(snapshots, to, twinIds),
    ])
    for (const state of states) twins.set(state.twinId, state)
  }

  // One look-up for everything that would be created, or may already have been.
  const mayCreate = (source: RecordSnapshot): boolean =>
    bench.planner.kindOf(from, source)?.rules[to === 'right' ? 'toRight' : 'toLeft'].create === true
  const candidates = records.filter(
    ({ item, source }) =>
      !named.has(source.id) && (mayCreate(source) || item.intents.some((one) => one.action === 'create')),
  )
  const { found, absent } = await findCreated({ bench, store, from, records: candidates, references, call })
  const untouched = candidates.filter(({ item }) => item.intents.length === 0)
  const made = await madeByOpenCreates({ bench, store, from, records: untouched })

  const outside = await outOfScope(
    bench,
    from,
    candidates.filter(({ source }) => mayCreate(source)).map(({ source }) => source.id),
    call,
  )

  const others = records.map(({ item, source }) => {
    const twinId = named.get(source.id)
    if (made.has(source.id)) return stop(item, 'waiting', [], waitForCreateSeconds)
    if (twinId !== undefined)
      return judgeNamedTwin({
        bench,
        item,
        from,
        source,
        twin: snapshots[to].get(twinId),
        state: twins.get(twinId),
        twinId,
        references,
      })
    return judgeNew({
      bench,
      item,
      from,
      source,
      found: found.get(source.id) ?? [],
      surelyAbsent: absent.has(source.id),
      mayCreate: mayCreate(source),
      outOfScope: outside.has(source.id),
      references,
    })
  })
  return [...byWord, ...others]
}

/** The record carries a reference to a record of the other side. */
function judgeNamedTwin({
  bench,
  item,
  from,
  source,
  twin,
  state,
  twinId,
  references,
}: {
  bench: Workbench
  item: WorkItem
  from: Side
  source: RecordSnapshot
  twin: RecordSnapshot | undefined
  state: TwinState | undefined
  twinId: string
  references: References
}): Decision {
  const to = otherSide(from)
  const field = bench.link.configuration[to].crossReference
  const mutual = twin !== undefined && field !== null && twin.fields[field] === nameOf(bench, from, source.id)
  const open = openCreate(item)
  // Created and linked back by an attempt that did not live to commit it; an older pair of that number is then outdated.
  if (mutual && open !== undefined) return planCreated({ bench, item, from, source, twin, open, references })
  if (state?.pair !== undefined && state.pair !== null)
    return (
      restsWithoutTwin(bench, item, from, source) ??
      stop(item, 'held', [copiedReference(bench, from, source.id, twinId)], 'backoff', {
        side: from,
        snapshot: source,
      })
    )
  if (state?.openCreate !== undefined && state.openCreate !== null)
    return stop(item, 'waiting', [], waitForCreateSeconds)
  if (!mutual)
    return {
      ...stop(item, 'held', [unprovenTwin(bench, from, source.id, twinId)], 'backoff', {
        side: from,
        snapshot: source,
      }),
      settled: twin === undefined && open !== undefined ? settledVanishedTwin(item, open, source, twinId) : [],
    }
  const [left, right] = from === 'left' ? [source, twin] : [twin, source]
  return planPair(bench, item, { left, right, references }, { pairId: null, base: {}, intents: [] }, 'adopted')
}

/**
 * The twin of a record was undone by a restore and its number is another record's now: by the rule for deletions the record
 * is left as it is, or created anew like any other. Deleting it would be a guess. Null: nothing of that kind.
 */
function restsWithoutTwin(bench: Workbench, item: WorkItem, from: Side, source: RecordSnapshot): StopDecision | null {
  if (item.undoneTwin === undefined || ruleOf(bench, otherSide(from), source) === 're-create') return null
  return {
    ...declined(item, 'rule', { side: from, snapshot: source }),
    problems: [undoneTwin(bench, from, source.id, item.undoneTwin)],
  }
}

/** The number in the source's reference is the answer to our create: it happened, and its record was deleted since. */
function settledVanishedTwin(
  item: WorkItem,
  open: OpenIntent,
  source: RecordSnapshot,
  twinId: string,
): StopDecision['settled'] {
  return item.intents.flatMap((intent) => {
    if (intent.id === open.id)
      return [{ ...notApplied(intent.id), outcome: 'applied' as const, targetId: twinId, foundByLooking: true }]
    return intent.action === 'link-back' ? [settledLinkBack(intent, source)] : []
  })
}

/** The record names nobody: perhaps created already by an attempt that was cut off, else new. */
export function judgeNew({
  bench,
  item,
  from,
  source,
  found,
  surelyAbsent,
  mayCreate,
  outOfScope = false,
  references,
}: {
  bench: Workbench
  item: WorkItem
  from: Side
  source: RecordSnapshot
  found: readonly RecordSnapshot[]
  /** True: nothing was found although everything that is there would have been. */
  surelyAbsent: boolean
  mayCreate: boolean
  /** True: it is taken up by nobody, unless that has begun already. */
  outOfScope?: boolean
  references: References
}): Decision {
  const to = otherSide(from)
  const { configuration } = bench.link
  const open = openCreate(item)
  const [first] = found
  if (outOfScope && open === undefined && item.intents.length === 0)
    return declined(item, 'scope', { side: from, snapshot: source })
  if (found.length > 1)
    return stop(item, 'held', [severalTwins(bench, from, source.id, found)], 'backoff', {
      side: from,
      snapshot: source,
    })
  if (first !== undefined) {
    if (open === undefined && configuration[to].crossReference === null) {
      const [left, right] = from === 'left' ? [source, first] : [first, source]
      return planPair(bench, item, { left, right, references }, { pairId: null, base: {}, intents: [] }, 'adopted')
    }
    if (open === undefined)
      return stop(item, 'held', [unprovenTwin(bench, from, source.id, first.id)], 'backoff', {
        side: from,
        snapshot: source,
      })
    return planCreated({ bench, item, from, source, twin: first, open, references })
  }
  if (open !== undefined) {
    const remaining = configuration.tuning.inDoubtSeconds - open.ageSeconds
    if (remaining > 0) return stop(item, 'in-doubt', [unansweredCreate(to)], lookAgainIn(remaining))
    if (!surelyAbsent) return stop(item, 'in-doubt', [unprovenAbsence(bench, to)], 'backoff')
  }
  if (item.intents.length > 0) return { ...stop(item, 'waiting', [], 0), settled: item.intents.map(settledWithoutTwin) }
  if (!mayCreate) return declined(item, 'rule', { side: from, snapshot: source })
  if (outOfScope) return declined(item, 'scope', { side: from, snapshot: source })
  const resting = restsWithoutTwin(bench, item, from, source)
  if (resting !== null) return resting
  const decision: CreateDecision = {
    kind: 'create',
    item,
    from,
    source,
    plan: bench.planner.planCreate(from, source, references),
    settled: [],
  }
  return decision
}

/**
 * A write about a record that has no twin: what belonged to its creation did not happen, and of what was written to it while
 * it was in a pair that is no more nobody can tell.
 */
function settledWithoutTwin(intent: OpenIntent): StopDecision['settled'][number] {
  const isCreation = intent.action === 'create' || intent.action === 'link-back'
  return { ...notApplied(intent.id), ...(isCreation ? {} : { outcome: 'unknown', foundByLooking: false }) }
}

/** The twin that an earlier attempt created is found: base is what was sent then, and the attempt's link-back is looked for. */
function planCreated({
  bench,
  item,
  from,
  source,
  twin,
  open,
  references,
}: {
  bench: Workbench
  item: WorkItem
  from: Side
  source: RecordSnapshot
  twin: RecordSnapshot
  open: OpenIntent
  references: References
}): PairDecision {
  const [left, right] = from === 'left' ? [source, twin] : [twin, source]
  const base = baseOfCreation(open, bench.link.configuration, bench.link.version)
  const pair = planPair(
    bench,
    item,
    { left, right, references },
    { pairId: null, base, intents: [] },
    'created-earlier',
  )
  pair.settled.push(settledCreation(open, twin))
  const name = nameOf(bench, otherSide(from), twin.id)
  for (const other of item.intents) {
    if (other.id === open.id) continue
    const linked = other.action === 'link-back' && other.fields.every(({ field }) => source.fields[field] === name)
    if (linked) pair.settled.push(settledLinkBack(other, source))
    else if (linkBackComesWithin(bench, other) === 0) pair.settled.push(notApplied(other.id))
  }
  return pair
}
