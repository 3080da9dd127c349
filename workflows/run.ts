import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  continueAsNew,
  defineSignal,
  isCancellation,
  log,
  proxyActivities,
  setHandler,
  sleep,
  TimeoutFailure,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { BridgeActivities } from '../activities/bridge.ts'
import type { CentralActivities } from '../activities/central.ts'
import type { LookAlikes } from '../activities/look-alikes.ts'
import { type PhaseTimes, type RunKind, type RunStatus, runPhases } from '../core/run.ts'
import { bridgeQueues, type RunProgress, runProgressQuery } from './messages.ts'
import { bridgePatience, central, reading, writing } from './options.ts'
import { searchAttributes } from './search-attributes.ts'

export interface RunInput {
  runId: string
  linkId: string
  workspaceId: string
  bridgeId: string
  kind: RunKind
  trigger: 'person' | 'automatic'
  actor: string
  /** The link's version this run is pinned to. */
  version: number
  /** True: the link has not been checked in this version, so the run begins with the integrity check. */
  checkFirst: boolean
  /** True: a person wants it whether or not a blackout is on. */
  despiteBlackout?: boolean
  /** Set when a long run continues as new between batches. */
  resumed?: { done: number; parallel: number; first?: boolean; phases?: PhaseTimes }
}

export interface RunOutcome {
  status: RunStatus
  /** What stood in the way of the run as a whole. */
  trouble: { kind: 'endpoint' | 'bridge'; message: string } | null
  check: 'passed' | 'failed' | null
  /** The kind of run that does the rest once the blackout is over that ended this one; null: none ended it. */
  goesOn?: RunKind | null
}

export interface StopRun {
  as: 'interrupted' | 'cancelled'
  /** True: because a blackout begins. */
  blackout?: boolean
}
/** Sent by the link: end at the next batch border, as interrupted (pause, blackout) or cancelled (a person's wish). */
export const stopRunSignal = defineSignal<[StopRun]>('stopRun')

/** Seconds between looks while another worker's lease, or a short wait, holds the last rows. */
const lastRowsSeconds = 5
/** A row that is due again this soon is waited for rather than left to the next run. */
const shortWaitSeconds = 20
/** Shorter pauses of an endpoint are waited for by the activity itself. */
const longPauseMs = 5_000
const longestPauseMs = 300_000
/** How often a run waits for such rows. */
const shortWaits = 12

/**
 * One run, whose history an auditor reads: begin, check, scan left and right, reconcile until empty, finish. It never
 * fails as a workflow: whatever happens is the run's status and words.
 */
