import type { LinkConfiguration } from './link-config.ts'
import type { Finding } from './run.ts'
import { secondsBetween } from './server-time.ts'
import { type Side, sides } from './values.ts'

/** What is known of a side's clock. */
export interface SideClock {
  /** The header `Date` of an answer, ISO 8601; null: it sends none. */
  date: string | null
  /** By how much that clock is ahead of the bridge's, and how far this may be off, in milliseconds. */
  offsetMs: number
  uncertaintyMs: number
  timesHaveZone: boolean
  /** The newest time of a record, in the side's own words. */
  newest: string | null
}

/** Seconds by which clocks may differ before anything suffers. */
const toleratedSeconds = 60
/** The time that requests take, and the whole seconds of headers. */
const headerSeconds = 15

/** Do the clocks of both systems agree, and do their times say when something was? */
export function checkClocks(configuration: LinkConfiguration, clocks: Readonly<Record<Side, SideClock>>): Finding[] {
  const findings: Finding[] = []
  const add = (
    side: Side | null,
    severity: Finding['severity'],
    message: string,
    remedy: string | null,
    pointer: string | null,
  ) => findings.push({ check: 'clocks', severity, side, message, remedy, pointer, records: null })
  for (const side of sides) {
    const { date, offsetMs, uncertaintyMs, timesHaveZone, newest } = clocks[side]
    const off = Math.max(0, Math.abs(offsetMs) - uncertaintyMs) / 1_000
    if (date !== null && off > toleratedSeconds)
      add(
        side,
        'warning',
        `Its clock is ${inWords(off)} ${offsetMs > 0 ? 'ahead of' : 'behind'} the clock of the bridge.`,
        'Let both take their time from a time server.',
        null,
      )
    if (date !== null && newest !== null && timesHaveZone && secondsBetween(date, newest) > headerSeconds)
      add(
        side,
        'warning',
        `Its newest record is stamped ${inWords(secondsBetween(date, newest))} later than its own clock shows: the clock was set back, or what stamps records has another one.`,
        'Correct the clock of the server. Until it has caught up, more is read at each look.',
        null,
      )
    if (!timesHaveZone)
      add(
        side,
        'info',
        'Its times have no zone: where clocks change, an hour comes twice, so that around weekends an hour more is read at each look.',
        null,
        '/tuning/overlapSeconds',
      )
  }
  const [left, right] = [clocks.left, clocks.right]
  const apart = Math.abs(left.offsetMs - right.offsetMs) - left.uncertaintyMs - right.uncertaintyMs
  const latest = configuration.fields.findIndex((mapping) => mapping.conflict === 'latest')
  if (left.date !== null && right.date !== null && apart / 1_000 > toleratedSeconds && latest >= 0)
    add(
      null,
      'warning',
      `The clocks of both systems are ${inWords(apart / 1_000)} apart, and fields are settled by the later edit: within that time the wrong one may win.`,
      'Correct the clocks, or let a side win.',
      `/fields/${latest}/conflict`,
    )
  if (findings.some((finding) => finding.severity === 'warning')) return findings
  const told = sides.filter((side) => clocks[side].date !== null)
  const ok: Finding = {
    check: 'clocks',
    severity: 'ok',
    side: null,
    message:
      told.length === 2
        ? 'The clocks of both systems and of the bridge agree to the minute.'
        : 'Nothing speaks against the clocks, but not every system tells its own.',
    remedy: null,
    pointer: null,
    records: null,
  }
  return [ok, ...findings]
}

function inWords(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} seconds`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3_600)} hours`
}
