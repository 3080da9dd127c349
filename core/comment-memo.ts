import type { Comment, CommentAction } from './comments.ts'
import { canonicalMemo } from './memo.ts'
import { isBlock } from './rich-text/build.ts'
import { parseCanonical } from './rich-text/canonical.ts'
import { isRichText, type RichElement, type RichNode, serializeTree } from './rich-text/tree.ts'

/**
 * ALM keeps all comments of a record in one memo. Its clients write a line of underscores and a banner before each: in older
 * versions the name and a date, in newer ones `Full Name <login>, date:`. Tandem writes the same line and a banner of its own for
 * what comes from the other side. What stands before the first banner, or has none, is one comment without author.
 */
interface Section {
  comment: Comment
  /** The line and the banner, as they stand; none: text without. */
  head: RichNode[]
  /** All of it, as it stands. */
  nodes: RichNode[]
}

const underscores = '_'.repeat(40)

/** A line of the memo: a block, or what stands between two breaks. */
interface Row {
  nodes: RichNode[]
  text: string
}

/** The comments in a memo, in their order. */
export function readCommentMemo(memo: string | null): Comment[] {
  return sectionsOf(memo).map((section) => section.comment)
}

/**
 * The memo with a plan's actions of its side carried out, everything else untouched. To be called on the memo as it is under
 * the lock: what is there already is not added again, and what somebody has taken away or changed meanwhile is left alone and
 * named in `missed`, to be planned anew. `unwritable` are those that would be read as something else.
 */
export function writeCommentMemo(
  memo: string | null,
  actions: readonly CommentAction[],
): { memo: string | null; missed: CommentAction[]; unwritable: CommentAction[] } {
  const missed: CommentAction[] = []
  const unwritable: CommentAction[] = []
  let sections = sectionsOf(memo)
  for (const action of actions) {
    if (action.kind === 'add' && sections.some(({ comment }) => isCopy(comment, action.origin))) continue
    const next = withAction(sections, action)
    // What would be read as something else (a text with banners in it) is not written.
    if (next === null) missed.push(action)
    else if (readCommentMemo(memoOf(next)).length === next.length) sections = next
    else unwritable.push(action)
  }
  return { memo: memoOf(sections), missed, unwritable }
}

function withAction(sections: readonly Section[], action: CommentAction): Section[] | null {
  if (action.kind === 'add') return [...sections, newSection(action)]
  const at = sections.findIndex(({ comment }) => isMeant(comment, action.was))
  if (at < 0) return null
  if (action.kind === 'delete') return sections.filter((_, index) => index !== at)
  return sections.map((section, index) =>
    index === at ? { ...section, nodes: [...section.head, ...wrapped(action.text)] } : section,
  )
}

function memoOf(sections: readonly Section[]): string | null {
  return canonicalMemo(serializeTree(sections.flatMap(({ nodes }) => nodes)))
}

function isCopy(comment: Comment, origin: NonNullable<Comment['origin']>): boolean {
  return comment.origin?.ref === origin.ref && comment.origin.from === bannerWord(origin.from)
}

function isMeant(comment: Comment, was: Comment): boolean {
  if (comment.text !== was.text) return false
  if (comment.origin !== null || was.origin !== null)
    return comment.origin?.ref === was.origin?.ref && comment.origin?.from === was.origin?.from
  return comment.author === was.author && comment.time === was.time
}

function newSection(action: Extract<CommentAction, { kind: 'add' }>): Section {
  const line: RichElement = { tag: 'div', attributes: [], children: [{ text: underscores }] }
  const bold: RichElement = { tag: 'b', attributes: [], children: [{ text: `${bannerText(action)}:` }] }
  const banner: RichElement = { tag: 'div', attributes: [], children: [bold] }
  const { author, time, text, origin } = action
  const head = [line, banner]
  return { comment: { id: null, author, time, text, origin }, head, nodes: [...head, ...wrapped(text)] }
}

/** In an element of its own, a line of underscores within a text is none between comments. */
function wrapped(text: string): RichNode[] {
  return [{ tag: 'div', attributes: [], children: parseCanonical(text) }]
}

