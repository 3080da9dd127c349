import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Service, startService } from '../test/service.ts'

let service: Service
let linkId = ''
const ids = Array.from({ length: 40 }, (_, index) => String(index + 1))

const records = async (runId: string) => (await service.call('runRecords', { params: { id: runId } })).items
const command = (name: 'pause' | 'resume') =>
  service.call('commandLink', { params: { id: linkId }, body: { command: name } })
const created = () =>
  service.octane.truth.entries().filter((entry) => entry.action === 'create' && entry.via === 'rest')
const outcomes = async (runId: string) => (await records(runId)).map((one) => `${one.outcome} ${one.settled}`)
const recordRuns = async () =>
  (await service.call('listRuns', { query: { linkId, limit: '50' } })).items
    .filter((run) => run.kind === 'records')
    .reverse()

/** Asks for them, one at a time and slowly, and waits until some are done and some are not. */
async function asked(): Promise<string> {
  service.octane.faults.latencyMs = 250
  const { runId } = await service.call('syncRecords', { params: { id: linkId }, body: { left: ids } })
  await expect.poll(() => created().length, { timeout: 60_000, interval: 20 }).toBeGreaterThan(0)
  return runId
}

describe('a run for a few records that is cut off in the middle', () => {
  beforeEach(async () => {
    service = await startService({ alm: { defects: 42 } })
    linkId = (await service.addLink()).id
    await service.configure(linkId, { tuning: { batchSize: 1, parallel: 1 } })
    await service.runToEnd(linkId, 'check')
  })
  afterEach(() => service.close())

  it('by a pause goes on when resumed: nothing is forgotten or done twice, and both answers are true', async () => {
    const runId = await asked()
    // Takes hold when the batch in hand is done and the worker hears of it.
    await command('pause')
    expect(await service.ended(runId)).toMatchObject({ status: 'interrupted' })
    service.octane.faults.latencyMs = 0
    const before = created().length
    expect(before).toBeLessThan(ids.length)
    const resumed = await command('resume')
    expect(await service.ended(resumed.runId ?? '')).toMatchObject({ kind: 'records', status: 'passed' })
    expect(created()).toHaveLength(ids.length)
    expect(await outcomes(runId)).toEqual(ids.map(() => 'created true'))
    expect((await records(resumed.runId ?? '')).map((one) => one.settled)).toEqual(
      Array.from({ length: ids.length - before }, () => true),
    )
  })

  it('by a configuration that was saved goes on under the new one by itself', async () => {
    const runId = await asked()
    await service.configure(linkId, { tuning: { batchSize: 2, parallel: 1 } })
    expect(await service.ended(runId)).toMatchObject({ status: 'interrupted' })
    service.octane.faults.latencyMs = 0
    await expect.poll(async () => (await recordRuns()).length, { timeout: 30_000 }).toBe(2)
    const [, next] = await recordRuns()
    expect(await service.ended(next?.id ?? '')).toMatchObject({ kind: 'records', status: 'passed' })
    expect(created()).toHaveLength(ids.length)
    expect(await outcomes(runId)).toEqual(ids.map(() => 'created true'))
    // What was asked for and nothing else.
    expect(service.octane.records('defect')).toHaveLength(ids.length)
    const guards = await service.call('linkGuards', { params: { id: linkId } })
    expect(guards).toMatchObject({ left: { compareAndSet: 'lock' }, right: { compareAndSet: 'native', window: null } })
  })
})
