import type { RunStatus } from './run.ts'

/** A run's status as the end of the sentence "the synchronization ...". */
export const statusWords: Record<RunStatus, string> = {
  running: 'is running',
  passed: 'passed',
  'with-errors': 'finished with errors',
  failed: 'failed',
  interrupted: 'was interrupted',
  cancelled: 'was cancelled',
}
