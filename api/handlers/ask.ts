import type { Problem } from '../../core/problems.ts'
import { type AskedQuestion, createAsk, readAsk } from '../../db/asks.ts'
import { ApiProblem, connectionFailed } from '../problem.ts'
import type { Dependencies } from './types.ts'

const lookEveryMs = 100

/** Asks an endpoint through its bridge and waits for the answer. A refusal of the endpoint is thrown as `connection-failed`. */
export async function askEndpoint<T>(
  { database, temporal, bridgeId }: Dependencies,
  question: AskedQuestion,
  refuse: (problem: Problem) => ApiProblem = connectionFailed,
): Promise<T> {
  const askId = await createAsk(database, bridgeId, question)
  await temporal.ask(askId, bridgeId)
  const deadline = performance.now() + temporal.askMs
  for (;;) {
    const state = await readAsk(database, askId)
    if (state?.answered === true) {
      if (state.problem !== null) throw refuse(state.problem)
      return state.answer as T
    }
    if (performance.now() > deadline)
      throw new ApiProblem(504, 'no-worker', `No answer came from bridge ${bridgeId} in time.`, {
        remedy: 'Check that the central worker and the bridge are running and that the bridge reaches the endpoint.',
      })
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
}
