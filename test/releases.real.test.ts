import { afterEach, describe, expect, it } from 'vitest'
import { checkLink } from '../core/check-link.ts'
import type { LinkConfigurationInput } from '../core/link-config.ts'
import { fullRun, openIssues, restWrites, waitOver } from './deletions.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'
import { timePasses } from './torture/cycle.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

async function open(options: LabOptions = {}): Promise<Lab> {
  lab = await createLab({ kind: 'release', ...options })
  return lab
}

const noon = (day: string) => `${day}T12:00:00Z`

function almRelease(here: Lab, name: string, start = '2027-01-01', end = '2027-06-30'): string {
  return String(here.alm.create('release', { name, 'start-date': start, 'end-date': end, 'parent-id': '1' }).id)
}

function almCycle(here: Lab, name: string, release: string, start = '2027-01-01', end = '2027-01-31'): string {
  const fields = { name, 'start-date': start, 'end-date': end, 'parent-id': release }
  return String(here.alm.create('release-cycle', fields).id)
}

function octaneRelease(here: Lab, name: string, start = '2027-01-01', end = '2027-06-30'): string {
  return here.octane.create('release', { name, start_date: noon(start), end_date: noon(end) }).id
}

function octaneSprint(here: Lab, name: string, release: string, start: string, end: string): string {
  const fields = { name, release: { type: 'release', id: release }, start_date: noon(start), end_date: noon(end) }
  return here.octane.create('sprint', fields).id
}

/** Releases with their cycles, as lines to compare: what the sandboxes were seeded with is left out. */
function almPlan(here: Lab, names: RegExp): string[] {
  const releases = new Map(here.alm.records('release').map((one) => [String(one.id), String(one.name)]))
  const day = (value: unknown) => String(value).slice(0, 10)
  return [
    ...here.alm.records('release').map((one) => `${one.name} ${day(one['start-date'])} ${day(one['end-date'])}`),
    ...here.alm
      .records('release-cycle')
      .map(
        (one) =>
          `${releases.get(String(one['parent-id']))} > ${one.name} ${day(one['start-date'])} ${day(one['end-date'])}`,
      ),
  ]
    .filter((line) => names.test(line))
    .sort()
}

function octanePlan(here: Lab, names: RegExp): string[] {
  const releases = new Map(here.octane.records('release').map((one) => [one.id, String(one.name)]))
  const day = (value: unknown) => String(value).slice(0, 10)
  return [
    ...here.octane.records('release').map((one) => `${one.name} ${day(one.start_date)} ${day(one.end_date)}`),
    ...here.octane
      .records('sprint')
      .map(
        (one) =>
          `${releases.get((one.release as { id: string }).id)} > ${one.name} ${day(one.start_date)} ${day(one.end_date)}`,
      ),
  ]
    .filter((line) => names.test(line))
    .sort()
}

