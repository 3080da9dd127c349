import { canonicalMemo } from '../../core/memo.ts'
import type { OctaneSwitchValues } from './switches.ts'

const clean = /^<html><body>\n[\s\S]*\n<\/body><\/html>$/
const active = /<(script|style|iframe|object|embed|form|link|meta)\b|\son\w+\s*=|(java|vb)script:/i

/**
 * HTML as the server keeps it. A clean document in the usual wrapper stays byte for byte; anything else loses what is
 * active and is wrapped. Switches make the sanitiser harsher: style attributes, pictures given inline, forms of text.
 */
export function storedMemo(html: string, switches: OctaneSwitchValues): string | null {
  const kept = clean.test(html) && !active.test(html) ? html : wrapped(canonicalMemo(html), switches)
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

function wrapped(canonical: string | null, switches: OctaneSwitchValues): string | null {
  if (canonical === null || switches.memoWrapper === 'no') return canonical
  return `<html><body>\n${canonical}\n</body></html>`
}
