import type { GoneEvidence } from '../../connectors/contract.ts'
import { referencedId } from '../../core/endpoint.ts'
import type { PairInput } from '../../core/plan.ts'
import type { Problem } from '../../core/problems.ts'
import type { References } from '../../core/references.ts'
import type { DeclinedBecause, OpenIntent, Store, TwinState, WorkItem } from '../../core/store.ts'
import { otherSide, type RecordSnapshot, type Side, sameStamp, sides } from '../../core/values.ts'
import type { Workbench } from '../connections.ts'
import { outOfScope, scopeOf } from '../scope.ts'
import { judgeAdopted } from './adopted.ts'
import type { CreateDecision, Decision, PairDecision, StopDecision } from './decision.ts'
import { findCreated, madeByOpenCreates, openCreate, unansweredCreate, unprovenAbsence } from './find-created.ts'
import { nameOf } from './find-twins.ts'
import { evidenceOf, type IncompletePair, judgeGone } from './judge-gone.ts'
import { planByHistory } from './latest.ts'
import { referencesOf } from './references.ts'
import { restoredAmong } from './restored.ts'
import { baseOfCreation, notApplied, settledCreation, settledLinkBack, settleUpdates } from './settle.ts'
import { type StrayCreates, strayCreates } from './stray-creates.ts'

export interface JudgeInput {
  bench: Workbench
  store: Pick<Store, 'twins' | 'referred' | 'siblings' | 'openCreates' | 'scanPosition' | 'markRestored'>
  items: readonly WorkItem[]
  /** The run, for the issue should an endpoint turn out to be restored. */
  runId?: string
  signal?: AbortSignal
}

export type Snapshots = Record<Side, Map<string, RecordSnapshot>>

/** Seconds until a record that waits for another worker's create is looked at again. */
const waitForCreateSeconds = 5

/**
 * Reads both twins of a batch, settles what earlier attempts left open, and decides what is to be done about each item.
 * Writes nothing. At most one bulk read and one look-up a side, one more read for records that name a twin of their own.
 */
export async function judge({ items: given, ...input }: JudgeInput): Promise<Decision[]> {
  // What is left alone is not even read, but for writes of ours that nobody has answered yet.
  const items = given.filter((item) => item.leaveAlone === undefined || item.intents.length > 0)
  const alone = given.filter((item) => !items.includes(item))
  const decisions = alone.map((item) => declined(item, item.leaveAlone ?? 'person'))
  return items.length === 0 ? decisions : [...decisions, ...(await judgeItems({ ...input, items }))]
}

function declined(item: WorkItem, because: DeclinedBecause, seen: StopDecision['seen'] = null): StopDecision {
  return { ...stop(item, 'declined', [], null, seen), because }
}

