/** The tree that texts are judged and written in: nothing but what `policy.ts` allows. */
export type RichNode = RichText | RichElement

export interface RichText {
  text: string
}

export interface RichElement {
  tag: string
  /** Sorted by name. */
  attributes: readonly (readonly [name: string, value: string])[]
  children: RichNode[]
}

export function isRichText(node: RichNode | undefined): node is RichText {
  return node !== undefined && 'text' in node
}

export function attributeOf(element: RichElement, name: string): string | undefined {
  return element.attributes.find(([known]) => known === name)?.[1]
}

/** Elements between whose tags white space means nothing, and at whose edges text loses its blanks. */
export const blockTags = new Set(
  'blockquote caption dd div dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre table td tfoot th thead tr ul'.split(' '),
)

export const voidTags = new Set(['br', 'hr', 'img', 'input'])

/** Writes a tree as HTML that every parser reads as this very tree. */
export function serializeTree(nodes: readonly RichNode[]): string {
  const parts: string[] = []
  const write = (node: RichNode): void => {
    if (isRichText(node)) {
      parts.push(escapeText(node.text))
      return
    }
    parts.push(`<${node.tag}`)
    for (const [name, value] of node.attributes) parts.push(` ${name}="${escapeAttribute(value)}"`)
    parts.push('>')
    if (voidTags.has(node.tag)) return
    for (const child of node.children) write(child)
    parts.push(`</${node.tag}>`)
  }
  for (const node of nodes) write(node)
  return parts.join('')
}

export function escapeText(text: string): string {
  if (!/[&\u00a0<>]/.test(text)) return text
  return text
    .replace(/&/g, '&amp;')
    .replace(/\u00a0/g, '&nbsp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
}

function escapeAttribute(value: string): string {
  return escapeText(value).replace(/"/g, '&quot;')
}
