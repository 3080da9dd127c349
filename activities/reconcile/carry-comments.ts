import type { CommentResult } from '../../connectors/contract.ts'
import { inOrder } from '../../connectors/limiter.ts'
import { intendedComment, type PlannedComment } from '../../core/comment-intents.ts'
import { afterComment, type Comment, commentOfAction, stampsAfter } from '../../core/comments.ts'
import type { Problem } from '../../core/problems.ts'
import { isDirectSuccessor, type Side, sides } from '../../core/values.ts'
import type { Workbench } from '../connections.ts'
import type { PairDecision } from './decision.ts'
import type { Effects } from './execute.ts'
import { type CarryInput, keepingLease } from './keep-lease.ts'
import { learnParts, type PartWrite, settledPart, writePartsAhead } from './parts.ts'

/** Records whose comments are under way at a time in one batch. */
const atATime = 4

/** No further comment is begun after so long, so that comments hold up what a batch has written beside them no longer. */
const commentsWithinMs = 15_000

/** About so many comments are written ahead at a time. */
const commentsAhead = 100

/** How often the rest of a record's comments is sent again after one of one text was refused. */
const rounds = 2

/** One request: a comment, or all comments of a record's side where these are one text. */
interface Write extends PartWrite {
  side: Side
  comments: readonly PlannedComment[]
}

type Due = { decision: PairDecision; effects: Effects }

/**
 * Writes the comments of a batch after its records, each with an intent of its own (several of one text with one), in their
 * order. Each succeeds or fails by itself; none holds its record up. What the time of a batch is too short for follows at the
 * next look, which comes at once.
 */
export async function carryComments(input: CarryInput, decisions: readonly Due[]): Promise<void> {
  const due = decisions.filter(({ decision, effects }) => !effects.braked && decision.plan.comments.length > 0)
  if (due.length === 0) return
  const started = performance.now()
  const lease = keepingLease(input)
  let carriedAny = false
  // Whatever the time, each batch carries something, or nothing would ever be done.
  const isOver = () => input.stopping() || (carriedAny && performance.now() - started > commentsWithinMs)
  const send = async (writes: readonly Write[], again: boolean): Promise<Write[]> => {
    const intended = ({ side, comments }: Write) => ({
      action: 'comment' as const,
      side,
      fields: comments.map(intendedComment),
    })
    await writePartsAhead(input, writes, intended, again)
    const rest: Write[] = []
    // Comments of one record one after the other, so that they stand in their order.
    const free = writes.filter((write) => write.intentId !== '')
    await inOrder(
      grouped(free, (write) => write.decision),
      atATime,
      async (mine) => {
        for (const write of mine) {
          if (isOver()) postpone(write)
          else rest.push(...absorb(input.bench, write, await carry(input.bench, write, lease.signal)))
          carriedAny = true
        }
      },
    )
    return rest
  }
  try {
    while (due.length > 0) {
      const some = takeSome(due)
      if (isOver()) {
        for (const { effects } of some) effects.problems.push(later)
        continue
      }
      let wave = some.flatMap((one) => writesOf(input.bench, one))
      for (let round = 0; round < rounds && wave.length > 0; round++) wave = await send(wave, round > 0)
      for (const { effects } of wave) effects.problems.push(later)
    }
  } finally {
    lease.end()
  }
}

/** All comments of a record are written ahead together, since a run's limits count records. */
function takeSome(due: Due[]): Due[] {
  const some: Due[] = []
  for (let comments = 0; comments < commentsAhead; ) {
    const next = due.shift()
    if (next === undefined) break
    some.push(next)
    comments += next.decision.plan.comments.length
  }
  return some
}

function writesOf(bench: Workbench, { decision, effects }: Due): Write[] {
  return sides.flatMap((side): Write[] => {
    const mine = decision.plan.comments.filter((one) => one.side === side)
    const groups =
      bench.connectors[side].comments?.oneText === true ? grouped(mine, (one) => one.field) : mine.map((one) => [one])
    return groups.map((comments) => ({ decision, effects, side, comments, intentId: '' }))
  })
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => unknown): T[][] {
  const groups = new Map<unknown, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return [...groups.values()]
}

