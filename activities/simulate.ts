import { Context } from '@temporalio/activity'
import { fieldByName } from '../core/metadata.ts'
import type { PlannedField } from '../core/plan.ts'
import type { QueuePlace, SimulatedItem, Store } from '../core/store.ts'
import { type CanonicalValue, otherSide, type RecordSnapshot, type Side, sides } from '../core/values.ts'
import type { Connections, Workbench } from './connections.ts'
import { guardedStep } from './failures.ts'
import type { Decision } from './reconcile/decision.ts'
import { judge } from './reconcile/judge.ts'

export interface SimulateInput {
  linkId: string
  runId: string
  version: number
}

/** How many records each action would concern. */
export type SimulationCounts = Record<SimulatedItem['action'], number>

/** Plans everything that is due with the same judge and planner as a run, and writes nothing to either side. */
export function createSimulate({ store, connections }: { store: Store; connections: Connections }) {
  async function simulate({ linkId, runId, version }: SimulateInput): Promise<SimulationCounts> {
    return guardedStep(store, { runId, step: 'Simulating' }, async () => {
      const context = Context.current()
      const bench = await connections.workbench(await store.link(linkId, version), true)
      const counts: SimulationCounts = {
        'create-right': 0,
        'create-left': 0,
        'update-right': 0,
        'update-left': 0,
        'update-both': 0,
        'delete-right': 0,
        'delete-left': 0,
        adopt: 0,
        none: 0,
        problem: 0,
      }
      const limit = bench.link.configuration.tuning.batchSize
      let after: QueuePlace | null = null
      for (let page = 0; ; page++) {
        const { items, next }: Awaited<ReturnType<Store['peek']>> = await store.peek({ linkId, after, limit })
        const decisions = await judge({ bench, store, items, signal: context.cancellationSignal })
        const shown = decisions.map((decision) => simulated(bench, decision))
        for (const item of shown) counts[item.action]++
        await store.saveSimulation({ runId, page, items: shown })
        context.heartbeat({ page })
        if (next === null) return counts
        after = next
      }
    })
  }
  return { simulate }
}

function simulated(bench: Workbench, decision: Decision): SimulatedItem {
  const { item } = decision
  if (decision.kind === 'delete')
    return {
      key: item.key,
      leftId: item.pair?.left.id ?? null,
      rightId: item.pair?.right.id ?? null,
      action: decision.side === 'left' ? 'delete-left' : 'delete-right',
      title: titleOf(bench, decision.side, decision.survivor),
      fields: [],
      problems: [],
    }
  if (decision.kind === 'stop') {
    const row = item.due[0]
    return {
      key: item.key,
      leftId: item.pair?.left.id ?? (row?.side === 'left' ? row.id : null),
      rightId: item.pair?.right.id ?? (row?.side === 'right' ? row.id : null),
      action: (decision.problems ?? []).length > 0 ? 'problem' : 'none',
      title: decision.seen === null ? '' : titleOf(bench, decision.seen.side, decision.seen.snapshot),
      fields: [],
      problems: decision.problems ?? [],
    }
  }
  if (decision.kind === 'create') {
    const { from, source, plan } = decision
    const to = otherSide(from)
    const { configuration } = bench.link
    const noReference = configuration[to].crossReference === null && configuration.matchBy.length === 0
    return {
      key: item.key,
      leftId: from === 'left' ? source.id : null,
      rightId: from === 'right' ? source.id : null,
      action: plan.blocked || noReference ? 'problem' : to === 'right' ? 'create-right' : 'create-left',
      title: titleOf(bench, from, source),
      fields: plan.fields.map((field) => shownField(bench, to, field)),
      problems: plan.problems,
    }
  }
  const written = sides.filter((side) => decision.plan.writes[side].length > 0)
  const [first] = written
  const action: SimulatedItem['action'] =
    written.length === 2
      ? 'update-both'
      : first !== undefined
        ? first === 'left'
          ? 'update-left'
          : 'update-right'
        : decision.outcome === 'adopted'
          ? 'adopt'
          : decision.plan.problems.length > 0
            ? 'problem'
            : 'none'
  return {
    key: item.key,
    leftId: decision.left.id,
    rightId: decision.right.id,
    action,
    title: titleOf(bench, 'left', decision.left),
    fields: sides.flatMap((side) => decision.plan.writes[side].map((field) => shownField(bench, side, field))),
    problems: decision.plan.problems,
  }
}

function shownField(bench: Workbench, side: Side, field: PlannedField): SimulatedItem['fields'][number] {
  const metadata = fieldByName(bench.metadata[side].entity, field.field)
  // People know values by their labels, and persons by their names.
  const shown = (value: CanonicalValue): CanonicalValue => {
    if (Array.isArray(value)) return (value as readonly string[]).map((one) => String(shown(one)))
    if (metadata?.type === 'user') return bench.metadata[side].users.find((user) => user.key === value)?.name ?? value
    return metadata?.options?.find((option) => option.value === value)?.label ?? value
  }
  return {
    side,
    field: field.field,
    label: metadata?.label ?? field.field,
    before: shown(field.before),
    after: shown(field.sent),
    rule: field.rule,
  }
}

/** Both products call the title `name`; any mapped string will do elsewhere. */
function titleOf(bench: Workbench, side: Side, snapshot: RecordSnapshot): string {
  const { name } = snapshot.fields
  if (typeof name === 'string') return name
  const text = bench.planner.fieldsToRead(side).map((field) => snapshot.fields[field])
  return String(text.find((value) => typeof value === 'string') ?? snapshot.id)
}
