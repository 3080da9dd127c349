import { type BaseField, canonicalVersion, equalsBase, toBaseValue } from './base.ts'
import type { FieldMapping } from './link-config.ts'
import type { Problem } from './problems.ts'
import type { Translation } from './translate.ts'
import { type CanonicalValue, otherSide, type Side, sameValue } from './values.ts'

/** One mapped field of a pair, ready to be judged. */
export interface MergeField {
  mapping: FieldMapping
  fingerprint: string
  /** What the pair last agreed on; undefined: never. */
  base: BaseField | undefined
  left: CanonicalValue
  right: CanonicalValue
  /** Ways a value may flow: the mapping's direction, the link's rules and what the fields can take, all together. */
  flows: { toLeft: boolean; toRight: boolean }
  /** The record's stamp on that side is the one we have seen: whatever differs from base there is no edit. */
  stampSeen: { left: boolean; right: boolean }
  translate(from: Side, value: CanonicalValue): Translation
}

export type MergeRule = 'changed' | 'new' | 'conflict' | 're-map'

export type MergeResult =
  /** Nothing to write. `base` is what both sides agree on now; null: what the base already says. */
  | { kind: 'agreed'; base: BaseField | null; warning?: Problem }
  /** `value` (of `side`, the written one) replaces `before`; `source` is the other side's value it comes from. */
  | {
      kind: 'write'
      side: Side
      value: CanonicalValue
      before: CanonicalValue
      source: CanonicalValue
      rule: MergeRule
      warning?: Problem
    }
  /** Left as it is on both sides, base unmoved, until the problem is gone. */
  | { kind: 'held'; problem: Problem }

/**
 * Three-way merge of one field. The base holds one value per side, each in its side's own canonical form, so "changed"
 * is asked per side and never across: an echo of our own write, a lossy mapping and a server that reformats are no change.
 */
export function mergeField(field: MergeField): MergeResult {
  const { base, mapping, flows } = field
  if (base?.frozen !== undefined) return { kind: 'held', problem: frozenProblem(field) }
  if (!flows.toLeft && !flows.toRight) return { kind: 'agreed', base: null }
  if (base === undefined) return settleWithoutHistory(field, 'new')

  const changed = { left: hasChanged(field, base, 'left'), right: hasChanged(field, base, 'right') }
  if (base.fingerprint !== field.fingerprint) {
    if (changed.left !== changed.right) {
      const from: Side = changed.left ? 'left' : 'right'
      if (flowsFrom(flows, from)) return flow(field, from, 're-map')
    }
    return settleWithoutHistory(field, 're-map')
  }

  if (!(flows.toLeft && flows.toRight)) {
    // One way: edits of the target are not ours to carry, and are overwritten only when the source changes.
    const from: Side = flows.toRight ? 'left' : 'right'
    return changed[from] ? flow(field, from, 'changed') : { kind: 'agreed', base: refreshed(field, base) }
  }
  if (!changed.left && !changed.right) return { kind: 'agreed', base: refreshed(field, base) }
  if (changed.left && changed.right) {
    if (agree(field)) return { kind: 'agreed', base: agreedBase(field) }
    if (mapping.conflict === 'ask' || base.disputed === true) return { kind: 'held', problem: conflictProblem(field) }
    return flow(field, mapping.conflict, 'conflict')
  }
  return flow(field, changed.left ? 'left' : 'right', 'changed')
}

/**
 * Merges fields that the endpoint validates together. Values then flow one way only: where edits would cross, the policy
 * of the group's first field decides for all; where one field is held, those that would be written beside it are too.
 */
