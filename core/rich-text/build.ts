import { isElement, isText, type ParsedNode } from './document.ts'
import { cleanImageSource, cleanLink, styleScopeOf, treatmentOf } from './policy.ts'
import { directionOf, preservesSpace, readStyle, writeStyle } from './styles.ts'
import { blockTags, isRichText, type RichElement, type RichNode } from './tree.ts'

type ParsedElement = Extract<ParsedNode, { tagName: string }>

interface Surroundings {
  /** Text is taken as it stands: within `pre`. */
  verbatim: boolean
  /** A style says that white space counts: it is written so that it counts without the style. */
  spaced: boolean
}

/**
 * The tree of what may be kept of a parsed document: elements under one name for all that say the same, attributes and styles
 * that are allowed, in one spelling. Adds to `lost` what people would miss.
 */
export function buildTree(html: ParsedElement, lost: Set<string>): RichNode[] {
  return buildChildren([html], { verbatim: false, spaced: false }, lost)
}

function buildChildren(nodes: readonly ParsedNode[], around: Surroundings, lost: Set<string>): RichNode[] {
  const built: RichNode[] = []
  for (const node of nodes) {
    const pieces = isText(node)
      ? buildText(cleanText(node.value), around)
      : isElement(node)
        ? buildElement(node, around, lost)
        : []
    for (const piece of pieces) built.push(piece)
  }
  return built
}

function buildElement(element: ParsedElement, around: Surroundings, lost: Set<string>): RichNode[] {
  const treatment = treatmentOf(element.tagName)
  const attribute = (name: string) => element.attrs.find((one) => one.name === name)?.value
  if (treatment.as === 'dropped') {
    if (treatment.loses !== null) lost.add(treatment.loses)
    return []
  }
  const bare = element.attrs.length === 0 && element.tagName !== 'center' && element.tagName !== 'big'
  const style = bare ? '' : (attribute('style') ?? '')
  const space = style === '' ? null : preservesSpace(style)
  const inner = {
    verbatim: around.verbatim || (treatment.as === 'kept' && treatment.tag === 'pre'),
    spaced: space ?? around.spaced,
  }
  const children = () => buildChildren(element.childNodes, inner, lost)
  const direction = bare ? null : (directionFrom(attribute('dir')) ?? directionOf(style))
  if (treatment.as === 'unwrapped') {
    if (element.tagName === 'textarea' || element.tagName === 'button') lost.add('a form field')
    // A document written from right to left says so at its very top.
    const outermost = element.tagName === 'html' || element.tagName === 'body'
    return outermost && direction === 'rtl'
      ? [{ tag: 'div', attributes: [['dir', direction]], children: children() }]
      : children()
  }
  const { tag } = treatment
  if (tag === 'br') return around.verbatim ? [{ text: '\n' }] : [{ tag, attributes: [], children: [] }]
  if (tag === 'hr') return [{ tag, attributes: [], children: [] }]
  if (tag === 'input') return checkbox(attribute, lost)
  if (bare) return tag === 'img' ? [] : [{ tag, attributes: [], children: children() }]
  const declarations = readStyle(presentation(element, attribute, style), styleScopeOf(tag))
  if (direction === 'rtl' && declarations.get('text-align') === 'right') declarations.delete('text-align')
  if (direction !== 'rtl' && declarations.get('text-align') === 'left') declarations.delete('text-align')
  const attributes = ownAttributes(tag, attribute, lost)
  if (direction !== null) attributes.push(['dir', direction])
  if (tag === 'img') return attributes.some(([name]) => name === 'src' || name === 'alt') ? [make(tag, attributes)] : []
  if (tag !== 'span') {
    if (declarations.size > 0) attributes.push(['style', writeStyle(declarations)])
    return [make(tag, attributes, children())]
  }
  return [dressed(declarations, attributes, children())]
}

/** What a span's style says that has an element of its own is said by that element. */
function dressed(declarations: Map<string, string>, attributes: [string, string][], children: RichNode[]): RichElement {
  const wrappers: string[] = []
  const take = (property: string, value: string, tag: string) => {
    if (declarations.get(property) !== value) return
    declarations.delete(property)
    wrappers.push(tag)
  }
  const lines = declarations.get('text-decoration')?.split(' ') ?? []
  declarations.delete('text-decoration')
  take('font-weight', 'bold', 'b')
  take('font-style', 'italic', 'i')
  take('vertical-align', 'sub', 'sub')
  take('vertical-align', 'super', 'sup')
  if (lines.includes('underline')) wrappers.push('u')
  if (lines.includes('line-through')) wrappers.push('s')
  if (declarations.size > 0) attributes.push(['style', writeStyle(declarations)])
  const span = make('span', attributes, children)
  return wrappers.reduceRight((within, tag) => make(tag, [], [within]), span)
}

