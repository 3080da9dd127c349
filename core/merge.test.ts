import { describe, expect, it } from 'vitest'
import { type BaseField, canonicalVersion, toBaseValue } from './base.ts'
import type { FieldMapping } from './link-config.ts'
import { type MergeField, mergeField, mergeGroup } from './merge.ts'
import type { Translation } from './translate.ts'
import type { CanonicalValue, Side } from './values.ts'

function mapping(changes: Partial<FieldMapping> = {}): FieldMapping {
  return {
    id: 'severity',
    left: 'severity',
    right: 'severity',
    direction: 'both',
    conflict: 'left',
    conflictFallback: 'ask',
    values: [],
    createOnly: false,
    defaults: {},
    ...changes,
  }
}

function base(left: CanonicalValue, right: CanonicalValue, changes: Partial<BaseField> = {}): BaseField {
  return {
    left: toBaseValue(left),
    right: toBaseValue(right),
    fingerprint: 'f',
    canonical: canonicalVersion,
    ...changes,
  }
}

const same = (_from: Side, value: CanonicalValue): Translation => ({ ok: true, value })

function field(changes: Partial<MergeField> = {}): MergeField {
  return {
    mapping: mapping(),
    fingerprint: 'f',
    base: base('a', 'a'),
    left: 'a',
    right: 'a',
    flows: { toLeft: true, toRight: true },
    stampSeen: { left: false, right: false },
    translate: same,
    ...changes,
  }
}

