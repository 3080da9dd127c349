import type { DeleteResult, RowResult } from '../../connectors/contract.ts'
import type { Base } from '../../core/base.ts'
import type { ItemCommit } from '../../core/commits.ts'
import type { FieldConflict } from '../../core/conflicts.ts'
import type { IntentAction, IntentField, IntentInput, PlannedField, SettledIntent } from '../../core/intents.ts'
import { recordTypeMappingId } from '../../core/link-planner.ts'
import { fieldByName, requiredByAny } from '../../core/metadata.ts'
import type { Problem } from '../../core/problems.ts'
import type { Store } from '../../core/store.ts'
import {
  isDirectSuccessor,
  otherSide,
  type RecordSnapshot,
  type Side,
  type Stamp,
  sameValue,
  sides,
} from '../../core/values.ts'
import type { Workbench } from '../connections.ts'
import { carryComments } from './carry-comments.ts'
import { carryFiles } from './carry-files.ts'
import { commitOf } from './commit-of.ts'
import type { CreateDecision, Decision, DeleteDecision, PairDecision } from './decision.ts'
import { nameOf } from './find-twins.ts'
import { matchCreated } from './match-results.ts'
import { notApplied } from './settle.ts'
import { recordIntents } from './write-ahead.ts'

/** Mapping id under which our own cross-reference appears in intents and the ledger. */
const referenceMappingId = 'cross-reference'

/** What a record cannot be created without. */
const ownMappingIds = new Set([referenceMappingId, recordTypeMappingId])

/** How often the rest of a record is sent again after the endpoint refused one of its fields. */
const refusedFieldRounds = 3

export interface ExecuteInput {
  bench: Workbench
  store: Pick<Store, 'recordIntents'>
  token: string
  runId: string
  decisions: readonly Decision[]
  newCallId(): string
  /** Throws when the lease has run out: nothing may be sent any more. */
  assertLease(): void
  /** Makes the lease last longer from now on; throws when it has run out. */
  keepLease(): Promise<void>
  /** True: the call was asked to stop. A batch is carried through all the same, but for files that have not been begun. */
  stopping(): boolean
  /** Aborts while the lease still holds: what is on its way then is settled by looking, what is not is not sent. */
  deadline: AbortSignal
  /** Told the stamp with which a write was answered. */
  onWritten(side: Side, stamp: Stamp): void
}

/** One row to send, and what became of it. */
export interface Write {
  decision: PairDecision | CreateDecision | DeleteDecision
  action: IntentAction
  side: Side
  targetId: string | null
  sourceId: string
  fields: PlannedField[]
  /** State the plan was made from; null on creation. */
  before: RecordSnapshot | null
  intentId: string
  result: RowResult | DeleteResult | null
  /** True: the brake holds it; it is not sent. */
  braked: boolean
}

/** What a batch did to one item so far. */
export interface Effects {
  pair: ItemCommit['pair']
  base: Base
  baseChanged: boolean
  settled: SettledIntent[]
  /** Null: not judged as a whole. */
  problems: Problem[]
  keepIssues: boolean
  braked: boolean
  tombstone?: ItemCommit['tombstone']
  rebound?: Side
  notMissed: { side: Side; id: string }[]
  seen: ItemCommit['seen']
  written: Side[]
  followUp: { side: Side; id: string }[]
  created: boolean
  /** Fields that became frozen by what was written. */
  frozen: FieldConflict[]
  /** Mapping ids that were written to the end. */
  landed: Set<string>
  windows: { side: Side; ms: number }[]
}

/**
 * Carries a batch out: intents for everything first, then creates and updates of both sides, then the link-backs of what
 * was created; a field that an endpoint refuses is left out and the rest is sent again under an intent of its own.
 * Answers what to commit, item by item. A thrown error leaves the intents open: the next look settles them.
 */
