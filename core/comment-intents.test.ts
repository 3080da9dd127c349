import { describe, expect, it } from 'vitest'
import { intendedComment, type PlannedComment, settleComment } from './comment-intents.ts'
import { type Comment, type CommentEntry, commentsValue, planComments, untilCarriedOut } from './comments.ts'

const names = { left: 'ALM D/P', right: 'Octane 1/2' }
const native = (id: string | null, text: string, author = 'Ann'): Comment => ({
  id,
  author,
  time: '17/09/2026',
  text,
  origin: null,
})

/** What is planned of two lists, and the base until it is carried out. */
function planned(left: readonly Comment[], right: readonly Comment[], base: readonly CommentEntry[] = []) {
  const plan = planComments({ base, left, right, names, deletes: 'all' })
  const comments = plan.actions.map(
    (action, index): PlannedComment => ({
      mappingId: 'comments',
      side: action.side,
      field: 'comments',
      action,
      source: plan.sources[index] ?? null,
    }),
  )
  return { comments, base: untilCarriedOut(plan, base) }
}

/** The only comment that is planned. */
function only(comments: readonly PlannedComment[]): PlannedComment {
  const [one, ...more] = comments
  if (one === undefined || more.length > 0) throw new Error(`planned: ${JSON.stringify(comments)}`)
  return one
}

/** As an endpoint with ids lists what was sent to it. */
function listed(one: PlannedComment, id: string, text?: string): Comment {
  const { action } = one
  if (action.kind !== 'add') throw new Error('an addition')
  const { author, time, origin } = action
  return { id, author, time, text: text ?? action.text, origin }
}

describe('a comment whose write was never answered', () => {
  const mine = native(null, 'mine')
  const first = planned([mine], [])
  const add = only(first.comments)
  const settle = (one: PlannedComment, now: readonly Comment[], base: readonly CommentEntry[]) =>
    settleComment(intendedComment(one), { side: one.side, listed: commentsValue(now), base })

  it('is found by its banner, and nothing is left to do then', () => {
    const there = listed(add, '7')
    const base = settle(add, [native('6', 'another'), there], first.base)
    expect(base).toMatchObject([{ home: 'left', right: { id: '7' } }])
    expect(planned([mine], [there], base ?? []).comments).toEqual([])
  })

  it('is not there where somebody only quotes an earlier copy, as is known', () => {
    const own = { writer: '1002', author: 'Bob', time: '18/09/2026', banner: '<p>Ann wrote</p>' }
    const quote = { ...listed(add, '9', 'mine, is it?'), own }
    const said = { id: '9', author: 'Bob', time: '18/09/2026', hash: '' }
    const base = [...first.base, { ref: '9', home: 'right' as const, left: null, right: said }]
    expect(settle(add, [quote], base)).toBeNull()
    expect(settle(add, [quote, listed(add, '12')], base)).toContainEqual(
      expect.objectContaining({ home: 'left', right: expect.objectContaining({ id: '12' }) }),
    )
  })

  it('is not there where only another copy, or the same text of a person, stands', () => {
    expect(settle(add, [], first.base)).toBeNull()
    expect(settle(add, [native('6', 'mine')], first.base)).toBeNull()
    const other = { ...listed(add, '7'), origin: { from: 'ALM D/P', ref: 'another' } }
    expect(settle(add, [other], first.base)).toBeNull()
    const elsewhere = { ...listed(add, '7'), origin: { from: 'ALM D/Q', ref: listed(add, '7').origin?.ref ?? '' } }
    expect(settle(add, [elsewhere], first.base)).toBeNull()
  })

  it('and that a person has edited since counts as written and as edited', () => {
    const edited = listed(add, '7', 'mine, edited')
    const base = settle(add, [edited], first.base) ?? []
    const back = only(planned([mine], [edited], base).comments)
    expect(back.action).toMatchObject({ kind: 'edit', side: 'left', text: 'mine, edited' })
  })

  const agreed = settle(add, [listed(add, '7')], first.base) ?? []

  it('edits are found by their text, deletions by absence', () => {
    const changed = native(null, 'mine, changed')
    const edit = only(planned([changed], [listed(add, '7')], agreed).comments)
    expect(edit.action.kind).toBe('edit')
    expect(settle(edit, [listed(add, '7')], agreed)).toBeNull()
    const base = settle(edit, [listed(add, '7', 'mine, changed')], agreed) ?? []
    expect(planned([changed], [listed(add, '7', 'mine, changed')], base).comments).toEqual([])

    const removal = only(planned([], [listed(add, '7')], agreed).comments)
    expect(removal.action.kind).toBe('delete')
    expect(settle(removal, [listed(add, '7')], agreed)).toBeNull()
    expect(settle(removal, [native('6', 'another')], agreed)).toEqual([])
  })

  it('and of copies that say the same, the other one says nothing about this one', () => {
    const twice = [native('1', 'said twice'), native('2', 'said twice')]
    const { comments, base } = planned([], twice)
    const memo = comments.map((comment): Comment => ({ ...listed(comment, ''), id: null }))
    const both = comments.reduce<readonly CommentEntry[]>((known, comment) => settle(comment, memo, known) ?? [], base)
    const removal = only(planned(memo, twice.slice(0, 1), both).comments)
    expect(settle(removal, memo, both)).toBeNull()
    expect(settle(removal, memo.slice(0, 1), both)).toMatchObject([{ ref: '1' }])
  })

  it('and of words in a memo that nothing tells apart, one less tells that one is gone, whatever a copy says', () => {
    const alike = [native(null, 'twice'), native(null, 'twice')]
    const copyOfSame: Comment = { ...native(null, 'twice'), origin: { from: names.right, ref: '9' } }
    const memo = [...alike, copyOfSame]
    const { comments, base } = planned(memo, [native('9', 'twice')])
    const copies = comments.map((comment, index) => listed(comment, `${index + 1}`))
    const both = comments.reduce<readonly CommentEntry[]>(
      (known, comment) => settle(comment, copies, known) ?? [],
      base,
    )
    const removal = only(planned(memo, [...copies.slice(1), native('9', 'twice')], both).comments)
    expect(removal).toMatchObject({ side: 'left', action: { kind: 'delete' } })
    expect(settle(removal, memo, both)).toBeNull()
    expect(settle(removal, memo.slice(1), both)).toHaveLength(2)
  })

  it('survives the way through the database', () => {
    const stored = JSON.parse(JSON.stringify(intendedComment(add))) as ReturnType<typeof intendedComment>
    expect(stored).toEqual(intendedComment(add))
    expect(stored).toMatchObject({ rule: 'add', before: null, comment: { home: 'left' } })
  })
})
