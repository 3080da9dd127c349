import { bannerText, bannerWord, commentText, readBanner } from './comment-memo.ts'
import { valueHash } from './hash.ts'
import { canonicalMemo, unreadableMemo } from './memo.ts'
import { parseCanonical } from './rich-text/canonical.ts'
import { plainText } from './rich-text/plain.ts'
import { isRichText, type RichNode, serializeTree } from './rich-text/tree.ts'
import { type CanonicalValue, otherSide, type Side, sides } from './values.ts'

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
  /** Another one whenever the comment was edited; absent: the endpoint does not tell. */
  stamp?: string
  /** Beside `origin`, where a side keeps comments one by one: what it is if a person quotes the banner. */
  own?: OwnWords
}

/** Whose words a comment is that begins with a banner, if these are not those of the banner. */
interface OwnWords {
  /** The user who wrote it, by the endpoint's id; null: not told. */
  writer: string | null
  author: string | null
  time: string | null
  /** Canonical memo of the banner. */
  banner: string
}

/** A state of a comment by the endpoint's own id; null as stamp: it does not tell one state from another. */
export interface CommentStamp {
  id: string
  stamp: string | null
}

/** What one side had of a comment when both last agreed. */
export interface SeenComment {
  id: string | null
  author: string | null
  time: string | null
  hash: string
  /** Of a copy on a side that keeps comments one by one: the user who wrote it, by the endpoint's id. */
  writer?: string
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
  | { kind: 'edit'; side: Side; home: Side; ref: string; was: Comment; text: string }
  | { kind: 'delete'; side: Side; home: Side; ref: string; was: Comment }

export interface CommentsInput {
  /** What both sides last agreed on. */
  base: readonly CommentEntry[]
  left: readonly Comment[]
  right: readonly Comment[]
  /** Names of both systems, as banners call them; they differ, never change, and no other system has them. */
  names: Readonly<Record<Side, string>>
  /**
   * Which deletions are carried over. `copies`: of a comment whose original is gone; the original stays when its copy is taken
   * away. `all`: either way. `nothing`: the other side keeps its comment.
   */
  deletes: 'nothing' | 'copies' | 'all'
  /** Whether an edit is carried over; absent: it is. */
  edits?: boolean
  /** The records are being adopted: comments that say the same on both sides are one, whoever copied them before. */
  adopting?: boolean
  /** Sides that may be written; absent: both. */
  flows?: Readonly<Record<Side, boolean>>
  /** A text in the other side's form (images re-pointed); null: it cannot go there now. Absent: as it is. */
  carry?(from: Side, text: string): string | null
}

export interface CommentsPlan {
  actions: readonly CommentAction[]
  /** By action: the comment of the other side that it comes from; null: of a deletion. */
  sources: readonly (Comment | null)[]
  /** What both sides agree on once the actions are carried out as planned; `afterComment` tells of each what was kept. */
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
  /** The user by the endpoint's id. */
  writer?: string | null
  stamp?: string
}): Comment {
  const { id, author, time, stamp } = found
  const own = { id, author, time, origin: null, ...(stamp === undefined ? {} : { stamp }) }
  const canonical = canonicalMemo(found.text)
  // It is known by its id; its text is carried nowhere.
  if (canonical !== null && unreadableMemo(canonical) !== null) return { ...own, text: canonical }
  const nodes = parseCanonical(canonical)
  const [first] = nodes
  const banner = first === undefined || isRichText(first) ? null : readBanner(plainText([first]))
  if (banner === null || first === undefined) return { ...own, text: commentText(nodes) }
  const words = { writer: found.writer ?? null, author, time, banner: serializeTree([first]) }
  return { ...own, ...banner, text: commentText(nodes.slice(1)), own: words }
}

/** A comment as what its writer says, banner and all: that of a person who quotes a copy, or was quoted as one. */
export function inOwnWords(comment: Comment): Comment {
  const { own, ...read } = comment
  if (own === undefined) return comment
  const { author, time, banner } = own
  return { ...read, author, time, origin: null, text: canonicalMemo(banner + read.text) ?? '' }
}

type Known = { entry: CommentEntry; now: Record<Side, Comment | null> }