export async function execute(input: ExecuteInput): Promise<ItemCommit[]> {
  const { bench, decisions } = input
  const effects = new Map<Decision, Effects>(decisions.map((decision) => [decision, startingEffects(decision)]))
  const effectsOf = (decision: Decision): Effects => {
    const found = effects.get(decision)
    if (found === undefined) throw new Error('every decision has effects')
    return found
  }

  const planned = decisions.flatMap((decision) => plannedWrites(bench, decision))
  await writeAhead(input, planned)
  for (const write of planned) if (write.braked) effectsOf(write.decision).braked = true
  const free = planned.filter((write) => !write.braked)
  const linkBacks = free.filter((write) => write.action === 'link-back' && write.decision.kind === 'create')
  let wave = free.filter((write) => !linkBacks.includes(write))
  for (let round = 0; wave.length > 0; round++) {
    await send(input, wave)
    const again: Write[] = []
    for (const write of wave) {
      const rest = round < refusedFieldRounds ? withoutRefusedField(bench, write) : null
      if (rest !== null) {
        again.push(rest)
        const { result } = write
        if (result?.outcome === 'refused')
          effectsOf(write.decision).problems.push({ side: write.side, ...result.problem })
      }
      absorb(bench, write, effectsOf(write.decision), rest !== null)
    }
    await writeAhead(input, again, true)
    wave = again
  }

  const due: Write[] = []
  for (const write of linkBacks) {
    const mine = effectsOf(write.decision)
    const twinId = mine.pair === null ? undefined : mine.pair[write.side === 'left' ? 'rightId' : 'leftId']
    const [field] = write.fields
    if (!mine.created || twinId === undefined || field === undefined) {
      mine.settled.push({ ...unsettled(write), outcome: 'not-applied' })
      continue
    }
    field.sent = nameOf(bench, otherSide(write.side), twinId)
    due.push(write)
  }
  if (due.length > 0) {
    await send(input, due)
    for (const write of due) absorb(bench, write, effectsOf(write.decision), false)
  }
  const pairs = decisions.flatMap((decision) =>
    decision.kind === 'pair' ? [{ decision, effects: effectsOf(decision) }] : [],
  )
  await carryComments(input, pairs)
  await carryFiles(input, pairs)
  return decisions.map((decision) => commitOf(decision, effectsOf(decision)))
}

function startingEffects(decision: Decision): Effects {
  const { pair } = decision.item
  const common = {
    settled: [...decision.settled],
    written: [],
    followUp: [],
    created: false,
    frozen: [],
    landed: new Set<string>(),
    windows: [],
    keepIssues: false,
    braked: false,
    notMissed: [],
  }
  const existing = pair === null ? null : { id: pair.id, leftId: pair.left.id, rightId: pair.right.id }
  switch (decision.kind) {
    case 'stop':
      return {
        ...common,
        pair: existing,
        base: {},
        baseChanged: false,
        problems: [...(decision.problems ?? [])],
        keepIssues: decision.problems === null,
        ...(decision.tombstone === undefined ? {} : { tombstone: decision.tombstone }),
        notMissed: [...(decision.notMissed ?? [])],
        seen: decision.seen === null ? {} : { [decision.seen.side]: seenOf(decision.seen.snapshot) },
      }
    case 'delete':
      return { ...common, pair: existing, base: {}, baseChanged: false, problems: [], seen: {} }
    case 'create':
      return {
        ...common,
        pair: existing,
        base: {},
        baseChanged: false,
        problems: [...decision.plan.problems],
        seen: { [decision.from]: seenOf(decision.source) },
      }
    case 'pair': {
      const { plan, pairId, left, right } = decision
      return {
        ...common,
        pair: { id: pairId, leftId: left.id, rightId: right.id },
        ...(pair === null || pair.gone === null ? {} : { tombstone: null }),
        ...(decision.rebound === undefined ? {} : { rebound: decision.rebound }),
        notMissed: sides.flatMap((side) =>
          pair === null || pair[side].absent === null ? [] : [{ side, id: pair[side].id }],
        ),
        base: { ...decision.base, ...plan.agreed },
        baseChanged: decision.baseChanged || Object.keys(plan.agreed).length > 0,
        problems: [...plan.problems],
        seen: { left: seenOf(left), right: seenOf(right) },
      }
    }
  }
}

function seenOf(snapshot: RecordSnapshot): { id: string; stamp: Stamp; created?: string | null } {
  const { id, stamp, created } = snapshot
  return { id, stamp, ...(created === undefined ? {} : { created }) }
}

