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
