import { type DefaultTreeAdapterMap, defaultTreeAdapter, parseFragment, serialize } from 'parse5'

type Node = DefaultTreeAdapterMap['node']
type ChildNode = DefaultTreeAdapterMap['childNode']
type Element = DefaultTreeAdapterMap['element']
type ParentNode = DefaultTreeAdapterMap['parentNode']

/** Elements between whose tags white space means nothing, and at whose edges text loses its blanks. */
const blocks = new Set(
  [
    'address article aside blockquote body caption center col colgroup dd details dir div dl dt fieldset figcaption figure footer',
    'form h1 h2 h3 h4 h5 h6 head header hr html li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul',
  ].flatMap((names) => names.split(' ')),
)

/** What both products strip or what must never travel. */
const dropped = new Set([
  'script',
  'style',
  'meta',
  'link',
  'title',
  'head',
  'base',
  'iframe',
  'object',
  'embed',
  'template',
])

/** Wrappers without meaning of their own. */
const unwrapped = new Set(['html', 'body', 'tbody'])

const elementName = (node: Node): string | null =>
  defaultTreeAdapter.isElementNode(node as ChildNode) ? (node as Element).tagName : null

/**
 * The canonical form of a memo: what it says and how it looks, free of what servers add or rearrange. The document wrapper
 * is gone, insignificant white space is collapsed, `<tbody>` and comments are dropped, attributes are sorted, active
 * content is removed. Idempotent; a memo that shows nothing is null.
 */
export function canonicalMemo(html: string | null): string | null {
  if (html === null || html.trim() === '') return null
  const known = recent.get(html)
  if (known !== undefined) return known
  const canonical = fixedPoint(html)
  remember(html, canonical)
  // What we write comes back as it was written, from servers that keep a clean document: no need to parse it again.
  if (canonical !== null) remember(wrapMemo(canonical), canonical)
  return canonical
}

/**
 * Forms of the memos seen last: the same text is read, answered to the write, and answered to the link-back. A memory of
 * what was computed, not of what is: dropping it changes nothing.
 */
const recent = new Map<string, string | null>()
let recentSize = 0
const largestRecent = 4_000_000

function remember(html: string, canonical: string | null): void {
  if (recent.has(html)) return
  recent.set(html, canonical)
  recentSize += html.length + (canonical?.length ?? 0)
  for (const [oldest, form] of recent) {
    if (recentSize <= largestRecent) break
    recent.delete(oldest)
    recentSize -= oldest.length + (form?.length ?? 0)
  }
}

function fixedPoint(html: string): string | null {
  // Reparsing can move misnested elements once more, so the form is taken at its fixed point.
  let canonical = canonicalOnce(html)
  for (let round = 0; round < 4; round++) {
    const again = canonicalOnce(canonical)
    if (again === canonical) break
    canonical = again
  }
  return canonical === '' ? null : canonical
}

function canonicalOnce(html: string): string {
  const fragment = parseFragment(html)
  clean(fragment)
  normalizeSpace(fragment)
  pruneEmpty(fragment)
  return serialize(fragment)
}

/** The document both servers keep as it is: the canonical form inside their usual wrapper. */
export function wrapMemo(canonical: string | null): string {
  return canonical === null ? '' : `<html><body>\n${canonical}\n</body></html>`
}

/** The text a memo shows, with one line per block. */
export function memoText(html: string | null): string {
  const canonical = canonicalMemo(html)
  if (canonical === null) return ''
  const parts: string[] = []
  const visit = (node: ParentNode): void => {
    for (const child of node.childNodes) {
      const name = elementName(child)
      if (name === null) {
        if ('value' in child && typeof child.value === 'string') parts.push(child.value)
        continue
      }
      if (name === 'br') parts.push('\n')
      const block = blocks.has(name)
      if (block) parts.push('\n')
      visit(child as Element)
      if (block) parts.push('\n')
    }
  }
  visit(parseFragment(canonical))
  return parts
    .join('')
    .replace(/[ \t\u00a0]*\n[ \t\u00a0]*/g, '\n')
    .replace(/\n{2,}/g, '\n')
    .trim()
}

/** The same text, links, images and tables, in whatever dress: what a server may do to a memo without altering it. */
export function sameMemoContent(a: string | null, b: string | null): boolean {
  const [left, right] = [canonicalMemo(a), canonicalMemo(b)]
  if (left === right) return true
  return substance(left) === substance(right)
}

