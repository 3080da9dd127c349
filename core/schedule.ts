import type { LinkSchedule } from './link-config.ts'
import { dayMs, firstInstant, lastInstant, wallOf, zonedIso } from './zone.ts'

/**
 * When a link works by itself, from its configuration, what it has done, and the time that is passed in. Instants are
 * milliseconds since 1970 in UTC.
 */
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof weekdays)[number]

/** Times on some days of the week, by the wall clock of the schedule's zone. */
export type Moments = LinkSchedule['runs']
export type Blackouts = LinkSchedule['blackouts']

const minuteMs = 60_000
const minutesOfDay = 1_440
/** Whatever a schedule names comes again within a week; a day more on either side for zones and changes of clocks. */
const reachDays = 9

/** 1970-01-01 was a Thursday. */
const weekdayOf = (day: number): Weekday => weekdays[(((day + 3) % 7) + 7) % 7] as Weekday

function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))
}

const dayAt = (zone: string, instant: number) => Math.floor(wallOf(zone, instant) / dayMs)

/** The instants that a schedule names on one day, earliest first. */
function momentsOfDay(zone: string, moments: Moments, day: number): number[] {
  const minutes = moments
    .filter((one) => one.weekdays.includes(weekdayOf(day)))
    .flatMap((one) => one.times.map(minuteOf))
  const instants = minutes.map((minute) => firstInstant(zone, day * dayMs + minute * minuteMs))
  return [...new Set(instants)].sort((a, b) => a - b)
}

/** The last named instant that is not later than `at`; null: none within a week. Blackouts are not looked at. */
export function latestMoment(zone: string, moments: Moments, at: number): number | null {
  if (moments.length === 0) return null
  const today = dayAt(zone, at)
  for (let day = today + 1; day >= today - reachDays; day--) {
    const found = momentsOfDay(zone, moments, day).findLast((moment) => moment <= at)
    if (found !== undefined) return found
  }
  return null
}

/** The first named instant that is later than `after`; null: none is named. Blackouts are not looked at. */
export function earliestMoment(zone: string, moments: Moments, after: number): number | null {
  if (moments.length === 0) return null
  const today = dayAt(zone, after)
  for (let day = today - 1; day <= today + reachDays; day++) {
    const found = momentsOfDay(zone, moments, day).find((moment) => moment > after)
    if (found !== undefined) return found
  }
  return null
}

interface Window {
  from: number
  to: number
}

/**
 * The windows that begin on one day. A window begins at the first instant at which the clocks show its start or later, and
 * ends when they show no time before its end any more: what a change of clocks repeats is closed as a whole.
 */
function windowsOfDay({ timeZone, blackouts }: LinkSchedule, day: number): Window[] {
  return blackouts
    .filter((one) => one.weekdays.includes(weekdayOf(day)))
    .map((one) => {
      const [from, to] = [minuteOf(one.from), minuteOf(one.to)]
      const start = day * dayMs
      return {
        from: firstInstant(timeZone, start + from * minuteMs),
        to: lastInstant(timeZone, start + to * minuteMs + (to > from ? 0 : dayMs)),
      }
    })
    .filter((window) => window.from < window.to)
}

function windowsAround(schedule: LinkSchedule, at: number, before: number, after: number): Window[] {
  const today = dayAt(schedule.timeZone, at)
  const found: Window[] = []
  for (let day = today - before; day <= today + after; day++) found.push(...windowsOfDay(schedule, day))
  return found
}

/** The end of the blackout in which `at` lies, windows that follow without a gap included; null: it lies in none. */
export function closedUntil(schedule: LinkSchedule, at: number): number | null {
  if (schedule.blackouts.length === 0) return null
  let end: number | null = null
  for (;;) {
    const now = end ?? at
    const holding = windowsAround(schedule, now, 2, 1).filter((window) => window.from <= now && now < window.to)
    if (holding.length === 0) return end
    end = Math.max(...holding.map((window) => window.to))
    // A configuration that is closed for ever is refused; a change of clocks can only swallow a short opening.
    if (end - at > 4 * 7 * dayMs) return end
  }
}

/** When the next blackout begins that begins after `after`; null: there is none. */
export function closesAt(schedule: LinkSchedule, after: number): number | null {
  if (schedule.blackouts.length === 0) return null
  const starts = windowsAround(schedule, after, 1, reachDays).flatMap(({ from }) => (from > after ? [from] : []))
  return starts.length === 0 ? null : Math.min(...starts)
}

/** When something is done next that is named for certain times: what falls into a blackout is done at its end. */
export function nextMoment(schedule: LinkSchedule, moments: Moments, after: number): number | null {
  const { timeZone } = schedule
  const end = closedUntil(schedule, after)
  const passed = end === null ? null : latestMoment(timeZone, moments, after)
  if (end !== null && passed !== null && closedUntil(schedule, passed) === end) return end
  const next = earliestMoment(timeZone, moments, after)
  return next === null ? null : (closedUntil(schedule, next) ?? next)
}

