import { describe, expect, it } from 'vitest'
import { linkSchedule } from './link-config.ts'
import { type Attempt, agenda, closedUntil, type History, nextMoment } from './schedule.ts'
import { isTimeZone, zonedIso } from './zone.ts'

const at = (text: string) => Date.parse(text)
const schedule = (change: object) => linkSchedule.parse(change)
const everyDay = (...times: string[]) => [{ times }]
const from = (since: number) => ({ full: since, run: since })
const never: History = { since: from(0), full: [], any: [], fullAsked: null }
const done = (begun: string): Attempt => ({ begun: at(begun), ended: at(begun) + 60_000, outcome: 'done' })

/** Pointer and message of every problem of a schedule. */
function problems(input: object): string[] {
  const parsed = linkSchedule.safeParse(input)
  return parsed.success ? [] : parsed.error.issues.map((one) => `${one.path.join('/')} ${one.message}`)
}

describe('a schedule in a configuration', () => {
  // covers 107
  it('looks every minute and lists everything at night, unless told otherwise', () => {
    expect(schedule({})).toEqual({
      intervalSeconds: 60,
      timeZone: 'UTC',
      runs: [],
      fullScans: [{ weekdays: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], times: ['03:30'] }],
      blackouts: [],
    })
  })

  // covers 107
  it('names every mistake at once, each with its field', () => {
    expect(
      problems({
        intervalSeconds: 0,
        timeZone: '+01:00',
        runs: [{ weekdays: ['mon'], times: ['24:00', '7:00'] }],
        fullScans: [{ weekdays: [], times: [] }],
        blackouts: [
          { from: '06:00', to: '06:00' },
          { from: '00:00', to: '24:00' },
        ],
      }),
    ).toEqual([
      'intervalSeconds Too small: expected number to be >=1',
      'timeZone must be the name of a time zone such as Europe/Berlin',
      'runs/0/times/0 must be a time of day such as 06:30',
      'runs/0/times/1 must be a time of day such as 06:30',
      'fullScans/0/weekdays name at least one weekday, or leave them out for every day',
      'fullScans/0/times name at least one time',
      'blackouts/0/to must differ from where it begins: a whole day is from 00:00 to 24:00',
      'blackouts must leave some time open: these cover the whole week',
    ])
  })

  it('is refused where it could never run', () => {
    const [weekdays, weekend] = [
      ['mon', 'tue', 'wed', 'thu', 'fri'],
      ['sat', 'sun'],
    ]
    const halves = [
      { from: '12:00', to: '00:30' },
      { from: '00:00', to: '12:00' },
    ]
    expect(problems({ blackouts: halves })).toEqual(['blackouts must leave some time open: these cover the whole week'])
    expect(problems({ blackouts: [halves[0], { from: '00:30', to: '11:59' }] })).toEqual([])
    expect(problems({ blackouts: [{ weekdays, from: '00:00', to: '24:00' }] })).toEqual([])
    expect(
      problems({ blackouts: [weekdays, weekend].map((days) => ({ weekdays: days, from: '00:00', to: '24:00' })) }),
    ).toHaveLength(1)
    expect(problems({ intervalSeconds: null, fullScans: [] })).toEqual([
      'intervalSeconds must be a number of seconds where no runs and no full scans have times',
    ])
    expect(problems({ intervalSeconds: null, fullScans: [], runs: everyDay('06:00') })).toEqual([])
    expect(problems({ intervalSeconds: null })).toEqual([])
  })

  it('takes names of zones only, whatever the platform takes', () => {
    expect(['Europe/Berlin', 'UTC', 'Asia/Kolkata'].every(isTimeZone)).toBe(true)
    expect(['Mars/Olympus', '', '+02:00', 'Europe/'].some(isTimeZone)).toBe(false)
  })
})

