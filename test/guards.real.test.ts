import { afterEach, expect, it } from 'vitest'
import { loadGuards } from '../db/overwrite-guards.ts'
import { fullRun } from './deletions.ts'
import { createLab, type Lab } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

for (const writes of ['lock', 'bulk'] as const)
  it(`tells the measured window of a side that is read again, and what was noticed (${writes})`, async () => {
    const here = await createLab({ alm: { defects: 3 }, link: (same) => ({ ...same, tuning: { writes } }) })
    lab = here
    await fullRun(here)
    expect(await loadGuards(here.database, here.linkId)).toMatchObject({
      left: { window: null, overwrites: 0 },
      right: { window: null, overwrites: 0 },
    })
    for (const record of here.octane.records('defect'))
      here.octane.edit('defect', record.id, { name: `renamed ${record.id}` })
    await fullRun(here)
    const { left, right } = await loadGuards(here.database, here.linkId)
    expect(left.window?.measured).toBe(3)
    expect(left.window?.p95).toBeGreaterThanOrEqual(left.window?.p50 ?? Number.POSITIVE_INFINITY)
    expect(left.overwrites).toBe(0)
    // The server compares: there is no window.
    expect(right.window).toBeNull()

    // A person saves just before a write that compares nothing.
    const [first] = here.octane.records('defect')
    here.octane.edit('defect', String(first?.id), { name: 'by Octane' })
    await fullRun(here, {
      store: (store) => store,
      connector: (connector) => ({
        ...connector,
        update: (type, rows, ...rest) => {
          if (connector.kind === 'alm')
            for (const row of rows) here.alm.edit('defect', row.id, { severity: '5-Urgent' })
          return connector.update(
            type,
            rows.map((row) => ({ ...row, compareAndSet: false })),
            ...rest,
          )
        },
      }),
    })
    expect((await loadGuards(here.database, here.linkId)).left.overwrites).toBeGreaterThanOrEqual(1)
  })
