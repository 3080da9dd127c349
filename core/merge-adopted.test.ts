import { describe, expect, it } from 'vitest'
import type { BaseField } from './base.ts'
import type { FieldMapping } from './link-config.ts'
import { type MergeField, mergeField, mergeGroup } from './merge.ts'
import type { CanonicalValue } from './values.ts'

const mapping: FieldMapping = {
  id: 'name',
  left: 'name',
  right: 'name',
  direction: 'both',
  conflict: 'left',
  conflictFallback: 'ask',
  values: [],
  defaults: {},
  createOnly: false,
}

function field(left: CanonicalValue, right: CanonicalValue, more: Partial<MergeField> = {}): MergeField {
  return {
    mapping,
    fingerprint: 'f',
    base: undefined,
    left,
    right,
    flows: { toLeft: true, toRight: true },
    stampSeen: { left: false, right: false },
    translate: (_from, value) => ({ ok: true, value }),
    ...more,
  }
}

const baseOf = (result: ReturnType<typeof mergeField>): BaseField => {
  if (result.kind === 'write' || result.base === null || result.base === undefined) throw new Error('no base')
  return result.base
}

describe('fields of records that are adopted as a pair', () => {
  it('agree where they are equal, and take a value where there is none', () => {
    expect(mergeField(field('a', 'a', { adopting: 'ask' }))).toMatchObject({
      kind: 'agreed',
      base: { left: { v: 'a' } },
    })
    expect(mergeField(field('a', null, { adopting: 'ask' }))).toMatchObject({
      kind: 'write',
      side: 'right',
      value: 'a',
    })
    expect(mergeField(field(null, 'b', { adopting: 'ask' }))).toMatchObject({ kind: 'write', side: 'left', value: 'b' })
  })

  it('are asked about where they differ, at every look, until somebody has chosen', () => {
    const first = mergeField(field('a', 'b', { adopting: 'ask' }))
    expect(first).toMatchObject({ kind: 'held', conflict: { kind: 'adopted', base: null, left: 'a', right: 'b' } })
    const base = baseOf(first)
    // Later looks know nothing of the adoption but the base.
    expect(mergeField(field('a', 'b', { base }))).toMatchObject({ kind: 'held', conflict: { kind: 'adopted' } })
    expect(mergeField(field('edited', 'b', { base }))).toMatchObject({ kind: 'held', conflict: { left: 'edited' } })
    expect(mergeField(field('b', 'b', { base }))).toMatchObject({ kind: 'agreed' })
    expect(baseOf(mergeField(field('b', 'b', { base })))).not.toHaveProperty('differs')
    const held = first.kind === 'held' ? first.conflict : undefined
    const decision = { conflictId: 'c', choose: 'right' as const, value: null, side: 'right' as const }
    const hashes = { leftHash: held?.leftHash ?? '', rightHash: held?.rightHash ?? '' }
    expect(mergeField(field('a', 'b', { base, decision: { ...decision, ...hashes } }))).toMatchObject({
      kind: 'write',
      side: 'left',
      value: 'b',
      deciding: true,
    })
  })

  it('stay as they are where they flow one way, until the source is edited', () => {
    const flows = { toLeft: false, toRight: true }
    const first = mergeField(field('a', 'b', { adopting: 'ask', flows }))
    expect(first.kind).toBe('agreed')
    const base = baseOf(first)
    expect(mergeField(field('a', 'b', { base, flows }))).toEqual({ kind: 'agreed', base: null })
    expect(mergeField(field('a2', 'b', { base, flows }))).toMatchObject({ kind: 'write', side: 'right', value: 'a2' })
  })

  it('go by the policy, or to a side, only where somebody has chosen that', () => {
    expect(mergeField(field('a', 'b', { adopting: 'policy' }))).toMatchObject({ kind: 'write', side: 'right' })
    expect(mergeField(field('a', 'b', { adopting: 'right' }))).toMatchObject({ kind: 'write', side: 'left' })
    expect(mergeField(field('a', null, { adopting: 'right' }))).toMatchObject({
      kind: 'write',
      side: 'right',
      value: 'a',
    })
  })

  it('wait for what they refer to, and are asked about only then', () => {
    const waits = { class: 'waiting' as const, code: 'reference-waits', message: '', remedy: '' }
    const translate: MergeField['translate'] = () => ({ ok: false, problem: waits })
    const first = mergeField(field('1', '2', { adopting: 'ask', translate }))
    expect(first).toMatchObject({ kind: 'held', problem: { class: 'waiting' }, base: { differs: true } })
    expect(first.kind === 'held' && first.conflict).toBe(undefined)
    expect(mergeField(field('1', '2', { base: baseOf(first) }))).toMatchObject({ conflict: { kind: 'adopted' } })
  })

  it('of one group never overwrite each other', () => {
    const grouped = (id: string, left: CanonicalValue, right: CanonicalValue) =>
      field(left, right, { adopting: 'ask', mapping: { ...mapping, id, group: 'g' } })
    const crossing = mergeGroup([grouped('release', 'r', null), grouped('sprint', null, 's')])
    expect(crossing.map((result) => result.kind)).toEqual(['held', 'held'])
    const beside = mergeGroup([grouped('release', 'r', 'q'), grouped('sprint', 's', null)])
    expect(beside).toMatchObject([{ kind: 'held' }, { kind: 'held', base: { differs: true } }])
  })
})
