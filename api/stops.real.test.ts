import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Service, startService } from '../test/service.ts'

let service: Service
let linkId = ''

const link = () => service.call('getLink', { params: { id: linkId } })
const stops = () => service.call('linkStops', { params: { id: linkId } })
const run = (command: 'run' | 'full' | 'simulate') => service.runToEnd(linkId, command)
const twins = () => service.octane.records('defect').filter((record) => String(record.alm_id_udf ?? '') !== '').length
const renamed = (word: string) =>
  service.octane.records('defect').filter((record) => String(record.name).startsWith(word)).length

const configure = (change: object) => service.configure(linkId, change)

const brake = { changes: { count: 4, share: 0 }, deletions: { count: 1, share: 0 } }

describe('what a link does not do until somebody agrees', () => {
  beforeEach(async () => {
    service = await startService({ alm: { defects: 10 } })
    linkId = (await service.addLink()).id
    await configure({ brake })
  })
  afterEach(() => service.close())

  it('holds what a first run would write beyond the limit, shows why, and does it once it is approved as shown', async () => {
    const first = await run('run')
    expect(first.message).toContain('simulate')
    expect(twins()).toBe(4)
    expect(await link()).toMatchObject({ status: 'approval-needed', pairs: 4 })
    const [waiting] = (await stops()).brakes
    expect(waiting).toMatchObject({ kind: 'changes', firstRun: true, held: 6, counts: { 'create-right': 6 } })
    const approve = (held: number) => ({
      params: { id: linkId, brakeId: waiting?.id ?? '' },
      body: { held, reason: 'It is meant.' },
    })
    expect(await service.refused('approveBrake', approve(5))).toMatchObject({ status: 409, code: 'brake-changed' })
    expect(twins()).toBe(4)
    expect(await service.call('approveBrake', approve(6))).toMatchObject({ brakes: [] })
    expect(await service.refused('approveBrake', approve(6))).toMatchObject({ status: 404 })
    await run('run')
    expect(twins()).toBe(10)
    expect(service.octane.records('defect')).toHaveLength(10)
    expect((await link()).status).not.toBe('approval-needed')
    const { items } = await service.call('linkLedger', { params: { id: linkId }, query: { limit: '200' } })
    const [row] = items.filter((one) => one.action === 'approve')
    expect(row).toMatchObject({ kind: 'command', actor: 'local', content: { count: 6, reason: 'It is meant.' } })
  })

  it('lets a first run do what its simulation has shown', async () => {
    await run('simulate')
    expect(await run('run')).toMatchObject({ counters: { createdRight: 10 } })
    expect(await stops()).toEqual({ brakes: [], restored: [] })
  })

  it('counts a created record once, whatever flows back from it in the same run', async () => {
    // What has no status gets one from the other side's first phase: an update that no simulation can show.
    for (let id = 1; id <= 6; id++) service.alm.edit('defect', String(id), { status: '' })
    await run('simulate')
    expect(await run('run')).toMatchObject({ counters: { createdRight: 10, updatedLeft: 6, held: 0 } })
    expect(await stops()).toEqual({ brakes: [], restored: [] })
  })

  it('brakes a later run that changes too much at once; few changes are nobody’s business', async () => {
    await run('simulate')
    await run('run')
    await run('run')
    for (const id of ['1', '2', '3']) service.alm.edit('defect', id, { name: `few ${id}` })
    expect(await run('run')).toMatchObject({ status: 'passed', counters: { updatedRight: 3 } })
    for (let id = 1; id <= 10; id++) service.alm.edit('defect', String(id), { name: `many ${id}` })
    await run('run')
    expect(renamed('many')).toBe(4)
    const [waiting] = (await stops()).brakes
    expect(waiting).toMatchObject({ kind: 'changes', firstRun: false, held: 6, counts: { 'update-right': 6 } })
    await service.call('approveBrake', {
      params: { id: linkId, brakeId: waiting?.id ?? '' },
      body: { held: 6, reason: 'A bulk edit by the test managers.' },
    })
    await run('run')
    expect(renamed('many')).toBe(10)
  })

  // covers 134, 135
  it('stops at an endpoint that went back in time, and compares afresh once somebody accepts it', async () => {
    await run('simulate')
    await run('run')
    await run('run')
    const backup = service.alm.snapshot()
    for (const id of ['1', '2', '3', '4']) service.alm.edit('defect', id, { name: `after the backup ${id}` })
    await run('run')
    expect(renamed('after')).toBe(4)
    service.alm.restore(backup)
    const before = service.octane.truth.entries().length
    expect((await run('full')).status).toBe('failed')
    expect(await link()).toMatchObject({ status: 'stopped' })
    expect(service.octane.truth.entries()).toHaveLength(before)
    const accept = (side: string) => ({ params: { id: linkId }, body: { side, reason: 'Restored from Monday.' } })
    expect(await service.refused('acceptRestored', accept('right') as never)).toMatchObject({ code: 'not-restored' })
    const [told] = (await stops()).restored
    expect(told?.side).toBe('left')
    expect(told?.message).toContain('back in time')
    await service.call('acceptRestored', accept('left') as never)
    expect((await link()).status).not.toBe('stopped')
    expect((await run('full')).status).toBe('passed')
    for (const id of ['1', '2', '3', '4']) {
      const twin = service.octane.records('defect').find((one) => one.alm_id_udf === `DEFAULT/Sync/defect/${id}`)
      expect(twin?.name).toBe(service.alm.store.get('defect', id)?.name)
    }
    expect(service.octane.records('defect')).toHaveLength(10)
  })
})
