import { bannerText, bannerWord, commentText, readBanner } from './comment-memo.ts'
import { valueHash } from './hash.ts'
import { canonicalMemo } from './memo.ts'
import { parseCanonical } from './rich-text/canonical.ts'
import { plainText } from './rich-text/plain.ts'
import { isRichText, type RichNode, serializeTree } from './rich-text/tree.ts'
import { otherSide, type Side, sides } from './values.ts'

/** A comment of a record, as one side has it. */
export interface Comment {
  /** The endpoint's own id; null where comments are parts of one memo. */
  id: string | null
  /** Who wrote it first, in the words of the side where that was; null: not told. */
  author: string | null
  /** When, in the words of that side; null: not told. */
  time: string | null
  /** Canonical memo, without banner. */
  text: string
  /** Set on a copy: the system that it comes from, and what it is known by there. Neither side lets anybody set author and time. */
  origin: { from: string; ref: string } | null
}

/** What one side had of a comment when both last agreed. */
interface SeenComment {
  id: string | null
  author: string | null
  time: string | null
  hash: string
}

/** A comment that both sides know, or knew. */
export interface CommentEntry {
  /** What the copy's banner calls it: the id at home, or a hash where there is none. */
  ref: string
  /** The side where it was written. */
  home: Side
  left: SeenComment | null
  right: SeenComment | null
}

export type CommentAction =
  | {
      kind: 'add'
      side: Side
      author: string | null
      time: string | null
      text: string
      origin: NonNullable<Comment['origin']>
    }
  | { kind: 'edit'; side: Side; ref: string; was: Comment; text: string }
  | { kind: 'delete'; side: Side; ref: string; was: Comment }

export interface CommentsInput {
  /** What both sides last agreed on. */
  base: readonly CommentEntry[]
  left: readonly Comment[]
  right: readonly Comment[]
  /** Names of both systems, as banners call them; they differ. */
  names: Readonly<Record<Side, string>>
  /** Whether a deletion is carried over; otherwise the other side keeps its comment. */
  deletes: boolean
  /** A text in the other side's form (images re-pointed); null: it cannot go there now. Absent: as it is. */
  carry?(from: Side, text: string): string | null
}

export interface CommentsPlan {
  actions: readonly CommentAction[]
  /** What both sides agree on once the actions are carried out as planned; `learnComment` corrects it by what was kept. */
  base: readonly CommentEntry[]
  /** Comments that both sides changed: home's text stands, and this is what the copy said. */
  overruled: readonly { ref: string; side: Side; text: string }[]
  /** Comments whose text cannot go to the other side now. */
  held: readonly string[]
}

/** The text of a comment as it is written to a side that keeps comments one by one: a line that says who and when, then the text. */
export function renderCopy(action: Extract<CommentAction, { kind: 'add' }>): string {
  return withBanner(bannerText(action), action.text)
}

/** The text of a copy once edited, under the banner that it has. */
export function renderEditedCopy(was: Comment, text: string): string {
  return was.origin === null ? text : withBanner(bannerText({ ...was, origin: was.origin }), text)
}

function withBanner(banner: string, text: string): string {
  const line: RichNode = {
    tag: 'p',
    attributes: [],
    children: [{ tag: 'b', attributes: [], children: [{ text: banner }] }],
  }
  const body: RichNode = { tag: 'div', attributes: [], children: parseCanonical(text) }
  return canonicalMemo(serializeTree([line, body])) ?? ''
}

/** A comment of a side that keeps them one by one: its own author and time, unless a banner names those of the original. */
export function readComment(found: {
  id: string
  author: string | null
  time: string | null
  text: string | null
}): Comment {
  const nodes = parseCanonical(canonicalMemo(found.text))
  const [first] = nodes
  const banner = first === undefined || isRichText(first) ? null : readBanner(plainText([first]))
  const own = { id: found.id, author: found.author, time: found.time, origin: null }
  return { ...own, ...banner, text: commentText(banner === null ? nodes : nodes.slice(1)) }
}

type Known = { entry: CommentEntry; now: Record<Side, Comment | null> }

/**
 * Three-way merge of both sides' comments, each known by its id or its banner, never by its place. A comment is written once on
 * the other side; edits and (if wanted) deletions go either way; an edit beats a deletion. Copies are never copied back, and
 * carrying out the plan leaves nothing to do.
 */
