import type { Side } from './values.ts'

/** When a field was last edited, by its endpoint's own history. */
export interface FieldEdit {
  /** In the endpoint's own words. */
  time: string
  /** The same moment by the clock of whoever asked, in milliseconds since 1970. */
  atMs: number
  /** How far that may be off: the clock's difference was measured, and histories count whole seconds. */
  uncertaintyMs: number
}

/** What was known about the two edits when the later one won: for the ledger. */
export interface EditTimes {
  left: string
  right: string
  /** By how much the winner is later, and by how much that may be off, in milliseconds. */
  apartMs: number
  uncertaintyMs: number
}

/**
 * Which side edited the field last. Null where nobody can tell: a history says nothing about the field, or the two times lie
 * closer together than they may be off.
 */
export function laterEdit(
  left: FieldEdit | undefined,
  right: FieldEdit | undefined,
): { newer: Side; times: EditTimes } | null {
  if (left === undefined || right === undefined) return null
  const apartMs = Math.abs(left.atMs - right.atMs)
  const uncertaintyMs = left.uncertaintyMs + right.uncertaintyMs
  if (!(apartMs > uncertaintyMs)) return null
  return {
    newer: left.atMs > right.atMs ? 'left' : 'right',
    times: { left: left.time, right: right.time, apartMs, uncertaintyMs },
  }
}
