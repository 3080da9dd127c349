import { randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  type Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker'
import { exportJWK, generateKeyPair } from 'jose'
import { pino } from 'pino'
import postgres from 'postgres'
import { inject } from 'vitest'
import { createBridgeActivities } from '../activities/bridge.ts'
import { createCentralActivities } from '../activities/central.ts'
import { createConnections } from '../activities/connections.ts'
import { createSecretOpener } from '../activities/open-secret.ts'
import { createApp } from '../api/app.ts'
import type { CommandName } from '../api/contract/commands.ts'
import type { EndpointView, LinkView, RunView } from '../api/contract/schemas.ts'
import { adoptionHandlers } from '../api/handlers/adoptions.ts'
import { conflictHandlers } from '../api/handlers/conflicts.ts'
import { definitionHandlers } from '../api/handlers/definition.ts'
import { endpointHandlers } from '../api/handlers/endpoints.ts'
import { historyHandlers } from '../api/handlers/history.ts'
import { issueHandlers } from '../api/handlers/issues.ts'
import { ledgerHandlers } from '../api/handlers/ledger.ts'
import { linkHandlers } from '../api/handlers/links.ts'
import { recordHandlers } from '../api/handlers/records.ts'
import { resetHandlers } from '../api/handlers/resets.ts'
import { retentionHandlers } from '../api/handlers/retention.ts'
import { runHandlers } from '../api/handlers/runs.ts'
import { scopeHandlers } from '../api/handlers/scope.ts'
import { serviceHandlers } from '../api/handlers/service.ts'
import { stopHandlers } from '../api/handlers/stops.ts'
import { summaryHandlers } from '../api/handlers/summary.ts'
import { userMappingHandlers } from '../api/handlers/user-mapping.ts'
import { versionHandlers } from '../api/handlers/versions.ts'
import { webhookHandlers } from '../api/handlers/webhooks.ts'
import { connectTemporal } from '../api/temporal.ts'
import { connect } from '../connectors/connect.ts'
import { saveBridge } from '../db/bridges.ts'
import { openDatabase } from '../db/connection.ts'
import { ensurePartitions } from '../db/ledger.ts'
import { createStore } from '../db/store.ts'
import { type AlmOptions, createAlmSandbox } from '../sandbox/alm/server.ts'
import { createOctaneSandbox, type OctaneOptions } from '../sandbox/octane/server.ts'
import { createBridgeWorkers } from '../worker/bridge.ts'
import { createCentralWorker } from '../worker/central.ts'
import { registerSearchAttributes } from '../worker/register-search-attributes.ts'
import { createContractClient } from './contract-client.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { createTcpProxy } from './tcp-proxy.ts'

export interface ServiceOptions {
  alm?: Partial<AlmOptions>
  octane?: Partial<OctaneOptions>
  /** Which workers run from the start; default: both. */
  workers?: 'both' | 'central' | 'none'
  /** Another Temporal server than the one of the test run. */
  temporalAddress?: string
  /** Where databases come from outside of vitest. */
  createDatabase?: () => Promise<TestDatabase>
  /** Where the seals of the ledger and their keys are. */
  sealFolder?: string
  /** How long a command may wait for a worker. */
  commandMs?: number
  /** How long a question to an endpoint may take. */
  askMs?: number
}

const namespace = 'default'
const build = 'test'

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  // A server that is away is news to nobody here.
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
})
let bundle: Promise<WorkflowBundleWithSourceMap> | null = null

/** The workflows as workers load them, bundled once. */
export function workflowBundle(): Promise<WorkflowBundleWithSourceMap> {
  bundle ??= bundleWorkflowCode({
    workflowsPath: new URL('../workflows/index.ts', import.meta.url).pathname,
    logger: new DefaultLogger('ERROR'),
  })
  return bundle
}

/**
 * The whole service in this process on real parts: API, central worker and bridge on a database and task queues of their
 * own, with both sandboxes over HTTP.
 */