export function planComments(input: CommentsInput): CommentsPlan {
  const actions: CommentAction[] = []
  const base: CommentEntry[] = []
  const overruled: { ref: string; side: Side; text: string }[] = []
  const held: string[] = []
  const carry = (from: Side, text: string) => input.carry?.(from, text) ?? (input.carry === undefined ? text : null)

  for (const { entry, now } of identify(input)) {
    const { ref, home } = entry
    const away = otherSide(home)
    const [original, copy] = [now[home], now[away]]
    const known = entry[home] !== null || entry[away] !== null
    const changed = (side: Side) => now[side] !== null && hashOf(now[side]) !== entry[side]?.hash
    const put = (from: Side, source: Comment): void => {
      const to = otherSide(from)
      const text = carry(from, source.text)
      const there = now[to]
      if (text === null) {
        held.push(ref)
        if (known) base.push(entry)
        return
      }
      if (there === null) {
        const origin = { from: input.names[from], ref }
        actions.push({ kind: 'add', side: to, author: source.author, time: source.time, text, origin })
      } else if (there.text !== text) actions.push({ kind: 'edit', side: to, ref, was: there, text })
      base.push({ ...entry, [from]: seen(source), [to]: seen({ ...(there ?? { ...source, id: null }), text }) })
    }
    if (original !== null && copy !== null) {
      // A copy that was found without a base is one whose writing was not heard of: both are as they are to be.
      if (!known) {
        base.push({ ...entry, [home]: seen(original), [away]: seen(copy) })
        continue
      }
      if (changed(home)) {
        if (changed(away) && copy.text !== original.text) overruled.push({ ref, side: away, text: copy.text })
        put(home, original)
      } else if (changed(away)) put(away, copy)
      else base.push({ ...entry, [home]: seen(original), [away]: seen(copy) })
    } else if (original !== null) {
      const removed = entry[away] !== null
      if (!removed || (input.deletes && changed(home))) put(home, original)
      else if (input.deletes) actions.push({ kind: 'delete', side: home, ref, was: original })
      else base.push(entry)
    } else if (copy !== null && known) {
      if (input.deletes && !changed(away)) actions.push({ kind: 'delete', side: away, ref, was: copy })
      else base.push(entry)
    }
  }
  return { actions, base, overruled, held }
}

/** The base after a side has answered what it kept of a comment: an endpoint that reformats is no editor. */
export function learnComment(base: readonly CommentEntry[], side: Side, ref: string, kept: Comment): CommentEntry[] {
  return base.map((entry) => (entry.ref === ref && entry.home !== side ? { ...entry, [side]: seen(kept) } : entry))
}

/** Finds each known comment on both sides, then the new ones. */
function identify({ base, left, right, names }: CommentsInput): Known[] {
  const now = { left, right }
  const free = { left: new Set(left), right: new Set(right) }
  const take = (side: Side, fits: (comment: Comment) => boolean): Comment | null => {
    for (const comment of free[side]) {
      if (!fits(comment)) continue
      free[side].delete(comment)
      return comment
    }
    return null
  }
  const known: Known[] = base.map((entry) => ({ entry, now: { left: null, right: null } }))
  const look = (fits: (comment: Comment, seenThere: SeenComment, entry: CommentEntry, side: Side) => boolean): void => {
    for (const one of known)
      for (const side of sides) {
        const there = one.entry[side]
        if (one.now[side] === null && there !== null)
          one.now[side] = take(side, (comment) => fits(comment, there, one.entry, side))
      }
  }
  const isCopyOf = (comment: Comment, ref: string, home: Side) =>
    comment.origin !== null && comment.origin.ref === ref && comment.origin.from === bannerWord(names[home])
  // Surest first: the endpoint's own id, the banner's reference, the very same comment, then one of the same hand and time.
  look((comment, there) => comment.id !== null && comment.id === there.id)
  look((comment, _there, entry, side) => side !== entry.home && isCopyOf(comment, entry.ref, entry.home))
  const native = (comment: Comment, entry: CommentEntry, side: Side) =>
    side === entry.home && comment.origin === null && comment.id === null
  const sameHand = (comment: Comment, there: SeenComment) =>
    comment.author === there.author && comment.time === there.time
  look(
    (comment, there, entry, side) =>
      native(comment, entry, side) && sameHand(comment, there) && hashOf(comment) === there.hash,
  )
  look((comment, there, entry, side) => native(comment, entry, side) && sameHand(comment, there))
  look((comment, there, entry, side) => native(comment, entry, side) && hashOf(comment) === there.hash)

  const refs = new Set(base.map((entry) => `${entry.home} ${entry.ref}`))
  for (const home of sides)
    for (const comment of now[home]) {
      if (!free[home].has(comment) || comment.origin !== null || comment.text === '') continue
      free[home].delete(comment)
      const ref = refOf(comment, (candidate) => refs.has(`${home} ${candidate}`))
      refs.add(`${home} ${ref}`)
      const away = otherSide(home)
      const copy = take(away, (candidate) => isCopyOf(candidate, ref, home))
      const found = { [home]: comment, [away]: copy } as Record<Side, Comment | null>
      known.push({ entry: { ref, home, left: null, right: null }, now: found })
    }
  return known
}

function refOf(comment: Comment, isTaken: (ref: string) => boolean): string {
  if (comment.id !== null) return comment.id
  const hash = valueHash([comment.author ?? '', comment.time ?? '', comment.text]).slice(0, 16)
  for (let number = 1; ; number++) {
    const ref = number === 1 ? hash : `${hash}.${number}`
    if (!isTaken(ref)) return ref
  }
}

function seen(comment: Comment): SeenComment {
  const { id, author, time } = comment
  return { id, author, time, hash: hashOf(comment) }
}

function hashOf(comment: Comment): string {
  return valueHash(comment.text)
}
