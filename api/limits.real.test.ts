import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Service, startService } from '../test/service.ts'

let service: Service

beforeEach(async () => {
  service = await startService({ alm: { defects: 60 } })
})
afterEach(() => service.close())

describe('how many batches may be under way at a time', () => {
  // covers 110
  it('is set for an endpoint and for the installation, shown with what is going on, and lies in the ledger', async () => {
    const { left } = await service.addEndpoints()
    expect(await service.call('getLimits')).toEqual({ endpointBatches: 8, batches: null })
    expect(left).toMatchObject({
      maxBatches: null,
      load: { limit: 8, running: 0, waiting: 0, pausedUntil: null },
    })
    expect(await service.call('changeLimits', { body: { endpointBatches: 5 } })).toEqual({
      endpointBatches: 5,
      batches: null,
    })
    expect(await service.call('changeLimits', { body: { batches: 20 } })).toEqual({ endpointBatches: 5, batches: 20 })
    expect(await service.call('changeLimits', { body: { batches: null } })).toEqual({
      endpointBatches: 5,
      batches: null,
    })
    const params = { id: left.id }
    const changed = await service.call('changeEndpoint', { params, body: { maxBatches: 2 } })
    expect(changed).toMatchObject({ maxBatches: 2, load: { limit: 2 }, revision: left.revision })
    const [other, own] = (await service.call('listEndpoints')).items.map((one) => one.load.limit).sort((a, b) => b - a)
    expect([other, own]).toEqual([5, 2])
    await service.call('changeEndpoint', { params, body: { maxBatches: null } })
    expect((await service.call('getEndpoint', { params })).load.limit).toBe(5)

    const refused = await service.refused('changeEndpoint', { params, body: { maxBatches: 0 } })
    expect(refused).toMatchObject({ status: 400, errors: [{ pointer: '/maxBatches', message: 'at least 1' }] })
    expect(await service.refused('changeLimits', { body: { endpointBatches: 65 } })).toMatchObject({
      status: 400,
      errors: [{ pointer: '/endpointBatches', message: 'at most 64' }],
    })
    const rows = await service.database.sql<{ action: string }[]>`
      select action from ledger where action in ('limits changed', 'endpoint changed')`
    expect(rows.map((row) => row.action).sort()).toEqual([
      'endpoint changed',
      'endpoint changed',
      'limits changed',
      'limits changed',
      'limits changed',
    ])
  })

  // covers 110
  it('holds for a run that would do more at a time, and waiting costs its history little', async () => {
    const { id } = await service.addLink()
    await service.configure(id, { tuning: { batchSize: 5, parallel: 6 } })
    const { left } = await service.call('getLink', { params: { id } })
    await service.call('changeEndpoint', { params: { id: left.id }, body: { maxBatches: 1 } })
    let most = 0
    const looking = setInterval(() => {
      void service.database.sql<{ count: number }[]>`select count(*)::int from batch_slots where until > now()`.then(
        ([row]) => {
          most = Math.max(most, row?.count ?? 0)
        },
        () => undefined,
      )
    }, 10)
    const run = await service.runToEnd(id, 'run')
    clearInterval(looking)
    expect(run.status).toBe('passed')
    expect(service.octane.records('defect')).toHaveLength(60)
    expect(most).toBe(1)
    const { events } = await service.workflows.getHandle(`run-${run.id}`).fetchHistory()
    const scheduled = (events ?? []).filter((event) => event.activityTaskScheduledEventAttributes !== undefined)
    const reconciles = scheduled.filter(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'reconcile',
    )
    // Six at first; those that found no room are not asked again.
    expect(reconciles.length).toBeLessThanOrEqual(10)
  })
})
