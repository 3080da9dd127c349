import { afterEach, expect, it } from 'vitest'
import { fullRun, openIssues, restWrites } from './deletions.ts'
import { createLab, type Lab } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

const nul = String.fromCharCode(0)
const half = String.fromCharCode(0xd83d)

it('texts that no database keeps hold up neither their own record nor the others of the batch', async () => {
  const here = await createLab({ octane: { defects: 4 } })
  lab = here
  const [first = '', second = '', third = ''] = here.octane.records('defect').map((one) => String(one.id))
  here.octane.edit('defect', first, { name: `with${nul} NUL` })
  here.octane.edit('defect', second, { name: `cut ${half}` })
  here.octane.edit('defect', third, { description: `<html><body><p>x${half}y${nul}z</p></body></html>` })
  expect((await fullRun(here)).status).toBe('passed')
  const records = here.alm.records('defect')
  expect(records).toHaveLength(4)
  expect(records.map((one) => one.name)).toEqual(expect.arrayContaining(['with NUL', 'cut \uFFFD']))
  expect(records.some((one) => String(one.description).includes('x\uFFFDyz'))).toBe(true)
  expect(await openIssues(here)).toEqual([])

  // What was replaced counts as no edit of either side.
  const before = restWrites(here)
  here.octane.edit('defect', first, { story_points: 3 })
  await fullRun(here)
  expect(restWrites(here) - before).toBe(1)
  expect(here.octane.records('defect').map((one) => one.name)).toEqual(
    expect.arrayContaining([`with${nul} NUL`, `cut ${half}`]),
  )
})
