import process from 'node:process'
import { NativeConnection } from '@temporalio/worker'
import type { JWK } from 'jose'
import { createBridgeActivities } from '../../activities/bridge.ts'
import { createCentralActivities } from '../../activities/central.ts'
import { createConnections } from '../../activities/connections.ts'
import { createSecretOpener } from '../../activities/open-secret.ts'
import { connect } from '../../connectors/connect.ts'
import { openDatabase } from '../../db/connection.ts'
import { createStore } from '../../db/store.ts'
import { createBridgeWorkers } from '../../worker/bridge.ts'
import { createCentralWorker } from '../../worker/central.ts'
import { createLogger, runWorkers } from '../../worker/process.ts'

/** What the parent tells a worker process of a service that may be killed at any time. */
export interface ServiceProcessOrder {
  role: 'central' | 'bridge'
  databaseUrl: string
  temporalAddress: string
  taskQueue: string
  bridgeId: string
  bridgeKey: JWK
  /** File with the bundled workflows. */
  bundle: string
  leaseSeconds: number
}

const order = JSON.parse(process.env.SERVICE_ORDER ?? '{}') as ServiceProcessOrder
createLogger(order.role, 'trace')
const database = openDatabase(order.databaseUrl)
const connection = await NativeConnection.connect({ address: order.temporalAddress })
const namespace = 'default'
const { bridgeId } = order
const connections = createConnections({ connect, openSecret: createSecretOpener(order.bridgeKey) })
const workers =
  order.role === 'central'
    ? [
        await createCentralWorker({
          connection,
          namespace,
          taskQueue: order.taskQueue,
          workflowBundle: { codePath: order.bundle },
          activities: createCentralActivities({
            database,
            store: createStore(database, { bridgeId: 'central' }),
            transport: null,
            from: 'Tandem <tandem@localhost>',
            fallbackRecipient: 'admin@localhost',
            publicUrl: 'http://localhost',
          }),
        }),
      ]
    : await createBridgeWorkers({
        connection,
        namespace,
        bridge: bridgeId,
        activities: createBridgeActivities({
          store: createStore(database, { bridgeId }),
          connections,
          bridge: bridgeId,
          build: 'test',
          leaseSeconds: order.leaseSeconds,
        }),
      })
await runWorkers(workers, { role: order.role }, async () => {
  await connections.close()
  await connection.close()
  await database.close()
})
