import { randomUUID } from 'node:crypto'
import { MockActivityEnvironment } from '@temporalio/testing'
import { afterEach, expect, it, vi } from 'vitest'
import { createAdopt } from '../activities/adopt.ts'
import type { AdoptionMethod } from '../core/adoption.ts'
import { getAdoption } from '../db/adoption-items.ts'
import { acceptAdoption, createAdoption, finishPairing, nextAdoptionStep } from '../db/adoptions.ts'
import { createLab, type Lab } from './lab.ts'
import { timePasses } from './torture/cycle.ts'

vi.setConfig({ testTimeout: 240_000 })

let lab: Lab

afterEach(() => lab.close())

const step = <T>(call: () => Promise<T>) => new MockActivityEnvironment().run(call) as Promise<T>

async function beginRun(kind: 'adoption' | 'full'): Promise<string> {
  const runId = randomUUID()
  await lab.store.beginRun({
    runId,
    linkId: lab.linkId,
    kind,
    trigger: 'person',
    actor: 'test',
    version: 1,
    temporal: { workflowId: `run-${runId}`, runId },
  })
  return runId
}

/** Twins of which the ALM side names the other; every tenth has another name on each side. */
function twins(count: number): void {
  for (let index = 0; index < count; index++) {
    const differs = index % 10 === 0
    const twin = lab.octane.create('defect', {
      name: differs ? `Octane's ${index}` : `defect ${index}`,
      severity: { type: 'list_node', id: 'list_node.severity.medium' },
      phase: { type: 'phase', id: 'phase.defect.new' },
    })
    lab.alm.create('defect', {
      name: differs ? `ALM's ${index}` : `defect ${index}`,
      severity: '2-Medium',
      'detected-by': 'ann',
      'creation-time': '2026-03-01',
      status: 'New',
      'user-02': String(twin.id),
    })
  }
}

const requests = () =>
  [lab.alm, lab.octane].flatMap((one) => [...one.requests.values()]).reduce((sum, count) => sum + count, 0)

async function list(settings: AdoptionMethod = { method: 'field', side: 'left', field: 'user-02' }): Promise<string> {
  const { linkId } = lab
  const adoptionId = await createAdoption(lab.database, { linkId, settings, pairs: [], actor: 'admin' })
  const runId = await beginRun('adoption')
  expect(await nextAdoptionStep(lab.database, { linkId, runId })).toBe('list')
  await step(() => createAdopt(lab).listAdoption({ linkId, runId, version: 1 }))
  return adoptionId
}

/** Pairs what was matched, and then makes a full run, which finds nothing to ask or to wait for, and creates only what one side alone has. */
async function pairedWithoutWrites(adoptionId: string, matched: number, onlyRight = 0): Promise<void> {
  const { linkId } = lab
  await acceptAdoption(lab.database, { adoptionId, matched, differences: 'ask', actor: 'admin' })
  const runId = await beginRun('adoption')
  await nextAdoptionStep(lab.database, { linkId, runId })
  for (let round = 0; round < 20; round++) {
    const { ended } = await step(() => lab.activities.reconcile({ linkId, runId, version: 1, asked: true }))
    if (ended === 'empty') break
  }
  expect(await finishPairing(lab.database, { linkId, runId })).toEqual({ done: true, adopted: matched, missed: 0 })
  const full = await beginRun('full')
  for (const side of ['left', 'right'] as const)
    await step(() => lab.activities.scan({ linkId, runId: full, version: 1, side, extent: 'all' }))
  for (let round = 0; round < 20; round++) {
    const { ended } = await step(() => lab.activities.reconcile({ linkId, runId: full, version: 1 }))
    if (ended === 'empty') break
  }
  const { counters } = await lab.store.finishRun({ runId: full, status: 'passed', message: null })
  expect(counters).toMatchObject({ createdLeft: onlyRight, createdRight: 0, updatedLeft: 0, updatedRight: 0 })
  expect(await lab.database.sql`select code from issues where resolved_at is null`).toHaveLength(0)
  expect(await lab.database.sql`select 1 from conflicts`).toHaveLength(0)
  expect(await lab.database.sql`select 1 from pending`).toHaveLength(0)
}

