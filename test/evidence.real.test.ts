import { afterEach, describe, expect, it } from 'vitest'
import type { FaultKind } from '../sandbox/common/faults.ts'
import { deletedByUs, deleting, fullRun, openIssues, waitOver } from './deletions.ts'
import { createLab, type Lab } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

const records = 12

/**
 * Both sides in step, deletions carried over by rule both ways, without a grace and without a brake: the least forgiving
 * settings, so that nothing but evidence stands between a wrong listing and a wrong deletion.
 */
async function inStep(deletions = 1_000): Promise<Lab> {
  const brake = { changes: { count: 1_000, share: 1 }, deletions: { count: deletions, share: 0 } }
  const here = await createLab({
    alm: { defects: records },
    link: (same) => ({ ...deleting(same, 'delete'), brake }),
  })
  lab = here
  for (let round = 0; round < 3; round++) {
    await fullRun(here)
    await waitOver(here)
  }
  expect(here.octane.records('defect')).toHaveLength(records)
  return here
}

async function rounds(here: Lab, count: number): Promise<void> {
  for (let round = 0; round < count; round++) {
    await fullRun(here)
    await waitOver(here)
  }
}

/** What one person deletes is carried over, so that the guard is not simply deaf. */
async function stillDeletes(here: Lab): Promise<void> {
  here.alm.remove('defect', '5')
  await rounds(here, 4)
  expect(deletedByUs(here)).toHaveLength(1)
  expect(here.octane.records('defect')).toHaveLength(records - 1)
}

describe('no record is deleted on a guess', () => {
  const faults: readonly FaultKind[] = ['page-skip', 'page-duplicate', 'page-reorder', 'page-cut']

  it('T6: pages that skip, repeat, reorder or end too early', async () => {
    const here = await inStep()
    let tried = 0
    for (const system of [here.alm, here.octane])
      for (const kind of faults)
        for (const times of [1, 4, 100]) {
          system.faults.add({ match: { method: 'GET', path: '/defects' }, kind, times })
          await rounds(here, 3)
          system.faults.clear()
          tried++
        }
    process.stdout.write(`T6: ${deletedByUs(here).length} false deletes in ${tried} ways of listing wrongly\n`)
    expect(deletedByUs(here)).toEqual([])
    await rounds(here, 2)
    expect(here.octane.records('defect')).toHaveLength(records)
    await stillDeletes(here)
  })

  for (const deletions of [1_000, 2])
    it(`T14: rights that are lost, a project that vanishes, records that are hidden, errors in their place; brake at ${deletions}`, () =>
      losses(deletions))

  async function losses(deletions: number): Promise<void> {
    const here = await inStep(deletions)
    const user = here.alm.credentials.user.user
    const ways: [string, () => void, () => void][] = [
      [
        'ALM reads forbidden',
        () => here.alm.permissions.deny({ user, type: 'defect', action: 'read' }),
        () => here.alm.permissions.clear(),
      ],
      [
        'Octane reads forbidden',
        () => here.octane.permissions.deny({ type: 'defect', action: 'read' }),
        () => here.octane.permissions.clear(),
      ],
      ['ALM user shut out', () => here.alm.permissions.shutOut(user), () => here.alm.permissions.letIn(user)],
      [
        'ALM project vanished',
        () => {
          here.alm.permissions.vanished = true
        },
        () => {
          here.alm.permissions.vanished = false
        },
      ],
      [
        'Octane workspace vanished',
        () => {
          here.octane.permissions.vanished = true
        },
        () => {
          here.octane.permissions.vanished = false
        },
      ],
      [
        'ALM answers 500',
        () => here.alm.faults.add({ match: { method: 'GET', path: '/defects' }, kind: 'error-before', times: 400 }),
        () => here.alm.faults.clear(),
      ],
    ]
    // A server that says of single records that they do not exist, while others read, cannot be told from one where they
    // were deleted: there the brake is all that stands between.
    if (deletions < records)
      ways.push([
        'most ALM records hidden',
        () =>
          here.alm.permissions.hideRecords({
            type: 'defect',
            ids: Array.from({ length: records - 1 }, (_, index) => String(index + 1)),
          }),
        () => here.alm.permissions.clear(),
      ])
    for (const [, lose, heal] of ways) {
      lose()
      await rounds(here, 3)
      heal()
      await rounds(here, 1)
    }
    const told = await here.database.sql<
      { braked: number }[]
    >`select count(*)::int as braked from scan_epochs where braked`
    process.stdout.write(
      `T14: ${deletedByUs(here).length} false deletes in ${ways.length} losses, ${told[0]?.braked} listings braked\n`,
    )
    expect(deletedByUs(here)).toEqual([])
    expect((told[0]?.braked ?? 0) > 0).toBe(deletions < records)
    expect(here.alm.records('defect')).toHaveLength(records)
    expect(here.octane.records('defect')).toHaveLength(records)
    expect((await openIssues(here)).filter((one) => one.class === 'missing')).toEqual([])
  }
})
