import type { BaseField } from './base.ts'
import type { ConflictKind } from './conflicts.ts'
import type { FieldMapping } from './link-config.ts'
import type { Problem } from './problems.ts'
import { otherSide, type Side } from './values.ts'

/** What the words below need to know of a field. */
interface Named {
  mapping: FieldMapping
  names?: { left: string; right: string }
}

export function conflictProblem(mapping: FieldMapping, kind: ConflictKind): Problem {
  return {
    class: 'conflict',
    code: 'both-changed',
    message: conflictWords(mapping, kind),
    remedy: 'Choose a side or write a value (tandem conflict list); every other field of the record goes on.',
    field: mapping.left ?? mapping.right ?? '',
    mappingId: mapping.id,
  }
}

function conflictWords({ id }: FieldMapping, kind: ConflictKind): string {
  if (kind === 'disputed')
    return `Whether a write of Tandem lies under the value of "${id}" cannot be told any more, and both sides differ.`
  if (kind === 'adopted') return `The sides hold different values of "${id}", and did when they were paired.`
  return `Both sides changed "${id}" since they last agreed.`
}

/** Told at every look while the field is frozen. */
export function frozenProblem(field: Named, base: BaseField): Problem {
  if (base.frozen === 'ping-pong') return pingPongProblem(field, base.frozenSide ?? 'right')
  const { altered } = base
  const side: Side = base.frozenSide ?? ((altered?.left?.times ?? 0) > (altered?.right?.times ?? 0) ? 'left' : 'right')
  return {
    class: 'altered',
    code: 'endpoint-alters-value',
    message: `The endpoint keeps altering the value of "${field.mapping[side] ?? field.mapping.id}" that is written.`,
    remedy: alteredRemedy,
    side,
    field: field.mapping[side] ?? '',
    mappingId: field.mapping.id,
  }
}

export const alteredRemedy =
  'Find the rule there that changes the field, or make the mapping one way; then retry the record or resolve its conflict.'

/** Our write to `side` was answered by the value before it; both writers are named. */
export function pingPongProblem({ mapping, names }: Named, side: Side): Problem {
  const where = names?.[side] ?? side
  const other = names?.[otherSide(side)] ?? otherSide(side)
  return {
    class: 'altered',
    code: 'ping-pong',
    message: `"${mapping[side] ?? mapping.id}" swings: Tandem wrote the value of ${other} to ${where}, and somebody or a rule at ${where} put the value before back at once.`,
    remedy: `Find the rule at ${where} that changes the field, or make the mapping one way; then retry the record or resolve its conflict.`,
    side,
    field: mapping[side] ?? '',
    mappingId: mapping.id,
  }
}
