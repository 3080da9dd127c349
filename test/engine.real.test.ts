import { randomUUID } from 'node:crypto'
import { MockActivityEnvironment } from '@temporalio/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { verifyChain } from '../db/ledger-verify.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

async function open(options: LabOptions = {}): Promise<Lab> {
  lab = await createLab(options)
  return lab
}

async function activity<T>(body: () => Promise<T>): Promise<T> {
  return (await new MockActivityEnvironment().run(body)) as T
}

/** One whole run, step by step, as the run workflow does it; waits for rows that are due again within seconds. */
async function synchronize(here: Lab, extent: 'changes' | 'all' = 'changes', parallel = 1) {
  const runId = randomUUID()
  const { linkId } = here
  await here.store.beginRun({
    runId,
    linkId,
    kind: 'incremental',
    trigger: 'person',
    actor: 'test',
    version: 1,
    temporal: { workflowId: 'w', runId: 'r' },
  })
  const scan = (side: 'left' | 'right') =>
    activity(() => here.activities.scan({ linkId, runId, version: 1, side, extent }))
  await Promise.all([scan('left'), scan('right')])
  for (let round = 0; round < 40; round++) {
    const one = () => activity(() => here.activities.reconcile({ linkId, runId, version: 1 }))
    await Promise.all(Array.from({ length: parallel }, one))
    const queue = await here.store.queueState(linkId)
    if (queue.due > 0) continue
    if (queue.nextDueInSeconds === null || queue.nextDueInSeconds > 15) break
    await new Promise((resolve) => setTimeout(resolve, (queue.nextDueInSeconds ?? 0) * 1_000 + 50))
  }
  return here.store.finishRun({ runId, status: 'passed', message: null })
}

function restWrites(here: Lab): number {
  return [...here.alm.truth.entries(), ...here.octane.truth.entries()].filter((entry) => entry.via === 'rest').length
}

