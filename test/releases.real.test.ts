import { afterEach, describe, expect, it } from 'vitest'
import { checkLink } from '../core/check-link.ts'
import { fullRun, openIssues, restWrites, waitOver } from './deletions.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'

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
})
