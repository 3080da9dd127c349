import type { Store } from '../core/store.ts'
import { createAdopt } from './adopt.ts'
import { createAnswer } from './answer.ts'
import { createCheck } from './check.ts'
import type { Connections } from './connections.ts'
import { createLookAlikes } from './look-alikes.ts'
import { createLookUp } from './look-up.ts'
import { createReconcile } from './reconcile/reconcile.ts'
import { createScan } from './scan.ts'
import { createSimulate } from './simulate.ts'
import { createWatch } from './watch.ts'
import { withinSchedule } from './within-schedule.ts'

export interface BridgeDependencies {
  store: Store
  connections: Connections
  /** Id of the bridge, as ledger rows name it. */
  bridge: string
  /** Build of the program, as ledger rows name it. */
  build: string
  /** Length of the lease on a batch, in seconds. */
  leaseSeconds?: number
}

/** Everything that runs near the endpoints: it sees the Store and the connectors, nothing else. */
export function createBridgeActivities(dependencies: BridgeDependencies) {
  const { store } = dependencies
  return {
    scan: withinSchedule(store, createScan(dependencies).scan),
    lookUp: withinSchedule(store, createLookUp(dependencies).lookUp),
    simulate: withinSchedule(store, createSimulate(dependencies).simulate),
    compareFirstRun: withinSchedule(store, createLookAlikes(dependencies).compareFirstRun),
    listAdoption: withinSchedule(store, createAdopt(dependencies).listAdoption),
    check: withinSchedule(store, createCheck(dependencies).check),
    ...createReconcile(dependencies),
    ...createWatch(dependencies),
    ...createAnswer(dependencies),
  }
}

export type BridgeActivities = ReturnType<typeof createBridgeActivities>
