import { createHash } from 'node:crypto'
import { buildTree, cleanText } from './build.ts'
import { parseMarkup, type Unreadable } from './document.ts'
import { tidyTree } from './tidy.ts'
import { isRichText, type RichNode, serializeTree } from './tree.ts'

/** A text as it was read. */
export interface ReadText {
  /** The canonical form; null: the text shows nothing. */
  canonical: string | null
  /** What people would miss in it, in words: content that only the endpoint itself can show. */
  lost: readonly string[]
}

/** How often a text is parsed again until it stays the same; two or three times is what broken markup needs. */
const rounds = 8

/**
 * Reads a memo of either product. The canonical form is HTML that every parser reads alike, of elements, attributes, addresses
 * and styles of a list: what the text says and how it looks, free of what servers and editors add or rearrange, and of
 * whatever could act. Reading it again gives itself. What cannot be read so within the limits becomes a mark
 * (`unreadableReason`) that changes with the text but is never written anywhere.
 */
export function readRichText(html: string): ReadText {
  if (unreadableReason(html) !== null) return { canonical: html, lost: [] }
  const lost = new Set<string>()
  let current = cleanText(html)
  for (let round = 0; round < rounds; round++) {
    const parsed = parseMarkup(current)
    if ('unreadable' in parsed) return unreadable(html, parsed.unreadable)
    const next = parsed.html === null ? '' : serializeTree(asDocument(tidyTree(buildTree(parsed.html, lost))))
    if (next === current) return { canonical: current === '' ? null : current, lost: [...lost] }
    current = next
  }
  return unreadable(html, 'never-settles')
}

/** Parses a canonical text. */
export function parseCanonical(canonical: string | null): RichNode[] {
  if (canonical === null || unreadableReason(canonical) !== null) return []
  const parsed = parseMarkup(canonical)
  return 'unreadable' in parsed || parsed.html === null ? [] : tidyTree(buildTree(parsed.html, new Set()))
}

/** Breaks at the very end show nothing, and a text that shows nothing is none. */
function asDocument(nodes: readonly RichNode[]): readonly RichNode[] {
  const list = [...nodes]
  for (;;) {
    const last = list.at(-1)
    if (last === undefined || isRichText(last) || last.tag !== 'br') break
    list.pop()
  }
  return list.some(shows) ? list : []
}

function shows(node: RichNode): boolean {
  if (isRichText(node)) return /[^\s\u00a0]/.test(node.text)
  if (node.tag === 'img' || node.tag === 'hr' || node.tag === 'input' || node.tag === 'table') return true
  return node.children.some(shows)
}

const mark = /^<!--unread (too-long|too-deep|too-complex|never-settles) [\w-]{43}-->$/

function unreadable(html: string, reason: Unreadable): ReadText {
  const hash = createHash('sha256').update(html, 'utf8').digest('base64url')
  return { canonical: `<!--unread ${reason} ${hash}-->`, lost: [] }
}

/** Why a canonical text stands for one that was not read; null: it is a text. */
export function unreadableReason(canonical: string): Unreadable | null {
  return canonical.length > 90 ? null : ((mark.exec(canonical)?.[1] as Unreadable | undefined) ?? null)
}
