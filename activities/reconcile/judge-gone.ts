import { ConnectorError, type GoneEvidence } from '../../connectors/contract.ts'
import { equalsBase, inTodaysForm } from '../../core/base.ts'
import type { SettledIntent } from '../../core/intents.ts'
import { fieldByName } from '../../core/metadata.ts'
import type { Problem } from '../../core/problems.ts'
import type { Store } from '../../core/store.ts'
import { otherSide, type RecordSnapshot, type Side, sameStamp, sides } from '../../core/values.ts'
import type { PairState, WorkItem } from '../../core/work-items.ts'
import type { Workbench } from '../connections.ts'
import { type Decision, type StopDecision, stop } from './decision.ts'
import { notApplied } from './settle.ts'

/** A paired item of which at least one record could not be read. */
export interface IncompletePair {
  item: WorkItem
  pair: PairState
  found: Partial<Record<Side, RecordSnapshot>>
}

export interface JudgeGoneInput {
  bench: Workbench
  store: Pick<Store, 'siblings'>
  incomplete: readonly IncompletePair[]
  /** Records of the batch that were read just now, by side. */
  read: Record<Side, readonly string[]>
  call: { signal?: AbortSignal }
  /** Creates a gone record anew from the survivor, or goes on with an attempt to. */
  recreate(input: { item: WorkItem; pair: PairState; from: Side; source: RecordSnapshot }): Promise<Decision>
}

/**
 * Items whose twin is missing. A bulk answer that lacks a record proves nothing. It takes two complete listings a grace
 * apart, then the server's own word about this very id while a sibling reads and some record of its type does, and a
 * place that still answers the integration user; only then the rule of that direction applies.
 */
export async function judgeGone(input: JudgeGoneInput): Promise<Decision[]> {
  const wanted: Record<Side, Set<string>> = { left: new Set(), right: new Set() }
  for (const { item, pair, found } of input.incomplete)
    for (const side of sides)
      if (found[side] === undefined && pair.gone === null && hasEvidence(input.bench, item, pair, side))
        wanted[side].add(pair[side].id)
  const types: Record<Side, Map<string, readonly string[]>> = { left: new Map(), right: new Map() }
  for (const { pair, found } of input.incomplete)
    for (const side of sides) {
      const twin = found[otherSide(side)]
      const type = twin === undefined ? null : (input.bench.planner.kindOf(otherSide(side), twin)?.type ?? null)
      if (type !== null) types[side].set(pair[side].id, type[side].values)
    }
  const [left, right] = await Promise.all(sides.map((side) => evidenceOf(input, side, [...wanted[side]], types[side])))
  const evidence = { left: left ?? new Map(), right: right ?? new Map() }
  return Promise.all(input.incomplete.map((one) => judgeOne(input, one, evidence)))
}

/** Two complete listings lack it, a grace apart, and no brake held that back; or we were about to delete it ourselves. */
function hasEvidence(bench: Workbench, item: WorkItem, pair: PairState, side: Side): boolean {
  if (item.intents.some((intent) => intent.action === 'delete' && intent.side === side)) return true
  const { absent } = pair[side]
  return (
    absent !== null &&
    absent.listings >= 2 &&
    absent.seconds >= bench.link.configuration.tuning.goneAfterSeconds &&
    item.due.some((row) => row.side === side && row.reason === 'absence')
  )
}

/**
 * What the server says of each of these ids, while a sibling reads. `types`: of which types a record may be, where the entity
 * type holds several: each type must show a record before and after, since a right may be lost on one type alone.
 */
export async function evidenceOf(
  { bench, store, read, call }: Pick<JudgeGoneInput, 'bench' | 'store' | 'read' | 'call'>,
  side: Side,
  ids: readonly string[],
  types: ReadonlyMap<string, readonly string[]> = new Map(),
): Promise<Map<string, GoneEvidence>> {
  if (ids.length === 0) return new Map()
  const connector = bench.connectors[side]
  try {
    await connector.testConnection(call)
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error
    return new Map(ids.map((id) => [id, { id, outcome: 'unknown', reason: error.problem.message }]))
  }
  const known = await store.siblings({ linkId: bench.link.id, side, limit: 5 })
  const siblings = [...new Set([...read[side], ...known])].filter((id) => !ids.includes(id))
  const { entityType } = bench.link.configuration[side]
  const asked = [...new Set(ids.flatMap((id) => types.get(id) ?? []))]
  const before = await unreadTypes(bench, side, asked, call)
  const found = await connector.confirmGone(entityType, ids, siblings, call)
  const unread = new Set([...before, ...(await unreadTypes(bench, side, asked, call))])
  return new Map(
    found.map((one): [string, GoneEvidence] => {
      const type = types.get(one.id)?.find((value) => unread.has(value))
      if (one.outcome !== 'gone' || type === undefined) return [one.id, one]
      const label = bench.metadata[side].entity.recordTypes?.types.find(({ value }) => value === type)?.label ?? type
      return [one.id, { id: one.id, outcome: 'unknown', reason: `no record of type "${label}" can be read either` }]
    }),
  )
}

