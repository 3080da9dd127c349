import { diff3Merge } from 'node-diff3'
import { canonicalMemo } from './memo.ts'
import type { FieldMetadata } from './metadata.ts'
import type { Translation } from './translate.ts'
import { type CanonicalValue, canonicalSet, type Side } from './values.ts'

/** How two values of a field can be merged: as sets, as texts line by line, as memos block by block; null: not at all. */
export type MergeKind = 'set' | 'text' | 'memo' | null

/** What the two fields of a mapping have in common that can be merged. */
export function mergeKind(left: FieldMetadata | undefined, right: FieldMetadata | undefined): MergeKind {
  if (left === undefined || right === undefined) return null
  if (left.multiple && right.multiple) return 'set'
  if (left.multiple || right.multiple || left.type !== right.type) return null
  return left.type === 'memo' ? 'memo' : left.type === 'string' ? 'text' : null
}

export interface ThreeWay {
  kind: MergeKind
  base: { left: CanonicalValue; right: CanonicalValue }
  left: CanonicalValue
  right: CanonicalValue
  translate(from: Side, value: CanonicalValue): Translation
}

/**
 * Both sides' edits in one value, in the left side's form; null: they touch the same place and cannot be told apart.
 * Every edit that touches something else than the other side's edits survives. Merging the result again changes nothing.
 */
export function mergeValues(input: ThreeWay): { value: CanonicalValue } | null {
  if (input.kind === 'set') return mergeSets(input)
  if (input.kind === null) return null
  const translated = (value: CanonicalValue) => {
    const there = input.translate('right', value)
    return there.ok ? asText(there.value) : null
  }
  const right = translated(input.right)
  if (right === null) return null
  const parts = input.kind === 'memo' ? blocksOf : linesOf
  const joint = input.kind === 'memo' ? '' : '\n'
  const merged = diff3Merge(parts(asText(input.left)), parts(asText(input.base.left)), parts(right), {
    excludeFalseConflicts: true,
  })
  const kept: string[] = []
  for (const region of merged) {
    if (region.ok === undefined) return null
    kept.push(...region.ok)
  }
  const text = kept.join(joint)
  if (input.kind === 'text') return { value: text === '' ? null : text }
  // Blocks of two documents need not make a document: what a parser would have to repair is left to a person.
  const canonical = canonicalMemo(text)
  return (canonical ?? '') === text ? { value: canonical } : null
}

/**
 * Additions and removals of both sides, each told from its own side's base, so that values that share a counterpart are not
 * undone: a removal on the right takes every left value away that stands for it.
 */
function mergeSets(input: ThreeWay): { value: CanonicalValue } | null {
  const { translate } = input
  const [left, right, rightBase] = [asSet(input.left), asSet(input.right), asSet(input.base.right)]
  const removed = rightBase.filter((item) => !right.includes(item))
  const added = right.filter((item) => !rightBase.includes(item))
  const result: string[] = []
  const shown = new Set<string>()
  for (const item of left) {
    const there = translate('left', [item])
    if (!there.ok) return null
    const counterparts = asSet(there.value)
    for (const counterpart of counterparts) shown.add(counterpart)
    if (!counterparts.some((counterpart) => removed.includes(counterpart))) result.push(item)
  }
  for (const item of added) {
    if (shown.has(item)) continue
    const back = translate('right', [item])
    if (!back.ok) return null
    result.push(...asSet(back.value))
  }
  return { value: canonicalSet(result) }
}

function asSet(value: CanonicalValue): readonly string[] {
  return value === null ? [] : Array.isArray(value) ? (value as readonly string[]) : [String(value)]
}

function asText(value: CanonicalValue): string {
  return value === null ? '' : String(value)
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.split('\n')
}

const blockTags = 'p|div|li|ul|ol|h[1-6]|table|thead|tr|td|th|pre|blockquote|hr'
const blockEdges = new RegExp(`(?<=</(?:${blockTags})>|<br>|<hr>|\\n)|(?=<(?:${blockTags})(?:\\s|>))`, 'g')

/** A canonical memo cut at the edges of its blocks, at line breaks and between list items; joined again it is the same. */
function blocksOf(html: string): string[] {
  return html === '' ? [] : html.split(blockEdges)
}
