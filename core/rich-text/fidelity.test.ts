import { describe, expect, it } from 'vitest'
import { storedMemo } from '../../sandbox/alm/memo.ts'
import { canonicalMemo, losesContent, sameMemoContent, unreadableMemo, wrapMemo } from '../memo.ts'
import { parseCanonical } from './canonical.ts'
import { inventoryOf } from './constructs.ts'
import { corpus } from './corpus.ts'
import { fidelity } from './fidelity.ts'

describe('the corpus', () => {
  it('is large enough to mean something, and each of its texts has a name', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(80)
    expect(new Set(corpus.map((sample) => `${sample.topic}: ${sample.name}`)).size).toBe(corpus.length)
  })

  it.each(corpus.map((sample) => [`${sample.topic}: ${sample.name}`, sample] as const))('%s', (_name, sample) => {
    const canonical = canonicalMemo(sample.html)
    expect(unreadableMemo(canonical)).toBeNull()
    // What its author says it is made of is found in its canonical form, which is at rest.
    const found = inventoryOf(parseCanonical(canonical))
    expect(sample.constructs.filter((construct) => !found.has(construct))).toEqual([])
    expect(canonicalMemo(wrapMemo(canonical))).toBe(canonical)
    // ALM's own rendering is the same text to us, save for images whose address it takes away.
    const stored = storedMemo(wrapMemo(canonical))
    if (sample.html.includes('src="/api')) expect(losesContent(canonical, stored)).toEqual(['image'])
    else {
      expect(canonicalMemo(stored)).toBe(canonical)
      expect(sameMemoContent(canonical, stored)).toBe(true)
    }
  })
})

describe('fidelity', () => {
  const memo = { type: 'memo' } as const

  it('of a memo to a memo is full, once attached images are carried', () => {
    expect(fidelity(memo, memo, { images: true })).toMatchObject({ score: 1, lost: [] })
    const without = fidelity(memo, memo)
    expect(without.lost).toEqual(['image'])
    expect(without.score).toBeLessThan(1)
    expect(without.byTopic.get('images')).toEqual({ survived: 6, of: 8 })
    expect(without.byTopic.get('tables')).toMatchObject({ survived: without.byTopic.get('tables')?.of })
  })

  it('through an endpoint counts what that endpoint takes away', () => {
    const plain = {
      type: 'memo',
      stores: (html: string) => html.replace(/<\/?(?:table|tr|td|th|thead|caption)\b[^>]*>/g, ' '),
    } as const
    const through = fidelity(memo, plain, { images: true })
    expect(through.lost).toContain('table')
    expect(through.lost).not.toContain('list')
    expect(fidelity(memo, { type: 'memo', stores: storedMemo }, { images: true }).lost).toEqual(['image'])
  })

  it('of a memo to a plain text names all that is lost, and not the text', () => {
    const plain = fidelity(memo, { type: 'string', maxLength: null })
    expect(plain.lost).toEqual(
      expect.arrayContaining(['link', 'image', 'table', 'list', 'numbering', 'code', 'bold', 'right-to-left']),
    )
    expect(plain.lost).not.toContain('text')
    expect(plain.score).toBeLessThan(0.7)
    expect(fidelity(memo, { type: 'string', maxLength: 100 }).lost).toContain('text')
  })

  it('of a plain text to a memo is full', () => {
    expect(fidelity({ type: 'string' }, memo)).toMatchObject({ score: 1, lost: [] })
  })
})
