import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decideConflicts, listConflicts } from '../db/conflicts.ts'
import { type FreshnessPoint, loadFreshness, slowestEdits } from '../db/freshness.ts'
import { activity } from './deletions.ts'
import { createLab, type Lab } from './lab.ts'

let lab: Lab

beforeAll(async () => {
  lab = await createLab({
    alm: { defects: 4 },
    link: (proposed) => ({
      ...proposed,
      fields: proposed.fields.map((field) => (field.left === 'name' ? { ...field, conflict: 'ask' } : field)),
    }),
  })
  await look()
})
afterAll(() => lab.close())

/** Scans both sides, and reconciles what is due after something has happened. */
async function look(meanwhile: () => Promise<unknown> = async () => undefined): Promise<void> {
  const { linkId } = lab
  const runId = randomUUID()
  const run = { runId, linkId, kind: 'incremental', trigger: 'person', actor: 'test', version: 1 } as const
  await lab.store.beginRun({ ...run, temporal: { workflowId: 'w', runId: 'r' } })
  for (const side of ['left', 'right'] as const)
    await activity(() => lab.activities.scan({ linkId, runId, version: 1, side, extent: 'changes' }))
  await meanwhile()
  await activity(() => lab.activities.reconcile({ linkId, runId, version: 1 }))
  await lab.store.finishRun({ runId, status: 'passed', message: null })
}

/** As if what is queued had been edited 100 seconds ago, and noticed 60 seconds later. */
const longAgo = () => lab.database.sql`
  update pending set edited_at = now() - interval '100 seconds', first_seen = now() - interval '40 seconds'`

const twinOf = (id: string) =>
  lab.octane.records('defect').find((record) => record.alm_id_udf === `DEFAULT/Sync/defect/${id}`)?.id ?? ''

/** The last edit of a record that became visible. */
async function edit(leftId: string): Promise<FreshnessPoint> {
  const edits = await slowestEdits(lab.database, { linkId: lab.linkId, hours: 1, limit: 100 })
  const [last] = edits.filter((one) => one.leftId === leftId).sort((a, b) => (a.visibleAt < b.visibleAt ? 1 : -1))
  if (last === undefined) throw new Error(`no edit of ${leftId} is known`)
  return last
}

function expectSum({ total, poll, queue, endpoint, retry, person }: FreshnessPoint): void {
  expect(poll + queue + endpoint + retry + person).toBe(total)
}

describe('from an edit until it is visible on the other side', () => {
  it('counts nothing of a first synchronization, and nothing of what was in step', async () => {
    await look()
    expect(await loadFreshness(lab.database, lab.linkId, 24)).toMatchObject({ edits: 0, p50: null, mean: null })
  })

  it('is the time until a look, in the queue and at the endpoints, either way', async () => {
    lab.alm.edit('defect', '1', { priority: '2-Medium' })
    lab.octane.edit('defect', twinOf('2'), { story_points: 8 })
    await look(longAgo)
    for (const [id, side] of [
      ['1', 'left'],
      ['2', 'right'],
    ] as const) {
      const one = await edit(id)
      expect(one).toMatchObject({ side, poll: 60_000, retry: 0, person: 0 })
      expect(one.queue).toBeGreaterThanOrEqual(40_000)
      expect(one.endpoint).toBeGreaterThan(0)
      expectSum(one)
    }
    const told = await loadFreshness(lab.database, lab.linkId, 24)
    expect(told.edits).toBe(2)
    const sum = told.mean === null ? 0 : Object.values(told.mean).reduce((all, ms) => all + ms, 0)
    expect(Math.abs(sum - 2 * (told.mean?.total ?? 0))).toBeLessThan(0.01)
  })

  it('is also the time until the next attempt, where a record was locked', async () => {
    lab.alm.edit('defect', '3', { priority: '2-Medium' }, { actor: 'bob', holdLockMs: 600_000 })
    await look()
    lab.octane.edit('defect', twinOf('3'), { story_points: 3 })
    await look(longAgo)
    lab.alm.store.unlock('defect', '3', { user: 'bob', session: null, via: 'control' })
    await lab.database.sql`
      update pending set edited_at = edited_at - interval '50 seconds', first_seen = first_seen - interval '50 seconds',
        accounted_to = accounted_to - interval '50 seconds', next_attempt_at = now()`
    await look()
    expect(lab.alm.store.get('defect', '3')).toMatchObject({ 'estimated-fix-time': '3' })
    const one = await edit('3')
    // What it waited for before it failed counts as well.
    expect(one).toMatchObject({ side: 'right', poll: 60_000, person: 0 })
    expect(one.retry).toBeGreaterThanOrEqual(50_000)
    expectSum(one)
  })

  it('is also the time until a person has decided, where both sides changed a field', async () => {
    lab.alm.edit('defect', '4', { name: 'ALM says' })
    lab.octane.edit('defect', twinOf('4'), { name: 'Octane says' })
    await look()
    const [conflict] = await listConflicts(lab.database, { linkId: lab.linkId, open: true, limit: 2 })
    if (conflict === undefined) throw new Error('there is no conflict')
    await lab.database.sql`
      update pending set edited_at = edited_at - interval '70 seconds', first_seen = first_seen - interval '70 seconds',
        accounted_to = accounted_to - interval '70 seconds'`
    const { linkId } = lab
    const decision = { choose: 'left', value: null, side: 'left', reason: 'agreed', actor: 'ann' } as const
    await decideConflicts(lab.database, { linkId, conflicts: [conflict], ...decision })
    await look()
    expect(lab.octane.records('defect').find(({ id }) => id === twinOf('4'))).toMatchObject({ name: 'ALM says' })
    const one = await edit('4')
    expect(one.person).toBeGreaterThanOrEqual(70_000)
    expectSum(one)
  })
})
