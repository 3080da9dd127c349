import type { IntentInput } from '../../core/intents.ts'
import type { ExecuteInput } from './execute.ts'

/**
 * One call that records what is about to be written. Answers an id for each intent in their order; null: the brake holds it.
 * `again`: what was counted as a change of the run already.
 */
export function recordIntents(
  { store, token, bench, runId, newCallId }: Pick<ExecuteInput, 'store' | 'token' | 'bench' | 'runId' | 'newCallId'>,
  intents: readonly IntentInput[],
  again = false,
): ReturnType<ExecuteInput['store']['recordIntents']> {
  return store.recordIntents({
    token,
    linkId: bench.link.id,
    runId,
    version: bench.link.version,
    callId: newCallId(),
    intents,
    ...(again ? { again } : {}),
  })
}
