import { afterEach, expect, it } from 'vitest'
import { deletedByUs, deleting, fullRun, openIssues, twinOf, waitOver } from './deletions.ts'
import { createLab, type Lab, type Shell } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

it('a create whose answer was lost and whose source is deleted meanwhile is in the ledger as one that nobody can tell', async () => {
  const here = await createLab({ alm: { defects: 3 } })
  lab = here
  await fullRun(here)
  const { id } = here.octane.create('defect', { name: 'short-lived' })
  here.alm.faults.add({ match: { method: 'POST', path: '/defects$' }, kind: 'drop-after' })
  await fullRun(here)
  expect(here.alm.records('defect')).toHaveLength(4)
  here.octane.remove('defect', id)
  await waitOver(here)
  await fullRun(here)
  const rows = await here.database.sql`
    select action, side, left_id, right_id from ledger where right_id = ${id} and kind in ('write', 'decision')`
  expect(rows).toEqual([{ action: 'unsettled-write', side: 'left', left_id: null, right_id: id }])
  expect(await here.database.sql`select 1 from intents`).toEqual([])
})

it('a record that was refused and then once not found by its number is synchronized when it shows again', async () => {
  const here = await createLab({ alm: { defects: 3 } })
  lab = here
  await fullRun(here)
  const { id } = here.alm.create('defect', {
    name: 'hidden for a while',
    severity: '2-Medium',
    'detected-by': 'ann',
    'creation-time': '2026-03-01',
    status: 'New',
  })
  here.octane.permissions.deny({ type: 'defect', action: 'create' })
  await fullRun(here)
  here.octane.permissions.clear()
  await waitOver(here)
  here.alm.permissions.hideRecords({ type: 'defect', ids: [String(id)] })
  await fullRun(here)
  here.alm.permissions.clear()
  await fullRun(here)
  expect(twinOf(here, String(id))).toMatchObject({ name: 'hidden for a while' })
})

it('a create that was linked back by a worker that died, and whose twin is deleted meanwhile, is settled as what it was', async () => {
  const here = await createLab({ alm: { defects: 1 } })
  lab = here
  const dying: Shell = {
    connector: (connector) => connector,
    store: (store) => ({
      ...store,
      commit: async () => {
        throw new Error('died')
      },
    }),
  }
  await fullRun(here, dying)
  const [twin] = here.octane.records('defect')
  expect(here.alm.store.get('defect', '1')['user-01']).toBe(`1001/1002/defect/${twin?.id}`)
  here.octane.remove('defect', String(twin?.id))
  await waitOver(here)
  await fullRun(here)
  expect(await here.database.sql`select 1 from intents`).toEqual([])
  const rows = await here.database
    .sql`select action, side, left_id, right_id from ledger where kind = 'write' order by action`
  expect(rows).toMatchObject([
    { action: 'create', side: 'right', right_id: twin?.id },
    { action: 'link-back', side: 'left', left_id: '1' },
  ])
  expect((await openIssues(here)).map((one) => one.code)).toContain('unproven-twin')
})

it('a record that was deleted for its twin, and that a restore brought back, is told and left alone', async () => {
  const here = await createLab({ alm: { defects: 5 }, link: (same) => deleting(same, 'delete') })
  lab = here
  await fullRun(here)
  await fullRun(here)
  const twin = String(twinOf(here, '3')?.id)
  const backup = here.octane.snapshot()
  here.alm.remove('defect', '3')
  await fullRun(here)
  await fullRun(here)
  expect(deletedByUs(here)).toEqual([`octane ${twin}`])
  here.octane.restore(backup)
  here.octane.edit('defect', twin, { name: 'back again' })
  await fullRun(here)
  await fullRun(here)
  expect((await openIssues(here)).map((one) => one.code)).toEqual(['twin-deleted'])
  expect(here.octane.store.rows('defect').get(twin)).toMatchObject({ name: 'back again' })
  expect(here.alm.records('defect')).toHaveLength(4)
  expect(deletedByUs(here)).toHaveLength(1)
})
