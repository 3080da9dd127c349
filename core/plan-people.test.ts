import { expect, it } from 'vitest'
import type { Base } from './base.ts'
import { linkConfiguration } from './link-config.ts'
import { type EndpointUser, type FieldMetadata, plainField, type SideMetadata } from './metadata.ts'
import { createPlanner, type Planner } from './plan.ts'
import type { CanonicalValue, RecordSnapshot } from './values.ts'

const person = (key: string, email: string): EndpointUser => ({
  key,
  login: key,
  name: key,
  emails: [email],
  active: true,
  machine: false,
})
const leftUsers = [person('ann', 'ann@example.com'), person('ivan', 'ivan@example.com')]
const side = (users: EndpointUser[], changes: Partial<FieldMetadata> = {}): SideMetadata => ({
  entity: { entityType: 'defect', label: 'Defect', fields: [plainField('owner', { type: 'user', ...changes })] },
  users,
})
const plannerOf = (conflict: 'left' | 'right' | 'ask', direction: 'both' | 'to-right', editable = true) =>
  createPlanner({
    configuration: linkConfiguration.parse({
      entityType: 'defect',
      left: { endpointId: '00000000-0000-4000-8000-000000000001', entityType: 'defect', crossReference: null },
      right: { endpointId: '00000000-0000-4000-8000-000000000002', entityType: 'defect', crossReference: null },
      rules: { toRight: { create: true, update: true }, toLeft: { create: true, update: true } },
      fields: [{ id: 'owner', left: 'owner', right: 'owner', direction, conflict }],
    }),
    left: side(leftUsers),
    right: side([person('1002', 'ann@example.com')], { editable }),
    users: [],
  })
const record = (id: string, owner: CanonicalValue): RecordSnapshot => ({
  id,
  stamp: { version: 1, modified: null },
  fields: { owner },
})

const source = record('1', 'ivan')
/** The base once a record of somebody without twin was created, and has this owner there. */
const created = (planner: Planner, owner: CanonicalValue) => {
  const { fields, unset } = planner.planCreate('left', source)
  expect(fields).toEqual([])
  return planner.learn({ base: {}, side: 'right', sent: unset, kept: { owner } }).base
}
const look = (planner: Planner, base: Base, owner: CanonicalValue) =>
  planner.planPair({ base, left: source, right: record('2', owner), seen: { left: null, right: null } })

it('a person without twin leaves the field open, for whom it waits from the beginning', () => {
  const planner = plannerOf('left', 'both')
  const base = created(planner, null)
  expect(base.owner).toMatchObject({ gap: 'left', left: { v: 'ivan' }, right: { v: null } })
  expect(look(planner, base, null).writes).toEqual({ left: [], right: [] })
})

it('nobody is waited for where nothing would follow', () => {
  const planner = plannerOf('left', 'both', false)
  expect(created(planner, null).owner?.gap).toBeUndefined()
  const base = created(planner, '1002')
  expect(base.owner?.gap).toBeUndefined()
  expect(look(planner, base, '1002').writes).toEqual({ left: [], right: [] })
})

it.each([
  ['left', 'both'],
  ['right', 'both'],
  ['ask', 'both'],
  ['right', 'to-right'],
] as const)(
  'whom the server puts in for them never replaces them, and comes to rest (%s, %s)',
  (conflict, direction) => {
    const planner = plannerOf(conflict, direction)
    let base: Base = created(planner, '1002')
    let writes = 0
    for (let round = 0; round < 5; round++) {
      const plan = look(planner, base, '1002')
      expect(plan.writes.left).toEqual([])
      base = { ...base, ...plan.agreed }
      if (plan.writes.right.length === 0) continue
      writes++
      base = planner.learn({ base, side: 'right', sent: plan.writes.right, kept: { owner: '1002' } }).base
    }
    expect(writes).toBeLessThan(3)
    expect(look(planner, base, '1002').writes.right).toEqual([])
  },
)
