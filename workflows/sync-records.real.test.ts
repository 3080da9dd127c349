import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Service, startService } from '../test/service.ts'

let service: Service
let linkId = ''

const sync = (body: object, key?: string) =>
  service.call('syncRecords', { params: { id: linkId }, body, ...(key === undefined ? {} : { key }) })
const records = async (runId: string) => (await service.call('runRecords', { params: { id: runId } })).items
const command = (name: string) => service.call('commandLink', { params: { id: linkId }, body: { command: name } })

describe('synchronizing a few records by id', () => {
  beforeAll(async () => {
    service = await startService({ alm: { defects: 30 }, octane: { defects: 5 } })
    linkId = (await service.addLink()).id
  })
  afterAll(() => service.close())

  // covers 32
  it('works before the first run, checks first, touches nothing else, and tells unknown ids', async () => {
    const rightId = String(service.octane.records('defect')[0]?.id)
    const { runId, state } = await sync({ left: ['2', '3', '9999'], right: [rightId] }, 'first')
    expect(state).toBe('started')
    expect(await service.ended(runId)).toMatchObject({
      kind: 'records',
      status: 'with-errors',
      message: '1 record that it was asked for is unknown: there is no such record, or it may not be read.',
      trigger: 'person',
      counters: { createdRight: 2, createdLeft: 1, scannedLeft: 0, scannedRight: 0 },
    })
    expect(await service.call('getLink', { params: { id: linkId } })).toMatchObject({
      check: 'passed',
      pairs: 3,
      // The record that was linked back is looked at once more by the next run.
      pending: 1,
    })
    expect((await service.call('runFindings', { params: { id: runId } })).passed).toBe(true)
    expect(service.octane.records('defect')).toHaveLength(7)
    expect(service.alm.store.rows('defect').size).toBe(31)
    const told = await records(runId)
    expect(told.map((one) => [one.side, one.id, one.outcome, one.settled])).toEqual([
      ['left', '2', 'created', true],
      ['left', '3', 'created', true],
      ['left', '9999', 'unknown', true],
      ['right', rightId, 'created', true],
    ])
    expect(told.map((one) => one.twinId !== null)).toEqual([true, true, false, true])
    // A repeat of the same request is the same request.
    expect(await sync({ left: ['2', '3', '9999'], right: [rightId] }, 'first')).toMatchObject({ runId, state })
  })

  it('tells what was updated and what was as it should be, from either side', async () => {
    service.alm.edit('defect', '2', { name: 'asked for' })
    service.alm.edit('defect', '4', { name: 'not asked for' })
    const { runId } = await sync({ left: ['2', '3'] })
    expect((await service.ended(runId)).status).toBe('passed')
    expect((await records(runId)).map((one) => one.outcome)).toEqual(['updated', 'unchanged'])
    expect(service.octane.records('defect').filter(({ name }) => name === 'asked for')).toHaveLength(1)
    expect(service.octane.records('defect').filter(({ name }) => name === 'not asked for')).toHaveLength(0)
  })

  it('tells what is held with its issue, and tries it again at once although it waits in back-off', async () => {
    // Twins that only one side names are held until somebody decides.
    service.alm.edit('defect', '5', { 'user-01': '' })
    const twin = (await records((await sync({ left: ['5'] })).runId)).length
    expect(twin).toBe(1)
    await expect
      .poll(() => service.octane.records('defect').some(({ alm_id_udf }) => alm_id_udf === 'DEFAULT/Sync/defect/5'), {
        timeout: 20_000,
      })
      .toBe(true)
    const rightId = String(service.octane.records('defect').at(-1)?.id)
    service.octane.edit('defect', rightId, { alm_id_udf: 'DEFAULT/Sync/defect/6' })
    const held = await sync({ left: ['6'] })
    await service.ended(held.runId)
    const [first] = await records(held.runId)
    expect(first).toMatchObject({ id: '6', outcome: 'held', settled: true })
    expect(first?.issues).toMatchObject([{ code: 'unproven-twin', leftId: '6' }])

    service.octane.edit('defect', rightId, { alm_id_udf: 'DEFAULT/Sync/defect/5' })
    const again = await sync({ left: ['6'] })
    await service.ended(again.runId)
    expect(await records(again.runId)).toMatchObject([{ id: '6', outcome: 'created' }])
  })

  it('refuses what makes no sense, with every reason', async () => {
    const refused = (body: object) => service.refused('syncRecords', { params: { id: linkId }, body })
    expect(await refused({})).toMatchObject({ status: 400, code: 'invalid-request' })
    expect((await refused({ left: ['x'], right: ['1', '-3'] })).errors.map((one) => one.pointer)).toEqual([
      '/left/0',
      '/right/1',
    ])
    await command('pause')
    expect(await refused({ left: ['2'] })).toMatchObject({
      status: 409,
      code: 'paused',
      remedy: 'Resume the link first.',
    })
    await command('resume')
  })

  it('goes before what is queued', async () => {
    // The check takes long enough for the others to queue up behind it.
    service.alm.faults.latencyMs = 150
    const check = await command('check')
    // Whether the check has begun by then is left open; the full run has not.
    const full = await command('full')
    const asked = await sync({ left: ['10', '11'] })
    expect(asked.state).toBe('queued')
    service.alm.faults.latencyMs = 0
    const ended = []
    for (const runId of [asked.runId, full.runId, check.runId]) ended.push(await service.ended(runId ?? ''))
    expect(ended.map((run) => run.status)).toEqual(['passed', 'passed', 'passed'])
    const starts = ended.slice(0, 2).map((run) => run.startedAt)
    expect(starts).toEqual([...starts].sort())
    expect((await records(asked.runId)).map((one) => one.outcome)).toEqual(['created', 'created'])
  })

  it('is in the ledger with who asked for which records', async () => {
    const { items } = await service.call('linkLedger', { params: { id: linkId }, query: { limit: '200' } })
    const commands = items.filter((row) => row.action === 'run records').reverse()
    expect(commands).toHaveLength(6)
    expect(commands[1]).toMatchObject({
      kind: 'command',
      actor: 'local',
      content: {
        records: [
          { side: 'left', id: '2' },
          { side: 'left', id: '3' },
        ],
      },
    })
  })
})
