import { backoffSeconds } from '../../core/backoff.ts'
import type { ItemCommit } from '../../core/commits.ts'
import type { SettledIntent } from '../../core/intents.ts'
import type { Problem } from '../../core/problems.ts'
import { type Side, sameStamp, sides } from '../../core/values.ts'
import type { ItemOutcome } from '../../core/work-items.ts'
import type { Decision, PairDecision } from './decision.ts'
import type { Effects } from './execute.ts'

/** What is committed about an item, from the decision and what carrying it out did. */
export function commitOf(decision: Decision, effects: Effects): ItemCommit {
  const { item } = decision
  const base = effects.pair !== null && effects.baseChanged ? effects.base : null
  const common = {
    key: item.key,
    judged: stampsOf(decision),
    pair: effects.pair,
    base,
    // Without a plan nothing counts as seen: whoever looks next must compare with base.
    conflicts: conflictsOf(decision, effects),
    seen: decision.kind === 'pair' && decision.settlesOnly ? {} : changedStamps(decision, effects),
    settled: effects.settled,
    written: effects.written,
    followUp: effects.followUp,
    ...(decision.kind === 'pair' && decision.pairId === null && item.adopt !== undefined
      ? { adoption: item.adopt.adoptionId }
      : {}),
    ...(effects.tombstone === undefined ? {} : { tombstone: effects.tombstone }),
    ...(effects.rebound === undefined ? {} : { rebound: effects.rebound }),
    ...(effects.windows.length === 0 ? {} : { windows: effects.windows }),
    ...(effects.notMissed.length === 0 ? {} : { notMissed: effects.notMissed }),
  }
  const attempts = Math.max(0, ...item.due.map((row) => row.attempts)) + 1
  if (decision.kind === 'stop') {
    const problems = effects.keepIssues ? null : effects.problems
    const [first] = effects.problems
    const next: ItemCommit['next'] =
      decision.again === null
        ? { kind: 'done' }
        : {
            kind: 'again',
            class: first?.class ?? 'in-doubt',
            afterSeconds:
              decision.again === 'backoff'
                ? backoffSeconds(first?.class ?? 'internal', attempts, item.key)
                : decision.again,
          }
    const because = decision.because === undefined ? {} : { because: decision.because }
    return { ...common, problems, outcome: decision.outcome, ...because, next }
  }

  if (effects.braked)
    return {
      ...common,
      // It stays in the queue until somebody agrees; the link itself says so, once.
      problems: null,
      outcome: 'held',
      next: { kind: 'again', class: 'braked', afterSeconds: brakedSeconds },
    }

  if (decision.kind === 'pair' && decision.settlesOnly) {
    const written = sides.filter((side) => decision.settled.some((one) => wasUpdated(decision, one, side)))
    return {
      ...common,
      problems: null,
      written,
      outcome: decision.outcome === 'created-earlier' ? 'created' : written.length > 0 ? 'updated' : 'waiting',
      next: { kind: 'again', class: 'in-doubt', afterSeconds: 0 },
    }
  }

  // Somebody was faster, or the batch took too long, or files came that a text waits for: plan again. That is everyday, no issue.
  const hasCome = effects.created || effects.written.length > 0
  const isPassing = (problem: Problem) => isEveryday(problem) || (problem.code === 'image-awaited' && hasCome)
  const again = effects.problems.find(isPassing)
  const problems = effects.problems.filter((problem) => !isPassing(problem))
  const inDoubt = problems.some((problem) => problem.class === 'in-doubt')
  const worst = problems.find((problem) => problem.warning !== true)
  if (inDoubt)
    return {
      ...common,
      problems,
      outcome: 'in-doubt',
      next: { kind: 'again', class: 'in-doubt', afterSeconds: backoffSeconds('in-doubt', attempts, item.key) },
    }
  if (again !== undefined)
    return {
      ...common,
      problems,
      outcome: 'waiting',
      next: {
        kind: 'again',
        class: again.class,
        afterSeconds: again.class === 'moved' ? backoffSeconds('moved', attempts, item.key) : 0,
      },
    }
  const lookAgainWithin = decision.kind === 'pair' ? decision.lookAgainWithin : 0
  const next: ItemCommit['next'] =
    worst === undefined
      ? lookAgainWithin > 0
        ? { kind: 'again', class: 'in-doubt', afterSeconds: Math.ceil(lookAgainWithin) }
        : { kind: 'done' }
      : { kind: 'again', class: worst.class, afterSeconds: backoffSeconds(worst.class, attempts, item.key) }
  return { ...common, problems, outcome: outcomeOf(decision, effects, worst), next }
}