/** What is wrong afterwards: records, pairs, names, and fields that still wait. */
async function assertAdopted(count: number): Promise<void> {
  const { sql } = lab.database
  expect([lab.alm.records('defect').length, lab.octane.records('defect').length]).toEqual([count, count])
  const [found] = await sql<{ pairs: number; open: number; rows: number }[]>`
    select (select count(*)::int from pairs) as pairs,
      (select count(*)::int from conflicts where resolved_at is null and kind = 'adopted') as open,
      (select count(distinct pair_id)::int from ledger where kind = 'decision' and action = 'adopt') as rows`
  expect(found).toEqual({ pairs: count, open: count / 10, rows: count })
  const octane = new Map(lab.octane.records('defect').map((one) => [String(one.id), one]))
  for (const record of lab.alm.records('defect')) {
    const twin = octane.get(String(record['user-02']))
    expect(twin?.alm_id_udf).toBe(`DEFAULT/Sync/defect/${record.id}`)
    if (String(record.name).startsWith('ALM')) expect(twin?.name).toBe(String(record.name).replace('ALM', 'Octane'))
  }
}

it('thousands are listed and paired in bulk, and a full run creates nothing', async () => {
  const count = 1_000
  lab = await createLab({
    link: (proposed) => ({ ...proposed, tuning: { writes: 'bulk' } }),
  })
  twins(count)
  const { linkId } = lab
  const before = requests()
  const adoptionId = await list()
  // Pages of both sides, reads of a hundred and more at a time: not one request a record.
  expect(requests() - before).toBeLessThan(count / 8)
  const adoption = await getAdoption(lab.database, adoptionId)
  expect(adoption?.summary).toMatchObject({ matched: count, differing: count / 10, doubtful: 0 })
  const accepted = { adoptionId, matched: count, differences: 'ask' as const, actor: 'admin' }
  expect(await acceptAdoption(lab.database, accepted)).toBe('accepted')
  const runId = await beginRun('adoption')
  expect(await nextAdoptionStep(lab.database, { linkId, runId })).toBe('pair')
  const written = requests()
  // Two at a time: of each pair one record leads.
  for (;;) {
    const ended = await Promise.all(
      [1, 2].map(() => step(() => lab.activities.reconcile({ linkId, runId, version: 1, asked: true }))),
    )
    if (ended.every((one) => one.ended === 'empty')) break
  }
  expect(requests() - written).toBeLessThan(count / 3)
  expect(await finishPairing(lab.database, { linkId, runId })).toEqual({ done: true, adopted: count, missed: 0 })
  const full = await beginRun('full')
  for (const side of ['left', 'right'] as const)
    await step(() => lab.activities.scan({ linkId, runId: full, version: 1, side, extent: 'all' }))
  for (;;) {
    const { ended } = await step(() => lab.activities.reconcile({ linkId, runId: full, version: 1 }))
    if (ended === 'empty') break
  }
  const { counters } = await lab.store.finishRun({ runId: full, status: 'passed', message: null })
  expect(counters).toMatchObject({ createdLeft: 0, createdRight: 0, updatedLeft: 0, updatedRight: 0 })
  await assertAdopted(count)
})

