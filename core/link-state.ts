import type { RunStatus } from './run.ts'

/**
 * What a link is doing and how it is, and the one word people see.
 *
 * Activity moves idle -> checking | simulating | synchronizing -> idle, one run at a time. Health moves apart from it:
 * `ok` -> `degraded` when an endpoint fails several looks in a row -> `ok` at the first look that works; `ok` ->
 * `waiting-for-bridge` when nobody takes the bridge's work -> `ok` when somebody does; every saved configuration makes it
 * `check-needed` until an integrity check passes, unless only its schedule differs.
 *
 * The word is the first that fits: deleted; what it is doing now; paused; stopped (an endpoint was restored to an older
 * state); outside its schedule (a blackout); waiting for bridge; degraded; integrity check required (never checked or changed since); integrity check failed;
 * approval needed (the brake holds something); the last synchronization failed; errors (open issues); ready (checked, never
 * synchronized); ok.
 */
export type LinkActivity = 'idle' | 'checking' | 'simulating' | 'synchronizing'
export type LinkHealth = 'ok' | 'degraded' | 'waiting-for-bridge'
export type CheckState = 'needed' | 'passed' | 'failed'

export const linkStatuses = [
  'deleted',
  'paused',
  'checking',
  'simulating',
  'synchronizing',
  'stopped',
  'outside-schedule',
  'waiting-for-bridge',
  'degraded',
  'check-required',
  'check-failed',
  'approval-needed',
  'failed',
  'errors',
  'ready',
  'ok',
] as const
export type LinkStatus = (typeof linkStatuses)[number]

export interface LinkFacts {
  deleted: boolean
  paused: boolean
  activity: LinkActivity
  health: LinkHealth
  check: CheckState
  /** Of the last synchronization; null: none yet. */
  lastRun: RunStatus | null
  openIssues: number
  /** An endpoint shows an older state than was seen: nothing is written until somebody accepts it. */
  stopped: boolean
  /** The brake holds changes or deletions until somebody agrees; everything else goes on. */
  braked: boolean
  /** A blackout is on: nothing is looked at or written until it ends. */
  closed: boolean
}

export function linkStatus(facts: LinkFacts): LinkStatus {
  if (facts.deleted) return 'deleted'
  if (facts.activity !== 'idle') return facts.activity
  if (facts.paused) return 'paused'
  if (facts.stopped) return 'stopped'
  if (facts.closed) return 'outside-schedule'
  if (facts.health !== 'ok') return facts.health
  if (facts.check === 'needed') return 'check-required'
  if (facts.check === 'failed') return 'check-failed'
  if (facts.braked) return 'approval-needed'
  if (facts.lastRun === 'failed') return 'failed'
  if (facts.openIssues > 0) return 'errors'
  return facts.lastRun === null ? 'ready' : 'ok'
}

/** The status for people, and what to do about it. */
export const statusWords: Record<LinkStatus, { label: string; action: string | null }> = {
  deleted: { label: 'Deleted', action: null },
  paused: { label: 'Paused', action: 'Resume the link to go on.' },
  checking: { label: 'Checking', action: null },
  simulating: { label: 'Simulating', action: null },
  synchronizing: { label: 'Synchronizing', action: null },
  stopped: {
    label: 'Stopped: endpoint restored',
    action: 'An endpoint went back in time: look at both sides, then accept the restored state.',
  },
  'outside-schedule': { label: 'Outside its schedule', action: null },
  'waiting-for-bridge': { label: 'Waiting for bridge', action: 'Start the bridge that this link uses.' },
  degraded: { label: 'Degraded', action: 'An endpoint does not answer as it should; see the open issues.' },
  'check-required': { label: 'Integrity check required', action: 'Run the integrity check.' },
  'check-failed': { label: 'Integrity check failed', action: 'Read the findings, correct the link, check again.' },
  'approval-needed': {
    label: 'Approval needed',
    action: 'Look at what the brake holds; approve it if it is meant. Everything else goes on.',
  },
  failed: { label: 'Failed', action: 'Read why the last run failed, then run again.' },
  errors: { label: 'Errors', action: 'Read the open issues.' },
  ready: { label: 'Ready', action: 'Simulate, then run the first synchronization.' },
  ok: { label: 'OK', action: null },
}
