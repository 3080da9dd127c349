import { describe, expect, it } from 'vitest'
import { type FieldMapping, linkConfigurationToSave, type TypePair } from './link-config.ts'
import { managedPreset } from './managed.ts'

const type = (id: string): TypePair => ({
  ...{ id, left: { values: [id], default: id }, right: { values: [id], default: id }, parents: [], underRoot: true },
})
const field = (id: string, changes: Partial<FieldMapping> = {}): FieldMapping => ({
  ...{ id, left: id, right: id, direction: 'both', conflict: 'right', conflictFallback: 'ask' },
  ...{ values: [], defaults: {}, createOnly: false },
  ...changes,
})
const ends = {
  left: { endpointId: '00000000-0000-4000-8000-000000000001', entityType: 'requirement', crossReference: null },
  right: { endpointId: '00000000-0000-4000-8000-000000000002', entityType: 'work_item', crossReference: null },
}
const base = { entityType: 'defect', ...ends, types: [], fields: [field('name')] }
const both = { create: true, update: true }
const none = { create: false, update: false }

function pointersOf(configuration: unknown): string[] {
  const parsed = linkConfigurationToSave.safeParse(configuration)
  return parsed.success ? [] : parsed.error.issues.map((issue) => issue.path.join('/')).sort()
}

describe('where records are managed', () => {
  // covers 24
  it('sets who creates and who wins, for the whole link', () => {
    const preset = managedPreset({ types: [], fields: [field('name')], matchBy: ['name'] }, { '*': 'left' })
    expect(preset.rules).toMatchObject({
      toRight: { create: true, update: true },
      toLeft: { create: false, update: true },
    })
    expect(preset.fields).toEqual([field('name', { conflict: 'left' })])
    expect(managedPreset({ types: [], fields: [field('name')], matchBy: [] }, {})).toMatchObject({
      rules: { toRight: { create: true }, toLeft: { create: true } },
      fields: [{ conflict: 'right' }],
    })
  })

  // covers 24
  it('sets it by type, with mappings of their own where types differ', () => {
    const preset = managedPreset(
      {
        types: [type('epic'), type('feature'), type('story')],
        fields: [field('name'), field('points', { types: ['story'] })],
        matchBy: ['name'],
      },
      { epic: 'left', story: 'right' },
    )
    expect(preset.types.map(({ id, rules }) => [id, rules?.toRight.create, rules?.toLeft.create])).toEqual([
      ['epic', true, false],
      ['feature', undefined, undefined],
      ['story', false, true],
    ])
    expect(preset.fields.map(({ id, types, conflict }) => [id, types, conflict])).toEqual([
      ['name', ['epic'], 'left'],
      ['name-both', ['feature'], 'right'],
      ['name-right', ['story'], 'right'],
      ['points', ['story'], 'right'],
    ])
    expect(preset.matchBy).toEqual(['name', 'name-both', 'name-right'])
    expect(pointersOf({ entityType: 'backlog', ...ends, ...preset })).toEqual([])
  })
})

describe('a configuration is refused when it is saved', () => {
  it('where a direction writes and no field is mapped in it', () => {
    const oneWay = { ...base, fields: [field('name', { direction: 'to-right' })] }
    expect(pointersOf({ ...oneWay, rules: { toRight: both, toLeft: both } })).toEqual(['rules/toLeft'])
    expect(pointersOf({ ...oneWay, rules: { toRight: both, toLeft: none } })).toEqual([])
  })

  it('where what is deleted is to be created anew in a direction that creates nothing', () => {
    const rules = { toRight: { ...both, delete: 're-create' }, toLeft: { create: false, update: true } }
    expect(pointersOf({ ...base, rules })).toEqual(['rules/toRight/delete'])
  })

  // covers 79
  it('where a value has two counterparts in one direction', () => {
    const pair = (left: string, right: string, direction: 'both' | 'to-right' | 'to-left') => ({
      left,
      right,
      direction,
    })
    const values = [pair('a', 'x', 'both'), pair('b', 'x', 'to-right'), pair('a', 'y', 'to-right')]
    const fields = [field('name', { values })]
    expect(pointersOf({ ...base, fields, rules: { toRight: both, toLeft: both } })).toEqual(['fields/0/values/2/left'])
  })

  it('where a link for defects has a root folder', () => {
    const rules = { toRight: both, toLeft: both }
    expect(pointersOf({ ...base, rules, left: { ...base.left, root: '42' } })).toEqual(['left/root'])
  })

  // covers 19
  it('where a backlog link has no type', () => {
    expect(pointersOf({ ...base, entityType: 'backlog', rules: { toRight: both, toLeft: both } })).toContain('types')
  })
})
