import { describe, expect, it } from 'vitest'
import { configurationChange } from './config-change.ts'
import { type LinkConfigurationInput, linkConfiguration } from './link-config.ts'

const endpointId = '3f1c1f0e-6a43-4f0e-9a86-0a1f0e6a43f0'
const both = { create: true, update: true }

function configuration(change: Partial<LinkConfigurationInput> = {}) {
  return linkConfiguration.parse({
    entityType: 'defect',
    left: { endpointId, entityType: 'defect', crossReference: 'user-01' },
    right: { endpointId, entityType: 'defect', crossReference: 'alm_id_udf' },
    fields: [
      { id: 'title', left: 'name', right: 'name', direction: 'both' },
      {
        id: 'severity',
        left: 'severity',
        right: 'severity',
        direction: 'both',
        values: [{ left: '1-Low', right: 'low' }],
      },
      { id: 'origin', left: null, right: 'origin', direction: 'to-right', constant: 'ALM' },
    ],
    rules: { toRight: both, toLeft: both },
    ...change,
  } satisfies LinkConfigurationInput)
}

const fields = configuration().fields
const nothing = {
  mappings: [],
  removed: [],
  remapped: [],
  values: [],
  creates: [],
  scopes: [],
  updates: [],
  standIns: false,
}

describe('what a changed configuration means for records', () => {
  it('is nothing where only schedule, tuning or brake differ', () => {
    const after = configuration({ schedule: { intervalSeconds: 5 }, tuning: { batchSize: 7 } })
    expect(configurationChange(configuration(), after)).toEqual(nothing)
  })

  it('names the values whose counterpart changed, and no others', () => {
    const values = [
      { left: '1-Low', right: 'low' },
      { left: '5-Urgent', right: 'urgent' },
    ]
    const after = configuration({ fields: fields.map((one) => (one.id === 'severity' ? { ...one, values } : one)) })
    expect(configurationChange(configuration(), after)).toEqual({
      ...nothing,
      mappings: ['severity'],
      values: [{ mappingId: 'severity', left: ['5-Urgent'], right: ['urgent'] }],
    })
    const turned = fields.map((one) =>
      one.id === 'severity' ? { ...one, values: [{ left: '1-Low', right: 'lowest' }] } : one,
    )
    expect(configurationChange(configuration(), configuration({ fields: turned })).values).toEqual([
      { mappingId: 'severity', left: ['1-Low'], right: ['low', 'lowest'] },
    ])
  })

  it('compares every pair again where a field is new, another one, or flows another way', () => {
    const extra = { id: 'text', left: 'description', right: 'description', direction: 'both' as const }
    expect(configurationChange(configuration(), configuration({ fields: [...fields, extra] }))).toMatchObject({
      mappings: ['text'],
      remapped: ['text'],
    })
    const oneWay = fields.map((one) => (one.id === 'title' ? { ...one, direction: 'to-right' as const } : one))
    expect(configurationChange(configuration(), configuration({ fields: oneWay })).remapped).toEqual(['title'])
  })

  it('tries again what is held by a policy or default that changed, and compares no pair for it', () => {
    const after = fields.map((one) => (one.id === 'title' ? { ...one, conflict: 'ask' as const } : one))
    expect(configurationChange(configuration(), configuration({ fields: after }))).toEqual({
      ...nothing,
      mappings: ['title'],
    })
  })

  it('tells which sides create or update from now on, but not what was switched off', () => {
    const closed = configuration({ rules: { toRight: { create: false, update: false }, toLeft: both } })
    expect(configurationChange(closed, configuration())).toEqual({ ...nothing, creates: ['left'], updates: ['left'] })
    expect(configurationChange(configuration(), closed)).toEqual(nothing)
  })

  it('tells what the rules of single types let through from now on', () => {
    const pair = (id: string) => ({ id, left: { values: [id], default: id }, right: { values: [id], default: id } })
    const link = (rules: object) =>
      configuration({ entityType: 'backlog', types: [pair('epic'), { ...pair('story'), ...rules }] })
    const none = { create: false, update: false }
    const closed = link({ rules: { toRight: none, toLeft: both } })
    expect(configurationChange(closed, link({}))).toEqual({ ...nothing, creates: ['left'], updates: ['left'] })
    expect(configurationChange(link({}), closed)).toEqual(nothing)
  })

  it('names the mappings that are gone', () => {
    const gone = fields.slice(1)
    expect(configurationChange(configuration(), configuration({ fields: gone }))).toEqual({
      ...nothing,
      removed: [fields[0]?.id],
    })
  })
})
