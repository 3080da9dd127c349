import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Service, startService } from '../test/service.ts'

/** Half an hour away from most clocks. */
const timeZone = 'Australia/Lord_Howe'
const minuteMs = 60_000
const records = 60
const within = { timeout: 120_000, interval: 100 }

let service: Service
let central: { stop(): Promise<void> }
let linkId = ''

const link = () => service.call('getLink', { params: { id: linkId } })
const runs = async () => (await service.call('listRuns', { query: { linkId, limit: '200' } })).items
const until = (at: number) => new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now())))
const wall = (at: number) => new Intl.DateTimeFormat('sv-SE', { timeZone, timeStyle: 'short' }).format(at)
const carried = () => service.octane.records('defect').filter(({ name }) => String(name).startsWith('edited ')).length

function requests(): number {
  const counts = [service.alm, service.octane].flatMap((system) => [...system.requests.values()])
  return counts.reduce((sum, count) => sum + count, 0)
}

describe('a schedule by the clock', () => {
  beforeAll(async () => {
    service = await startService({ alm: { defects: records }, workers: 'none' })
    central = await service.startCentral()
    await service.startBridge()
    linkId = (await service.addLink()).id
    expect((await service.runToEnd(linkId, 'run')).status).toBe('passed')
  })
  afterAll(() => service.close())

  it('interrupts a run where a blackout begins, leaves both systems alone, goes on and makes up for a full scan at its end', {
    timeout: 360_000,
  }, async () => {
    // Batches of two with a pause: the run would take longer than it has.
    await service.configure(linkId, {
      tuning: { batchSize: 2, parallel: 1, overlapSeconds: 300, writes: 'bulk', batchPauseMs: 2_000 },
    })
    expect((await service.runToEnd(linkId, 'check')).status).toBe('passed')
    await service.call('commandLink', { params: { id: linkId }, body: { command: 'automatic' } })
    const begins = Math.ceil((Date.now() + 20_000) / minuteMs) * minuteMs
    const ends = begins + minuteMs
    await service.configure(linkId, {
      schedule: {
        intervalSeconds: 1,
        timeZone,
        fullScans: [{ times: [wall(begins)] }],
        blackouts: [{ from: wall(begins), to: wall(ends) }],
      },
    })
    await until(begins - 15_000)
    for (let id = 1; id <= records; id++) service.alm.edit('defect', String(id), { name: `edited ${id}` })
    await expect.poll(carried, within).toBeGreaterThan(0)

    await expect
      .poll(async () => (await runs())[0], within)
      .toMatchObject({ status: 'interrupted', message: expect.stringContaining('blackout') })
    const [interrupted] = await runs()
    expect(Date.parse(interrupted?.endedAt ?? '')).toBeGreaterThanOrEqual(begins)
    expect(interrupted).toMatchObject({ trigger: 'automatic', kind: 'incremental' })
    const [done, asked] = [carried(), requests()]
    expect(done).toBeLessThan(records)
    await expect.poll(link, within).toMatchObject({ status: 'outside-schedule', activity: 'idle', currentRun: null })
    const closed = await link()
    expect(Date.parse(closed.schedule.closedUntil ?? '')).toBe(ends)
    expect(closed.schedule.nextFullScan).toBe(closed.schedule.closedUntil)
    expect(closed.pending).toBeGreaterThan(0)

    // Whatever the workers remember, the schedule does not depend on it.
    await central.stop()
    await service.startCentral()
    await until(ends - 1_000)
    expect([carried(), requests()]).toEqual([done, asked])

    await expect.poll(carried, within).toBe(records)
    const full = async () => (await runs()).filter((run) => run.kind === 'full')
    await expect.poll(full, within).toMatchObject([{ trigger: 'automatic', actor: 'tandem', status: 'passed' }])
    await expect.poll(link, within).toMatchObject({ status: 'ok', schedule: { closedUntil: null } })
    const inside = (await runs()).filter((run) => {
      const started = Date.parse(run.startedAt)
      return started >= begins && started < ends
    })
    expect(inside).toEqual([])
    expect(await full()).toHaveLength(1)
  })
})
