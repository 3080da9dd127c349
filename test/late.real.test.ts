import { afterEach, describe, expect, it } from 'vitest'
import type { Side } from '../core/values.ts'
import type { ClockSetting } from '../sandbox/common/clock.ts'
import { fullRun, openIssues, twinOf } from './deletions.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

const records = 40

async function inStep(options: LabOptions = {}, clocks: { alm?: ClockSetting; octane?: ClockSetting } = {}) {
  const here = await createLab({ ...options, alm: { defects: records, ...options.alm } })
  lab = here
  here.alm.clock.set(clocks.alm ?? {})
  here.octane.clock.set(clocks.octane ?? {})
  await fullRun(here)
  await fullRun(here, undefined, 'changes')
  await fullRun(here)
  expect(here.octane.records('defect')).toHaveLength(records)
  expect(differing(here)).toEqual([])
  return here
}

/** ALM records whose twin does not show the same name. */
function differing(here: Lab): string[] {
  return here.alm
    .records('defect')
    .filter((record) => twinOf(here, String(record.id))?.name !== record.name)
    .map((record) => String(record.id))
}

function octaneId(here: Lab, almId: string): string {
  const twin = twinOf(here, almId)
  if (twin === undefined) throw new Error(`ALM defect ${almId} has no twin`)
  return String(twin.id)
}

/** The record's name as each side shows it now. */
function names(here: Lab, almId: string): [unknown, unknown] {
  return [here.alm.store.get('defect', almId).name, twinOf(here, almId)?.name]
}

/** Changes that scans for changes had missed, as the complete listings so far tell. */
async function escapes(here: Lab): Promise<number> {
  const [row] = await here.database.sql<{ escaped: number }[]>`select sum(escaped)::int as escaped from scan_epochs`
  return row?.escaped ?? 0
}

async function overlaps(here: Lab): Promise<Record<Side, number>> {
  const rows = await here.database.sql<
    { side: Side; overlap: number }[]
  >`select side, overlap_seconds as overlap from scan_positions`
  return { left: 0, right: 0, ...Object.fromEntries(rows.map((row) => [row.side, row.overlap])) }
}

/**
 * People's edits that must arrive: each goes to a record of its own, so that none may lawfully be overwritten by another.
 * The next record, the side and the expected name are this class's to remember.
 */
class Edits {
  readonly #here: Lab
  readonly #wanted = new Map<string, string>()
  #next = 0

  constructor(here: Lab) {
    this.#here = here
  }

