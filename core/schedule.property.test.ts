import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LinkSchedule, linkSchedule } from './link-config.ts'
import {
  type Attempt,
  agenda,
  closedUntil,
  closesAt,
  earliestMoment,
  latestMoment,
  nextMoment,
  weekdays,
} from './schedule.ts'

const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC'] as const
const minuteMs = 60_000
const dayMs = 86_400_000
/** Days around which clocks change in one of the zones, and some on which they do nowhere. */
const days = [
  '2026-03-29',
  '2026-10-25',
  '2026-03-08',
  '2026-11-01',
  '2026-04-05',
  '2026-10-04',
  '2027-03-28',
  '2026-07-15',
  '2026-12-31',
  '2028-02-29',
]

/** What the clocks show at each minute of some days, as text that sorts: the oracle steps through it and calculates nothing. */
interface Walls {
  start: number
  walls: string[]
}

const known = new Map<string, Walls>()
/** From five days before a day to five days after it. */
function wallsAround(zone: string, day: string): Walls {
  const key = `${zone} ${day}`
  const found = known.get(key)
  if (found !== undefined) return found
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
  const start = Date.parse(`${day}T00:00:00Z`) - 5 * dayMs
  const walls = Array.from({ length: 11 * 1_440 }, (_, minute) => format.format(start + minute * minuteMs))
  known.set(key, { start, walls })
  return { start, walls }
}

