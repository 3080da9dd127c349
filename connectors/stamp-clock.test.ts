import { describe, expect, it } from 'vitest'
import type { RowResult, UpdateRow } from './contract.ts'
import { createStampClock } from './stamp-clock.ts'

const hour = 3_600_000
/** A Wednesday, as a server east of here by so many hours writes it. */
const wall = (atMs: number, hours: number) => new Date(atMs + hours * hour).toISOString().slice(0, 19).replace('T', ' ')
const row: UpdateRow = { id: '1', fields: {}, expected: { version: 4, modified: null }, compareAndSet: true }
const done = (version: number, modified: string): RowResult => ({
  outcome: 'done',
  snapshot: { id: '1', stamp: { version, modified }, fields: {} },
})

describe('the clock that stamps records', () => {
  it('is learnt from a write that raised the version, to the second and the round trip', async () => {
    const clock = createStampClock()
    expect(clock.toOwn('2026-01-07 10:00:00')).toBeNull()
    await clock.learning([row], async () => [done(5, wall(Date.now(), 5))])
    const edited = Date.parse('2026-01-07T10:00:00Z')
    const told = clock.toOwn(wall(edited, 5))
    expect(Math.abs((told?.atMs ?? 0) - edited)).toBeLessThanOrEqual(told?.uncertaintyMs ?? 0)
    expect(told?.uncertaintyMs).toBeLessThan(60_000)
    // Where clocks may have changed between the two times, an hour more is uncertain.
    expect(clock.toOwn('2026-01-10 10:00:00')?.uncertaintyMs).toBeGreaterThanOrEqual(hour)
  })

  it('is not learnt from an answer that need not have been stamped now', async () => {
    const clock = createStampClock()
    await clock.learning([row], async () => [done(4, '2020-01-01 10:00:00')])
    await clock.learning([{ ...row, expected: { version: null, modified: null } }], async () => [
      done(4, '2020-01-01 10:00:00'),
    ])
    expect(clock.toOwn('2026-01-07 10:00:00')).toBeNull()
  })
})