async function judgeItems({ bench, store, items, runId, signal }: JudgeInput): Promise<Decision[]> {
  const call = signal === undefined ? {} : { signal }
  const { link, planner } = bench
  const { configuration } = link
  const fields = { left: planner.fieldsToRead('left'), right: planner.fieldsToRead('right') }

  async function readInto(snapshots: Snapshots, side: Side, ids: Iterable<string>): Promise<void> {
    const missing = [...new Set(ids)].filter((id) => !snapshots[side].has(id))
    if (missing.length === 0) return
    const found = await bench.connectors[side].read(configuration[side].entityType, missing, fields[side], call)
    for (const snapshot of found) snapshots[side].set(snapshot.id, snapshot)
  }

  const snapshots: Snapshots = { left: new Map(), right: new Map() }
  await Promise.all(
    sides.map((side) =>
      readInto(
        snapshots,
        side,
        items.flatMap((item) =>
          (item.pair === null ? item.due.filter((row) => row.side === side) : [item.pair[side]]).map((one) => one.id),
        ),
      ),
    ),
  )

  const references = await referencesOf({ bench, store, snapshots, call })
  const resting = await pairsOutOfScope(bench, items, snapshots, call)
  const reused = await restoredAmong({ bench, store, items, runId: runId ?? null, snapshots })
  const strays = await strayCreates({ bench, store, items, snapshots, references, call })
  const decisions: Decision[] = []
  const incomplete: IncompletePair[] = []
  const unpaired: { item: WorkItem; from: Side; source: RecordSnapshot }[] = []
  const vanished: WorkItem[] = []
  for (const item of items) {
    if (item.pair !== null) {
      const left = snapshots.left.get(item.pair.left.id)
      const right = snapshots.right.get(item.pair.right.id)
      const another = reused.get(item.key)
      if (another !== undefined) decisions.push(stop(item, 'held', [another], 'backoff'))
      else if (resting.has(item.key)) decisions.push(declined(item, 'scope'))
      else if (left !== undefined && right !== undefined)
        decisions.push(judgePair(bench, item, left, right, references, strays))
      else
        incomplete.push({
          item,
          pair: item.pair,
          found: { ...(left === undefined ? {} : { left }), ...(right === undefined ? {} : { right }) },
        })
      continue
    }
    const row = item.due[0]
    const source = row === undefined ? undefined : snapshots[row.side].get(row.id)
    if (row === undefined || source === undefined) vanished.push(item)
    else unpaired.push({ item, from: row.side, source })
  }
  const read = { left: [...snapshots.left.keys()], right: [...snapshots.right.keys()] }
  for (const side of sides) {
    const mine = vanished.filter((item) => (item.due[0]?.side ?? 'left') === side)
    const said = await evidenceOf({ bench, store, read, call }, side, [
      ...new Set(mine.flatMap((item) => item.due.map((row) => row.id))),
    ])
    for (const item of mine) decisions.push(judgeVanished(item, said.get(item.due[0]?.id ?? '')?.outcome ?? 'unknown'))
  }
  decisions.push(
    ...(await judgeGone({
      bench,
      store,
      incomplete,
      read,
      call,
      recreate: ({ item, pair, from, source }) =>
        recreate({ bench, store, item, pairId: pair.id, from, source, references, call }),
    })),
  )
  const judged = await Promise.all(
    sides.map((from) =>
      judgeUnpaired({
        bench,
        store,
        from,
        records: unpaired.filter((one) => one.from === from),
        snapshots,
        readInto,
        references,
        call,
      }),
    ),
  )
  return Promise.all(
    [...decisions, ...eachPairOnce(judged.flat())].map((decision) =>
      decision.kind === 'pair'
        ? planByHistory(
            bench,
            decision,
            pairInput(decision.item, decision.base, decision.left, decision.right, references),
            call,
          )
        : decision,
    ),
  )
}

/**
 * Pairs that rest because they have left the scope, where the link says so: none of the sides that have a scope holds its
 * record. Writes of ours that nobody has answered are settled first.
 */
async function pairsOutOfScope(
  bench: Workbench,
  items: readonly WorkItem[],
  snapshots: Snapshots,
  call: { signal?: AbortSignal },
): Promise<Set<string>> {
  const { configuration } = bench.link
  if (configuration.whenLeaving !== 'stop') return new Set()
  const pairs = items.flatMap(({ key, pair, intents }) => {
    const both = pair !== null && snapshots.left.has(pair.left.id) && snapshots.right.has(pair.right.id)
    return both && intents.length === 0 ? [{ key, left: pair.left.id, right: pair.right.id }] : []
  })
  const restricted = sides.filter((side) => scopeOf(bench, side) !== null)
  // That releases end is so on both sides alike: it keeps none in step that has left the scope of its own side.
  const own = restricted.filter((side) => {
    const { scope, root } = configuration[side]
    return scope.filter !== null || scope.favorite !== null || root !== null
  })
  const scoped = own.length > 0 ? own : restricted
  const outside = await Promise.all(
    scoped.map(async (side) => {
      const out = await outOfScope(
        bench,
        side,
        pairs.map((pair) => pair[side]),
        call,
      )
      return new Set(pairs.filter((pair) => out.has(pair[side])).map(({ key }) => key))
    }),
  )
  const [first = new Set<string>(), ...others] = outside
  return new Set([...first].filter((key) => others.every((other) => other.has(key))))
}

