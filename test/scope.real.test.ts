import { afterEach, describe, expect, it } from 'vitest'
import { type LinkConfigurationInput, linkConfiguration } from '../core/link-config.ts'
import type { ScopeGroup } from '../core/scope.ts'
import { addLinkVersion } from '../db/links.ts'
import { listStopped, loadStanding, resumeRecord, stopRecord } from '../db/scope.ts'
import { fullRun, openIssues, restWrites, waitOver } from './deletions.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

async function open(options: LabOptions = {}): Promise<Lab> {
  lab = await createLab(options)
  return lab
}

type Change = (same: LinkConfigurationInput) => LinkConfigurationInput

const leftScope =
  (filter: ScopeGroup | null, favorite: string | null = null): Change =>
  (same) => ({
    ...same,
    left: { ...same.left, scope: { filter, favorite: favorite === null ? null : { id: favorite } } },
  })

const severity = (...values: string[]): ScopeGroup => ({
  match: 'all',
  conditions: [{ field: 'severity', operator: 'in', values }],
})

/** Saves another version of the link; answers how many records are due because of it. */
async function change(here: Lab, by: Change): Promise<void> {
  const { version, configuration } = await here.store.link(here.linkId)
  const next = linkConfiguration.parse(by(configuration))
  const input = { linkId: here.linkId, expectedVersion: version, configuration: next, author: 'test', comment: '' }
  expect(await addLinkVersion(here.database, input)).toBe(version + 1)
}

function defect(here: Lab, name: string, fields: Record<string, string> = {}): string {
  const all = {
    name,
    severity: '2-Medium',
    status: 'New',
    'creation-time': '2026-05-01',
    'detected-by': 'sync',
    ...fields,
  }
  return String(here.alm.create('defect', all).id)
}

/** What a full run says that fails. */
async function failure(here: Lab): Promise<string> {
  await fullRun(here)
  const [run] = await here.database.sql<{ status: string; message: string }[]>`
    select status, message from runs order by started_at desc limit 1`
  return `${run?.status}: ${run?.message}`
}

const octaneNames = (here: Lab, type = 'defect') =>
  here.octane
    .records(type)
    .map((one) => String(one.name))
    .sort()

const standing = (here: Lab, id: string, side: 'left' | 'right' = 'left') =>
  loadStanding(here.database, { linkId: here.linkId, side, id })

/** Requests about defects that ALM has answered so far. */
const requests = (here: Lab) =>
  [...here.alm.requests].reduce((sum, [key, count]) => sum + (/ \/defects/.test(key) ? count : 0), 0)

