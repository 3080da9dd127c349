import { type History, otherSystem, type System, type World } from './history.ts'
import { namedTwin, referenceField } from './lineage.ts'
import type { Verdict } from './verdict.ts'

/** A reference between records of synchronized types, such as a feature's parent: on each side, field and reading. */
export interface Hierarchy {
  field: Record<System, string>
  /** The id that a value of this field names on its own side; null: none. */
  named(system: System, value: unknown): string | null
}

export interface OrderQuestion {
  /** The id that a cross-reference of this side names on the other side; null: none. */
  namedTwin(system: System, value: unknown): string | null
  /** References within a side; today's links have none between synchronized records. */
  hierarchies?: readonly Hierarchy[]
}

/**
 * I7 from the truth logs: whatever Tandem writes refers to something that exists by then. A cross-reference names a record
 * that was there before (no link before both ends); a child is created with its parent's twin in place (no child before its
 * parent).
 */
export function judgeOrder(history: History, { namedTwin: twinOf, hierarchies = [] }: OrderQuestion, verdict: Verdict) {
  const ever = new Set<string>()
  history.replay((entry, at, before) => {
    if (at === 0)
      for (const system of ['alm', 'octane'] as const)
        for (const id of before[system].keys()) ever.add(`${system} ${id}`)
    const { system, id, after } = entry
    const known = `${system} ${id}`
    if (entry.via === 'rest' && after !== null && (entry.action === 'create' || entry.action === 'update')) {
      const other = otherSystem(system)
      const wrote = (field: string) => entry.changed.includes(field) && after[field] !== null && after[field] !== ''
      if (wrote(referenceField[system])) {
        const twin = twinOf(system, after[referenceField[system]])
        verdict.tried('I7')
        if (twin !== null && !ever.has(`${other} ${twin}`))
          verdict.broken('I7', `${known} names ${other} ${twin}, which does not exist yet`)
      }
      for (const hierarchy of hierarchies) {
        const field = hierarchy.field[system]
        const parent = wrote(field) ? hierarchy.named(system, after[field]) : null
        if (parent !== null) {
          verdict.tried('I7')
          if (!before[system].has(parent)) verdict.broken('I7', `${known} lies under ${parent}, which does not exist`)
        }
        if (entry.action !== 'create') continue
        const source = before[other].get(twinOf(system, after[referenceField[system]]) ?? '')
        const sourceParent = hierarchy.named(other, source?.[hierarchy.field[other]])
        if (sourceParent === null) continue
        verdict.tried('I7')
        if (parent === null)
          verdict.broken('I7', `${known} was created before the twin of its parent ${other} ${sourceParent}`)
      }
    }
    if (entry.action === 'create') ever.add(known)
  })
}

/** I7 for the link between both sandboxes, with the order of each record's writes in the ledger. */
export async function judgeLabOrder(lab: World, history: History, verdict: Verdict): Promise<void> {
  judgeOrder(history, { namedTwin: (system, value) => namedTwin(lab, system, value) }, verdict)
  // Where a server went back in time, its versions count the same numbers twice.
  if (history.entries().some((entry) => entry.action === 'restore')) return
  const rows = await lab.database.sql<{ record: string; version: number }[]>`
    select l.side || ' ' || case l.side when 'left' then l.left_id else l.right_id end as record,
      (l.content #>> '{stampAfter,version}')::float as version
    from ledger l join ledger_entries e on e.id = l.entry_id
    where l.kind = 'write' and l.link_id = ${lab.linkId} and l.content #>> '{stampAfter,version}' is not null
    order by e.seq, l.position`
  const last = new Map<string, number>()
  for (const { record, version } of rows) {
    verdict.tried('I7')
    const before = last.get(record) ?? 0
    if (version < before)
      verdict.broken('I7', `${record}: the ledger has version ${version} after version ${before} of the same record`)
    last.set(record, version)
  }
}