/** Of types of an entity type, those of which no record can be read: there is none, or the right to read them is lost. */
export async function unreadTypes(
  bench: Workbench,
  side: Side,
  types: readonly string[],
  call: { signal?: AbortSignal },
): Promise<string[]> {
  const { entityType } = bench.link.configuration[side]
  const shown = await Promise.all(
    types.map(async (type) => {
      const query = { entityType, since: null, afterId: null, limit: 1, types: [type] }
      return (await bench.connectors[side].scan(query, call)).rows.length > 0
    }),
  )
  return types.filter((_, index) => shown[index] !== true)
}

async function judgeOne(
  input: JudgeGoneInput,
  { item, pair, found }: IncompletePair,
  evidence: Record<Side, Map<string, GoneEvidence>>,
): Promise<Decision> {
  const { bench } = input
  const missing = sides.filter((side) => found[side] === undefined)
  const [first = 'left'] = missing
  if (pair.gone !== null) {
    const { side, outcome } = pair.gone
    const back = found[side]
    // Its twin was deleted for it; now that it is there again, the twin is created anew.
    if (back !== undefined && outcome === 'deleted' && mayCreate(bench, otherSide(side), back))
      return input.recreate({ item, pair, from: side, source: back })
    const survivor = found[otherSide(side)]
    // We had deleted it, and it is there again, as after a restore: it stays, and somebody should know.
    if (survivor !== undefined && outcome === 'deleted')
      return {
        ...stop(item, 'unchanged', [deletedProblem(bench, side, pair)], null),
        ...seenOf(otherSide(side), survivor),
        settled: unsettledOf(item),
        tombstone: { side, outcome: 'kept' },
      }
    return { ...stop(item, 'unchanged', null, null), ...seenOf(otherSide(side), survivor), settled: unsettledOf(item) }
  }
  const told = missing.map((side) => ({ side, said: evidence[side].get(pair[side].id) }))
  const unproven = told.find(({ said }) => said?.outcome !== 'gone')
  if (unproven !== undefined)
    return {
      ...stop(item, 'held', [missingProblem(bench, unproven.side, pair[unproven.side].id, unproven.said)], 'backoff'),
      notMissed: told.flatMap(({ side, said }) => (said?.outcome === 'there' ? [{ side, id: pair[side].id }] : [])),
    }
  const notMissed = missing.map((side) => ({ side, id: pair[side].id }))
  if (missing.length === 2) {
    const own = item.intents.find((intent) => intent.action === 'delete')
    return {
      ...stop(item, own === undefined ? 'unchanged' : 'deleted', [], null),
      settled: settledDeletions(item),
      tombstone: { side: own === undefined ? first : otherSide(own.side), outcome: 'deleted' },
      notMissed,
    }
  }
  const side = otherSide(first)
  const survivor = found[side]
  if (survivor === undefined) throw new Error('one of two records is there')
  const open = item.intents.filter((intent) => intent.action === 'delete')
  const remaining = Math.max(
    0,
    ...open.map((one) => (one.answered ? 0 : bench.link.configuration.tuning.inDoubtSeconds - one.ageSeconds)),
  )
  if (remaining > 0)
    return stop(item, 'in-doubt', [unansweredDeletion(side)], Math.max(1, Math.min(10, Math.ceil(remaining))))
  const settles = item.intents.filter((intent) => intent.action !== 'create')
  if (settles.length > 0) return { ...stop(item, 'waiting', null, 0), settled: unsettledOf(item) }

  // A create that nobody has answered comes first, whatever the rule says by now: what it made is its twin, or it made nothing.
  const unanswered = item.intents.length > 0
  switch (unanswered ? 're-create' : ruleOf(bench, first, survivor)) {
    case 'nothing':
      return {
        ...stop(item, 'unchanged', [deletedProblem(bench, first, pair)], null),
        ...seenOf(side, survivor),
        tombstone: { side: first, outcome: 'kept' },
        notMissed,
      }
    case 're-create':
      return input.recreate({ item, pair, from: side, source: survivor })
    case 'delete':
      if (isEdited(bench, pair, side, survivor))
        return stop(item, 'held', [editedProblem(bench, first, side, pair)], 'backoff')
      return { kind: 'delete', item, side, survivor, settled: [] }
  }
}

