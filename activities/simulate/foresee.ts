import type { ForeseenWrite } from '../../connectors/contract.ts'
import {
  type createLearnt,
  distinct,
  type ExpectedWrite,
  type Refusals,
  type RefusedRecords,
  remaining,
} from '../../core/foresight.ts'
import { fieldByName, requiredByAny } from '../../core/metadata.ts'
import type { Problem } from '../../core/problems.ts'
import type { Store } from '../../core/store.ts'
import { type Side, sameStamp, sides } from '../../core/values.ts'
import type { Workbench } from '../connections.ts'
import type { Decision } from '../reconcile/decision.ts'
import { plannedWrites, type Write } from '../reconcile/execute.ts'

/** What the endpoints would answer to what a decision writes. */
export interface Foreseen {
  problems: readonly Problem[]
  /** Sides that would be sent something of the record's own. */
  sent: readonly Side[]
  /** Of those, the ones where something would be written after all. */
  written: readonly Side[]
}

interface ForesightInput {
  bench: Workbench
  store: Pick<Store, 'refusals' | 'refusedRecords'>
  learnt: ReturnType<typeof createLearnt>
  signal: AbortSignal
}

interface Expected extends ExpectedWrite {
  write: Write
  /** Our own bookkeeping field alone. */
  alongside: boolean
}

/**
 * Says of planned writes what the endpoints would refuse: what they tell without being written to, what they refused of the
 * same record while nothing has changed, what they let our user do at all, and rules learnt from other records.
 */
export function createForesight({ bench, store, learnt, signal }: ForesightInput) {
  const { link } = bench

  function expected(decision: Decision): Expected[] {
    return plannedWrites(bench, decision).map((write) => ({
      write,
      action: write.action === 'create' || write.action === 'delete' ? write.action : 'update',
      alongside: write.action === 'link-back',
      side: write.side,
      fields: write.fields,
      before: write.before?.fields ?? {},
    }))
  }

  const { id: linkId, version } = link
  let general: Promise<Refusals> | null = null

  async function refusalsOf(decisions: readonly Decision[]): Promise<Refusals & { records: RefusedRecords }> {
    general ??= store.refusals({ linkId, version })
    const known = await general
    const keys = decisions.map(({ item }) => item.key)
    return { ...known, records: known.ofRecords ? await store.refusedRecords({ linkId, version, keys }) : new Map() }
  }

  /** Takes up what records that were refused before were refused for. */
  async function learn(decisions: readonly Decision[]): Promise<void> {
    const { records } = await refusalsOf(decisions)
    for (const decision of decisions) {
      const known = isUnchanged(decision) ? (records.get(decision.item.key) ?? []) : []
      for (const write of expected(decision))
        if (!write.alongside)
          learnt.learn(
            write,
            known.filter((problem) => problem.side === write.side),
          )
    }
  }

  /** In the order of the decisions; undefined: nothing is sent for it. */
  async function of(decisions: readonly Decision[]): Promise<(Foreseen | undefined)[]> {
    const writes = new Map(decisions.map((decision) => [decision, expected(decision)]))
    const all = [...writes.values()].flat()
    if (all.length === 0) return decisions.map(() => undefined)
    const [told, refusals] = await Promise.all([toldBy(all), refusalsOf(decisions)])
    return decisions.map((decision) => {
      const mine = writes.get(decision) ?? []
      return mine.length === 0 ? undefined : foreseen(decision, mine, told, refusals)
    })
  }

  /** What the connectors tell, one call a side. */
  async function toldBy(writes: readonly Expected[]): Promise<Map<Expected, readonly Problem[]>> {
    const told = new Map<Expected, readonly Problem[]>()
    await Promise.all(
      sides.map(async (side) => {
        const { foresee } = bench.connectors[side]
        const mine = writes.filter((write) => write.side === side)
        if (foresee === undefined || mine.length === 0) return
        const answers = await foresee(link.configuration[side].entityType, mine.map(rowOf), { signal })
        mine.forEach((write, index) => {
          told.set(write, answers[index] ?? [])
        })
      }),
    )
    return told
  }

  function rowOf({ write, action, alongside, side, before }: Expected): ForeseenWrite {
    const typeField = bench.metadata[side].entity.recordTypes?.field
    const type = typeField === undefined ? undefined : before[typeField]
    return {
      action,
      alongside,
      id: write.targetId,
      ...(typeof type === 'string' ? { recordType: type } : {}),
      fields: Object.fromEntries(write.fields.map(({ field, sent }) => [field, sent])),
      before,
    }
  }

  function foreseen(
    decision: Decision,
    writes: readonly Expected[],
    told: ReadonlyMap<Expected, readonly Problem[]>,
    { forbidden, records, notEnforced }: Awaited<ReturnType<typeof refusalsOf>>,
  ): Foreseen {
    const known = isUnchanged(decision) ? (records.get(decision.item.key) ?? []) : []
    const problems: Problem[] = []
    const written = new Set<Side>()
    let created = true
    for (const write of writes) {
      const { side, action, alongside } = write
      // What is not created is not linked back either.
      if (alongside && !created) continue
      const rule = forbidden.find((one) => one.side === side && one.action === action)
      const here = [
        ...(rule === undefined ? [] : [rule.problem]),
        ...(told.get(write) ?? []).filter((one) => one.class !== 'refused' || !notEnforced.includes(one.code)),
        ...(alongside ? [] : known.filter((one) => one.side === side)),
        ...(alongside ? [] : learnt.recall(write)),
      ]
      const own = distinct(here.map((problem) => ({ ...problem, side })))
      const left = remaining(write, own, (field) => isNeeded(write, field))
      problems.push(...left.problems)
      const isWritten =
        action === 'delete'
          ? left.problems.length === 0
          : left.fields.some((field) => field !== link.configuration[side].crossReference)
      if (action === 'create') created = left.fields.length > 0
      if (!alongside && isWritten) written.add(side)
    }
    const sent = [...new Set(writes.filter((write) => !write.alongside).map(({ side }) => side))]
    return { problems: distinct(problems), sent, written: [...written] }
  }

  /** Without which a new record cannot be. */
  function isNeeded({ side, write }: Expected, name: string): boolean {
    const { entity } = bench.metadata[side]
    const field = write.fields.find((one) => one.field === name)
    const isOurs = field !== undefined && !link.configuration.fields.some(({ id }) => id === field.mappingId)
    return isOurs || requiredByAny(entity, name) || fieldByName(entity, name)?.hierarchy !== undefined
  }

  return { learn, of }
}

/** Nothing about the record is news since it was last judged, so that it is planned as it was. */
function isUnchanged(decision: Decision): boolean {
  const { item } = decision
  if (item.pair === null || decision.kind !== 'pair') return item.due.every((row) => row.attempts > 0)
  const { left, right } = item.pair
  return (
    left.seen !== null &&
    right.seen !== null &&
    sameStamp(left.seen, decision.left.stamp) &&
    sameStamp(right.seen, decision.right.stamp)
  )
}
