import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createStore } from '../db/store.ts'
import { removeFolder, temporaryFolder } from '../standalone/postgres.ts'
import { type RunningTemporal, startTemporal } from '../standalone/temporal.ts'
import { temporalBinary } from '../standalone/temporal-binary.ts'
import { type Service, startService } from '../test/service.ts'
import { linkWorkflowId } from './messages.ts'

const timeZone = 'Europe/Berlin'
const hourMs = 3_600_000
const within = { timeout: 60_000, interval: 100 }

let service: Service
let linkId = ''

const link = () => service.call('getLink', { params: { id: linkId } })
const command = (name: string, more: object = {}) =>
  service.call('commandLink', { params: { id: linkId }, body: { command: name, ...more } })
const runs = async (kind?: string) => {
  const { items } = await service.call('listRuns', { query: { linkId, limit: '200' } })
  return items.filter((run) => kind === undefined || run.kind === kind)
}

/** What the clocks of the zone show so long from now: `HH:MM`. */
function wall(fromNowMs: number): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, timeStyle: 'short' }).format(Date.now() + fromNowMs)
}

/** On now, and for two hours to come. */
const blackout = () => [{ from: wall(-hourMs), to: wall(2 * hourMs) }]
const quick = { intervalSeconds: 1, timeZone, fullScans: [] as object[] }
const schedule = (change: object = {}) => service.configure(linkId, { schedule: { ...quick, ...change } })

/** Requests that both systems have answered. */
function requests(): number {
  const counts = [service.alm, service.octane].flatMap((system) => [...system.requests.values()])
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Long enough for several looks, were there any. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 3_500))

/** Until two looks in a row had nothing to tell: the link waits for changes. */
async function untilQuiet(): Promise<void> {
  const quiet = async () => {
    const [row] = await service.database.sql<{ quiet: number }[]>`
      select coalesce(sum(quiet), 0)::int as quiet from watch_hours where link_id = ${linkId}`
    return row?.quiet ?? 0
  }
  const before = await quiet()
  await vi.waitFor(async () => {
    if ((await quiet()) < before + 2) throw new Error('the link is not quiet yet')
  }, within)
}

const names = () => service.octane.records('defect').map((record) => String(record.name))

/** Moves what the database remembers of the link's runs and configuration into the past. */
async function age(days: number): Promise<void> {
  const { sql } = service.database
  await sql`update runs set started_at = started_at - ${days} * interval '1 day', ended_at = ended_at - ${days} * interval '1 day'
    where link_id = ${linkId}`
  await sql`update scan_epochs set started_at = started_at - ${days} * interval '1 day' where link_id = ${linkId}`
  await sql`update links set created_at = created_at - ${days} * interval '1 day', runs_since = runs_since - ${days} * interval '1 day',
    full_scans_since = full_scans_since - ${days} * interval '1 day' where id = ${linkId}`
}

/** Sets blackouts without a word to the link's workflow, as when Temporal cannot be told. */
async function setUnannounced(blackouts: { from: string; to: string }[]): Promise<void> {
  const { sql } = service.database
  await sql`
    update link_versions v set configuration = jsonb_set(configuration, '{schedule,blackouts}', ${sql.json(blackouts)})
    from links l where l.id = v.link_id and l.version = v.version and l.id = ${linkId}`
}

