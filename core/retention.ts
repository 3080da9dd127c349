/** Days for which things are kept; null: for ever. */
export interface Retention {
  /** Runs with their counts and findings, and whatever else is kept of them. */
  runs: number | null
  /** Logs of runs, with the outcome of each record. */
  logs: number | null
  /** What simulations planned. */
  simulations: number | null
  /** Temporal's histories of runs. */
  histories: number | null
  /** How long single edits took. */
  freshness: number | null
  /** Counters that prove, hour by hour, that a link was looked at. */
  hours: number | null
  /** Issues that are resolved. */
  issues: number | null
}

/** In the order people read them. */
export const retentionParts = [
  'runs',
  'logs',
  'simulations',
  'histories',
  'freshness',
  'hours',
  'issues',
] as const satisfies readonly (keyof Retention)[]

/** Ten years of what auditors ask for, and less of what only helps to find out about something that happened lately. */
export const defaultRetention: Retention = {
  runs: 3_660,
  logs: 1_830,
  simulations: 90,
  histories: 3_660,
  freshness: 400,
  hours: 3_660,
  issues: 3_660,
}

/** What goes with its run, however long it is to be kept itself. */
const partsOfRuns = ['logs', 'simulations', 'histories'] as const satisfies readonly (keyof Retention)[]

/** Parts of runs that are to be kept longer than the runs, with which they are taken away. */
export function outliveRuns(days: Retention): (keyof Retention)[] {
  const { runs } = days
  return runs === null ? [] : partsOfRuns.filter((part) => (days[part] ?? Number.POSITIVE_INFINITY) > runs)
}
