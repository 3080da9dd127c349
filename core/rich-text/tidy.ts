import { isBlock } from './build.ts'
import { attributeOf, isRichText, type RichElement, type RichNode, type RichText, voidTags } from './tree.ts'

/** Brings a tree into the one form that all trees of the same look have. One walk per rule; `canonical.ts` repeats them to rest. */
export function tidyTree(nodes: readonly RichNode[]): RichNode[] {
  const children = prune(joinTexts(nodes), null)
  collapseSpace(children)
  return prune(children, null)
}

/** Inline elements that say the same side by side as in one. */
const joinable = new Set('b i u s span sub sup small mark code'.split(' '))
/** Elements that show nothing while they hold nothing. */
const nothingAlone = new Set(
  'b i u s span sub sup small mark code kbd samp var q cite abbr dfn bdi bdo p div h1 h2 h3 h4 h5 h6 ul ol dl table caption thead tfoot tr pre blockquote ruby rt rp a'.split(
    ' ',
  ),
)
/** Blocks that hold a line of text: an empty one is an empty line. */
const lineBlocks = new Set('p div h1 h2 h3 h4 h5 h6 blockquote dt dd'.split(' '))
/** Blocks that show themselves without anything in them. */
const cellBlocks = new Set(['td', 'th', 'li'])
/** Where only elements belong, text of blanks is none. */
const frames = new Set('table thead tfoot tr ul ol dl'.split(' '))

const isBlank = (text: string) => /^[ \t\r\n\f]*$/.test(text)
const isSpace = (text: string) => /^[ \t\r\n\f\u00a0]*$/.test(text)

function prune(nodes: readonly RichNode[], parent: RichElement | null): RichNode[] {
  const kept: RichNode[] = []
  for (const node of nodes) {
    if (isRichText(node)) {
      if (node.text !== '' && !(parent !== null && frames.has(parent.tag) && isBlank(node.text))) append(kept, node)
      continue
    }
    const children = prune(node.children, node)
    for (const piece of settle({ ...node, children })) append(kept, piece)
  }
  return kept
}

/** What an element comes to, once its children have come to rest. */
function settle(element: RichElement): RichNode[] {
  const { tag, attributes } = element
  let { children } = element
  const bare = attributes.length === 0
  if (voidTags.has(tag)) return [element]
  if (tag === 'span' && bare) return children
  if (tag === 'a' && attributeOf(element, 'href') === undefined && attributeOf(element, 'name') === undefined)
    return children
  if (lineBlocks.has(tag) || cellBlocks.has(tag)) {
    children = lineContent(children)
    const [hard] = children
    if (cellBlocks.has(tag) && children.length === 1 && isRichText(hard) && isSpace(hard.text)) children = []
  }
  if (tag === 'pre') children = withoutOuterLines(children)
  if (children.length === 0 && nothingAlone.has(tag)) return attributeOf(element, 'name') === undefined ? [] : [element]
  const [only] = children
  if (children.length === 1 && only !== undefined && joinable.has(tag)) {
    if (isRichText(only) && isBlank(only.text) && tag !== 'code') return children
    if (!isRichText(only) && only.tag === tag && tag !== 'span' && tag !== 'small')
      return [{ ...element, children: only.children }]
    if (!isRichText(only) && only.tag === 'span' && tag === 'span') return [joinedSpans(element, only)]
  }
  return [children === element.children ? element : { ...element, children }]
}

/** A span within a span: one span, where the inner one has the last word. */
function joinedSpans(outer: RichElement, inner: RichElement): RichElement {
  const rules = new Map<string, string>()
  for (const span of [outer, inner])
    for (const rule of (attributeOf(span, 'style') ?? '').split('; ').filter((one) => one !== ''))
      rules.set(rule.slice(0, rule.indexOf(':')), rule)
  const attributes = new Map([...outer.attributes, ...inner.attributes])
  if (rules.size > 0)
    attributes.set(
      'style',
      [...rules]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, rule]) => rule)
        .join('; '),
    )
  return { tag: 'span', attributes: [...attributes].sort(([a], [b]) => (a < b ? -1 : 1)), children: inner.children }
}

