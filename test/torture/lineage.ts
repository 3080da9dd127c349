import { referencedId } from '../../core/endpoint.ts'
import type { Lab } from '../lab.ts'
import { type History, otherSystem, type System, systems } from './history.ts'

/** Where the test beds keep the name of a record's twin. */
export const referenceField: Record<System, string> = { alm: 'user-01', octane: 'alm_id_udf' }

/** Where both systems are, as far as cross-references say it. */
interface Places {
  alm: Pick<Lab['alm'], 'domain' | 'project'>
  octane: Pick<Lab['octane'], 'sharedSpace' | 'workspace'>
}

/** The twin that a record's cross-reference names, if it names one. */
export function namedTwin(lab: Places, system: System, value: unknown): string | null {
  return system === 'octane'
    ? referencedId({ kind: 'alm', url: '', domain: lab.alm.domain, project: lab.alm.project }, 'defect', value)
    : referencedId(
        { kind: 'octane', url: '', sharedSpace: lab.octane.sharedSpace, workspace: lab.octane.workspace },
        'defect',
        value,
      )
}

/**
 * Records that were ever twins of one another, by what their cross-references have said over time. A restored server gives
 * numbers anew: records are told apart by name, which is system and number and, of a number that was given again, how often.
 */
export interface Lineage {
  /** The record that has this number just after this position of the history; left out: at its end. */
  nameOf(system: System, id: string, at?: number): string
  /** Names of all that ever stood for the same thing as this record: itself and its earlier forms, on each side. */
  family(name: string): Record<System, ReadonlySet<string>>
}

/** The number of the record of this name. */
export function numberOf(name: string): string {
  return name.split(' ')[1] ?? ''
}

export function lineageOf(lab: Places, history: History, type = 'defect'): Lineage {
  const edges = new Map<string, Set<string>>()
  /** Positions at which a number was given, the first time and again. */
  const given = new Map<string, number[]>()
  const nameOf = (system: System, id: string, at = Number.POSITIVE_INFINITY) => {
    const times = (given.get(`${system} ${id}`) ?? []).filter((one) => one <= at).length
    return times > 1 ? `${system} ${id} ${times}` : `${system} ${id}`
  }
  const note = (system: System, id: string, record: Record<string, unknown> | null | undefined, at: number) => {
    const twin = namedTwin(lab, system, record?.[referenceField[system]])
    if (twin === null) return
    const names = [nameOf(system, id, at), nameOf(otherSystem(system), twin, at)] as const
    for (const [from, to] of [names, [...names].reverse() as [string, string]])
      edges.set(from, (edges.get(from) ?? new Set()).add(to))
  }
  history.replay((entry, at, before) => {
    if (at === 0) {
      for (const system of systems) for (const id of before[system].keys()) given.set(`${system} ${id}`, [-1])
      for (const system of systems) for (const [id, record] of before[system]) note(system, id, record, -1)
    }
    if (entry.type !== type) return
    const key = `${entry.system} ${entry.id}`
    if (entry.action === 'create') given.set(key, [...(given.get(key) ?? []), at])
    // What an older record says of a number that was given again since was said of the record before.
    if (entry.action === 'create' || entry.changed.includes(referenceField[entry.system]))
      note(entry.system, entry.id, entry.after, at)
  })
  return {
    nameOf,
    family: (name) => {
      const seen = new Set([name])
      for (const node of seen) for (const next of edges.get(node) ?? []) seen.add(next)
      const of = (wanted: System) => new Set([...seen].filter((node) => node.startsWith(`${wanted} `)))
      return { alm: of('alm'), octane: of('octane') }
    },
  }
}
