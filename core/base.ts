import { valueHash } from './hash.ts'
import { type CanonicalValue, type Side, sameValue } from './values.ts'

/** Version of the canonical forms in use; raised when a form changes, so that old base values are recomputed, not "changed". */
export const canonicalVersion = 1

/** Values beyond this many characters of JSON are kept as a hash: enough to see a change, too little to leak a text. */
const largestKeptValue = 4_096

/** A value of one side as it was last agreed on: itself, or its hash when it is long. */
export type BaseValue = { v: CanonicalValue } | { h: string }

/** What a pair last agreed on for one mapped field, each side in its own canonical form. */
export interface BaseField {
  left: BaseValue
  right: BaseValue
  /** Of the mapping under which it was agreed; another one means "re-map". */
  fingerprint: string
  canonical: number
  /** Where a server kept something else than we sent: hashes of both, and how often in a row. */
  altered?: Partial<Record<Side, { sent: string; kept: string; times: number }>>
  /** Whether a write of ours lies under the value that is there now cannot be told any more: a person decides. */
  disputed?: true
  /** The field is left alone until an admin decides. */
  frozen?: 'altered'
}

/** Base of a pair by mapping id. */
export type Base = Readonly<Record<string, BaseField>>

export function toBaseValue(value: CanonicalValue): BaseValue {
  return JSON.stringify(value).length <= largestKeptValue ? { v: value } : { h: valueHash(value) }
}

export function equalsBase(value: CanonicalValue, base: BaseValue): boolean {
  return 'v' in base ? sameValue(value, base.v) : valueHash(value) === base.h
}
