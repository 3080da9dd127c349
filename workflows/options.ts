import { ActivityCancellationType, type ActivityOptions } from '@temporalio/workflow'

const endpointRetry = {
  initialInterval: '1 second',
  backoffCoefficient: 2,
  maximumInterval: '1 minute',
} as const

/** A short call to the database or the mail server by the central worker; retried until it works. */
export const central: ActivityOptions = {
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
}

/** Reads of one side that may take long: scans, checks, simulations. A bounded count, so that the workflow sees trouble. */
export const reading: ActivityOptions = {
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: '90 seconds',
  retry: { ...endpointRetry, maximumAttempts: 6 },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
}

/** Whatever writes: its cancellation waits for the batch in hand. */
export const writing: ActivityOptions = {
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '20 seconds',
  retry: { ...endpointRetry, maximumAttempts: 6 },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
}

/** A person waits for the answer. */
export const asking: ActivityOptions = {
  startToCloseTimeout: '2 minutes',
  scheduleToCloseTimeout: '3 minutes',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '10 seconds', maximumAttempts: 2 },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
}

/** Waiting for changes: each attempt is short, the server's retries are the polling, and it may be dropped at any time. */
export const watching: ActivityOptions = {
  startToCloseTimeout: '10 minutes',
  retry: { initialInterval: '1 minute', backoffCoefficient: 1 },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
}

/** How long a task may wait for a worker of the bridge before the link is said to wait for it. */
export const bridgePatience = '2 minutes'
