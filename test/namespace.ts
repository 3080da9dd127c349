import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Connection } from '@temporalio/client'
import { google } from '@temporalio/proto'
import { inject } from 'vitest'

/**
 * A Temporal namespace of its own, so that workers of one test never take work of another: the queue of workflows has one
 * name in every installation. The namespace ends with the server of the test run.
 */
export async function createTestNamespace(): Promise<string> {
  const namespace = `test-${randomBytes(6).toString('hex')}`
  const connection = await Connection.connect({ address: inject('temporalAddress') })
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: google.protobuf.Duration.fromObject({ seconds: 86_400 }),
    })
    // The server's parts learn of a new namespace by and by.
    for (;;) {
      try {
        await connection.workflowService.listOpenWorkflowExecutions({ namespace, maximumPageSize: 1 })
        return namespace
      } catch {
        await pause(100)
      }
    }
  } finally {
    await connection.close()
  }
}
