import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { annotationsOf, readAnnotations } from './annotations.ts'
import { contradictions, coverageDocument, testFiles } from './document.ts'
import { rows } from './rows.ts'

const root = join(import.meta.dirname, '..', '..')
const annotations = readAnnotations(root, testFiles(root))

describe('docs/coverage.md', () => {
  it('is what the tests say that they cover: npm run coverage-doc writes it', () => {
    expect(readFileSync(join(root, 'docs', 'coverage.md'), 'utf8')).toBe(coverageDocument(annotations))
  })

  it('has every row, each with tests or words, and no test names another one', () => {
    expect(Object.keys(rows).map(Number)).toEqual(Array.from({ length: 140 }, (_, index) => index + 1))
    expect(contradictions(annotations)).toEqual([])
  })
})

describe('what tests say that they cover', () => {
  const mark = '// covers'

  it('belongs to the test or group below, with the groups around it, however it is written', () => {
    const text = [
      "describe('a link', () => {",
      `  ${mark} 7, 8`,
      "  it('works', async () => {",
      '  })',
      `  ${mark} 9`,
      '  it.each([1])(',
      "    'counts',",
      '  )',
      '})',
      `${mark} 10`,
      'describe("another", () => {',
    ].join('\n')
    expect(annotationsOf('a.test.ts', text)).toEqual([
      { row: 7, file: 'a.test.ts', title: 'a link > works' },
      { row: 8, file: 'a.test.ts', title: 'a link > works' },
      { row: 9, file: 'a.test.ts', title: 'a link > counts' },
      { row: 10, file: 'a.test.ts', title: 'another' },
    ])
  })

  it('is refused where no test follows', () => {
    expect(() => annotationsOf('a.test.ts', `${mark} 7\nconst x = 1`)).toThrow('a.test.ts:1')
    expect(() => annotationsOf('a.test.ts', `${mark} 7\n`)).toThrow('a.test.ts:1')
  })

  it('contradicts a row that it does not have, that has no test, or that is said not to be there', () => {
    const told = contradictions(
      [
        { row: 1, file: 'a.test.ts', title: 'a' },
        { row: 9, file: 'a.test.ts', title: 'a' },
      ],
      { 1: { expected: 'One', state: 'not yet', words: 'because' }, 2: { expected: 'Two' } },
    )
    expect(told).toHaveLength(3)
    expect(told[0]).toContain('covers 9')
  })
})
