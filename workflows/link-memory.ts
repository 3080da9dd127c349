import { type CancellationScope, isCancellation, log, proxyActivities, uuid4 } from '@temporalio/workflow'
import type { CentralActivities } from '../activities/central.ts'
import type { LinkControl } from '../activities/link-control.ts'
import type { LinkHealth } from '../core/link-state.ts'
import type { RunKind } from '../core/run.ts'
import { runWorkflowId } from './messages.ts'
import { central } from './options.ts'
import type { StopRun } from './run.ts'

export interface LinkInput {
  linkId: string
  /** What the previous run of this workflow carried over. Plain JSON; new code must read what old code wrote. */
  carried?: CarriedState
}

export interface QueuedRun {
  runId: string
  kind: RunKind
  trigger: 'person' | 'automatic'
  actor: string
  /** True: a person wants it whether or not a blackout is on. */
  force?: boolean
}

interface CarriedState {
  v: 1
  queued: QueuedRun[]
  health: LinkHealth
  healthMessage: string | null
  /** Answers to the last commands, so that a repeat across continue-as-new is answered as the first time. */
  answers: { requestId: string; answer: unknown }[]
  /** Kind of the run that a pause interrupted: resuming goes on with it. */
  interrupted?: RunKind | null
  /** The run that a pause interrupted: what it left of a person's request is handed on. */
  interruptedRun?: string | null
  /** A configuration was saved that is not checked yet. */
  saved?: boolean
}

/** What the loop of a link and its commands share. Handlers only change it and wake the loop. */
export interface LinkMemory {
  readonly linkId: string
  queued: QueuedRun[]
  health: LinkHealth
  healthMessage: string | null
  answers: CarriedState['answers']
  interrupted: RunKind | null
  interruptedRun: string | null
  /** A configuration was saved: it is checked as soon as nothing else is to be done, also in manual mode. */
  saved: boolean
  /** The link's row as it was read last, with what commands have changed since; null: not read yet. */
  control: LinkControl | null
  running: { run: QueuedRun; stop(how: StopRun): Promise<void> } | null
  /** Raised by whatever the loop must look at again. */
  wakes: number
  handled: number
  /** Raised by whatever a command wrote: a row read meanwhile may be older than that. */
  changes: number
  /** `changes` when the row was read last. */
  readAt: number
  watch: CancellationScope | null
}

export function memoryOf({ linkId, carried }: LinkInput): LinkMemory {
  return {
    linkId,
    queued: carried?.queued ?? [],
    health: carried?.health ?? 'ok',
    healthMessage: carried?.healthMessage ?? null,
    answers: carried?.answers ?? [],
    interrupted: carried?.interrupted ?? null,
    interruptedRun: carried?.interruptedRun ?? null,
    saved: carried?.saved ?? false,
    control: null,
    running: null,
    wakes: 0,
    handled: 0,
    changes: 0,
    readAt: 0,
    watch: null,
  }
}

export function carriedBy(link: LinkMemory): LinkInput {
  const { linkId, queued, health, healthMessage, answers, interrupted, interruptedRun, saved } = link
  return { linkId, carried: { v: 1, queued, health, healthMessage, answers, interrupted, interruptedRun, saved } }
}

/** Activities on this workflow's own queue, which is the central workers'. */
export function centrally(summary: string) {
  return proxyActivities<CentralActivities>({ ...central, summary })
}

export function wake(link: LinkMemory): void {
  link.wakes++
  link.watch?.cancel()
}

/** What a command has written to the row holds at once, also for the next command. */
export function changed(link: LinkMemory, change: Partial<LinkControl>): void {
  if (link.control !== null) Object.assign(link.control, change)
  link.changes++
}

export async function loadAfresh(link: LinkMemory): Promise<LinkControl> {
  for (;;) {
    const before = link.changes
    const now = await centrally('Read the link').loadLink({ linkId: link.linkId })
    // Taken over in the same step as it is compared: a command answered in this very task must find it in place.
    if (before === link.changes) {
      link.control = now
      link.readAt = before
      return now
    }
  }
}

export function isSynchronizing(run: { kind: RunKind }): boolean {
  return run.kind !== 'check' && run.kind !== 'simulation'
}

/** The first queued run that may begin now. */
export function nextRun(link: LinkMemory, now: LinkControl): QueuedRun | undefined {
  const closed = now.schedule.closedUntil !== null
  return link.queued.find((run) => !(now.paused && isSynchronizing(run)) && (!closed || run.force === true))
}

/** A few records go before whatever else waits, in the order in which they were asked for. */
export function enqueue(link: LinkMemory, run: QueuedRun): void {
  const { queued } = link
  const behind = run.kind === 'records' ? queued.findIndex((other) => other.kind !== 'records') : -1
  queued.splice(behind < 0 ? queued.length : behind, 0, run)
}

/** Queues a run that the link starts by itself. */
export function enqueueAutomatic(link: LinkMemory, kind: RunKind): void {
  enqueue(link, { runId: uuid4(), kind, trigger: 'automatic', actor: 'tandem' })
}

/** Takes a queued run away and leaves its row, so that whoever waits for it sees its end. */
export async function drop(link: LinkMemory, run: QueuedRun, now: LinkControl): Promise<void> {
  const index = link.queued.indexOf(run)
  if (index < 0) return
  link.queued.splice(index, 1)
  await centrally('Write the cancelled run down').dropRun({
    ...run,
    linkId: link.linkId,
    version: now.version,
    workflowId: runWorkflowId(run.runId),
  })
}

export async function stopRunning(link: LinkMemory, how: StopRun): Promise<void> {
  try {
    await link.running?.stop(how)
  } catch (error) {
    if (isCancellation(error)) throw error
    log.info('The run had ended by itself', { linkId: link.linkId })
  }
}