/** Two records of one batch that find each other become one pair: the second is looked at again when it has it. */
function eachPairOnce(decisions: readonly Decision[]): Decision[] {
  const taken = new Set<string>()
  return decisions.map((decision) => {
    if (decision.kind !== 'pair' || decision.pairId !== null) return decision
    const ids = [`left:${decision.left.id}`, `right:${decision.right.id}`]
    if (ids.some((id) => taken.has(id))) return { ...stop(decision.item, 'waiting', [], 0), problems: null }
    for (const id of ids) taken.add(id)
    return decision
  })
}

/** The record of a pair that is gone is created anew from the survivor, once: an earlier attempt is looked for first. */
async function recreate({
  bench,
  store,
  item,
  pairId,
  from,
  source,
  references,
  call,
}: {
  bench: Workbench
  store: Pick<Store, 'referred' | 'siblings'>
  item: WorkItem
  pairId: string
  from: Side
  source: RecordSnapshot
  references: References
  call: { signal?: AbortSignal }
}): Promise<Decision> {
  const to = otherSide(from)
  const { found, absent } = await findCreated({ bench, store, from, records: [{ item, source }], references, call })
  const decision = judgeNew({
    bench,
    item,
    from,
    source,
    found: found.get(source.id) ?? [],
    surelyAbsent: absent.has(source.id),
    mayCreate: true,
    references,
  })
  if (decision.kind === 'create') return { ...decision, repair: pairId }
  return decision.kind === 'pair' ? { ...decision, pairId, rebound: to } : decision
}

/** An existing pair whose records are both there. */
function judgePair(
  bench: Workbench,
  item: WorkItem,
  left: RecordSnapshot,
  right: RecordSnapshot,
  references: References,
  strays: StrayCreates,
): Decision {
  const { pair } = item
  if (pair === null) throw new Error('judgePair is for pairs')
  const { intents } = item
  const decision = planPair(
    bench,
    item,
    { left, right, references },
    { pairId: pair.id, base: pair.base, intents },
    'existing',
    strays,
  )
  const wait = stillOnItsWay(bench, decision)
  return wait === null ? decision : stop(item, 'in-doubt', [unansweredWrite(wait.side)], wait.seconds)
}

/**
 * A write that nobody answered and that is not there yet may still be carried out. Where the server compares stamps itself
 * that does no harm: whichever of two writes comes second is refused. Elsewhere it is waited for.
 */
function stillOnItsWay(bench: Workbench, decision: PairDecision): { side: Side; seconds: number } | null {
  const { inDoubtSeconds } = bench.link.configuration.tuning
  // With nothing to send again that would settle it, it is waited for like any other.
  const idle = decision.leftOpen.filter(
    ({ side, action }) => action === 'update' && !decision.settlesOnly && decision.plan.writes[side].length === 0,
  )
  const open = decision.item.intents.flatMap((intent) => {
    if (idle.includes(intent)) return [{ side: intent.side, remaining: inDoubtSeconds - intent.ageSeconds }]
    const outcome = decision.settled.find((one) => one.intentId === intent.id)?.outcome
    const waits =
      outcome === 'not-applied' &&
      !intent.answered &&
      (intent.action === 'attachment' ||
        intent.action === 'comment' ||
        (intent.action === 'update' && bench.connectors[intent.side].capabilities.compareAndSet !== 'native'))
    const remaining = inDoubtSeconds - intent.ageSeconds
    return waits && remaining > 0 ? [{ side: intent.side, remaining }] : []
  })
  const [first] = open
  return first === undefined
    ? null
    : { side: first.side, seconds: lookAgainIn(Math.max(...open.map((one) => one.remaining))) }
}

