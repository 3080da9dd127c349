import { describe, expect, it } from 'vitest'
import { clockChangeSeconds, nextOverlap } from './overlap.ts'
import { secondsBetween } from './server-time.ts'

const quiet = { configured: 300, current: null, lateness: 0, escaped: 0 }

describe('the overlap of a scan', () => {
  it('is what the link asks for while the endpoint is punctual', () => {
    expect(nextOverlap(quiet)).toBe(300)
  })

  it('covers twice the lateness that was seen, and keeps it', () => {
    expect(nextOverlap({ ...quiet, lateness: 600 })).toBe(1_260)
    expect(nextOverlap({ ...quiet, current: 1_260 })).toBe(1_260)
  })

  it('doubles when changes escaped, up to two hours', () => {
    expect(nextOverlap({ ...quiet, escaped: 1 })).toBe(600)
    expect(nextOverlap({ ...quiet, current: 6_000, escaped: 3 })).toBe(7_200)
  })
})

describe('the hour around a change of clocks', () => {
  it('is read again at weekends, of servers that tell no zone', () => {
    expect(clockChangeSeconds('2026-10-25 02:50:00', false)).toBe(3_600)
    expect(clockChangeSeconds('2026-10-24 23:59:59', false)).toBe(3_600)
    expect(clockChangeSeconds('2026-10-26 00:00:00', false)).toBe(0)
    expect(clockChangeSeconds('2026-10-25T00:50:00Z', true)).toBe(0)
  })
})

describe('times of an endpoint', () => {
  it('are compared in their own words, with a zone and without', () => {
    expect(secondsBetween('2026-11-24 09:00:00', '2026-11-24 09:10:00')).toBe(600)
    expect(secondsBetween('2026-11-24T14:00:30Z', '2026-11-24T14:00:00Z')).toBe(-30)
  })
})