describe('what is due', () => {
  const nightly = schedule({ timeZone: 'Europe/Berlin', fullScans: everyDay('02:30') })

  it('is done at the change of clocks where spring leaves the time out, and once where autumn repeats it', () => {
    const next = (after: string) => zonedIso('Europe/Berlin', nextMoment(nightly, nightly.fullScans, at(after)) ?? 0)
    expect(next('2026-03-28T12:00:00Z')).toBe('2026-03-29T03:00:00+02:00')
    expect(next('2026-03-29T01:00:00Z')).toBe('2026-03-30T02:30:00+02:00')
    expect(next('2026-10-24T12:00:00Z')).toBe('2026-10-25T02:30:00+02:00')
    expect(next('2026-10-25T00:30:00Z')).toBe('2026-10-26T02:30:00+01:00')
  })

  it('closes the whole of an hour that comes twice', () => {
    const closed = schedule({ timeZone: 'Europe/Berlin', blackouts: [{ from: '01:00', to: '02:30' }] })
    const until = (when: string) => zonedIso('Europe/Berlin', closedUntil(closed, at(when)) ?? 0)
    expect(until('2026-10-25T00:45:00Z')).toBe('2026-10-25T02:30:00+01:00')
    expect(closedUntil(closed, at('2026-10-25T01:30:00Z'))).toBeNull()
  })

  it('joins windows without a gap, over midnight and weekends', () => {
    const closed = schedule({
      blackouts: [
        { weekdays: ['fri'], from: '18:00', to: '06:00' },
        { weekdays: ['sat', 'sun'], from: '00:00', to: '24:00' },
        { weekdays: ['mon'], from: '00:00', to: '07:00' },
      ],
    })
    expect(closedUntil(closed, at('2026-11-27T17:59:59Z'))).toBeNull()
    expect(closedUntil(closed, at('2026-11-27T18:00:00Z'))).toBe(at('2026-11-30T07:00:00Z'))
    expect(closedUntil(closed, at('2026-11-30T07:00:00Z'))).toBeNull()
  })

  it('is a missed full scan, once, however many were missed', () => {
    const now = at('2026-11-25T10:00:00Z')
    const weekAgo = { ...never, full: [done('2026-11-18T01:31:00Z')] }
    expect(agenda(nightly, weekAgo, now)).toMatchObject({ due: 'full', nextFull: now })
    const after = { ...never, full: [done('2026-11-25T10:00:01Z'), ...weekAgo.full] }
    expect(agenda(nightly, after, now + 2_000)).toMatchObject({ due: null, nextFull: at('2026-11-26T01:30:00Z') })
  })

  it('is nothing that a schedule named only afterwards', () => {
    const now = at('2026-11-25T10:00:00Z')
    expect(agenda(nightly, { ...never, since: from(now - 1) }, now).due).toBeNull()
  })

  it('waits for the end of a blackout, and says so', () => {
    const closed = schedule({ fullScans: everyDay('03:30'), blackouts: [{ from: '03:00', to: '05:00' }] })
    const history = { ...never, since: from(at('2026-11-24T10:00:00Z')) }
    expect(agenda(closed, history, at('2026-11-25T02:00:00Z'))).toMatchObject({
      due: null,
      closedUntil: null,
      closesAt: at('2026-11-25T03:00:00Z'),
      nextFull: at('2026-11-25T05:00:00Z'),
      lookAgain: at('2026-11-25T03:00:00Z'),
    })
    expect(agenda(closed, history, at('2026-11-25T04:00:00Z'))).toMatchObject({
      due: null,
      closedUntil: at('2026-11-25T05:00:00Z'),
      nextFull: at('2026-11-25T05:00:00Z'),
      lookAgain: at('2026-11-25T05:00:00Z'),
    })
    expect(agenda(closed, history, at('2026-11-25T05:00:00Z')).due).toBe('full')
  })

  it('is tried again after a failure, later each time, and at once when it was cut off', () => {
    const now = at('2026-11-25T02:00:00Z')
    const tried = (...outcomes: Attempt['outcome'][]): History => {
      const full = outcomes.map((outcome, index) => ({ begun: now - index - 1_000, ended: now - index, outcome }))
      return { ...never, since: from(at('2026-11-24T10:00:00Z')), full }
    }
    const minutes = (history: History) => ((agenda(nightly, history, now).nextFull ?? 0) - now) / 60_000
    expect(agenda(nightly, tried('unfinished'), now).due).toBe('full')
    expect(agenda(nightly, tried('failed'), now).due).toBeNull()
    expect(minutes(tried('failed'))).toBe(15)
    expect(minutes(tried('failed', 'unfinished', 'failed'))).toBe(30)
    expect(minutes(tried(...Array.from({ length: 8 }, () => 'failed' as const)))).toBe(360)
    expect(minutes(tried('done', 'failed', 'failed'))).toBe(23.5 * 60)
    // While one that was asked for waits to be tried again, changes are not held up by it.
    const asked = { ...tried('failed'), fullAsked: now - 5_000 }
    expect(agenda(nightly, asked, now)).toMatchObject({ fullAsked: true, fullNext: false, due: null })
    expect(agenda(nightly, asked, now + 900_000)).toMatchObject({ fullNext: true, due: 'full' })
  })

  it('is one full scan where a run and a full scan are due together, or where somebody asked for it', () => {
    const both = schedule({ intervalSeconds: null, runs: everyDay('03:30', '12:00'), fullScans: everyDay('03:30') })
    const since = at('2026-11-25T03:00:00Z')
    const named = from(since)
    expect(agenda(both, { ...never, since: named }, at('2026-11-25T03:30:00Z')).due).toBe('full')
    const ran = [done('2026-11-25T03:30:00Z')]
    const later = at('2026-11-25T12:00:00Z')
    expect(agenda(both, { ...never, since: named, full: ran, any: ran }, later - 1).due).toBeNull()
    expect(agenda(both, { ...never, since: named, full: ran, any: ran }, later).due).toBe('incremental')
    expect(agenda(both, { since: named, full: ran, any: ran, fullAsked: later - 1 }, later).due).toBe('full')
    expect(agenda(both, { since: named, full: ran, any: ran, fullAsked: since }, later).fullAsked).toBe(false)
  })
})
