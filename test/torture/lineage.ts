import { referencedId } from '../../core/endpoint.ts'
import type { Lab } from '../lab.ts'
import { type History, otherSystem, type System, systems } from './history.ts'

/** Where the test beds keep the name of a record's twin. */
export const referenceField: Record<System, string> = { alm: 'user-01', octane: 'alm_id_udf' }

/** The twin that a record's cross-reference names, if it names one. */
export function namedTwin(lab: Pick<Lab, 'alm' | 'octane'>, system: System, value: unknown): string | null {
  return system === 'octane'
    ? referencedId({ kind: 'alm', url: '', domain: lab.alm.domain, project: lab.alm.project }, 'defect', value)
    : referencedId(
        { kind: 'octane', url: '', sharedSpace: lab.octane.sharedSpace, workspace: lab.octane.workspace },
        'defect',
        value,
      )
}

/** Records that were ever twins of one another, by what their cross-references have said over time. */
export interface Lineage {
  /** All that ever stood for the same thing as this record: itself and its earlier forms, on each side. */
  family(system: System, id: string): Record<System, ReadonlySet<string>>
}

export function lineageOf(lab: Pick<Lab, 'alm' | 'octane'>, history: History): Lineage {
  const edges = new Map<string, Set<string>>()
  const join = (one: string, other: string) => {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const)
      edges.set(from, (edges.get(from) ?? new Set()).add(to))
  }
  const note = (system: System, id: string, record: Record<string, unknown> | null | undefined) => {
    const twin = namedTwin(lab, system, record?.[referenceField[system]])
    if (twin !== null) join(`${system} ${id}`, `${otherSystem(system)} ${twin}`)
  }
  for (const entry of history.entries()) if (entry.type === 'defect') note(entry.system, entry.id, entry.after)
  for (const system of systems)
    for (const record of lab[system].records('defect') as Record<string, unknown>[])
      note(system, String(record.id), record)
  return {
    family: (system, id) => {
      const start = `${system} ${id}`
      const seen = new Set([start])
      for (const node of seen) for (const next of edges.get(node) ?? []) seen.add(next)
      const of = (wanted: System) =>
        new Set([...seen].flatMap((node) => (node.startsWith(`${wanted} `) ? [node.slice(wanted.length + 1)] : [])))
      return { alm: of('alm'), octane: of('octane') }
    },
  }
}
