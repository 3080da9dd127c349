import { type AttachmentComparison, type PlannedAttachment, planAttachments } from './attachments.ts'
import { type Base, type BaseField, emptyBase } from './base.ts'
import type { PlannedComment } from './comment-intents.ts'
import { type CommentEntry, commentStamps, commentsOf, planComments, untilCarriedOut } from './comments.ts'
import type { FieldMapping, LinkConfiguration } from './link-config.ts'
import type { FieldMetadata } from './metadata.ts'
import { unreadable } from './plan-problems.ts'
import type { Problem } from './problems.ts'
import type { References } from './references.ts'
import { unreadableProblem } from './text-guard.ts'
import type { Around, Translator } from './translate.ts'
import type { CanonicalValue, RecordSnapshot, Side } from './values.ts'

/** A mapping of files or comments with what is known of it for all records. */
interface PartMapping {
  mapping: FieldMapping
  fingerprint: string
  flows: { toLeft: boolean; toRight: boolean }
}

interface PartsContext {
  configuration: LinkConfiguration
  files: readonly PartMapping[]
  comments: readonly PartMapping[]
  /** What each system is called in the banners of comments that come from it. */
  origins: Readonly<Record<Side, string>>
  /** Sides where an attached file may get another name. */
  renames: Readonly<Record<Side, boolean>>
  fieldOf(side: Side, name: string | null): FieldMetadata | undefined
  translator: Translator
  aroundOf(from: Side, input: PartsInput): Around
}

/** Of a pair's input, what its files and comments are planned from. */
interface PartsInput {
  base: Base
  left: RecordSnapshot
  right: RecordSnapshot
  references?: References
  adopting?: unknown
}

/** What both of these find out beside their plans. */
interface Found {
  /** Base values learnt without writing, by mapping id. */
  agreed: Record<string, BaseField>
  problems: Problem[]
}

/** Plans what of a record are no values: the files attached to it and its comments. */
export function createPartsPlanner(context: PartsContext) {
  const { configuration, fieldOf, translator, aroundOf } = context

  function planFiles(
    input: PartsInput,
    { agreed, problems }: Found,
  ): { operations: readonly PlannedAttachment[]; comparisons: readonly AttachmentComparison[] } {
    const operations: PlannedAttachment[] = []
    const comparisons: AttachmentComparison[] = []
    for (const { mapping, fingerprint, flows } of context.files) {
      const [left, right] = [input.left.fields[mapping.left ?? ''], input.right.fields[mapping.right ?? '']]
      if (left === undefined || right === undefined) {
        problems.push(unreadable(mapping, left === undefined ? 'left' : 'right'))
        continue
      }
      const base = input.base[mapping.id]
      const plan = planAttachments({
        mapping,
        base,
        left,
        right,
        flows,
        deletion: configuration.attachments.delete,
        maxBytes: configuration.attachments.maxBytes,
        addresses: configuration.attachments.method === 'address',
        renames: context.renames,
      })
      operations.push(...plan.operations)
      comparisons.push(...plan.comparisons)
      problems.push(...plan.problems)
      if (plan.changed || base === undefined) agreed[mapping.id] = { ...emptyBase(fingerprint), files: plan.pairs }
    }
    return { operations, comparisons }
  }

  /** What is to be written of both sides' comments; what goes without writing is agreed. */
  function commentsOfPair(input: PartsInput, { agreed, problems }: Found): PlannedComment[] {
    return context.comments.flatMap((one) => {
      const { mapping, fingerprint } = one
      const [left, right] = [input.left.fields[mapping.left ?? ''], input.right.fields[mapping.right ?? '']]
      if (left === undefined || right === undefined) {
        const side = left === undefined ? 'left' : 'right'
        const [why] = input[side].lost?.[mapping[side] ?? ''] ?? []
        const field = fieldOf(side, mapping[side])
        problems.push(
          why === undefined || field === undefined
            ? unreadable(mapping, side)
            : unreadableProblem(mapping.id, field, side, why),
        )
        return []
      }
      const before = input.base[mapping.id]?.comments
      const known = before ?? []
      const isSilent = left === null && right === null && known.length === 0
      const listed = { left: commentStamps(commentsOf(left)), right: commentStamps(commentsOf(right)) }
      const { planned, base } = isSilent
        ? { planned: [], base: known }
        : commentsOfMapping(
            one,
            known,
            { left, right },
            problems,
            (from) => aroundOf(from, input),
            input.adopting !== undefined,
          )
      if (
        before === undefined ||
        JSON.stringify([base, listed]) !== JSON.stringify([before, input.base[mapping.id]?.listed])
      )
        agreed[mapping.id] = {
          ...emptyBase(fingerprint),
          comments: base,
          listed,
        }
      return planned
    })
  }

  function commentsOfMapping(
    { mapping, flows }: PartMapping,
    before: readonly CommentEntry[],
    values: Record<Side, CanonicalValue>,
    problems: Problem[],
    around: (from: Side) => Around,
    adopting = false,
  ): { planned: PlannedComment[]; base: CommentEntry[] } {
    const told = new Map<string, Problem>()
    const plan = planComments({
      base: before,
      left: commentsOf(values.left),
      right: commentsOf(values.right),
      names: context.origins,
      adopting,
      edits: configuration.comments.edits,
      deletes: configuration.comments.deletes,
      flows: { left: flows.toLeft, right: flows.toRight },
      carry: (from, text) => {
        const moved = translator.text(mapping, from, text, around(from))
        if (moved.ok) return moved.value === null ? '' : String(moved.value)
        told.set(moved.problem.message, moved.problem)
        return null
      },
    })
    problems.push(...told.values())
    const planned = plan.actions.map((action, index): PlannedComment => {
      const { side } = action
      return { mappingId: mapping.id, side, field: mapping[side] ?? '', action, source: plan.sources[index] ?? null }
    })
    return { planned, base: untilCarriedOut(plan, before) }
  }

  return { planFiles, commentsOfPair, commentsOfMapping }
}
