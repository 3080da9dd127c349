import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { removeFolder, temporaryFolder } from '../standalone/postgres.ts'
import { type RunningTemporal, startTemporal } from '../standalone/temporal.ts'
import { temporalBinary } from '../standalone/temporal-binary.ts'
import { type Service, startService } from '../test/service.ts'
import { linkWorkflowId } from './messages.ts'

let service: Service
let linkId = ''

const command = (name: string, key?: string) =>
  service.call('commandLink', {
    params: { id: linkId },
    body: { command: name },
    ...(key === undefined ? {} : { key }),
  })
const refused = (name: string) => service.refused('commandLink', { params: { id: linkId }, body: { command: name } })
const link = () => service.call('getLink', { params: { id: linkId } })
const run = (id: string | null) => service.ended(id ?? '')

const configure = (change: object) => service.configure(linkId, change)

/** Small batches, so that runs have borders at which they can end. */
const tuning = {
  batchSize: 2,
  parallel: 1,
  overlapSeconds: 300,
  inDoubtSeconds: 600,
  writes: 'bulk',
  batchPauseMs: 150,
}

async function commandsInLedger(): Promise<string[]> {
  const commands: string[] = []
  let cursor: string | undefined
  do {
    const page = await service.call('linkLedger', {
      params: { id: linkId },
      query: { limit: '200', ...(cursor === undefined ? {} : { cursor }) },
    })
    commands.push(...page.items.flatMap((row) => (row.kind === 'command' ? [row.action] : [])))
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return commands.reverse()
}

describe('the life of a link', () => {
  beforeAll(async () => {
    service = await startService({ alm: { defects: 40 }, octane: { defects: 5 } })
    linkId = (await service.addLink()).id
    await configure({ schedule: { intervalSeconds: 1, fullScans: [] } })
  })
  afterAll(() => service.close())
  afterEach(() => {
    service.alm.faults.clear()
    service.octane.faults.clear()
    service.alm.faults.latencyMs = 0
    service.octane.faults.latencyMs = 0
  })

  it('refuses at first what makes no sense yet, with the reason', async () => {
    expect(await link()).toMatchObject({ status: 'check-required', mode: 'manual', paused: false })
    expect(await refused('cancel')).toMatchObject({ status: 409, code: 'nothing-running' })
    expect(await refused('resume')).toMatchObject({ status: 409, code: 'not-paused' })
    expect(await refused('manual')).toMatchObject({ status: 409, code: 'same-mode' })
    for (const problem of [await refused('cancel'), await refused('resume')])
      expect([problem.remedy, problem.detail].every((words) => (words ?? '').length > 10)).toBe(true)
  })

  // covers 30, 34, 35, 99, 101
  it('is checked, simulated without a write, and synchronized', async () => {
    const check = await service.runToEnd(linkId, 'check')
    expect(check).toMatchObject({ kind: 'check', status: 'passed', actor: 'local', version: 2 })
    expect(await link()).toMatchObject({ status: 'ready', check: 'passed' })

    const before = service.alm.truth.entries().length + service.octane.truth.entries().length
    const simulation = await service.runToEnd(linkId, 'simulate')
    expect(simulation).toMatchObject({ kind: 'simulation', status: 'passed' })
    const { counts } = await service.call('runSimulation', { params: { id: simulation.id } })
    expect(counts).toEqual({ 'create-right': 40, 'create-left': 5 })
    expect(service.alm.truth.entries().length + service.octane.truth.entries().length).toBe(before)

    const first = await service.runToEnd(linkId, 'run')
    expect(first).toMatchObject({ kind: 'incremental', status: 'passed' })
    expect(first.counters).toMatchObject({ createdRight: 40, createdLeft: 5 })
    expect(await link()).toMatchObject({ status: 'ok', pairs: 45, pending: 0, lastRun: { id: first.id } })
  })

  // covers 106
  it('ends a run at a batch border when paused, and resuming goes on with the rest', async () => {
    await configure({ tuning })
    for (let id = 1; id <= 40; id++) service.alm.edit('defect', String(id), { name: `edited ${id}` })
    service.octane.faults.latencyMs = 60
    const { runId } = await command('run')
    await expect
      .poll(async () => (await service.call('linkProgress', { params: { id: linkId } })).done, {
        interval: 20,
        timeout: 20_000,
      })
      .toBeGreaterThan(0)
    expect(await command('pause')).toMatchObject({ state: 'done', runId })
    const interrupted = await run(runId)
    expect(interrupted.status).toBe('interrupted')
    expect(interrupted.counters.examined).toBeLessThan(40)
    await expect.poll(link, { timeout: 20_000 }).toMatchObject({ status: 'paused', currentRun: null })
    expect((await link()).pending).toBeGreaterThan(0)

    expect(await refused('pause')).toMatchObject({ status: 409, code: 'already-paused' })
    expect(await refused('run')).toMatchObject({ status: 409, code: 'paused', remedy: 'Resume the link first.' })
    expect(await refused('full')).toMatchObject({ status: 409, code: 'paused' })
    expect((await service.runToEnd(linkId, 'check')).status).toBe('passed')

    service.octane.faults.latencyMs = 0
    const resumed = await command('resume')
    expect(resumed.runId).not.toBeNull()
    expect((await run(resumed.runId)).status).toBe('passed')
    expect(await link()).toMatchObject({ pending: 0, paused: false })
    const names = service.octane.records('defect').map((record) => String(record.name))
    expect(names.filter((name) => name.startsWith('edited '))).toHaveLength(40)
  })

  // covers 109, 113
  it('queues and merges commands while busy, cancels what is queued and what runs, and drops none', async () => {
    for (let id = 1; id <= 40; id++) service.alm.edit('defect', String(id), { name: `again ${id}` })
    service.octane.faults.latencyMs = 60
    const [first, key] = [await command('run'), 'the-same-run']
    const full = await command('full', key)
    expect(full.state).toBe('queued')
    expect(await command('full', key)).toEqual(full)
    expect(await command('full')).toMatchObject({ state: 'merged', runId: full.runId })
    const check = await command('check')
    expect(check.state).toBe('queued')

    expect((await command('cancel')).runId).toBe(first.runId)
    expect((await run(first.runId)).status).toBe('cancelled')
    await expect.poll(link, { timeout: 20_000 }).toMatchObject({ currentRun: full.runId })
    expect((await command('cancel')).runId).toBe(full.runId)
    expect((await run(full.runId)).status).toBe('cancelled')
    service.octane.faults.latencyMs = 0
    expect((await run(check.runId)).status).toBe('passed')
    expect((await service.runToEnd(linkId, 'run')).status).toBe('passed')
    expect(service.octane.records('defect').filter(({ name }) => String(name).startsWith('again '))).toHaveLength(40)
  })

  it('shows the end of a queued run that is cancelled before it began', async () => {
    service.alm.faults.latencyMs = 150
    const check = await command('check')
    const waiting = await command('run')
    await command('pause')
    expect((await run(check.runId)).status).toBe('passed')
    // The check may be going on for a moment after its end was written; a paused link never begins the other.
    await expect.poll(async () => (await command('cancel')).runId, { timeout: 20_000 }).toBe(waiting.runId)
    expect(await run(waiting.runId)).toMatchObject({
      status: 'cancelled',
      message: 'The run was cancelled before it began.',
    })
    expect(await command('resume')).toMatchObject({ runId: null })
  })

  // covers 106
  it('keeps in step by itself in automatic mode, both ways', async () => {
    expect(await command('automatic')).toMatchObject({ state: 'done' })
    expect(await refused('automatic')).toMatchObject({ code: 'same-mode' })
    await expect.poll(link, { timeout: 20_000 }).toMatchObject({ mode: 'automatic', activity: 'idle' })
    const twin = service.octane.records('defect').find(({ alm_id_udf }) => alm_id_udf === 'DEFAULT/Sync/defect/1')
    service.alm.edit('defect', '2', { name: 'by itself, to the right' })
    service.octane.edit('defect', String(twin?.id), { name: 'by itself, to the left' })
    await expect
      .poll(() => service.alm.store.get('defect', '1')?.name, { timeout: 20_000 })
      .toBe('by itself, to the left')
    await expect
      .poll(() => service.octane.records('defect').some(({ name }) => name === 'by itself, to the right'), {
        timeout: 20_000,
      })
      .toBe(true)
    const { items } = await service.call('listRuns', { query: { linkId, limit: '1' } })
    expect(items[0]).toMatchObject({ trigger: 'automatic', actor: 'tandem' })
    expect(await command('manual')).toMatchObject({ state: 'done' })
  })

  it('says that an endpoint is down, tells it once, and recovers by itself', async () => {
    const notices = async () =>
      (
        await service.database.sql<{ kind: string; message: string | null }[]>`
          select kind, data ->> 'message' as message from outbox where kind like 'link-%' and link_id = ${linkId} order by created_at`
      ).map(({ kind, message }) => ({ kind, told: (message ?? '').length > 20 }))
    await command('automatic')
    await expect.poll(link, { timeout: 20_000 }).toMatchObject({ mode: 'automatic', activity: 'idle' })
    service.octane.faults.add({ match: { path: '/' }, kind: 'unavailable', times: 1_000_000 })
    service.alm.edit('defect', '3', { name: 'edited in the dark' })
    await expect.poll(link, { timeout: 60_000, interval: 200 }).toMatchObject({ health: 'degraded' })
    expect((await link()).healthMessage).toContain('Octane at 127.0.0.1')
    expect(await notices()).toEqual([{ kind: 'link-trouble', told: true }])
    service.octane.faults.clear()
    await expect
      .poll(() => service.octane.records('defect').some(({ name }) => name === 'edited in the dark'), {
        timeout: 60_000,
        interval: 200,
      })
      .toBe(true)
    await expect.poll(link, { timeout: 20_000 }).toMatchObject({ health: 'ok', healthMessage: null })
    expect(await notices()).toEqual([
      { kind: 'link-trouble', told: true },
      { kind: 'link-recovered', told: true },
    ])
    await command('manual')
  })

  it('has every accepted command in its ledger, in order, with who gave it', async () => {
    const commands = await commandsInLedger()
    expect(commands.slice(0, 5)).toEqual([
      'link created',
      'configuration version 2',
      'run check',
      'run simulation',
      'run incremental',
    ])
    expect(commands.slice(5, 10)).toEqual([
      'configuration version 3',
      'run incremental',
      'pause',
      'run check',
      'resume',
    ])
    expect(commands.slice(-4)).toEqual(['automatic', 'manual', 'automatic', 'manual'])
  })

  // covers 136
  it('is deleted in mid-run, keeps its pairs, and a new link finds them again', async () => {
    for (let id = 1; id <= 40; id++) service.alm.edit('defect', String(id), { name: `last ${id}` })
    service.octane.faults.latencyMs = 100
    const { runId } = await command('run')
    const queued = await command('simulate')
    await service.call('deleteLink', { params: { id: linkId } })
    expect((await run(queued.runId)).status).toBe('cancelled')
    expect((await run(runId)).status).toBe('cancelled')
    await service.workflows.getHandle(linkWorkflowId(linkId)).result()
    expect(await service.refused('getLink', { params: { id: linkId } })).toMatchObject({ status: 404 })
    expect(await refused('run')).toMatchObject({ status: 404, code: 'not-found' })
    expect(await service.refused('deleteLink', { params: { id: linkId } })).toMatchObject({ status: 404 })

    service.octane.faults.latencyMs = 0
    const { items } = await service.call('listEndpoints')
    const [left, right] = ['alm', 'octane'].map((kind) => items.find((one) => one.kind === kind)?.id ?? '')
    const created = await service.call('createLink', { body: { name: 'Defects', left, right } })
    expect(created.link.pairs).toBe(45)
    const again = await service.runToEnd(created.link.id, 'run')
    expect(again).toMatchObject({ status: 'passed', counters: { createdLeft: 0, createdRight: 0 } })
    expect(service.octane.records('defect')).toHaveLength(45)
  })
})

describe('a history that has grown long', () => {
  let temporal: RunningTemporal
  const folder = temporaryFolder('tandem-long')

  beforeAll(async () => {
    temporal = await startTemporal({
      binary: await temporalBinary(() => undefined),
      folder,
      port: 0,
      uiPort: null,
      inMemory: true,
      dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': '30' },
    })
    service = await startService({ alm: { defects: 60 }, temporalAddress: temporal.address })
    linkId = (await service.addLink()).id
  })
  afterAll(async () => {
    await service.close()
    await temporal.stop()
    removeFolder(folder)
  })

  it('continues as new under fire without losing a command, an answer or a record', async () => {
    await configure({ tuning: { ...tuning, batchPauseMs: 0 } })
    const first = await command('run')
    const pressed: string[] = []
    let presses = 0
    // Commands rain down while run and link continue as new.
    for (let round = 0; round < 12; round++) {
      const key = `check-${round}`
      const answer = await command('check', key)
      presses++
      expect(['queued', 'merged', 'started']).toContain(answer.state)
      pressed.push(answer.runId ?? '')
      expect(await command('check', key)).toEqual(answer)
      if (round % 4 === 3) await run(answer.runId)
    }
    expect(await run(first.runId)).toMatchObject({ status: 'passed', counters: { createdRight: 60 } })
    for (const id of new Set(pressed)) expect((await run(id)).status).toBe('passed')
    expect(service.octane.records('defect')).toHaveLength(60)
    expect((await commandsInLedger()).filter((action) => action === 'run check')).toHaveLength(presses)

    const lives = async (workflowId: string) => {
      let count = 0
      for await (const _execution of service.workflows.list({ query: `WorkflowId = '${workflowId}'` })) count++
      return count
    }
    await expect.poll(() => lives(`run-${first.runId}`), { timeout: 20_000 }).toBeGreaterThan(1)
    await expect.poll(() => lives(linkWorkflowId(linkId)), { timeout: 20_000 }).toBeGreaterThan(1)
    expect(await link()).toMatchObject({ status: 'ok', pairs: 60, pending: 0 })

    // Without the API's own memory, as after it ended before it could keep an answer, the link still knows the command.
    await service.database.sql`delete from idempotency_keys`
    expect((await command('check', 'check-0')).runId).toBe(pressed[0])
    expect((await commandsInLedger()).filter((action) => action === 'run check')).toHaveLength(presses)
  })

  it('answers a repeat as the first time after continuing as new, although what it asked for holds by now', async () => {
    const lives = async () => {
      let count = 0
      for await (const _execution of service.workflows.list({ query: `WorkflowId = '${linkWorkflowId(linkId)}'` }))
        count++
      return count
    }
    const answer = await command('pause', 'pause-once')
    const before = await lives()
    for (let round = 0; round < 12 && (await lives()) === before; round++) await run((await command('check')).runId)
    expect(await lives()).toBeGreaterThan(before)
    await service.database.sql`delete from idempotency_keys`
    expect(await command('pause', 'pause-once')).toEqual(answer)
    expect(await refused('pause')).toMatchObject({ code: 'already-paused' })
    expect((await commandsInLedger()).filter((action) => action === 'pause')).toHaveLength(1)
  })
})
