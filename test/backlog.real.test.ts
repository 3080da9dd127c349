import { afterEach, describe, expect, it } from 'vitest'
import { checkLink } from '../core/check-link.ts'
import type { LinkConfiguration } from '../core/link-config.ts'
import type { RunSummary } from '../core/run.ts'
import { deleting, fullRun, openIssues, restWrites, waitOver } from './deletions.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'

/** Requirement types of the sandbox's project by what they stand for here; 1 is ALM's folder. */
const almTypes = { epic: '4', feature: '3', story: '101', folder: '1', testing: '5' } as const

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

async function open(options: LabOptions = {}): Promise<Lab> {
  lab = await createLab({
    kind: 'backlog',
    types: [
      { octane: 'epic', alm: ['Business'] },
      { octane: 'feature', alm: ['Functional'] },
      { octane: 'story', alm: ['User Story', 'Performance'] },
    ],
    ...options,
  })
  return lab
}

function requirement(here: Lab, type: keyof typeof almTypes, name: string, parent = '0'): string {
  return String(here.alm.create('requirement', { name, 'type-id': almTypes[type], 'parent-id': parent }).id)
}

/** Octane's backlog as lines of names from the top, so that a whole tree is compared at a glance. */
function octaneTree(here: Lab): string[] {
  const all = ['epic', 'feature', 'story'].flatMap((type) => here.octane.records(type))
  const byId = new Map(all.map((one) => [one.id, one]))
  const path = (one: (typeof all)[number]): string => {
    const parent = byId.get((one.parent as { id: string } | null)?.id ?? '')
    return parent === undefined ? String(one.name) : `${path(parent)} > ${String(one.name)}`
  }
  return all.map(path).sort()
}

function almTree(here: Lab): string[] {
  const all = here.alm.records('requirement')
  const byId = new Map(all.map((one) => [String(one.id), one]))
  const path = (one: (typeof all)[number]): string => {
    const parent = String(one['parent-id']) === '0' ? undefined : byId.get(String(one['parent-id']))
    return parent === undefined ? String(one.name) : `${path(parent)} > ${String(one.name)}`
  }
  return all
    .filter((one) => String(one.id) !== '0')
    .map(path)
    .sort()
}

async function settle(here: Lab): Promise<RunSummary> {
  const summary = await fullRun(here)
  expect(summary.status).not.toBe('failed')
  return summary
}