describe('a filter', () => {
  // covers 38
  it('takes up what matches; the rest is left alone, with the reason, until it changes', async () => {
    const here = await open({ link: leftScope(severity('5-Urgent', '4-Very High')) })
    defect(here, 'in', { severity: '5-Urgent' })
    const out = defect(here, 'out')
    await fullRun(here)
    expect(octaneNames(here)).toEqual(['in'])
    expect(await standing(here, out)).toMatchObject({ state: 'left-alone', because: 'scope', twinId: null })
    expect(await openIssues(here)).toEqual([])
    here.alm.edit('defect', out, { severity: '4-Very High' })
    await fullRun(here, undefined, 'changes')
    expect(octaneNames(here)).toEqual(['in', 'out'])
    expect(await standing(here, out)).toMatchObject({ state: 'paired', because: null })
  })

  // covers 37
  it('on the side of Octane takes up what matches there, and says nothing about the records of ALM', async () => {
    const own: ScopeGroup = { match: 'all', conditions: [{ field: 'name', operator: 'in', values: ['in', 'later'] }] }
    const here = await open({
      link: (same) => ({ ...same, right: { ...same.right, scope: { filter: own, favorite: null } } }),
    })
    const names = () => here.alm.records('defect').map((one) => String(one.name))
    defect(here, 'of ALM')
    const octane = (name: string) => here.octane.create('defect', { name }).id
    octane('in')
    const out = octane('out')
    await fullRun(here)
    expect(names().sort()).toEqual(['in', 'of ALM'])
    expect(octaneNames(here)).toEqual(['in', 'of ALM', 'out'])
    expect(await standing(here, out, 'right')).toMatchObject({ state: 'left-alone', because: 'scope' })
    here.octane.edit('defect', out, { name: 'later' })
    await fullRun(here, undefined, 'changes')
    expect(names().sort()).toEqual(['in', 'later', 'of ALM'])
  })

  // covers 43
  it('lets a pair stay in step when it leaves, or rest until it is back, as the link says', async () => {
    const here = await open({ link: leftScope(severity('5-Urgent')) })
    const id = defect(here, 'first', { severity: '5-Urgent' })
    await fullRun(here)
    here.alm.edit('defect', id, { severity: '1-Low', name: 'second' })
    await fullRun(here)
    expect(octaneNames(here)).toEqual(['second'])
    await change(here, (same) => ({ ...same, whenLeaving: 'stop' }))
    here.alm.edit('defect', id, { name: 'third' })
    await fullRun(here)
    const [twin] = here.octane.records('defect')
    expect(octaneNames(here)).toEqual(['second'])
    expect(await standing(here, id)).toMatchObject({ state: 'left-alone', because: 'scope', twinId: twin?.id })
    here.alm.edit('defect', id, { severity: '5-Urgent' })
    await fullRun(here)
    expect(octaneNames(here)).toEqual(['third'])
    expect(await standing(here, id)).toMatchObject({ state: 'paired', because: null })
  })

  it('that changes has exactly those looked at again that it left out', async () => {
    const here = await open({ link: leftScope(severity('5-Urgent')) })
    for (let at = 0; at < 30; at++) defect(here, `paired ${at}`, { severity: '5-Urgent' })
    defect(here, 'low', { severity: '1-Low' })
    defect(here, 'high', { severity: '3-High' })
    await fullRun(here)
    expect(octaneNames(here)).toHaveLength(30)
    await change(here, leftScope(severity('5-Urgent', '3-High')))
    const due = await here.database.sql<{ id: string }[]>`select external_id as id from pending`
    expect(due).toHaveLength(2)
    const before = requests(here)
    await fullRun(here, undefined, 'changes')
    expect(octaneNames(here)).toHaveLength(31)
    expect(octaneNames(here)).toContain('high')
    // Signing in and looking at the fields apart: newest, changes, a read, the scope, and the link-back with its lock.
    expect(requests(here) - before).toBe(5)
  })

  // covers 41
  it('with a relative value is evaluated by the clock of the run: a full scan finds what has come into it', async () => {
    const last: ScopeGroup = {
      match: 'all',
      conditions: [{ field: 'creation-time', operator: 'until', values: [{ relative: 'today', days: 30 }] }],
    }
    const here = await open({ link: leftScope(last) })
    const today = new Date(here.alm.clock.now()).toISOString().slice(0, 10)
    const inDays = (days: number) => new Date(Date.parse(today) + days * 86_400_000).toISOString().slice(0, 10)
    defect(here, 'soon', { 'creation-time': inDays(10) })
    defect(here, 'later', { 'creation-time': inDays(40) })
    await fullRun(here)
    expect(octaneNames(here)).toEqual(['soon'])
    here.alm.clock.set({ offsetMs: 15 * 86_400_000 })
    await fullRun(here)
    expect(octaneNames(here)).toEqual(['later', 'soon'])
  })
})

