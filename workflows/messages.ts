import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow'
import type { LinkActivity, LinkHealth } from '../core/link-state.ts'
import type { RunKind } from '../core/run.ts'
import type { Side } from '../core/values.ts'

/** Identity of a link's workflow: one alive per link, which is our mutual exclusion. */
export function linkWorkflowId(linkId: string): string {
  return `link-${linkId}`
}

export function runWorkflowId(runId: string): string {
  return `run-${runId}`
}

/** Queues of a bridge. Watching, bulk work and questions never starve each other. */
export function bridgeQueues(bridgeId: string): { bulk: string; watch: string; ask: string } {
  return { bulk: `bridge-${bridgeId}`, watch: `bridge-${bridgeId}-watch`, ask: `bridge-${bridgeId}-ask` }
}

/** Queue of all workflows and of the activities that need the database and mail, unless a start names another one. */
export const centralQueue = 'tandem-central'

/** Who gave a command; lands in the ledger. */
export interface Commanded {
  actor: string
  /** The caller's idempotency key: a repeat is answered as the first time. */
  requestId: string
}

export interface RunNow extends Commanded {
  kind: RunKind
  /** True: also while a blackout is on, and through those that begin meanwhile. */
  force?: boolean
}

export interface SyncRecords extends Commanded {
  records: { side: Side; id: string }[]
  force?: boolean
}

export interface RunNowAnswer {
  /**
   * `started` at once, `queued` behind the run going on, `waiting` for the end of a blackout, or `merged` into one of its
   * kind that is already queued.
   */
  state: 'started' | 'queued' | 'waiting' | 'merged'
  runId: string
  /** The end of the blackout for which the run waits, with the offset of the link's zone. */
  startsAt?: string
}

/** Commands are Updates: each is accepted with an answer or refused with a reason, and none is dropped. */
export const runNowUpdate = defineUpdate<RunNowAnswer, [RunNow]>('runNow')
/** Looks at a few records now, before whatever else is queued. */
export const syncRecordsUpdate = defineUpdate<RunNowAnswer, [SyncRecords]>('syncRecords')
export const cancelRunUpdate = defineUpdate<{ runId: string }, [Commanded]>('cancelRun')
export const pauseUpdate = defineUpdate<{ paused: true; interrupting: string | null }, [Commanded]>('pause')
/** Answers the run that goes on with what the pause interrupted; null: it interrupted nothing. */
export const resumeUpdate = defineUpdate<{ paused: false; runId: string | null }, [Commanded]>('resume')
export const setModeUpdate = defineUpdate<
  { mode: 'manual' | 'automatic' },
  [Commanded & { mode: 'manual' | 'automatic' }]
>('setMode')
/** Makes the next run that the link starts by itself a full scan, whatever it starts for. */
export const fullNextUpdate = defineUpdate<{ fullNext: true }, [Commanded]>('fullNext')
export interface ConfigurationChanged {
  version: number
  /** True: something changed that an integrity check looks at. */
  recheck?: boolean
}
export const configurationChangedUpdate = defineUpdate<{ version: number }, [Commanded & ConfigurationChanged]>(
  'configurationChanged',
)
export const deleteUpdate = defineUpdate<{ deleted: true }, [Commanded & { reason?: string }]>('delete')

/** Something may have changed; carries nothing, may be lost, is coalesced. */
export const wakeSignal = defineSignal('wake')

export interface LinkStatusView {
  activity: LinkActivity
  health: LinkHealth
  runId: string | null
  queuedRuns: readonly { runId: string; kind: RunKind }[]
}
export const linkStatusQuery = defineQuery<LinkStatusView>('linkStatus')

export interface RunProgress {
  phase: string
  /** Work items settled so far in this run. */
  done: number
  /** Due or leased now. */
  left: number
}
export const runProgressQuery = defineQuery<RunProgress>('runProgress')

/** Failure types of refused commands: the API maps them to 409 with these codes. */
export const commandRefusals = [
  'already-running',
  'nothing-running',
  'already-paused',
  'not-paused',
  'paused',
  'check-required',
  'check-failed',
  'deleted',
  'same-mode',
] as const
export type CommandRefusal = (typeof commandRefusals)[number]