/**
 * Three-way merge of both sides' comments, each known by its id or its banner, never by its place. A comment is written once on
 * the other side; edits and (if wanted) deletions go either way; an edit beats a deletion. Copies are never copied back, and
 * carrying out the plan leaves nothing to do.
 */
export function planComments(input: CommentsInput): CommentsPlan {
  const actions: CommentAction[] = []
  const sources: (Comment | null)[] = []
  const base: CommentEntry[] = []
  const overruled: { ref: string; side: Side; text: string }[] = []
  const held: string[] = []
  const { edits = true, deletes, flows = { left: true, right: true } } = input
  const carry = (from: Side, text: string) => input.carry?.(from, text) ?? (input.carry === undefined ? text : null)

  for (const { entry, now } of identify(input)) {
    const { ref, home } = entry
    const away = otherSide(home)
    const [original, copy] = [now[home], now[away]]
    const known = entry[home] !== null || entry[away] !== null
    const changed = (side: Side) => now[side] !== null && hashOf(now[side]) !== entry[side]?.hash
    const put = (from: Side, source: Comment): void => {
      const to = otherSide(from)
      if (!flows[to] || (!edits && now[to] !== null)) {
        if (known) base.push(now[to] === null ? entry : { ...entry, [from]: seen(source), [to]: seen(now[to]) })
        return
      }
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
        sources.push(source)
      } else if (there.text !== text) {
        actions.push({ kind: 'edit', side: to, home, ref, was: there, text })
        sources.push(source)
      }
      base.push({ ...entry, [from]: seen(source), [to]: seen({ ...(there ?? { ...source, id: null }), text }) })
    }
    const remove = (side: Side, was: Comment): void => {
      actions.push({ kind: 'delete', side, home, ref, was })
      sources.push(null)
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
      // In a memo nothing tells an edited comment from one that took the place of another: it is not lost by being held for the first.
      const perhapsNew = original.id === null
      if (!removed || ((deletes !== 'nothing' || perhapsNew) && changed(home))) put(home, original)
      else if (deletes === 'all' && flows[home]) remove(home, original)
      else base.push(entry)
    } else if (copy !== null && known) {
      if (deletes !== 'nothing' && flows[away] && !changed(away)) remove(away, copy)
      else base.push(entry)
    }
  }
  return { actions, sources, base, overruled, held }
}

/**
 * The base once an action is carried out, every other entry as it is. `kept` is what the written side has from now on (an
 * endpoint that reformats is no editor), `source` the comment of the other side; null: the comment was taken away.
 */
export function afterComment(
  base: readonly CommentEntry[],
  about: Pick<CommentEntry, 'home' | 'ref'>,
  done: { side: Side; kept: Comment; source: Comment } | null,
): CommentEntry[] {
  const { home, ref } = about
  const isSame = (entry: CommentEntry) => entry.home === home && entry.ref === ref
  if (done === null) return base.filter((entry) => !isSame(entry))
  const [own, other] = [seen(done.kept), seen(done.source)]
  const after = { ref, home, ...(done.side === 'left' ? { left: own, right: other } : { left: other, right: own }) }
  return base.some(isSame) ? base.map((entry) => (isSame(entry) ? after : entry)) : [...base, after]
}

/** What of a plan's base holds before any of its actions is carried out. */
export function untilCarriedOut(
  { actions, base }: Pick<CommentsPlan, 'actions' | 'base'>,
  before: readonly CommentEntry[],
): CommentEntry[] {
  const key = ({ home, ref }: Pick<CommentEntry, 'home' | 'ref'>) => `${home} ${ref}`
  const pending = new Set(actions.map((action) => key(commentOfAction(action))))
  const agreed = new Map(base.map((entry) => [key(entry), entry]))
  const known = before.flatMap((entry) => (pending.has(key(entry)) ? [entry] : (agreed.get(key(entry)) ?? [])))
  const old = new Set(before.map(key))
  return [...known, ...base.filter((entry) => !old.has(key(entry)) && !pending.has(key(entry)))]
}

/** What an action is about. */
export function commentOfAction(action: CommentAction): Pick<CommentEntry, 'home' | 'ref'> {
  if (action.kind === 'add') return { home: otherSide(action.side), ref: action.origin.ref }
  return { home: action.home, ref: action.ref }
}

