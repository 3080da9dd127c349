import { afterEach, expect, it } from 'vitest'
import { fullRun, waitOver } from './deletions.ts'
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
