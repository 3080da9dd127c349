import type { Connector } from '../connectors/contract.ts'
import { editAge } from '../core/freshness.ts'
import { milliseconds } from '../core/server-time.ts'
import type { ScanPosition } from '../core/store.ts'

/** What is older came into sight just now, and was not edited then. */
const longestMs = 26 * 3_600_000

/**
 * How long ago records that a scan lists were edited, in milliseconds. Null where it is not measured: the side is scanned
 * for the first time, or the edit is older than any look could have missed it. To be asked for once a page: a page has
 * thousands of records, and clocks differ by no more within one.
 *
 * @param asked when the position was asked for, by `performance.now()`.
 */
export function createEditAge(
  connector: Pick<Connector, 'capabilities' | 'serverDate'>,
  { since, lookedAgoMs }: Pick<ScanPosition, 'since' | 'lookedAgoMs'>,
  asked: number,
): () => (modified: string | null) => number | null {
  const sinceMs = since === null ? null : milliseconds(since)
  return () => {
    const lead = connector.serverDate()?.offsetMs ?? 0
    const now = {
      hasZone: connector.capabilities.timesHaveZone,
      nowMs: Date.now(),
      lookedAgoMs: lookedAgoMs === null ? null : lookedAgoMs + performance.now() - asked,
    }
    return (modified) => {
      if (modified === null || sinceMs === null) return null
      const at = milliseconds(modified)
      return sinceMs - at > longestMs ? null : editAge({ stampMs: at - lead, ...now })
    }
  }
}
