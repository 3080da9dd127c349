import { XMLParser } from 'fast-xml-parser'

/**
 * An element's content: attributes under `@name`, text under `#`, everything else a child element. An array repeats the
 * element, an empty text is written `<a></a>`, null is written `<a/>`, undefined is left out.
 */
export type XmlContent = string | null | undefined | { readonly [name: string]: XmlContent } | readonly XmlContent[]

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: '#',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  // Numeric references too (&#39;), which many clients write.
  htmlEntities: true,
  isArray: (name) => name === 'Field' || name === 'Value' || name === 'Entity',
})

const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

/** A document with exactly the empty elements asked for: clients tell `<Value></Value>` and `<Field Name="f"/>` apart. */
export function xmlDocument(root: Readonly<Record<string, XmlContent>>): string {
  const parts = [head]
  for (const [name, content] of Object.entries(root)) write(parts, name, content)
  return parts.join('')
}

/** Elements without the head of a document. */
export function xmlText(elements: Readonly<Record<string, XmlContent>>): string {
  const parts: string[] = []
  for (const [name, content] of Object.entries(elements)) write(parts, name, content)
  return parts.join('')
}

function write(parts: string[], name: string, content: XmlContent): void {
  if (content === undefined) return
  if (content === null) {
    parts.push(`<${name}/>`)
    return
  }
  if (typeof content === 'string') {
    parts.push(`<${name}>${escaped(content)}</${name}>`)
    return
  }
  if (isArray(content)) {
    for (const one of content) write(parts, name, one)
    return
  }
  parts.push(`<${name}`)
  const inner: string[] = []
  let empty = true
  for (const [key, value] of Object.entries(content)) {
    if (key.startsWith('@')) parts.push(` ${key.slice(1)}="${escaped(String(value)).replace(/"/g, '&quot;')}"`)
    else if (key === '#') {
      empty = false
      inner.push(escaped(String(value)))
    } else write(inner, key, value)
  }
  if (empty && inner.length === 0) parts.push('/>')
  else parts.push('>', ...inner, `</${name}>`)
}

function isArray(content: XmlContent): content is readonly XmlContent[] {
  return Array.isArray(content)
}

function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
}

/** Parses a well-formed document; throws otherwise. */
export function parseXml(body: string): Record<string, unknown> {
  return parser.parse(body, true) as Record<string, unknown>
}