function substance(canonical: string | null): string {
  if (canonical === null) return ''
  const marks: string[] = []
  const visit = (node: ParentNode): void => {
    for (const child of node.childNodes) {
      const name = elementName(child)
      if (name === null) continue
      const element = child as Element
      const attribute = (wanted: string) => element.attrs.find((one) => one.name === wanted)?.value ?? ''
      if (name === 'a') marks.push(`a:${attribute('href')}`)
      else if (name === 'img') marks.push(`img:${attribute('src')}`)
      else if (name === 'li' || name === 'tr' || name === 'td' || name === 'th') marks.push(name)
      visit(element)
    }
  }
  visit(parseFragment(canonical))
  return `${memoText(canonical).replace(/\s+/g, ' ')}|${marks.join(',')}`
}

/** Drops comments, active content and wrappers; sorts and cleans attributes. */
function clean(parent: ParentNode): void {
  const kept: ChildNode[] = []
  for (const child of parent.childNodes) {
    if (defaultTreeAdapter.isCommentNode(child) || defaultTreeAdapter.isDocumentTypeNode(child)) continue
    const name = elementName(child)
    if (name === null) {
      kept.push(child)
      continue
    }
    if (dropped.has(name)) continue
    const element = child as Element
    clean(element)
    if (unwrapped.has(name)) {
      kept.push(...element.childNodes)
      continue
    }
    element.attrs = element.attrs
      .filter(({ name: attribute, value }) => !attribute.startsWith('on') && !/^\s*(javascript|vbscript):/i.test(value))
      .map((attribute) => ({
        ...attribute,
        value: attribute.name === 'style' ? tidyStyle(attribute.value) : attribute.value.trim(),
      }))
      .filter(({ name: attribute, value }) => value !== '' || attribute === 'alt' || attribute === 'checked')
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    kept.push(element)
  }
  for (const child of kept) child.parentNode = parent
  parent.childNodes = kept
}

function tidyStyle(style: string): string {
  return style
    .split(';')
    .map((rule) =>
      rule
        .trim()
        .replace(/\s*:\s*/, ': ')
        .replace(/\s+/g, ' '),
    )
    .filter((rule) => rule !== '')
    .join('; ')
}

/** Collapses white space as a browser shows it: runs become one blank, blanks at the edges of blocks vanish. */
function normalizeSpace(root: ParentNode): void {
  mergeText(root)
  const texts: { node: { value: string }; parent: ParentNode }[] = []
  // Whether the next text starts a line: at block edges and after <br>.
  let atStart = true
  let last: { value: string } | null = null
  const endLine = () => {
    if (last !== null) last.value = last.value.replace(/[ \t\r\n\f]+$/, '')
    last = null
    atStart = true
  }
  const visit = (parent: ParentNode, inPre: boolean): void => {
    for (const child of parent.childNodes) {
      const name = elementName(child)
      if (name === null) {
        const text = child as unknown as { value: string }
        if (inPre) {
          text.value = text.value.replace(/\r\n?/g, '\n')
          last = null
          atStart = false
          continue
        }
        text.value = text.value.replace(/[ \t\r\n\f]+/g, ' ')
        if (atStart) text.value = text.value.replace(/^ /, '')
        if (text.value !== '') {
          atStart = text.value.endsWith(' ')
          last = text
        }
        texts.push({ node: text, parent })
        continue
      }
      const block = blocks.has(name)
      if (block || name === 'br') endLine()
      visit(child as Element, inPre || name === 'pre')
      if (block) endLine()
      else if (name === 'img' || name === 'input') {
        atStart = false
        last = null
      }
    }
  }
  visit(root, false)
  endLine()
  for (const { node, parent } of texts)
    if (node.value === '') parent.childNodes = parent.childNodes.filter((child) => (child as unknown) !== node)
}

function mergeText(parent: ParentNode): void {
  const merged: ChildNode[] = []
  for (const child of parent.childNodes) {
    const before = merged[merged.length - 1]
    if (defaultTreeAdapter.isTextNode(child) && before !== undefined && defaultTreeAdapter.isTextNode(before)) {
      before.value += child.value
      continue
    }
    if (elementName(child) !== null) mergeText(child as Element)
    merged.push(child)
  }
  parent.childNodes = merged
}

/** Removes a trailing line break and elements that show nothing at the end of the document, until something shows. */
function pruneEmpty(root: ParentNode): void {
  const shows = (node: ChildNode): boolean => {
    const name = elementName(node)
    if (name === null) return 'value' in node && String(node.value).replace(/[\s\u00a0]/g, '') !== ''
    if (name === 'img' || name === 'hr' || name === 'input' || name === 'table') return true
    return (node as Element).childNodes.some(shows)
  }
  if (!root.childNodes.some(shows)) {
    root.childNodes = []
    return
  }
  for (;;) {
    const tail = root.childNodes[root.childNodes.length - 1]
    if (tail === undefined || elementName(tail) !== 'br') return
    root.childNodes.pop()
  }
}
