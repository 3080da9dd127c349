import type { Connector } from '../connectors/contract.ts'
import { clockChangeSeconds, nextOverlap } from '../core/overlap.ts'
import { readClock } from '../core/server-clock.ts'
import { isBefore, secondsBetween } from '../core/server-time.ts'
import type { ScanPosition, Store } from '../core/store.ts'

/** An escape older than this tells of a record that came into sight: clocks go back by hours, not by days. */
const longestStepSeconds = 26 * 3_600

type Settled = Pick<Parameters<Store['finishScan']>[0], 'since' | 'overlapSeconds' | 'clock'>

/** What a side's clock says about where its scan must start, and where the next one will. */
export function lookAtClock(input: {
  connector: Connector
  position: ScanPosition
  newest: string | null
  /** The side's newest time is older than the one seen: everything is listed, and T follows it anyway. */
  wentBack: boolean
  /** The link's own overlap, in seconds. */
  configured: number
  /** When the position was asked for, by `performance.now()`. */
  asked: number
}) {
  const { connector, position, newest, wentBack, configured, asked } = input
  const { timesHaveZone } = connector.capabilities
  const header = connector.serverDate()
  const headerAt = performance.now() - (header?.ageMs ?? 0)
  const current = nextOverlap({ configured, current: position.overlapSeconds, lateness: 0, escaped: 0 })
  const reading =
    newest === null
      ? null
      : readClock({
          memory: wentBack ? null : position.clock,
          since: position.since,
          newest,
          date: header?.date ?? null,
          ageSeconds: (position.clock?.ageSeconds ?? 0) + (headerAt - asked) / 1_000,
          overlapSeconds: current,
          timesHaveZone,
          earlier: connector.earlier,
        })

  /** What is remembered once everything listed is queued; null: the side is empty. */
  function after(seen: { lateness: number; escaped: number; escapedAt: string | null }): Settled | null {
    if (newest === null || reading === null) return null
    // Stamped below known times because the clock stands below them: neither late nor a reason to look further back for ever.
    const explained = wentBack || reading.ceiling !== null
    const overlapSeconds = explained ? current : nextOverlap({ configured, current: position.overlapSeconds, ...seen })
    // What escaped was late, or stamped by a clock that went back before anything else told it: T follows either way.
    const { escapedAt } = seen
    const followed =
      !explained &&
      escapedAt !== null &&
      position.since !== null &&
      secondsBetween(escapedAt, position.since) < longestStepSeconds
    const time = followed ? escapedAt : (reading.floor ?? newest)
    const ceiling = followed ? newest : reading.ceiling
    const from = ceiling !== null && isBefore(time, newest) ? time : newest
    return {
      since: connector.earlier(from, overlapSeconds + clockChangeSeconds(from, timesHaveZone)),
      overlapSeconds,
      clock: {
        time,
        date: header?.date ?? null,
        agoSeconds: (performance.now() - headerAt) / 1_000,
        ceiling,
      },
    }
  }

  return {
    /** True: edits since the step may lie anywhere, so the side is listed whole. */
    whole: reading?.since === 'whole',
    since: reading === null || reading.since === 'whole' ? position.since : reading.since,
    after,
  }
}
