import { type AttachmentResult, ConnectorError } from '../../connectors/contract.ts'
import { inOrder } from '../../connectors/limiter.ts'
import { afterCarrying, encodeEntry, type PlannedAttachment } from '../../core/attachments.ts'
import type { Problem } from '../../core/problems.ts'
import type { Workbench } from '../connections.ts'
import type { PairDecision } from './decision.ts'
import type { Effects } from './execute.ts'
import { contentOf, sameContent, sizeOf, withPlaces } from './file-content.ts'
import { type CarryInput, keepingLease } from './keep-lease.ts'
import { learnParts, type PartWrite, settledPart, writePartsAhead } from './parts.ts'

/** Files under way at a time in one batch. */
const atATime = 4

/** No further file is begun after so long, so that files hold up what a batch has written beside them no longer than this and one file. */
const filesWithinMs = 15_000

/** About so many files are written ahead at a time. */
const filesAhead = 25

interface Carried extends PartWrite {
  planned: PlannedAttachment
}

type Due = { decision: PairDecision; effects: Effects }

/**
 * Carries the files of a batch after its records: files that only look alike are compared first, then intents for some records
 * at a time, then one file after the other as a stream. Each file succeeds or fails by itself; none holds its record up. What
 * the time of a batch is too short for follows at the next look, which comes at once.
 */
export async function carryFiles(input: CarryInput, decisions: readonly Due[]): Promise<void> {
  const due = inTurn(
    decisions.filter(
      ({ decision, effects }) =>
        !effects.braked && decision.plan.files.operations.length + decision.plan.files.comparisons.length > 0,
    ),
  )
  if (due.length === 0) return
  const started = performance.now()
  const lease = keepingLease(input)
  let carriedAny = false
  // Whatever the time, each batch carries something, or nothing would ever be done.
  const isOver = () => input.stopping() || (carriedAny && performance.now() - started > filesWithinMs)
  try {
    while (due.length > 0) {
      const some = takeSome(due)
      if (isOver()) {
        for (const { effects } of some) effects.problems.push(later)
        continue
      }
      const carried = [...planned(some), ...(await apart(input, some, lease.signal, isOver))]
      await writePartsAhead(input, carried, (one) => intended(input.bench, one))
      const free = carried.filter((one) => one.intentId !== '')
      await inOrder(free, atATime, async (one) => {
        if (isOver()) postpone(one)
        else absorb(input.bench, one, await carryOne(input.bench, one, lease.signal))
        carriedAny = true
      })
    }
  } finally {
    lease.end()
  }
}

/** Small files first; records that had their turn before come after them by chance, so that none stands before the others for ever. */
function inTurn(due: readonly Due[]): Due[] {
  const places = new Map(
    due.map((one) => {
      const { item, plan } = one.decision
      const again = item.due.some((row) => row.attempts > 0)
      const bytes = plan.files.operations.reduce((sum, { source }) => sum + (source?.size ?? 0), 0)
      return [one, again ? Number.MAX_SAFE_INTEGER * (0.5 + Math.random() / 2) : bytes] as const
    }),
  )
  return [...due].sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0))
}

/** All files of a record are written ahead together, since a run's limits count records. */
function takeSome(due: Due[]): Due[] {
  const some: Due[] = []
  for (let files = 0; files < filesAhead; ) {
    const next = due.shift()
    if (next === undefined) break
    some.push(next)
    files += next.decision.plan.files.operations.length + next.decision.plan.files.comparisons.length
  }
  return some
}

function planned(some: readonly Due[]): Carried[] {
  return some.flatMap(({ decision, effects }) =>
    decision.plan.files.operations.map((one) => ({ decision, effects, planned: one, intentId: '' })),
  )
}

/** Files that look alike: the same ones are a pair from now on, and what is to be done about the others is answered. */
async function apart(
  { bench }: CarryInput,
  some: readonly Due[],
  signal: AbortSignal,
  isOver: () => boolean,
): Promise<Carried[]> {
  const compared = some.flatMap(({ decision, effects }) =>
    decision.plan.files.comparisons.map((comparison) => ({ decision, effects, comparison })),
  )
  const different = await inOrder(compared, atATime, async ({ decision, effects, comparison }) => {
    const { left, right, mappingId } = comparison
    if (isOver()) {
      effects.problems.push(later)
      return []
    }
    try {
      if (!(await sameContent(bench, decision, left, right, signal)))
        return comparison.apart.map((one): Carried => ({ decision, effects, planned: one, intentId: '' }))
      learnParts(bench, effects, mappingId, ({ files = [] }) => ({ files: [...files, { left, right }] }))
    } catch (error) {
      effects.problems.push(unreadable(mappingId, left.name, error))
    }
    return []
  })
  return different.flat()
}

