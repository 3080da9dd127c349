import { continueAsNew } from '@temporalio/workflow'

/** Ends after so many executions, each of which continues as new: as a very long run does. */
export async function chainedWorkflow(left: number): Promise<string> {
  if (left > 1) await continueAsNew<typeof chainedWorkflow>(left - 1)
  return 'done'
}
