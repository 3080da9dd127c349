import type { Connector } from '../connectors/contract.ts'
import { editAge } from '../core/freshness.ts'
import { secondsBetween } from '../core/server-time.ts'
import type { ScanPosition } from '../core/store.ts'

/** What is older came into sight just now, and was not edited then. */
const longestMs = 26 * 3_600_000

/**
 * How long ago records that a scan lists were edited, in milliseconds. Null where it is not measured: the side is scanned
 * for the first time, or the edit is older than any look could have missed it.
 *
 * @param asked when the position was asked for, by `performance.now()`.
 */
export function createEditAge(
  connector: Pick<Connector, 'capabilities' | 'serverDate'>,
  position: ScanPosition,
  asked: number,
): (modified: string | null) => number | null {
  return (modified) => {
    const { since, lookedAgoMs } = position
    if (modified === null || since === null || secondsBetween(modified, since) * 1_000 > longestMs) return null
    return editAge({
      stampMs: secondsBetween('1970-01-01T00:00:00Z', modified) * 1_000 - (connector.serverDate()?.offsetMs ?? 0),
      hasZone: connector.capabilities.timesHaveZone,
      nowMs: Date.now(),
      lookedAgoMs: lookedAgoMs === null ? null : lookedAgoMs + performance.now() - asked,
    })
  }
}
