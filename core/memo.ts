import { parseCanonical, readRichText, unreadableReason } from './rich-text/canonical.ts'
import { type Construct, constructs, inventoryOf, missing, sameContent } from './rich-text/constructs.ts'
import { type ImageReference, type ImageRoute, imagesIn, type Repointed, repointTree } from './rich-text/images.ts'
import { fromPlainText, plainText } from './rich-text/plain.ts'
import { serializeTree } from './rich-text/tree.ts'

/**
 * The canonical form of a memo: what it says and how it looks, free of what servers and editors add or rearrange, and of
 * whatever could act (see rich-text/canonical.ts). The canonical form of a canonical form is itself; a memo that shows
 * nothing is null.
 */
export function canonicalMemo(html: string | null): string | null {
  return html === null ? null : read(html).canonical
}

/** What people would miss in a memo's canonical form, in words: drawings, videos, form fields and the like. */
export function lostInMemo(html: string): readonly string[] {
  return read(html).lost
}

interface Read {
  canonical: string | null
  lost: readonly string[]
}

/**
 * Forms of the memos seen last: the same text is read, answered to the write, and answered to the link-back. A memory of
 * what was computed, not of what is: dropping it changes nothing.
 */
const recent = new Map<string, Read>()
let recentSize = 0
const largestRecent = 4_000_000

function read(html: string): Read {
  const known = recent.get(html)
  if (known !== undefined) return known
  const found = html.trim() === '' ? { canonical: null, lost: [] } : readRichText(html)
  remember(html, found)
  // What we write comes back as it was written, from servers that keep a clean document: no need to parse it again.
  if (found.canonical !== null && unreadableReason(found.canonical) === null)
    remember(wrapMemo(found.canonical), { canonical: found.canonical, lost: [] })
  return found
}

function remember(html: string, found: Read): void {
  if (recent.has(html)) return
  recent.set(html, found)
  recentSize += html.length + (found.canonical?.length ?? 0)
  for (const [oldest, form] of recent) {
    if (recentSize <= largestRecent) break
    recent.delete(oldest)
    recentSize -= oldest.length + (form.canonical?.length ?? 0)
  }
}

/**
 * The document both servers keep as it is: the canonical form inside their usual wrapper. Everything in it is in what both
 * let through, so one rendering serves both.
 */
export function wrapMemo(canonical: string | null): string {
  if (canonical === null) return ''
  if (unreadableReason(canonical) !== null) throw new Error('A text that could not be read is never written.')
  return `<html><body>\n${canonical}\n</body></html>`
}

/** Why Tandem leaves a memo alone, in words; null: it does not. */
export function unreadableMemo(canonical: string | null): string | null {
  if (canonical === null) return null
  switch (unreadableReason(canonical)) {
    case null:
      return null
    case 'too-long':
      return 'it has more than four million characters'
    case 'too-deep':
      return 'its elements are nested more than 200 deep'
    default:
      return 'its markup is too broken to be read in one way'
  }
}

/** The text a memo shows, a line for each of its lines. */
export function memoText(html: string | null): string {
  return plainText(parseCanonical(canonicalMemo(html)))
    .replace(/^\n+/, '')
    .trimEnd()
}

/** Plain text as a canonical memo that shows the same lines. */
export function textToMemo(text: string): string | null {
  return canonicalMemo(fromPlainText(text))
}

/** The same text, lists, links, images, tables and code, in whatever dress: what a server may do to a memo without altering it. */
export function sameMemoContent(a: string | null, b: string | null): boolean {
  const [left, right] = [canonicalMemo(a), canonicalMemo(b)]
  if (left === right) return true
  if (unreadableMemo(left) !== null || unreadableMemo(right) !== null) return false
  return sameContent(inventoryOf(parseCanonical(left)), inventoryOf(parseCanonical(right)))
}

/** Content of a memo that another one, made of it, no longer has. Dress (bold, colours, headings) is not counted. */
export function losesContent(original: string | null, roundTripped: string | null): Construct[] {
  const [before, after] = [original, roundTripped].map((memo) => inventoryOf(parseCanonical(canonicalMemo(memo))))
  if (before === undefined || after === undefined) return []
  return missing(before, after).filter((construct) => constructs[construct])
}

/** The images of a memo, in their order. */
export function memoImages(html: string | null): ImageReference[] {
  return imagesIn(parseCanonical(canonicalMemo(html)))
}

/** A canonical memo with its attached images pointing to their twins (see `repointTree`). */
export function repointImages(canonical: string | null, route: ImageRoute): Repointed<{ canonical: string | null }> {
  if (canonical === null || !canonical.includes('<img')) return { canonical, stranded: [], awaited: [] }
  const { nodes, stranded, awaited } = repointTree(parseCanonical(canonical), route)
  return { canonical: canonicalMemo(serializeTree(nodes)), stranded, awaited }
}
