import type { GoneEvidence } from '../../connectors/contract.ts'
import type { References } from '../../core/references.ts'
import type { Store } from '../../core/store.ts'
import { otherSide, type RecordSnapshot, type Side, sides } from '../../core/values.ts'
import type { WorkItem } from '../../core/work-items.ts'
import type { Workbench } from '../connections.ts'
import { outOfScope, scopeOf } from '../scope.ts'
import { type Decision, declined, type StopDecision, stop } from './decision.ts'
import { findCreated } from './find-created.ts'
import { evidenceOf, type IncompletePair, judgeGone } from './judge-gone.ts'
import { unansweredWrite } from './judge-problems.ts'
import { judgeNew, judgeUnpaired, waitForCreateSeconds } from './judge-unpaired.ts'
import { planByHistory } from './latest.ts'
import { pairInput, planPair, stillOnItsWay } from './plan-pair.ts'
import { referencesOf } from './references.ts'
import { restoredAmong } from './restored.ts'
import { notApplied } from './settle.ts'
import { type StrayCreates, strayCreates } from './stray-creates.ts'
import { holdUnprovenComments, holdUnprovenFiles } from './unproven-parts.ts'

export interface JudgeInput {
  bench: Workbench
  store: Pick<Store, 'twins' | 'referred' | 'siblings' | 'openCreates' | 'scanPosition' | 'markRestored' | 'partsKnown'>
  items: readonly WorkItem[]
  /** The run, for the issue should an endpoint turn out to be restored. */
  runId?: string
  signal?: AbortSignal
}

export type Snapshots = Record<Side, Map<string, RecordSnapshot>>

/**
 * Reads both twins of a batch, settles what earlier attempts left open, and decides what is to be done about each item.
 * Writes nothing. At most one bulk read and one look-up a side, one more read for records that name a twin of their own, and
 * look-ups of files and comments that seem gone.
 */
export async function judge({ items: given, ...input }: JudgeInput): Promise<Decision[]> {
  // What is left alone is not even read, but for writes of ours that nobody has answered yet.
  const items = given.filter((item) => item.leaveAlone === undefined || item.intents.length > 0)
  const alone = given.filter((item) => !items.includes(item))
  const decisions = alone.map((item) => declined(item, item.leaveAlone ?? 'person'))
  return items.length === 0 ? decisions : [...decisions, ...(await judgeItems({ ...input, items }))]
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
  const inStep = items.filter(({ key }) => !reused.has(key) && !resting.has(key))
  const filesUnproven = await holdUnprovenFiles({ bench, store, items: inStep, snapshots, call })
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
  const planned = await Promise.all(
    [...decisions, ...eachPairOnce(judged.flat())].map(async (decision) => {
      if (decision.kind !== 'pair') return decision
      const { item, base, left, right } = decision
      const by = await planByHistory(bench, decision, pairInput(item, base, left, right, references), call)
      const unproven = filesUnproven.get(item.key) ?? []
      return { ...by, plan: { ...by.plan, problems: [...by.plan.problems, ...unproven] } }
    }),
  )
  return holdUnprovenComments({ bench, store, decisions: planned, snapshots, call })
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
