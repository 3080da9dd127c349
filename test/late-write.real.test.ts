import { afterEach, expect, it } from 'vitest'
import { fullRun, waitOver } from './deletions.ts'
import { createLab, type Lab } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

it('a write that the server carries out after we looked for it in vain is in the ledger like any other', async () => {
  const here = await createLab({ alm: { defects: 1 } })
  lab = here
  await fullRun(here)
  await fullRun(here)
  const rest = () => here.octane.truth.entries().filter((entry) => entry.via === 'rest')
  const rows = async () => {
    const [row] = await here.database.sql<{ count: number }[]>`
      select count(*)::int as count from ledger where side = 'right' and (kind = 'write' or action = 'unsettled-write')`
    return row?.count ?? 0
  }
  expect(await rows()).toBe(rest().length)
  here.alm.edit('defect', '1', { name: 'late' })
  here.octane.faults.add({ match: { method: 'PUT', path: '/defects' }, kind: 'commit-late' })
  await fullRun(here)
  await waitOver(here)
  // Looked for in vain, it is planned again, and just before it is sent again the server carries the first one out.
  await fullRun(here, {
    store: (store) => store,
    connector: (connector) => ({
      ...connector,
      update: (...parameters) => {
        if (connector.kind === 'octane') here.octane.faults.releaseHeld()
        return connector.update(...parameters)
      },
    }),
  })
  await waitOver(here)
  await fullRun(here)
  expect(here.octane.records('defect')[0]).toMatchObject({ name: 'late' })
  expect(await rows()).toBe(rest().length)
})

it('a link-back that the server carries out late is in the ledger once, and edits do not wait for it', async () => {
  const here = await createLab({ alm: { defects: 1 } })
  lab = here
  // The twin is created, and the request that is to write its number back is held by the server.
  here.alm.faults.add({ match: { method: 'PUT', path: '/defects/1$' }, kind: 'commit-late' })
  await fullRun(here)
  const [twin] = here.octane.records('defect')
  here.octane.edit('defect', String(twin?.id), { name: 'goes on' })
  await fullRun(here)
  expect(here.alm.store.get('defect', '1')).toMatchObject({ name: 'goes on' })
  here.alm.faults.releaseHeld()
  await waitOver(here)
  await fullRun(here)
  expect(here.alm.store.get('defect', '1')['user-01']).toBe(`1001/1002/defect/${twin?.id}`)
  const written = here.alm.truth.entries().filter((entry) => entry.via === 'rest')
  const rows = await here.database.sql`
    select action from ledger where side = 'left' and kind = 'write' order by action`
  expect(rows.map((row) => row.action)).toEqual(['link-back', 'update'])
  expect(written.map((entry) => entry.changed)).toEqual([['name'], ['user-01']])
  expect(await here.database.sql`select 1 from intents`).toEqual([])
})

it('a link-back that never came is sent again when it cannot come any more', async () => {
  const here = await createLab({ alm: { defects: 1 } })
  lab = here
  here.alm.faults.add({ match: { method: 'PUT', path: '/defects/1$' }, kind: 'drop' })
  await fullRun(here)
  await waitOver(here)
  await fullRun(here)
  expect(here.alm.store.get('defect', '1')['user-01'] ?? '').toBe('')
  await here.database.sql`update intents set created_at = created_at - interval '1 hour'`
  await waitOver(here)
  await fullRun(here)
  expect(here.alm.store.get('defect', '1')['user-01']).toMatch(/^1001\/1002\/defect\//)
  expect(await here.database.sql`select 1 from pending`).toEqual([])
})
