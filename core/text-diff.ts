import { canonicalMemo, memoText } from './memo.ts'
import type { CanonicalValue } from './values.ts'

/** A piece of one text held against another: `removed` stands in the first one only, `added` in the second one only. */
export interface TextPart {
  kind: 'same' | 'added' | 'removed' | 'left-out'
  /** Of `left-out`: empty. */
  text: string
  /** Of `left-out`: how many lines of both texts stand here. */
  lines?: number
}

/** How the texts of a field that waits for a person differ. */
export interface TextDifferences {
  /** `text`: as people read it; `source`: the markup, where only that differs. */
  form: 'text' | 'source'
  /** From what was agreed on to the value of a side; null: what was agreed on was not kept. */
  left: TextPart[] | null
  right: TextPart[] | null
  /** From the left value to the right one. */
  between: TextPart[]
}

/** Values that are taken in at a glance are not compared. */
const shortest = 60
const longest = 200_000
/** So many differences between two texts are looked for; what differs more differs as a whole. */
const mostDifferences = 400
/** Lines that are shown around each difference. */
const contextLines = 2

/** Differences of two values and what they come from, as far as they are texts worth comparing; null: they are not. */
export function textDifferences(values: {
  base: { left: CanonicalValue; right: CanonicalValue } | null
  left: CanonicalValue
  right: CanonicalValue
}): TextDifferences | null {
  const { base, left, right } = values
  const all = [left, right, ...(base === null ? [] : [base.left, base.right])]
  if (all.some((value) => value !== null && typeof value !== 'string')) return null
  const texts = all.map((value) => (value as string | null) ?? '')
  const length = Math.max(...texts.map((text) => text.length))
  if (length > longest || (length < shortest && !texts.some((text) => text.includes('\n')))) return null
  const read = texts.map(asRead)
  const form = read[0] === read[1] ? 'source' : 'text'
  const [l = '', r = '', baseLeft, baseRight] = form === 'text' ? read : texts
  const parts = (from: string, to: string) => withoutUnchanged(compareTexts(from, to))
  return {
    form,
    left: baseLeft === undefined ? null : parts(baseLeft, l),
    right: baseRight === undefined ? null : parts(baseRight, r),
    between: parts(l, r),
  }
}

/** A formatted text as it shows; anything else as it is. */
function asRead(text: string): string {
  return text.includes('<') && canonicalMemo(text) === text ? memoText(text) : text
}

/** What makes the first text the second, line by line, and word by word where lines differ. */
export function compareTexts(from: string, to: string): TextPart[] {
  const lines = compare(linesOf(from), linesOf(to))
  const parts: TextPart[] = []
  for (const { same, removed, added } of lines) {
    if (same.length > 0) parts.push({ kind: 'same', text: same.join('') })
    if (removed.length === 0 || added.length === 0) parts.push(...whole(removed, added))
    else
      for (const piece of compare(wordsOf(removed.join('')), wordsOf(added.join('')))) {
        if (piece.same.length > 0) parts.push({ kind: 'same', text: piece.same.join('') })
        parts.push(...whole(piece.removed, piece.added))
      }
  }
  return joined(parts)
}

function whole(removed: readonly string[], added: readonly string[]): TextPart[] {
  return [
    ...(removed.length === 0 ? [] : [{ kind: 'removed' as const, text: removed.join('') }]),
    ...(added.length === 0 ? [] : [{ kind: 'added' as const, text: added.join('') }]),
  ]
}

function joined(parts: readonly TextPart[]): TextPart[] {
  const result: TextPart[] = []
  for (const part of parts) {
    const last = result[result.length - 1]
    if (last?.kind === part.kind) last.text += part.text
    else result.push({ ...part })
  }
  return result
}

