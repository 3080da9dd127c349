import { afterEach, describe, expect, it } from 'vitest'
import { proposeMapping } from '../core/auto-map.ts'
import type { AskedType } from '../core/known-fields.ts'
import { type LinkConfigurationInput, linkConfiguration } from '../core/link-config.ts'
import { addLinkVersion } from '../db/links.ts'
import { fullRun, openIssues } from './deletions.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'

const asked: readonly AskedType[] = [
  { octane: 'epic', alm: ['Business'] },
  { octane: 'story', alm: ['User Story'] },
]
const almTypes = { epic: '4', story: '101' } as const

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

async function open(options: LabOptions): Promise<Lab> {
  lab = await createLab({ kind: 'backlog', ...options })
  return lab
}

function requirement(here: Lab, type: keyof typeof almTypes, name: string): string {
  return String(here.alm.create('requirement', { name, 'type-id': almTypes[type], 'parent-id': '0' }).id)
}

const octaneNames = (here: Lab, type: string) =>
  here.octane
    .records(type)
    .map((one) => String(one.name))
    .sort()
const almNames = (here: Lab) =>
  here.alm
    .records('requirement')
    .filter((one) => String(one.id) !== '0')
    .map((one) => String(one.name))
    .sort()

const oneWay = (to: 'right' | 'left') => {
  const rule = (on: boolean) => ({ create: on, update: on })
  return { toRight: rule(to === 'right'), toLeft: rule(to === 'left') }
}

/** Everything may stand below the root, so that no type needs another one. */
const anywhere = (same: LinkConfigurationInput): LinkConfigurationInput => ({
  ...same,
  types: (same.types ?? []).map((type) => ({ ...type, underRoot: true, parents: [] })),
})

async function change(here: Lab, by: (same: LinkConfigurationInput) => LinkConfigurationInput): Promise<void> {
  const { version, configuration } = await here.store.link(here.linkId)
  const next = linkConfiguration.parse(by(configuration))
  const input = { linkId: here.linkId, expectedVersion: version, configuration: next, author: 'test', comment: '' }
  expect(await addLinkVersion(here.database, input)).toBe(version + 1)
}

describe('types of a backlog link', () => {
  // covers 60
  it('have rules of their own, and what a rule left out is taken up once the rule lets it through', async () => {
    const here = await open({
      types: asked,
      link: (same) => ({
        ...anywhere(same),
        types: (anywhere(same).types ?? []).map((type) => ({
          ...type,
          rules: oneWay(type.id === 'epic' ? 'right' : 'left'),
        })),
      }),
    })
    requirement(here, 'epic', 'epic of ALM')
    requirement(here, 'story', 'story of ALM')
    here.octane.create('epic', { name: 'epic of Octane' })
    here.octane.create('story', { name: 'story of Octane' })
    await fullRun(here)
    expect(octaneNames(here, 'epic')).toEqual(['epic of ALM', 'epic of Octane'])
    expect(octaneNames(here, 'story')).toEqual(['story of Octane'])
    expect(almNames(here)).toEqual(['epic of ALM', 'story of ALM', 'story of Octane'])
    // Nobody touches the story of ALM: the change of the rule makes it due.
    await change(here, (same) => ({
      ...same,
      types: (same.types ?? []).map(({ rules, ...type }) => (type.id === 'story' ? type : { ...type, rules })),
    }))
    await fullRun(here, undefined, 'changes')
    expect(octaneNames(here, 'story')).toEqual(['story of ALM', 'story of Octane'])
    expect(octaneNames(here, 'epic')).toEqual(['epic of ALM', 'epic of Octane'])
    expect(almNames(here)).not.toContain('epic of Octane')
    expect(await openIssues(here)).toEqual([])
  })

  // covers 53
  it('come later, with rules and fields of their own; old records of theirs are taken up without a full run', async () => {
    const here = await open({ types: asked.slice(0, 1), link: anywhere })
    requirement(here, 'epic', 'an epic')
    const old = requirement(here, 'story', 'an old story')
    here.alm.edit('requirement', old, { description: '<html><body>Stays in ALM</body></html>' })
    await fullRun(here)
    expect(octaneNames(here, 'epic')).toEqual(['an epic'])
    expect(octaneNames(here, 'story')).toEqual([])
    const { types } = proposeMapping({
      kind: 'backlog',
      askedTypes: asked,
      left: here.metadata.left.entity,
      leftKind: 'alm',
      right: here.metadata.right.entity,
      rightKind: 'octane',
    })
    await change(here, (same) =>
      anywhere({
        ...same,
        types: types.map((type) => (type.id === 'story' ? { ...type, rules: oneWay('right') } : type)),
        // The description is carried for epics only.
        fields: same.fields.map((field) => (field.id === 'description' ? { ...field, types: ['epic'] } : field)),
      }),
    )
    here.octane.create('story', { name: 'of Octane' })
    await fullRun(here, undefined, 'changes')
    expect(octaneNames(here, 'story')).toEqual(['an old story', 'of Octane'])
    expect(here.octane.records('story').find((one) => one.name === 'an old story')?.description ?? null).toBeNull()
    expect(almNames(here)).toEqual(['an epic', 'an old story'])
    expect(await openIssues(here)).toEqual([])
  })
})