/** Attributes of old that say what styles say. */
function presentation(element: ParsedElement, attribute: (name: string) => string | undefined, style: string): string {
  const rules: string[] = []
  const say = (property: string, value: string | undefined) => {
    if (value !== undefined && !/[;:"'()]/.test(value)) rules.push(`${property}:${value}`)
  }
  if (element.tagName === 'font') {
    say('color', attribute('color'))
    say('font-family', attribute('face'))
    say('font-size', fontSize(attribute('size')))
  }
  if (element.tagName === 'big') say('font-size', 'larger')
  if (element.tagName === 'center') say('text-align', 'center')
  if (element.tagName !== 'img' && element.tagName !== 'table') say('text-align', attribute('align')?.toLowerCase())
  if (styleScopeOf(element.tagName) === 'cell') {
    say('background-color', attribute('bgcolor'))
    say('vertical-align', attribute('valign')?.toLowerCase())
    say('width', inPixels(attribute('width')))
  }
  if (element.tagName === 'ol' || element.tagName === 'li') say('list-style-type', listStyle(attribute('type')))
  if (element.tagName === 'ul') say('list-style-type', attribute('type')?.toLowerCase())
  // The style itself comes last and wins.
  return rules.length === 0 ? style : `${rules.join(';')};${style}`
}

function fontSize(size: string | undefined): string | undefined {
  if (size === undefined) return undefined
  const step = size.trim()
  if (/^\+\d$/.test(step)) return 'larger'
  if (/^-\d$/.test(step)) return 'smaller'
  return ['x-small', 'small', 'medium', 'large', 'x-large', 'xx-large', 'xxx-large'][Number(step) - 1]
}

function inPixels(width: string | undefined): string | undefined {
  return width !== undefined && /^\d{1,5}$/.test(width.trim()) ? `${width.trim()}px` : width?.trim()
}

function listStyle(type: string | undefined): string | undefined {
  if (type === undefined) return undefined
  const letters: Record<string, string> = { a: 'lower-alpha', A: 'upper-alpha', i: 'lower-roman', I: 'upper-roman' }
  return letters[type] ?? (type === '1' ? 'decimal' : type.toLowerCase())
}

/** A box to tick is the one form field that people write into texts. */
function checkbox(attribute: (name: string) => string | undefined, lost: Set<string>): RichNode[] {
  const type = attribute('type')?.trim().toLowerCase()
  if (type !== 'checkbox') {
    if (type !== 'hidden') lost.add('a form field')
    return []
  }
  const checked: [string, string][] = attribute('checked') === undefined ? [] : [['checked', '']]
  return [make('input', [['type', 'checkbox'], ...checked])]
}

function ownAttributes(
  tag: string,
  attribute: (name: string) => string | undefined,
  lost: Set<string>,
): [string, string][] {
  const kept: [string, string][] = []
  const keep = (name: string, value: string | null | undefined) => {
    const clean = value === undefined || value === null ? '' : cleanText(value).trim()
    if (clean !== '') kept.push([name, clean])
  }
  const number = (name: string, least: number, most: number) => {
    const value = Number(attribute(name)?.trim() || Number.NaN)
    if (Number.isInteger(value) && value >= least && value <= most) kept.push([name, String(value)])
  }
  if (tag === 'a' || tag === 'img') {
    const name = tag === 'a' ? 'href' : 'src'
    const { url, lost: missed } =
      tag === 'a' ? cleanLink(attribute(name) ?? '') : cleanImageSource(attribute(name) ?? '')
    if (missed !== null) lost.add(missed)
    keep(name, url)
    keep('title', attribute('title'))
  }
  if (tag === 'a' && /^[\w.:-]{1,100}$/.test(attribute('name') ?? '')) keep('name', attribute('name'))
  if (tag === 'abbr') keep('title', attribute('title'))
  if (tag === 'img') {
    keep('alt', attribute('alt'))
    number('width', 1, 20_000)
    number('height', 1, 20_000)
  }
  if (tag === 'ol') {
    number('start', -1_000_000, 1_000_000)
    if (attribute('reversed') !== undefined) kept.push(['reversed', ''])
  }
  if (tag === 'li') number('value', -1_000_000, 1_000_000)
  if (tag === 'td' || tag === 'th') {
    number('colspan', 2, 1_000)
    number('rowspan', 2, 65_534)
  }
  if (tag === 'table') {
    number('border', 1, 20)
    number('cellpadding', 0, 100)
    number('cellspacing', 0, 100)
  }
  if (tag === 'code' || tag === 'pre') {
    const language = attribute('class')
      ?.split(/\s+/)
      .find((name) => /^language-[\w+#-]{1,40}$/.test(name))
    keep('class', language)
  }
  // Where numbering starts is worth nothing to say where it is what it is anyway.
  return kept.filter(([name, value]) => !(name === 'start' && value === '1'))
}

function directionFrom(value: string | undefined): 'ltr' | 'rtl' | 'auto' | null {
  const word = value?.trim().toLowerCase()
  return word === 'rtl' || word === 'ltr' || word === 'auto' ? word : null
}

function make(tag: string, attributes: [string, string][], children: RichNode[] = []): RichElement {
  return { tag, attributes: attributes.sort(([a], [b]) => (a < b ? -1 : 1)), children }
}

/** Text as XML 1.0 can carry it: both products exchange it as XML somewhere. */
export function cleanText(text: string): string {
  const whole = text.replace(/\p{Surrogate}/gu, '\ufffd')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return whole.replace(/[\u0000-\u0008\u000b\u000e-\u001f\ufffe\uffff]/g, '')
}

function buildText(text: string, { verbatim, spaced }: Surroundings): RichNode[] {
  if (verbatim) return text === '' ? [] : [{ text: text.replace(/\r\n?/g, '\n') }]
  if (!spaced) return [{ text }]
  return preservedText(text)
}

/** Text whose white space counts, so that it counts anywhere: breaks become `<br>`, runs of blanks do not collapse. */
export function preservedText(text: string): RichNode[] {
  return text.split(/\r\n?|\n/).flatMap((line, index): RichNode[] => {
    const shown: RichNode = { text: line.replace(/\t/g, '    ').replace(/^ | (?= )| $/g, '\u00a0') }
    return index === 0 ? [shown] : [{ tag: 'br', attributes: [], children: [] }, shown]
  })
}

/** Whether a node breaks the line that is open before it. */
export function isBlock(node: RichNode): boolean {
  return !isRichText(node) && blockTags.has(node.tag)
}
