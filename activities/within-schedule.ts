import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common'
import type { Store } from '../core/store.ts'
import { type FailureType, guarded } from './failures.ts'

/**
 * A step of a run that begins with a look at the blackouts, by the store's clock: whenever a worker comes to it, and at each
 * of its attempts, an endpoint is left alone while one is on. Fails as `OutsideSchedule` then.
 */
export function withinSchedule<I extends { linkId: string; runId: string | null }, R>(
  store: Store,
  step: (input: I) => Promise<R>,
): (input: I) => Promise<R> {
  return async (input) => {
    const { linkId, runId } = input
    if (runId !== null && !(await guarded(() => store.mayWork({ linkId, runId }))))
      throw ApplicationFailure.create({
        message: 'A blackout is on.',
        type: 'OutsideSchedule' satisfies FailureType,
        nonRetryable: true,
        category: ApplicationFailureCategory.BENIGN,
      })
    return step(input)
  }
}
