import { describe, expect, it } from 'vitest'
import type { Base } from '../../core/base.ts'
import { mappingFingerprint } from '../../core/hash.ts'
import type { IntentField, OpenIntent } from '../../core/intents.ts'
import { type LinkConfiguration, linkConfiguration } from '../../core/link-config.ts'
import type { SideMetadata } from '../../core/metadata.ts'
import type { CanonicalValue, RecordSnapshot } from '../../core/values.ts'
import { baseOfCreation, settleUpdates } from './settle.ts'

const metadata: SideMetadata = { entity: { entityType: 'defect', label: 'Defect', fields: [] }, users: [] }

function configurationOf(names: string[], more: object = {}): LinkConfiguration {
  return linkConfiguration.parse({
    entityType: 'defect',
    left: { endpointId: '00000000-0000-4000-8000-000000000001', entityType: 'defect', crossReference: null },
    right: { endpointId: '00000000-0000-4000-8000-000000000002', entityType: 'defect', crossReference: null },
    rules: { toRight: { create: true, update: true }, toLeft: { create: true, update: true } },
    fields: names.map((name) => ({ id: name, left: name, right: name, direction: 'both', ...more })),
  })
}

const field = (name: string, before: CanonicalValue, sent: CanonicalValue): IntentField => ({
  mappingId: name,
  field: name,
  source: sent,
  before,
  sent,
  rule: 'changed',
})

const intent = (fields: IntentField[], version = 1): OpenIntent => ({
  id: 'i',
  version,
  key: 'pair:p',
  action: 'update',
  side: 'right',
  targetId: '2',
  sourceId: '1',
  stampBefore: { version: 5, modified: null },
  fields,
  ageSeconds: 1,
  answered: false,
})

const snapshot = (version: number, fields: Record<string, CanonicalValue>): RecordSnapshot => ({
  id: '2',
  stamp: { version, modified: null },
  fields,
})

function settle(input: {
  names: string[]
  fields: IntentField[]
  found: RecordSnapshot
  base?: Base
  intentVersion?: number
  mapping?: object
}) {
  const configuration = configurationOf(input.names, input.mapping)
  const looked = settleUpdates({
    intents: [intent(input.fields, input.intentVersion)],
    base: input.base ?? {},
    configuration,
    version: 1,
    planner: { ancestor: () => undefined },
    metadata: { left: metadata, right: metadata },
    snapshots: { left: snapshot(1, {}), right: input.found },
    references: { left: '', right: '' },
  })
  return { ...looked, outcome: looked.settled[0]?.outcome, configuration }
}

const agreed = (value: CanonicalValue, fingerprint: string) => ({
  left: { v: value },
  right: { v: value },
  fingerprint,
  canonical: 1,
})

describe('a write whose answer never came', () => {
  it('happened although one of its fields is not mapped any more', () => {
    const fields = [field('name', 'old', 'new'), field('gone', null, 'x')]
    expect(settle({ names: ['name'], fields, found: snapshot(6, { name: 'new' }) }).outcome).toBe('applied')
    // With nothing left to look at, nobody can tell.
    expect(settle({ names: ['name'], fields: fields.slice(1), found: snapshot(7, {}) }).outcome).toBe('unknown')
    expect(settle({ names: ['name'], fields: fields.slice(1), found: snapshot(5, {}) }).outcome).toBe('not-applied')
  })

  it('and of which somebody took a part back, is for a person to judge: what was taken back is not written again', () => {
    const [one, two] = [field('name', 'old', 'new'), field('points', 1, 2)]
    const fingerprint = (name: string) =>
      mappingFingerprint(configurationOf([name]).fields[0] as LinkConfiguration['fields'][number])
    const base = { name: agreed('old', fingerprint('name')), points: agreed(1, fingerprint('points')) }
    const fields = [one, two]
    const found = settle({ names: ['name', 'points'], fields, base, found: snapshot(8, { name: 'new', points: 1 }) })
    expect(found.outcome).toBe('unknown')
    expect(found.base.points).toMatchObject({ disputed: true, right: { v: 1 } })
    expect(found.base.name).toMatchObject({ left: { v: 'new' }, right: { v: 'new' } })
    // A single step was not ours: ours would have changed both.
    expect(
      settle({ names: ['name', 'points'], fields, base, found: snapshot(6, { name: 'new', points: 1 }) }).outcome,
    ).toBe('not-applied')
  })

  it('under an older version of the link says nothing about what its mappings mean now', () => {
    const values = { values: [{ left: 'High', right: 'Urgent' }] }
    const earlier = mappingFingerprint(configurationOf(['severity']).fields[0] as LinkConfiguration['fields'][number])
    const sent = [{ ...field('severity', 'Low', 'Major'), source: 'High' }]
    const found = snapshot(6, { severity: 'Major' })
    const base = { severity: agreed('Low', earlier) }
    const old = settle({ names: ['severity'], fields: sent, found, base, intentVersion: 0, mapping: values })
    expect(old.base.severity).toMatchObject({ left: { v: 'High' }, right: { v: 'Major' }, fingerprint: earlier })
    const now = settle({ names: ['severity'], fields: sent, found, base, mapping: values })
    expect(now.base.severity?.fingerprint).not.toBe(earlier)
    const [mapping] = now.configuration.fields
    const created = { ...intent(sent, 0), action: 'create' as const }
    if (mapping === undefined) throw new Error('there is a mapping')
    expect(baseOfCreation(created, now.configuration, 1).severity?.fingerprint).not.toBe(mappingFingerprint(mapping))
    expect(baseOfCreation({ ...created, version: 1 }, now.configuration, 1).severity?.fingerprint).toBe(
      mappingFingerprint(mapping),
    )
  })
})