describe('a release link', () => {
  it('passes the check as it is proposed', async () => {
    const here = await open()
    const findings = checkLink({ configuration: here.configuration, ...here.metadata, users: [] })
    expect(findings.filter((finding) => finding.severity === 'error')).toEqual([])
  })

  // covers 94
  it('keeps releases and cycles in step both ways, once each, and then rests', async () => {
    const here = await open()
    const release = almRelease(here, 'X1')
    almCycle(here, 'c1', release)
    const mine = octaneRelease(here, 'X2')
    here.octane.create('sprint', {
      name: 's1',
      release: { type: 'release', id: mine },
      start_date: noon('2027-02-01'),
      end_date: noon('2027-02-14'),
    })
    await fullRun(here)
    await waitOver(here)
    await fullRun(here)
    const expected = [
      'X1 2027-01-01 2027-06-30',
      'X1 > c1 2027-01-01 2027-01-31',
      'X2 2027-01-01 2027-06-30',
      'X2 > s1 2027-02-01 2027-02-14',
    ]
    expect(almPlan(here, /^X/)).toEqual(expected)
    expect(octanePlan(here, /^X/)).toEqual(expected)
    expect(await openIssues(here)).toEqual([])
    const before = restWrites(here)
    await fullRun(here)
    expect(restWrites(here) - before).toBe(0)
  })

  it('takes a release of the same name and dates for the twin, and one of other dates not', async () => {
    const here = await open()
    almRelease(here, 'Y1')
    octaneRelease(here, 'Y1')
    almRelease(here, 'Y2')
    octaneRelease(here, 'Y2', '2027-01-02')
    await fullRun(here)
    const pairs = await here.database.sql<{ left: string; right: string }[]>`
      select left_id as left, right_id as right from pairs`
    const nameOf = (id: string) => here.alm.records('release').find((one) => `release-${one.id}` === id)?.name
    expect(pairs.map((pair) => nameOf(pair.left)).filter((name) => String(name).startsWith('Y'))).toEqual(['Y1'])
    expect(octanePlan(here, /^Y/)).toHaveLength(2)
    expect(almPlan(here, /^Y/)).toHaveLength(2)
  })

  // covers 94
  it('carries changed names and dates, and creates a release once although the answer is lost', async () => {
    const here = await open({ link: (same) => ({ ...same, tuning: { ...same.tuning, inDoubtSeconds: 1 } }) })
    const release = almRelease(here, 'Z1')
    here.octane.faults.add({ match: { method: 'POST', path: '/releases' }, kind: 'drop-after' })
    await fullRun(here)
    await waitOver(here)
    await fullRun(here)
    expect(octanePlan(here, /^Z/)).toEqual(['Z1 2027-01-01 2027-06-30'])
    here.alm.edit('release', release, { name: 'Z1 renamed', 'end-date': '2027-07-31' })
    await fullRun(here)
    expect(octanePlan(here, /^Z/)).toEqual(['Z1 renamed 2027-01-01 2027-07-31'])
    here.octane.edit('release', String(here.octane.records('release').find((one) => one.name === 'Z1 renamed')?.id), {
      start_date: noon('2027-01-15'),
    })
    await fullRun(here)
    expect(almPlan(here, /^Z/)).toEqual(['Z1 renamed 2027-01-15 2027-07-31'])
  })

  it('creates a release once although the answer is lost and it is renamed before anybody looks', async () => {
    const here = await open({ link: (same) => ({ ...same, tuning: { ...same.tuning, inDoubtSeconds: 1 } }) })
    const release = almRelease(here, 'Z1')
    here.octane.faults.add({ match: { method: 'POST', path: '/releases' }, kind: 'drop-after' })
    await fullRun(here)
    here.alm.edit('release', release, { name: 'Z1 renamed' })
    for (let round = 0; round < 3; round++) {
      await here.database.sql`update intents set created_at = created_at - interval '1 minute'`
      await waitOver(here)
      await fullRun(here)
    }
    expect(octanePlan(here, /^Z/)).toEqual(['Z1 renamed 2027-01-01 2027-06-30'])
  })

  /** A release with one sprint in Octane and the same in ALM. */
  async function planned(
    name: string,
    writes: 'lock' | 'bulk' = 'lock',
    winner: 'left' | 'right' = 'right',
  ): Promise<{ here: Lab; release: string; sprint: string }> {
    const fields = (same: LinkConfigurationInput['fields']) =>
      same.map((field) => (field.group === 'dates' ? { ...field, conflict: winner } : field))
    const here = await open({
      link: (same) => ({ ...same, pastReleases: true, fields: fields(same.fields), tuning: { writes } }),
    })
    const release = octaneRelease(here, name)
    const sprint = octaneSprint(here, `${name} s`, release, '2027-02-01', '2027-02-28')
    await fullRun(here)
    await waitOver(here)
    await fullRun(here)
    expect(almPlan(here, /^P/)).toEqual([`${name} 2027-01-01 2027-06-30`, `${name} > ${name} s 2027-02-01 2027-02-28`])
    return { here, release, sprint }
  }

  // covers 94
  it('moves a release together with its sprints, which at no time lie outside of it, and takes it for no overwrite', async () => {
    for (const [start, end, first, last] of [
      ['2027-03-01', '2027-12-31', '2027-11-01', '2027-12-31'],
      ['2026-01-01', '2026-06-30', '2026-01-01', '2026-01-31'],
      ['2027-02-15', '2027-03-15', '2027-03-01', '2027-03-15'],
    ] as const) {
      const { here, release, sprint } = await planned('P1')
      here.octane.edit('release', release, { start_date: noon(start), end_date: noon(end) })
      here.octane.edit('sprint', sprint, { start_date: noon(first), end_date: noon(last) })
      octaneSprint(here, 'P1 new', release, start, first)
      await fullRun(here)
      const expected = [`P1 ${start} ${end}`, `P1 > P1 new ${start} ${first}`, `P1 > P1 s ${first} ${last}`]
      expect([almPlan(here, /^P/), octanePlan(here, /^P/)]).toEqual([expected, expected])
      expect(await openIssues(here)).toEqual([])
      expect(await here.database.sql`select 1 from ledger where possible_overwrite`).toHaveLength(0)
      const before = restWrites(here)
      await fullRun(here)
      expect(restWrites(here) - before).toBe(0)
      await here.close()
      lab = null
    }
  })

  // covers 94
  it.each(['lock', 'bulk'] as const)(
    'holds a sprint outside of its release, which ALM does not take, says so, and carries it once the release is longer: %s',
    async (writes) => {
      const { here, release, sprint } = await planned('P2', writes)
      here.octane.edit('sprint', sprint, { name: 'P2 renamed', end_date: noon('2027-07-15') })
      octaneSprint(here, 'P2 late', release, '2027-06-20', '2027-07-10')
      await fullRun(here)
      const issues = await openIssues(here)
      expect(issues.map(({ code }) => code)).toEqual(['outside-release', 'outside-release'])
      expect(issues.map(({ message }) => message).sort()).toEqual([
        expect.stringContaining('2027-02-01 to 2027-07-15, outside of its release "P2" (2027-01-01 to 2027-06-30)'),
        expect.stringContaining('2027-06-20 to 2027-07-10, outside of its release "P2"'),
      ])
      // All else of it goes on.
      expect(almPlan(here, /^P/)).toEqual(['P2 2027-01-01 2027-06-30', 'P2 > P2 renamed 2027-02-01 2027-02-28'])
      here.octane.edit('release', release, { end_date: noon('2027-07-31') })
      await waitOver(here)
      await fullRun(here)
      const expected = [
        'P2 2027-01-01 2027-07-31',
        'P2 > P2 late 2027-06-20 2027-07-10',
        'P2 > P2 renamed 2027-02-01 2027-07-15',
      ]
      expect([almPlan(here, /^P/), octanePlan(here, /^P/)]).toEqual([expected, expected])
      expect(await openIssues(here)).toEqual([])
    },
  )

  it('takes of a release that would leave a cycle outside only what makes it longer, and names the cycle', async () => {
    const { here, release, sprint } = await planned('P3')
    here.octane.edit('release', release, { start_date: noon('2027-03-01'), end_date: noon('2027-08-31') })
    await fullRun(here)
    expect(await openIssues(here)).toMatchObject([
      { code: 'cycles-outside', message: expect.stringContaining('"P3 s" (2027-02-01 to 2027-02-28)') },
    ])
    expect(almPlan(here, /^P3 2/)).toEqual(['P3 2027-01-01 2027-08-31'])
    expect(octanePlan(here, /^P3 2/)).toEqual(['P3 2027-03-01 2027-08-31'])
    here.octane.edit('sprint', sprint, { start_date: noon('2027-04-01'), end_date: noon('2027-04-30') })
    await waitOver(here)
    await fullRun(here)
    expect(almPlan(here, /^P/)).toEqual(['P3 2027-03-01 2027-08-31', 'P3 > P3 s 2027-04-01 2027-04-30'])
    expect(await openIssues(here)).toEqual([])
  })

  it('goes on with the rest of a move of which the first half alone came through, and takes nothing for an edit of ALM', async () => {
    const { here, release, sprint } = await planned('P4')
    here.octane.edit('release', release, { start_date: noon('2027-03-01'), end_date: noon('2027-12-31') })
    here.octane.edit('sprint', sprint, { start_date: noon('2027-11-01'), end_date: noon('2027-11-30') })
    here.alm.faults.add({ match: { method: 'PUT', path: '/releases/' }, kind: 'drop', skip: 1 })
    await fullRun(here)
    expect(almPlan(here, /^P/)).toEqual(['P4 2027-01-01 2027-12-31', 'P4 > P4 s 2027-11-01 2027-11-30'])
    // What nobody answered may still arrive: until then it waits.
    await timePasses(here)
    await fullRun(here)
    const expected = ['P4 2027-03-01 2027-12-31', 'P4 > P4 s 2027-11-01 2027-11-30']
    expect([almPlan(here, /^P/), octanePlan(here, /^P/)]).toEqual([expected, expected])
    expect(await openIssues(here)).toEqual([])
  })

  // covers 61
  it.each(['left', 'right'] as const)('takes the dates of the %s where both sides moved a sprint', async (winner) => {
    const { here, sprint } = await planned('P5', 'lock', winner)
    const cycle = here.alm.records('release-cycle').find((one) => one.name === 'P5 s')
    here.alm.edit('release-cycle', String(cycle?.id), { 'start-date': '2027-02-05', 'end-date': '2027-03-05' })
    here.octane.edit('sprint', sprint, { start_date: noon('2027-02-10'), end_date: noon('2027-03-10') })
    await fullRun(here)
    const day = winner === 'left' ? '05' : '10'
    const expected = ['P5 2027-01-01 2027-06-30', `P5 > P5 s 2027-02-${day} 2027-03-${day}`]
    expect([almPlan(here, /^P/), octanePlan(here, /^P/)]).toEqual([expected, expected])
  })
})
