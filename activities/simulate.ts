import { Context } from '@temporalio/activity'
import { createLearnt } from '../core/foresight.ts'
import type { QueuePlace, SimulatedItem, Store } from '../core/store.ts'
import type { WorkItem } from '../core/work-items.ts'
import type { Connections } from './connections.ts'
import { guardedStep } from './failures.ts'
import { judge } from './reconcile/judge.ts'
import { createForesight } from './simulate/foresee.ts'
import { simulated } from './simulate/item.ts'

export interface SimulateInput {
  linkId: string
  runId: string
  version: number
}

export interface SimulateResult {
  /** How many records each action would concern. */
  counts: Record<SimulatedItem['action'], number>
  records: number
  /** Rows of the queue. */
  due: number
  /** 1: all of them were looked at; else a sample of one in so many. */
  oneIn: number
}

export interface SimulateDependencies {
  store: Store
  connections: Connections
  /** More rows than this are sampled. */
  mostRows?: number
}

const defaultMostRows = 100_000

/** So many rows of the queue are read at a time, and as many ahead of what is being planned. */
const rowsAhead = 300

/** So many records that were refused before are looked at first, to know what else will be. */
const mostExamples = 200

/**
 * Plans everything that is due with the same judge and planner as a run, says what the endpoints would refuse of it, and writes
 * nothing to either side. Pages are worked on side by side, as many as a run has batches.
 */
export function createSimulate({ store, connections, mostRows = defaultMostRows }: SimulateDependencies) {
  async function simulate({ linkId, runId, version }: SimulateInput): Promise<SimulateResult> {
    return guardedStep(store, { runId, step: 'Simulating' }, async () => {
      const context = Context.current()
      const signal = context.cancellationSignal
      const [bench, { due }] = await Promise.all([
        store.link(linkId, version).then((link) => connections.workbench(link, true, runId)),
        store.beginSimulation({ runId, linkId }),
      ])
      const oneIn = Math.max(1, Math.ceil(due / mostRows))
      const result: SimulateResult = { counts: { ...noCounts }, records: 0, due, oneIn }
      const { batchSize: limit, parallel } = bench.link.configuration.tuning
      const foresight = createForesight({ bench, store, learnt: createLearnt(), signal })
      const examples = await store.refusedItems({ linkId, version, limit: mostExamples })
      if (examples.length > 0) await foresight.learn(await judge({ bench, store, items: examples, signal }))

      async function plan(page: number, items: readonly WorkItem[]): Promise<void> {
        const decisions = await judge({ bench, store, items, signal })
        const foreseen = await foresight.of(decisions)
        const shown = decisions.map((decision, index) => simulated(bench, decision, foreseen[index]))
        await store.saveSimulation({ runId, page, items: shown })
        for (const item of shown) result.counts[item.action]++
        result.records += shown.length
        context.heartbeat({ page })
      }

      const working = new Set<Promise<void>>()
      const peek = (after: QueuePlace | null) => store.peek({ linkId, after, limit: Math.max(limit, rowsAhead), oneIn })
      let ahead = peek(null)
      let page = 0
      try {
        for (;;) {
          const { items, next }: Awaited<typeof ahead> = await ahead
          if (next !== null) {
            // The queue is read on while this is planned. Should that fail, nobody waits for it.
            ahead = peek(next)
            ahead.catch(() => undefined)
          }
          for (let at = 0; at < items.length; at += limit) {
            if (working.size >= parallel) await Promise.race(working)
            const task: Promise<void> = plan(page++, items.slice(at, at + limit)).finally(() => working.delete(task))
            working.add(task)
          }
          if (next === null) break
        }
        await Promise.all(working)
      } finally {
        // Nothing is left running behind an attempt that has failed.
        await Promise.allSettled(working)
      }
      const { records } = result
      await store.finishSimulation({ runId, linkId, version, summary: { records, due, oneIn } })
      return result
    })
  }
  return { simulate }
}

const noCounts: SimulateResult['counts'] = {
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