export async function startService(options: ServiceOptions = {}) {
  const testDatabase = await (options.createDatabase ?? createTestDatabase)()
  const database = openDatabase(testDatabase.url)
  await ensurePartitions(database)
  const unique = randomBytes(4).toString('hex')
  const [bridgeId, taskQueue] = [`test-${unique}`, `central-${unique}`]
  const { publicKey, privateKey } = await generateKeyPair('ECDH-ES+A256KW', { crv: 'P-256', extractable: true })
  const about = { kid: bridgeId, alg: 'ECDH-ES+A256KW', use: 'enc' }
  await saveBridge(database, { id: bridgeId, name: 'Test', publicKey: { ...(await exportJWK(publicKey)), ...about } })

  const alm = createAlmSandbox({ version: '26.1', seed: 1, defects: 0, ...options.alm })
  const octane = createOctaneSandbox({ seed: 1, defects: 0, ...options.octane })
  const [almAt, octaneAt] = await Promise.all([alm.listen(), octane.listen()])

  const temporalAt = new URL(`http://${options.temporalAddress ?? inject('temporalAddress')}`)
  const temporalProxy = await createTcpProxy({ host: temporalAt.hostname, port: Number(temporalAt.port) })
  const databaseAt = new URL(testDatabase.url)
  const databaseProxy = await createTcpProxy({ host: databaseAt.hostname, port: Number(databaseAt.port) })
  databaseAt.host = `127.0.0.1:${databaseProxy.port}`
  const apiDatabase = openDatabase(databaseAt.href)
  const logged: string[] = []
  const logger = pino({ name: 'api', level: 'trace' }, { write: (line: string) => void logged.push(line) })
  const temporal = await connectTemporal({
    address: `127.0.0.1:${temporalProxy.port}`,
    namespace,
    taskQueue,
    commandMs: options.commandMs ?? 15_000,
    askMs: options.askMs ?? 30_000,
  })
  const dependencies = { database: apiDatabase, temporal, bridgeId, logger }
  const links = { temporalUi: null, mail: null }
  const app = createApp(
    { ...dependencies, build, links },
    {
      ...serviceHandlers(dependencies, { build, ...links }),
      ...endpointHandlers(dependencies),
      ...linkHandlers(dependencies),
      ...ledgerHandlers(dependencies, options.sealFolder ?? null),
      ...recordHandlers(dependencies),
      ...runHandlers(dependencies),
      ...historyHandlers(dependencies),
      ...summaryHandlers(dependencies),
      ...retentionHandlers(dependencies),
      ...conflictHandlers(dependencies),
      ...adoptionHandlers(dependencies),
      ...userMappingHandlers(dependencies),
      ...issueHandlers(dependencies),
      ...scopeHandlers(dependencies),
      ...stopHandlers(dependencies),
      ...resetHandlers(dependencies),
      ...versionHandlers(dependencies),
      ...definitionHandlers(dependencies),
      ...webhookHandlers(dependencies),
    },
  )
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = createContractClient(url)

  const workerConnection = await NativeConnection.connect({ address: temporalAt.host })
  const directConnection = await Connection.connect({ address: temporalAt.host })
  const workflows = new Client({ connection: directConnection, namespace }).workflow
  const running: { stop(): Promise<void> }[] = []

  function run(workers: readonly Worker[], cleanUp: () => Promise<void>) {
    const ended = Promise.all(workers.map((worker) => worker.run()))
    let stopped: Promise<void> | null = null
    const handle = {
      stop: () => {
        stopped ??= (async () => {
          for (const worker of workers) worker.shutdown()
          await ended
          await cleanUp()
        })()
        return stopped
      },
    }
    running.push(handle)
    return handle
  }

  async function startCentral() {
    await registerSearchAttributes(workerConnection, namespace)
    const activities = createCentralActivities({
      database,
      store: createStore(database, { bridgeId: 'central' }),
      transport: null,
      from: 'Tandem <tandem@localhost>',
      fallbackRecipient: 'admin@localhost',
      publicUrl: url,
    })
    const worker = await createCentralWorker({
      connection: workerConnection,
      namespace,
      activities,
      taskQueue,
      workflowBundle: await workflowBundle(),
    })
    return run([worker], async () => undefined)
  }

  async function startBridge() {
    const connections = createConnections({
      connect,
      openSecret: createSecretOpener({ ...(await exportJWK(privateKey)), ...about }),
    })
    const activities = createBridgeActivities({
      store: createStore(database, { bridgeId }),
      connections,
      bridge: bridgeId,
      build,
    })
    const workers = await createBridgeWorkers({ connection: workerConnection, namespace, bridge: bridgeId, activities })
    return run(workers, () => connections.close())
  }

  const wanted = options.workers ?? 'both'
  if (wanted !== 'none') await startCentral()
  if (wanted === 'both') await startBridge()

  const almAddress = { kind: 'alm' as const, url: almAt.url, domain: alm.domain, project: alm.project }
  const octaneAddress = {
    kind: 'octane' as const,
    url: octaneAt.url,
    sharedSpace: octane.sharedSpace,
    workspace: octane.workspace,
  }
  const almSecret = { kind: 'password' as const, ...alm.credentials.user }
  const octaneSecret = { kind: 'api-key' as const, ...octane.credentials.apiKey }

  async function addEndpoints(suffix = ''): Promise<{ left: EndpointView; right: EndpointView }> {
    const [left, right] = await Promise.all([
      client.call('createEndpoint', { body: { name: `alm${suffix}`, address: almAddress, secret: almSecret } }),
      client.call('createEndpoint', {
        body: { name: `octane${suffix}`, address: octaneAddress, secret: octaneSecret },
      }),
    ])
    return { left, right }
  }

  async function addLink(name = 'Defects', suffix = ''): Promise<LinkView> {
    const { left, right } = await addEndpoints(suffix)
    // No full scan by itself while a test happens to run at night.
    const configuration = { schedule: { fullScans: [] } }
    const { link } = await client.call('createLink', { body: { name, left: left.id, right: right.id, configuration } })
    return link
  }

  /** Saves a version of a link's configuration that differs from the newest one in these parts. */
  async function configure(linkId: string, change: object): Promise<void> {
    const { items } = await client.call('listVersions', { params: { id: linkId } })
    const [newest] = items
    await client.call('addVersion', {
      params: { id: linkId },
      body: { expectedVersion: newest?.version ?? 0, configuration: { ...newest?.configuration, ...change } },
    })
  }

  async function ended(runId: string): Promise<RunView> {
    for (const until = performance.now() + 60_000; ; await pause(40)) {
      const found = await client.call('getRun', { params: { id: runId } }).catch((error: unknown) => error as Error)
      if (!(found instanceof Error) && found.status !== 'running') return found
      if (performance.now() > until)
        throw found instanceof Error ? found : new Error(`run ${runId} is still ${found.status}`)
    }
  }

  /** Gives a command that runs something, and waits for the end of that run. */
  async function runToEnd(linkId: string, command: CommandName): Promise<RunView> {
    const { runId } = await client.call('commandLink', { params: { id: linkId }, body: { command } })
    if (runId === null) throw new Error(`${command} started no run`)
    return ended(runId)
  }

  /** Every row of every table, as text. */
  async function dumpDatabase(): Promise<string> {
    const sql = postgres(testDatabase.url, { max: 1, onnotice: () => undefined })
    try {
      const tables = await sql<{ name: string }[]>`
        select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
        where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`
      const dumps = await Promise.all(
        tables.map(async ({ name }) => {
          const rows = await sql.unsafe<{ row: string }[]>(`select t::text as row from ${name} t`)
          return rows.map(({ row }) => `${name} ${row}`)
        }),
      )
      return dumps.flat().join('\n')
    } finally {
      await sql.end()
    }
  }

  /** Histories of all workflows of this service, with their payloads in clear. */
  async function dumpHistories(): Promise<string> {
    const dumps: string[] = []
    for await (const execution of workflows.list({ query: `TaskQueue = '${taskQueue}'` })) {
      const history = await workflows.getHandle(execution.workflowId, execution.runId).fetchHistory()
      dumps.push(`${execution.workflowId} ${inClear(history)}`, inClear(execution.memo), inClear(execution.raw))
    }
    return dumps.join('\n')
  }

  async function stopWorkers(): Promise<void> {
    await Promise.all(running.map((one) => one.stop()))
  }

  async function close(): Promise<void> {
    await stopWorkers()
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
    // What this service started must not stay behind on the shared server.
    for await (const { workflowId } of workflows.list({
      query: `TaskQueue = '${taskQueue}' AND ExecutionStatus = 'Running'`,
    }))
      await workflows
        .getHandle(workflowId)
        .terminate()
        .catch(() => undefined)
    await temporal.close()
    await workerConnection.close()
    await directConnection.close()
    await Promise.all([alm.close(), octane.close()])
    await apiDatabase.close()
    await database.close()
    await Promise.all([temporalProxy.close(), databaseProxy.close()])
    await testDatabase.drop()
  }

  return {
    url,
    client,
    call: client.call,
    refused: client.refused,
    alm,
    octane,
    almAddress,
    octaneAddress,
    almSecret,
    octaneSecret,
    database,
    /** Lines that the API logged. */
    logged,
    /** The API's way to the database and to Temporal, to be cut and mended. */
    databaseProxy,
    temporalProxy,
    workflows,
    bridgeId,
    /** What a worker process of this service has to know. */
    wiring: {
      databaseUrl: testDatabase.url,
      temporalAddress: temporalAt.host,
      taskQueue,
      bridgeId,
      bridgeKey: { ...(await exportJWK(privateKey)), ...about },
    },
    startCentral,
    startBridge,
    stopWorkers,
    addEndpoints,
    addLink,
    configure,
    ended,
    runToEnd,
    dumpDatabase,
    dumpHistories,
    close,
  }
}

export type Service = Awaited<ReturnType<typeof startService>>

/** A key that no request used before. */
export function freshKey(): string {
  return randomUUID()
}

function inClear(value: unknown): string {
  const seen = new Set<object>()
  const parts: string[] = []
  const walk = (at: unknown): void => {
    if (at === null || at === undefined) return
    if (at instanceof Uint8Array) {
      parts.push(Buffer.from(at).toString('utf8'))
      return
    }
    if (typeof at !== 'object') {
      parts.push(String(at))
      return
    }
    if (seen.has(at)) return
    seen.add(at)
    for (const [key, one] of Object.entries(at)) {
      parts.push(key)
      walk(one)
    }
  }
  walk(value)
  return parts.join(' ')
}