/** A comment's text without elements around all of it that say nothing. */
export function commentText(nodes: readonly RichNode[]): string {
  let inner = nodes
  for (;;) {
    const [only] = inner
    if (inner.length !== 1 || only === undefined || isRichText(only)) break
    if (only.tag !== 'div' || only.attributes.length > 0) break
    inner = only.children
  }
  return canonicalMemo(serializeTree(inner)) ?? ''
}

const nobody = 'somebody'
const someday = 'some day'

/** A name or time as a banner can hold it. */
export function bannerWord(text: string): string {
  return text
    .replace(/[()\s]+/g, ' ')
    .trim()
    .slice(0, 80)
    .trim()
}

/** Who wrote a comment and when, as a line that is read back by `readBanner`. */
export function bannerText(comment: {
  author: string | null
  time: string | null
  origin: NonNullable<Comment['origin']>
}): string {
  const author = bannerWord(comment.author ?? '') || nobody
  const time = bannerWord(comment.time ?? '') || someday
  const { from, ref } = comment.origin
  return `${author} wrote on ${time} (from ${bannerWord(from)}, ref ${ref})`
}

const ours = /^([^()]{1,80}) wrote on ([^()]{1,80}) \(from ([^()]{1,80}), ref ([\w.-]{1,80})\):?$/

/** Reads a banner of Tandem's own; null: the line is none. */
export function readBanner(line: string): Pick<Comment, 'author' | 'time' | 'origin'> | null {
  const found = line.length > 450 ? null : ours.exec(line.trim())
  if (found === null) return null
  const [, author = '', time = '', from = '', ref = ''] = found
  return { author: author === nobody ? null : author, time: time === someday ? null : time, origin: { from, ref } }
}

const date = /\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\b(?:19|20)\d\d\b/
const withLogin = /^(.{0,200}?<[^<>]{1,100}>),\s*([^,<>]{4,40}?(?:,[^,<>]{2,20}?)?):(?=\s|$)/
const withoutLogin = /^(.{1,200}?)\s*,\s*(.{4,60}?):(?=\s|$)/

/** Reads a banner of ALM's clients at the start of a line; null: none. `length` of it is the banner. */
function readNativeBanner(line: string, afterLine: boolean): { author: string; time: string; length: number } | null {
  const start = line.length - line.trimStart().length
  const text = line.slice(start, start + 500)
  const found = withLogin.exec(text) ?? (afterLine ? withoutLogin.exec(text) : null)
  const [all = '', author = '', time = ''] = found ?? []
  if (found === null || !date.test(time)) return null
  return { author: author.trim(), time: time.trim(), length: start + all.length }
}

const isLine = (row: Row) => /^\s*_{20,}\s*$/.test(row.text)

function sectionsOf(memo: string | null): Section[] {
  const rows = rowsOf(parseCanonical(canonicalMemo(memo)))
  const sections: Section[] = []
  let banner: Pick<Comment, 'author' | 'time' | 'origin'> = { author: null, time: null, origin: null }
  let [head, body, nodes]: [RichNode[], RichNode[], RichNode[]] = [[], [], []]
  const close = () => {
    const text = commentText(withoutOuterBreaks(body))
    if (head.length > 0 || text !== '') sections.push({ comment: { id: null, ...banner, text }, head, nodes })
  }
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at]
    if (row === undefined) continue
    const line = isLine(row)
    const candidate = line ? rows[at + 1] : row
    const own = candidate === undefined ? null : readBanner(candidate.text)
    const native = candidate === undefined || own !== null ? null : readNativeBanner(candidate.text, line)
    if (candidate === undefined || (own === null && native === null)) {
      body.push(...row.nodes)
      nodes.push(...row.nodes)
      continue
    }
    close()
    if (line) at++
    const above = line ? row.nodes : []
    nodes = [...above, ...candidate.nodes]
    if (own !== null) {
      banner = own
      head = [...nodes]
      // The element that follows is the text that we wrote, whatever it holds.
      const written = rows[at + 1]
      body = written !== undefined && isWritten(written, rows[at + 2]) ? [...written.nodes] : []
      nodes.push(...body)
      if (body.length > 0) at++
    } else {
      const [before, rest] = cutNodes(candidate.nodes, native?.length ?? 0)
      banner = { author: native?.author ?? null, time: native?.time ?? null, origin: null }
      head = [...above, ...before]
      body = rest
    }
  }
  close()
  return sections
}

