import { afterEach, expect, it } from 'vitest'
import { fullRun, openIssues, twinOf, waitOver } from './deletions.ts'
import { createLab, type Lab } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

/** What is in doubt has been so for longer than the in-doubt time. */
async function doubtOver(here: Lab): Promise<void> {
  await here.database.sql`update intents set created_at = created_at - interval '1 hour'`
  await waitOver(here)
}

const troubles: Record<string, (here: Lab) => void> = {
  'lists end too early': (here) =>
    here.octane.faults.add({ match: { method: 'GET', path: '/defects$' }, kind: 'page-cut', times: 1_000 }),
  'lists lack their beginning': (here) =>
    here.octane.faults.add({ match: { method: 'GET', path: '/defects$' }, kind: 'page-skip', times: 1_000 }),
  'the right to read has been lost': (here) => here.octane.permissions.deny({ type: 'defect', action: 'read' }),
}

for (const [trouble, begin] of Object.entries(troubles))
  it(`a create whose answer was lost is not sent again while ${trouble}`, async () => {
    const here = await createLab({ alm: { defects: 3 } })
    lab = here
    await fullRun(here)
    const { id } = here.alm.create('defect', {
      name: 'once',
      severity: '2-Medium',
      'detected-by': 'ann',
      'creation-time': '2026-03-01',
      status: 'New',
    })
    here.octane.faults.add({ match: { method: 'POST', path: '/defects$' }, kind: 'drop-after' })
    await fullRun(here, undefined, 'changes')
    expect(here.octane.records('defect')).toHaveLength(4)

    begin(here)
    for (let round = 0; round < 2; round++) {
      await doubtOver(here)
      await fullRun(here, undefined, round === 0 ? 'changes' : 'all')
    }
    expect(here.octane.records('defect')).toHaveLength(4)
    here.octane.faults.clear()
    here.octane.permissions.clear()
    await doubtOver(here)
    await fullRun(here, undefined, 'changes')
    expect(here.octane.records('defect')).toHaveLength(4)
    const rows = await here.database.sql`
      select right_id from ledger where kind = 'write' and action = 'create' and left_id = ${String(id)}`
    expect(rows).toEqual([{ right_id: twinOf(here, String(id))?.id }])
    expect((await openIssues(here)).map((one) => one.code)).toEqual([])
  })

it('a create that surely did not happen is sent again once others are found and it is not', async () => {
  const here = await createLab({ alm: { defects: 3 } })
  lab = here
  await fullRun(here)
  const { id } = here.octane.create('defect', { name: 'lost on the way' })
  here.alm.faults.add({ match: { method: 'POST', path: '/defects$' }, kind: 'drop' })
  await fullRun(here, undefined, 'changes')
  await doubtOver(here)
  await fullRun(here, undefined, 'changes')
  expect(here.alm.records('defect').filter((one) => one.name === 'lost on the way')).toHaveLength(1)
  expect(here.octane.store.rows('defect').get(id)?.alm_id_udf).toBeTruthy()
})
