import { clockChangeSeconds } from '../core/overlap.ts'
import { secondsBetween } from '../core/server-time.ts'
import type { RowResult, UpdateRow } from './contract.ts'

interface Sample {
  offsetMs: number
  uncertaintyMs: number
  at: number
}

/** Older samples say nothing any more: clocks are set, and changed twice a year. */
const goodForMs = 15 * 60_000

/**
 * Learns what the clock that stamps a server's records shows, where its times carry no zone: the answer to a write of ours is
 * stamped between the request and the answer. Only answers that prove a new version count, since a write that changes
 * nothing keeps its old time.
 */
export function createStampClock() {
  let best: Sample | null = null

  function note(modified: string | null, sentAt: number): void {
    if (modified === null) return
    const now = Date.now()
    const half = (now - sentAt) / 2
    // Read as if UTC; the time is cut to whole seconds.
    const wall = secondsBetween('1970-01-01 00:00:00', modified) * 1_000
    if (Number.isNaN(wall)) return
    const sample = { offsetMs: wall + 500 - (now - half), uncertaintyMs: half + 500, at: now }
    const jumped =
      best !== null && Math.abs(best.offsetMs - sample.offsetMs) > best.uncertaintyMs + sample.uncertaintyMs
    if (best === null || jumped || sample.uncertaintyMs <= best.uncertaintyMs || now - best.at > goodForMs / 2)
      best = sample
  }

  return {
    /** Wraps writes, so that their answers are learnt from. */
    async learning(
      rows: readonly (UpdateRow | null)[],
      write: () => Promise<readonly RowResult[]>,
    ): Promise<readonly RowResult[]> {
      const sentAt = Date.now()
      const results = await write()
      results.forEach((result, index) => {
        if (result.outcome !== 'done') return
        const { version, modified } = result.snapshot.stamp
        const before = rows[index]?.expected.version ?? null
        if (rows[index] === null || (before !== null && version !== null && version > before)) note(modified, sentAt)
      })
      return results
    },
    /** A time of the server by this machine's clock, in milliseconds since 1970; null: its clock is not known now. */
    toOwn(time: string): { atMs: number; uncertaintyMs: number } | null {
      if (best === null || Date.now() - best.at > goodForMs) return null
      const wall = secondsBetween('1970-01-01 00:00:00', time) * 1_000
      // Where clocks change, the sample and the time may lie on different sides of the change.
      const change = clockChangeSeconds(time, false) * 1_000
      return { atMs: wall + 500 - best.offsetMs, uncertaintyMs: best.uncertaintyMs + 500 + change }
    },
  }
}
