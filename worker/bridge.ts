import { fileURLToPath } from 'node:url'
import { type NativeConnection, Worker } from '@temporalio/worker'
import { type BridgeActivities, createBridgeActivities } from '../activities/bridge.ts'
import { createConnections } from '../activities/connections.ts'
import { createSecretOpener } from '../activities/open-secret.ts'
import { connect } from '../connectors/connect.ts'
import { bridgeSeen } from '../db/bridges.ts'
import { openDatabase } from '../db/connection.ts'
import { migrate } from '../db/migrate.ts'
import { createStore } from '../db/store.ts'
import { bridgeQueues } from '../workflows/messages.ts'
import { readBridgeEnvironment, readBridgeKey } from './environment.ts'
import { build, connectTemporal, createLogger, runWorkers } from './process.ts'

/** How many reconcile, scan and check activities one process works on at a time. */
const bulkSlots = 16
/** Looks are short: many links share few slots. */
const watchSlots = 20
const askSlots = 10
/** How often the bridge's row says that it is alive. */
const tellEveryMs = 60_000

/** The workers of a bridge: one a queue, so that watching, bulk work and questions never starve each other. */
export async function createBridgeWorkers(options: {
  connection: NativeConnection
  namespace: string
  bridge: string
  activities: BridgeActivities
}): Promise<Worker[]> {
  const { connection, namespace, bridge, activities } = options
  const queues = bridgeQueues(bridge)
  const common = {
    connection,
    namespace,
    activities,
    identity: `bridge ${bridge} ${build} pid ${process.pid}`,
    // A pause or cancel reaches an activity with the answer to a heartbeat: it must not wait for the usual throttling.
    maxHeartbeatThrottleInterval: '1 second',
    // Long enough for the batch in hand; what is not done by then is settled by looking.
    shutdownGraceTime: '30 seconds',
    shutdownForceTime: '45 seconds',
  } as const
  return Promise.all([
    Worker.create({ ...common, taskQueue: queues.bulk, maxConcurrentActivityTaskExecutions: bulkSlots }),
    Worker.create({ ...common, taskQueue: queues.watch, maxConcurrentActivityTaskExecutions: watchSlots }),
    Worker.create({ ...common, taskQueue: queues.ask, maxConcurrentActivityTaskExecutions: askSlots }),
  ])
}

/** Runs the built-in bridge: an activity-only worker on the three queues of its id, with the Store directly on PostgreSQL. */
export async function runBridge(env: NodeJS.ProcessEnv): Promise<void> {
  const settings = readBridgeEnvironment(env)
  const { TANDEM_BRIDGE_ID: bridge } = settings
  const logger = createLogger(`bridge-${bridge}`, settings.TANDEM_LOG_LEVEL)
  await migrate(settings.TANDEM_DATABASE_URL)
  const database = openDatabase(settings.TANDEM_DATABASE_URL)
  const store = createStore(database, { bridgeId: bridge })
  const connections = createConnections({
    connect,
    openSecret: createSecretOpener(readBridgeKey(settings.TANDEM_BRIDGE_KEY_FILE)),
  })
  const connection = await connectTemporal(settings.TEMPORAL_ADDRESS, logger)
  const activities = createBridgeActivities({
    store,
    connections,
    bridge,
    build,
    leaseSeconds: settings.TANDEM_LEASE_SECONDS,
  })
  const workers = await createBridgeWorkers({ connection, namespace: settings.TEMPORAL_NAMESPACE, bridge, activities })
  const tell = () => {
    bridgeSeen(database, bridge, build).catch((error: unknown) => {
      logger.warn({ error: error instanceof Error ? error.message : String(error) }, 'The database does not answer')
    })
  }
  tell()
  const telling = setInterval(tell, tellEveryMs)
  await runWorkers(workers, { role: 'bridge', bridge, build }, async () => {
    clearInterval(telling)
    await connections.close()
    await connection.close()
    await database.close()
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  runBridge(process.env).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
    // A rejected start must not hang on half-open connections.
    setTimeout(() => process.exit(1), 1_000).unref()
  })
}
