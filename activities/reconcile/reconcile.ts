import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { Context, cancelled as cancellation } from '@temporalio/activity'
import type { Store } from '../../core/store.ts'
import { StoreError } from '../../core/store.ts'
import { sides } from '../../core/values.ts'
import type { Connections, Workbench } from '../connections.ts'
import { guardedStep } from '../failures.ts'
import { assertCrossReferences, isUnknownField, watchSchema } from '../schema-watch.ts'
import { createStepWatch } from './clock-step.ts'
import { execute } from './execute.ts'
import { judge } from './judge.ts'

export interface ReconcileInput {
  linkId: string
  runId: string
  version: number
  /** True: only records that the run was asked for. */
  asked?: boolean
  /** False: ends at once where the endpoints are busy and other calls of the link go on; one of them must be patient. */
  patient?: boolean
}

export interface ReconcileResult {
  /**
   * `empty`: nothing is due now. `more`: the time of one call is over. `stopped`: asked to stop at a batch border.
   * `closed`: a blackout is on. `busy`: the endpoints have all the batches under way that they may have, and this call need
   * not wait or would have to for long.
   */
  ended: 'empty' | 'more' | 'stopped' | 'closed' | 'link-changed' | 'busy'
  items: number
  batches: number
  /** How long it is no use to try again, in milliseconds, where it ended `busy`. */
  busyForMs?: number
}

export interface ReconcileDependencies {
  store: Store
  connections: Connections
  bridge: string
  build: string
  /** Length of the lease on a batch, in seconds; after a crash its records wait for so long, and a quarter more. */
  leaseSeconds?: number
}

const defaultLeaseSeconds = 60

/** What follows from the length of a lease, in seconds. */
function timesOf(leaseSeconds: number) {
  return {
    leaseSeconds,
    /** How much longer a request of ours may still be on its way. */
    graceSeconds: leaseSeconds / 4,
    /** No write is sent later than this after the claim. */
    sendWithin: (leaseSeconds * 5) / 12,
    /** Requests under way are given up then, so that what they did can still be committed under the lease. */
    giveUpAfter: (leaseSeconds * 5) / 6,
  }
}

/** One call works for so long and then reports back, so that its history event says how far it came. */
const callMilliseconds = 20_000

/** So many leases lost in a row are trouble of its own: the last of these batches held one record. */
const mostLeasesLost = 7

/**
 * Reconciles until nothing is due: claim, read both twins, plan, write ahead, write, commit. A batch is carried through
 * whatever happens to the call; being cancelled takes hold between batches, and within one between files.
 */