describe('a favorite', () => {
  // covers 40
  it('is read anew by each run, with its operators, quotes and the current user', async () => {
    const here = await open({ link: leftScope(null, '1001') })
    defect(here, 'blocker', { status: 'Open', severity: '5-Urgent' })
    defect(here, 'minor', { status: 'Open', severity: '1-Low' })
    defect(here, 'mine', { status: 'Closed', owner: 'sync' })
    await fullRun(here)
    expect(octaneNames(here)).toEqual(['blocker'])
    await change(here, leftScope(null, '1002'))
    await fullRun(here)
    expect(octaneNames(here)).toEqual(['blocker', 'mine'])
    const edit = (where: string) =>
      here.alm.edit('favorite', '1001', { filter: `<Filter Entity="defect"><Where>${where}</Where></Filter>` })
    edit('<Field Name="severity" Value="NOT (\'5-Urgent\' OR &quot;2-Medium&quot;)"/>')
    await change(here, leftScope(null, '1001'))
    await fullRun(here)
    expect(octaneNames(here)).toEqual(['blocker', 'mine', 'minor'])
  })

  // covers 41
  it('that is gone, private or not understood stops the run and changes nothing', async () => {
    const here = await open({ link: leftScope(null, '1003') })
    defect(here, 'low', { priority: '1-Low' })
    expect(await failure(here)).toContain('no favorite 1003')
    here.alm.edit('favorite', '1001', {
      filter: '<Filter Entity="defect"><Where><Field Name="creation-time" Value="[Today]"/></Where></Filter>',
    })
    await change(here, leftScope(null, '1001'))
    expect(await failure(here)).toContain('[Today]')
    expect(octaneNames(here)).toEqual([])
  })
})

describe('a root folder', () => {
  const backlog: LabOptions = {
    kind: 'backlog',
    types: [{ octane: 'epic', alm: ['Business'] }],
  }

  // covers 45, 47, 48
  it('holds requirements below it, whatever the filter says; a moved folder takes its records in without a change of theirs', async () => {
    const here = await open(backlog)
    const requirement = (type: string, name: string, parent: string) =>
      String(here.alm.create('requirement', { name, 'type-id': type, 'parent-id': parent }).id)
    const root = requirement('1', 'Root', '0')
    const outside = requirement('1', 'Elsewhere', '0')
    requirement('4', 'below', root)
    requirement('4', 'beside', outside)
    requirement('4', 'below, but not asked for', root)
    const filter: ScopeGroup = {
      match: 'all',
      conditions: [{ field: 'name', operator: 'in', values: ['below', 'beside'] }],
    }
    await change(here, (same) => ({ ...same, left: { ...same.left, root, scope: { filter } }, whenLeaving: 'stop' }))
    await fullRun(here)
    expect(octaneNames(here, 'epic')).toEqual(['below'])
    here.alm.edit('requirement', outside, { 'parent-id': root })
    await fullRun(here)
    expect(octaneNames(here, 'epic')).toEqual(['below', 'beside'])
    // Out again: the pair rests with what it has, and nothing is deleted.
    here.alm.edit('requirement', outside, { 'parent-id': '0' })
    const [beside] = here.octane.records('epic').filter((one) => one.name === 'beside')
    here.octane.edit('epic', beside?.id ?? '', { name: 'of Octane' })
    await fullRun(here)
    expect(octaneNames(here, 'epic')).toEqual(['below', 'of Octane'])
    expect(here.alm.records('requirement').map((one) => one.name)).toContain('beside')
  })

  // covers 46, 48
  it('holds releases below it, and cycles go with their release, also when it leaves', async () => {
    const here = await open({ kind: 'release' })
    const root = String(here.alm.create('release-folder', { name: 'Ours', 'parent-id': '1' }).id)
    const nested = String(here.alm.create('release-folder', { name: 'Nested', 'parent-id': root }).id)
    const release = (name: string, parent: string) => {
      const id = String(
        here.alm.create('release', { name, 'start-date': '2027-01-01', 'end-date': '2027-06-30', 'parent-id': parent })
          .id,
      )
      const dates = { 'start-date': '2027-01-01', 'end-date': '2027-01-31' }
      return {
        id,
        cycle: String(here.alm.create('release-cycle', { name: `${name} c`, ...dates, 'parent-id': id }).id),
      }
    }
    const inside = release('XIn', nested)
    release('XOut', '1')
    await change(here, (same) => ({ ...same, left: { ...same.left, root }, whenLeaving: 'stop' }))
    await fullRun(here)
    await waitOver(here)
    await fullRun(here)
    const plan = () =>
      [...octaneNames(here, 'release'), ...octaneNames(here, 'sprint')].filter((one) => one.startsWith('X'))
    expect(plan()).toEqual(['XIn', 'XIn c'])
    here.alm.edit('release', inside.id, { 'parent-id': '1', name: 'XIn moved' })
    here.alm.edit('release-cycle', inside.cycle, { name: 'XIn c moved' })
    await fullRun(here)
    expect(plan()).toEqual(['XIn', 'XIn c'])
    expect(await standing(here, `cycle-${inside.cycle}`)).toMatchObject({ state: 'left-alone', because: 'scope' })
    here.alm.edit('release', inside.id, { 'parent-id': root })
    await fullRun(here)
    expect(plan()).toEqual(['XIn moved', 'XIn c moved'])
  })

  // covers 44
  it('leaves releases that have ended alone, with their cycles, until they are asked for', async () => {
    const here = await open({ kind: 'release' })
    const day = (days: number) => new Date(here.alm.clock.now() + days * 86_400_000).toISOString().slice(0, 10)
    const release = (name: string, end: number) =>
      here.alm.create('release', { name, 'start-date': day(-300), 'end-date': day(end), 'parent-id': '1' })
    const past = release('XPast', -3)
    const dates = { 'start-date': day(-200), 'end-date': day(-100), 'parent-id': String(past.id) }
    here.alm.create('release-cycle', { name: 'XPast c', ...dates })
    release('XLast day', 1)
    await fullRun(here)
    const plan = () =>
      [...octaneNames(here, 'release'), ...octaneNames(here, 'sprint')].filter((one) => one.startsWith('X'))
    expect(plan()).toEqual(['XLast day'])
    await change(here, (same) => ({ ...same, pastReleases: true }))
    await fullRun(here)
    await waitOver(here)
    await fullRun(here)
    expect(plan()).toEqual(['XLast day', 'XPast', 'XPast c'])
  })
})

