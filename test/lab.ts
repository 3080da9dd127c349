import { createConnections } from '../activities/connections.ts'
import { createReconcile } from '../activities/reconcile/reconcile.ts'
import { createScan } from '../activities/scan.ts'
import { createSimulate } from '../activities/simulate.ts'
import { connect } from '../connectors/connect.ts'
import type { Connector } from '../connectors/contract.ts'
import { proposeMapping } from '../core/auto-map.ts'
import type { CredentialSecret } from '../core/endpoint.ts'
import type { AskedType } from '../core/known-fields.ts'
import { type LinkConfigurationInput, type LinkKind, linkConfiguration } from '../core/link-config.ts'
import { entityTypes } from '../core/link-kinds.ts'
import type { Store } from '../core/store.ts'
import { saveBridge } from '../db/bridges.ts'
import { openDatabase } from '../db/connection.ts'
import { createEndpoint } from '../db/endpoints.ts'
import { ensurePartitions } from '../db/ledger.ts'
import { createLink } from '../db/links.ts'
import { createStore } from '../db/store.ts'
import { workspaceFor } from '../db/workspaces.ts'
import { type AlmOptions, createAlmSandbox } from '../sandbox/alm/server.ts'
import { createOctaneSandbox, type OctaneOptions } from '../sandbox/octane/server.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'

/** Stands between a worker's activities and the world, so that a test can end the worker at any of its calls. */
export interface Shell {
  store(store: Store): Store
  connector(connector: Connector): Connector
}

export interface LabOptions {
  alm?: Partial<AlmOptions>
  octane?: Partial<OctaneOptions>
  /** Where databases come from outside of vitest. */
  createDatabase?: () => Promise<TestDatabase>
  /** Length of a lease in seconds. */
  leaseSeconds?: number
  /** What the link keeps in step; defects where it is left out. */
  kind?: LinkKind
  /** Types that the link is to keep in step. */
  types?: readonly AskedType[]
  link?: (proposed: LinkConfigurationInput) => LinkConfigurationInput
}

/**
 * A link between both sandboxes over HTTP, on a database of its own: everything real but Temporal, so that a test
 * can call the steps of a run one by one.
 */
export async function createLab(options: LabOptions = {}) {
  const { kind = 'defect' } = options
  const testDatabase = await (options.createDatabase ?? createTestDatabase)()
  const database = openDatabase(testDatabase.url)
  await ensurePartitions(database)
  const alm = createAlmSandbox({ version: '26.1', seed: 1, defects: 0, ...options.alm })
  const octane = createOctaneSandbox({ seed: 1, defects: 0, ...options.octane })
  const [almAt, octaneAt] = await Promise.all([alm.listen(), octane.listen()])
  const secrets: Record<string, CredentialSecret> = {
    alm: { kind: 'password', ...alm.credentials.user },
    octane: { kind: 'api-key', ...octane.credentials.apiKey },
  }
  await saveBridge(database, { id: 'test', name: 'Test', publicKey: {} })
  const almAddress = { kind: 'alm' as const, url: almAt.url, domain: alm.domain, project: alm.project }
  const octaneAddress = {
    kind: 'octane' as const,
    url: octaneAt.url,
    sharedSpace: octane.sharedSpace,
    workspace: octane.workspace,
  }
  const endpoint = (name: string, address: typeof almAddress | typeof octaneAddress) =>
    createEndpoint(database, { name, address, sealed: { test: name }, testReport: null, actor: 'test' })
  const leftId = await endpoint('alm', almAddress)
  const rightId = await endpoint('octane', octaneAddress)
  const store = createStore(database, { bridgeId: 'test' })
  const workers: { connections: ReturnType<typeof createConnections> }[] = []

  /** The activities of one worker process, with sessions of their own. */
  function createWorker(shell?: Shell) {
    const connections = createConnections({
      connect: (address, secret, how) => {
        const connector = connect(address, secret, how)
        return shell === undefined ? connector : shell.connector(connector)
      },
      openSecret: async (sealed) => {
        const secret = secrets[sealed]
        if (secret === undefined) throw new Error('no such secret')
        return secret
      },
    })
    const dependencies = {
      store: shell === undefined ? store : shell.store(store),
      connections,
      bridge: 'test',
      build: 'test',
      ...(options.leaseSeconds === undefined ? {} : { leaseSeconds: options.leaseSeconds }),
    }
    const worker = {
      connections,
      activities: { ...createScan(dependencies), ...createReconcile(dependencies), ...createSimulate(dependencies) },
    }
    workers.push(worker)
    return worker
  }
  const { connections, activities } = createWorker()
  const at = (id: string, name: string, address: typeof almAddress | typeof octaneAddress) => ({
    id,
    name,
    address,
    sealedSecret: name,
    revision: 1,
  })
  const [left, right] = await Promise.all([
    connections.describe(at(leftId, 'alm', almAddress), entityTypes[kind].alm),
    connections.describe(at(rightId, 'octane', octaneAddress), entityTypes[kind].octane),
  ])
  const proposal = proposeMapping({
    kind,
    ...(options.types === undefined ? {} : { askedTypes: options.types }),
    left: left.entity,
    leftKind: 'alm',
    right: right.entity,
    rightKind: 'octane',
  })
  const proposed: LinkConfigurationInput = {
    entityType: kind,
    left: { endpointId: leftId, entityType: entityTypes[kind].alm, crossReference: proposal.crossReference.left },
    right: { endpointId: rightId, entityType: entityTypes[kind].octane, crossReference: proposal.crossReference.right },
    types: proposal.types,
    matchBy: proposal.matchBy,
    fields: proposal.fields,
    defaultUsers: { left: 'sync', right: null },
    rules: { toRight: { create: true, update: true }, toLeft: { create: true, update: true } },
  }
  const configuration = linkConfiguration.parse((options.link ?? ((same) => same))(proposed))
  const linkId = await createLink(database, {
    name: `The ${kind} link`,
    description: '',
    workspaceId: await workspaceFor(database, octaneAddress),
    bridgeId: 'test',
    configuration,
    author: 'test',
    comment: '',
  })
  return {
    alm,
    octane,
    database,
    databaseUrl: testDatabase.url,
    almUrl: almAt.url,
    secrets,
    store,
    connections,
    configuration,
    proposal,
    linkId,
    metadata: { left, right },
    activities,
    createWorker,
    close: async () => {
      await Promise.all(workers.map((worker) => worker.connections.close()))
      await Promise.all([alm.close(), octane.close()])
      await database.close()
      await testDatabase.drop()
    },
  }
}

export type Lab = Awaited<ReturnType<typeof createLab>>
