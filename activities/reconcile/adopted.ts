import type { Problem } from '../../core/problems.ts'
import { otherSide, type RecordSnapshot, type Side } from '../../core/values.ts'
import type { WorkItem } from '../../core/work-items.ts'
import type { PairDecision, StopDecision } from './decision.ts'
import type { UnpairedInput } from './judge-unpaired.ts'

/** Seconds until a record whose twin is being paired with it is looked at again. */
const waitForTwinSeconds = 5

/**
 * Unpaired records of which an admin has said who their twins are. They are paired, or held where that holds no more; in no
 * case is anything created from them. Of each two the left one is paired; the right one waits for that.
 */
export async function judgeAdopted(
  input: UnpairedInput,
  plan: (item: WorkItem, twins: Record<Side, RecordSnapshot>) => PairDecision,
): Promise<(PairDecision | StopDecision)[]> {
  const { bench, store, from, records, snapshots, readInto } = input
  if (records.length === 0) return []
  const to = otherSide(from)
  const due = records.flatMap(({ item, source }) =>
    item.adopt === undefined || item.adopt.waits ? [] : [{ item, source, twinId: item.adopt.twinId }],
  )
  const twinIds = due.map(({ twinId }) => twinId)
  const states = new Map<string, 'paired' | 'creating' | 'free'>()
  if (twinIds.length > 0) {
    const [found] = await Promise.all([
      store.twins({ linkId: bench.link.id, side: from, twinIds }),
      readInto(snapshots, to, twinIds),
    ])
    for (const { twinId, pair, openCreate } of found)
      states.set(twinId, pair !== null ? 'paired' : openCreate !== null ? 'creating' : 'free')
  }
  const waiting = records.filter(({ item }) => item.adopt?.waits === true)
  return [
    ...waiting.map(({ item }) => stopped(item, 'waiting', null, waitForTwinSeconds)),
    ...due.map(({ item, source, twinId }) => {
      const twin = snapshots[to].get(twinId)
      if (states.get(twinId) === 'creating') return stopped(item, 'waiting', null, waitForTwinSeconds)
      const names = { own: `${source.id} of ${bench.link[from].name}`, twin: `${twinId} of ${bench.link[to].name}` }
      if (twin === undefined) return missed(item, from, `Record ${names.twin}, its twin, cannot be read.`)
      if (states.get(twinId) === 'paired')
        return missed(item, from, `Record ${names.twin}, its twin, is paired with another record by now.`)
      const kind = bench.planner.kindOf(from, source)
      if (kind === null || kind.type !== bench.planner.kindOf(to, twin)?.type)
        return missed(
          item,
          from,
          `Records ${names.own} and ${names.twin} are of types that are not mapped to each other.`,
        )
      return plan(item, from === 'left' ? { left: source, right: twin } : { left: twin, right: source })
    }),
  ]
}

/** Told, and left to the next ordinary run, which knows nothing of the adoption any more. */
function missed(item: WorkItem, side: Side, what: string): StopDecision {
  const problem: Problem = {
    class: 'ambiguous',
    code: 'not-adopted',
    message: `${what} It was to be adopted.`,
    remedy: 'Look at both records, then adopt them again (tandem link adopt).',
    side,
  }
  return stopped(item, 'failed', [problem], 'backoff')
}

function stopped(
  item: WorkItem,
  outcome: StopDecision['outcome'],
  problems: Problem[] | null,
  again: StopDecision['again'],
): StopDecision {
  return { kind: 'stop', item, outcome, problems, settled: [], seen: null, again }
}
