import { type EditTimes, type FieldEdit, laterEdit } from '../../core/latest.ts'
import type { PairInput } from '../../core/plan.ts'
import type { Side } from '../../core/values.ts'
import type { Workbench } from '../connections.ts'
import type { PairDecision } from './decision.ts'

/**
 * Asks both endpoints' histories about the fields of a pair that go to the later edit, one request a side and record, and plans
 * anew with what they say. Where they cannot tell, the field goes by its fallback as planned before.
 */
export async function planByHistory(
  bench: Workbench,
  decision: PairDecision,
  input: PairInput,
  call: { signal?: AbortSignal },
): Promise<PairDecision> {
  const { configuration } = bench.link
  const mappings = configuration.fields.filter((mapping) => decision.plan.wantsHistory.includes(mapping.id))
  if (mappings.length === 0) return decision
  const ask = async (side: Side): Promise<Readonly<Record<string, FieldEdit>>> =>
    bench.connectors[side].capabilities.fieldHistory
      ? bench.connectors[side].lastEdits(
          configuration[side].entityType,
          decision[side],
          mappings.flatMap((mapping) => mapping[side] ?? []),
          call,
        )
      : {}
  const [left, right] = await Promise.all([ask('left'), ask('right')])
  const newer: Record<string, Side | null> = {}
  const times: Record<string, EditTimes> = {}
  for (const mapping of mappings) {
    const told = laterEdit(left[mapping.left ?? ''], right[mapping.right ?? ''])
    newer[mapping.id] = told?.newer ?? null
    if (told !== null) times[mapping.id] = told.times
  }
  return { ...decision, plan: bench.planner.planPair({ ...input, newer, times }) }
}