/** Of the states that the decision was made from. */
export function stampsOf(decision: Decision): NonNullable<ItemCommit['judged']> {
  switch (decision.kind) {
    case 'pair':
      return { left: decision.left.stamp, right: decision.right.stamp }
    case 'create':
      return { [decision.from]: decision.source.stamp }
    case 'delete':
      return { [decision.side]: decision.survivor.stamp }
    default:
      return decision.seen === null ? {} : { [decision.seen.side]: decision.seen.snapshot.stamp }
  }
}

/** Looked at again after a day, should nobody agree or refuse before. */
const brakedSeconds = 86_400

/** What is left to decide by a person: as planned, but for decisions that have been carried out meanwhile. */
function conflictsOf(decision: Decision, effects: Effects): ItemCommit['conflicts'] {
  if (decision.kind !== 'pair' || decision.settlesOnly) return null
  const { conflicts, deciding, consumed, impossible } = decision.plan
  const known = Object.keys(decision.item.pair?.decisions ?? {})
  return {
    open: [...conflicts, ...effects.frozen],
    deciding: deciding.filter((mappingId) => !effects.landed.has(mappingId)),
    consumed: [...consumed, ...effects.frozen.map((one) => one.mappingId)],
    decided: known.filter((mappingId) => !impossible.includes(mappingId)),
  }
}

/** Did this settlement turn out to be an update of the side, or a comment there? */
function wasUpdated(decision: PairDecision, settled: SettledIntent, side: Side): boolean {
  const intent = decision.item.intents.find((one) => one.id === settled.intentId)
  const updates = intent?.action === 'update' || intent?.action === 'comment'
  return settled.outcome === 'applied' && updates && intent.side === side
}

function isEveryday(problem: Problem): boolean {
  return problem.class === 'moved' || problem.code === 'not-sent'
}

function outcomeOf(decision: Decision, effects: Effects, worst: Problem | undefined): ItemOutcome {
  if (decision.kind === 'delete') return effects.written.length > 0 ? 'deleted' : 'held'
  if (effects.created) return 'created'
  if (decision.kind === 'create') return worst?.class === 'waiting' ? 'waiting' : 'failed'
  if (effects.written.length > 0) return 'updated'
  if (decision.kind === 'pair' && decision.outcome === 'adopted') return 'adopted'
  if (decision.kind === 'pair' && decision.outcome === 'created-earlier') return 'created'
  return worst === undefined ? 'unchanged' : 'held'
}

/** Only stamps that say something new are stored; an unpaired record's is always stored, with what was decided. */
function changedStamps(decision: Decision, effects: Effects): ItemCommit['seen'] {
  const { pair } = decision.item
  if (pair === null || effects.rebound !== undefined) return effects.seen
  const changed: { left?: NonNullable<ItemCommit['seen']['left']>; right?: NonNullable<ItemCommit['seen']['right']> } =
    {}
  for (const side of sides as readonly Side[]) {
    const now = effects.seen[side]
    const before = pair[side].seen
    if (now !== undefined && (before === null || pair[side].created === null || !sameStamp(before, now.stamp)))
      changed[side] = now
  }
  return changed
}