function dateAfter(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + dayMs).toISOString().slice(0, 10)
}
const weekdayOf = (date: string) => weekdays[(new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7]
const datesOf = ({ walls }: Walls) => [...new Set(walls.map((wall) => wall.slice(0, 10)))]

/** Minutes (as indices) at which named times happen: the first minute at which the clocks show them or later. */
function oracleMoments(at: Walls, moments: LinkSchedule['runs']): number[] {
  const found = new Set<number>()
  for (const date of datesOf(at))
    for (const one of moments.filter((each) => each.weekdays.some((day) => day === weekdayOf(date))))
      for (const time of one.times) {
        const index = at.walls.findIndex((wall) => wall >= `${date} ${time}`)
        if (index > 0) found.add(index)
      }
  return [...found].sort((a, b) => a - b)
}

function oracleClosed(at: Walls, blackouts: LinkSchedule['blackouts']): boolean[] {
  const closed = at.walls.map(() => false)
  for (const date of datesOf(at))
    for (const one of blackouts.filter((each) => each.weekdays.some((day) => day === weekdayOf(date)))) {
      const endDate = one.to > one.from ? date : dateAfter(date)
      const end = one.to === '24:00' ? `${dateAfter(date)} 00:00` : `${endDate} ${one.to}`
      const from = at.walls.findIndex((wall) => wall >= `${date} ${one.from}`)
      const last = at.walls.findLastIndex((wall) => wall < end)
      if (from >= 0) closed.fill(true, from, Math.max(from, last + 1))
    }
  return closed
}

const time = fc
  .oneof(
    fc.integer({ min: 0, max: 1_439 }),
    fc.integer({ min: 0, max: 59 }).map((m) => 60 + m * 3),
  )
  .map((minute) => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`)
const someDays = fc.oneof(fc.constant([...weekdays]), fc.uniqueArray(fc.constantFrom(...weekdays), { minLength: 1 }))
const moments = fc.array(fc.record({ weekdays: someDays, times: fc.array(time, { minLength: 1, maxLength: 4 }) }), {
  minLength: 1,
  maxLength: 2,
})
const blackouts = fc.array(
  fc
    .record({ weekdays: someDays, from: time, to: fc.oneof(time, fc.constant('24:00')) })
    .filter(({ from, to }) => from !== to),
  { maxLength: 2 },
)

interface Case {
  schedule: LinkSchedule
  at: Walls
}
const cases: fc.Arbitrary<Case> = fc
  .record({ timeZone: fc.constantFrom(...zones), day: fc.constantFrom(...days), fullScans: moments, blackouts })
  .map(({ day, ...rest }) => ({ parsed: linkSchedule.safeParse(rest), at: wallsAround(rest.timeZone, day) }))
  .filter(({ parsed }) => parsed.success)
  .map(({ parsed, at }) => ({ schedule: parsed.data as LinkSchedule, at }))

/** The middle days: what lies near the ends of the stretch is not told apart from what lies beyond. */
const [first, last] = [3 * 1_440, 8 * 1_440]
const instant = (at: Walls, index: number) => at.start + index * minuteMs
const runs = { numRuns: 60 }

describe('a schedule agrees with a walk through every minute', () => {
  // covers 108
  it('at which named times happen, each once, in order', () => {
    fc.assert(
      fc.property(cases, ({ schedule, at }) => {
        const expected = oracleMoments(at, schedule.fullScans).filter((index) => index > first && index <= last)
        const found: number[] = []
        let now = instant(at, first)
        for (;;) {
          const next = earliestMoment(schedule.timeZone, schedule.fullScans, now)
          if (next === null || next > instant(at, last)) break
          expect(next).toBeGreaterThan(now)
          expect(latestMoment(schedule.timeZone, schedule.fullScans, next)).toBe(next)
          expect(latestMoment(schedule.timeZone, schedule.fullScans, next - 1)).not.toBe(next)
          found.push((next - at.start) / minuteMs)
          now = next
        }
        expect(found).toEqual(expected)
      }),
      runs,
    )
  })

  it('in which it is closed, until when, and when it closes next', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 7, max: 97 }), ({ schedule, at }, step) => {
        const closed = oracleClosed(at, schedule.blackouts)
        for (let index = first; index < last; index += step) {
          const end = closedUntil(schedule, instant(at, index))
          expect([at.walls[index], end !== null]).toEqual([at.walls[index], closed[index]])
          const open = closed.indexOf(false, index)
          if (end !== null && open >= 0 && open < last) expect(end).toBe(instant(at, open))
          if (end !== null) continue
          const next = closed.indexOf(true, index)
          if (next >= 0 && next < last) expect(closesAt(schedule, instant(at, index))).toBe(instant(at, next))
        }
      }),
      runs,
    )
  })

  it('for what is done next: never in a blackout, and at the end of the one that it falls into', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: first, max: last - 1_440 }), ({ schedule, at }, index) => {
        const closed = oracleClosed(at, schedule.blackouts)
        const effective = oracleMoments(at, schedule.fullScans)
          .map((moment) => closed.indexOf(false, moment))
          .filter((moment) => moment > index)
        const expected = effective.length === 0 ? undefined : Math.min(...effective)
        const next = nextMoment(schedule, schedule.fullScans, instant(at, index))
        if (next !== null) expect(closedUntil(schedule, next)).toBeNull()
        if (expected !== undefined && expected < last) expect(next).toBe(instant(at, expected))
      }),
      runs,
    )
  })

  it('for a link that does at once what is due: every named time once, or once for those of a blackout', () => {
    fc.assert(
      fc.property(cases, ({ schedule, at }) => {
        const closed = oracleClosed(at, schedule.blackouts)
        const since = instant(at, first)
        const expected = new Set(
          oracleMoments(at, schedule.fullScans)
            .filter((index) => index > first)
            .map((index) => closed.indexOf(false, index))
            .filter((index) => index > 0 && index <= last),
        )
        const done: Attempt[] = []
        let [now, steps] = [since, 0]
        while (now <= instant(at, last)) {
          const { due, lookAgain, nextFull } = agenda(
            schedule,
            { since: { full: since, run: since }, full: done, any: done, fullAsked: null },
            now,
          )
          if (due !== null) {
            expect(due).toBe('full')
            done.unshift({ begun: now, ended: now, outcome: 'done' })
            continue
          }
          expect(nextFull).toBeGreaterThan(now)
          expect(lookAgain).toBeGreaterThan(now)
          now = lookAgain ?? Number.POSITIVE_INFINITY
          expect(steps++).toBeLessThan(500)
        }
        const begun = done.map((one) => (one.begun - at.start) / minuteMs).reverse()
        expect(begun).toEqual([...expected].sort((a, b) => a - b))
      }),
      runs,
    )
  })
})