/** True: the blackouts leave no minute of the week. */
export function isAlwaysClosed(blackouts: Blackouts): boolean {
  const open = new Uint8Array(7 * minutesOfDay).fill(1)
  for (const one of blackouts)
    for (const weekday of one.weekdays) {
      const [from, to] = [minuteOf(one.from), minuteOf(one.to)]
      const start = weekdays.indexOf(weekday) * minutesOfDay
      for (let minute = from; minute < to + (to > from ? 0 : minutesOfDay); minute++)
        open[(start + minute) % open.length] = 0
    }
  return open.every((minute) => minute === 0)
}

/** One ended synchronization, as far as a schedule cares. */
export interface Attempt {
  begun: number
  ended: number
  /**
   * `done`: it counts, also when a person cancelled it. `failed`: it is tried again after a while. `unfinished`: cut off
   * before it did what it was for, so it is tried again at once.
   */
  outcome: 'done' | 'failed' | 'unfinished'
}

export interface History {
  /** Since when the link has named these times: what they were before is nothing that was missed. */
  since: { full: number; run: number }
  /** The last full scans and the last synchronizations of either kind, newest first. */
  full: readonly Attempt[]
  any: readonly Attempt[]
  /** When somebody asked for the next automatic run to be a full scan; null: never. */
  fullAsked: number | null
}

/** What is to be done by itself, and when the next thing happens. */
export interface Agenda {
  closedUntil: number | null
  closesAt: number | null
  /** The run that a named time asks for, or one that was missed; however many were missed, it is one. Not in a blackout. */
  due: 'full' | 'incremental' | null
  /** True: somebody asked for the next automatic run to be a full scan. */
  fullAsked: boolean
  /** True: whatever runs next by itself is a full scan; false also while one that failed waits to be tried again. */
  fullNext: boolean
  nextRun: number | null
  nextFull: number | null
  /** When to look again at the latest; null: nothing is named. */
  lookAgain: number | null
}

const firstRetryMs = 15 * minuteMs
const longestRetryMs = 6 * 60 * minuteMs

/** When a failed attempt may be repeated: a quarter of an hour later, doubling to six hours. */
function retryAt(attempts: readonly Attempt[]): number {
  const failed = attempts.slice(0, doneIndex(attempts)).filter((one) => one.outcome === 'failed')
  const [last] = failed
  return last === undefined ? 0 : last.ended + Math.min(longestRetryMs, firstRetryMs * 2 ** (failed.length - 1))
}

function doneIndex(attempts: readonly Attempt[]): number {
  const index = attempts.findIndex((one) => one.outcome === 'done')
  return index < 0 ? attempts.length : index
}

export function agenda(schedule: LinkSchedule, history: History, now: number): Agenda {
  const { timeZone, runs, fullScans } = schedule
  const end = closedUntil(schedule, now)
  const closes = closesAt(schedule, now)
  const state = (moments: Moments, since: number, attempts: readonly Attempt[]) => {
    const done = attempts[doneIndex(attempts)]?.begun ?? Number.NEGATIVE_INFINITY
    const latest = latestMoment(timeZone, moments, now)
    const missed = latest !== null && latest > Math.max(since, done)
    const retry = retryAt(attempts)
    const due = missed && end === null && now >= retry
    const waits = missed ? Math.max(end ?? now, retry) : null
    return { done, due, retry, next: waits ?? nextMoment(schedule, moments, now) }
  }
  const full = state(fullScans, history.since.full, history.full)
  const run = state(runs, history.since.run, history.any)
  const fullAsked = history.fullAsked !== null && history.fullAsked > full.done
  const times = [end, closes, full.next, run.next, full.retry, run.retry].flatMap((at) =>
    at !== null && at > now ? [at] : [],
  )
  return {
    closedUntil: end,
    closesAt: closes,
    due: full.due ? 'full' : run.due ? (fullAsked && now >= full.retry ? 'full' : 'incremental') : null,
    fullAsked,
    fullNext: fullAsked && now >= full.retry,
    nextRun: run.next,
    nextFull: full.next,
    lookAgain: times.length === 0 ? null : Math.min(...times),
  }
}

/** What the link's workflow needs of its agenda: waits instead of times, so that it needs neither a clock nor zones. */
export interface ScheduleNow extends Pick<Agenda, 'due' | 'fullNext'> {
  /** False: it works at the named times only. */
  polling: boolean
  /** ISO time with the zone's offset; null: not in a blackout. */
  closedUntil: string | null
  /** Milliseconds until the next blackout begins; null: none is named. */
  closesInMs: number | null
  /** Milliseconds after which the agenda has to be read again. */
  lookAgainInMs: number | null
}

export function scheduleNow(schedule: LinkSchedule, agenda: Agenda, now: number): ScheduleNow {
  const wait = (at: number | null) => (at === null ? null : Math.max(1, Math.ceil(at - now)))
  return {
    polling: schedule.intervalSeconds !== null,
    due: agenda.due,
    fullNext: agenda.fullNext,
    closedUntil: agenda.closedUntil === null ? null : zonedIso(schedule.timeZone, agenda.closedUntil),
    closesInMs: wait(agenda.closesAt),
    lookAgainInMs: wait(agenda.lookAgain),
  }
}
