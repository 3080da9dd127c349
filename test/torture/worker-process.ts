import { randomUUID } from 'node:crypto'
import process from 'node:process'
import { MockActivityEnvironment } from '@temporalio/testing'
import { createConnections } from '../../activities/connections.ts'
import { createReconcile } from '../../activities/reconcile/reconcile.ts'
import { createScan } from '../../activities/scan.ts'
import { connect } from '../../connectors/connect.ts'
import type { CredentialSecret } from '../../core/endpoint.ts'
import { openDatabase } from '../../db/connection.ts'
import { createStore } from '../../db/store.ts'
import { mortal } from './mortal.ts'

/** What the parent tells a worker process that is to die by SIGKILL at a call; `call` 0: never. */
export interface WorkerOrder {
  databaseUrl: string
  linkId: string
  secrets: Record<string, CredentialSecret>
  call: number
  /** Counts only calls of this name, such as `store.commit`; absent: all calls. */
  of?: string
  when: 'before' | 'during'
}

// A real process that does one cycle, scan and reconcile, on real connections, and is killed by the system in the middle of it.
const order = JSON.parse(process.argv[2] ?? '{}') as WorkerOrder
const database = openDatabase(order.databaseUrl)
let named = 0
const body = mortal(null, undefined, (call, name, start) => {
  if (name === order.of) named++
  const isMeant = order.of === undefined ? call === order.call : name === order.of && named === order.call
  if (!isMeant) return start()
  process.stdout.write(`killed ${order.when} ${call} ${name}\n`)
  if (order.when === 'during') {
    const answer = start()
    // The request leaves this process, and the process is gone before an answer could come.
    setImmediate(() => process.kill(process.pid, 'SIGKILL'))
    return answer
  }
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => undefined)
})
const connections = createConnections({
  connect: (address, secret, how) => body.shell.connector(connect(address, secret, how)),
  openSecret: async (sealed) => {
    const secret = order.secrets[sealed]
    if (secret === undefined) throw new Error('no such secret')
    return secret
  },
})
const store = body.shell.store(createStore(database, { bridgeId: 'test' }))
const dependencies = { store, connections, bridge: 'test', build: 'test' }
const { scan } = createScan(dependencies)
const { reconcile } = createReconcile(dependencies)
const { linkId } = order
const runId = randomUUID()
await store.beginRun({
  runId,
  linkId,
  kind: 'incremental',
  trigger: 'automatic',
  actor: 'tandem',
  version: 1,
  temporal: { workflowId: `run-${runId}`, runId },
})
const activity = (call: () => Promise<unknown>) => new MockActivityEnvironment().run(call)
// One after the other, so that the same number is the same call every time.
await activity(() => scan({ linkId, runId, version: 1, side: 'left', extent: 'changes' }))
await activity(() => scan({ linkId, runId, version: 1, side: 'right', extent: 'changes' }))
await activity(() => reconcile({ linkId, runId, version: 1 }))
await connections.close()
await database.close()
process.stdout.write(`finished after ${body.calls()} calls\n`)