/** The parts with the middle of what is the same left out, so that a word in a long text is found. */
export function withoutUnchanged(parts: readonly TextPart[]): TextPart[] {
  return parts.flatMap((part, index): TextPart[] => {
    if (part.kind !== 'same') return [part]
    const lines = linesOf(part.text)
    const before = index === 0 ? 0 : contextLines
    const after = index === parts.length - 1 ? 0 : contextLines
    const hidden = lines.length - before - after
    if (hidden < 2) return [part]
    const same = (kept: readonly string[]): TextPart[] =>
      kept.length === 0 ? [] : [{ kind: 'same', text: kept.join('') }]
    return [
      ...same(lines.slice(0, before)),
      { kind: 'left-out', text: '', lines: hidden },
      ...same(lines.slice(lines.length - after)),
    ]
  })
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/)
}

/** Words with the blanks behind them. */
function wordsOf(text: string): string[] {
  return text.match(/\S+\s*|\s+/g) ?? []
}

interface Piece {
  /** Stands in both; what follows differs. */
  same: string[]
  removed: string[]
  added: string[]
}

/** The fewest removals and additions that make the first list the second (Myers 1986), or one difference where they are many. */
function compare(from: readonly string[], to: readonly string[]): Piece[] {
  let start = 0
  while (start < from.length && start < to.length && from[start] === to[start]) start++
  let end = 0
  while (end < Math.min(from.length, to.length) - start && from[from.length - 1 - end] === to[to.length - 1 - end])
    end++
  const [a, b] = [from.slice(start, from.length - end), to.slice(start, to.length - end)]
  const middle = shortestWay(a, b) ?? [{ same: [], removed: [...a], added: [...b] }]
  const head: Piece = { same: from.slice(0, start), removed: [], added: [] }
  const tail: Piece = { same: from.slice(from.length - end), removed: [], added: [] }
  return [head, ...middle, tail]
}

function shortestWay(a: readonly string[], b: readonly string[]): Piece[] | null {
  const most = Math.min(a.length + b.length, mostDifferences)
  // The furthest place in `a` reached on each diagonal, and how it was before each further difference.
  const reached = new Int32Array(2 * most + 3)
  const at = (diagonal: number) => reached[diagonal + most + 1] ?? 0
  const steps: Int32Array[] = []
  for (let differences = 0; differences <= most; differences++) {
    steps.push(reached.slice())
    for (let diagonal = -differences; diagonal <= differences; diagonal += 2) {
      const down = diagonal === -differences || (diagonal !== differences && at(diagonal - 1) < at(diagonal + 1))
      let x = down ? at(diagonal + 1) : at(diagonal - 1) + 1
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x++
      reached[diagonal + most + 1] = x
      if (x >= a.length && x - diagonal >= b.length) return wayBack(a, b, steps, most)
    }
  }
  return null
}

function wayBack(a: readonly string[], b: readonly string[], steps: readonly Int32Array[], most: number): Piece[] {
  const pieces: Piece[] = []
  let [x, y] = [a.length, b.length]
  for (let differences = steps.length - 1; x > 0 || y > 0; differences--) {
    const at = (diagonal: number) => steps[differences]?.[diagonal + most + 1] ?? 0
    const diagonal = x - y
    const down = diagonal === -differences || (diagonal !== differences && at(diagonal - 1) < at(diagonal + 1))
    const [fromX, fromY] = differences === 0 ? [0, 0] : came(down, diagonal, at)
    const [removed, added] = differences === 0 ? [[], []] : down ? [[], [b[fromY] ?? '']] : [[a[fromX] ?? ''], []]
    const sameFrom = fromX + removed.length
    pieces.push({ same: a.slice(sameFrom, x), removed: [], added: [] }, { same: [], removed, added })
    ;[x, y] = [fromX, fromY]
  }
  return gathered(pieces.reverse())
}

function came(down: boolean, diagonal: number, at: (diagonal: number) => number): [number, number] {
  const before = down ? diagonal + 1 : diagonal - 1
  return [at(before), at(before) - before]
}

/** Differences with nothing between them are one. */
function gathered(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [{ same: [], removed: [], added: [] }]
  for (const piece of pieces) {
    let last = result[result.length - 1] as Piece
    if (piece.same.length > 0) {
      if (last.removed.length > 0 || last.added.length > 0) {
        last = { same: [], removed: [], added: [] }
        result.push(last)
      }
      last.same.push(...piece.same)
    }
    last.removed.push(...piece.removed)
    last.added.push(...piece.added)
  }
  return result
}
