import type { AttachmentPair } from './attachments.ts'
import type { CommentEntry, CommentStamp } from './comments.ts'
import { valueHash } from './hash.ts'
import { canonicalMemo } from './memo.ts'
import { type CanonicalValue, type Side, sameValue } from './values.ts'

/**
 * Version of the canonical forms in use; raised when a form changes, so that old base values are recomputed, not "changed".
 * 2: memos are reduced to a list of elements, attributes and styles, each said in one way. Other values are as in 1.
 */
export const canonicalVersion = 2

/** Values beyond this many characters of JSON are kept as a hash: enough to see a change, too little to leak a text. */
const largestKeptValue = 4_096

/** A value of one side as it was last agreed on: itself, or its hash when it is long. */
export type BaseValue = { v: CanonicalValue } | { h: string }

/** One of the last values of a side: its hash, whether we wrote it, and when by the endpoint's own clock. */
export interface TrailEntry {
  h: string
  ours: boolean
  at: string | null
}

/** What a pair last agreed on for one mapped field, each side in its own canonical form. */
export interface BaseField {
  left: BaseValue
  right: BaseValue
  /** Of the mapping under which it was agreed; another one means "re-map". */
  fingerprint: string
  canonical: number
  /** Where a server kept something else than we sent: hashes of both, and how often in a row. */
  altered?: Partial<Record<Side, { sent: string; kept: string; times: number }>>
  /** The last few values of a side around our writes to it, oldest first: what a ping-pong is told by. */
  trail?: Partial<Record<Side, readonly TrailEntry[]>>
  /** A merged or decided value lies on `side` already and the other side is still to get it: hashes of both as they were. */
  halfway?: { side: Side; rule: 'merge' | 'decision'; left: string; right: string }
  /** Whether a write of ours lies under the value that is there now cannot be told any more: a person decides. */
  disputed?: true
  /** The sides held different values when the pair was adopted, and neither has been chosen yet. */
  differs?: true
  /** The field is left alone until an admin decides. */
  frozen?: 'altered' | 'ping-pong'
  /** The side whose endpoint froze it. */
  frozenSide?: Side
  /** This side names a person without twin: the value follows as soon as there is one. */
  gap?: Side
  /** This side's field had vanished and is back: that it is empty now is no edit, for whoever makes a field anew makes it empty. */
  returned?: Side
  /** Of attachments: which file of one side is which of the other. */
  files?: readonly AttachmentPair[]
  /** Of comments: which comment of one side is which of the other. */
  comments?: readonly CommentEntry[]
  /** Of comments: those that a side had at the last look, carried or not; what a listing shows beside them is news. */
  listed?: Partial<Record<Side, readonly CommentStamp[]>>
}

/** Base of a pair by mapping id. */
export type Base = Readonly<Record<string, BaseField>>

/** A field of which nothing is agreed yet, such as one of files or comments, whose parts have entries of their own. */
export function emptyBase(fingerprint: string): BaseField {
  return { left: toBaseValue(null), right: toBaseValue(null), fingerprint, canonical: canonicalVersion }
}

/** The value as base keeps it. A mapping whose policy merges needs the whole text; for others a hash of a long one will do. */
export function toBaseValue(value: CanonicalValue, mapping?: { conflict: string }): BaseValue {
  const whole = mapping?.conflict === 'merge' || isShort(value)
  return whole ? { v: value } : { h: valueHash(value) }
}

/** No character takes more than six in JSON, so that few values need to be written out to be measured. */
function isShort(value: CanonicalValue): boolean {
  if (typeof value === 'string' && value.length * 6 + 2 <= largestKeptValue) return true
  return JSON.stringify(value).length <= largestKeptValue
}

export function equalsBase(value: CanonicalValue, base: BaseValue): boolean {
  return 'v' in base ? sameValue(value, base.v) : valueHash(value) === base.h
}

/**
 * A base of an older canonical form, its values in today's: a memo that was kept whole is read again, so that an edit that waits
 * is still told from a new form. Of a hash there is nothing to read. The base stays marked as old until it is agreed anew.
 */
export function inTodaysForm(base: BaseField, memo: Readonly<Record<Side, boolean>>): BaseField {
  if (base.canonical === canonicalVersion) return base
  const read = (value: BaseValue, side: Side): BaseValue =>
    memo[side] && 'v' in value && typeof value.v === 'string' ? { v: canonicalMemo(value.v) } : value
  return { ...base, left: read(base.left, 'left'), right: read(base.right, 'right') }
}

/** Whether a side's value was agreed in an older form and only its hash is known: it can equal no value of today. */
export function isOldHash(base: BaseField, side: Side): boolean {
  return base.canonical !== canonicalVersion && 'h' in base[side]
}

/** What is held against edits of a field: nothing, where the field of one side was made anew and is empty. */
export function afterReturn(base: BaseField, values: Readonly<Record<Side, CanonicalValue>>): BaseField | undefined {
  const { returned, ...rest } = base
  return returned !== undefined && values[returned] === null ? undefined : rest
}

/** A frozen field as it goes on after somebody asked for another try: what was held against it is forgotten. */
export function thawed(base: BaseField): BaseField {
  const { frozen: _frozen, frozenSide: _side, altered: _altered, trail: _trail, ...rest } = base
  return rest
}
