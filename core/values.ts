/**
 * Canonical values: what a field holds, in the canonical form of *its own side*. A list value is the key its endpoint
 * uses (ALM: the item's text; Octane: the list node's id), a user is the login (ALM) or the user id (Octane), a reference
 * is the other record's id. "No value" is always `null`, whatever the wire says. Sets are sorted and free of repeats, so
 * that equality is equality of content. Memos are canonical HTML (see memo.ts and rich-text/). Dates are `yyyy-MM-dd`; date-times are
 * `yyyy-MM-dd HH:mm:ss` in the endpoint's own zone or ISO with `Z`, as received.
 */
export type CanonicalValue = null | string | number | boolean | readonly string[]

/** Field types of both products, reduced to what decides comparison, conversion and writing. */
export type FieldType =
  | 'string'
  | 'memo'
  | 'integer'
  | 'float'
  | 'boolean'
  | 'date'
  | 'datetime'
  | 'list'
  | 'user'
  | 'reference'
  | 'attachments'
  | 'comments'

/** Of fields that list what belongs to a record and has an identity of its own: there is no value to compare or convert. */
export function listsParts(type: FieldType): boolean {
  return type === 'attachments' || type === 'comments'
}

/** The two ends of a link. By convention ALM is left and Octane right; nothing in the engine depends on it. */
export type Side = 'left' | 'right'

export const sides: readonly Side[] = ['left', 'right']

/** Does what goes in a direction go to this side? */
export function flowsTo({ direction }: { direction: 'both' | 'to-left' | 'to-right' }, side: Side): boolean {
  return direction === 'both' || direction === `to-${side}`
}

export function otherSide(side: Side): Side {
  return side === 'left' ? 'right' : 'left'
}

/**
 * A text as it can be kept and sent anywhere: without NUL, and with U+FFFD for half of a surrogate pair, which is what a
 * dialog that cuts a text by its length leaves of an emoji. PostgreSQL takes neither, so that one such record would hold up
 * every other one of its batch.
 */
export function keepableText(text: string): string {
  return text.replaceAll('\0', '').replace(/\p{Surrogate}/gu, '\uFFFD')
}

/** Sorts and de-duplicates a set value; the empty set is "no value". */
export function canonicalSet(values: readonly string[]): readonly string[] | null {
  const unique = [...new Set(values)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return unique.length === 0 ? null : unique
}

/** Equality of two canonical values of the same side and field. */
export function sameValue(a: CanonicalValue, b: CanonicalValue): boolean {
  if (a === b) return true
  if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null) {
    return a.length === b.length && a.every((item, index) => item === b[index])
  }
  return false
}

/**
 * How far a server's record has come: `version` rises by one with every write (ALM `ver-stamp`, Octane `version_stamp`),
 * `modified` is the server's own time exactly as received. Either may be unknown (release folders have no time).
 */
export interface Stamp {
  version: number | null
  modified: string | null
}

/** The same state of the same record? Versions decide where both are known: two writes may share a second. */
export function sameStamp(a: Stamp, b: Stamp): boolean {
  if (a.version !== null && b.version !== null) return a.version === b.version
  return a.modified !== null && a.modified === b.modified
}

/** Proof that nobody wrote in between: `after` is the very next version of `before`. */
export function isDirectSuccessor(before: Stamp, after: Stamp, writes = 1): boolean {
  return before.version !== null && after.version !== null && after.version === before.version + writes
}

/** A record as read from one side: canonical values of the fields asked for. A field that the user may not read is absent. */
export interface RecordSnapshot {
  id: string
  stamp: Stamp
  /** When it was created, in the server's own words, where the type has such a time. */
  created?: string | null
  fields: Readonly<Record<string, CanonicalValue>>
  /** By memo field: content of the endpoint's text that its canonical form does not hold, in words (`a video`). */
  lost?: Readonly<Record<string, readonly string[]>>
  /** Octane's `client_lock_stamp`, where the endpoint compares it natively on writing. */
  lock?: number
}
