import type { PlannedComment } from '../../core/comment-intents.ts'
import type { PlannedField } from '../../core/intents.ts'
import { memoText } from '../../core/memo.ts'
import { fieldByName } from '../../core/metadata.ts'
import type { Problem } from '../../core/problems.ts'
import type { SimulatedItem } from '../../core/store.ts'
import { type CanonicalValue, otherSide, type RecordSnapshot, type Side, sides } from '../../core/values.ts'
import type { Workbench } from '../connections.ts'
import { stampsOf } from '../reconcile/commit-of.ts'
import type { CreateDecision, Decision, DeleteDecision, PairDecision, StopDecision } from '../reconcile/decision.ts'
import type { Foreseen } from './foresee.ts'

type Shown = Pick<SimulatedItem, 'leftId' | 'rightId' | 'action' | 'type' | 'title' | 'fields' | 'problems'>

/** What a decision would come to, as people read it. */
export function simulated(bench: Workbench, decision: Decision, foreseen: Foreseen | undefined): SimulatedItem {
  const common = { key: decision.item.key, sent: foreseen?.sent ?? [], stamps: stampsOf(decision) }
  switch (decision.kind) {
    case 'delete':
      return { ...common, ...shownDelete(bench, decision, foreseen) }
    case 'stop':
      return { ...common, ...shownStop(bench, decision) }
    case 'create':
      return { ...common, ...shownCreate(bench, decision, foreseen) }
    default:
      return { ...common, ...shownPair(bench, decision, foreseen) }
  }
}

function shownDelete(bench: Workbench, decision: DeleteDecision, foreseen: Foreseen | undefined): Shown {
  const { item, side, survivor } = decision
  return {
    leftId: item.pair?.left.id ?? null,
    rightId: item.pair?.right.id ?? null,
    action: foreseen?.written.includes(side) === false ? 'problem' : `delete-${side}`,
    type: typeOf(bench, side, survivor),
    title: titleOf(bench, side, survivor),
    fields: [],
    problems: foreseen?.problems ?? [],
  }
}

function shownStop(bench: Workbench, { item, seen, problems }: StopDecision): Shown {
  const row = item.due[0]
  return {
    leftId: item.pair?.left.id ?? (row?.side === 'left' ? row.id : null),
    rightId: item.pair?.right.id ?? (row?.side === 'right' ? row.id : null),
    action: hasErrors(problems ?? []) ? 'problem' : 'none',
    type: seen === null ? null : typeOf(bench, seen.side, seen.snapshot),
    title: seen === null ? '' : titleOf(bench, seen.side, seen.snapshot),
    fields: [],
    problems: problems ?? [],
  }
}

function shownCreate(bench: Workbench, decision: CreateDecision, foreseen: Foreseen | undefined): Shown {
  const { item, from, source, plan } = decision
  const to = otherSide(from)
  const errors = plan.problems.filter((problem) => problem.warning !== true)
  // What only waits for another record is created behind it, in the same run.
  const waits = plan.blocked && errors.length > 0 && errors.every((problem) => problem.class === 'waiting')
  const goes = foreseen === undefined ? waits : foreseen.written.includes(to)
  return {
    leftId: from === 'left' ? source.id : (item.pair?.left.id ?? null),
    rightId: from === 'right' ? source.id : (item.pair?.right.id ?? null),
    action: goes ? `create-${to}` : 'problem',
    type: typeOf(bench, from, source),
    title: titleOf(bench, from, source),
    fields: [...plan.fields.map((field) => shownField(bench, to, field)), ...shownComments(bench, plan.comments)],
    problems: [...plan.problems, ...(foreseen?.problems ?? [])],
  }
}

function shownPair(bench: Workbench, decision: PairDecision, foreseen: Foreseen | undefined): Shown {
  const { left, right, plan, outcome } = decision
  const files = plan.files.operations
  const { comments } = plan
  const written = sides.filter(
    (side) =>
      (plan.writes[side].length > 0 && foreseen?.written.includes(side) === true) ||
      files.some((one) => one.side === side) ||
      comments.some((one) => one.side === side),
  )
  const problems = [...plan.problems, ...(foreseen?.problems ?? [])]
  const [first, second] = written
  const action: SimulatedItem['action'] =
    second !== undefined
      ? 'update-both'
      : first !== undefined
        ? `update-${first}`
        : outcome === 'adopted'
          ? 'adopt'
          : hasErrors(problems)
            ? 'problem'
            : 'none'
  return {
    leftId: left.id,
    rightId: right.id,
    action,
    type: typeOf(bench, 'left', left),
    title: titleOf(bench, 'left', left),
    fields: [
      ...sides.flatMap((side) => plan.writes[side].map((field) => shownField(bench, side, field))),
      ...files.map(({ side, operation, target, name }) => ({
        side,
        field: 'attachments',
        label: 'Attachments',
        before: target?.name ?? null,
        after: operation === 'delete' ? null : name,
        rule: operation,
      })),
      ...shownComments(bench, comments),
    ],
    problems,
  }
}

/** Each comment with its text, as people would read it. */
function shownComments(bench: Workbench, comments: readonly PlannedComment[]): SimulatedItem['fields'] {
  return comments.map(({ side, field, action }) => ({
    side,
    field,
    label: fieldByName(bench.metadata[side].entity, field)?.label ?? field,
    before: action.kind === 'add' ? null : memoText(action.was.text),
    after: action.kind === 'delete' ? null : memoText(action.text),
    rule: action.kind,
  }))
}

function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.warning !== true)
}

function shownField(bench: Workbench, side: Side, field: PlannedField): SimulatedItem['fields'][number] {
  const metadata = fieldByName(bench.metadata[side].entity, field.field)
  // People know values by their labels, and persons by their names.
  const shown = (value: CanonicalValue): CanonicalValue => {
    if (Array.isArray(value)) return (value as readonly string[]).map((one) => String(shown(one)))
    if (metadata?.type === 'user') return bench.metadata[side].users.find((user) => user.key === value)?.name ?? value
    return metadata?.options?.find((option) => option.value === value)?.label ?? value
  }
  return {
    side,
    field: field.field,
    label: metadata?.label ?? field.field,
    before: shown(field.before),
    after: shown(field.sent),
    rule: field.rule,
  }
}

function typeOf(bench: Workbench, side: Side, snapshot: RecordSnapshot): string | null {
  return bench.planner.kindOf(side, snapshot)?.type?.id ?? null
}

/** Both products call the title `name`; any mapped string will do elsewhere. */
function titleOf(bench: Workbench, side: Side, snapshot: RecordSnapshot): string {
  const { name } = snapshot.fields
  if (typeof name === 'string') return name
  const text = bench.planner.fieldsToRead(side).map((field) => snapshot.fields[field])
  return String(text.find((value) => typeof value === 'string') ?? snapshot.id)
}
