import { parseArgs } from 'node:util'
import { Connection } from '@temporalio/client'
import { createApiClient } from '../cli/api-client.ts'
import { createAlmSandbox } from '../sandbox/alm/server.ts'
import { createOctaneSandbox } from '../sandbox/octane/server.ts'
import { removeFolder, temporaryFolder } from '../standalone/postgres.ts'
import { startStack } from '../standalone/stack.ts'

/**
 * What an idle link in automatic mode costs: events that its history gains over N intervals in which nothing changes, and
 * the requests by which it looked meanwhile. All parts of Tandem are processes of their own; the sandboxes live in this one.
 */

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '20' },
    interval: { type: 'string', default: '2' },
    intervals: { type: 'string', default: '20' },
  },
})
const [records, interval, intervals] = [values.records, values.interval, values.intervals].map(Number) as [
  number,
  number,
  number,
]

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000))

const alm = createAlmSandbox({ version: '26.1', seed: 1, defects: records })
const octane = createOctaneSandbox({ seed: 1, defects: 0 })
const [almAt, octaneAt] = await Promise.all([alm.listen(), octane.listen()])
const data = temporaryFolder('tandem-idle')
const stack = await startStack({ data, checklist: { step: (_what, body) => body(), say }, logLevel: 'warn' })
try {
  const api = createApiClient(stack.api)
  const left = await api.call('createEndpoint', {
    body: {
      name: 'alm',
      address: { kind: 'alm', url: almAt.url, domain: alm.domain, project: alm.project },
      secret: { kind: 'password', ...alm.credentials.user },
    },
  })
  const right = await api.call('createEndpoint', {
    body: {
      name: 'octane',
      address: { kind: 'octane', url: octaneAt.url, sharedSpace: octane.sharedSpace, workspace: octane.workspace },
      secret: { kind: 'api-key', ...octane.credentials.apiKey },
    },
  })
  const configuration = { schedule: { intervalSeconds: interval } }
  const { link } = await api.call('createLink', {
    body: { name: 'idle', left: left.id, right: right.id, configuration },
  })
  const at = { params: { id: link.id } }
  await api.call('commandLink', { ...at, body: { command: 'automatic' } })
  say(`${records} defects are synchronized, then the link is left alone`)
  const settled = async () => {
    const now = await api.call('getLink', at)
    return now.pairs === records && now.pending === 0 && now.activity === 'idle'
  }
  for (let tries = 0; !(await settled()); tries++) {
    if (tries > 120) throw new Error('The first synchronization does not end.')
    await pause(1)
  }
  // Echoes of its own writes are looked at once more.
  await pause(3 * interval + 3)

  const connection = await Connection.connect({ address: stack.temporalAddress })
  const workflowsOf = async () => {
    const found = await connection.workflowService.listWorkflowExecutions({ namespace: 'default', pageSize: 1_000 })
    return (found.executions ?? []).map((one) => ({
      id: String(one.execution?.workflowId),
      events: Number(one.historyLength ?? 0),
    }))
  }
  const eventsOf = async () => {
    const described = await connection.workflowService.describeWorkflowExecution({
      namespace: 'default',
      execution: { workflowId: `link-${link.id}` },
    })
    return Number(described.workflowExecutionInfo?.historyLength ?? 0)
  }
  const looks = () => [...alm.requests.values(), ...octane.requests.values()].reduce((sum, one) => sum + one, 0)
  const before = { events: await eventsOf(), workflows: (await workflowsOf()).length, looks: looks() }
  say(`Nothing changes for ${intervals} intervals of ${interval} s`)
  await pause(intervals * interval)
  const after = { events: await eventsOf(), workflows: (await workflowsOf()).length, looks: looks() }
  await connection.close()
  process.stdout.write(
    `${JSON.stringify({
      bench: 'idle',
      records,
      intervals,
      intervalSeconds: interval,
      eventsAdded: after.events - before.events,
      eventsPerInterval: (after.events - before.events) / intervals,
      workflowsAdded: after.workflows - before.workflows,
      historyLength: after.events,
      requestsWhileIdle: after.looks - before.looks,
      requestsPerInterval: (after.looks - before.looks) / intervals,
    })}\n`,
  )
} finally {
  await stack.stop()
  await Promise.all([alm.close(), octane.close()])
  removeFolder(data)
}
