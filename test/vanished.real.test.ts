import { afterEach, expect, it } from 'vitest'
import { fullRun, twinOf, waitOver } from './deletions.ts'
import { createLab, type Lab } from './lab.ts'

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
