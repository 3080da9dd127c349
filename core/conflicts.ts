import type { BaseField, BaseValue } from './base.ts'
import type { LinkConfiguration } from './link-config.ts'
import { type CanonicalValue, canonicalSet, type Side, sameValue } from './values.ts'

/** Why a field waits for a person. */
export type ConflictKind =
  /** Both sides changed it, and the policy asks or could not decide. */
  | 'both-changed'
  /** Whether a write of ours lies under what is there now cannot be told. */
  | 'disputed'
  /** The sides differed when the pair was adopted. */
  | 'adopted'
  /** An endpoint alters what is written, or answers it with the value before. */
  | 'frozen'

/** A field that waits for a person, with both values as seen. */
export interface FieldConflict {
  mappingId: string
  kind: ConflictKind
  /** What the sides last agreed on, as far as it was kept; null: never, or only as a hash. */
  base: { left: CanonicalValue; right: CanonicalValue } | null
  left: CanonicalValue
  right: CanonicalValue
  /** Hashes of both values: what a decision was made about. */
  leftHash: string
  rightHash: string
}

/** What a person decided about a field that waits; carried out by the planner while both sides are as the person saw them. */
export interface ConflictDecision {
  conflictId: string
  /** A side's value, another value, or another try with a frozen field. */
  choose: 'left' | 'right' | 'value' | 'retry'
  /** With `value`: in the canonical form of `side`'s field; the other side gets its translation. */
  value: CanonicalValue
  side: Side
  leftHash: string
  rightHash: string
}

/**
 * Why a decision about a field can never be carried out under this configuration, in words; null: it can. What the endpoints
 * themselves refuse is told when it is tried.
 */
export function decisionRefusal(
  configuration: Pick<LinkConfiguration, 'fields' | 'rules'>,
  conflict: { mappingId: string; kind: ConflictKind; left: CanonicalValue; right: CanonicalValue },
  decision: { choose: ConflictDecision['choose']; value: CanonicalValue; side: Side },
): string | null {
  const mapping = configuration.fields.find((one) => one.id === conflict.mappingId)
  if (mapping === undefined)
    return `The field "${conflict.mappingId}" is not mapped any more; the conflict closes by itself at the next look.`
  if (decision.choose === 'retry')
    return conflict.kind === 'frozen' ? null : 'Only a frozen field can be tried again: choose a side or write a value.'
  const flows = {
    left: mapping.direction !== 'to-left' && configuration.rules.toRight.update && !mapping.createOnly,
    right: mapping.direction !== 'to-right' && configuration.rules.toLeft.update && !mapping.createOnly,
  }
  const { choose, side, value } = decision
  const from = choose !== 'value' ? choose : sameContent(value, conflict[side]) ? side : null
  if (from !== null && !flows[from])
    return `The value of the ${from} side may not be written to the other side: the mapping of "${mapping.id}" or the link's rules go the other way only.`
  if (from === null && !(flows.left && flows.right))
    return `Another value would have to be written to both sides, but "${mapping.id}" flows one way only: choose the ${flows.left ? 'left' : 'right'} side.`
  return null
}

/** A value as people write it, compared with one as it is kept. */
function sameContent(written: CanonicalValue, kept: CanonicalValue): boolean {
  const plain = (value: CanonicalValue): CanonicalValue =>
    Array.isArray(value) ? canonicalSet(value as readonly string[]) : value === '' ? null : value
  return sameValue(plain(written), plain(kept))
}

/** Decisions of an item's pair by mapping id. */
export type Decisions = Readonly<Record<string, ConflictDecision>>

/** Both base values as far as they are known. */
export function knownBase(base: BaseField | undefined): FieldConflict['base'] {
  if (base?.differs === true) return null
  const value = (one: BaseValue | undefined): CanonicalValue | undefined =>
    one !== undefined && 'v' in one ? one.v : undefined
  const [left, right] = [value(base?.left), value(base?.right)]
  return left === undefined || right === undefined ? null : { left, right }
}