function isWritten(row: Row, next: Row | undefined): boolean {
  const [only, ...more] = row.nodes
  if (only === undefined || more.length > 0 || isRichText(only) || only.tag !== 'div') return false
  // Where a person has taken the text away, the next comment follows at once.
  return !(isLine(row) && isHead(row, next))
}

/**
 * The memo by lines. A block is one line unless a banner stands in the middle of it; what is in line is cut at breaks, and
 * the formats around it are repeated.
 */
function rowsOf(nodes: readonly RichNode[]): Row[] {
  const rows: Row[] = []
  let open: RichNode[] = []
  const close = () => {
    if (open.length > 0) rows.push(rowOf(open))
    open = []
  }
  for (const node of nodes) {
    if (isRichText(node) || (!isBlock(node) && !breaks(node))) {
      open.push(node)
      continue
    }
    if (node.tag === 'br') {
      open.push(node)
      close()
      continue
    }
    if (!isBlock(node)) {
      const inner = rowsOf(node.children)
      for (const [index, row] of inner.entries()) {
        open.push({ ...node, children: row.nodes })
        if (index < inner.length - 1) close()
      }
      continue
    }
    close()
    const inner = node.tag === 'div' || node.tag === 'p' ? rowsOf(node.children) : []
    const marked = inner.length > 1 && inner.some((row, index) => isHead(row, inner[index + 1]))
    const follows = rows.at(-1)
    // What follows a banner of our own is the text that we wrote, whatever it holds.
    if (marked && (follows === undefined || readBanner(follows.text) === null))
      for (const row of inner)
        rows.push({ ...row, nodes: row.nodes.some(isBlock) ? row.nodes : [{ ...node, children: row.nodes }] })
    else rows.push(rowOf([node]))
  }
  close()
  return rows
}

function isHead(row: Row, next: Row | undefined): boolean {
  if (isLine(row)) return next !== undefined && (readBanner(next.text) ?? readNativeBanner(next.text, true)) !== null
  return (readBanner(row.text) ?? readNativeBanner(row.text, false)) !== null
}

function breaks(node: RichNode): boolean {
  return !isRichText(node) && (node.tag === 'br' || node.children.some((child) => isBlock(child) || breaks(child)))
}

function rowOf(nodes: RichNode[]): Row {
  return { nodes, text: rawText(nodes).trimEnd() }
}

/** The text of nodes, sign by sign. */
function rawText(nodes: readonly RichNode[]): string {
  return nodes.map((node) => (isRichText(node) ? node.text.replace(/\u00a0/g, ' ') : rawText(node.children))).join('')
}

/** Cuts nodes after so many signs of their text. */
function cutNodes(nodes: readonly RichNode[], length: number): [RichNode[], RichNode[]] {
  const [before, after]: [RichNode[], RichNode[]] = [[], []]
  let left = length
  for (const node of nodes) {
    const size = rawText([node]).length
    if (left >= size && (left > 0 || size > 0)) before.push(node)
    else if (left <= 0) after.push(node)
    else if (isRichText(node)) {
      before.push({ text: node.text.slice(0, left) })
      after.push({ text: node.text.slice(left) })
    } else {
      const [head, rest] = cutNodes(node.children, left)
      before.push({ ...node, children: head })
      after.push({ ...node, children: rest })
    }
    left -= size
  }
  return [before, after]
}

function withoutOuterBreaks(nodes: readonly RichNode[]): RichNode[] {
  const isBreak = (node: RichNode | undefined) => node !== undefined && !isRichText(node) && node.tag === 'br'
  let [start, end] = [0, nodes.length]
  while (start < end && isBreak(nodes[start])) start++
  while (end > start && isBreak(nodes[end - 1])) end--
  return nodes.slice(start, end)
}
