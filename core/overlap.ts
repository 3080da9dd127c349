import { isWeekend } from './server-time.ts'

/** Nothing is looked for further back than this by a scan for changes; what is later still is found by the full scan. */
const longestOverlapSeconds = 7_200
const marginSeconds = 60

/**
 * How much of the past the next scan of a side reads again, in seconds: at least what the link asks for, twice the
 * lateness that the endpoint has shown, and twice what it was when a full scan found changes that had escaped. It never
 * shrinks by itself: an endpoint that was late once can be late again.
 */
export function nextOverlap(input: {
  configured: number
  current: number | null
  /** Longest time by which a change appeared after a newer one had been seen, in seconds; 0: none. */
  lateness: number
  /** Changes that only a full scan found. */
  escaped: number
}): number {
  const now = Math.max(input.configured, input.current ?? 0)
  const late = input.lateness > 0 ? 2 * input.lateness + marginSeconds : 0
  const escaped = input.escaped > 0 ? 2 * now : 0
  return Math.min(longestOverlapSeconds, Math.max(now, late, escaped))
}

/**
 * Seconds that a scan reads again on top of the overlap, for a server whose times carry no zone: where its clocks change,
 * an hour of wall time comes twice or is left out, and a change of just now seems to be an hour old. The server's zone is
 * not known; clocks are changed at weekends nearly everywhere, when an hour more costs little. Elsewhere the full scan
 * finds what was missed. `newest` is the side's newest time in its own words.
 */
export function clockChangeSeconds(newest: string, timesHaveZone: boolean): number {
  return !timesHaveZone && isWeekend(newest) ? 3_600 : 0
}
