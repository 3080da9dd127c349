import { afterEach, describe, expect, it } from 'vitest'
import { createSimulate } from '../activities/simulate.ts'
import { findSimulated, listComparisons } from '../db/simulations.ts'
import { deletedByUs, deleting, fullRun, twinOf, waitOver } from './deletions.ts'
import { createLab, type Lab } from './lab.ts'
import { comparisonOf, newDefect, simulationRun } from './simulations.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

describe('a simulation and the run that follows', () => {
  it('predicts a rule no more that its endpoint turned out not to hold us to', async () => {
    const here = await createLab({ octane: { switches: { enforceTransitions: 'no' } } })
    lab = here
    const id = newDefect(here, 'left', 'bypasses the workflow', { status: 'Fixed' })
    await fullRun(here, undefined, 'changes')
    await waitOver(here)
    await fullRun(here, undefined, 'changes')
    for (const [status, predicted] of [
      ['New', ['transition-refused']],
      ['Fixed', []],
      ['New', []],
    ] as const) {
      here.alm.edit('defect', id, { status })
      const { runId, counts } = await simulationRun(here)
      const [row] = await here.database.sql<{ codes: string[] }[]>`
        select array(select p ->> 'code' from jsonb_array_elements(item -> 'problems') p) as codes
        from simulated_items where run_id = ${runId}`
      expect(row?.codes).toEqual(predicted)
      expect(counts['update-right']).toBe(predicted.length === 0 ? 1 : 0)
      await fullRun(here, undefined, 'changes')
      expect(await comparisonOf(here, runId)).toMatchObject({ compared: 1, real: 0, predicted: predicted.length })
    }
  })

  it('knows what each type of requirement needs, and what waits for another record of the same run', async () => {
    const here = await createLab({
      kind: 'backlog',
      types: [
        { octane: 'epic', alm: ['Business'] },
        { octane: 'feature', alm: ['Functional'] },
      ],
    })
    lab = here
    const epic = here.octane.create('epic', { name: 'Above' })
    here.octane.create('feature', { name: 'Between', parent: { type: 'epic', id: epic.id } })
    const { runId } = await simulationRun(here)
    const rows = await here.database.sql<{ title: string; action: string; type: string; codes: string[] }[]>`
      select item ->> 'title' as title, action, item ->> 'type' as type,
        array(select p ->> 'code' from jsonb_array_elements(item -> 'problems') p) as codes
      from simulated_items where run_id = ${runId} and item ->> 'title' in ('Above', 'Between') order by 1`
    expect(rows).toMatchObject([
      { title: 'Above', action: 'create-left', codes: [] },
      { title: 'Between', action: 'create-left', codes: ['reference-waits'] },
    ])
    expect(new Set(rows.map(({ type }) => type)).size).toBe(2)
    for (let round = 0; round < 2; round++) await fullRun(here, undefined, 'changes')
    const score = await comparisonOf(here, runId)
    expect(score).toMatchObject({ predicted: 0, real: 0 })
    expect(score.sameAction).toBe(score.compared)
  })

  it('shows what would be deleted, with the evidence that a run would ask for', async () => {
    const here = await createLab({ alm: { defects: 12 }, link: (same) => deleting(same) })
    lab = here
    for (let round = 0; round < 2; round++) await fullRun(here)
    here.alm.remove('defect', '3')
    const actions = async () => {
      const { runId, counts } = await simulationRun(here)
      return { runId, deleted: counts['delete-right'] }
    }
    // Missing once proves nothing.
    expect((await actions()).deleted).toBe(0)
    const { runId, deleted } = await actions()
    expect(deleted).toBe(1)
    expect(deletedByUs(here)).toEqual([])
    const [row] = await findSimulated(here.database, { runId, action: 'delete-right' }, { limit: 10 })
    expect(row).toMatchObject({ leftId: '3', rightId: twinOf(here, '3')?.id, problems: [], fields: [] })
    const run = await fullRun(here, undefined, 'changes')
    expect(run.counters).toMatchObject({ deletedRight: 1 })
    expect(await comparisonOf(here, runId)).toMatchObject({ records: 1, compared: 1, sameAction: 1 })
  })

  it('does not compare what people edited in between, and is compared with one run alone', async () => {
    const here = await createLab({ alm: { defects: 5 } })
    lab = here
    const { runId } = await simulationRun(here)
    here.alm.edit('defect', '2', { name: 'edited in between' })
    await fullRun(here, undefined, 'changes')
    const score = await comparisonOf(here, runId)
    expect(score).toMatchObject({ records: 5, compared: 4, changedSince: 1, notReached: 0, sameAction: 4 })
    here.alm.edit('defect', '3', { name: 'edited later' })
    await fullRun(here, undefined, 'changes')
    expect(await comparisonOf(here, runId)).toEqual(score)
  })

  it('plans by what each endpoint describes now, and asks for that once', async () => {
    const here = await createLab()
    lab = here
    newDefect(here, 'left', 'one')
    const asked = () => [here.alm, here.octane].map((system) => described(system.requests))
    const before = asked()
    await simulationRun(here)
    expect(asked()).toEqual(before.map((count) => count + 1))
    await simulationRun(here)
    expect(asked()).toEqual(before.map((count) => count + 2))
  })

  it('looks at a sample of a huge link, and says so', async () => {
    const here = await createLab({ alm: { defects: 60 } })
    lab = here
    const { simulate } = createSimulate({ store: here.store, connections: here.connections, mostRows: 20 })
    here.activities.simulate = simulate
    const { runId, records, due, oneIn } = await simulationRun(here)
    expect({ due, oneIn }).toEqual({ due: 60, oneIn: 3 })
    expect(records).toBeGreaterThan(5)
    expect(records).toBeLessThan(40)
    const [comparison] = await listComparisons(here.database, { runId, limit: 1 })
    expect(comparison?.summary).toEqual({ records, due, oneIn })
    // The first run may write as much as the sample shows of the whole.
    const run = await fullRun(here, undefined, 'changes')
    expect(run.counters.createdRight).toBe(60)
    expect(await comparisonOf(here, runId)).toMatchObject({ records, compared: records, sameAction: records })
  })
})

/** How often an endpoint was asked for its fields. */
function described(requests: ReadonlyMap<string, number>): number {
  return [...requests].reduce((sum, [what, count]) => (/fields$/.test(what) ? sum + count : sum), 0)
}
