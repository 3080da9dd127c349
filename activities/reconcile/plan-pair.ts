import type { OpenIntent } from '../../core/intents.ts'
import type { PairInput } from '../../core/plan.ts'
import type { References } from '../../core/references.ts'
import { otherSide, type RecordSnapshot, type Side, sameStamp, sides } from '../../core/values.ts'
import type { WorkItem } from '../../core/work-items.ts'
import type { Workbench } from '../connections.ts'
import type { PairDecision } from './decision.ts'
import { nameOf } from './find-twins.ts'
import { settleUpdates } from './settle.ts'
import type { StrayCreates } from './stray-creates.ts'

/**
 * A write that nobody answered and that is not there yet may still be carried out. Where the server compares stamps itself
 * that does no harm: whichever of two writes comes second is refused. Elsewhere it is waited for.
 */
export function stillOnItsWay(bench: Workbench, decision: PairDecision): { side: Side; seconds: number } | null {
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
export function linkBackComesWithin(bench: Workbench, intent: OpenIntent): number {
  const { inDoubtSeconds } = bench.link.configuration.tuning
  return intent.action === 'link-back' && !intent.answered ? Math.max(0, inDoubtSeconds - intent.ageSeconds) : 0
}

/** Seconds until what a create may have made beside a pair is looked for again. */
const lookForStraysIn = 60

/** Looked for every few seconds, until the time is over. */
export function lookAgainIn(remainingSeconds: number): number {
  return Math.max(1, Math.min(10, Math.ceil(remainingSeconds)))
}

/** Settles what earlier attempts left open about a pair, and plans from both records as they are and the base that they agreed on. */
export function planPair(
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

/** What the planner is given of a pair: base, records, decisions of people, and whether somebody asked for another try. */
export function pairInput(
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
