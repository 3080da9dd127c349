import { Context } from '@temporalio/activity'
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common'
import { ConnectorError } from '../connectors/contract.ts'
import type { Store } from '../core/store.ts'
import { sides } from '../core/values.ts'
import type { Connections } from './connections.ts'
import { guarded, toFailure } from './failures.ts'
import { scanSide } from './scan.ts'

export interface WatchInput {
  linkId: string
  /** A quiet watch returns after so long, so that the link can continue as new with fresh options and code. */
  returnAfterSeconds: number
  /** False: the link is known to be in trouble; the first look that works is told, and failing looks are not news. */
  healthy: boolean
  /** True: the link was said to wait for its bridge, so that a bridge looks at all is news, also when the looks fail. */
  away: boolean
}

export type WatchResult =
  | { kind: 'changed'; due: number }
  /** The first look that worked after trouble, with nothing due. */
  | { kind: 'well' }
  | { kind: 'trouble'; code: string; message: string }
  /** A blackout has begun. */
  | { kind: 'closed' }
  /** The day is over, or somebody paused the link or made it manual meanwhile. */
  | { kind: 'renew' }

/** No look takes longer: its time-out lies below that. */
const longestLookMs = 600_000

/** Looks in a row that must fail before the link is called degraded. */
const looksBeforeTrouble = 3

/**
 * Looks at both sides and the queue, and fails benignly when nothing is due: the server's retries are the polling, and
 * they add no history. Each attempt sets the wait until the next from the link's current interval, with jitter.
 */
export function createWatch({ store, connections }: { store: Store; connections: Connections }) {
  const failures = new Map<string, number>()

  async function watchForChanges(input: WatchInput): Promise<WatchResult> {
    const { info } = Context.current()
    const { linkId } = input
    const state = await guarded(() => store.watchState(linkId))
    const ageSeconds = (Date.now() - info.scheduledTimestampMs) / 1_000
    if (state.paused || state.mode !== 'automatic' || ageSeconds > input.returnAfterSeconds) return { kind: 'renew' }
    if (state.closed) return { kind: 'closed' }
    const nextLook = state.intervalSeconds * 1_000 * (0.9 + Math.random() * 0.2)
    // A look that is still listing when a blackout begins ends then; what it has queued stays queued.
    const closing = new AbortController()
    const closesInMs = state.closesInMs ?? Number.POSITIVE_INFINITY
    const alarm = closesInMs < longestLookMs ? setTimeout(() => closing.abort(), closesInMs) : null
    try {
      const due = await look(linkId, closing.signal)
      failures.delete(linkId)
      await store.recordWatch({ linkId, outcome: due > 0 ? 'changed' : 'quiet' })
      if (due > 0) return { kind: 'changed', due }
      if (!input.healthy) return { kind: 'well' }
    } catch (error) {
      if (closing.signal.aborted) return { kind: 'closed' }
      const inRow = (failures.get(linkId) ?? 0) + 1
      failures.set(linkId, inRow)
      await store.recordWatch({ linkId, outcome: 'failed' }).catch(() => undefined)
      const permanent =
        error instanceof ConnectorError && ['auth', 'forbidden', 'schema', 'restored'].includes(error.problem.class)
      // A run tells it: with an issue, a notice, and a message of its own.
      if (input.healthy && error instanceof ConnectorError && error.problem.class === 'restored')
        return { kind: 'changed', due: 0 }
      if ((input.healthy || input.away) && (permanent || inRow >= looksBeforeTrouble)) {
        failures.delete(linkId)
        const failure = toFailure(error)
        const code = error instanceof ConnectorError ? error.problem.code : 'unavailable'
        return { kind: 'trouble', code, message: failure instanceof Error ? failure.message : String(failure) }
      }
    } finally {
      if (alarm !== null) clearTimeout(alarm)
    }
    throw ApplicationFailure.create({
      message: 'Nothing has changed.',
      type: 'Nothing',
      category: ApplicationFailureCategory.BENIGN,
      nextRetryDelay: Math.round(nextLook),
    })
  }

  async function look(linkId: string, signal: AbortSignal): Promise<number> {
    const link = await store.link(linkId)
    const bench = await connections.workbench(link)
    const scan = (side: 'left' | 'right') =>
      scanSide(
        store,
        bench,
        { linkId, runId: null, version: link.version, side, extent: 'changes' },
        () => undefined,
        signal,
      )
    await Promise.all(sides.map(scan))
    return (await store.watchState(linkId)).due
  }

  return { watchForChanges }
}