describe('a defect link between both sandboxes', () => {
  // covers 39, 103, 112
  it('creates every defect of either side on the other, once, and then has nothing left to do', async () => {
    const here = await open({ alm: { defects: 120 }, octane: { defects: 40 } })
    const first = await synchronize(here)
    expect(first.counters).toMatchObject({ createdRight: 120, createdLeft: 40 })
    expect(here.alm.records('defect')).toHaveLength(160)
    expect(here.octane.records('defect')).toHaveLength(160)
    const before = restWrites(here)
    const second = await synchronize(here, 'all')
    expect(restWrites(here) - before).toBe(0)
    expect(second.counters).toMatchObject({ createdRight: 0, createdLeft: 0, updatedLeft: 0, updatedRight: 0 })
  })

  // covers 117
  it('writes one ledger row per write to an endpoint, in a chain that verifies', async () => {
    const here = await open({ alm: { defects: 30 }, octane: { defects: 10 } })
    await synchronize(here)
    const [row] = await here.database.sql<
      { writes: number }[]
    >`select count(*)::int as writes from ledger where kind = 'write'`
    expect(row?.writes).toBe(restWrites(here))
    expect(await verifyChain(here.database, `link:${here.linkId}`)).toMatchObject({ firstBreak: null })
  })

  // covers 68, 102, 112
  it('carries edits both ways, keeps both of two edits to one record, and lets the dominant side win a field', async () => {
    const here = await open({ alm: { defects: 3 } })
    await synchronize(here)
    const twin = (id: string) =>
      here.octane.records('defect').find((record) => record.alm_id_udf === `DEFAULT/Sync/defect/${id}`)
    const octaneId = (id: string) => twin(id)?.id ?? ''
    here.alm.edit('defect', '1', { name: 'changed in ALM' })
    here.octane.edit('defect', octaneId('1'), { story_points: 8 })
    here.octane.edit('defect', octaneId('2'), { name: 'changed in Octane' })
    here.alm.edit('defect', '3', { name: 'ALM says' })
    here.octane.edit('defect', octaneId('3'), { name: 'Octane says' })
    await synchronize(here)
    expect(twin('1')).toMatchObject({ name: 'changed in ALM', story_points: 8 })
    expect(here.alm.store.get('defect', '1')).toMatchObject({ name: 'changed in ALM', 'estimated-fix-time': '8' })
    expect(here.alm.store.get('defect', '2')).toMatchObject({ name: 'changed in Octane' })
    expect(twin('3')).toMatchObject({ name: 'Octane says' })
    expect(here.alm.store.get('defect', '3')).toMatchObject({ name: 'Octane says' })
    const before = restWrites(here)
    await synchronize(here)
    expect(restWrites(here) - before).toBe(0)
  })

  it('creates once although the answers to the creates are lost', async () => {
    const here = await open({ alm: { defects: 60 } })
    here.octane.faults.add({ match: { method: 'POST', path: '/defects' }, kind: 'drop-after' })
    await synchronize(here)
    expect(here.octane.records('defect')).toHaveLength(60)
    const [row] = await here.database.sql<{ pairs: number; looking: number }[]>`
      select (select count(*)::int from pairs) as pairs, (select count(*)::int from ledger where found_by_looking) as looking`
    expect(row).toMatchObject({ pairs: 60, looking: 60 })
  })

  it('creates again only when a create was surely not done', async () => {
    const here = await open({
      alm: { defects: 5 },
      link: (same) => ({ ...same, tuning: tuning({ inDoubtSeconds: 2 }) }),
    })
    here.octane.faults.add({ match: { method: 'POST', path: '/defects' }, kind: 'error-before' })
    await synchronize(here)
    expect(here.octane.records('defect')).toHaveLength(5)
  })

  it('settles an update whose answer was lost by looking, without a second write', async () => {
    const here = await open({ alm: { defects: 2 } })
    await synchronize(here)
    here.alm.edit('defect', '1', { name: 'new name' })
    here.octane.faults.add({ match: { method: 'PUT', path: '/defects' }, kind: 'error-after' })
    const before = restWrites(here)
    await synchronize(here)
    expect(restWrites(here) - before).toBe(1)
    expect(here.octane.records('defect').some((record) => record.name === 'new name')).toBe(true)
  })

  it('gives a batch up that takes too long, and writes each record once all the same', async () => {
    const here = await open({ alm: { defects: 16 }, leaseSeconds: 4 })
    await synchronize(here)
    for (const record of here.octane.records('defect'))
      here.octane.edit('defect', record.id, { name: `new ${record.id}` })
    // Sixteen records in four requests each, four at a time: more than what a lease of four seconds allows.
    here.alm.faults.add({ match: { path: '/defects' }, kind: 'slow', delayMs: 250, times: 1_000 })
    const before = restWrites(here)
    const summary = await synchronize(here, 'changes', 2)
    // People without twin are told of for as long as they have none, with or without a lost lease.
    const [row] = await here.database.sql<{ open: number; rows: number }[]>`
      select (select count(*)::int from issues where resolved_at is null and code <> 'user-gap') as open,
        (select count(*)::int from ledger where run_id = ${summary.runId} and kind = 'write') as rows`
    const renamed = here.alm.records('defect').filter((record) => String(record.name).startsWith('new '))
    expect(renamed).toHaveLength(16)
    expect(restWrites(here) - before).toBe(16)
    expect(row).toEqual({ open: 0, rows: 16 })
  })

  // covers 74, 81
  it('holds a field without counterpart, goes on with the rest, and says why', async () => {
    const here = await open({ alm: { defects: 2 } })
    await synchronize(here)
    here.octane.create('release', {
      name: 'Nowhere else',
      start_date: '2026-01-01T12:00:00Z',
      end_date: '2026-02-01T12:00:00Z',
    })
    const release = here.octane.records('release').find((record) => record.name === 'Nowhere else')
    const twin = here.octane.records('defect').find((record) => record.alm_id_udf === 'DEFAULT/Sync/defect/1')
    here.octane.edit('defect', twin?.id ?? '', { release: { type: 'release', id: release?.id }, name: 'still flows' })
    await here.connections.close()
    const summary = await synchronize(here)
    expect(summary.status).toBe('with-errors')
    expect(here.alm.store.get('defect', '1')).toMatchObject({ name: 'still flows' })
    const [issue] = await here.database.sql<
      { code: string; message: string }[]
    >`select code, message from issues where resolved_at is null`
    expect(issue).toMatchObject({ code: 'value-gap' })
    expect(issue?.message).toContain('Nowhere else')
  })

  // covers 114
  it('tries a locked record again by itself', async () => {
    const here = await open({ alm: { defects: 1 } })
    await synchronize(here)
    const twin = here.octane.records('defect')[0]
    here.alm.edit('defect', '1', { priority: '2-Medium' }, { actor: 'bob', holdLockMs: 600_000 })
    here.octane.edit('defect', twin?.id ?? '', { name: 'wanted' })
    const summary = await synchronize(here)
    expect(summary.status).toBe('with-errors')
    here.alm.store.unlock('defect', '1', { user: 'bob', session: null, via: 'control' })
    await here.database.sql`update pending set next_attempt_at = now()`
    await synchronize(here)
    expect(here.alm.store.get('defect', '1')).toMatchObject({ name: 'wanted', priority: '2-Medium' })
    const [open_] = await here.database.sql<
      { open: number }[]
    >`select count(*)::int as open from issues where resolved_at is null`
    expect(open_?.open).toBe(0)
  })
})

function tuning(changes: object) {
  return {
    batchSize: 100,
    parallel: 4,
    overlapSeconds: 300,
    inDoubtSeconds: 600,
    writes: 'lock' as const,
    batchPauseMs: 0,
    ...changes,
  }
}
