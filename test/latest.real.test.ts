import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { checkConfiguration } from '../core/check.ts'
import { createTranslator } from '../core/translate.ts'
import { listConflicts } from '../db/conflicts.ts'
import type { ClockSetting } from '../sandbox/common/clock.ts'
import { activity, twinOf } from './deletions.ts'
import { createLab, type Lab } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

const day = 86_400_000
/** Clocks are changed at weekends, when times without a zone are too uncertain for most edits: servers show a Wednesday. */
const wednesday = () => ((3 - new Date().getUTCDay() + 7) % 7) * day

async function open(
  clocks: { alm?: ClockSetting; octane?: ClockSetting } = {},
  fallback: 'ask' | 'left' | 'right' = 'ask',
): Promise<Lab> {
  const here = await createLab({
    alm: { defects: 2 },
    link: (proposed) => ({
      ...proposed,
      fields: proposed.fields.map((field) =>
        field.left === 'severity'
          ? { ...field, conflict: 'latest' as const, conflictFallback: fallback, group: null }
          : field,
      ),
    }),
  })
  lab = here
  const setClocks = (laterMs: number) => {
    here.alm.clock.set({ ...clocks.alm, offsetMs: wednesday() + (clocks.alm?.offsetMs ?? 0) + laterMs })
    here.octane.clock.set({ ...clocks.octane, offsetMs: wednesday() + (clocks.octane?.offsetMs ?? 0) + laterMs })
  }
  // What is in step was created long before anybody edits it.
  setClocks(-600_000)
  await look(here)
  setClocks(0)
  const low = options(here).find((option) => option.label === 'Low')
  for (const id of ['1', '2'])
    here.octane.edit(
      'defect',
      String(twinOf(here, id)?.id),
      { severity: { type: 'list_node', id: low?.value ?? '' } },
      { modifiedSecondsAgo: 200 },
    )
  // The writes that follow tell what ALM's clock shows.
  await look(here)
  return here
}

/** One cycle of the one worker, whose connectors remember what they have measured. */
async function look(here: Lab): Promise<void> {
  const { linkId } = here
  const runId = randomUUID()
  await here.store.beginRun({
    runId,
    linkId,
    kind: 'incremental',
    trigger: 'person',
    actor: 'test',
    version: 1,
    temporal: { workflowId: 'w', runId: 'r' },
  })
  for (const side of ['left', 'right'] as const)
    await activity(() => here.activities.scan({ linkId, runId, version: 1, side, extent: 'changes' }))
  await activity(() => here.activities.reconcile({ linkId, runId, version: 1 }))
  await here.store.finishRun({ runId, status: 'passed', message: null })
}

function options(here: Lab) {
  return here.metadata.right.entity.fields.find((field) => field.name === 'severity')?.options ?? []
}

function editBoth(here: Lab, ago: { alm: number; octane: number }, id = '1'): void {
  const urgent = options(here).find((option) => option.label === 'Urgent')
  here.alm.edit('defect', id, { severity: '3-High' }, { modifiedSecondsAgo: ago.alm })
  const severity = { type: 'list_node', id: urgent?.value ?? '' }
  here.octane.edit('defect', String(twinOf(here, id)?.id), { severity }, { modifiedSecondsAgo: ago.octane })
}

function severities(here: Lab, id = '1'): [unknown, unknown] {
  const node = twinOf(here, id)?.severity as { id: string } | null
  return [here.alm.store.get('defect', id).severity, options(here).find((option) => option.value === node?.id)?.label]
}

const conflicts = (here: Lab) => listConflicts(here.database, { linkId: here.linkId, open: true, limit: 10 })

function asked(here: Lab): { alm: number; octane: number } {
  const of = (requests: ReadonlyMap<string, number>, part: string) =>
    [...requests].reduce((sum, [key, count]) => sum + (key.includes(part) ? count : 0), 0)
  return { alm: of(here.alm.requests, '/audits'), octane: of(here.octane.requests, '/history_logs') }
}

async function ledgerTimes(here: Lab): Promise<unknown[]> {
  const rows = await here.database.sql<{ field: Record<string, unknown> }[]>`
    select f as field from ledger, jsonb_array_elements(content -> 'fields') f where f ->> 'rule' = 'latest'`
  return rows.map((row) => row.field)
}