describe('a blackout', () => {
  let bridge: { stop(): Promise<void> }
  beforeAll(async () => {
    service = await startService({ alm: { defects: 6 }, octane: { defects: 2 }, workers: 'central' })
    bridge = await service.startBridge()
    linkId = (await service.addLink()).id
    await schedule()
    expect((await service.runToEnd(linkId, 'run')).status).toBe('passed')
    await command('automatic')
    await untilQuiet()
  })
  afterAll(() => service.close())

  it('is saved without a new integrity check, holds at once, and is seen in the status', async () => {
    expect(await link()).toMatchObject({ check: 'passed', schedule: { timeZone, closedUntil: null } })
    const blackouts = blackout()
    await schedule({ blackouts })
    const closed = await link()
    expect(closed).toMatchObject({ check: 'passed', status: 'outside-schedule' })
    expect(closed.schedule.closedUntil).toMatch(new RegExp(`T${blackouts[0]?.to}:00[+]0[12]:00$`))
    expect(closed.statusLabel).toBe(`Outside its schedule until ${closed.schedule.closedUntil}`)
    await expect
      .poll(async () => {
        const { typedSearchAttributes } = await service.workflows.getHandle(linkWorkflowId(linkId)).describe()
        return JSON.stringify(typedSearchAttributes)
      }, within)
      .toContain('outside-schedule')
  })

  it('leaves both systems alone, whoever hints at a change', async () => {
    await aWhile()
    const before = requests()
    const { address } = await service.call('saveWebhook', { params: { id: linkId }, body: {} })
    service.alm.edit('defect', '1', { name: 'edited in the blackout' })
    for (let hint = 0; hint < 3; hint++) {
      const hinted = await fetch(`${service.url}${address}`, { method: 'POST', body: '{}' })
      expect(hinted.status).toBe(202)
      await aWhile()
    }
    expect(requests()).toBe(before)
    expect(await link()).toMatchObject({ activity: 'idle', status: 'outside-schedule' })
    expect(names()).not.toContain('edited in the blackout')
  })

  it('lets what people ask for wait, and says until when', async () => {
    const before = requests()
    const { schedule: now } = await link()
    const waiting = await command('run')
    expect(waiting).toMatchObject({ state: 'waiting', startsAt: now.closedUntil })
    expect(await command('run')).toMatchObject({ state: 'merged', runId: waiting.runId, startsAt: now.closedUntil })
    const records = await service.call('syncRecords', { params: { id: linkId }, body: { left: ['2'] } })
    expect(records).toMatchObject({ state: 'waiting', startsAt: now.closedUntil })
    expect(await command('cancel')).toMatchObject({ runId: records.runId })
    expect((await service.ended(records.runId)).status).toBe('cancelled')
    const check = await command('check')
    expect(check).toMatchObject({ state: 'waiting' })
    expect(await command('cancel')).toMatchObject({ runId: waiting.runId })
    expect(await command('cancel')).toMatchObject({ runId: check.runId })
    await aWhile()
    expect(requests()).toBe(before)
    const refused = await service.refused('commandLink', {
      params: { id: linkId },
      body: { command: 'pause', force: true },
    })
    expect(refused).toMatchObject({ status: 400, errors: [{ pointer: '/force' }] })
  })

  it('is overridden by who says so, one run at a time, with a row in the ledger', async () => {
    const waiting = await command('run')
    expect(waiting.state).toBe('waiting')
    expect(await command('run', { force: true })).toEqual({ ...waiting, state: 'merged', startsAt: null })
    expect(await service.ended(waiting.runId ?? '')).toMatchObject({ status: 'passed', kind: 'incremental' })
    expect(names()).toContain('edited in the blackout')
    const full = await command('full', { force: true })
    expect(full).toMatchObject({ startsAt: null })
    expect((await service.ended(full.runId ?? '')).status).toBe('passed')
    const { items } = await service.call('linkLedger', { params: { id: linkId }, query: { limit: '200' } })
    expect(items.map((row) => row.action)).toContain('run full, also in a blackout')
    await expect.poll(link, within).toMatchObject({ status: 'outside-schedule', activity: 'idle' })
  })

  it('ends at once when the schedule is changed, and what waited is done', async () => {
    service.octane.edit('defect', String(service.octane.records('defect')[0]?.id), { name: 'from the right' })
    const waiting = await command('full')
    expect(waiting.state).toBe('waiting')
    await schedule()
    expect((await service.ended(waiting.runId ?? '')).status).toBe('passed')
    await untilQuiet()
    expect([...service.alm.store.rows('defect').values()].map((row) => row.name)).toContain('from the right')
    expect(await link()).toMatchObject({ schedule: { closedUntil: null }, status: 'ok' })
  })

  it('gives records to forced runs only, by the clock of the database', async () => {
    await schedule({ blackouts: blackout() })
    const { sql } = service.database
    const [forced] = await sql<{ id: string }[]>`select id from runs where despite_blackout and kind = 'incremental'`
    const other = (await runs('incremental')).at(-1)
    const store = createStore(service.database, { bridgeId: service.bridgeId })
    service.alm.edit('defect', '2', { name: 'queued' })
    await sql`insert into pending (link_id, side, external_id, reason) values (${linkId}, 'left', '2', 'scan')`
    const claim = (runId = '') => store.claim({ linkId, runId, limit: 1, leaseSeconds: 1, graceSeconds: 0 })
    expect(await claim(other?.id)).toMatchObject({ items: [], closed: true })
    const given = await claim(forced?.id)
    expect(given.items).toHaveLength(1)
    await store.release({ token: given.token })
    await schedule()
    await expect.poll(names, within).toContain('queued')
  })

  it('holds for the looks of a link that was not told of it', async () => {
    await untilQuiet()
    await setUnannounced(blackout())
    await expect
      .poll(async () => {
        const before = requests()
        await aWhile()
        return requests() - before
      }, within)
      .toBe(0)
    await schedule()
    await untilQuiet()
  })

  it('holds for a bridge that comes to its work only when it is on, and the work is done afterwards', async () => {
    await command('manual')
    await bridge.stop()
    const { runId } = await command('run')
    await expect.poll(link, within).toMatchObject({ currentRun: runId })
    await setUnannounced(blackout())
    const before = requests()
    bridge = await service.startBridge()
    expect(await service.ended(runId ?? '')).toMatchObject({
      status: 'interrupted',
      message: expect.stringContaining('blackout'),
      counters: { scannedLeft: 0, scannedRight: 0 },
    })
    expect(requests()).toBe(before)
    await schedule()
    await expect
      .poll(async () => (await runs('incremental'))[0], within)
      .toMatchObject({ trigger: 'person', actor: 'local', status: 'passed' })
    expect((await runs('incremental'))[0]?.id).not.toBe(runId)
  })

  it('ends a run at a batch border by the clock of the database alone, and the rest is done afterwards', async () => {
    await service.configure(linkId, {
      tuning: { batchSize: 1, parallel: 1, overlapSeconds: 300, writes: 'bulk', batchPauseMs: 1_000 },
    })
    expect((await service.runToEnd(linkId, 'check')).status).toBe('passed')
    for (let id = 1; id <= 6; id++) service.alm.edit('defect', String(id), { name: `slowly ${id}` })
    const carried = () => names().filter((name) => name.startsWith('slowly ')).length
    const { runId } = await command('full')
    await expect.poll(carried, within).toBeGreaterThan(0)
    await setUnannounced(blackout())
    expect(await service.ended(runId ?? '')).toMatchObject({ kind: 'full', status: 'interrupted' })
    const done = carried()
    expect(done).toBeLessThan(6)
    await aWhile()
    expect(carried()).toBe(done)
    // Both sides were listed: the full scan has been, only its records are left.
    const listings = (await runs('full')).length
    await schedule()
    await expect.poll(carried, within).toBe(6)
    expect(await runs('full')).toHaveLength(listings)
    expect((await link()).schedule.lastFullScan).not.toBeNull()
  })
})