describe('a record that a person stops', () => {
  it('is neither written nor deleted, whatever happens, until somebody resumes it; who and why is kept', async () => {
    const here = await open()
    const id = defect(here, 'before')
    const never = defect(here, 'never')
    const of = { linkId: here.linkId, side: 'left' as const, actor: 'ann' }
    await stopRecord(here.database, { ...of, id: never, reason: 'confidential' })
    await fullRun(here)
    expect(octaneNames(here)).toEqual(['before'])
    const stopped = await stopRecord(here.database, { ...of, id, reason: 'moved to another team' })
    expect(stopped).toMatchObject({ id, twinId: here.octane.records('defect')[0]?.id })
    expect(await stopRecord(here.database, { ...of, id, reason: 'again' })).toBeNull()
    const writes = restWrites(here)
    here.alm.edit('defect', id, { name: 'after' })
    here.octane.edit('defect', stopped?.twinId ?? '', { description: 'somebody works on it' })
    await fullRun(here)
    expect(restWrites(here)).toBe(writes)
    expect(await standing(here, stopped?.twinId ?? '', 'right')).toMatchObject({
      state: 'left-alone',
      because: 'person',
      stopped: { actor: 'ann', reason: 'moved to another team' },
    })
    expect((await listStopped(here.database, here.linkId)).map((one) => one.id).sort()).toEqual([id, never].sort())
    expect(await resumeRecord(here.database, { ...of, id, reason: 'back' })).toBe(true)
    expect(await resumeRecord(here.database, { ...of, id, reason: 'back' })).toBe(false)
    await fullRun(here)
    expect(octaneNames(here)).toEqual(['after'])
    const ledger = await here.database.sql<{ action: string }[]>`
      select action from ledger where action like 'record %' order by action`
    expect(ledger.map((row) => row.action)).toEqual(['record resumed', 'record stopped', 'record stopped'])
  })
})