export function mergeGroup(fields: readonly MergeField[]): MergeResult[] {
  const results = fields.map(mergeField)
  const first = fields[0]
  if (first === undefined || fields.length === 1) return results

  const written = new Set(results.flatMap((result) => (result.kind === 'write' ? [result.side] : [])))
  if (written.size === 2) {
    const policy = first.mapping.conflict
    if (policy === 'ask') {
      return results.map((result, index) => {
        const field = fields[index]
        return result.kind === 'write' && field !== undefined
          ? { kind: 'held', problem: conflictProblem(field) }
          : result
      })
    }
    return results.map((result, index) => {
      const field = fields[index]
      return result.kind === 'write' && result.side === policy && field !== undefined && flowsFrom(field.flows, policy)
        ? flow(field, policy, 'conflict')
        : result
    })
  }
  const held = results.find((result) => result.kind === 'held')
  if (held?.kind !== 'held') return results
  return results.map((result, index) =>
    result.kind === 'write'
      ? {
          kind: 'held',
          problem: { ...held.problem, mappingId: fields[index]?.mapping.id ?? held.problem.mappingId ?? '' },
        }
      : result,
  )
}

function flowsFrom(flows: MergeField['flows'], from: Side): boolean {
  return from === 'left' ? flows.toRight : flows.toLeft
}

function hasChanged(field: MergeField, base: BaseField, side: Side): boolean {
  if (equalsBase(field[side], base[side])) return false
  // A base of an older canonical form differs by form alone while the record itself has not moved.
  return !(base.canonical !== canonicalVersion && field.stampSeen[side])
}

function agreedBase(field: MergeField): BaseField {
  return {
    left: toBaseValue(field.left),
    right: toBaseValue(field.right),
    fingerprint: field.fingerprint,
    canonical: canonicalVersion,
  }
}

/** Base values of an older canonical form are recomputed in passing. */
function refreshed(field: MergeField, base: BaseField): BaseField | null {
  return base.canonical === canonicalVersion ? null : agreedBase(field)
}

/** Either translation reaching the other's value is agreement: many-to-one pairs are not undone on the way back. */
function agree(field: MergeField): boolean {
  const { flows } = field
  if (flows.toRight) {
    const there = field.translate('left', field.left)
    if (there.ok && sameValue(there.value, field.right)) return true
  }
  if (flows.toLeft) {
    const back = field.translate('right', field.right)
    if (back.ok && sameValue(back.value, field.left)) return true
  }
  return false
}

/** No base, or one agreed under another meaning: equal adopts, else the dominant side; a value beats no value. */
function settleWithoutHistory(field: MergeField, rule: MergeRule): MergeResult {
  const { flows, mapping } = field
  if (agree(field)) return { kind: 'agreed', base: agreedBase(field) }
  if (!(flows.toLeft && flows.toRight)) return flow(field, flows.toRight ? 'left' : 'right', rule)
  if (field.left === null) return flow(field, 'right', rule)
  if (field.right === null) return flow(field, 'left', rule)
  if (mapping.conflict === 'ask') return { kind: 'held', problem: conflictProblem(field) }
  return flow(field, mapping.conflict, rule)
}

function flow(field: MergeField, from: Side, rule: MergeRule): MergeResult {
  const side = otherSide(from)
  const translation = field.translate(from, field[from])
  if (!translation.ok) return { kind: 'held', problem: translation.problem }
  const warning = translation.warning === undefined ? {} : { warning: translation.warning }
  if (sameValue(translation.value, field[side])) return { kind: 'agreed', base: agreedBase(field), ...warning }
  return { kind: 'write', side, value: translation.value, before: field[side], source: field[from], rule, ...warning }
}

function conflictProblem(field: MergeField): Problem {
  return {
    class: 'conflict',
    code: 'both-changed',
    message: `Both sides changed "${field.mapping.id}" since they last agreed.`,
    remedy: 'Choose a side or write a value; every other field of the record goes on.',
    mappingId: field.mapping.id,
  }
}

function frozenProblem(field: MergeField): Problem {
  const altered = field.base?.altered
  const side: Side = (altered?.left?.times ?? 0) > (altered?.right?.times ?? 0) ? 'left' : 'right'
  return {
    class: 'altered',
    code: 'endpoint-alters-value',
    message: `The endpoint keeps altering the value of "${field.mapping[side] ?? field.mapping.id}" that is written.`,
    remedy: 'Find the rule there that changes the field, or make the mapping one way; then retry the record.',
    side,
    mappingId: field.mapping.id,
  }
}
