import { expect, it } from 'vitest'
import { type Comment, planComments } from './comments.ts'
import { canonicalMemo } from './memo.ts'

const comment = (id: string | null, text: string): Comment => ({
  id,
  author: id === null ? 'Ann' : 'Bob',
  time: null,
  text: canonicalMemo(text) ?? '',
  origin: null,
})

it('comments that say the same on both sides of adopted records are one, and stay it; the others are carried', () => {
  const left = [comment(null, '<p>Checked  on Windows.</p>'), comment(null, '<p>Only in ALM.</p>')]
  const right = [comment('7', '<div><b>Checked</b> on Windows.</div>'), comment('8', '<p>Only in Octane.</p>')]
  const input = { base: [], left, right, names: { left: 'ALM', right: 'Octane' }, deletes: 'nothing' as const }
  const adopted = planComments({ ...input, adopting: true })
  expect(adopted.actions).toMatchObject([
    { kind: 'add', side: 'right', text: left[1]?.text },
    { kind: 'add', side: 'left', text: right[1]?.text },
  ])
  const base = adopted.base.filter((entry) => entry.right?.id === '7')
  expect(base).toMatchObject([{ home: 'left', right: { id: '7' } }])
  // Known from now on: nothing to do at the next look, and an edit goes to its twin.
  const later = { ...input, base, left: left.slice(0, 1), right: right.slice(0, 1) }
  expect(planComments(later).actions).toEqual([])
  const edited = [comment('7', '<p>Checked on Linux.</p>')]
  expect(planComments({ ...later, right: edited }).actions).toMatchObject([{ kind: 'edit', side: 'left' }])
  // Two that say the same on one side have one twin each.
  const both = [left, left].flatMap((comments) => comments.slice(0, 1).map((one) => ({ ...one })))
  const twice = planComments({ ...input, left: both, right: right.slice(0, 1), adopting: true })
  expect(twice.actions).toHaveLength(1)
  // Where nobody adopts, they are two.
  expect(planComments(input).actions).toHaveLength(4)
})
