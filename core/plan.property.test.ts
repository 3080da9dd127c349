import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Base } from './base.ts'
import type { PlannedField } from './intents.ts'
import { type LinkConfigurationInput, linkConfiguration } from './link-config.ts'
import { type FieldMetadata, plainField, type SideMetadata } from './metadata.ts'
import { createPlanner, type PairInput, type PairPlan, type Planner } from './plan.ts'
import { type CanonicalValue, canonicalSet, type RecordSnapshot, type Side, sameValue, sides } from './values.ts'

const list = (...values: string[]): Partial<FieldMetadata> => ({
  type: 'list',
  verified: true,
  options: values.map((value) => ({ value, label: value, active: true })),
})

/** Left knows three severities, right two: "low" and "middle" are both "minor" there, which comes back as "middle". */
const left: SideMetadata = {
  entity: {
    entityType: 'defect',
    label: 'Defect',
    fields: [
      plainField('name', { maxLength: 12 }),
      plainField('severity', list('low', 'middle', 'high')),
      plainField('browsers', { ...list('a', 'b', 'c'), multiple: true }),
      plainField('points', { type: 'integer' }),
      plainField('release', list('r1', 'r2')),
      plainField('cycle', list('c1', 'c2')),
      plainField('tag'),
    ],
  },
  users: [],
}
const right: SideMetadata = {
  entity: {
    entityType: 'defect',
    label: 'Defect',
    fields: [
      plainField('name', { maxLength: 12 }),
      plainField('severity', list('minor', 'major')),
      plainField('browsers', { ...list('a', 'b', 'c'), multiple: true }),
      plainField('points', { type: 'integer' }),
      plainField('release', list('r1', 'r2')),
      plainField('cycle', list('c1', 'c2')),
      plainField('tag'),
    ],
  },
  users: [],
}

const direction = fc.constantFrom('both' as const, 'to-right' as const, 'to-left' as const)
const policy = fc.constantFrom('left' as const, 'right' as const, 'ask' as const, 'merge' as const, 'latest' as const)

const configurations = fc
  .record({
    directions: fc.array(direction, { minLength: 7, maxLength: 7 }),
    policies: fc.array(policy, { minLength: 7, maxLength: 7 }),
  })
  .map(({ directions, policies }) => {
    const field = (index: number, name: string, more: object = {}) => ({
      id: name,
      left: name,
      right: name,
      direction: directions[index] ?? 'both',
      conflict: policies[index] ?? 'left',
      ...more,
    })
    const input: LinkConfigurationInput = {
      entityType: 'defect',
      left: { endpointId: '00000000-0000-4000-8000-000000000001', entityType: 'defect', crossReference: null },
      right: { endpointId: '00000000-0000-4000-8000-000000000002', entityType: 'defect', crossReference: null },
      rules: { toRight: { create: true, update: true }, toLeft: { create: true, update: true } },
      fields: [
        field(0, 'name'),
        field(1, 'severity', {
          values: [
            { left: 'low', right: 'minor', direction: 'to-right' },
            { left: 'middle', right: 'minor', direction: 'both' },
            { left: 'high', right: 'major', direction: 'both' },
          ],
        }),
        field(2, 'browsers'),
        field(3, 'points'),
        field(4, 'release', { group: 'plan' }),
        field(5, 'cycle', { group: 'plan' }),
        field(6, 'tag'),
      ],
    }
    return linkConfiguration.parse(input)
  })

const optional = <T extends CanonicalValue>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null })
const setOf = fc.subarray(['a', 'b', 'c']).map((values) => canonicalSet(values) as CanonicalValue)
const text = fc.string({ maxLength: 14 }).map((value) => (value === '' ? null : value))

function values(severities: string[]): fc.Arbitrary<Record<string, CanonicalValue>> {
  return fc.record<Record<string, CanonicalValue>>({
    name: text,
    severity: optional(fc.constantFrom(...severities)),
    browsers: setOf,
    points: optional(fc.integer({ min: 0, max: 3 })),
    release: optional(fc.constantFrom('r1', 'r2')),
    cycle: optional(fc.constantFrom('c1', 'c2')),
    tag: fc.constantFrom('x', 'y', null),
  })
}

const leftValues = values(['low', 'middle', 'high'])
const rightValues = values(['minor', 'major'])

function snapshot(id: string, version: number, fields: Record<string, CanonicalValue>): RecordSnapshot {
  return { id, stamp: { version, modified: null }, fields }
}

/** A pair's whole state; a server may keep something else than it was sent. */
interface State extends PairInput {
  base: Base
}
type Keep = (side: Side, field: string, value: CanonicalValue) => CanonicalValue

