import { expect, it } from 'vitest'
import { fieldMetadata } from '../test/field-metadata.ts'
import { linkConfiguration } from './link-config.ts'
import type { EndpointUser, SideMetadata } from './metadata.ts'
import { createPlanner } from './plan.ts'
import type { CanonicalValue, RecordSnapshot } from './values.ts'

const person = (key: string, email: string): EndpointUser => ({
  key,
  login: key,
  name: key,
  emails: [email],
  active: true,
  machine: false,
})
const side = (...users: EndpointUser[]): SideMetadata => ({
  entity: { entityType: 'defect', label: 'Defect', fields: [fieldMetadata('owner', { type: 'user' })] },
  users,
})
const planner = createPlanner({
  configuration: linkConfiguration.parse({
    entityType: 'defect',
    left: { endpointId: '00000000-0000-4000-8000-000000000001', entityType: 'defect', crossReference: null },
    right: { endpointId: '00000000-0000-4000-8000-000000000002', entityType: 'defect', crossReference: null },
    rules: { toRight: { create: true, update: true }, toLeft: { create: true, update: true } },
    fields: [{ id: 'owner', left: 'owner', right: 'owner', direction: 'both', conflict: 'left' }],
  }),
  left: side(person('ann', 'ann@example.com'), person('ivan', 'ivan@example.com')),
  right: side(person('1002', 'ann@example.com')),
  users: [],
})
const record = (id: string, owner: CanonicalValue): RecordSnapshot => ({
  id,
  stamp: { version: 1, modified: null },
  fields: { owner },
})

/** What is planned for both once a record of somebody without twin was created, and has this owner there. */
function afterCreate(owner: CanonicalValue) {
  const source = record('1', 'ivan')
  const { fields, unset } = planner.planCreate('left', source)
  expect([fields, unset.map(({ sent, gap }) => [sent, gap])]).toEqual([[], [[null, true]]])
  const { base } = planner.learn({ base: {}, side: 'right', sent: unset, kept: { owner } })
  const plan = planner.planPair({ base, left: source, right: record('2', owner), seen: { left: null, right: null } })
  return { base, writes: plan.writes }
}

it('a person without twin leaves the field open, for whom it waits from the beginning', () => {
  const { base, writes } = afterCreate(null)
  expect(base.owner).toMatchObject({ gap: 'left', left: { v: 'ivan' }, right: { v: null } })
  expect(writes).toEqual({ left: [], right: [] })
})

it('whom the server puts in for them never replaces them where they stand', () => {
  const { base, writes } = afterCreate('1002')
  expect(base).toEqual({})
  expect(writes.left).toEqual([])
})