for (const when of ['before', 'after'] as const)
  it(`a worker that dies ${when} any commit of it loses nothing: the next run goes on`, async () => {
    const count = 40
    lab = await createLab({ link: (proposed) => ({ ...proposed, tuning: { batchSize: 10, inDoubtSeconds: 60 } }) })
    twins(count)
    const { linkId } = lab
    const adoptionId = await list()
    await acceptAdoption(lab.database, { adoptionId, matched: count, differences: 'ask', actor: 'admin' })
    let deaths = 0
    for (let round = 1; round < 30; round++) {
      const runId = await beginRun('adoption')
      if ((await nextAdoptionStep(lab.database, { linkId, runId })) === 'none') break
      let dead = false
      let commits = 0
      const worker = lab.createWorker({
        connector: (connector) => connector,
        store: (store) => ({
          ...store,
          commit: async (request) => {
            if (dead) throw new Error('the worker is dead')
            if (++commits === 2 && round < 8) dead = true
            if (dead && when === 'before') throw new Error('the worker is dead')
            await store.commit(request)
            if (dead) throw new Error('the worker is dead')
          },
          // Whoever is dead gives nothing back.
          release: async (input) => (dead ? undefined : store.release(input)),
        }),
      })
      const ended = await step(() => worker.activities.reconcile({ linkId, runId, version: 1, asked: true })).catch(
        () => null,
      )
      if (ended === null) {
        deaths++
        await timePasses(lab)
        continue
      }
      const { done } = await finishPairing(lab.database, { linkId, runId })
      if (done) break
      await timePasses(lab)
    }
    expect(deaths).toBeGreaterThan(1)
    expect(await getAdoption(lab.database, adoptionId)).toMatchObject({
      status: 'applied',
      summary: { adopted: count, missed: 0 },
    })
    await assertAdopted(count)
  })

it('a backlog is paired with its tree, children before parents, and nothing of it is created, moved or asked', async () => {
  lab = await createLab({
    kind: 'backlog',
    types: [
      { octane: 'epic', alm: ['Business'] },
      { octane: 'feature', alm: ['Functional'] },
      { octane: 'story', alm: ['User Story'] },
    ],
    link: (proposed) => ({ ...proposed, tuning: { batchSize: 2 } }),
  })
  const requirement = (name: string, type: string, parent: string) =>
    String(lab.alm.create('requirement', { name, 'type-id': type, 'parent-id': parent }).id)
  const item = (type: string, name: string, parent: string | null, parentType = 'work_item_root') =>
    lab.octane.create(type, { name, ...(parent === null ? {} : { parent: { type: parentType, id: parent } }) }).id
  for (let index = 0; index < 4; index++) {
    const epic = requirement(`epic ${index}`, '4', '0')
    const feature = requirement(`feature ${index}`, '3', epic)
    requirement(`story ${index}`, '101', feature)
    const twin = item('epic', `epic ${index}`, null)
    const under = item('feature', `feature ${index}`, twin, 'epic')
    item('story', `story ${index}`, under, 'feature')
  }
  const settings = { method: 'keys', mappings: ['name'] } as const
  const adoptionId = await list(settings)
  expect((await getAdoption(lab.database, adoptionId))?.summary).toMatchObject({ matched: 12, doubtful: 0 })
  await pairedWithoutWrites(adoptionId, 12)
})

it('releases are paired with their cycles, of which several may have one name, and nothing of them is created or moved', async () => {
  lab = await createLab({ kind: 'release', link: (proposed) => ({ ...proposed, tuning: { batchSize: 2 } }) })
  const noon = (day: string) => `${day}T12:00:00Z`
  for (const year of [2031, 2032, 2033]) {
    const dates = [`${year}-01-01`, `${year}-06-30`] as const
    const release = lab.alm.create('release', {
      name: `release ${year}`,
      'start-date': dates[0],
      'end-date': dates[1],
      'parent-id': '1',
    }).id
    lab.alm.create('release-cycle', {
      name: 'first',
      'start-date': dates[0],
      'end-date': `${year}-01-31`,
      'parent-id': String(release),
    })
    const twin = lab.octane.create('release', {
      name: `release ${year}`,
      start_date: noon(dates[0]),
      end_date: noon(dates[1]),
    }).id
    lab.octane.create('sprint', {
      name: 'first',
      release: { type: 'release', id: twin },
      start_date: noon(dates[0]),
      end_date: noon(`${year}-01-31`),
    })
  }
  const { matchBy } = lab.configuration
  const adoptionId = await list({ method: 'keys', mappings: [...matchBy] })
  // Besides these, what both systems were seeded with: of that the past is out of the link's scope.
  const summary = (await getAdoption(lab.database, adoptionId))?.summary
  expect(summary).toMatchObject({ matched: 10, doubtful: 7, doubts: { 'out-of-scope': 7 } })
  await pairedWithoutWrites(adoptionId, 10, summary?.unmatchedRight)
  expect(summary?.unmatchedRight).toBe(1)
})
