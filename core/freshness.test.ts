import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accountFor, editAge, totalOf } from './freshness.ts'

const quarter = 900_000
const row = { editedAt: 1_000, noticedAt: 31_000, waited: null, accountedTo: null, dueAt: 31_000, class: null }

describe('the account of an edit', () => {
  it('goes from the edit over the look, the queue and the endpoints', () => {
    expect(accountFor({ ...row, claimedAt: 33_000, now: 34_000 })).toEqual({
      editedAt: 1_000,
      accountedTo: 34_000,
      waited: { poll: 30_000, queue: 2_000, endpoint: 1_000, retry: 0, person: 0 },
    })
  })

  it('goes on after a failure: by itself, or with what a person had to do', () => {
    const first = accountFor({ ...row, claimedAt: 33_000, now: 34_000 })
    const again = { ...row, waited: first?.waited ?? null, accountedTo: first?.accountedTo ?? null, dueAt: 60_000 }
    const end = { claimedAt: 61_000, now: 61_500 }
    const retried = { poll: 30_000, queue: 3_000, endpoint: 1_500, retry: 26_000, person: 0 }
    expect(accountFor({ ...again, class: 'locked', ...end })?.waited).toEqual(retried)
    expect(accountFor({ ...again, class: 'mapping', ...end })?.waited).toEqual({ ...retried, retry: 0, person: 26_000 })
  })

  it('adds up to the time since the edit, whatever the clocks say', () => {
    const time = fc.integer({ min: 0, max: 100_000 })
    fc.assert(
      fc.property(
        time,
        time,
        time,
        time,
        time,
        fc.constantFrom(null, 'locked' as const, 'braked' as const),
        (...of) => {
          const [editedAt, noticedAt, dueAt, claimedAt, now, problem] = of
          const held = accountFor({ ...row, editedAt, noticedAt, dueAt, claimedAt, now, class: problem })
          if (held === null) {
            expect(editedAt).toBeGreaterThan(now)
            return
          }
          expect(totalOf(held.waited)).toBe(now - editedAt)
          expect(Math.min(...Object.values(held.waited))).toBeGreaterThanOrEqual(0)
        },
      ),
    )
  })
})

describe('the age of an edit', () => {
  const nowMs = 1_800_000_000_000
  const look = { nowMs, lookedAgoMs: 60_000 }

  it('is told by a time with a zone', () => {
    expect(editAge({ ...look, stampMs: nowMs - 7_000_000, hasZone: true })).toBe(7_000_000)
    expect(editAge({ ...look, stampMs: nowMs + 5, hasZone: true })).toBe(0)
  })

  it('without a zone is the one that lies after the last look', () => {
    for (const zone of [0, -8 * 4 * quarter, 23 * quarter])
      expect(editAge({ ...look, stampMs: nowMs - 42_000 + zone, hasZone: false })).toBe(42_000)
  })

  it('without a zone is at most the time since the last look, where the zone cannot be told', () => {
    const day = 86_400_000
    expect(editAge({ nowMs, lookedAgoMs: day, stampMs: nowMs - 42_000, hasZone: false })).toBe(day)
    expect(editAge({ ...look, stampMs: nowMs - 400_000, hasZone: false })).toBe(60_000)
    expect(editAge({ nowMs, lookedAgoMs: null, stampMs: nowMs, hasZone: false })).toBeNull()
  })
})