function apply(planner: Planner, state: State, plan: PairPlan, keep: Keep = (_side, _field, value) => value): State {
  let base: Base = { ...state.base, ...plan.agreed }
  const next = { left: state.left, right: state.right }
  const seen = { left: state.left.stamp, right: state.right.stamp }
  for (const side of sides) {
    const sent: readonly PlannedField[] = plan.writes[side]
    if (sent.length === 0) continue
    const kept = Object.fromEntries(sent.map((one) => [one.field, keep(side, one.field, one.sent)]))
    const before = next[side]
    next[side] = snapshot(before.id, (before.stamp.version ?? 0) + 1, { ...before.fields, ...kept })
    const learnt = planner.learn({ base, side, sent, kept })
    base = learnt.base
    if (learnt.altered.length === 0) seen[side] = next[side].stamp
  }
  return { ...next, base, seen }
}

/** Starts from records that agree, then lets people edit both sides. */
const histories = fc
  .record({
    configuration: configurations,
    start: leftValues,
    startRight: rightValues,
    editLeft: leftValues,
    editRight: rightValues,
    editedLeft: fc.subarray(left.entity.fields.map((field) => field.name)),
    editedRight: fc.subarray(right.entity.fields.map((field) => field.name)),
  })
  .map(({ configuration, start, startRight, editLeft, editRight, editedLeft, editedRight }) => {
    const planner = createPlanner({ configuration, left, right, users: [] })
    let state: State = {
      base: {},
      left: snapshot('1', 1, start),
      right: snapshot('2', 1, startRight),
      seen: { left: null, right: null },
    }
    for (let round = 0; round < 3; round++) state = apply(planner, state, planner.planPair(state))
    const agreed = state
    const pick = (names: string[], from: Record<string, CanonicalValue>) =>
      Object.fromEntries(names.map((name) => [name, from[name] ?? null]))
    const edited: State = {
      ...state,
      left: snapshot('1', 10, { ...state.left.fields, ...pick(editedLeft, editLeft) }),
      right: snapshot('2', 10, { ...state.right.fields, ...pick(editedRight, editRight) }),
    }
    return { configuration, planner, agreed, edited }
  })

function writesOf(plan: PairPlan): number {
  return plan.writes.left.length + plan.writes.right.length
}