/** Planned again at once; nobody needs to be told. */
const later: Problem = {
  class: 'unavailable',
  code: 'not-sent',
  message: 'The time of the batch was over before all of its comments were written.',
  remedy: 'Nothing to do: they follow at once.',
}

/** A comment that was written ahead and not begun. */
function postpone(write: Write): void {
  write.effects.settled.push(settledPart(write, write.side, 'not-applied'))
  write.effects.problems.push(later)
}

async function carry(
  bench: Workbench,
  { decision, side, comments }: Write,
  signal: AbortSignal,
): Promise<readonly CommentResult[]> {
  const connector = bench.connectors[side]
  const [first] = comments
  if (connector.comments === undefined || first === undefined) throw new Error(`${connector.kind} has no comments`)
  return connector.comments.write(
    bench.link.configuration[side].entityType,
    decision[side].id,
    first.field,
    comments.map((one) => one.action),
    { signal },
  )
}

/** Takes a request's results into the record's effects; answers what of it is to be sent again without what was refused. */
function absorb(bench: Workbench, write: Write, results: readonly CommentResult[]): Write[] {
  const { effects, side, comments } = write
  const unanswered = results.find((result) => result.outcome === 'in-doubt')
  if (unanswered !== undefined && unanswered.outcome === 'in-doubt') {
    effects.settled.push({ ...settledPart(write, write.side, 'in-doubt'), answered: unanswered.answered })
    effects.problems.push(ofComment(unanswered.problem, comments[0]))
    return []
  }
  if (results.every((result) => result.outcome === 'refused')) {
    effects.settled.push(settledPart(write, write.side, 'not-applied'))
    const isBeside = (index: number) => {
      const result = results[index]
      return result?.outcome === 'refused' && result.problem.code === 'not-sent'
    }
    const rest = comments.filter((_, index) => isBeside(index))
    const alone = rest.length === comments.length
    const told = new Set<Problem>()
    for (const [index, result] of results.entries()) {
      if (result.outcome !== 'refused' || (isBeside(index) && !alone) || told.has(result.problem)) continue
      told.add(result.problem)
      effects.problems.push(ofComment(result.problem, comments[index]))
    }
    return alone || rest.length === 0 ? [] : [{ ...write, comments: rest, intentId: '' }]
  }
  effects.settled.push(settledPart(write, write.side, 'applied'))
  effects.written.push(side)
  noteStamp(write, results)
  for (const [index, planned] of comments.entries()) {
    const result = results[index]
    if (result?.outcome !== 'done') continue
    if (result.comment === null && planned.action.kind !== 'delete') {
      effects.problems.push(ofComment(notKept, planned))
      continue
    }
    learn(bench, effects, planned, result.comment)
  }
  return []
}

/** Our own write is no change to look at, if it surely came right after what we have seen. */
function noteStamp({ decision, effects, side }: Write, results: readonly CommentResult[]): void {
  const done = results.find((result) => result.outcome === 'done' && result.stamp !== undefined)
  const stamp = done?.outcome === 'done' ? done.stamp : undefined
  const seen = effects.seen[side]
  if (stamp === undefined || seen === undefined || seen.id !== decision[side].id) return
  if (isDirectSuccessor(seen.stamp, stamp)) effects.seen[side] = { ...seen, stamp }
}

function learn(
  bench: Workbench,
  effects: Effects,
  { mappingId, action, source, side }: PlannedComment,
  kept: Comment | null,
): void {
  const done = kept === null || source === null ? null : { side, kept, source }
  const was = action.kind === 'add' ? null : action.was
  learnParts(bench, effects, mappingId, ({ comments = [], listed = {} }) => ({
    comments: afterComment(comments, commentOfAction(action), done),
    // Our own write is no news to the next listing.
    listed: { ...listed, [side]: stampsAfter(listed[side] ?? [], was, kept) },
  }))
}

const notKept: Problem = {
  class: 'altered',
  code: 'comment-not-kept',
  message: 'The endpoint took a comment and does not show it.',
  remedy: 'Check whether a script of the project changes the comments.',
}

function ofComment(problem: Problem, planned: PlannedComment | undefined): Problem {
  if (planned === undefined) return problem
  const { side, mappingId, action, field } = planned
  const { ref } = commentOfAction(action)
  // Several comments of one record have an issue each.
  return { ...problem, side, field: `${field}/${ref}`, mappingId }
}
