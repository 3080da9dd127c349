import { type DefaultTreeAdapterMap, defaultTreeAdapter, parse } from 'parse5'

type Node = DefaultTreeAdapterMap['childNode']
type Element = DefaultTreeAdapterMap['element']

/** Tags around which the server breaks lines. */
const blocks = new Set(
  'address blockquote center dd div dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre table tbody td tfoot th thead tr ul'.split(
    ' ',
  ),
)
const voids = new Set('area base br col embed hr img input link meta source track wbr'.split(' '))
const removed = new Set('script style head title meta link base iframe object embed template noscript'.split(' '))

/** Stands for a break around a block until the whole is known: line feeds within `pre` are text. */
const lineBreak = '\u{E000}'
const lineBreaks = / *\u{E000}[ \u{E000}]*/gu

/** What sites differ in. */
export interface MemoForm {
  /** Pretty-printed and cleaned; cleaned alone; or nothing but wrapped into a document. */
  form: 'printed' | 'cleaned' | 'verbatim'
  /** Whether attributes of style and elements of font stay. */
  styles: 'kept' | 'removed'
}

const asDelivered: MemoForm = { form: 'printed', styles: 'kept' }

const stored = new Map<string, string>()

/**
 * A memo as ALM stores it: a whole document, pretty-printed, active content removed, relative images without their source.
 * Written apart from Tandem's own canonical form on purpose: the sandbox must not forgive what the product gets wrong.
 */
export function storedMemo(text: string, how: MemoForm = asDelivered): string {
  if (how.form === 'verbatim')
    return /^\s*<html[\s>]/i.test(text) ? text : wrapped(isMarkup(text) ? text : escapeText(text))
  const key = `${how.form} ${how.styles} ${text}`
  const known = stored.get(key)
  if (known !== undefined) return known
  const document = parse(isMarkup(text) ? text : escapeText(text))
  const html = document.childNodes.find((node) => node.nodeName === 'html') as Element | undefined
  const body = html?.childNodes.find((node) => node.nodeName === 'body') as Element | undefined
  const printed = how.form === 'printed'
  const inner = serializeAll(body?.childNodes ?? [], how, !printed)
    .replace(lineBreaks, printed ? '\n' : '')
    .trim()
  const result = wrapped(inner)
  if (stored.size > 5_000) stored.clear()
  stored.set(key, result)
  return result
}

function wrapped(inner: string): string {
  return `<html><body>\n${inner}\n</body></html>`
}

const tag = /<\/?[a-z][\w-]*(?:\s+[\w:-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+))?)*\s*\/?>/i

/** Text without a well-formed tag is text, whatever signs stand in it. */
function isMarkup(text: string): boolean {
  return tag.test(text) || /<!--|&(?:[a-z]+|#\d+|#x[\da-f]+);/i.test(text)
}

function serializeAll(nodes: readonly Node[], how: MemoForm, verbatim: boolean): string {
  return nodes.map((node) => serializeNode(node, how, verbatim)).join('')
}

function serializeNode(node: Node, how: MemoForm, verbatim: boolean): string {
  if (defaultTreeAdapter.isTextNode(node))
    return escapeText(verbatim ? node.value : node.value.replace(/[ \t\r\n\f]+/g, ' '))
  if (!defaultTreeAdapter.isElementNode(node)) return ''
  const name = node.tagName
  if (removed.has(name)) return ''
  if (how.styles === 'removed' && name === 'font') return serializeAll(node.childNodes, how, verbatim)
  const attributes = node.attrs.flatMap((attribute) => {
    if (/^on/i.test(attribute.name) || /^\s*(?:javascript|vbscript):/i.test(attribute.value)) return []
    if (attribute.name === 'style' && /url\s*\(/i.test(attribute.value)) return []
    if (how.styles === 'removed' && (attribute.name === 'style' || attribute.name === 'class')) return []
    if (name === 'img' && attribute.name === 'src' && !/^(?:https?:|data:)/i.test(attribute.value)) return []
    return ` ${attribute.name}="${escapeText(attribute.value).replace(/"/g, '&quot;')}"`
  })
  const open = `<${name}${attributes.join('')}`
  const [before, after] = blocks.has(name) && !verbatim ? [lineBreak, lineBreak] : ['', '']
  if (voids.has(name)) return `${before}${open} />${after}`
  const inner = serializeAll(node.childNodes, how, verbatim || name === 'pre')
  return `${before}${open}>${inner}</${name}>${after}`
}

function escapeText(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/\u00a0/g, '&nbsp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
}
