import { expect, it } from 'vitest'
import type { Base } from './base.ts'
import { linkConfiguration } from './link-config.ts'
import { plainField, type SideMetadata } from './metadata.ts'
import { createPlanner } from './plan.ts'
import { type CanonicalValue, type RecordSnapshot, type Side, sides } from './values.ts'

const options = (...values: string[]) => values.map((value) => ({ value, label: value, active: true }))
/** Right knows one item more, which has no counterpart on the left. */
const side = (...items: string[]): SideMetadata => ({
  entity: {
    entityType: 'defect',
    label: 'Defect',
    fields: [
      plainField('text'),
      plainField('set', { type: 'list', multiple: true, verified: true, options: options(...items) }),
    ],
  },
  users: [],
})
const mapping = (id: string) => ({
  id,
  left: id,
  right: id,
  direction: 'both' as const,
  conflict: 'merge' as const,
  conflictFallback: 'left' as const,
})
const planner = createPlanner({
  configuration: linkConfiguration.parse({
    entityType: 'defect',
    left: { endpointId: '00000000-0000-4000-8000-000000000001', entityType: 'defect', crossReference: null },
    right: { endpointId: '00000000-0000-4000-8000-000000000002', entityType: 'defect', crossReference: null },
    rules: { toRight: { create: true, update: true }, toLeft: { create: true, update: true } },
    fields: [mapping('text'), mapping('set')],
  }),
  left: side('a', 'b', 'c'),
  right: side('a', 'b', 'c', 'only right'),
  users: [],
})

type Fields = Record<string, CanonicalValue>
const snapshot = (id: string, version: number, fields: Fields): RecordSnapshot => ({
  id,
  stamp: { version, modified: null },
  fields,
})

/** Both twins and their base, at each step of which somebody edits or Tandem looks. */
function world(start: Fields) {
  let base: Base = {}
  const now: Record<Side, RecordSnapshot> = { left: snapshot('1', 1, start), right: snapshot('2', 1, start) }
  const edit = (where: Side, fields: Fields) => {
    now[where] = snapshot(now[where].id, (now[where].stamp.version ?? 0) + 1, { ...now[where].fields, ...fields })
  }
  const look = () => {
    const plan = planner.planPair({ base, ...now, seen: { left: null, right: null } })
    base = { ...base, ...plan.agreed }
    for (const where of sides) {
      const sent = plan.writes[where]
      edit(where, Object.fromEntries(sent.map((one) => [one.field, one.sent])))
      base = planner.learn({ base, side: where, sent, kept: {} }).base
    }
    return plan
  }
  look()
  return { edit, look, now }
}

it('an edit between the two halves of a merge is merged with what the first half already carried', () => {
  const { edit, look, now } = world({ text: 'one\n\ntwo', set: ['a'] })
  edit('left', { text: 'ONE\n\ntwo', set: ['a', 'b'] })
  edit('right', { text: 'one\n\nTWO', set: ['a', 'c'] })
  look()
  expect(now.left.fields).toEqual({ text: 'ONE\n\nTWO', set: ['a', 'b', 'c'] })
  // The same line again, and what was added taken away again, before the right side has got anything.
  edit('right', { text: 'one\n\nTWO, and more', set: ['a'] })
  for (let round = 0; round < 3; round++) expect(look().conflicts).toEqual([])
  for (const where of sides) expect(now[where].fields).toEqual({ text: 'ONE\n\nTWO, and more', set: ['a', 'b'] })
})

it('so is an edit of the side that has the merged value already', () => {
  const { edit, look, now } = world({ text: 'one\n\ntwo', set: ['a'] })
  edit('left', { text: 'ONE\n\ntwo', set: ['a', 'b'] })
  edit('right', { text: 'one\n\nTWO', set: ['a', 'c', 'only right'] })
  // What has no counterpart holds its field alone.
  look()
  edit('right', { set: ['a', 'c'] })
  look()
  edit('left', { text: 'ONE\n\ntwo after all', set: ['b'] })
  for (let round = 0; round < 3; round++) look()
  for (const where of sides) expect(now[where].fields).toEqual({ text: 'ONE\n\ntwo after all', set: ['b'] })
})
