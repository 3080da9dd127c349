import { describe, expect, it } from 'vitest'
import { type Base, canonicalVersion, toBaseValue } from './base.ts'
import { mappingFingerprint, valueHash } from './hash.ts'
import { type LinkConfigurationInput, linkConfiguration } from './link-config.ts'
import { canonicalMemo } from './memo.ts'
import { type FieldMetadata, plainField, type SideMetadata } from './metadata.ts'
import { createPlanner, type PairInput } from './plan.ts'
import type { CanonicalValue, RecordSnapshot } from './values.ts'

const field = (name: string, type: FieldMetadata['type'], maxLength: number | null = null) =>
  plainField(name, { type, maxLength })
const side = (...fields: FieldMetadata[]): SideMetadata => ({
  entity: { entityType: 'defect', label: 'Defect', fields },
  users: [],
})
const input: LinkConfigurationInput = {
  entityType: 'defect',
  left: { endpointId: '00000000-0000-4000-8000-000000000001', entityType: 'defect', crossReference: null },
  right: { endpointId: '00000000-0000-4000-8000-000000000002', entityType: 'defect', crossReference: null },
  rules: { toRight: { create: true, update: true }, toLeft: { create: true, update: true } },
  fields: [
    { id: 'description', left: 'description', right: 'description', direction: 'both' },
    { id: 'summary', left: 'summary', right: 'summary', direction: 'both' },
  ],
}
const configuration = linkConfiguration.parse(input)
const planner = createPlanner({
  configuration,
  left: side(field('description', 'memo'), field('summary', 'memo')),
  right: side(field('description', 'memo'), field('summary', 'string', 40)),
  users: [],
})

type Values = Record<string, CanonicalValue>
const none: Values = { description: null, summary: null }
const record = (fields: Values, lost?: RecordSnapshot['lost']): RecordSnapshot => ({
  id: '1',
  stamp: { version: 2, modified: null },
  fields: { ...none, ...fields },
  ...(lost === undefined ? {} : { lost }),
})
const agreedOn = (left: Values, right: Values, canonical = canonicalVersion): Base =>
  Object.fromEntries(
    configuration.fields.map((mapping) => [
      mapping.id,
      {
        fingerprint: mappingFingerprint(mapping),
        canonical,
        left: toBaseValue(left[mapping.id] ?? null),
        right: toBaseValue(right[mapping.id] ?? null),
      },
    ]),
  )
const plan = (base: Base, left: RecordSnapshot, right: RecordSnapshot, more: Partial<PairInput> = {}) =>
  planner.planPair({ base, left, right, seen: { left: null, right: null }, ...more })
const written = (planned: ReturnType<typeof plan>) => ({
  left: Object.fromEntries(planned.writes.left.map((one) => [one.field, one.sent])),
  right: Object.fromEntries(planned.writes.right.map((one) => [one.field, one.sent])),
})

const text = '<p>Steps</p>'
const edited = '<p>Steps, more</p>'

