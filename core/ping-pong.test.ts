import { describe, expect, it } from 'vitest'
import type { Base } from './base.ts'
import { linkConfiguration } from './link-config.ts'
import { plainField, type SideMetadata } from './metadata.ts'
import { createPlanner } from './plan.ts'
import { type CanonicalValue, type RecordSnapshot, type Side, sides } from './values.ts'

const metadata: SideMetadata = {
  entity: {
    entityType: 'defect',
    label: 'Defect',
    fields: [plainField('status')],
  },
  users: [],
}
const planner = createPlanner({
  configuration: linkConfiguration.parse({
    entityType: 'defect',
    left: { endpointId: '00000000-0000-4000-8000-000000000001', entityType: 'defect', crossReference: null },
    right: { endpointId: '00000000-0000-4000-8000-000000000002', entityType: 'defect', crossReference: null },
    rules: { toRight: { create: true, update: true }, toLeft: { create: true, update: true } },
    fields: [{ id: 'status', left: 'status', right: 'status', direction: 'both' }],
  }),
  left: metadata,
  right: metadata,
  users: [],
})

/** Both twins at a clock of their own; `keep` is what the right server makes of what it is sent. */
function world(keep: (value: CanonicalValue) => CanonicalValue = (value) => value) {
  let seconds = 0
  let base: Base = {}
  let writes = 0
  const at = () => new Date(Date.UTC(2026, 2, 1) + seconds * 1_000).toISOString()
  const snapshot = (id: string, version: number, value: CanonicalValue): RecordSnapshot => ({
    id,
    stamp: { version, modified: at() },
    fields: { status: value },
  })
  const now: Record<Side, RecordSnapshot> = { left: snapshot('1', 1, 'A'), right: snapshot('2', 1, 'A') }
  const edit = (side: Side, value: CanonicalValue, after: number) => {
    seconds += after
    now[side] = snapshot(now[side].id, (now[side].stamp.version ?? 0) + 1, value)
  }
  const look = (retry = false) => {
    const plan = planner.planPair({ base, ...now, seen: { left: null, right: null }, retry })
    base = { ...base, ...plan.agreed }
    for (const side of sides) {
      const sent = plan.writes[side]
      if (sent.length === 0) continue
      writes++
      const kept = Object.fromEntries(sent.map((one) => [one.field, side === 'right' ? keep(one.sent) : one.sent]))
      edit(side, kept.status ?? null, 0)
      base = planner.learn({ base, side, sent, kept, stamp: now[side].stamp }).base
    }
  }
  look()
  const values = () => sides.map((side) => now[side].fields.status)
  return { edit, look, values, frozen: () => base.status?.frozen, writes: () => writes }
}

describe('the ping-pong breaker', () => {
  it('takes what a person puts back for an edit, also within the minute', () => {
    const { edit, look, values, frozen } = world()
    edit('left', 'B', 1)
    look()
    edit('right', 'A', 20)
    look()
    expect(frozen()).toBeUndefined()
    expect(values()).toEqual(['A', 'A'])
    // An hour later the same again is two people who disagree, once each.
    edit('left', 'B', 3_600)
    look()
    edit('right', 'A', 30)
    look()
    expect(frozen()).toBeUndefined()
    expect(values()).toEqual(['A', 'A'])
  })

  it('stops a rule that answers at once at its first answer', () => {
    const { edit, look, values, frozen, writes } = world()
    edit('left', 'B', 1)
    look()
    edit('right', 'A', 1)
    look()
    expect(frozen()).toBe('ping-pong')
    expect(values()).toEqual(['B', 'A'])
    expect(writes()).toBe(1)
  })

  it('stops two integrations that fight every minute at the second round', () => {
    const { edit, look, frozen, writes } = world()
    for (let round = 0; round < 6; round++) {
      edit('left', 'B', 60)
      look()
      edit('right', 'A', 40)
      look()
    }
    expect(frozen()).toBe('ping-pong')
    expect(writes()).toBe(3)
  })

  it('lets a person try again, whatever froze the field', () => {
    const swinging = world()
    swinging.edit('left', 'B', 1)
    swinging.look()
    swinging.edit('right', 'A', 1)
    swinging.look()
    swinging.look(true)
    expect(swinging.frozen()).toBeUndefined()
    expect(swinging.values()).toEqual(['A', 'A'])

    let altering = true
    const altered = world((value) => (altering ? 'always this' : value))
    altered.edit('left', 'B', 1)
    altered.look()
    expect(altered.frozen()).toBeUndefined()
    altered.look()
    altered.edit('left', 'B', 60)
    altered.look()
    expect(altered.frozen()).toBe('altered')
    altering = false
    altered.look(true)
    altered.look()
    expect(altered.frozen()).toBeUndefined()
    expect(new Set(altered.values()).size).toBe(1)
  })
})