describe('a field that goes to the later edit', () => {
  const minutes = (count: number) => ({ offsetMs: count * 60_000 })
  const worlds: [string, { alm?: ClockSetting; octane?: ClockSetting }][] = [
    ['in one zone', { alm: { timeZone: 'UTC' } }],
    ['far apart in zones', { alm: { timeZone: 'Asia/Kolkata' } }],
    ['with clocks twenty minutes apart', { alm: minutes(10), octane: minutes(-10) }],
  ]
  for (const [what, clocks] of worlds)
    it(`takes whichever side was edited last, ${what}, and writes both times down`, async () => {
      const here = await open(clocks)
      expect(severities(here)).toEqual(['1-Low', 'Low'])
      expect(asked(here)).toEqual({ alm: 0, octane: 0 })
      // A minute apart: less than the zones and the clocks are.
      editBoth(here, { alm: 30, octane: 90 }, '1')
      editBoth(here, { alm: 90, octane: 30 }, '2')
      await look(here)
      expect(severities(here, '1')).toEqual(['3-High', 'High'])
      expect(severities(here, '2')).toEqual(['5-Urgent', 'Urgent'])
      expect(await conflicts(here)).toEqual([])
      // One request a side and record, for what is in conflict only.
      expect(asked(here)).toEqual({ alm: 2, octane: 2 })
      const told = await ledgerTimes(here)
      expect(told).toHaveLength(2)
      for (const field of told) {
        expect(field).toMatchObject({
          times: {
            left: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
            right: expect.stringMatching(/Z$/),
          },
        })
        expect(field).toHaveProperty('source')
        expect(field).toHaveProperty('before')
        const { apartMs, uncertaintyMs } = (field as { times: { apartMs: number; uncertaintyMs: number } }).times
        expect(Math.abs(apartMs - 60_000)).toBeLessThanOrEqual(uncertaintyMs)
      }
    })

  it('is put to a person where the times lie too close together', async () => {
    const here = await open()
    editBoth(here, { alm: 30, octane: 31 })
    await look(here)
    expect(severities(here)).toEqual(['3-High', 'Urgent'])
    expect(await conflicts(here)).toMatchObject([{ kind: 'both-changed' }])
  })

  it('goes by its fallback where a history may not be read, on either side', async () => {
    const here = await open({}, 'left')
    here.alm.faults.add({ match: { path: '/audits$' }, kind: 'error-before', status: 403, times: 20 })
    editBoth(here, { alm: 90, octane: 30 }, '1')
    await look(here)
    expect(severities(here, '1')).toEqual(['3-High', 'High'])
    here.alm.faults.clear()
    here.octane.faults.add({ match: { path: '/history_' }, kind: 'error-before', status: 403, times: 20 })
    editBoth(here, { alm: 90, octane: 30 }, '2')
    await look(here)
    expect(severities(here, '2')).toEqual(['3-High', 'High'])
    expect(await ledgerTimes(here)).toEqual([])
  })

  it('is refused by the check where a side keeps no history of it, and only there', async () => {
    const here = await open()
    const check = (almField: string) => {
      const fields = here.configuration.fields.map((field) => ({
        ...field,
        group: null,
        conflict: field.left === almField ? ('latest' as const) : ('left' as const),
      }))
      const configuration = { ...here.configuration, fields }
      const sides = { ...here.metadata, configuration }
      const translator = createTranslator({ ...sides, users: [] })
      return checkConfiguration({ ...sides, translator }).filter((finding) => finding.check === 'conflicts')
    }
    expect(check('severity').filter((finding) => finding.severity === 'error')).toEqual([])
    expect(check('name')).toMatchObject([
      { severity: 'error', side: 'left', message: expect.stringContaining('no history tells when "Summary"') },
    ])
  })

  it('is put to a person where the history does not reach up to what was read', async () => {
    const here = await open()
    editBoth(here, { alm: 30, octane: 90 })
    // A later edit of a field without history: nobody knows what else is missing.
    here.alm.edit('defect', '1', { name: 'renamed since' })
    await look(here)
    expect(severities(here)).toEqual(['3-High', 'Urgent'])
    expect(await conflicts(here)).toHaveLength(1)
    expect(twinOf(here, '1')?.name).toBe('renamed since')
  })
})