/** Finds each known comment on both sides, then the new ones. */
function identify({ base, left, right, names, adopting = false }: CommentsInput): Known[] {
  // What names its own system as the one it comes from was copied by a person.
  const meant = (side: Side) => (comment: Comment) =>
    comment.origin?.from === bannerWord(names[side]) ? inOwnWords(comment) : comment
  const free = { left: new Set(left.map(meant('left'))), right: new Set(right.map(meant('right'))) }
  const take = (side: Side, fits: (comment: Comment) => boolean): Comment | null => {
    for (const comment of free[side]) {
      if (!fits(comment)) continue
      free[side].delete(comment)
      return comment
    }
    return null
  }
  // Where a comment was written, it is no copy, whatever it begins with.
  const readAs = (entry: CommentEntry, side: Side, comment: Comment | null) =>
    comment !== null && side === entry.home ? inOwnWords(comment) : comment
  const known: Known[] = base.map((entry) => ({ entry, now: { left: null, right: null } }))
  const look = (fits: (comment: Comment, seenThere: SeenComment, entry: CommentEntry, side: Side) => boolean): void => {
    for (const one of known)
      for (const side of sides) {
        const there = one.entry[side]
        if (one.now[side] === null && there !== null)
          one.now[side] = readAs(
            one.entry,
            side,
            take(side, (comment) => fits(comment, there, one.entry, side)),
          )
      }
  }
  const isCopyOf = (comment: Comment, ref: string, home: Side) =>
    comment.origin !== null && comment.origin.ref === ref && comment.origin.from === bannerWord(names[home])
  // A copy is made once, by us: who else begins with its banner, and is another user, quotes it.
  const isOfAnother = ({ own }: Comment, copy: SeenComment | null) =>
    own !== undefined && own.writer !== null && copy?.writer !== undefined && own.writer !== copy.writer
  // Surest first: the endpoint's own id, the banner's reference, the very same comment, then one of the same hand and time.
  look((comment, there) => comment.id !== null && comment.id === there.id)
  look(
    (comment, there, entry, side) =>
      side !== entry.home && isCopyOf(comment, entry.ref, entry.home) && !isOfAnother(comment, there),
  )
  const native = (comment: Comment, entry: CommentEntry, side: Side) =>
    side === entry.home && comment.origin === null && comment.id === null
  const sameHand = (comment: Comment, there: SeenComment) =>
    comment.author === there.author && comment.time === there.time
  look(
    (comment, there, entry, side) =>
      native(comment, entry, side) && sameHand(comment, there) && hashOf(comment) === there.hash,
  )
  const refs = new Set(base.map((entry) => `${entry.home} ${entry.ref}`))
  /** Takes a comment that no entry is about for a new one; with `copied` only if the other side has its copy already. */
  const meet = (home: Side, comment: Comment, copied: boolean): void => {
    const ref = refOf(comment, (candidate) => refs.has(`${home} ${candidate}`))
    const away = otherSide(home)
    const copy = take(away, (candidate) => isCopyOf(candidate, ref, home))
    if (copied && copy === null) return
    free[home].delete(comment)
    refs.add(`${home} ${ref}`)
    const same = copy ?? (adopting ? take(away, (one) => one.origin === null && saysTheSame(one, comment)) : null)
    const found = { [home]: comment, [away]: same } as Record<Side, Comment | null>
    known.push({ entry: { ref, home, left: null, right: null }, now: found })
  }
  const fresh = (home: Side) => [...free[home]].filter(({ origin, text }) => origin === null && text !== '')
  // Whose copy is there was written and not heard of: it is no edit of another one.
  for (const home of sides) for (const comment of fresh(home)) if (comment.id === null) meet(home, comment, true)
  // Some banners tell only the day: of several that fit, the one whose words the other side has.
  const likely = known.flatMap((one) => {
    const { entry, now: found } = one
    const [side, other] = [entry.home, otherSide(entry.home)]
    const there = entry[side]
    if (found[side] !== null || there === null) return []
    return [...free[side]]
      .filter((comment) => native(comment, entry, side) && sameHand(comment, there))
      .map((comment) => ({ one, side, comment, alike: inCommon(comment, found[other]) }))
  })
  for (const { one, side, comment } of likely.sort((a, b) => b.alike - a.alike))
    if (one.now[side] === null && free[side].has(comment))
      one.now[side] = take(side, (candidate) => candidate === comment)
  look((comment, there, entry, side) => native(comment, entry, side) && hashOf(comment) === there.hash)

  for (const side of sides)
    for (const comment of [...free[side]]) {
      const one = known.find(({ entry }) => side !== entry.home && isCopyOf(comment, entry.ref, entry.home))
      const copy = one?.now[side] ?? null
      if (one === undefined || !isOfAnother(comment, copy === null ? one.entry[side] : seen(copy))) continue
      free[side].delete(comment)
      free[side].add(inOwnWords(comment))
    }
  for (const home of sides) for (const comment of fresh(home)) meet(home, comment, false)
  return known
}