/** What a block that holds a line shows: an empty line is one hard blank, the break at its end shows nothing. */
function lineContent(children: RichNode[]): RichNode[] {
  const shown = children.filter((child) => !isRichText(child) || !isBlank(child.text))
  const [only] = shown
  if (only === undefined) return []
  if (shown.length === 1 && (isRichText(only) ? isSpace(only.text) : only.tag === 'br')) return [{ text: '\u00a0' }]
  return withoutLastBreak(children)
}

/** Empty lines around code: parsers drop the first one, and servers differ in whether they put it back. */
function withoutOuterLines(children: RichNode[]): RichNode[] {
  const kept = [...children]
  const [first] = kept
  if (isRichText(first)) kept[0] = { text: first.text.replace(/^\n+/, '') }
  const last = kept.at(-1)
  if (isRichText(last)) kept[kept.length - 1] = { text: withoutLastLines(last.text) }
  return kept.filter((child) => !isRichText(child) || child.text !== '')
}

function withoutLastLines(text: string): string {
  let end = text.length
  while (text[end - 1] === '\n') end--
  return text.slice(0, end)
}

/** The break at the end of a line shows nothing; of two, the last is an empty line. */
function withoutLastBreak(children: RichNode[]): RichNode[] {
  const last = lastShown(children)
  const node = children[last]
  if (node === undefined || isRichText(node) || node.tag !== 'br') return children
  const before = children.slice(0, last)
  const previous = before[lastShown(before)]
  if (previous === undefined || isBlock(previous)) return children
  return !isRichText(previous) && previous.tag === 'br' ? [...before, { text: '\u00a0' }] : before
}

function lastShown(children: readonly RichNode[]): number {
  let at = children.length - 1
  while (at >= 0) {
    const node = children[at]
    if (!isRichText(node) || !isBlank(node.text)) break
    at--
  }
  return at
}

/** Adds a node, joined with the one before where they say the same. */
function append(list: RichNode[], node: RichNode): void {
  const before = list[list.length - 1]
  if (isRichText(node) && isRichText(before)) {
    list[list.length - 1] = { text: before.text + node.text }
    return
  }
  if (before !== undefined && !isRichText(before) && !isRichText(node) && sameDress(before, node)) {
    // Both are of this walk's own making.
    for (const child of node.children) append(before.children, child)
    return
  }
  list.push(node)
}

function sameDress(one: RichElement, other: RichElement): boolean {
  if (one.tag !== other.tag || !joinable.has(one.tag) || one.attributes.length !== other.attributes.length) return false
  return one.attributes.every(([name, value]) => attributeOf(other, name) === value)
}

function joinTexts(nodes: readonly RichNode[]): RichNode[] {
  const joined: RichNode[] = []
  for (const node of nodes) append(joined, isRichText(node) ? node : { ...node, children: joinTexts(node.children) })
  return joined
}

/** Collapses white space as a browser shows it: runs become one blank, blanks at the edges of lines vanish. */
function collapseSpace(nodes: readonly RichNode[]): void {
  /** Whether the next text starts a line: at the edges of blocks and after a break. */
  let atStart = true
  let last: RichText | null = null
  const endLine = () => {
    if (last !== null) last.text = last.text.replace(/ $/, '')
    last = null
    atStart = true
  }
  const visit = (list: readonly RichNode[]): void => {
    for (const node of list) {
      if (isRichText(node)) {
        node.text = node.text.replace(/[ \t\r\n\f]+/g, ' ')
        if (atStart && node.text.startsWith(' ')) node.text = node.text.slice(1)
        if (node.text === '') continue
        atStart = node.text.endsWith(' ')
        last = node
        continue
      }
      const block = isBlock(node)
      if (block || node.tag === 'br') endLine()
      if (node.tag === 'pre') {
        atStart = true
        continue
      }
      visit(node.children)
      if (block) endLine()
      else if (node.tag === 'img' || node.tag === 'input') {
        atStart = false
        last = null
      }
    }
  }
  visit(nodes)
  endLine()
}
