import { describe, expect, it } from 'vitest'
import type { RowResult } from '../../connectors/contract.ts'
import { matchCreated } from './match-results.ts'

const row = (name: string) => ({ fields: { reference: name, title: `title of ${name}` } })
const done = (id: string, reference?: string): RowResult => ({
  outcome: 'done',
  snapshot: {
    id,
    stamp: { version: 1, modified: null },
    fields: reference === undefined ? {} : { reference },
  },
})
const refused: RowResult = {
  outcome: 'refused',
  problem: { class: 'refused', code: 'refused', message: 'no', remedy: 'none' },
}
const idOf = (result: RowResult | null) => (result?.outcome === 'done' ? result.snapshot.id : (result?.outcome ?? null))

describe('the rows of a bulk create and their results', () => {
  it('belong together by the reference each carries, whatever the order of the answer', () => {
    const matched = matchCreated(
      'reference',
      [row('a'), row('b'), row('c')],
      [done('3', 'c'), done('1', 'a'), done('2', 'b')],
    )
    expect(matched.map(idOf)).toEqual(['1', '2', '3'])
  })

  it('belong together by position where the answer carries no reference', () => {
    expect(matchCreated('reference', [row('a'), row('b')], [done('1'), refused]).map(idOf)).toEqual(['1', 'refused'])
    expect(matchCreated(null, [row('a'), row('b')], [done('1'), done('2')]).map(idOf)).toEqual(['1', '2'])
  })

  it('leaves a row without result when its place holds a record that names another', () => {
    expect(matchCreated('reference', [row('a'), row('b')], [done('9', 'x'), done('2', 'b')]).map(idOf)).toEqual([
      null,
      '2',
    ])
  })

  it('leaves a row without result when the answer is too short', () => {
    expect(matchCreated('reference', [row('a'), row('b')], [done('1', 'a')]).map(idOf)).toEqual(['1', null])
  })
})
