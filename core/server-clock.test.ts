import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readClock } from './server-clock.ts'
import { isBefore } from './server-time.ts'

const at = (seconds: number) =>
  new Date(Date.UTC(2026, 0, 5) + seconds * 1_000).toISOString().slice(0, 19).replace('T', ' ')
const date = (seconds: number) => `${at(seconds).replace(' ', 'T')}Z`
const earlier = (time: string, seconds: number) =>
  new Date(Date.parse(`${time.replace(' ', 'T')}Z`) - seconds * 1_000).toISOString().slice(0, 19).replace('T', ' ')

const zone = -5 * 3_600
const overlapSeconds = 300
const common = { overlapSeconds, timesHaveZone: false, earlier }

describe('readClock', () => {
  it('leaves a clock alone that runs on, however long nothing was changed', () => {
    const memory = { time: at(0), date: date(0), ageSeconds: 7_200, ceiling: null }
    const since = at(-overlapSeconds)
    expect(readClock({ ...common, memory, since, newest: at(0), date: date(7_201), ageSeconds: 7_200 })).toEqual({
      floor: at(7_200),
      ceiling: null,
      since,
    })
  })

  it('follows no header that jumps forward: stamps may come from another clock', () => {
    const memory = { time: at(0), date: date(0), ageSeconds: 60, ceiling: null }
    const read = readClock({ ...common, memory, since: null, newest: at(0), date: date(4_000), ageSeconds: 60 })
    expect(read.floor).toBe(at(60))
  })

  it('lists all where nobody can say how far back the clock went', () => {
    const memory = { time: at(-4_000), date: null, ageSeconds: 60, ceiling: null }
    const read = readClock({ ...common, memory, since: at(-300), newest: at(0), date: null, ageSeconds: 60 })
    expect(read).toEqual({ floor: at(-4_000), ceiling: at(0), since: 'whole' })
  })

  it('trusts the newest time again once a record is newer than all from before the step', () => {
    const memory = { time: at(-4_000), date: null, ageSeconds: 60, ceiling: at(0) }
    const read = readClock({ ...common, memory, since: at(-4_300), newest: at(1), date: null, ageSeconds: 60 })
    expect(read).toEqual({ floor: at(1), ceiling: null, since: at(-4_300) })
  })

  it('is not misled by an edit from before the step that comes late, where the header tells the time', () => {
    const memory = { time: at(-4_000), date: date(-4_000), ageSeconds: 60, ceiling: at(0) }
    const read = readClock({ ...common, memory, since: at(-4_300), newest: at(1), date: date(-3_940), ageSeconds: 60 })
    expect(read).toEqual({ floor: at(-3_940), ceiling: at(0), since: at(-4_300) })
  })

  it('misses no edit over any steps of the clock, looks and edits, where the server sends its time', () => {
    const step = fc.record({
      /** True seconds until it happens. */
      after: fc.integer({ min: 1, max: 4_000 }),
      what: fc.constantFrom('look' as const, 'look' as const, 'edit' as const, 'edit' as const, 'jump' as const),
      by: fc.integer({ min: -30_000, max: 30_000 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), (steps, timesHaveZone) => {
        let now = 0
        let offset = 0
        let jumped = false
        let newest = at(zone)
        let open: string[] = []
        let position: { since: string | null; time: string; date: string; ceiling: string | null; at: number } | null =
          null
        const clock = () => at(now + offset + (timesHaveZone ? 0 : zone))
        const look = { after: 1, what: 'look' as const, by: 0 }
        for (const { after, what, by } of [look, ...steps, look]) {
          now += after
          if (what === 'jump' && !jumped) {
            // Back and forth between two looks leaves no trace that anybody could find.
            jumped = true
            offset += by
          } else if (what === 'edit') {
            open.push(clock())
            if (isBefore(newest, clock())) newest = clock()
          } else {
            jumped = false
            const header = date(now + offset)
            const ageSeconds: number = position === null ? 0 : now - position.at
            const read = readClock({
              ...common,
              timesHaveZone,
              memory: position === null ? null : { ...position, ageSeconds },
              since: position?.since ?? null,
              newest,
              date: header,
              ageSeconds,
            })
            if (read.since !== 'whole' && read.since !== null) {
              const from = read.since
              expect(open.filter((time) => isBefore(time, from))).toEqual([])
            }
            open = []
            const floor = read.floor ?? newest
            const base = read.ceiling !== null && isBefore(floor, newest) ? floor : newest
            position = {
              since: earlier(base, overlapSeconds),
              time: floor,
              date: header,
              ceiling: read.ceiling,
              at: now,
            }
          }
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
