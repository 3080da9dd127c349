import { Context } from '@temporalio/activity'
import type { Store } from '../core/store.ts'
import { sides } from '../core/values.ts'
import type { Connections } from './connections.ts'
import { guardedStep } from './failures.ts'

export interface LookUpInput {
  linkId: string
  runId: string
  version: number
}

/** Tells which of the records that a run was asked for do not exist, so that nobody waits for them in vain. */
export function createLookUp({ store, connections }: { store: Store; connections: Connections }) {
  async function lookUp({ linkId, runId, version }: LookUpInput): Promise<{ unknown: number }> {
    return guardedStep(store, { runId, step: 'Looking the records up' }, async () => {
      const signal = Context.current().cancellationSignal
      const bench = await connections.workbench(await store.link(linkId, version))
      const asked = (await store.requestedRecords(runId)).filter((record) => !record.settled)
      const counts = await Promise.all(
        sides.map(async (side) => {
          const ids = asked.filter((record) => record.side === side).map((record) => record.id)
          if (ids.length === 0) return 0
          const { entityType } = bench.link.configuration[side]
          const found = await bench.connectors[side].read(entityType, ids, [], { signal })
          const known = new Set(found.map((record) => record.id))
          const unknown = ids.filter((id) => !known.has(id))
          if (unknown.length > 0) await store.noteUnknown({ runId, side, ids: unknown })
          return unknown.length
        }),
      )
      return { unknown: counts.reduce((sum, count) => sum + count, 0) }
    })
  }
  return { lookUp }
}