describe('full scans by themselves', () => {
  beforeAll(async () => {
    service = await startService({ alm: { defects: 6 }, octane: { defects: 2 } })
    linkId = (await service.addLink()).id
    await schedule()
    expect((await service.runToEnd(linkId, 'run')).status).toBe('passed')
    await command('automatic')
    await untilQuiet()
  })
  afterAll(() => service.close())

  it('do not run for times that were not named when they passed', async () => {
    await schedule({ fullScans: [{ times: [wall(-hourMs)] }] })
    await untilQuiet()
    expect(await runs('full')).toEqual([])
    expect((await link()).schedule).toMatchObject({ lastFullScan: null, fullNext: false })
    expect((await link()).schedule.nextFullScan).toMatch(/T\d\d:\d\d:00[+]0[12]:00$/)
  })

  it('are made up for once after a pause, however many were missed', async () => {
    await command('pause')
    await age(5)
    await aWhile()
    expect(await runs('full')).toEqual([])
    expect((await link()).schedule.nextFullScan).toBeNull()
    await command('resume')
    await expect
      .poll(() => runs('full'), within)
      .toMatchObject([{ trigger: 'automatic', actor: 'tandem', status: 'passed' }])
    await untilQuiet()
    expect(await runs('full')).toHaveLength(1)
    const { lastFullScan } = (await link()).schedule
    expect(Date.parse(lastFullScan?.startedAt ?? '')).toBeGreaterThan(Date.now() - hourMs)
  })

  it('are neither repeated nor forgotten when Temporal has lost the link', async () => {
    const lose = async () => service.workflows.getHandle(linkWorkflowId(linkId)).terminate()
    await lose()
    await command('check')
    await untilQuiet()
    expect(await runs('full')).toHaveLength(1)
    await lose()
    await age(1)
    await command('check')
    await expect.poll(async () => (await runs('full')).length, within).toBe(2)
    await untilQuiet()
    expect(await runs('full')).toHaveLength(2)
  })

  it('wait for a blackout to end', async () => {
    // Named once: a minute later it would be another time, which nobody had named when it passed.
    const fullScans = [{ times: [wall(-hourMs)] }]
    await schedule({ fullScans, blackouts: blackout() })
    await age(1)
    await command('manual')
    await command('automatic')
    await aWhile()
    expect(await runs('full')).toHaveLength(2)
    expect((await link()).schedule).toMatchObject({ nextFullScan: (await link()).schedule.closedUntil })
    await schedule({ fullScans })
    await expect.poll(async () => (await runs('full')).length, within).toBe(3)
  })

  it('are tried again only after a while when they fail, and hold no change up meanwhile', async () => {
    await untilQuiet()
    await command('pause')
    await age(1)
    service.alm.faults.add({
      match: { method: 'GET', path: '/defects$' },
      kind: 'error-before',
      status: 403,
      times: 10_000,
    })
    await command('resume')
    await expect.poll(() => runs('full'), within).toMatchObject([{ status: 'failed' }, {}, {}, {}])
    await expect.poll(link, within).toMatchObject({ health: 'degraded', activity: 'idle' })
    service.alm.faults.clear()
    service.alm.edit('defect', '3', { name: 'not held up' })
    await expect.poll(names, within).toContain('not held up')
    await untilQuiet()
    expect(await runs('full')).toHaveLength(4)
    const { nextFullScan } = (await link()).schedule
    const waits = Date.parse(nextFullScan ?? '') - Date.now()
    expect([waits > 0, waits <= 15 * 60_000]).toEqual([true, true])
    const { sql } = service.database
    await sql`update runs set ended_at = ended_at - interval '20 minutes' where link_id = ${linkId} and status = 'failed'`
    await command('manual')
    await command('automatic')
    await expect.poll(async () => (await runs('full')).filter((run) => run.status === 'passed').length, within).toBe(4)
  })

  // covers 105
  it('come next when somebody asks for it, once', async () => {
    await schedule()
    await untilQuiet()
    const before = (await runs('full')).length
    expect(await command('full-next')).toMatchObject({ state: 'done', runId: null })
    expect((await link()).schedule.fullNext).toBe(true)
    await untilQuiet()
    expect(await runs('full')).toHaveLength(before)
    service.alm.edit('defect', '4', { name: 'makes it run' })
    await expect.poll(async () => (await runs('full')).length, within).toBe(before + 1)
    await expect.poll(async () => (await link()).schedule.fullNext, within).toBe(false)
    await untilQuiet()
    service.alm.edit('defect', '4', { name: 'runs as ever' })
    await expect.poll(names, within).toContain('runs as ever')
    expect(await runs('full')).toHaveLength(before + 1)
  })

  // covers 108
  it('and runs come at named times only where no interval is given', async () => {
    await untilQuiet()
    await schedule({ intervalSeconds: null, runs: [{ times: [wall(-hourMs)] }] })
    // A look that had begun before the schedule was saved ends first.
    await aWhile()
    service.alm.edit('defect', '5', { name: 'waits for its time' })
    const before = requests()
    await aWhile()
    expect(requests()).toBe(before)
    expect(names()).not.toContain('waits for its time')
    await age(2)
    await command('manual')
    await command('automatic')
    await expect.poll(names, within).toContain('waits for its time')
  })
})

