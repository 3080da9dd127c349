import { proxyActivities } from '@temporalio/workflow'
import type { BridgeActivities } from '../activities/bridge.ts'
import { bridgeQueues } from './messages.ts'
import { asking } from './options.ts'

/** Carries a question to the bridge that can answer it. Only its id travels; question and answer lie in the store. */
export async function askWorkflow({ askId, bridgeId }: { askId: string; bridgeId: string }): Promise<void> {
  const { answer } = proxyActivities<BridgeActivities>({
    ...asking,
    taskQueue: bridgeQueues(bridgeId).ask,
    summary: 'Ask the endpoint',
  })
  await answer({ askId })
}