describe('a backlog link', () => {
  // covers 22, 39, 50
  it('keeps the tree of epics, features and stories in one run, however the records are ordered, and then rests', async () => {
    const here = await open()
    // Children get lower ids than what stands above them.
    const stories = ['s1', 's2', 's3'].map((name) => requirement(here, 'story', name))
    const features = ['f1', 'f2'].map((name) => requirement(here, 'feature', name))
    const epic = requirement(here, 'epic', 'e1')
    for (const feature of features) here.alm.edit('requirement', feature, { 'parent-id': epic })
    stories.forEach((story, index) => {
      here.alm.edit('requirement', story, { 'parent-id': features[index % 2] ?? '' })
    })
    requirement(here, 'testing', 'not mapped')
    const summary = await settle(here)
    expect(octaneTree(here)).toEqual(['e1', 'e1 > f1', 'e1 > f1 > s1', 'e1 > f1 > s3', 'e1 > f2', 'e1 > f2 > s2'])
    expect(summary.counters).toMatchObject({ createdRight: 6, failed: 0 })
    expect(await openIssues(here)).toEqual([])
    const before = restWrites(here)
    await settle(here)
    expect(restWrites(here) - before).toBe(0)
  })

  // covers 20, 45, 50
  it('creates requirements of the default type below the root of the link, and keeps moves on either side', async () => {
    const here = await open()
    const epic = here.octane.create('epic', { name: 'e' }).id
    const first = here.octane.create('feature', { name: 'f1', parent: { type: 'epic', id: epic } }).id
    const second = here.octane.create('feature', { name: 'f2', parent: { type: 'epic', id: epic } }).id
    const story = here.octane.create('story', { name: 's', parent: { type: 'feature', id: first } }).id
    here.octane.create('feature', { name: 'f3', parent: { type: 'epic', id: epic } })
    await settle(here)
    expect(almTree(here)).toEqual(['e', 'e > f1', 'e > f1 > s', 'e > f2', 'e > f3'])
    const requirements = new Map(here.alm.records('requirement').map((one) => [String(one.name), one]))
    expect(requirements.get('s')?.['type-id']).toBe(almTypes.story)

    here.octane.edit('story', story, { parent: { type: 'feature', id: second } })
    await settle(here)
    expect(almTree(here)).toContain('e > f2 > s')
    here.alm.edit('requirement', String(requirements.get('s')?.id), { 'parent-id': String(requirements.get('f3')?.id) })
    await settle(here)
    expect(octaneTree(here)).toContain('e > f3 > s')
    const before = restWrites(here)
    await settle(here)
    expect(restWrites(here) - before).toBe(0)
  })

  it('takes no record for deleted whose type alone may not be read any more', async () => {
    const here = await open({ link: deleting })
    const epic = requirement(here, 'epic', 'e1')
    requirement(here, 'epic', 'e2')
    for (const name of ['f1', 'f2', 'f3']) requirement(here, 'feature', name, epic)
    await settle(here)
    const all = almTree(here)
    here.octane.permissions.deny({ type: 'feature', action: 'read' })
    for (let round = 0; round < 3; round++) {
      await fullRun(here)
      await waitOver(here)
    }
    expect(almTree(here)).toEqual(all)
    expect((await openIssues(here)).filter((one) => one.code === 'twin-unreadable')).toHaveLength(3)
    here.octane.permissions.clear()
    const gone = here.octane.records('feature').find((one) => one.name === 'f2')?.id ?? ''
    here.octane.remove('feature', gone)
    for (let round = 0; round < 3; round++) {
      await settle(here)
      await waitOver(here)
    }
    expect(almTree(here)).toEqual(all.filter((one) => one !== 'e1 > f2'))
    expect(await openIssues(here)).toEqual([])
  })

  it('creates a record once whose answer was lost while its type could not be read', async () => {
    const here = await open({ link: (same) => ({ ...same, tuning: { ...same.tuning, inDoubtSeconds: 1 } }) })
    const epic = requirement(here, 'epic', 'e1')
    requirement(here, 'feature', 'f1', epic)
    await settle(here)
    requirement(here, 'feature', 'f2', epic)
    here.octane.faults.add({ match: { method: 'POST', path: '/features$' }, kind: 'drop-after' })
    await fullRun(here)
    here.octane.permissions.deny({ type: 'feature', action: 'read' })
    await new Promise((resolve) => setTimeout(resolve, 1100))
    for (let round = 0; round < 2; round++) {
      await waitOver(here)
      await fullRun(here)
    }
    here.octane.permissions.clear()
    for (let round = 0; round < 2; round++) {
      await waitOver(here)
      await fullRun(here)
    }
    expect(octaneTree(here)).toEqual(['e1', 'e1 > f1', 'e1 > f2'])
  })

  // covers 52
  it('lets the side that wins for the hierarchy win where a record was moved on both', async () => {
    const here = await open({
      link: (same) => ({
        ...same,
        fields: same.fields.map((field) => (field.id === 'parent' ? { ...field, conflict: 'left' as const } : field)),
      }),
    })
    const epic = requirement(here, 'epic', 'e')
    const features = ['f1', 'f2', 'f3'].map((name) => requirement(here, 'feature', name, epic))
    const story = requirement(here, 'story', 's', features[0])
    await settle(here)
    const octane = (type: string, name: string) => here.octane.records(type).find((one) => one.name === name)?.id ?? ''
    here.alm.edit('requirement', story, { 'parent-id': String(features[1]) })
    here.octane.edit('story', octane('story', 's'), { parent: { type: 'feature', id: octane('feature', 'f3') } })
    await settle(here)
    expect(octaneTree(here)).toContain('e > f2 > s')
    expect(almTree(here)).toContain('e > f2 > s')
  })

  // covers 51
  it('treats ALM folders as the root: an epic moves among them without a write, a story needs leave to stand there', async () => {
    const here = await open()
    const folders = ['a', 'b'].map((name) => requirement(here, 'folder', name))
    const epic = requirement(here, 'epic', 'e', folders[0])
    const story = requirement(here, 'story', 's', folders[0])
    await settle(here)
    expect(octaneTree(here)).toEqual(['e'])
    const [issue] = await here.database.sql<{ code: string; message: string; remedy: string }[]>`
      select code, message, remedy from issues where resolved_at is null`
    expect(issue).toMatchObject({ code: 'no-parent' })
    expect(issue?.remedy).toContain('underRoot')
    here.alm.edit('requirement', epic, { 'parent-id': String(folders[1]) })
    const before = restWrites(here)
    await settle(here)
    expect(restWrites(here) - before).toBe(0)
    // Below a feature it may stand.
    here.alm.edit('requirement', story, { 'parent-id': requirement(here, 'feature', 'f', epic) })
    await settle(here)
    expect(octaneTree(here)).toEqual(['e', 'e > f', 'e > f > s'])
    expect(await openIssues(here)).toEqual([])
  })

  // covers 51
  it('lets stories stand below the root where the link says so', async () => {
    const here = await open({
      link: (same) => ({
        ...same,
        types: (same.types ?? []).map((type) => ({ ...type, underRoot: type.id !== 'feature' })),
      }),
    })
    requirement(here, 'story', 's')
    await settle(here)
    expect(octaneTree(here)).toEqual(['s'])
  })

  it('holds a requirement whose type became another one, and neither deletes nor doubles it', async () => {
    const here = await open({
      link: (same) => ({
        ...same,
        types: (same.types ?? []).map((type) => ({ ...type, underRoot: type.id !== 'feature' })),
      }),
    })
    const story = requirement(here, 'story', 's')
    await settle(here)
    here.alm.edit('requirement', story, { 'type-id': almTypes.epic })
    await settle(here)
    expect(octaneTree(here)).toEqual(['s'])
    expect(here.octane.records('epic')).toHaveLength(0)
    const issues = await here.database.sql<{ code: string; message: string }[]>`
      select code, message from issues where resolved_at is null`
    expect(issues).toHaveLength(1)
    expect(issues[0]?.code).toBe('type-changed')
    expect(issues[0]?.message).toContain('Business')
    here.alm.edit('requirement', story, { 'type-id': '6', name: 'still a story' })
    await waitOver(here)
    await settle(here)
    expect(octaneTree(here)).toEqual(['still a story'])
    expect(await openIssues(here)).toEqual([])
  })

  // covers 23
  it('never sends quality stories', async () => {
    const here = await open()
    const epic = here.octane.create('epic', { name: 'e' }).id
    const feature = here.octane.create('feature', { name: 'f', parent: { type: 'epic', id: epic } }).id
    here.octane.create('quality_story', { name: 'q', parent: { type: 'feature', id: feature } })
    await settle(here)
    expect(almTree(here)).toEqual(['e', 'e > f'])
  })
})

describe('the check of a backlog link', () => {
  it('passes what is proposed, and names a type that does not exist and a field that one type lacks', async () => {
    const here = await open()
    const check = (configuration: LinkConfiguration) =>
      checkLink({ configuration, ...here.metadata, users: [] }).filter((finding) => finding.severity === 'error')
    expect(check(here.configuration)).toEqual([])
    const [epic, ...others] = here.configuration.types
    if (epic === undefined) throw new Error('the link has epics')
    const broken: LinkConfiguration = {
      ...here.configuration,
      types: [{ ...epic, left: { values: ['4', '999'], default: '4' } }, ...others],
      fields: here.configuration.fields.map((field) => (field.id === 'owner' ? { ...field, left: 'nobody' } : field)),
    }
    const errors = check(broken)
    expect(errors.map((finding) => finding.pointer)).toEqual([
      '/types/0/left/values/1',
      `/fields/${broken.fields.findIndex((field) => field.id === 'owner')}/left`,
    ])
    expect(errors[0]?.message).toContain('"Business" (4)')
  })
})
