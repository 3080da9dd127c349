import type { AttachmentEntry } from './attachments.ts'
import type { CommentStamp } from './comments.ts'
import type { CanonicalValue } from './values.ts'

/** What belongs to records and is listed apart from them, since it may change without them. */
export const partKinds = ['files', 'comments'] as const
export type PartKind = (typeof partKinds)[number]

/** A file or comment in a listing of those of all records of a type. */
export interface ListedPart {
  recordId: string
  id: string
  /** What a base holds that knows it as it is now; null: the endpoint does not tell one state of it from another. */
  state: Readonly<Record<string, CanonicalValue>> | null
}

/** Parts of which a listing is complete: those of records whose ids begin with the prefix, with numbers in between. */
export interface PartsRange {
  prefix: string
  /** Not itself; null: from the first. */
  above: string | null
  /** Itself, too; null: to the last. */
  upTo: string | null
}

/** How many parts of a kind there are on a side. */
export interface PartsMark {
  count: number
  /** The highest number of one, as a text; null: there is none. */
  highest: string | null
}

/** What the last look noted of the parts of a side. */
export interface NotedParts extends PartsMark {
  /** Milliseconds since that look began; null: it is not known. */
  agoMs: number | null
}

/** What tells one state of a file from another; see `planAttachments`. */
export function listedFile(recordId: string, { id, name, size, stamp }: AttachmentEntry): ListedPart {
  return { recordId, id, state: { id, name, size, stamp } }
}

/** What tells one state of a comment from another; see `commentStamps`. */
export function listedComment(recordId: string, { id, stamp }: CommentStamp): ListedPart {
  return { recordId, id, state: stamp === null ? null : { id, stamp } }
}
