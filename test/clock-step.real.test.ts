import { afterEach, describe, expect, it } from 'vitest'
import { fullRun, openIssues, twinOf } from './deletions.ts'
import { createLab, type Lab, type LabOptions, type Shell } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

const records = 20

async function inStep(options: LabOptions = {}): Promise<Lab> {
  const here = await createLab({ ...options, alm: { defects: records } })
  lab = here
  await fullRun(here)
  await fullRun(here, undefined, 'changes')
  expect(here.octane.records('defect')).toHaveLength(records)
  return here
}

/** Servers, or a proxy before them, that send no header `Date`. */
const withoutHeader: Shell = {
  store: (store) => store,
  connector: (connector) => ({ ...connector, serverDate: () => null }),
}

const hours = (count: number) => ({ offsetMs: count * 3_600_000 })

async function state(here: Lab, side: 'left' | 'right') {
  const [row] = await here.database.sql<{ since: string; newest: string; ceiling: string | null; restored: boolean }[]>`
    select since, newest, clock_ceiling as ceiling, restored_at is not null as restored
    from scan_positions where link_id = ${here.linkId} and side = ${side}`
  if (row === undefined) throw new Error('the side was never scanned')
  return row
}

async function listings(here: Lab): Promise<{ count: number; escaped: number }> {
  const [row] = await here.database.sql<{ count: number; escaped: number }[]>`
    select count(*)::int as count, coalesce(sum(escaped), 0)::int as escaped from scan_epochs`
  return row ?? { count: 0, escaped: 0 }
}

const editAlm = (here: Lab, id: string, name: string) => here.alm.edit('defect', id, { name })
const nameInOctane = (here: Lab, id: string) => twinOf(here, id)?.name
const onlyToOctane: LabOptions = {
  link: (proposed) => ({
    ...proposed,
    rules: { toRight: { create: true, update: true }, toLeft: { create: false, update: false } },
  }),
}

describe('T11: a clock that steps back', () => {
  it('is told by the header Date on a side that is never written, and the next look makes up for it without a full listing', async () => {
    const here = await inStep(onlyToOctane)
    const { count } = await listings(here)
    here.alm.clock.set(hours(-5))
    editAlm(here, '3', 'just after the step')
    await fullRun(here, undefined, 'changes')
    expect(nameInOctane(here, '3')).toBe('just after the step')
    // Until the clock has caught up, T stays near what it shows; nothing is read from the beginning of time.
    for (const [round, minutes] of [1, 30, 120].entries()) {
      here.alm.clock.set({ offsetMs: -5 * 3_600_000 + minutes * 60_000 })
      editAlm(here, '4', `later ${round}`)
      await fullRun(here, undefined, 'changes')
      expect(nameInOctane(here, '4')).toBe(`later ${round}`)
    }
    expect((await state(here, 'left')).ceiling).not.toBeNull()
    here.alm.clock.set({ offsetMs: 60_000 })
    editAlm(here, '5', 'caught up')
    await fullRun(here, undefined, 'changes')
    expect(nameInOctane(here, '5')).toBe('caught up')
    const { ceiling, newest, since } = await state(here, 'left')
    expect(ceiling).toBeNull()
    expect(here.alm.store.get('defect', '5')['last-modified']).toBe(newest)
    expect(since < newest).toBe(true)
    expect(await listings(here)).toEqual({ count, escaped: 0 })
    expect(await openIssues(here)).toEqual([])
  })

  it('is told by the answer to a write of ours where no header tells it', async () => {
    const here = await inStep()
    here.alm.clock.set(hours(-3))
    editAlm(here, '3', 'not seen yet')
    await fullRun(here, withoutHeader, 'changes')
    const overlap = (await here.store.scanPosition(here.linkId, 'left')).overlapSeconds
    expect(nameInOctane(here, '3')).not.toBe('not seen yet')
    // Somebody's edit in Octane is written to ALM, whose answer is older than T.
    here.octane.edit('defect', String(twinOf(here, '7')?.id), { name: 'from Octane' })
    await fullRun(here, withoutHeader, 'changes')
    expect(here.alm.store.get('defect', '7').name).toBe('from Octane')
    const { count } = await listings(here)
    await fullRun(here, withoutHeader, 'changes')
    expect(nameInOctane(here, '3')).toBe('not seen yet')
    // Listed whole that once; from then on T stays below what the clock shows.
    editAlm(here, '4', 'seen at once')
    await fullRun(here, withoutHeader, 'changes')
    expect(nameInOctane(here, '4')).toBe('seen at once')
    expect(await listings(here)).toEqual({ count: count + 1, escaped: 1 })
    const position = await here.store.scanPosition(here.linkId, 'left')
    expect(position.overlapSeconds).toBe(overlap)
    expect(position.restored).toBeNull()
    expect(await openIssues(here)).toEqual([])
  })

  it('that nothing tells is told by the full scan, which counts what escaped and lets T follow', async () => {
    const here = await inStep(onlyToOctane)
    here.alm.clock.set(hours(-3))
    editAlm(here, '3', 'escaped')
    await fullRun(here, withoutHeader, 'changes')
    expect(nameInOctane(here, '3')).not.toBe('escaped')
    await fullRun(here, withoutHeader)
    expect((await listings(here)).escaped).toBe(1)
    editAlm(here, '4', 'seen')
    await fullRun(here, withoutHeader, 'changes')
    expect([nameInOctane(here, '3'), nameInOctane(here, '4')]).toEqual(['escaped', 'seen'])
  })

  it('goes on where records are newer than the server says it is, in times with a zone', async () => {
    const here = await createLab({ alm: { defects: records } })
    lab = here
    // Set to another year for a moment: what was stamped then stays the newest for long.
    here.octane.clock.set(hours(24 * 365))
    await fullRun(here)
    here.octane.clock.set(hours(0))
    for (const round of [0, 1]) {
      here.octane.edit('defect', String(twinOf(here, '7')?.id), { name: `now ${round}` })
      await fullRun(here, undefined, 'changes')
      expect(here.alm.store.get('defect', '7').name).toBe(`now ${round}`)
    }
    expect(await openIssues(here)).toEqual([])
  })

  it('is no restored endpoint, and a restored endpoint is none whose clock stepped back', async () => {
    const here = await inStep()
    here.alm.clock.set(hours(-2))
    for (let id = 1; id <= records; id++) editAlm(here, String(id), `after ${id}`)
    // Every record was changed, so that the side's newest time is two hours older than it was.
    const summary = await fullRun(here, undefined, 'changes')
    expect(summary.status).toBe('passed')
    expect(nameInOctane(here, '9')).toBe('after 9')
    expect((await state(here, 'left')).restored).toBe(false)

    const backup = here.alm.snapshot()
    here.alm.clock.set(hours(0))
    editAlm(here, '9', 'lost with the backup')
    await fullRun(here, undefined, 'changes')
    here.alm.restore(backup, { clockToo: true })
    editAlm(here, '10', 'edited after the restore')
    const restored = await fullRun(here)
    expect(restored.status).toBe('failed')
    expect((await here.store.scanPosition(here.linkId, 'left')).restored).toContain('went back in time')
    expect(here.alm.store.get('defect', '9').name).toBe('after 9')
    expect(nameInOctane(here, '9')).toBe('lost with the backup')
  })
})
