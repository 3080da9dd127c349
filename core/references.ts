import type { RecordReference } from './metadata.ts'
import type { Side } from './values.ts'

/** What is known about a record that another one refers to. */
export type ReferredRecord =
  /** It has a twin. `type`: the type pair it belongs to, where the link has several. */
  | { state: 'paired'; twinId: string; type?: string }
  /** It is going to be paired: references to it wait. */
  | { state: 'waits'; type?: string }
  /** A link of its kind leaves it alone by its rules or scope. */
  | { state: 'declined' }
  /** It is nothing that a link keeps in step: a folder, or of a type that is not mapped. */
  | { state: 'outside' }
  /** No link of this endpoint pair keeps such records in step: they are told by their names. */
  | { state: 'no-link' }

/** Answers what is known about records that the records of a batch refer to; filled before planning. */
export interface References {
  resolve(side: Side, to: RecordReference, id: string): ReferredRecord
}

/** For links without references to records of links: everything is told by its name. */
export const noReferences: References = { resolve: () => ({ state: 'no-link' }) }

/** The id of a referred record as its own link knows it. */
export function recordIdOf(to: RecordReference, id: string): string {
  return `${to.prefix}${id}`
}

/** The id that a field holds for a record of a link; null: the record is of another type than the field takes. */
export function fieldIdOf(to: RecordReference, recordId: string): string | null {
  if (!recordId.startsWith(to.prefix)) return null
  const id = recordId.slice(to.prefix.length)
  return /^\d+$/.test(id) ? id : null
}
