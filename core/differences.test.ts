import { describe, expect, it } from 'vitest'
import { differences } from './differences.ts'

describe('differences of two documents', () => {
  it('are told by their places, entries with ids by these', () => {
    const before = {
      fields: [
        { id: 'a', direction: 'both' },
        { id: 'b', direction: 'both' },
      ],
      tuning: { parallel: 6 },
      notes: ['x', 'y'],
    }
    const after = {
      fields: [
        { id: 'b', direction: 'to-left' },
        { id: 'c/d', direction: 'both' },
      ],
      tuning: { parallel: 6 },
      notes: ['x', 'z', 'w'],
    }
    expect(differences(before, after)).toEqual([
      { place: '/fields/a', before: { id: 'a', direction: 'both' }, after: null },
      { place: '/fields/b/direction', before: 'both', after: 'to-left' },
      { place: '/fields/c~1d', before: null, after: { id: 'c/d', direction: 'both' } },
      { place: '/notes/1', before: 'y', after: 'z' },
      { place: '/notes/2', before: null, after: 'w' },
    ])
  })

  it('are none between equal documents, and one where the shapes differ', () => {
    expect(differences({ a: [1, { b: null }] }, { a: [1, { b: null }] })).toEqual([])
    expect(differences({ a: [] }, { a: {} })).toEqual([{ place: '/a', before: [], after: {} }])
    expect(differences({ a: 1 }, {})).toEqual([{ place: '/a', before: 1, after: null }])
  })
})
