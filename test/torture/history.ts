import type { TruthEntry } from '../../sandbox/common/truth-log.ts'
import type { Lab } from '../lab.ts'

/** What judges look at: both systems, and what Tandem knows of them. */
export type World = Pick<Lab, 'alm' | 'octane' | 'database' | 'linkId' | 'configuration'>

export type System = 'alm' | 'octane'
export const systems = ['alm', 'octane'] as const
export const otherSystem = (system: System): System => (system === 'alm' ? 'octane' : 'alm')

/** Records of the synchronized type by id, as a server has them at some time. */
export type Records = Map<string, Record<string, unknown>>

/** Every committed write of both systems in the one order in which they happened. */
export interface History {
  /** Entries from position `since` on. */
  entries(since?: number): readonly TruthEntry[]
  length(): number
  /** Notes that workers begin a cycle now. */
  beginCycle(): void
  /** Position at which the cycle that contains this position began. */
  cycleStart(at: number): number
  /** Notes that requests which their clients have given up are carried out by `carryOut`. */
  carryingOut(carryOut: () => void): void
  /** True: the entry was made by a request that its client had given up long before. */
  isLate(at: number): boolean
  /** Position at which the request came in that made this entry: what happened since, its sender could not know. */
  sentAt(at: number): number
  /** Notes that a system's state is kept now, to go back to. */
  keep(system: System): void
  /**
   * Walks through all entries with the records as they were just before each. Going back to a kept state is one step, and
   * its entry stands for all that it undoes.
   */
  replay(visit: (entry: TruthEntry, at: number, before: Record<System, Records>) => void): Record<System, Records>
}

/** Listens to both truth logs: sandboxes in this process append one after the other, so the order is the real one. */
export function followHistory(lab: Pick<Lab, 'alm' | 'octane'>, type = 'defect'): History {
  const all: TruthEntry[] = [...lab.alm.truth.entries(), ...lab.octane.truth.entries()]
  const cycles: number[] = []
  const late: [number, number][] = []
  const sent = new Map<number, number>()
  let cameIn: number | null = null
  const kept: { system: System; at: number }[] = []
  const initial = Object.fromEntries(
    systems.map((system) => [
      system,
      new Map(lab[system].records(type).map((one: Record<string, unknown>) => [String(one.id), { ...one }])),
    ]),
  ) as unknown as Record<System, Records>
  for (const { truth, faults } of [lab.alm, lab.octane]) {
    const append = truth.append.bind(truth)
    truth.append = (entry) => {
      const full = append(entry)
      if (cameIn !== null) sent.set(all.length, cameIn)
      all.push(full)
      return full
    }
    const hold = faults.hold.bind(faults)
    faults.hold = (request, afterMs) => {
      const at = all.length
      const carryOut = () => {
        cameIn = at
        try {
          return request.carryOut()
        } finally {
          cameIn = null
        }
      }
      hold({ ...request, carryOut }, afterMs)
    }
  }

  function replay(
    visit: (entry: TruthEntry, at: number, before: Record<System, Records>) => void,
  ): Record<System, Records> {
    const now = { alm: new Map(initial.alm), octane: new Map(initial.octane) }
    const snapshots = new Map<System, Records>()
    let keeping = 0
    const keepUpTo = (at: number) => {
      for (; keeping < kept.length && (kept[keeping]?.at ?? 0) <= at; keeping++) {
        const system = kept[keeping]?.system ?? 'alm'
        snapshots.set(system, new Map(now[system]))
      }
    }
    all.forEach((entry, at) => {
      keepUpTo(at)
      visit(entry, at, now)
      if (entry.action === 'restore') now[entry.system] = new Map(snapshots.get(entry.system) ?? initial[entry.system])
      else if (entry.type !== type) return
      else if (entry.action === 'delete') now[entry.system].delete(entry.id)
      else now[entry.system].set(entry.id, { ...now[entry.system].get(entry.id), ...entry.after })
    })
    return now
  }

  return {
    entries: (since = 0) => all.slice(since),
    length: () => all.length,
    beginCycle: () => void cycles.push(all.length),
    cycleStart: (at) => cycles.findLast((start) => start <= at) ?? 0,
    carryingOut: (carryOut) => {
      const from = all.length
      carryOut()
      late.push([from, all.length])
    },
    isLate: (at) => late.some(([from, to]) => from <= at && at < to),
    sentAt: (at) => sent.get(at) ?? at,
    keep: (system) => void kept.push({ system, at: all.length }),
    replay,
  }
}