/** Canonical value of a record's comments: one text per comment, in their order. */
export function commentsValue(comments: readonly Comment[]): CanonicalValue {
  return comments.length === 0 ? null : comments.map(encodeComment)
}

/** A comment as it stands in values, intents and the ledger: `[id, author, time, text, origin, stamp, own]`, the last two where there are any. */
export function encodeComment({ id, author, time, text, origin, stamp, own }: Comment): string {
  const more = own !== undefined ? [stamp ?? null, own] : stamp !== undefined ? [stamp] : []
  return JSON.stringify([id, author, time, text, origin, ...more])
}

/** The comments that a canonical value lists. Throws on what is no such value: only connectors make them. */
export function commentsOf(value: CanonicalValue): Comment[] {
  if (value === null) return []
  return (value as readonly string[]).map(decodeComment)
}

export function decodeComment(item: string): Comment {
  const [id, author, time, text, origin, stamp, own] = JSON.parse(item) as [
    Comment['id'],
    Comment['author'],
    Comment['time'],
    string,
    Comment['origin'],
    Comment['stamp'] | null,
    Comment['own'],
  ]
  return {
    ...{ id, author, time, text, origin },
    ...(stamp === undefined || stamp === null ? {} : { stamp }),
    ...(own === undefined ? {} : { own }),
  }
}

/** What the base keeps of a side's comments so that a listing can be held against it; comments without ids are listed nowhere. */
export function commentStamps(comments: readonly Comment[]): CommentStamp[] {
  return comments.flatMap(({ id, stamp = null }) => (id === null ? [] : [{ id, stamp }]))
}

/** The same after one of them was written: `kept` is what is there now; null: nothing. */
export function stampsAfter(
  stamps: readonly CommentStamp[],
  was: Comment | null,
  kept: Comment | null,
): readonly CommentStamp[] {
  const now = kept === null ? [] : commentStamps([kept])
  const ids = [was?.id, kept?.id]
  return [...stamps.filter(({ id }) => !ids.includes(id)), ...now]
}

function refOf(comment: Comment, isTaken: (ref: string) => boolean): string {
  if (comment.id !== null) return comment.id
  const hash = valueHash([comment.author ?? '', comment.time ?? '', comment.text]).slice(0, 16)
  for (let number = 1; ; number++) {
    const ref = number === 1 ? hash : `${hash}.${number}`
    if (!isTaken(ref)) return ref
  }
}

/** Whether a comment is as it was seen, text and all. */
export function sameComment(comment: Comment, seenOnce: SeenComment): boolean {
  const { id, author, time, hash } = seen(comment)
  return id === seenOnce.id && author === seenOnce.author && time === seenOnce.time && hash === seenOnce.hash
}

function seen(comment: Comment): SeenComment {
  const { id, author, time, own } = comment
  const writer = own?.writer ?? null
  return { id, author, time, hash: hashOf(comment), ...(writer === null ? {} : { writer }) }
}

/** Which part of their words two comments share. */
function inCommon(one: Comment, other: Comment | null): number {
  if (other === null) return 0
  const [mine, theirs] = [one, other].map(({ text }) => new Set(plainText(parseCanonical(text)).split(/\s+/)))
  const shared = [...(mine ?? [])].filter((word) => theirs?.has(word)).length
  return shared / Math.max(1, (mine?.size ?? 0) + (theirs?.size ?? 0) - shared)
}

function saysTheSame(one: Comment, other: Comment): boolean {
  const words = ({ text }: Comment) => plainText(parseCanonical(text)).trim().replace(/\s+/g, ' ')
  return words(one) === words(other)
}

function hashOf(comment: Comment): string {
  return valueHash(comment.text)
}