export async function runWorkflow(input: RunInput): Promise<RunOutcome> {
  const { runId, linkId, bridgeId, kind, version } = input
  let phase = 'begin'
  const phases: PhaseTimes = { ...input.resumed?.phases }
  let phaseSince = Date.now()
  let done = input.resumed?.done ?? 0
  let left = 0
  let stopping: 'interrupted' | 'cancelled' | null = null
  let stoppedByLookAlikes = false
  let closed = false
  let changed = false
  let scanned = input.resumed !== undefined
  const scope = new CancellationScope()
  setHandler(runProgressQuery, (): RunProgress => ({ phase, done, left }))
  setHandler(stopRunSignal, ({ as, blackout }) => {
    // A person's wish goes before a pause or a blackout that has stopped it already.
    if (stopping === null || as === 'cancelled') {
      stopping = as
      closed = blackout === true
    }
    scope.cancel()
  })

  /** On this workflow's own queue, which is the central workers'. */
  const centrally = (summary: string) => proxyActivities<CentralActivities>({ ...central, summary })
  const bulk = {
    taskQueue: bridgeQueues(bridgeId).bulk,
    scheduleToStartTimeout: bridgePatience,
    // Where the server knows fairness, links take turns however many activities each has in the queue.
    priority: { fairnessKey: linkId, ...(kind === 'records' ? { priorityKey: 1 } : {}) },
  }
  const byReading = (summary: string) => proxyActivities<BridgeActivities>({ ...reading, ...bulk, summary })
  const byWriting = (summary: string) => proxyActivities<BridgeActivities>({ ...writing, ...bulk, summary })

  let check: RunOutcome['check'] = null
  let status: RunStatus = 'passed'
  let message: string | null = null
  let trouble: RunOutcome['trouble'] = null
  try {
    upsertSearchAttributes([
      { key: searchAttributes.linkId, value: linkId },
      { key: searchAttributes.workspace, value: input.workspaceId },
      { key: searchAttributes.runKind, value: kind },
    ])
    const { workflowId, runId: temporalRunId } = workflowInfo()
    const { parallel, first = false } =
      input.resumed ??
      (await centrally('Begin').beginRun({
        runId,
        linkId,
        kind,
        trigger: input.trigger,
        actor: input.actor,
        version,
        despiteBlackout: input.despiteBlackout === true,
        temporal: { workflowId, runId: temporalRunId },
      }))
    await scope.run(() => work(parallel, first))
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error
    if (stopping !== null) status = stopping
    else if (isOutsideSchedule(error)) endByBlackout()
    else if (isCancellation(error)) status = 'cancelled'
    else {
      trouble = troubleOf(error)
      status = 'failed'
      message = trouble.message
      log.warn('The run failed', { runId, reason: trouble.kind })
    }
  }
  if (stopping !== null && status !== 'failed') status = stopping
  const byBlackout = closed && status !== 'failed' && stopping !== 'cancelled'
  // A person's few records go on under the new configuration by themselves, in manual mode as well.
  const handsOn = changed && stopping === null && (kind === 'records' || kind === 'adoption')
  const goesOn = byBlackout ? (kind === 'full' && scanned ? 'incremental' : kind) : handsOn ? kind : null
  if (byBlackout) message = 'A blackout began; the rest is done when it is over.'
  enter('finish')
  const summary = await CancellationScope.nonCancellable(() =>
    centrally('Finish').finishRun({
      runId,
      status,
      message,
      phases,
      // A stop because of look-alikes is told when it comes to be, not by every run that ends at it.
      notify: (kind === 'incremental' || kind === 'full') && !stoppedByLookAlikes,
    }),
  )
  // What was asked about a listing, such as a field that is not there, is answered by the run: it says nothing of the link's health.
  const ofLink = kind === 'adoption' && trouble?.kind === 'endpoint' ? null : trouble
  return { status: summary.status, trouble: ofLink, check, goesOn }

  /** What the phase before took is added to its time, as far as it is one whose time people are told. */
  function enter(next: string): void {
    const now = Date.now()
    const ended = runPhases.find((one) => one === phase)
    if (ended !== undefined) phases[ended] = (phases[ended] ?? 0) + now - phaseSince
    phaseSince = now
    phase = next
  }

  function endByBlackout(): void {
    closed = true
    status = 'interrupted'
  }

  async function work(parallel: number, first: boolean): Promise<void> {
    if (input.resumed === undefined) {
      if (kind === 'check' || input.checkFirst) {
        enter('check')
        // A person who asks for a check gets everything looked at; after a change only what it concerns is.
        const affectedOnly = kind !== 'check' || input.trigger === 'automatic'
        const result = await byReading('Integrity check').check({ linkId, runId, version, affectedOnly })
        await centrally('Note the result').noteCheck({ linkId, version, passed: result.passed })
        check = result.passed ? 'passed' : 'failed'
        if (!result.passed) {
          status = 'failed'
          message = `The integrity check found ${result.errors} error${result.errors === 1 ? '' : 's'}; nothing was synchronized.`
          return
        }
        if (kind === 'check') {
          if (result.warnings > 0)
            message = `Passed with ${result.warnings} warning${result.warnings === 1 ? '' : 's'}.`
          return
        }
      }
      if (kind === 'adoption') return adopt(parallel)
      if (kind === 'records') {
        enter('look up')
        await byReading('Look the records up').lookUp({ linkId, runId, version })
      } else {
        await scanBothSides()
        scanned = true
      }
      if (kind === 'simulation') {
        enter('simulate')
        const { oneIn, due } = await byReading('Plan without writing').simulate({ linkId, runId, version })
        if (first) message = alikeWords(await compareWithOthers(false))
        if (oneIn > 1) {
          const sample = `A sample: one in ${oneIn} of ${due} records in the queue was looked at, and all counts are of the sample.`
          message = message === null ? sample : `${sample} ${message}`
        }
        return
      }
      if (first && kind !== 'records') {
        const found = await compareWithOthers(true)
        if (found.stop) {
          stoppedByLookAlikes = true
          status = 'failed'
          message = `Nothing was written. ${alikeWords(found)}`
          return
        }
      }
    }
    if (kind === 'adoption') return adopt(parallel)
    enter('reconcile')
    await reconcileUntilEmpty(parallel)
  }

  /** Does what would be created seem to be there already? */
  function compareWithOthers(stop: boolean): Promise<LookAlikes> {
    enter('compare')
    return byReading('Compare with what is there').compareFirstRun({ linkId, runId, version, stop })
  }

  /** Pairs what was accepted, and lists what was asked. */
  async function adopt(parallel: number): Promise<void> {
    while (stopping === null) {
      enter('adopt')
      const step = await centrally('Look at what is to be adopted').nextAdoption({ linkId, runId })
      if (step === 'none') return
      if (step === 'list') {
        await byReading('List both sides and find twins').listAdoption({ linkId, runId, version })
        continue
      }
      enter('reconcile')
      await reconcileUntilEmpty(parallel)
      if (stopping !== null || closed || changed) return
      const { done: ended, adopted, missed } = await centrally('End the adoption').endAdoption({ linkId, runId })
      message = ended
        ? `${adopted} pairs were adopted${missed === 0 ? '' : `, ${missed} were not: see the issues`}.`
        : 'Some records of the adoption are not settled yet; apply it again to go on.'
      if (!ended) return
    }
  }

  async function scanBothSides(): Promise<void> {
    enter('scan')
    const extent = kind === 'full' ? 'all' : kind === 'simulation' ? 'foreseen' : 'changes'
    await Promise.all([
      byReading('Scan the left side').scan({ linkId, runId, version, side: 'left', extent }),
      byReading('Scan the right side').scan({ linkId, runId, version, side: 'right', extent }),
    ])
  }

  async function rest(ms: number, summary: string): Promise<void> {
    enter('wait')
    await sleep(ms, { summary })
    enter('reconcile')
  }

  async function reconcileUntilEmpty(parallel: number): Promise<void> {
    const asked = kind === 'records' || kind === 'adoption'
    const only = asked ? { runId } : {}
    let waits = 0
    /** Calls side by side: as many as find work, and one more to see whether there is room again. */
    const single = kind === 'records'
    let width = single ? 1 : parallel
    while (stopping === null) {
      const queue = await centrally('Look at the queue').queueState({ linkId, ...only })
      left = queue.due + queue.leased
      if (queue.due === 0) {
        const soon = queue.nextDueInSeconds !== null && queue.nextDueInSeconds <= shortWaitSeconds
        if (queue.leased === 0 && !soon) return
        if (waits++ >= shortWaits * (queue.leased > 0 ? 4 : 1)) return
        const seconds = queue.leased > 0 ? lastRowsSeconds : Math.max(1, Math.ceil(queue.nextDueInSeconds ?? 1))
        await rest(seconds * 1_000, 'Wait for the last rows')
        continue
      }
      const { reconcile } = byWriting('Reconcile')
      const results = await Promise.all(
        // The first waits for room: places of a worker that died are held until its leases run out.
        Array.from({ length: width }, (_, index) => reconcile({ linkId, runId, version, asked, patient: index === 0 })),
      )
      for (const result of results) done += result.items
      if (results.some((result) => result.ended === 'closed')) return endByBlackout()
      const working = results.filter((result) => result.ended !== 'busy')
      width = single ? 1 : Math.min(parallel, working.length + 1)
      const pauseMs = Math.min(...results.map((result) => result.busyForMs ?? 0))
      if (working.length === 0 && pauseMs > longPauseMs && stopping === null)
        await rest(Math.min(pauseMs, longestPauseMs), 'An endpoint asked for a pause')
      if (results.some((result) => result.ended === 'link-changed')) {
        changed = true
        status = 'interrupted'
        message = 'The configuration was changed; the rest is done by the next run, under the new version.'
        return
      }
      if (workflowInfo().continueAsNewSuggested && stopping === null) {
        enter('reconcile')
        await continueAsNew<typeof runWorkflow>({ ...input, resumed: { done, parallel, phases } })
      }
    }
  }
}

function alikeWords({ looked, alike, side }: LookAlikes): string | null {
  if (alike === 0) return null
  return `Of ${looked} records looked at that a first run would create on the ${side}, ${alike} look like records that are there already and have no twin. Pair those with "tandem link adopt".`
}

function isOutsideSchedule(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof ApplicationFailure &&
    error.cause.type === 'OutsideSchedule'
  )
}

/** Whose fault it is that the run could not go on, in words. */
function troubleOf(error: unknown): NonNullable<RunOutcome['trouble']> {
  if (error instanceof ActivityFailure) {
    const { cause } = error
    if (cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START')
      return { kind: 'bridge', message: 'No bridge took the work. Start the bridge that this link uses.' }
    if (cause instanceof ApplicationFailure) return { kind: 'endpoint', message: cause.message }
    return { kind: 'endpoint', message: cause?.message ?? error.message }
  }
  return { kind: 'endpoint', message: error instanceof Error ? error.message : String(error) }
}
