import type { BaseField, BaseValue } from './base.ts'
import type { CanonicalValue, Side } from './values.ts'

/** Why a field waits for a person. */
export type ConflictKind =
  /** Both sides changed it, and the policy asks or could not decide. */
  | 'both-changed'
  /** Whether a write of ours lies under what is there now cannot be told. */
  | 'disputed'
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

/** Decisions of an item's pair by mapping id. */
export type Decisions = Readonly<Record<string, ConflictDecision>>

/** Both base values as far as they are known. */
export function knownBase(base: BaseField | undefined): FieldConflict['base'] {
  const value = (one: BaseValue | undefined): CanonicalValue | undefined =>
    one !== undefined && 'v' in one ? one.v : undefined
  const [left, right] = [value(base?.left), value(base?.right)]
  return left === undefined || right === undefined ? null : { left, right }
}