  /** A record that no edit of this round has touched yet. */
  take(): string {
    const id = String((this.#next++ % records) + 1)
    if (this.#wanted.has(id)) throw new Error('more edits in a round than records')
    return id
  }

  want(id: string, name: string): string {
    this.#wanted.set(id, name)
    return name
  }

  alm(name: string, who: { modifiedSecondsAgo?: number } = {}): void {
    const id = this.take()
    this.#here.alm.edit('defect', id, { name: this.want(id, `${name} ${id}`) }, who)
  }

  octane(name: string, who: { modifiedSecondsAgo?: number } = {}): void {
    const id = this.take()
    this.#here.octane.edit('defect', octaneId(this.#here, id), { name: this.want(id, `${name} ${id}`) }, who)
  }

  /** An edit that is stamped now; answers what makes it visible. */
  begin(side: 'alm' | 'octane', name: string): () => void {
    const id = this.take()
    const fields = { name: this.want(id, `${name} ${id}`) }
    const { alm, octane } = this.#here
    return side === 'alm'
      ? alm.begin('defect', id, fields).commit
      : octane.begin('defect', octaneId(this.#here, id), fields).commit
  }

  /** Ids of those that one of the sides does not show. */
  missing(): string[] {
    return [...this.#wanted]
      .filter(([id, name]) => names(this.#here, id).some((shown) => shown !== name))
      .map(([id]) => id)
  }

  /** What has arrived needs no further watching. */
  arrived(): void {
    expect(this.missing()).toEqual([])
    this.#wanted.clear()
  }
}

/** Both servers' clocks go on by so many seconds, as if the test had waited. */
function pass(here: Lab, seconds: number): void {
  for (const { clock } of [here.alm, here.octane]) clock.set({ offsetMs: clock.setting().offsetMs + seconds * 1_000 })
}

describe('no change is missed for its time', () => {
  it('T5: edits that appear up to ten minutes after their time, and many of one second', async () => {
    const here = await inStep()
    const edits = new Edits(here)
    const before = await overlaps(here)

    /** One round of lateness; answers how many edits the scans for changes missed, which the full scan then finds. */
    async function late(): Promise<{ missed: number; escaped: number }> {
      const known = await escapes(here)
      const open = [edits.begin('alm', 'open'), edits.begin('octane', 'open')]
      pass(here, 560)
      // Newer changes are seen first, so that the scan's position moves beyond what is still to come.
      edits.alm('now')
      edits.octane('now')
      await fullRun(here, undefined, 'changes')
      for (const commit of open) commit()
      for (const seconds of [60, 400, 550]) {
        edits.alm('late', { modifiedSecondsAgo: seconds })
        edits.octane('late', { modifiedSecondsAgo: seconds })
      }
      await fullRun(here, undefined, 'changes')
      const missed = edits.missing().length
      await fullRun(here)
      edits.arrived()
      return { missed, escaped: (await escapes(here)) - known }
    }

    const first = await late()
    const adapted = await overlaps(here)
    const later = [await late(), await late()]
    process.stdout.write(
      `T5: ${first.escaped} escapes before the overlap adapted (${before.left} to ${adapted.left} s and ${before.right} to ${adapted.right} s), ${later.reduce((sum, one) => sum + one.escaped, 0)} in ${later.length} rounds after; 0 edits lost\n`,
    )
    expect(first.missed).toBeGreaterThan(0)
    expect(first.escaped).toBe(first.missed)
    expect(adapted.left).toBeGreaterThan(before.left)
    expect(adapted.right).toBeGreaterThan(before.right)
    expect(later).toEqual([
      { missed: 0, escaped: 0 },
      { missed: 0, escaped: 0 },
    ])
    expect(differing(here)).toEqual([])
  })

  for (const granularitySeconds of [1, 60])
    it(`T5: bulk edits of one second that a scan cuts in two, on clocks that count ${granularitySeconds} s`, async () => {
      const coarse = { granularitySeconds }
      const here = await inStep({}, { alm: coarse, octane: coarse })
      const half = records / 4
      const ids = here.alm.records('defect').map((record) => String(record.id))
      let round = 0
      for (const frozen of [false, true]) {
        // A clock that stands still gives one and the same stamp to what comes before and after a scan.
        const at = new Date(Date.now() + 60_000).toISOString()
        for (const { clock } of [here.alm, here.octane]) clock.set({ fixedAt: frozen ? at : null })
        const almFirst = ids.slice(0, half)
        const almThen = ids.slice(half, 2 * half)
        const octaneFirst = ids.slice(2 * half, 3 * half).map((id) => octaneId(here, id))
        const octaneThen = ids.slice(3 * half).map((id) => octaneId(here, id))
        for (const [almIds, octaneIds] of [
          [almFirst, octaneFirst],
          [almThen, octaneThen],
          // The same records once more within the same time.
          [almFirst, octaneFirst],
        ] as const) {
          const name = `bulk ${round++}`
          here.alm.editMany('defect', almIds, { name })
          here.octane.editMany('defect', octaneIds, { name })
          await fullRun(here, undefined, 'changes')
          for (const id of almIds) expect(names(here, id)).toEqual([name, name])
          expect(differing(here)).toEqual([])
          const shown = here.octane.records('defect').filter((record) => record.name === name)
          expect(shown).toHaveLength(almIds.length + octaneIds.length)
        }
      }
      await fullRun(here)
      process.stdout.write(`T5: ${await escapes(here)} escapes of ${round} bulk edits at ${granularitySeconds} s\n`)
      expect(await escapes(here)).toBe(0)
      expect(differing(here)).toEqual([])
    })
})

describe('clocks that are wrong', () => {
  /** Edits on both sides, looks for changes, then a full scan: all is there, and nobody is said to have gone back in time. */
  async function round(here: Lab, edits: Edits, meanwhile: () => void = () => {}): Promise<number> {
    const [almOpen, octaneOpen] = [edits.begin('alm', 'open'), edits.begin('octane', 'open')]
    edits.alm('before')
    edits.octane('before')
    await fullRun(here, undefined, 'changes')
    meanwhile()
    edits.alm('after')
    edits.octane('after')
    await fullRun(here, undefined, 'changes')
    almOpen()
    octaneOpen()
    edits.alm('last')
    edits.octane('last')
    await fullRun(here, undefined, 'changes')
    const missed = edits.missing().length
    const known = await escapes(here)
    const summary = await fullRun(here)
    expect(summary.status).toBe('passed')
    edits.arrived()
    expect((await escapes(here)) - known).toBe(missed)
    return missed
  }

  async function assertUntroubled(here: Lab): Promise<void> {
    const [row] = await here.database.sql<
      { stopped: number }[]
    >`select count(*)::int as stopped from scan_positions where restored_at is not null`
    expect(row?.stopped).toBe(0)
    expect(await openIssues(here)).toEqual([])
    expect(differing(here)).toEqual([])
    expect(here.alm.records('defect')).toHaveLength(records)
    expect(here.octane.records('defect')).toHaveLength(records)
  }

  const minutes = (count: number) => ({ offsetMs: count * 60_000 })

  it('T11: clocks ten minutes ahead or behind, and jumps back by ten minutes', async () => {
    const here = await inStep({}, { alm: minutes(10), octane: minutes(-10) })
    const edits = new Edits(here)
    let waited = 0
    const jumps: [number, number][] = [
      [10, -10],
      [-10, 10],
      [10, 10],
      [0, 0],
      [-10, -10],
    ]
    for (const [alm, octane] of jumps)
      waited += await round(here, edits, () => {
        here.alm.clock.set(minutes(alm))
        here.octane.clock.set(minutes(octane))
      })
    process.stdout.write(
      `T11: 0 edits lost and 0 false stops in ${jumps.length} settings of both clocks; ${waited} edits waited for a full scan\n`,
    )
    // The header Date tells of each jump back, so that the next look makes up for it. An edit that was begun before a jump
    // forward (one a side) and is committed after it shows a time of twenty minutes ago, like one that is so late.
    expect(waited).toBeLessThanOrEqual(2)
    await assertUntroubled(here)
  })

  it('T11: every record changed after a jump back, so that the newest time of a side is older than the one seen', async () => {
    const here = await inStep({}, { alm: minutes(10), octane: minutes(10) })
    const ids = here.alm.records('defect').map((record) => String(record.id))
    const octaneIds = ids.map((id) => octaneId(here, id))
    for (const [offset, side] of [
      [0, 'alm'],
      [-10, 'octane'],
    ] as const) {
      here.alm.clock.set(minutes(offset))
      here.octane.clock.set(minutes(offset))
      const name = `after ${offset}`
      if (side === 'alm') here.alm.editMany('defect', ids, { name })
      else here.octane.editMany('defect', octaneIds, { name })
      // The second look sees the other side's newest time go back, by our own writes.
      for (let look = 0; look < 2; look++) await fullRun(here, undefined, 'changes')
      for (const id of ids) expect(names(here, id)).toEqual([name, name])
    }
    await assertUntroubled(here)
  })

  const changes: [string, string, string][] = [
    // 02:50 summer time, then 02:10 winter time: wall time goes back by forty minutes.
    ['the hour that comes twice in autumn', '2026-10-25T00:50:00Z', '2026-10-25T01:10:00Z'],
    // 01:58, then 03:02: what was stamped four minutes ago seems to be more than an hour old.
    ['the hour that is left out in spring', '2027-03-28T00:58:00Z', '2027-03-28T01:02:00Z'],
  ]
  for (const [what, before, after] of changes)
    it(`T11: ${what}, in times without a zone`, async () => {
      const timeZone = 'Europe/Berlin'
      const here = await inStep({}, { alm: { timeZone, fixedAt: before } })
      const edits = new Edits(here)
      const waited = await round(here, edits, () => here.alm.clock.set({ fixedAt: after }))
      const next = await round(here, edits)
      process.stdout.write(
        `T11: 0 edits lost and 0 false stops over ${what}; ${waited} then ${next} edits waited for a full scan\n`,
      )
      // Not even until the next full scan: an hour more is read again where clocks may change.
      expect([waited, next]).toEqual([0, 0])
      await assertUntroubled(here)
    })
})
