import type { TruthEntry } from '../../sandbox/common/truth-log.ts'
import type { Lab } from '../lab.ts'

/** Every committed write of both systems in the one order in which they happened. */
export interface History {
  /** Entries from position `since` on. */
  entries(since?: number): readonly TruthEntry[]
  length(): number
}

/** Listens to both truth logs: sandboxes in this process append one after the other, so the order is the real one. */
export function followHistory(lab: Pick<Lab, 'alm' | 'octane'>): History {
  const all: TruthEntry[] = [...lab.alm.truth.entries(), ...lab.octane.truth.entries()]
  for (const { truth } of [lab.alm, lab.octane]) {
    const append = truth.append.bind(truth)
    truth.append = (entry) => {
      const full = append(entry)
      all.push(full)
      return full
    }
  }
  return { entries: (since = 0) => all.slice(since), length: () => all.length }
}
