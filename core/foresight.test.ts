import { describe, expect, it } from 'vitest'
import { createLearnt, type ExpectedWrite, remaining } from './foresight.ts'
import type { Problem } from './problems.ts'

const problem = (more: Partial<Problem> = {}): Problem => ({
  class: 'refused',
  code: 'refused',
  message: 'No.',
  remedy: 'None.',
  ...more,
})
const field = (name: string, sent: string | null, before: string | null = null, group: string | null = null) => ({
  field: name,
  sent,
  before,
  group,
})
const write = (...fields: ReturnType<typeof field>[]): ExpectedWrite => ({
  action: 'update',
  side: 'right',
  fields,
  before: {},
})

describe('what was refused of one record', () => {
  it('is expected of the same move of another, and of no other move', () => {
    const learnt = createLearnt()
    learnt.learn(write(field('status', 'Closed', 'New'), field('name', 'a')), [problem({ field: 'status' })])
    expect(learnt.recall(write(field('status', 'Closed', 'New')))).toHaveLength(1)
    expect(learnt.recall(write(field('status', 'Closed', 'Open')))).toEqual([])
    expect(learnt.recall({ ...write(field('status', 'Closed', 'New')), side: 'left' })).toEqual([])
  })

  it('is expected where the same field is empty in the same phase', () => {
    const learnt = createLearnt()
    const closing = write(field('phase', 'closed', 'opened'))
    learnt.learn(closing, [problem({ field: 'closed_on' })])
    expect(learnt.recall(write(field('phase', 'closed', 'fixed')))).toHaveLength(1)
    expect(learnt.recall(write(field('phase', 'opened', 'new')))).toEqual([])
    expect(learnt.recall({ ...closing, before: { closed_on: '2026-01-01' } })).toEqual([])
    expect(learnt.recall(write(field('phase', 'closed', 'fixed'), field('closed_on', '2026-01-01')))).toEqual([])
  })

  it('says nothing where nobody can tell what it depended on', () => {
    const learnt = createLearnt()
    learnt.learn(write(field('name', 'a')), [problem({ field: 'name' }), problem()])
    learnt.learn(write(field('phase', 'b', 'a')), [problem({ class: 'locked', field: 'phase' })])
    expect(learnt.size()).toBe(0)
  })
})

describe('what is left of a write', () => {
  const all = write(field('phase', 'closed', 'new', 'g'), field('closed_on', 'x', null, 'g'), field('name', 'a'))

  it('is all but a refused field with its group', () => {
    expect(remaining(all, [problem({ field: 'phase' })], () => false).fields).toEqual(['name'])
  })

  it('is nothing where the whole row is refused, which is then all that is told', () => {
    const whole = problem({ code: 'locked' })
    expect(remaining(all, [problem({ field: 'phase' }), whole], () => false)).toEqual({ fields: [], problems: [whole] })
    const create: ExpectedWrite = { ...all, action: 'create' }
    expect(remaining(create, [problem({ field: 'name' })], (name) => name === 'name').fields).toEqual([])
  })
})
