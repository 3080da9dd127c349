import { isBefore, secondsBetween } from './server-time.ts'

/** What is remembered of a side's clock, in its own words. */
export interface ClockMemory {
  /** When the header `Date` said `date`, the clock that stamps records showed at least this. */
  time: string
  /** ISO 8601; null: the server sends no such header, or none was seen since. */
  date: string | null
  /** Seconds since then, by the store's clock. */
  ageSeconds: number
  /**
   * The clock stands below times that records show already: until it has passed this, the side's newest time says nothing
   * about it. Null: the clock is in order.
   */
  ceiling: string | null
}

export interface ClockReading {
  /** The clock shows at least this; null: nothing is known of it. */
  floor: string | null
  /** As in `ClockMemory`, from now on. */
  ceiling: string | null
  /** Where this scan must start so that nothing stamped since the step is missed; `whole`: nobody can say, list all. */
  since: string | null | 'whole'
}

/** Differences below this are the time requests take and the whole seconds of headers. */
const toleranceSeconds = 15

/**
 * Judges a side's clock before a scan. It went back where its header `Date` moved on less than the store's clock did, where
 * T lies above a time that it has shown since (the answer to a write of ours, or an escape), and, where times have a zone, where
 * records are newer than `Date`. T then follows: it stays near what the clock shows until it has caught up. A header that
 * jumps forward proves nothing about stamps and is not followed.
 */
export function readClock(input: {
  memory: ClockMemory | null
  since: string | null
  /** The side's newest time H. */
  newest: string
  /** The header `Date` of now; null: none. */
  date: string | null
  /** Seconds from what is remembered to the header, by the store's clock and the caller's since it asked. */
  ageSeconds: number
  overlapSeconds: number
  timesHaveZone: boolean
  /** The time so many seconds before another, in the side's own words. */
  earlier(time: string, seconds: number): string
}): ClockReading {
  const { memory, since, newest, date, ageSeconds, earlier } = input
  const passed = memory?.date == null || date === null ? null : secondsBetween(memory.date, date)
  const stepped = passed === null ? 0 : ageSeconds - passed
  const moved = memory === null ? null : earlier(memory.time, -Math.min(passed ?? 0, ageSeconds))
  const steppedBack = stepped > toleranceSeconds
  let floor = moved
  let ceiling = memory?.ceiling ?? null
  // A record that is newer may have been stamped before the step and come late: where the header tells the time, it decides.
  const newer = isBefore(ceiling, newest) && (passed === null || stepped < -toleranceSeconds)
  if (newer || (floor !== null && !isBefore(floor, ceiling))) ceiling = null
  if (steppedBack || isBefore(floor, since)) ceiling = newest
  const ahead = input.timesHaveZone && date !== null ? secondsBetween(date, newest) : 0
  if (ahead > toleranceSeconds) {
    const shown = earlier(newest, ahead)
    if (floor === null || isBefore(shown, floor)) floor = shown
    ceiling = newest
  }
  if (ceiling === null && (floor === null || isBefore(floor, newest))) floor = newest
  if (ceiling === null || floor === null || since === null) return { floor, ceiling, since }
  if (steppedBack && memory !== null) {
    const from = earlier(memory.time, stepped + input.overlapSeconds)
    return { floor, ceiling, since: isBefore(from, since) ? from : since }
  }
  return { floor, ceiling, since: isBefore(floor, since) ? 'whole' : since }
}