/** Everything that carrying a decision out would send, files left out. */
export function plannedWrites(bench: Workbench, decision: Decision): Write[] {
  const { configuration } = bench.link
  if (decision.kind === 'stop') return []
  if (decision.kind === 'delete') {
    const { side, survivor, item } = decision
    const gone = item.pair?.[otherSide(side)].id ?? ''
    // What it held goes into the ledger: the only place from which it could be written down again.
    const fields = configuration.fields.flatMap((mapping): PlannedField[] => {
      const field = mapping[side]
      if (field === null || !(field in survivor.fields)) return []
      const before = survivor.fields[field] ?? null
      return [{ mappingId: mapping.id, field, source: null, before, sent: null, rule: 'deletion', group: null }]
    })
    return [{ ...newWrite(decision, 'delete', side, survivor.id, gone, survivor), fields }]
  }
  if (decision.kind === 'create') {
    const { from, source, plan } = decision
    const to = otherSide(from)
    const reference = configuration[to].crossReference
    const found = reference !== null || configuration.matchBy.length > 0
    // What could not be found again might be created twice.
    if (plan.blocked || !found) return []
    const create: Write = {
      ...newWrite(decision, 'create', to, null, source.id, null),
      fields:
        reference === null
          ? [...plan.fields]
          : [...plan.fields, referenceField(reference, null, nameOf(bench, from, source.id))],
    }
    const ownReference = configuration[from].crossReference
    if (ownReference === null) return [create]
    const linkBack: Write = {
      ...newWrite(decision, 'link-back', from, source.id, source.id, source),
      fields: [referenceField(ownReference, source.fields[ownReference] ?? null, null)],
    }
    return [create, linkBack]
  }
  return sides.flatMap((side) => {
    const own = side === 'left' ? decision.left : decision.right
    const twin = side === 'left' ? decision.right : decision.left
    const fields = [...decision.plan.writes[side]]
    const reference = decision.linkBack.includes(side) ? configuration[side].crossReference : null
    if (reference !== null)
      fields.push(referenceField(reference, own.fields[reference] ?? null, nameOf(bench, otherSide(side), twin.id)))
    if (fields.length === 0) return []
    const action = decision.plan.writes[side].length === 0 ? 'link-back' : 'update'
    return [{ ...newWrite(decision, action, side, own.id, twin.id, own), fields }]
  })
}

function newWrite(
  decision: Write['decision'],
  action: IntentAction,
  side: Side,
  targetId: string | null,
  sourceId: string,
  before: RecordSnapshot | null,
): Write {
  return { decision, action, side, targetId, sourceId, before, fields: [], intentId: '', result: null, braked: false }
}

function referenceField(field: string, before: PlannedField['before'], sent: PlannedField['sent']): PlannedField {
  return { mappingId: referenceMappingId, field, source: null, before, sent, rule: 'reference', group: null }
}

/** A planned field as it is written ahead. Spelled out: leaving one key out of a copy takes several times as long. */
function intendedField({
  mappingId,
  field,
  source,
  before,
  sent,
  rule,
  times,
  gap,
  halfway,
}: PlannedField): IntentField {
  return {
    mappingId,
    field,
    source,
    before,
    sent,
    rule,
    ...(times === undefined ? {} : { times }),
    ...(gap === undefined ? {} : { gap }),
    ...(halfway === undefined ? {} : { halfway }),
  }
}

async function writeAhead(input: ExecuteInput, writes: readonly Write[], again = false): Promise<void> {
  if (writes.length === 0) return
  input.assertLease()
  const intents: IntentInput[] = writes.map((write) => ({
    key: write.decision.item.key,
    action: write.action,
    side: write.side,
    targetId: write.targetId,
    sourceId: write.sourceId,
    stampBefore: write.before?.stamp ?? null,
    fields: write.fields.map(intendedField),
  }))
  const ids = await recordIntents(input, intents, again)
  writes.forEach((write, index) => {
    const id = ids[index]
    write.intentId = id ?? ''
    write.braked = id === null
  })
}

