import { type DefaultTreeAdapterMap, defaultTreeAdapter, html as htmlNames, parse, type TreeAdapter } from 'parse5'

type ParsedElement = DefaultTreeAdapterMap['element']
export type ParsedNode = DefaultTreeAdapterMap['childNode']
type ParsedParent = DefaultTreeAdapterMap['parentNode']

/** What a text may ask of the parser before it is left alone. Far above anything people write, far below what hurts. */
export const limits = {
  /** Characters of markup. */
  length: 4_000_000,
  /** Elements within elements. The tree is walked recursively, and HTML's rules look through all open elements at each tag. */
  depth: 200,
  /** Attributes of one tag; the tokenizer compares each with all before. */
  attributes: 200,
}

/** Why a text is not read at all. */
export type Unreadable = 'too-long' | 'too-deep' | 'too-complex' | 'never-settles'

/** A node that knows how many are above it. */
interface Placed {
  depth?: number
}

class TooMuch extends Error {
  readonly reason: Unreadable

  constructor(reason: Unreadable) {
    super(reason)
    this.reason = reason
  }
}

/**
 * Parses a memo as browsers and both servers do, in time that grows with its length alone: HTML's repair of misnested tags
 * can copy elements without end, so every step of the tree's construction is counted.
 */
export function parseMarkup(html: string): { html: ParsedElement | null } | { unreadable: Unreadable } {
  if (html.length > limits.length) return { unreadable: 'too-long' }
  if (hasTagOfManyAttributes(html)) return { unreadable: 'too-complex' }
  try {
    const document = parse(html, { treeAdapter: countingAdapter(20_000 + 8 * html.length) })
    const root = document.childNodes.find((node) => node.nodeName === 'html')
    return { html: root === undefined ? null : (root as ParsedElement) }
  } catch (error) {
    if (error instanceof TooMuch) return { unreadable: error.reason }
    throw error
  }
}

export function isElement(node: ParsedNode): node is ParsedElement {
  return defaultTreeAdapter.isElementNode(node)
}

export function isText(node: ParsedNode): node is DefaultTreeAdapterMap['textNode'] {
  return defaultTreeAdapter.isTextNode(node)
}

function countingAdapter(budget: number): TreeAdapter<DefaultTreeAdapterMap> {
  let left = budget
  const spend = (cost: number) => {
    left -= cost
    if (left < 0) throw new TooMuch('too-complex')
  }
  const place = (parent: ParsedParent, node: ParsedNode) => {
    if (!('childNodes' in node)) return
    const depth = ((parent as ParsedParent & Placed).depth ?? 0) + 1
    if (depth > limits.depth) throw new TooMuch('too-deep')
    ;(node as ParsedNode & Placed).depth = depth
  }
  return {
    ...defaultTreeAdapter,
    // Without a doctype a table may stand in a paragraph, with one it may not: readers differ, so it never does.
    getDocumentMode: () => htmlNames.DOCUMENT_MODE.NO_QUIRKS,
    createElement(tagName, namespace, attributes) {
      spend(1 + attributes.length)
      return defaultTreeAdapter.createElement(tagName, namespace, attributes)
    },
    appendChild(parent, node) {
      spend(1)
      place(parent, node)
      defaultTreeAdapter.appendChild(parent, node)
    },
    insertBefore(parent, node, reference) {
      spend(1 + parent.childNodes.length / 64)
      place(parent, node)
      defaultTreeAdapter.insertBefore(parent, node, reference)
    },
    insertTextBefore(parent, text, reference) {
      spend(1 + parent.childNodes.length / 64)
      defaultTreeAdapter.insertTextBefore(parent, text, reference)
    },
    detachNode(node) {
      spend(1 + (node.parentNode?.childNodes.length ?? 0) / 64)
      defaultTreeAdapter.detachNode(node)
    },
    adoptAttributes(recipient, attributes) {
      spend(1 + recipient.attrs.length + attributes.length)
      defaultTreeAdapter.adoptAttributes(recipient, attributes)
    },
  }
}

const isBlank = (code: number) => code === 32 || (code >= 9 && code <= 13)
const isLetter = (code: number) => (code >= 97 && code <= 122) || (code >= 65 && code <= 90)

/** Walks tags as the tokenizer does, once over the text. */
function hasTagOfManyAttributes(html: string): boolean {
  let at = 0
  for (;;) {
    at = html.indexOf('<', at)
    if (at < 0) return false
    at++
    if (html.charCodeAt(at) === 47) at++
    if (!isLetter(html.charCodeAt(at))) continue
    while (at < html.length && !endsName(html.charCodeAt(at))) at++
    let attributes = 0
    while (at < html.length && html.charCodeAt(at) !== 62) {
      const code = html.charCodeAt(at)
      if (isBlank(code) || code === 47) {
        at++
        continue
      }
      if (++attributes > limits.attributes) return true
      at = afterAttribute(html, at)
    }
  }
}

function endsName(code: number): boolean {
  return isBlank(code) || code === 47 || code === 62
}

function afterAttribute(html: string, start: number): number {
  let at = start + 1
  while (at < html.length && !endsName(html.charCodeAt(at)) && html.charCodeAt(at) !== 61) at++
  while (at < html.length && isBlank(html.charCodeAt(at))) at++
  if (html.charCodeAt(at) !== 61) return at
  at++
  while (at < html.length && isBlank(html.charCodeAt(at))) at++
  const quote = html[at]
  if (quote === '"' || quote === "'") {
    const end = html.indexOf(quote, at + 1)
    return end < 0 ? html.length : end + 1
  }
  while (at < html.length && !isBlank(html.charCodeAt(at)) && html.charCodeAt(at) !== 62) at++
  return at
}
