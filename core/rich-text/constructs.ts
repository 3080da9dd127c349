import { imageKey } from './images.ts'
import { plainText } from './plain.ts'
import { attributeOf, isRichText, type RichElement, type RichNode } from './tree.ts'

/** What texts are made of, by the name that people are told. True: it is content; false: it is dress, which may change. */
export const constructs = {
  text: true,
  link: true,
  image: true,
  table: true,
  'merged cells': true,
  list: true,
  numbering: true,
  code: true,
  'box to tick': true,
  paragraph: false,
  'line break': false,
  heading: false,
  quotation: false,
  'right-to-left': false,
  bold: false,
  italic: false,
  underline: false,
  strikethrough: false,
  'sub- and superscript': false,
  colour: false,
  highlight: false,
  font: false,
  alignment: false,
  rule: false,
} as const satisfies Record<string, boolean>

export type Construct = keyof typeof constructs

/** The evidence of each construct in a text, in its order: what must be found again where it is said to have survived. */
export type Inventory = ReadonlyMap<Construct, readonly string[]>

const plainNames: Readonly<Record<string, Construct>> = {
  p: 'paragraph',
  div: 'paragraph',
  blockquote: 'quotation',
  q: 'quotation',
  b: 'bold',
  i: 'italic',
  u: 'underline',
  s: 'strikethrough',
  sub: 'sub- and superscript',
  sup: 'sub- and superscript',
  mark: 'highlight',
}

/** What a tree is made of. */
export function inventoryOf(nodes: readonly RichNode[]): Inventory {
  const found = new Map<Construct, string[]>()
  const note = (construct: Construct, evidence: string) => {
    const known = found.get(construct)
    if (known === undefined) found.set(construct, [evidence])
    else known.push(evidence)
  }
  const lines = plainText(nodes)
  const text = words(lines)
  if (text !== '') note('text', text)
  if (lines.includes('\n')) note('line break', lines.trim())
  const tables: { row: number; cell: number }[] = []
  const lists: { depth: number; ordered: boolean; next: number; step: number; style: string }[] = []

  const visit = (list: readonly RichNode[]): void => {
    for (const node of list) if (!isRichText(node)) element(node)
  }
  const element = (node: RichElement): void => {
    const { tag } = node
    const said = () => words(plainText([node]))
    const name = plainNames[tag]
    if (name !== undefined && said() !== '') note(name, said())
    if (/^h[1-6]$/.test(tag)) note('heading', `${tag} ${said()}`)
    if (tag === 'hr') note('rule', '')
    if (tag === 'a' && attributeOf(node, 'href') !== undefined) note('link', `${attributeOf(node, 'href')} ${said()}`)
    if (tag === 'img') note('image', imageKey(node))
    if (tag === 'input') note('box to tick', attributeOf(node, 'checked') === undefined ? 'open' : 'ticked')
    if (tag === 'pre' || tag === 'code' || tag === 'kbd' || tag === 'samp') note('code', plainText([node]))
    if (attributeOf(node, 'dir') === 'rtl') note('right-to-left', said())
    dress(node, said)
    if (tag === 'table') {
      within(tables, { row: 0, cell: 0 }, node)
      return
    }
    if (tag === 'ul' || tag === 'ol') {
      const style = attributeOf(node, 'style') ?? ''
      const reversed = attributeOf(node, 'reversed') !== undefined
      const count = node.children.filter((child) => !isRichText(child) && child.tag === 'li').length
      const start = Number(attributeOf(node, 'start') ?? (reversed ? count : 1))
      const step = reversed ? -1 : 1
      within(lists, { depth: lists.length, ordered: tag === 'ol', next: start, step, style }, node)
      return
    }
    const table = tables.at(-1)
    if (table !== undefined && tag === 'tr') {
      table.row++
      table.cell = 0
    }
    if (table !== undefined && (tag === 'td' || tag === 'th')) {
      table.cell++
      const spans = `${attributeOf(node, 'colspan') ?? 1}x${attributeOf(node, 'rowspan') ?? 1}`
      note('table', `${tables.length}:${table.row}:${table.cell} ${tag} ${said()}`)
      if (spans !== '1x1') note('merged cells', `${table.row}:${table.cell} ${spans}`)
    }
    const items = lists.at(-1)
    if (tag === 'li') {
      note('list', `${items?.depth ?? 0} ${own(node)}`)
      if (items?.ordered === true) {
        const number = Number(attributeOf(node, 'value') ?? items.next)
        note('numbering', `${items.depth} ${number} ${items.style}`)
        items.next = number + items.step
      }
    }
    visit(node.children)
  }
  const within = <T>(stack: T[], level: T, node: RichElement): void => {
    stack.push(level)
    visit(node.children)
    stack.pop()
  }
  const dress = (node: RichElement, said: () => string): void => {
    for (const rule of (attributeOf(node, 'style') ?? '').split('; ')) {
      const [property = ''] = rule.split(':')
      if (property === 'color') note('colour', `${rule} ${said()}`)
      else if (property === 'background-color') note('highlight', `${rule} ${said()}`)
      else if (property === 'font-family' || property === 'font-size') note('font', `${rule} ${said()}`)
      else if (property === 'text-align') note('alignment', `${rule} ${said()}`)
    }
  }
  visit(nodes)
  return found
}

/** An item's own words, without those of the lists in it. */
function own(item: RichElement): string {
  return words(
    plainText(item.children.filter((child) => isRichText(child) || (child.tag !== 'ul' && child.tag !== 'ol'))),
  )
}

function words(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

/** The constructs of which something is in `before` and not in `after`, in the order of `constructs`. */
export function missing(before: Inventory, after: Inventory): Construct[] {
  return (Object.keys(constructs) as Construct[]).filter((construct) => {
    const left = new Map<string, number>()
    for (const evidence of after.get(construct) ?? []) left.set(evidence, (left.get(evidence) ?? 0) + 1)
    return (before.get(construct) ?? []).some((evidence) => {
      const count = left.get(evidence) ?? 0
      left.set(evidence, count - 1)
      return count <= 0
    })
  })
}

/** The same content, in whatever dress. */
export function sameContent(one: Inventory, other: Inventory): boolean {
  return (Object.keys(constructs) as Construct[]).every((construct) => {
    if (!constructs[construct]) return true
    const [left = [], right = []] = [one.get(construct), other.get(construct)]
    return left.length === right.length && left.every((evidence, index) => evidence === right[index])
  })
}
