/** Where a style may stand: what is meant for a paragraph says nothing within a line. */
export type StyleScope = 'inline' | 'block' | 'cell'

export type Declarations = ReadonlyMap<string, string>

const length = /^-?(?:\d+\.?\d*|\.\d+)(?:px|pt|em|rem|ex|ch|cm|mm|in|pc|%)$/
const fontSizes = new Set('xx-small x-small small medium large x-large xx-large xxx-large smaller larger'.split(' '))
const listStyles = new Set(
  'disc circle square none decimal decimal-leading-zero lower-alpha upper-alpha lower-latin upper-latin lower-roman upper-roman lower-greek'.split(
    ' ',
  ),
)
/** Colours that are the reader's own, or none. */
const noColours = new Set('windowtext window auto inherit initial unset revert transparent currentcolor'.split(' '))

type Reader = (value: string) => string | null

const oneOf =
  (...words: string[]): Reader =>
  (value) =>
    words.includes(value) ? value : null

const measure: Reader = (value) => {
  if (!length.test(value)) return null
  const number = Number.parseFloat(value)
  return number === 0 || !Number.isFinite(number) ? null : `${number}${value.replace(/^[-\d.]+/, '')}`
}

const colour: Reader = (value) => {
  if (noColours.has(value)) return null
  if (/^[a-z]{3,30}$/.test(value)) return value
  if (/^#[\da-f]{3}$/.test(value)) return `#${[...value.slice(1)].map((digit) => digit + digit).join('')}`
  if (/^#(?:[\da-f]{4}|[\da-f]{6}|[\da-f]{8})$/.test(value)) return value
  const parts = /^rgba?\(([\d.%,/ ]{5,60})\)$/
    .exec(value)?.[1]
    ?.split(/[ ,/]+/)
    .filter((part) => part !== '')
  if (parts === undefined || parts.length < 3 || parts.length > 4) return null
  const numbers = parts.map(Number)
  if (numbers.some((number) => !Number.isFinite(number))) return null
  const [alpha = 1] = numbers.slice(3)
  if (alpha === 0) return null
  if (alpha < 1) return `rgba(${numbers.slice(0, 3).join(', ')}, ${alpha})`
  return `#${numbers
    .slice(0, 3)
    .map((number) => Math.min(255, Math.round(number)).toString(16).padStart(2, '0'))
    .join('')}`
}

const fontFamily: Reader = (value) => {
  const names = value
    .split(',')
    .map((name) => name.replace(/["']/g, '').trim().replace(/\s+/g, ' '))
    .filter((name) => name !== '')
  const plain = names.length > 0 && names.every((name) => /^[\p{L}_-][\p{L}\p{N} _-]{0,60}$/u.test(name))
  return plain && !names.includes('inherit') ? names.join(', ') : null
}

const border: Reader = (value) => {
  const words = value.split(' ')
  const known = words.map((word) =>
    /^(?:solid|dashed|dotted|double|none|hidden|groove|ridge|inset|outset|thin|medium|thick|0)$/.test(word)
      ? word
      : (measure(word) ?? colour(word)),
  )
  return words.length <= 3 && known.every((word) => word !== null) ? known.join(' ') : null
}

const anywhere: Record<string, Reader> = {
  color: colour,
  'background-color': colour,
  'font-family': fontFamily,
  'font-size': (value) => (fontSizes.has(value) ? value : measure(value)),
  'font-weight': (value) =>
    value === 'bold' || value === 'bolder' || Number(value) >= 600 ? 'bold' : oneOf('normal')(value),
  'font-style': (value) => (value === 'oblique' ? 'italic' : oneOf('italic', 'normal')(value)),
  'text-decoration': (value) => {
    const lines = value.split(' ').filter((word) => word === 'underline' || word === 'line-through')
    return lines.length === 0 ? null : [...new Set(lines)].sort().join(' ')
  },
  'vertical-align': oneOf('sub', 'super'),
}

const inBlocks: Record<string, Reader> = {
  ...anywhere,
  'text-align': oneOf('left', 'right', 'center', 'justify', 'end'),
  'margin-left': measure,
  'margin-right': measure,
  'padding-left': measure,
  'padding-right': measure,
  'text-indent': measure,
  'list-style-type': (value) => (listStyles.has(value) ? value : null),
}

const inCells: Record<string, Reader> = {
  ...inBlocks,
  'vertical-align': oneOf('top', 'middle', 'bottom'),
  width: measure,
  border,
  'border-collapse': oneOf('collapse'),
}

const readers: Record<StyleScope, Record<string, Reader>> = { inline: anywhere, block: inBlocks, cell: inCells }

/** Names that say the same. */
const synonyms: Record<string, string> = {
  background: 'background-color',
  'text-decoration-line': 'text-decoration',
  'list-style': 'list-style-type',
}

/** What a `style` says that may be kept, in one spelling; everything else, URLs and escapes first of all, is left out. */
export function readStyle(style: string, scope: StyleScope): Map<string, string> {
  const kept = new Map<string, string>()
  for (const [name, value] of declarationsOf(style)) {
    const known = synonyms[name] ?? name
    const read = Object.hasOwn(readers[scope], known) ? readers[scope][known] : undefined
    const clean = read === undefined || value.length > 300 ? null : read(known === 'font-family' ? value : lower(value))
    if (clean !== null) kept.set(known, clean)
  }
  return kept
}

/** White space is text where a style says so. */
export function preservesSpace(style: string): boolean | null {
  const value = lower(declarationsOf(style).get('white-space') ?? '')
  if (value === '') return null
  return value.startsWith('pre') || value === 'break-spaces'
}

/** The direction of writing that a style sets. */
export function directionOf(style: string): 'ltr' | 'rtl' | null {
  const value = lower(declarationsOf(style).get('direction') ?? '')
  return value === 'rtl' || value === 'ltr' ? value : null
}

export function writeStyle(declarations: Declarations): string {
  return [...declarations]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}: ${value}`)
    .join('; ')
}

function lower(value: string): string {
  return value.toLowerCase().replace(/\s*!important$/, '')
}

/** Declarations by name, the last of each; quotes and brackets hold together. One walk over the text. */
function declarationsOf(style: string): Map<string, string> {
  const found = new Map<string, string>()
  let start = 0
  let quote = ''
  let brackets = 0
  const take = (end: number) => {
    const declaration = style.slice(start, end)
    const colon = declaration.indexOf(':')
    if (colon > 0) {
      const value = declaration
        .slice(colon + 1)
        .trim()
        .replace(/\s+/g, ' ')
      found.set(declaration.slice(0, colon).trim().toLowerCase(), value)
    }
    start = end + 1
  }
  for (let at = 0; at < style.length; at++) {
    const sign = style[at]
    if (quote !== '') {
      if (sign === quote) quote = ''
    } else if (sign === '"' || sign === "'") quote = sign
    else if (sign === '(') brackets++
    else if (sign === ')') brackets = Math.max(0, brackets - 1)
    else if (sign === ';' && brackets === 0) take(at)
  }
  take(style.length)
  return found
}