describe('a waiting run in a history that has grown long', () => {
  let temporal: RunningTemporal
  const folder = temporaryFolder('tandem-schedule')

  beforeAll(async () => {
    temporal = await startTemporal({
      binary: await temporalBinary(() => undefined),
      folder,
      port: 0,
      uiPort: null,
      inMemory: true,
      dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': '40' },
    })
    service = await startService({ alm: { defects: 3 }, temporalAddress: temporal.address })
    linkId = (await service.addLink()).id
  })
  afterAll(async () => {
    await service.close()
    await temporal.stop()
    removeFolder(folder)
  })

  it('is carried along, and runs when the blackout is over', async () => {
    await schedule({ blackouts: blackout() })
    const waiting = await command('run')
    expect(waiting.state).toBe('waiting')
    for (let round = 0; round < 8; round++) {
      const check = await command('check', { force: true })
      expect((await service.ended(check.runId ?? '')).status).toBe('passed')
    }
    const lives = async () => {
      let count = 0
      for await (const _life of service.workflows.list({ query: `WorkflowId = '${linkWorkflowId(linkId)}'` })) count++
      return count
    }
    await expect.poll(lives, within).toBeGreaterThan(1)
    expect(await runs('incremental')).toEqual([])
    await schedule()
    expect(await service.ended(waiting.runId ?? '')).toMatchObject({ status: 'passed', counters: { createdRight: 3 } })
  })
})