describe('a text that would lose content', () => {
  it('is not written over one that holds what Tandem cannot carry, and says so', () => {
    const base = agreedOn({ description: text }, { description: text })
    const video = { description: ['a video'] }
    const held = plan(base, record({ description: text }, video), record({ description: edited }))
    expect(written(held)).toEqual({ left: {}, right: {} })
    expect(held.agreed).toEqual({})
    expect(held.problems).toMatchObject([
      {
        code: 'content-would-be-lost',
        side: 'left',
        field: 'description',
        message: expect.stringContaining('a video'),
      },
    ])
    // The other way the text flows, with a word about what does not.
    const flows = plan(base, record({ description: edited }, video), record({ description: text }))
    expect(written(flows).right).toEqual({ description: edited })
    expect(flows.problems).toMatchObject([{ code: 'content-not-carried', warning: true }])
    const created = planner.planCreate('left', record({ description: edited }, video))
    expect(created.fields).toMatchObject([{ sent: edited }])
    expect(created.problems).toMatchObject([{ code: 'content-not-carried', warning: true }])
    // What a person decides is done.
    const decision = {
      conflictId: 'c',
      choose: 'right' as const,
      value: null,
      side: 'left' as const,
      leftHash: valueHash(text),
      rightHash: valueHash(edited),
    }
    const decided = plan(base, record({ description: text }, video), record({ description: edited }), {
      decisions: { description: decision },
    })
    expect(written(decided).left).toEqual({ description: edited })
  })

  it('does not become a plain text, and a plain text does not replace it', () => {
    const list = canonicalMemo('<ul><li>one</li><li>two</li></ul>')
    const there = plan(agreedOn({}, {}), record({ summary: list }), record({}))
    expect(written(there)).toEqual({ left: {}, right: {} })
    expect(there.problems).toMatchObject([
      { code: 'content-would-be-lost', field: 'summary', message: expect.stringContaining('a list') },
    ])
    const back = plan(
      agreedOn({ summary: list }, { summary: 'one' }),
      record({ summary: list }),
      record({ summary: 'two' }),
    )
    expect(written(back)).toEqual({ left: {}, right: {} })
    expect(back.problems).toMatchObject([{ code: 'content-would-be-lost', side: 'left' }])
    const plain = canonicalMemo('<p>one</p><p><b>two</b></p>')
    expect(written(plan(agreedOn({}, {}), record({ summary: plain }), record({}))).right).toEqual({
      summary: 'one\ntwo',
    })
  })

  // covers 73
  it('is never cut', () => {
    const long = plan(agreedOn({}, {}), record({ summary: `<p>${'x'.repeat(41)}</p>` }), record({}))
    expect(written(long).right).toEqual({})
    expect(long.problems).toMatchObject([{ code: 'too-long' }])
  })

  it('whose images the other side cannot reach is held, and one whose images all can goes as it is', () => {
    const octane = '/api/shared_spaces/1001/workspaces/1002/attachments/7/a%20b.png'
    const shown = canonicalMemo(`<p>See <img src="${octane}" alt="x"></p>`)
    const base = agreedOn({}, {})
    const waits = plan(base, record({}), record({ description: shown }))
    expect(written(waits)).toEqual({ left: {}, right: {} })
    expect(waits.problems).toMatchObject([{ code: 'image-not-carried', message: expect.stringContaining('"a b.png"') }])
    const absolute = canonicalMemo('<p><img src="https://example.org/a.png"></p>')
    expect(written(plan(base, record({}), record({ description: absolute }))).left).toEqual({ description: absolute })
  })

  it('that cannot be read is neither carried nor overwritten', () => {
    const deep = canonicalMemo(`${'<div>'.repeat(500)}x`)
    const there = plan(agreedOn({}, {}), record({ description: deep }), record({}))
    expect(there.problems).toMatchObject([{ code: 'unreadable-text', side: 'left' }])
    const over = plan(agreedOn({ description: deep }, {}), record({ description: deep }), record({ description: text }))
    expect(written(over)).toEqual({ left: {}, right: {} })
    expect(over.problems).toMatchObject([{ code: 'unreadable-text', side: 'left' }])
  })
})

describe('a base of the first canonical form', () => {
  const [old, now] = [
    '<p><strong>a</strong><font color="red">b</font></p>',
    '<p><b>a</b><span style="color: red">b</span></p>',
  ]

  it('is no edit in the second, whatever the stamps say, and is renewed in passing', () => {
    const planned = plan(
      agreedOn({ description: old }, { description: old }, 1),
      record({ description: now }),
      record({ description: now }),
    )
    expect(planned.writes).toEqual({ left: [], right: [] })
    expect(planned.agreed.description).toMatchObject({ canonical: canonicalVersion, left: { v: now } })
  })

  it('still tells an edit that waits', () => {
    const stamp = { version: 2, modified: null }
    const planned = plan(
      agreedOn({ description: old }, { description: old }, 1),
      record({ description: now }),
      record({ description: edited }),
      { seen: { left: stamp, right: stamp } },
    )
    expect(written(planned).left).toEqual({ description: edited })
  })
})
