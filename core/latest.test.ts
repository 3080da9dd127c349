import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type FieldEdit, laterEdit } from './latest.ts'

const edit = fc.record({
  time: fc.constant('2026-01-05 10:00:00'),
  atMs: fc.integer({ min: 0, max: 100_000 }),
  uncertaintyMs: fc.integer({ min: 0, max: 20_000 }),
})

it('never lets the earlier edit win, wherever within their uncertainty the true times lie', () => {
  const off = fc.integer({ min: -1_000, max: 1_000 }).map((share) => share / 1_000)
  fc.assert(
    fc.property(edit, edit, off, off, (left, right, offLeft, offRight) => {
      const told = laterEdit(left, right)
      if (told === null) return
      const truly = (one: FieldEdit, share: number) => one.atMs + share * one.uncertaintyMs
      const newer = truly(left, offLeft) > truly(right, offRight) ? 'left' : 'right'
      expect(told.newer).toBe(newer)
    }),
  )
})

it('is the same from either side, and says nothing where a history does', () => {
  fc.assert(
    fc.property(edit, edit, (left, right) => {
      const mirrored = { left: 'right', right: 'left' } as const
      const there = laterEdit(left, right)
      const back = laterEdit(right, left)
      expect(back?.newer).toBe(there === null ? undefined : mirrored[there.newer])
      expect(laterEdit(left, undefined)).toBeNull()
      expect(laterEdit(undefined, right)).toBeNull()
    }),
  )
})

it('is a tie where the times lie as close together as they may be off', () => {
  const at = (atMs: number) => ({ time: '', atMs, uncertaintyMs: 1_000 })
  expect(laterEdit(at(0), at(2_000))).toBeNull()
  expect(laterEdit(at(0), at(2_001))?.newer).toBe('right')
  expect(laterEdit(at(Number.NaN), at(0))).toBeNull()
})
