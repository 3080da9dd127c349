import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalMemo } from './memo.ts'
import { mergeValues } from './merge-values.ts'
import { swings, trailAfter } from './ping-pong.ts'

const same = (_from: 'left' | 'right', value: never) => ({ ok: true as const, value })

function merge(kind: 'text' | 'memo', base: string, left: string, right: string) {
  return mergeValues({ kind, base: { left: base, right: base }, left, right, translate: same as never })
}

describe('texts merged line by line', () => {
  it('keep every edit to lines that do not touch, in memos and plain texts', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.stringMatching(/^[a-z]{3,8}$/), { minLength: 3, maxLength: 9 }),
        fc.nat(),
        fc.nat(),
        (lines, one, two) => {
          const [mine, theirs] = [one % lines.length, two % lines.length]
          if (Math.abs(mine - theirs) < 2) return
          const edit = (at: number, by: string) => lines.map((line, index) => (index === at ? `${line} ${by}` : line))
          const text = merge('text', lines.join('\n'), edit(mine, 'L').join('\n'), edit(theirs, 'R').join('\n'))
          expect(text?.value).toBe(
            edit(theirs, 'R')
              .map((line, at) => (at === mine ? `${line} L` : line))
              .join('\n'),
          )
          const html = (of: string[]) => canonicalMemo(of.map((line) => `<p>${line}</p>`).join('')) ?? ''
          const memo = merge('memo', html(lines), html(edit(mine, 'L')), html(edit(theirs, 'R')))
          expect(memo?.value).toContain(`${lines[mine]} L`)
          expect(memo?.value).toContain(`${lines[theirs]} R`)
        },
      ),
    )
  })

  it('are left to a person where both edits are in one line', () => {
    expect(merge('text', 'a', 'b', 'c')).toBeNull()
    expect(merge('memo', '<p>a</p>', '<p>b</p>', '<p>c</p>')).toBeNull()
  })
})

describe('a value that comes back', () => {
  const base = (at: string) => ({
    left: { v: 'B' },
    right: { v: 'B' },
    fingerprint: 'f',
    canonical: 1,
    trail: trailAfter(undefined, 'right', { before: 'A', kept: 'B', at }),
  })
  const stamp = (modified: string) => ({ version: 1, modified })

  it('at once after our write is a swing', () => {
    expect(swings(base('2026-03-01T10:00:00Z'), 'right', 'A', stamp('2026-03-01T10:00:04Z'))).toBe(true)
  })

  it('days later, or as a third value, or on the side that we did not write, is an edit like any other', () => {
    const written = base('2026-03-01T10:00:00Z')
    expect(swings(written, 'right', 'A', stamp('2026-03-03T10:00:05Z'))).toBe(false)
    expect(swings(written, 'right', 'C', stamp('2026-03-01T10:00:05Z'))).toBe(false)
    expect(swings(written, 'left', 'A', stamp('2026-03-01T10:00:05Z'))).toBe(false)
  })
})