/** Unanswered, not there, and planned from the very state that is there: a server that compares stamps would still take it. */
function mayStillComeThrough(bench: Workbench, intent: OpenIntent, now: RecordSnapshot): boolean {
  return (
    intent.action === 'update' &&
    !intent.answered &&
    bench.connectors[intent.side].capabilities.compareAndSet === 'native' &&
    intent.stampBefore !== null &&
    sameStamp(intent.stampBefore, now.stamp) &&
    intent.ageSeconds < bench.link.configuration.tuning.inDoubtSeconds
  )
}

/**
 * Seconds in which a link-back that nobody answered may still be carried out, whatever has become of the record: it is sent
 * without comparing anything. 0: none.
 */
function linkBackComesWithin(bench: Workbench, intent: OpenIntent): number {
  const { inDoubtSeconds } = bench.link.configuration.tuning
  return intent.action === 'link-back' && !intent.answered ? Math.max(0, inDoubtSeconds - intent.ageSeconds) : 0
}

/** Seconds until what a create may have made beside a pair is looked for again. */
const lookForStraysIn = 60

/** Looked for every few seconds, until the time is over. */
function lookAgainIn(remainingSeconds: number): number {
  return Math.max(1, Math.min(10, Math.ceil(remainingSeconds)))
}

function planPair(
  bench: Workbench,
  item: WorkItem,
  { left, right, references }: { left: RecordSnapshot; right: RecordSnapshot; references: References },
  { pairId, base, intents }: { pairId: string | null; base: PairDecision['base']; intents: readonly OpenIntent[] },
  outcome: PairDecision['outcome'],
  strays: StrayCreates = new Map(),
): PairDecision {
  const { configuration } = bench.link
  const looked = settleUpdates({
    intents,
    base,
    configuration,
    version: bench.link.version,
    planner: bench.planner,
    metadata: bench.metadata,
    snapshots: { left, right },
    references: { left: nameOf(bench, 'right', right.id), right: nameOf(bench, 'left', left.id) },
  })
  const linkBacks = intents.filter(
    (intent) =>
      linkBackComesWithin(bench, intent) > 0 &&
      looked.settled.some((one) => one.intentId === intent.id && one.outcome === 'not-applied'),
  )
  const leftOpen = intents.filter(
    (intent) =>
      linkBacks.includes(intent) ||
      strays.get(intent.id) === null ||
      mayStillComeThrough(bench, intent, intent.side === 'left' ? left : right),
  )
  const settled = [
    ...looked.settled.filter((one) => !leftOpen.some((intent) => intent.id === one.intentId)),
    ...intents.flatMap((intent) => strays.get(intent.id) ?? []),
  ]
  const settlesOnly = item.intents.length > leftOpen.length
  const plan = settlesOnly
    ? nothingPlanned
    : bench.planner.planPair(pairInput(item, looked.base, left, right, references))
  const linkBack = sides.filter((side) => {
    if (settlesOnly || linkBacks.some((intent) => intent.side === side)) return false
    const field = configuration[side].crossReference
    const own = side === 'left' ? left : right
    const twin = side === 'left' ? right : left
    return (
      field !== null && own.fields[field] !== undefined && own.fields[field] !== nameOf(bench, otherSide(side), twin.id)
    )
  })
  return {
    kind: 'pair',
    item,
    pairId,
    left,
    right,
    base: looked.base,
    baseChanged: looked.changed || pairId === null,
    settled,
    leftOpen,
    lookAgainWithin: Math.max(
      0,
      ...linkBacks.map((intent) => linkBackComesWithin(bench, intent)),
      ...leftOpen.flatMap((intent) => (intent.action === 'create' ? [lookForStraysIn] : [])),
    ),
    plan,
    linkBack,
    outcome,
    settlesOnly,
  }
}

