import { bannerWord } from './comment-memo.ts'
import {
  afterComment,
  type Comment,
  type CommentAction,
  type CommentEntry,
  commentOfAction,
  commentsOf,
  decodeComment,
  encodeComment,
  inOwnWords,
  sameComment,
} from './comments.ts'
import type { IntentField } from './intents.ts'
import { sameMemoContent } from './memo.ts'
import type { CanonicalValue, Side } from './values.ts'

/** One comment about to be written. */
export interface PlannedComment {
  mappingId: string
  side: Side
  /** Name of the field on the written side. */
  field: string
  action: CommentAction
  /** The comment of the other side that it comes from; null: of a deletion. */
  source: Comment | null
}

/** A comment's write as intents and the ledger tell it: the other side's comment, what stood there, and what was sent. */
export function intendedComment({ mappingId, field, action, source }: PlannedComment): IntentField {
  return {
    mappingId,
    field,
    source: source === null ? null : written(source),
    before: action.kind === 'add' ? null : written(action.was),
    sent: action.kind === 'delete' ? null : written(sentComment(action)),
    rule: action.kind,
    comment: commentOfAction(action),
  }
}

/** Nobody asks any more whether it might be a quotation. */
function written({ own: _own, ...comment }: Comment): string {
  return encodeComment(comment)
}

function sentComment(action: Exclude<CommentAction, { kind: 'delete' }>): Comment {
  if (action.kind === 'edit') return { ...action.was, text: action.text }
  const { author, time, text, origin } = action
  return { id: null, author, time, text, origin }
}

/**
 * Settles a comment's write whose answer never came, by what the written side lists now: a copy is found by the reference in
 * its banner, an edited one by its text, a deleted one by its absence. Where a person has edited a copy since, the base
 * learns what was sent, so that their edit counts as one. Null: it is not there.
 */
export function settleComment(
  field: IntentField,
  { side, listed, base }: { side: Side; listed: CanonicalValue; base: readonly CommentEntry[] },
): CommentEntry[] | null {
  const now = commentsOf(listed)
  const { comment: about } = field
  if (about === undefined) return null
  const [source, before, sent] = [field.source, field.before, field.sent].map((text) =>
    text === null ? null : decodeComment(String(text)),
  )
  if (field.rule === 'delete') {
    if (before === undefined || before === null) return null
    const same = now.filter((one) => isSame(one, before))
    // A person's words in a memo have no id and no banner: of those that nothing tells apart one less than were known.
    const alike = (entry: CommentEntry) =>
      entry.home === side && entry[side] !== null && sameComment(before, entry[side])
    const known = before.id === null && before.origin === null ? base.filter(alike).length : 1
    return same.length < Math.max(1, known) ? afterComment(base, about, null) : null
  }
  if (sent === undefined || sent === null || source === undefined || source === null) return null
  // A quotation that is known as such is not the copy whose banner it begins with.
  const quotes = base.flatMap((entry) => (entry.home === side ? [entry[side]?.id ?? []] : [])).flat()
  const candidates = sent.id !== null ? now : now.filter((one) => one.id === null || !quotes.includes(one.id))
  const writer = base.find(({ home, ref }) => home === about.home && ref === about.ref)?.[side]?.writer
  const same = candidates.filter((one) => isSame(one, sent))
  const read = same.find(({ own }) => writer === undefined || own?.writer === writer) ?? same[0]
  if (read === undefined) return null
  const found = sent.origin === null ? inOwnWords(read) : read
  const asSent = sameMemoContent(found.text, sent.text)
  if (field.rule === 'edit' && !asSent) return null
  return afterComment(base, about, { side, kept: asSent ? found : { ...found, text: sent.text }, source })
}

/** The same comment by id, else by its banner, else by hand, time and text. */
function isSame(one: Comment, other: Comment): boolean {
  if (other.id !== null) return one.id === other.id
  if (other.origin !== null)
    return one.origin?.ref === other.origin.ref && one.origin.from === bannerWord(other.origin.from)
  return one.origin === null && one.author === other.author && one.time === other.time && one.text === other.text
}
