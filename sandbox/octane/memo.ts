import { type DefaultTreeAdapterMap, defaultTreeAdapter, parse, serialize } from 'parse5'
import type { OctaneSwitchValues } from './switches.ts'

type Element = DefaultTreeAdapterMap['element']
type ParentNode = DefaultTreeAdapterMap['parentNode']

const clean = /^<html><body>\n[\s\S]*\n<\/body><\/html>$/
const active = /<(script|style|iframe|object|embed|form|link|meta)\b|\son\w+\s*=|(java|vb)script:/i
const removed = new Set('script style head title meta link base iframe object embed template noscript'.split(' '))
const unwrapped = new Set(['form'])

/**
 * HTML as the server keeps it. A clean document in the usual wrapper stays byte for byte; anything else loses what is
 * active and is wrapped. Switches make the sanitiser harsher: style attributes, pictures given inline, forms of text.
 * Written apart from Tandem's own canonical form on purpose: the sandbox must not forgive what the product gets wrong.
 */
export function storedMemo(html: string, switches: OctaneSwitchValues): string | null {
  const kept = clean.test(html) && !active.test(html) ? html : wrapped(sanitized(html), switches)
  if (kept === null) return null
  let text = kept
  if (switches.memoStyles === 'drop') text = text.replace(/\s(style|class)\s*=\s*("[^"]*"|'[^']*')/gi, '')
  if (switches.memoDataImages === 'drop') text = text.replace(/<img\b[^>]*\bsrc\s*=\s*["']data:[^>]*>/gi, '')
  if (switches.memoTags === 'modern')
    text = text.replace(/<(\/?)b(\s[^>]*)?>/gi, '<$1strong$2>').replace(/<(\/?)i(\s[^>]*)?>/gi, '<$1em$2>')
  if (switches.memoEntities === 'encode')
    text = text.replace(/[\u00a0-\uffff]/g, (char) =>
      /[\ud800-\udfff]/.test(char) ? char : `&#${char.charCodeAt(0)};`,
    )
  return text
}

function wrapped(inner: string, switches: OctaneSwitchValues): string | null {
  if (inner === '') return null
  return switches.memoWrapper === 'no' ? inner : `<html><body>\n${inner}\n</body></html>`
}

function sanitized(html: string): string {
  const root = parse(html).childNodes.find((node) => node.nodeName === 'html') as Element | undefined
  const body = root?.childNodes.find((node) => node.nodeName === 'body') as Element | undefined
  if (body === undefined) return ''
  sanitize(body)
  return serialize(body).trim()
}

function sanitize(parent: ParentNode): void {
  for (const node of [...parent.childNodes]) {
    if (defaultTreeAdapter.isTextNode(node)) continue
    if (!defaultTreeAdapter.isElementNode(node) || removed.has(node.tagName)) {
      defaultTreeAdapter.detachNode(node)
      continue
    }
    node.attrs = node.attrs.filter(
      ({ name, value }) => !/^on/i.test(name) && !/^\s*(?:javascript|vbscript):/i.test(value),
    )
    sanitize(node)
    if (!unwrapped.has(node.tagName)) continue
    for (const child of [...node.childNodes]) {
      defaultTreeAdapter.detachNode(child)
      defaultTreeAdapter.insertBefore(parent, child, node)
    }
    defaultTreeAdapter.detachNode(node)
  }
}