export function createReconcile(dependencies: ReconcileDependencies) {
  const { store, connections, bridge, build } = dependencies
  const { leaseSeconds, graceSeconds, sendWithin, giveUpAfter } = timesOf(
    dependencies.leaseSeconds ?? defaultLeaseSeconds,
  )

  async function reconcile(input: ReconcileInput): Promise<ReconcileResult> {
    return guardedStep(store, { runId: input.runId, step: 'Reconciling' }, () => run(input))
  }

  async function run({
    linkId,
    runId,
    version,
    asked = false,
    patient = true,
  }: ReconcileInput): Promise<ReconcileResult> {
    const context = Context.current()
    let stop = false
    cancellation().catch(() => {
      stop = true
    })
    const link = await store.link(linkId, version)
    let bench = await connections.workbench(link)
    let described = false
    const { batchSize, batchPauseMs } = link.configuration.tuning
    const clocks = createStepWatch(store, linkId)
    const started = performance.now()
    const result: ReconcileResult = { ended: 'more', items: 0, batches: 0 }
    const beat = setInterval(() => context.heartbeat({ items: result.items }), 2_000)
    // A batch that was too slow for its lease is tried again as smaller ones, in this very call, or nothing would ever be done.
    let limit = batchSize
    let lost = 0
    /** Since then, or since the last commit, the call waits for records to work on. */
    let idleSince = started
    try {
      while (performance.now() - started < callMilliseconds || lost > 0) {
        if (stop) return { ...result, ended: 'stopped' }
        let claimedAt = performance.now()
        const claim = await store.claim({ linkId, runId, limit, leaseSeconds, graceSeconds, asked })
        if (claim.busy !== undefined) {
          const { forMs, working } = claim.busy
          // Another call of this link goes on; or it takes longer than a worker's slot may be held for nothing.
          if ((working && !patient) || forMs > longestWaitMs) return { ...result, ended: 'busy', busyForMs: forMs }
          await new Promise((resolve) => setTimeout(resolve, forMs * (0.8 + Math.random() * 0.4)))
          continue
        }
        if (claim.items.length === 0) return { ...result, ended: claim.closed === true ? 'closed' : 'empty' }
        context.heartbeat({ items: result.items })
        const assertLease = () => {
          if (performance.now() - claimedAt > sendWithin * 1_000)
            throw new StoreError(
              'lease-lost',
              'The lease of a batch ran out before it was written; it is looked at again.',
            )
        }
        try {
          const taken = performance.now()
          const decisions = await judge({ bench, store, items: claim.items, runId })
          const judged = performance.now()
          const items = await execute({
            bench,
            store,
            token: claim.token,
            runId,
            decisions,
            newCallId: randomUUID,
            assertLease,
            keepLease: async () => {
              const asked = performance.now()
              await store.extendLease({ token: claim.token, leaseSeconds, graceSeconds })
              claimedAt = asked
            },
            stopping: () => stop,
            deadline: deadlineIn(giveUpAfter * 1_000 - (performance.now() - claimedAt)),
            onWritten: clocks.written,
          })
          await clocks.tell()
          const work = { claim: taken - idleSince, look: judged - taken, write: performance.now() - judged }
          await store.commit({
            token: claim.token,
            callId: randomUUID(),
            linkId,
            runId,
            version,
            bridge,
            build,
            items,
            work,
          })
          idleSince = performance.now()
          await tellPauses(bench, runId)
        } catch (error) {
          await store.release({ token: claim.token }).catch(() => undefined)
          await tellPauses(bench, runId).catch(() => undefined)
          if (error instanceof StoreError && error.code === 'lease-lost' && ++lost < mostLeasesLost) {
            limit = Math.ceil(limit / 4)
            const message = `${error.message} Batches hold ${limit} records at most for a while.`
            await store.logRun({ runId, lines: [{ level: 'warning', category: 'records', message }] })
            continue
          }
          // A field that is mapped has vanished since the endpoint was described: it is left out from here on.
          if (isUnknownField(error) && !described) {
            described = true
            bench = await connections.workbench(link, true)
            await watchSchema(store, bench, runId)
            assertCrossReferences(bench)
            continue
          }
          if (error instanceof StoreError && error.code === 'link-changed') return { ...result, ended: 'link-changed' }
          throw error
        }
        lost = 0
        limit = Math.min(batchSize, limit * 2)
        result.items += claim.items.length
        result.batches++
        if (batchPauseMs > 0) await new Promise((resolve) => setTimeout(resolve, batchPauseMs))
      }
      return result
    } finally {
      clearInterval(beat)
    }
  }

  /** What an endpoint asked one of us for holds for all. */
  async function tellPauses({ link, connectors }: Workbench, runId: string): Promise<void> {
    for (const side of sides) {
      const waitMs = connectors[side].takePause()
      if (waitMs === null) continue
      await store.noteThrottled({ endpointId: link[side].id, waitMs })
      const message = `${link[side].name} asked for a pause of ${Math.ceil(waitMs / 1_000)} s.`
      await store.logRun({ runId, lines: [{ level: 'warning', category: 'endpoint', message }] })
    }
  }

  return { reconcile }
}

/** A call waits in its place for its turn so long at most; a longer pause is waited for by the run. */
const longestWaitMs = 5_000

/** A batch has many requests under way that all listen to it. */
function deadlineIn(ms: number): AbortSignal {
  const signal = AbortSignal.timeout(Math.max(0, Math.round(ms)))
  setMaxListeners(0, signal)
  return signal
}