describe('mergeField', () => {
  it('leaves alone what neither side changed', () => {
    expect(mergeField(field())).toEqual({ kind: 'agreed', base: null })
  })

  it('remembers a person without twin, tells of them at each look, and carries them as soon as there is a twin', () => {
    const warning = {
      class: 'mapping',
      code: 'user-gap',
      message: 'ivan has no twin',
      remedy: 'map',
      warning: true,
    } as const
    const unknown = (_from: Side, value: CanonicalValue): Translation =>
      value === 'ivan' ? { ok: true, value: null, warning } : { ok: true, value }
    const first = mergeField(field({ base: base('ann', null), left: 'ivan', right: null, translate: unknown }))
    expect(first).toMatchObject({ kind: 'agreed', base: { gap: 'left' }, warning })
    const known = base('ivan', null, { gap: 'left' })
    expect(mergeField(field({ base: known, left: 'ivan', right: null, translate: unknown }))).toMatchObject({
      kind: 'agreed',
      warning,
    })
    const twin = (_from: Side, value: CanonicalValue): Translation => ({
      ok: true,
      value: value === 'ivan' ? '2001' : value,
    })
    expect(mergeField(field({ base: known, left: 'ivan', right: null, translate: twin }))).toMatchObject({
      kind: 'write',
      side: 'right',
      value: '2001',
    })
    // What somebody chose there meanwhile goes its own way.
    expect(mergeField(field({ base: known, left: 'ivan', right: 'x', translate: unknown }))).toMatchObject({
      kind: 'write',
      side: 'left',
      value: 'x',
    })
  })

  it('carries the one side that changed', () => {
    expect(mergeField(field({ left: 'b' }))).toMatchObject({
      kind: 'write',
      side: 'right',
      value: 'b',
      before: 'a',
      rule: 'changed',
    })
    expect(mergeField(field({ right: 'b' }))).toMatchObject({
      kind: 'write',
      side: 'left',
      value: 'b',
      source: 'b',
      rule: 'changed',
    })
  })

  it('adopts the same change on both sides', () => {
    expect(mergeField(field({ left: 'b', right: 'b' }))).toEqual({ kind: 'agreed', base: base('b', 'b') })
  })

  // covers 68
  it('lets the dominant side win and keeps what the other wrote as "before"', () => {
    expect(mergeField(field({ left: 'b', right: 'c' }))).toMatchObject({
      kind: 'write',
      side: 'right',
      value: 'b',
      before: 'c',
      rule: 'conflict',
    })
    expect(mergeField(field({ left: 'b', right: 'c', mapping: mapping({ conflict: 'right' }) }))).toMatchObject({
      side: 'left',
      value: 'c',
      before: 'b',
      rule: 'conflict',
    })
  })

  it('holds a conflict for a person where the policy asks', () => {
    expect(mergeField(field({ left: 'b', right: 'c', mapping: mapping({ conflict: 'ask' }) }))).toMatchObject({
      kind: 'held',
      problem: { class: 'conflict', code: 'both-changed' },
    })
  })

  it('does not bounce a lossy mapping: Low and Medium both become Medium, and Low stays Low', () => {
    const lossy = (from: Side, value: CanonicalValue): Translation => ({
      ok: true,
      value: from === 'left' && value === 'low' ? 'medium' : value,
    })
    const low = field({ base: base('low', 'medium'), left: 'low', right: 'medium', translate: lossy })
    expect(mergeField(low)).toEqual({ kind: 'agreed', base: null })
    // Left moves to a value that means the same on the right: nothing to write, and the base learns it.
    expect(mergeField({ ...low, left: 'medium' })).toEqual({ kind: 'agreed', base: base('medium', 'medium') })
  })

  // covers 67
  it('does not overwrite the target of a one-way field until its source changes', () => {
    const oneWay = field({ flows: { toLeft: false, toRight: true }, right: 'x' })
    expect(mergeField(oneWay)).toEqual({ kind: 'agreed', base: null })
    expect(mergeField({ ...oneWay, left: 'b' })).toMatchObject({ kind: 'write', side: 'right', value: 'b' })
  })

  // covers 56
  it('never flows where no rule allows it', () => {
    expect(mergeField(field({ left: 'b', flows: { toLeft: false, toRight: false } }))).toEqual({
      kind: 'agreed',
      base: null,
    })
    expect(mergeField(field({ right: 'b', flows: { toLeft: false, toRight: true } }))).toEqual({
      kind: 'agreed',
      base: null,
    })
  })

  it('treats a field without history: equal adopts, a value beats no value, else the dominant side', () => {
    const fresh = field({ base: undefined })
    expect(mergeField(fresh)).toEqual({ kind: 'agreed', base: base('a', 'a') })
    expect(mergeField({ ...fresh, left: null })).toMatchObject({ kind: 'write', side: 'left', value: 'a', rule: 'new' })
    expect(mergeField({ ...fresh, right: 'b' })).toMatchObject({
      kind: 'write',
      side: 'right',
      value: 'a',
      rule: 'new',
    })
  })

  it('re-maps from the side that changed, else from the dominant one', () => {
    const remapped = field({ fingerprint: 'g', translate: (_from, value) => ({ ok: true, value: `${value}!` }) })
    expect(mergeField(remapped)).toMatchObject({ kind: 'write', side: 'right', value: 'a!', rule: 're-map' })
    expect(mergeField({ ...remapped, right: 'b' })).toMatchObject({
      kind: 'write',
      side: 'left',
      value: 'b!',
      rule: 're-map',
    })
  })

  it('does not take a new canonical form for an edit, nor forget an edit for it', () => {
    const [one, other] = ['x'.repeat(10_000), 'y'.repeat(10_000)]
    const old = base(one, one, { canonical: canonicalVersion - 1 })
    const reformed = field({ base: old, left: other, right: other, stampSeen: { left: true, right: true } })
    expect(mergeField(reformed)).toEqual({ kind: 'agreed', base: base(other, other) })
    // They differ: a lossy mapping, or an edit that waits. The base stays, and the next edit tells.
    expect(mergeField({ ...reformed, right: 'z' })).toEqual({ kind: 'agreed', base: null })
    expect(mergeField({ ...reformed, right: 'z', stampSeen: { left: false, right: true } })).toMatchObject({
      kind: 'write',
      side: 'right',
    })
    expect(mergeField({ ...reformed, right: 'z', stampSeen: { left: false, right: false } })).toMatchObject({
      kind: 'held',
      conflict: { kind: 'disputed' },
    })
    // What was kept whole is compared whole, whatever the stamp says.
    const whole = base('a', 'a', { canonical: canonicalVersion - 1 })
    expect(mergeField(field({ base: whole, left: 'b', stampSeen: { left: true, right: true } }))).toMatchObject({
      kind: 'write',
      side: 'right',
    })
    expect(mergeField(field({ base: whole }))).toEqual({ kind: 'agreed', base: base('a', 'a') })
  })

  it('holds a value without counterpart and leaves the base where it is', () => {
    const gap = (from: Side): Translation => ({
      ok: false,
      problem: { class: 'mapping', code: 'value-gap', message: from, remedy: '' },
    })
    expect(mergeField(field({ left: 'b', translate: gap }))).toMatchObject({
      kind: 'held',
      problem: { code: 'value-gap' },
    })
  })

  it('compares long values by hash', () => {
    const long = 'x'.repeat(10_000)
    expect(mergeField(field({ base: base(long, long), left: long, right: long }))).toEqual({
      kind: 'agreed',
      base: null,
    })
    expect(mergeField(field({ base: base(long, long), left: long, right: `${long}y` }))).toMatchObject({ side: 'left' })
  })
})

describe('mergeGroup', () => {
  const release = mapping({ id: 'release', group: 'plan' })
  const sprint = mapping({ id: 'sprint', group: 'plan' })

  it('decides crossing edits of one group for one side: release from left, sprint from left too', () => {
    const [first, second] = mergeGroup([
      field({ mapping: release, left: 'r2' }),
      field({ mapping: sprint, right: 's9' }),
    ])
    expect(first).toMatchObject({ kind: 'write', side: 'right', value: 'r2' })
    expect(second).toMatchObject({ kind: 'write', side: 'right', value: 'a', before: 's9', rule: 'conflict' })
  })

  it('holds the group with the field that is held', () => {
    const gap: MergeField['translate'] = () => ({
      ok: false,
      problem: { class: 'mapping', code: 'value-gap', message: 'no such release', remedy: '' },
    })
    const results = mergeGroup([
      field({ mapping: release, left: 'r2', translate: gap }),
      field({ mapping: sprint, left: 's2' }),
    ])
    expect(results.map((result) => result.kind)).toEqual(['held', 'held'])
  })

  it('lets a group flow freely while edits do not cross', () => {
    const results = mergeGroup([field({ mapping: release, left: 'r2' }), field({ mapping: sprint, left: 's2' })])
    expect(results).toMatchObject([
      { side: 'right', value: 'r2' },
      { side: 'right', value: 's2' },
    ])
  })
})
