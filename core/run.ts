import type { Side } from './values.ts'

/** `records`: only what a person asked for by id, without a scan. `adoption`: pairs what exists on both sides. */
export type RunKind = 'check' | 'simulation' | 'incremental' | 'full' | 'records' | 'adoption'

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
