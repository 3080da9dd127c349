import { isBefore } from '../../core/server-time.ts'
import type { Store } from '../../core/store.ts'
import { type Side, type Stamp, sides } from '../../core/values.ts'

/**
 * Compares the times with which our own writes are answered with T: one that is older was stamped by a clock that went back
 * since the scan, and edits of others may be stamped so, too. T is asked for once a call, and only where something was written.
 */
export function createStepWatch(store: Pick<Store, 'scanPosition' | 'noteClockStep'>, linkId: string) {
  const oldest: Partial<Record<Side, string>> = {}
  const positions = new Map<Side, Promise<string | null>>()

  return {
    written(side: Side, { modified }: Stamp): void {
      const known = oldest[side]
      if (modified !== null && (known === undefined || isBefore(modified, known))) oldest[side] = modified
    },
    /** Tells the store before the batch is committed: after a crash, the write would be settled without its answer. */
    async tell(): Promise<void> {
      for (const side of sides) {
        const time = oldest[side]
        if (time === undefined) continue
        delete oldest[side]
        const known = positions.get(side) ?? store.scanPosition(linkId, side).then((position) => position.since)
        positions.set(side, known)
        if (isBefore(time, await known)) await store.noteClockStep({ linkId, side, time })
      }
    },
  }
}
