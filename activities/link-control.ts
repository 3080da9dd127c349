import { createHash } from 'node:crypto'
import { Context, type Info } from '@temporalio/activity'
import type { LinkActivity, LinkHealth } from '../core/link-state.ts'
import type { PhaseTimes, RunStatus, RunSummary } from '../core/run.ts'
import type { ScheduleNow } from '../core/schedule.ts'
import type { BeginRun, Store } from '../core/store.ts'
import type { QueueState } from '../core/work-items.ts'
import { finishPairing, nextAdoptionStep } from '../db/adoptions.ts'
import { isFirst } from '../db/brakes.ts'
import type { Database } from '../db/connection.ts'
import { loadLinkControl, markChecked, saveLinkState, setLinkMode } from '../db/links.ts'
import { enqueueNotice, stoppedDuring } from '../db/outbox.ts'
import { requestRecords as recordRequest, repeatRequest as repeatRequestOf } from '../db/requests.ts'
import { recordDroppedRun } from '../db/runs.ts'
import { guarded } from './failures.ts'

/** What the link's row says; the workflow reads it afresh rather than trusting its own memory. */
export interface LinkControl {
  mode: 'manual' | 'automatic'
  paused: boolean
  deleted: boolean
  bridgeId: string
  workspaceId: string
  name: string
  version: number
  check: 'needed' | 'passed' | 'failed'
  schedule: ScheduleNow
}

/** One id for all attempts of an activity: a worker may die between its commit and its answer. */
function attemptsId({ workflowExecution, activityId }: Info): string {
  const text = `${workflowExecution?.workflowId} ${workflowExecution?.runId} ${activityId}`
  const hex = createHash('sha256').update(text).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

/** Activities of the central worker: they own the link's row and the frame of a run, and need no endpoint. */
export function createLinkControl({ database, store }: { database: Database; store: Store }) {
  async function loadLink({ linkId }: { linkId: string }): Promise<LinkControl> {
    return guarded(() => loadLinkControl(database, linkId))
  }

  /** Writes mode, pause, deletion or the wish for a full scan together with the command's ledger row, before the command answers. */
  async function commandLink(input: {
    linkId: string
    actor: string
    command: string
    change: { mode?: 'manual' | 'automatic'; paused?: boolean; deleted?: boolean; fullNext?: true }
    reason?: string
  }): Promise<void> {
    await guarded(() => setLinkMode(database, { ...input, callId: attemptsId(Context.current().info) }))
  }

  async function saveState(input: {
    linkId: string
    activity: LinkActivity
    health: LinkHealth
    healthMessage: string | null
    currentRun: string | null
  }): Promise<void> {
    await guarded(() => saveLinkState(database, input.linkId, input))
  }

  /** Opens the run's row; answers how many batches of the link may be under way at a time, and whether none ended before it. */
  async function beginRun(input: BeginRun): Promise<{ parallel: number; first: boolean }> {
    return guarded(async () => {
      await store.beginRun(input)
      const link = await store.link(input.linkId, input.version)
      return { parallel: link.configuration.tuning.parallel, first: await isFirst(database, input.linkId) }
    })
  }

  async function dropRun(input: Parameters<typeof recordDroppedRun>[1]): Promise<void> {
    await guarded(() => recordDroppedRun(database, input))
  }

  async function noteCheck(input: { linkId: string; version: number; passed: boolean }): Promise<void> {
    await guarded(() => markChecked(database, input.linkId, input.version, input.passed))
  }

  /** Of the link; with a run's id only of what that run was asked for. */
  async function queueState({ linkId, runId }: { linkId: string; runId?: string }): Promise<QueueState> {
    return guarded(() => store.queueState(linkId, runId))
  }

  /** Queues what a person asked for and writes the command down, in one transaction. */
  async function requestRecords(input: Parameters<typeof recordRequest>[1]): Promise<void> {
    await guarded(() => recordRequest(database, input))
  }

  /** Hands what an interrupted run left of its request over to another run. */
  async function repeatRequest(input: Parameters<typeof repeatRequestOf>[1]): Promise<void> {
    await guarded(() => repeatRequestOf(database, input))
  }

  /** What a run of kind `adoption` does next. */
  async function nextAdoption(input: { linkId: string; runId: string }): Promise<'pair' | 'list' | 'none'> {
    return guarded(() => nextAdoptionStep(database, input))
  }

  /** Ends what was accepted, where all of it has been looked at. */
  async function endAdoption(input: { linkId: string; runId: string }): ReturnType<typeof finishPairing> {
    return guarded(() => finishPairing(database, input))
  }

  /** Closes the run's row and puts a notice into the outbox, once, when the run left something to be done. */
  async function finishRun(input: {
    runId: string
    status: RunStatus
    message: string | null
    phases?: PhaseTimes
    notify: boolean
  }): Promise<RunSummary> {
    return guarded(async () => {
      const summary = await store.finishRun(input)
      const told = input.notify && (summary.status === 'with-errors' || summary.status === 'failed')
      // What stopped the link in this run has a mail of its own.
      if (told && !(summary.status === 'failed' && (await stoppedDuring(database, summary.runId))))
        await enqueueNotice(database, {
          kind: 'run-issues',
          linkId: summary.linkId,
          runId: summary.runId,
          dedupeKey: `run-issues:${summary.runId}`,
        })
      return summary
    })
  }

  return {
    loadLink,
    commandLink,
    requestRecords,
    repeatRequest,
    saveState,
    beginRun,
    dropRun,
    noteCheck,
    queueState,
    nextAdoption,
    endAdoption,
    finishRun,
  }
}
