import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareTexts, type TextPart, textDifferences, withoutUnchanged } from './text-diff.ts'

const told = (parts: readonly TextPart[]) =>
  parts
    .map(({ kind, text, lines }) =>
      kind === 'same' ? text : kind === 'left-out' ? `(${lines})` : kind === 'added' ? `{+${text}+}` : `[-${text}-]`,
    )
    .join('')

describe('two texts', () => {
  it('are compared by lines, and by words where lines differ', () => {
    expect(told(compareTexts('one\nthe old word stays\nthree\n', 'one\nthe new word stays\nthree\nfour\n'))).toBe(
      'one\nthe [-old -]{+new +}word stays\nthree\n{+four\n+}',
    )
  })

  it('are both told whole by what is the same, removed and added, whatever they are', () => {
    const text = fc.array(fc.constantFrom('a ', 'b ', 'c', '\n', '😀 '), { maxLength: 40 }).map((all) => all.join(''))
    fc.assert(
      fc.property(text, text, (from, to) => {
        const parts = compareTexts(from, to)
        const of = (kind: TextPart['kind']) =>
          parts
            .filter((part) => part.kind === 'same' || part.kind === kind)
            .map((part) => part.text)
            .join('')
        expect([of('removed'), of('added')]).toEqual([from, to])
        expect(parts.every((part, index) => part.kind !== parts[index - 1]?.kind)).toBe(true)
      }),
    )
  })

  it('that have little in common differ as a whole, however long they are', () => {
    const lines = (mark: string) => Array.from({ length: 5_000 }, (_, index) => `${mark} ${index}${mark}\n`).join('')
    const parts = compareTexts(lines('x'), lines('y'))
    expect(parts.map((part) => part.kind)).toEqual(['removed', 'added'])
  })

  it('are shown with a little of what surrounds each difference', () => {
    const lines = Array.from({ length: 20 }, (_, index) => `line ${index}\n`)
    const parts = withoutUnchanged(compareTexts(lines.join(''), lines.with(10, 'other\n').join('')))
    expect(told(parts)).toBe('(8)line 8\nline 9\n[-line 10\n-]{+other\n+}line 11\nline 12\n(7)')
  })
})

describe('a field that waits', () => {
  const text = (word: string) => `<p>A paragraph about the ${word} that is so long that nobody sees what differs.</p>`

  it('shows what each side made of what was agreed on, as people read it', () => {
    const found = textDifferences({
      base: { left: text('parser'), right: text('parser') },
      left: text('lexer'),
      right: text('grammar'),
    })
    expect(found?.form).toBe('text')
    expect(told(found?.left ?? [])).toContain('about the [-parser -]{+lexer +}that')
    expect(told(found?.right ?? [])).toContain('about the [-parser -]{+grammar +}that')
    expect(told(found?.between ?? [])).toContain('about the [-lexer -]{+grammar +}that')
    expect(told(found?.between ?? [])).not.toContain('<p>')
  })

  it('shows the markup where only that differs, and no way from a base that was not kept', () => {
    const left = text('parser')
    const found = textDifferences({ base: null, left, right: left.replace('parser', '<b>parser</b>') })
    expect(found).toMatchObject({ form: 'source', left: null, right: null })
    expect(told(found?.between ?? [])).toContain('{+<b>parser</b> +}')
  })

  it('is not compared where its values are short, or no texts', () => {
    expect(textDifferences({ base: null, left: 'low', right: 'high' })).toBeNull()
    expect(textDifferences({ base: null, left: ['a'], right: ['b'] })).toBeNull()
    expect(textDifferences({ base: null, left: 5, right: 'x'.repeat(100) })).toBeNull()
  })
})
