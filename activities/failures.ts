import { Context } from '@temporalio/activity'
import { ApplicationFailure } from '@temporalio/common'
import { ConnectorError } from '../connectors/contract.ts'
import type { Problem } from '../core/problems.ts'
import { type Store, StoreError } from '../core/store.ts'

/**
 * Failure types that leave an activity: a closed list, so that workflows and auditors can tell them apart. Messages are
 * written for people and hold neither values of records nor secrets.
 */
export type FailureType =
  | 'AuthRejected'
  | 'Forbidden'
  | 'InvalidConfiguration'
  | 'NotFound'
  | 'Restored'
  | 'Throttled'
  | 'Unavailable'
  | 'Nothing'
  | 'OutsideSchedule'

const notRetryable: Partial<Record<Problem['class'], FailureType>> = {
  auth: 'AuthRejected',
  forbidden: 'Forbidden',
  schema: 'InvalidConfiguration',
  mapping: 'InvalidConfiguration',
  missing: 'NotFound',
  restored: 'Restored',
}

/** Turns what was thrown into an ApplicationFailure; cancellations and failures pass through. */
export function toFailure(error: unknown): unknown {
  if (error instanceof ApplicationFailure) return error
  if (error instanceof ConnectorError) {
    const { problem } = error
    const message = `${problem.message} ${problem.remedy}`
    const type = notRetryable[problem.class]
    if (type !== undefined)
      return ApplicationFailure.create({ message, type, nonRetryable: true, details: [problem.code] })
    return ApplicationFailure.create({
      message,
      type: problem.class === 'throttled' ? 'Throttled' : 'Unavailable',
      details: [problem.code],
      ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: error.retryAfterMs }),
    })
  }
  if (error instanceof StoreError) {
    if (error.code === 'link-stopped')
      return ApplicationFailure.create({
        message: error.message,
        type: 'Restored',
        nonRetryable: true,
        details: ['endpoint-restored'],
      })
    const gone = error.code === 'link-not-found' || error.code === 'run-not-found' || error.code === 'ask-not-found'
    return ApplicationFailure.create({
      message: error.message,
      type: gone ? 'NotFound' : 'Unavailable',
      nonRetryable: gone,
      details: [error.code],
    })
  }
  return error
}

/** Runs the body and lets only typed failures out. */
export async function guarded<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body()
  } catch (error) {
    throw toFailure(error)
  }
}

/** As `guarded`, for a step of a run: what ends an attempt stands in the run's log, too. `step`: "Scan of the left side". */
export async function guardedStep<T>(
  store: Pick<Store, 'logRun'>,
  { runId, step }: { runId: string | null; step: string },
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body()
  } catch (error) {
    const failure = toFailure(error)
    if (runId !== null && failure instanceof ApplicationFailure) {
      const { attempt } = Context.current().info
      const level = failure.nonRetryable === true ? 'error' : 'warning'
      const message = `${step} failed at attempt ${attempt}: ${failure.message}`
      // The log is told as well as it goes: where the store is away, the failure says so by itself.
      await store.logRun({ runId, lines: [{ level, category: 'endpoint', message }] }).catch(() => undefined)
    }
    throw failure
  }
}
