import type { Side } from './values.ts'

/** `records`: only what a person asked for by id, without a scan. `adoption`: pairs what exists on both sides. */
export type RunKind = 'check' | 'simulation' | 'incremental' | 'full' | 'records' | 'adoption'

/** What people call a run. */
export const runKindWords: Record<RunKind, string> = {
  check: 'Integrity check',
  simulation: 'Simulation',
  incremental: 'Synchronization',
  full: 'Full synchronization',
  records: 'Synchronization of single records',
  adoption: 'Pairing of what exists',
}

/** Final words about a run; `running` until then. */
export type RunStatus = 'running' | 'passed' | 'with-errors' | 'failed' | 'interrupted' | 'cancelled'

/** Counts of a run. Every key is present; all start at 0. */
export interface RunCounters {
  scannedLeft: number
  scannedRight: number
  examined: number
  unchanged: number
  createdLeft: number
  createdRight: number
  updatedLeft: number
  updatedRight: number
  deletedLeft: number
  deletedRight: number
  linkBacks: number
  adopted: number
  declined: number
  waiting: number
  held: number
  failed: number
  inDoubt: number
}

/** What a run does one after the other. `wait`: for the last rows, or because an endpoint asked for a pause. */
export const runPhases = ['check', 'look up', 'scan', 'compare', 'simulate', 'adopt', 'reconcile', 'wait'] as const
export type RunPhase = (typeof runPhases)[number]

/** Milliseconds by phase; what is missing took none. */
export type PhaseTimes = Partial<Record<RunPhase, number>>

/** What the batches of a run spent their time with; they work side by side, so the sum may exceed the time that passed. */
export const workSteps = ['claim', 'look', 'write', 'store'] as const
/**
 * Milliseconds. `claim`: waiting for records to work on. `look`: reading both sides and deciding. `write`: writing to
 * them, and ahead of that to the database. `store`: writing down what came of it.
 */
export type WorkTimes = Record<(typeof workSteps)[number], number>

export interface RunTime {
  /** Milliseconds from begin to end; null: it is not over. */
  total: number | null
  /** These add up to the total. `other`: beginning, ending, and what nobody measured. */
  phases: Record<RunPhase | 'other', number>
  work: WorkTimes
}

/** Lays the phases of a run out so that they add up. `lasted`: milliseconds so far, or in all. */
export function runTime(
  { lasted, ended }: { lasted: number; ended: boolean },
  phases: PhaseTimes,
  work: Partial<WorkTimes>,
): RunTime {
  const named = Object.fromEntries(runPhases.map((phase) => [phase, Math.round(phases[phase] ?? 0)])) as Record<
    RunPhase,
    number
  >
  const sum = runPhases.reduce((all, phase) => all + named[phase], 0)
  const steps = Object.fromEntries(workSteps.map((step) => [step, Math.round(work[step] ?? 0)])) as WorkTimes
  // Phases are measured by Temporal's clock and the whole by the database's: the longer one is believed.
  const total = Math.max(Math.round(lasted), sum)
  return { total: ended ? total : null, phases: { ...named, other: total - sum }, work: steps }
}

export interface RunSummary {
  runId: string
  linkId: string
  kind: RunKind
  status: RunStatus
  counters: RunCounters
  /** Issues of the link that are open now. */
  openIssues: number
}

/** One result of the integrity check. */
export interface Finding {
  /** Stable code of the check: `connection`, `required-field`. */
  check: string
  severity: 'ok' | 'info' | 'warning' | 'error'
  side: Side | null
  message: string
  remedy: string | null
  /** Pointer into the configuration, such as `/fields/3/left`; null: not about a setting. */
  pointer: string | null
  /** How many records are concerned, where counted. */
  records: number | null
}

/** A part of the integrity check, judged by itself: its findings stand until what it depends on changes. */
export interface CheckedPart {
  /** `permissions:left`, `mapping`. */
  part: string
  /** Of everything in the configuration that it depends on. */
  fingerprint: string
  /** How many findings are its own: parts stand in the order of their findings. */
  findings: number
  /** The run that judged it; an earlier one where nothing that it depends on has changed. */
  runId: string
}
