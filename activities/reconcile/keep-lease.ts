import { StoreError } from '../../core/store.ts'
import type { ExecuteInput } from './execute.ts'

/** What carrying files and comments needs of a batch. */
export type CarryInput = Pick<
  ExecuteInput,
  'bench' | 'store' | 'token' | 'runId' | 'newCallId' | 'keepLease' | 'stopping'
>

/** How often the lease of a batch is extended while files or comments are under way, in milliseconds. */
const extendEveryMs = 5_000

/** Extends the lease for as long as they take; once it is lost everything under way is given up. */
export function keepingLease({ keepLease }: Pick<CarryInput, 'keepLease'>): { signal: AbortSignal; end(): void } {
  const lost = new AbortController()
  const timer = setInterval(() => {
    keepLease().catch((error: unknown) => {
      // A store that does not answer for a moment is asked again; a lease that somebody else has is gone.
      if (error instanceof StoreError && error.code === 'lease-lost') lost.abort(error)
    })
  }, extendEveryMs)
  return { signal: lost.signal, end: () => clearInterval(timer) }
}
