import { ConnectorError } from '../../connectors/contract.ts'
import { referencedId } from '../../core/endpoint.ts'
import { type Problem, restoredRemedy } from '../../core/problems.ts'
import type { Store } from '../../core/store.ts'
import { otherSide, type RecordSnapshot, type Side, sides } from '../../core/values.ts'
import type { PairedRecord, PairState, WorkItem } from '../../core/work-items.ts'
import type { Workbench } from '../connections.ts'

/** Said of an endpoint that shows older states than were seen, or other records under known ids. */
export function restoredError(bench: Workbench, side: Side, what: string): ConnectorError {
  return new ConnectorError({
    class: 'restored',
    code: 'endpoint-restored',
    message: `${bench.link[side].name} went back in time: ${what}. Nothing is written.`,
    remedy: restoredRemedy,
    side,
  })
}

/** Some ids, for people. */
export function listed(ids: readonly string[]): string {
  return `${ids.length === 1 ? 'record' : 'records'} ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ' and others' : ''}`
}

/**
 * Looks at what was just read, before anything is planned from it: a version below the seen one stops the link, and so does
 * another record under a known id, unless somebody has accepted a restored state; then the item alone is held. Answers
 * those, by key: a re-used id never joins an old pair.
 */
export async function restoredAmong(input: {
  bench: Workbench
  store: Pick<Store, 'scanPosition' | 'markRestored'>
  items: readonly WorkItem[]
  runId: string | null
  snapshots: Record<Side, ReadonlyMap<string, RecordSnapshot>>
}): Promise<Map<string, Problem>> {
  const { bench, store, items, runId, snapshots } = input
  const held = new Map<string, Problem>()
  for (const side of sides) {
    const older: string[] = []
    const others: { key: string; id: string }[] = []
    const strangers: { key: string; id: string }[] = []
    for (const { key, pair } of items) {
      const now = pair === null ? undefined : snapshots[side].get(pair[side].id)
      if (pair === null || now === undefined) continue
      if (isOlder(pair[side], now)) older.push(now.id)
      else if (isAnother(bench, side, pair[side], now)) others.push({ key, id: now.id })
      else if (namesAnother(bench, side, pair, now)) strangers.push({ key, id: now.id })
    }
    if (older.length === 0 && others.length === 0 && strangers.length === 0) continue
    const { accepted } = await store.scanPosition(bench.link.id, side)
    if (accepted) others.push(...strangers)
    if (older.length > 0 || (others.length > 0 && !accepted)) {
      const error = restoredError(
        bench,
        side,
        older.length > 0
          ? `${listed(older)} show an older version than was seen before`
          : `${listed(others.map((one) => one.id))} were created at another time than those known by these ids`,
      )
      await store.markRestored({ linkId: bench.link.id, side, runId, message: error.message })
      throw error
    }
    for (const { key, id } of others) held.set(key, reusedProblem(bench, side, id))
  }
  return held
}

function isOlder({ seen }: PairedRecord, now: RecordSnapshot): boolean {
  const before = seen?.version ?? null
  return before !== null && now.stamp.version !== null && now.stamp.version < before
}

function isAnother(bench: Workbench, side: Side, { created, seen }: PairedRecord, now: RecordSnapshot): boolean {
  if (created === null || now.created === undefined || now.created === null || created === now.created) return false
  if (bench.connectors[side].capabilities.creationTime === 'fixed') return true
  // Where people may change it, a version that has risen since explains it; what was forgotten explains nothing.
  const before = seen?.version ?? null
  return before === null || (now.stamp.version ?? 0) <= before
}

/**
 * Where what was seen is forgotten, as after a restored state was accepted, and the times of creation are days that tell
 * nothing, the record's own reference tells: one that names another record than its twin was made for that one.
 */
function namesAnother(bench: Workbench, side: Side, pair: PairState, now: RecordSnapshot): boolean {
  const to = otherSide(side)
  const { configuration } = bench.link
  const field = configuration[side].crossReference
  const { seen } = pair[side]
  const isForgotten = (seen?.version ?? null) === null && (seen?.modified ?? null) === null
  if (!isForgotten || field === null) return false
  const named = referencedId(bench.link[to].address, configuration[to].entityType, now.fields[field])
  return named !== null && named !== pair[to].id
}

function reusedProblem(bench: Workbench, side: Side, id: string): Problem {
  return {
    class: 'ambiguous',
    code: 'reused-id',
    message: `Record ${id} of ${bench.link[side].name} is another one than the record that was paired under this id: it was created at another time, or names another twin. Nothing is written.`,
    remedy: 'Create it again under a new number, or delete its old twin.',
    side,
  }
}