/** Sends a wave: per side one call for creates and one for updates, all at the same time. */
async function send(input: ExecuteInput, wave: readonly Write[]): Promise<void> {
  input.assertLease()
  const { bench, deadline } = input
  const recordTypeOf = (write: Write): { recordType?: string } => {
    const field = bench.metadata[write.side].entity.recordTypes?.field
    const type = field === undefined ? undefined : write.before?.fields[field]
    return typeof type === 'string' ? { recordType: type } : {}
  }
  // All calls end before anything is given back: a lease must not be released under a request that is still on its way.
  const ended = await Promise.allSettled(
    sides.flatMap((side) => {
      const mine = wave.filter((write) => write.side === side)
      const creates = mine.filter((write) => write.action === 'create')
      const deletes = mine.filter((write) => write.action === 'delete')
      const updates = mine.filter((write) => write.action !== 'create' && write.action !== 'delete')
      const { entityType } = bench.link.configuration[side]
      const wanted = bench.planner.fieldsToRead(side)
      const { crossReference } = bench.link.configuration[side]
      // A link-back is answered with our own field only: the rest has just been read.
      const answered =
        crossReference !== null && updates.every((write) => write.action === 'link-back') ? [crossReference] : wanted
      const connector = bench.connectors[side]
      const assign = (writes: readonly Write[]) => (results: readonly (RowResult | DeleteResult | null)[]) =>
        writes.forEach((write, index) => {
          write.result = results[index] ?? null
        })
      const calls: Promise<void>[] = []
      if (creates.length > 0) {
        const rows = creates.map((write) => ({ fields: valuesOf(write) }))
        calls.push(
          connector
            .create(entityType, rows, wanted, { signal: deadline })
            .then((results) => assign(creates)(matchCreated(crossReference, rows, results))),
        )
      }
      if (deletes.length > 0)
        calls.push(
          connector
            .delete(
              entityType,
              deletes.map((write) => ({
                id: write.targetId ?? '',
                ...recordTypeOf(write),
                expected: write.before?.stamp ?? { version: null, modified: null },
              })),
              { signal: deadline },
            )
            .then(assign(deletes)),
        )
      if (updates.length > 0)
        calls.push(
          connector
            .update(
              entityType,
              updates.map((write) => ({
                id: write.targetId ?? '',
                ...recordTypeOf(write),
                fields: valuesOf(write),
                expected: write.before?.stamp ?? { version: null, modified: null },
                ...(write.before?.lock === undefined || write.action === 'link-back'
                  ? {}
                  : { lock: write.before.lock }),
                compareAndSet: write.action === 'update',
              })),
              answered,
              { signal: deadline },
            )
            .then(assign(updates)),
        )
      return calls
    }),
  )
  for (const { result, side } of wave)
    if (result?.outcome === 'done' && 'snapshot' in result) input.onWritten(side, result.snapshot.stamp)
  const failed = ended.find((call) => call.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

function valuesOf(write: Write): Record<string, PlannedField['sent']> {
  return Object.fromEntries(write.fields.map((field) => [field.field, field.sent]))
}

/** The same write without the field (and its group) that was refused; null when there is nothing to leave out or left. */
function withoutRefusedField(bench: Workbench, write: Write): Write | null {
  const { result } = write
  if (write.action === 'delete' || result?.outcome !== 'refused' || result.problem.field === undefined) return null
  if (result.problem.class === 'moved' || result.problem.class === 'locked') return null
  const refused = write.fields.find((field) => field.field === result.problem.field)
  if (refused === undefined || ownMappingIds.has(refused.mappingId)) return null
  const rest = write.fields.filter(
    (field) => field !== refused && (refused.group === null || field.group !== refused.group),
  )
  const { entity } = bench.metadata[write.side]
  // Its place in the tree is no detail either: without it a record would stand where nobody looks for it.
  const needed = (name: string) => requiredByAny(entity, name) || fieldByName(entity, name)?.hierarchy !== undefined
  if (write.action === 'create' && write.fields.some((field) => !rest.includes(field) && needed(field.field)))
    return null
  if (rest.every((field) => field.mappingId === referenceMappingId) && write.action === 'update') return null
  return { ...write, fields: rest, intentId: '', result: null }
}

function unsettled(write: Write): SettledIntent {
  return {
    intentId: write.intentId,
    outcome: 'in-doubt',
    targetId: write.targetId,
    stampAfter: null,
    after: {},
    possibleOverwrite: false,
    foundByLooking: false,
  }
}

/** Takes a row's result into the item's effects. */
function absorb(bench: Workbench, write: Write, effects: Effects, goesOn: boolean): void {
  const { decision, result, side } = write
  if (result === null) {
    effects.settled.push(unsettled(write))
    effects.problems.push({
      class: 'in-doubt',
      code: 'no-result',
      message: 'The connector gave no result for a row it was asked to write.',
      remedy: 'Nothing to do: this settles by itself.',
      side,
    })
    return
  }
  if (result.outcome !== 'done') {
    effects.settled.push(
      result.outcome === 'refused'
        ? { ...unsettled(write), outcome: 'not-applied' }
        : { ...unsettled(write), answered: result.answered },
    )
    if (!goesOn) effects.problems.push({ side, ...result.problem })
    return
  }
  if (!('snapshot' in result)) {
    const { pair } = decision.item
    effects.settled.push({ ...unsettled(write), outcome: 'applied' })
    effects.tombstone = { side: otherSide(side), outcome: 'deleted' }
    if (pair !== null) effects.notMissed.push(...sides.map((one) => ({ side: one, id: pair[one].id })))
    effects.written.push(side)
    return
  }
  const { snapshot, windowMs, left } = result
  const intended = write.fields
  if (left !== undefined) {
    // They are planned again; the ledger says that they hold what they held.
    write.fields = write.fields.filter((field) => !left.fields.includes(field.field))
    effects.problems.push(left.problem)
  }
  if (windowMs !== undefined) effects.windows.push({ side, ms: windowMs })
  const successor = write.before === null || isDirectSuccessor(write.before.stamp, snapshot.stamp, result.writes)
  // Of writes planned from the same state this one came through, so none that was left open will.
  if (decision.kind === 'pair' && successor)
    for (const open of decision.leftOpen)
      if (open.side === side && open.action === 'update') effects.settled.push(notApplied(open.id))
  effects.settled.push({
    ...unsettled(write),
    outcome: 'applied',
    targetId: snapshot.id,
    stampAfter: snapshot.stamp,
    after: Object.fromEntries(
      intended.flatMap((field) => {
        const kept = field.field in snapshot.fields ? (snapshot.fields[field.field] ?? null) : field.sent
        // The ledger repeats only what differs from what was sent, and what was not known when it was written ahead.
        return write.action === 'link-back' || !sameValue(kept, field.sent) ? [[field.field, kept]] : []
      }),
    ),
    possibleOverwrite: !successor,
  })
  const unset = decision.kind === 'create' && write.action === 'create' ? decision.plan.unset : []
  const learnt = bench.planner.learn({
    base: effects.base,
    side,
    sent: [...write.fields.filter((field) => field.mappingId !== referenceMappingId), ...unset],
    kept: snapshot.fields,
    stamp: snapshot.stamp,
  })
  if (write.action !== 'link-back') {
    effects.base = learnt.base
    effects.baseChanged = true
    effects.problems.push(...learnt.problems)
    effects.frozen.push(...learnt.conflicts)
    for (const field of write.fields) if (field.halfway === undefined) effects.landed.add(field.mappingId)
    effects.written.push(side)
  }
  if (write.action === 'create') {
    const { source, from, repair } = decision as CreateDecision
    const [leftId, rightId] = from === 'left' ? [source.id, snapshot.id] : [snapshot.id, source.id]
    effects.pair = { id: repair ?? null, leftId, rightId }
    if (repair !== undefined) {
      const { pair } = decision.item
      effects.rebound = side
      if (pair !== null) effects.notMissed.push({ side, id: pair[side].id })
    }
    effects.created = true
    // Its files and comments follow at the next look, which comes at once.
    if (decision.kind === 'create' && decision.plan.parts) effects.followUp.push({ side: from, id: source.id })
  }
  // What we remember as seen stays the state the plan was made from, unless our answer is surely its direct successor.
  const frozen = learnt.problems.length > 0
  if (successor && (learnt.altered.length === 0 || frozen)) effects.seen[side] = seenOf(snapshot)
  if (learnt.altered.length > 0 && !frozen) effects.followUp.push({ side, id: snapshot.id })
}