describe('planner properties', () => {
  it('a plan applied leaves nothing to plan', () => {
    fc.assert(
      fc.property(histories, ({ planner, edited }) => {
        // A merged value goes to both sides, one at each look.
        const half = apply(planner, edited, planner.planPair(edited))
        const second = planner.planPair(half)
        for (const side of sides)
          for (const one of second.writes[side]) expect(half.base[one.mappingId]?.halfway).toBeDefined()
        expect(writesOf(planner.planPair(apply(planner, half, second)))).toBe(0)
      }),
      { numRuns: 3_000 },
    )
  })

  // covers 75
  it('merges sets without losing an addition or a removal of either side', () => {
    fc.assert(
      fc.property(histories, ({ configuration, planner, agreed, edited }) => {
        const mapping = configuration.fields.find((one) => one.id === 'browsers')
        if (mapping?.conflict !== 'merge' || mapping.direction !== 'both' || agreed.base.browsers === undefined) return
        let state = edited
        for (let round = 0; round < 3; round++) state = apply(planner, state, planner.planPair(state))
        const items = (one: RecordSnapshot) => new Set((one.fields.browsers ?? []) as readonly string[])
        const [before, byLeft, byRight] = [items(agreed.left), items(edited.left), items(edited.right)]
        for (const item of ['a', 'b', 'c']) {
          const wanted = before.has(item)
            ? byLeft.has(item) && byRight.has(item)
            : byLeft.has(item) || byRight.has(item)
          expect(items(state.left).has(item)).toBe(wanted)
          expect(items(state.right).has(item)).toBe(wanted)
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('carries a decision out once, and holds nothing but the fields that are asked about', () => {
    fc.assert(
      fc.property(histories, fc.constantFrom('left' as const, 'right' as const), ({ planner, edited }, choose) => {
        let state = edited
        const first = planner.planPair(state)
        for (const one of first.conflicts)
          for (const side of sides) expect(first.writes[side].some((w) => w.mappingId === one.mappingId)).toBe(false)
        const ungrouped = first.conflicts.filter((one) => !['release', 'cycle'].includes(one.mappingId))
        const decisions = Object.fromEntries(
          ungrouped.map((one) => [
            one.mappingId,
            { ...one, conflictId: one.mappingId, choose, value: null, side: 'left' as const },
          ]),
        )
        state = apply(planner, state, first)
        const decided = planner.planPair({ ...state, decisions })
        const after = apply(planner, state, decided)
        const again = planner.planPair({ ...after, decisions })
        for (const side of sides)
          expect(
            again.writes[side].filter(
              (one) => one.mappingId in decisions && decided.deciding.length > 0 && one.rule === 'decision',
            ),
          ).toEqual([])
      }),
      { numRuns: 2_000 },
    )
  })

  it('loses no edit: what one side alone changed stays there and arrives, what both changed keeps the policy side', () => {
    fc.assert(
      fc.property(histories, ({ configuration, planner, agreed, edited }) => {
        const plan = planner.planPair(edited)
        const after = apply(planner, edited, plan)
        const held = new Set(plan.problems.map((problem) => problem.mappingId))
        for (const mapping of configuration.fields) {
          const name = mapping.id
          const changed = {
            left: !sameValue(agreed.left.fields[name] ?? null, edited.left.fields[name] ?? null),
            right: !sameValue(agreed.right.fields[name] ?? null, edited.right.fields[name] ?? null),
          }
          if (mapping.group != null || mapping.direction !== 'both' || held.has(name)) continue
          // Never agreed on: there is no history in which somebody could have changed it.
          if (agreed.base[name] === undefined) continue
          for (const side of sides) {
            const other = side === 'left' ? 'right' : 'left'
            const keeps = changed[side] && (!changed[other] || mapping.conflict === side)
            if (keeps) expect(after[side].fields[name]).toEqual(edited[side].fields[name])
          }
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('a held field is touched on neither side', () => {
    fc.assert(
      fc.property(histories, ({ planner, edited }) => {
        const plan = planner.planPair(edited)
        const held = new Set(
          plan.problems.filter((problem) => problem.warning !== true).map((problem) => problem.mappingId),
        )
        for (const side of sides) for (const write of plan.writes[side]) expect(held.has(write.mappingId)).toBe(false)
        for (const id of Object.keys(plan.agreed)) expect(held.has(id)).toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })

  // covers 67
  it('never writes against the direction of a field', () => {
    fc.assert(
      fc.property(histories, ({ configuration, planner, edited }) => {
        const plan = planner.planPair(edited)
        for (const mapping of configuration.fields) {
          if (mapping.direction === 'to-right')
            expect(plan.writes.left.some((one) => one.mappingId === mapping.id)).toBe(false)
          if (mapping.direction === 'to-left')
            expect(plan.writes.right.some((one) => one.mappingId === mapping.id)).toBe(false)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('plans the same again: planning changes nothing', () => {
    fc.assert(
      fc.property(histories, ({ planner, edited }) => {
        const copy = structuredClone({ base: edited.base, left: edited.left, right: edited.right, seen: edited.seen })
        expect(planner.planPair(edited)).toEqual(planner.planPair(copy))
        expect({ base: edited.base, left: edited.left, right: edited.right, seen: edited.seen }).toEqual(copy)
      }),
      { numRuns: 500 },
    )
  })

  // covers 112
  it('an echo of our own write is no change, whatever the stamps say', () => {
    fc.assert(
      fc.property(histories, fc.integer({ min: 1, max: 50 }), ({ planner, edited }, jump) => {
        const half = apply(planner, edited, planner.planPair(edited))
        const after = apply(planner, half, planner.planPair(half))
        const moved = (one: RecordSnapshot) => ({
          ...one,
          stamp: { version: (one.stamp.version ?? 0) + jump, modified: null },
        })
        expect(writesOf(planner.planPair({ ...after, left: moved(after.left), right: moved(after.right) }))).toBe(0)
      }),
      { numRuns: 1_000 },
    )
  })

  it('comes to rest with servers that trim, reorder or refuse to keep a value', () => {
    const keepers: Keep[] = [
      (_side, _field, value) => (typeof value === 'string' ? value.trim() || null : value),
      (side, field, value) => (side === 'right' && field === 'tag' ? 'x' : value),
      (side, field, value) => (field === 'tag' ? (side === 'left' ? 'y' : 'x') : value),
    ]
    fc.assert(
      fc.property(histories, fc.constantFrom(...keepers), ({ planner, edited }, keep) => {
        let state = edited
        let writes = 1
        for (let round = 0; round < 8 && writes > 0; round++) {
          const plan = planner.planPair(state)
          writes = writesOf(plan)
          state = apply(planner, state, plan, keep)
        }
        expect(writes).toBe(0)
      }),
      { numRuns: 2_000 },
    )
  })
})