/** A survivor that became of a type which is not kept in step is left alone. */
export function ruleOf(bench: Workbench, gone: Side, survivor: RecordSnapshot): 'nothing' | 'delete' | 're-create' {
  const rules = bench.planner.kindOf(otherSide(gone), survivor)?.rules
  return rules?.[gone === 'left' ? 'toRight' : 'toLeft'].delete ?? 'nothing'
}

function mayCreate(bench: Workbench, on: Side, source: RecordSnapshot): boolean {
  const rules = bench.planner.kindOf(otherSide(on), source)?.rules
  return rules?.[on === 'right' ? 'toRight' : 'toLeft'].create ?? false
}

/** Anything but the very state that was last agreed on counts as somebody's edit. */
function isEdited(bench: Workbench, pair: PairState, side: Side, survivor: RecordSnapshot): boolean {
  const { seen } = pair[side]
  if (seen === null || !sameStamp(seen, survivor.stamp)) return true
  return bench.link.configuration.fields.some((mapping) => {
    const field = mapping[side]
    const stored = pair.base[mapping.id]
    if (field === null || stored === undefined) return false
    const memo = fieldByName(bench.metadata[side].entity, field)?.type === 'memo'
    const base = inTodaysForm(stored, { left: memo, right: memo })
    return !equalsBase(survivor.fields[field] ?? null, base[side])
  })
}

function settledDeletions(item: WorkItem): SettledIntent[] {
  return item.intents.map((intent) => ({
    ...notApplied(intent.id),
    outcome: intent.action === 'delete' ? 'applied' : 'unknown',
    targetId: intent.targetId,
  }))
}

/** What was open about a record that is gone: a deletion did not happen, of anything else nobody can tell. */
function unsettledOf(item: WorkItem): SettledIntent[] {
  return item.intents.map((intent) => ({
    ...notApplied(intent.id),
    outcome: intent.action === 'delete' ? 'not-applied' : 'unknown',
  }))
}

function seenOf(side: Side, snapshot: RecordSnapshot | undefined): Pick<StopDecision, 'seen'> {
  return { seen: snapshot === undefined ? null : { side, snapshot } }
}

function missingProblem(bench: Workbench, gone: Side, id: string, said: GoneEvidence | undefined): Problem {
  const common = {
    class: 'missing' as const,
    remedy: 'Restore the record or the permission to read it; deletions are carried over only by rule and on evidence.',
    side: gone,
  }
  const name = bench.link[gone].name
  if (said === undefined)
    return {
      ...common,
      code: 'twin-missing',
      message: `The record ${id} of ${name} cannot be read any more. Its twin is left as it is.`,
    }
  const reason = said.outcome === 'there' ? 'by its id it can be read' : (said.reason ?? 'nobody can tell why')
  return {
    ...common,
    code: 'twin-unreadable',
    message: `The record ${id} of ${name} is missing in the listings, but that it was deleted is not proven: ${reason}. Its twin is left as it is.`,
  }
}

function deletedProblem(bench: Workbench, gone: Side, pair: PairState): Problem {
  const kept = otherSide(gone)
  return {
    class: 'missing',
    code: 'twin-deleted',
    warning: true,
    message: `Record ${pair[gone].id} of ${bench.link[gone].name} was deleted. Its twin ${pair[kept].id} of ${bench.link[kept].name} stays and is not synchronized any more.`,
    remedy:
      'Nothing to do if that is meant. Should the record come back, the pair goes on; another rule for deletions can be set per direction.',
    side: gone,
  }
}

function editedProblem(bench: Workbench, gone: Side, kept: Side, pair: PairState): Problem {
  return {
    class: 'conflict',
    code: 'twin-edited',
    message: `Record ${pair[gone].id} of ${bench.link[gone].name} was deleted, but its twin ${pair[kept].id} of ${bench.link[kept].name} was edited since they last agreed. It is not deleted.`,
    remedy: 'Delete the twin by hand if it is not needed any more, or restore the deleted record.',
    side: kept,
  }
}

function unansweredDeletion(side: Side): Problem {
  return {
    class: 'in-doubt',
    code: 'deletion-unanswered',
    message: 'A deletion was sent and its answer never came. The record is looked at until that is settled.',
    remedy: 'Nothing to do: this settles by itself.',
    side,
  }
}