function pairInput(
  item: WorkItem,
  base: PairDecision['base'],
  left: RecordSnapshot,
  right: RecordSnapshot,
  references: References,
): PairInput {
  return {
    base,
    left,
    right,
    references,
    seen: { left: item.pair?.left.seen ?? null, right: item.pair?.right.seen ?? null },
    ...(item.pair?.decisions === undefined ? {} : { decisions: item.pair.decisions }),
    // Somebody asked for this record: what was given up is tried once more.
    retry: item.due.some((row) => row.reason === 'person'),
    ...(item.adopt === undefined ? {} : { adopting: item.adopt.differences }),
  }
}

const nothingPlanned: PairDecision['plan'] = {
  writes: { left: [], right: [] },
  agreed: {},
  problems: [],
  conflicts: [],
  deciding: [],
  consumed: [],
  impossible: [],
  wantsHistory: [],
  files: { operations: [], comparisons: [] },
  comments: [],
}

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

/**
 * A record without pair, in this order: it names a twin: settle or adopt, never create onward; a create from it is open:
 * look for its twin; else it is new. A twin is taken only on proof: our own intent, or references that name each other.
 */
async function judgeUnpaired(input: UnpairedInput): Promise<Decision[]> {
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
    return stop(item, 'held', [copiedReference(bench, from, source.id, twinId)], 'backoff', {
      side: from,
      snapshot: source,
    })
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
function judgeNew({
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

/**
 * Not found in a bulk answer, and not paired: that alone proves nothing. Where the server says that it is gone, there is
 * nothing to keep in step; what was being created for it is looked for no longer, and whether it came to be nobody can tell,
 * which the ledger says. Where nobody can tell whether it is gone, nothing that is open is settled; without anything open it
 * leaves the queue, and the next listing that shows it brings it back.
 */
function judgeVanished(item: WorkItem, said: GoneEvidence['outcome']): StopDecision {
  if (said === 'there' || (said === 'unknown' && item.intents.length > 0))
    return stop(item, 'waiting', [], waitForCreateSeconds)
  return {
    ...stop(item, 'unchanged', [], null),
    settled: item.intents.map((intent) => ({ ...notApplied(intent.id), outcome: 'unknown', foundByLooking: false })),
  }
}

function stop(
  item: WorkItem,
  outcome: StopDecision['outcome'],
  problems: Problem[],
  again: StopDecision['again'],
  seen: StopDecision['seen'] = null,
): StopDecision {
  return { kind: 'stop', item, outcome, problems, settled: [], seen, again }
}

function unansweredWrite(side: Side): Problem {
  return {
    class: 'in-doubt',
    code: 'update-unanswered',
    message:
      'A change was sent and its answer never came. It is looked for until it is found or surely will not be carried out any more.',
    remedy: 'Nothing to do: this settles by itself.',
    side,
  }
}

function copiedReference(bench: Workbench, side: Side, id: string, twinId: string): Problem {
  const field = bench.link.configuration[side].crossReference ?? ''
  return {
    class: 'ambiguous',
    code: 'copied-reference',
    message: `Record ${id} of ${bench.link[side].name} names ${twinId} as its twin, which is paired with another record. Perhaps it is a copy.`,
    remedy: `Empty its field "${field}" to have it synchronized as a new record.`,
    side,
    field,
  }
}

function unprovenTwin(bench: Workbench, side: Side, id: string, twinId: string): Problem {
  return {
    class: 'ambiguous',
    code: 'unproven-twin',
    message: `Records ${id} of ${bench.link[side].name} and ${twinId} of ${bench.link[otherSide(side)].name} look like twins, but only one of them names the other and Tandem did not create either.`,
    remedy: 'Enter the missing reference to pair them, or empty the reference that is there to keep them apart.',
    side,
  }
}

function severalTwins(bench: Workbench, side: Side, id: string, found: readonly RecordSnapshot[]): Problem {
  return {
    class: 'ambiguous',
    code: 'several-twins',
    message: `${found.length} records of ${bench.link[otherSide(side)].name} (${found
      .slice(0, 5)
      .map((one) => one.id)
      .join(', ')}) name record ${id} of ${bench.link[side].name} as their twin. None is touched.`,
    remedy: 'Empty the reference in all but one of them.',
    side,
  }
}