/** Planned again at once; nobody needs to be told. */
const later: Problem = {
  class: 'unavailable',
  code: 'not-sent',
  message: 'The time of the batch was over before all of its files were carried.',
  remedy: 'Nothing to do: they follow at once.',
}

/** A file that was written ahead and not begun. */
function postpone(carried: Carried): void {
  carried.effects.settled.push(settledPart(carried, carried.planned.side, 'not-applied'))
  carried.effects.problems.push(later)
}

function intended(bench: Workbench, { decision, planned }: Carried) {
  const { side, source, target, mappingId, operation, name } = planned
  return {
    action: 'attachment' as const,
    side,
    fields: [
      {
        mappingId,
        field: 'attachments',
        source: source === null ? null : encodeEntry(source),
        before: target === null ? null : encodeEntry(target),
        sent: operation === 'delete' ? null : JSON.stringify([name, sizeOf(bench, decision, planned)]),
        rule: operation,
      },
    ],
  }
}

async function carryOne(
  bench: Workbench,
  { decision, planned }: Carried,
  signal: AbortSignal,
): Promise<AttachmentResult> {
  const { side, operation, target, name } = planned
  const connector = bench.connectors[side]
  const files = connector.attachments
  if (files === undefined) throw new Error(`${connector.kind} carries no files`)
  const { entityType } = bench.link.configuration[side]
  const recordId = (side === 'left' ? decision.left : decision.right).id
  const call = { signal }
  if (operation === 'delete' && target !== null) return files.remove(entityType, recordId, target, call)
  if (operation === 'rename' && target !== null) return files.rename(entityType, recordId, target, name, call)
  try {
    return await withPlaces(bench, signal, async () => {
      const content = await contentOf(bench, decision, planned, signal)
      try {
        const file = { ...content, name }
        return operation === 'replace' && target !== null
          ? await files.replace(entityType, recordId, target, file, call)
          : await files.add(entityType, recordId, file, call)
      } finally {
        content.close()
      }
    })
  } catch (error) {
    // The source could not be read: nothing was sent.
    return { outcome: 'refused', problem: unreadProblem(error) }
  }
}

function absorb(bench: Workbench, carried: Carried, result: AttachmentResult): void {
  const { effects, planned } = carried
  const { side, source, target, mappingId } = planned
  if (result.outcome !== 'done') {
    effects.settled.push(
      result.outcome === 'refused'
        ? settledPart(carried, side, 'not-applied')
        : { ...settledPart(carried, side, 'in-doubt'), answered: result.answered },
    )
    effects.problems.push(ofFile(result.problem, planned))
    return
  }
  effects.settled.push(settledPart(carried, side, 'applied'))
  effects.written.push(side)
  learnParts(bench, effects, mappingId, ({ files = [] }) => ({
    files: afterCarrying(files, { side, source, target, entry: result.entry }),
  }))
}

function ofFile(problem: Problem, { source, target, side, mappingId }: PlannedAttachment): Problem {
  const name = source?.name ?? target?.name ?? ''
  const remedy =
    problem.class === 'refused'
      ? 'Have such files allowed there, or take the file away here; everything else of the record is in step.'
      : problem.remedy
  return {
    ...problem,
    remedy,
    message: `The file "${name}": ${problem.message}`,
    side,
    // Several files of one record have an issue each.
    field: `attachments/${name}`,
    mappingId,
  }
}

function unreadProblem(error: unknown): Problem {
  if (error instanceof ConnectorError) return error.problem
  return {
    class: 'unavailable',
    code: 'file-unreadable',
    message: `It could not be read: ${error instanceof Error ? error.message : String(error)}`,
    remedy: 'Nothing to do: it is tried again.',
  }
}

function unreadable(mappingId: string, name: string, error: unknown): Problem {
  return {
    class: 'unavailable',
    code: 'file-unreadable',
    message: `The file "${name}" is on both sides and could not be compared: ${error instanceof Error ? error.message : String(error)}`,
    remedy: 'Nothing to do: it is tried again.',
    field: `attachments/${name}`,
    mappingId,
  }
}
