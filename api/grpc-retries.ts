import { setTimeout as pause } from 'node:timers/promises'
import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client'

/** gRPC's status code of a limit that is reached. */
export const resourceExhausted = 8

/**
 * How often a call is repeated that a limit refused: Temporal holds ten Updates for a workflow, which a worker takes within
 * moments; where none does, a caller is told so.
 */
const repeatsAtLimit = 3

/** No repeated call waits longer than this for its turn; closing takes no longer either. */
const longestWaitMs = 1_000

/**
 * The client's own repeats of failed calls, which can be ended. Its timers know nothing of the connection: one that fires
 * after the connection was closed throws where nobody can catch it, and takes the process with it.
 */
export function createGrpcRetries() {
  const usual = defaultGrpcRetryOptions()
  let ended = false
  let lastTurn = 0
  return {
    interceptor: makeGrpcRetryInterceptor({
      delayFunction: (attempt, status) => {
        const wait = Math.min(longestWaitMs, usual.delayFunction(attempt, status))
        lastTurn = Math.max(lastTurn, performance.now() + wait)
        return wait
      },
      retryableDecider: (attempt, status) =>
        !ended &&
        (status.code !== resourceExhausted || attempt <= repeatsAtLimit) &&
        usual.retryableDecider(attempt, status),
    }),
    /** Lets every repeat that is due have its turn, and no further one; close the connection afterwards. */
    async end(): Promise<void> {
      ended = true
      await pause(Math.max(0, Math.ceil(lastTurn - performance.now()) + 10))
    },
  }
}
