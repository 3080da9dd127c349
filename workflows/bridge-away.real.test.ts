import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Service, startService } from '../test/service.ts'
import type { LinkInput } from './link-memory.ts'
import { linkWorkflowId } from './messages.ts'

let service: Service
let linkId = ''

const link = () => service.call('getLink', { params: { id: linkId } })
const command = (name: string) => service.call('commandLink', { params: { id: linkId }, body: { command: name } })
const health = (expected: string) =>
  vi.waitFor(async () => expect((await link()).health).toBe(expected), { timeout: 60_000, interval: 50 })

/** Starts the link's workflow anew, as one that was told two minutes ago that nobody takes its bridge's work. */
async function waitingForBridge(): Promise<void> {
  const at = service.workflows.getHandle(linkWorkflowId(linkId))
  const { taskQueue } = await at.describe()
  await at.terminate()
  const input: LinkInput = {
    linkId,
    carried: {
      v: 1,
      queued: [],
      health: 'waiting-for-bridge',
      healthMessage: 'No bridge takes the work of this link.',
      answers: [],
      interrupted: null,
      interruptedRun: null,
    },
  }
  await service.workflows.start('linkWorkflow', { workflowId: linkWorkflowId(linkId), taskQueue, args: [input] })
  await health('waiting-for-bridge')
}

describe('a link that waits for its bridge', () => {
  let bridge: { stop(): Promise<void> }
  beforeAll(async () => {
    service = await startService({ alm: { defects: 2 }, octane: { defects: 1 }, workers: 'central' })
    bridge = await service.startBridge()
    linkId = (await service.addLink()).id
    expect((await service.runToEnd(linkId, 'run')).status).toBe('passed')
  })
  afterAll(() => service.close())
  beforeEach(async () => {
    await bridge.stop()
    await waitingForBridge()
  })
  afterEach(() => service.alm.faults.clear())

  it('in manual mode is well again when a bridge is there, without a run', async () => {
    expect((await link()).status).toBe('waiting-for-bridge')
    bridge = await service.startBridge()
    await health('ok')
    expect((await link()).status).toBe('ok')
  })

  it('takes commands meanwhile, and is well again while paused', async () => {
    await command('pause')
    expect(await link()).toMatchObject({ paused: true, health: 'waiting-for-bridge' })
    bridge = await service.startBridge()
    await health('ok')
    await command('resume')
  })

  it('in automatic mode says what is wrong now when the bridge is there and an endpoint is not', async () => {
    const { items } = await service.call('listVersions', { params: { id: linkId } })
    const [newest] = items
    await service.call('addVersion', {
      params: { id: linkId },
      body: {
        expectedVersion: newest?.version ?? 0,
        configuration: { ...newest?.configuration, schedule: { intervalSeconds: 1, fullScans: [] } },
      },
    })
    bridge = await service.startBridge()
    expect((await service.runToEnd(linkId, 'check')).status).toBe('passed')
    await bridge.stop()
    await waitingForBridge()
    await command('automatic')
    service.alm.faults.add({ match: { path: '/' }, kind: 'unavailable', times: 10_000 })
    bridge = await service.startBridge()
    await health('degraded')
    service.alm.faults.clear()
    await health('ok')
  })
})
