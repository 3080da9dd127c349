import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCommentMemo, writeCommentMemo } from './comment-memo.ts'
import {
  afterComment,
  type Comment,
  type CommentAction,
  type CommentEntry,
  commentOfAction,
  inOwnWords,
  planComments,
  readComment,
  renderCopy,
  renderEditedCopy,
  untilCarriedOut,
} from './comments.ts'
import { canonicalMemo, memoText } from './memo.ts'

const line = '_'.repeat(40)
const names = { left: 'ALM', right: 'Octane' }

describe('the comments in a memo of ALM', () => {
  const two = [
    { author: 'Jo Doe <jdoe>', time: '17/09/2012', text: 'first' },
    { author: 'Al Roe <aroe>', time: '18.09.2012', text: 'second' },
  ]
  it.each([
    [
      'of newer clients',
      `<div>${line}</div><div><b>Jo Doe &lt;jdoe&gt;, 17/09/2012:</b></div><div>first</div><div>${line}</div><div><b>Al Roe &lt;aroe&gt;, 18.09.2012:</b></div><div>second</div>`,
    ],
    [
      'in one block, with breaks',
      `<div><font color="#000080"><b>Jo Doe &lt;jdoe&gt;, 17/09/2012:</b></font> first<br>${line}<br><font color="#000080"><b>Al Roe &lt;aroe&gt;, 18.09.2012:</b></font> second</div>`,
    ],
    [
      'in line, within one format',
      `<font face="Arial"><b>Jo Doe &lt;jdoe&gt;, 17/09/2012:</b> first<br>${line}<br><b>Al Roe &lt;aroe&gt;, 18.09.2012:</b> second</font>`,
    ],
    [
      'without lines',
      '<p><b>Jo Doe &lt;jdoe&gt;, 17/09/2012:</b> first</p><p><b>Al Roe &lt;aroe&gt;, 18.09.2012:</b> second</p>',
    ],
  ])('%s', (_name, memo) => {
    const found = readCommentMemo(memo).map(({ author, time, text }) => ({ author, time, text: memoText(text) }))
    expect(found).toEqual(two)
  })

  it('of older clients, after the line only', () => {
    const memo = `${line}<br><strong>  Jo Doe , Mon Sep 17 2012:</strong> first, as of 2012: nothing`
    expect(readCommentMemo(memo)).toMatchObject([{ author: 'Jo Doe', time: 'Mon Sep 17 2012' }])
    expect(readCommentMemo('<p>The result, as of 17/09/2012: none</p>')).toMatchObject([{ author: null }])
  })

  it('without any banner are one comment', () => {
    const memo = canonicalMemo(`<p>a</p><div>${line}</div><p>b</p>`)
    expect(readCommentMemo(memo)).toEqual([{ id: null, author: null, time: null, origin: null, text: memo }])
    expect(readCommentMemo(null)).toEqual([])
  })

  it('are not touched where nothing is to be done', () => {
    const memo = canonicalMemo(
      `<p>intro</p><div>${line}<br><b>Jo Doe &lt;jdoe&gt;, 17/09/2012:</b> first<br>more</div>`,
    )
    const { memo: after } = writeCommentMemo(memo, [])
    expect(readCommentMemo(after)).toEqual(readCommentMemo(memo))
    expect(memoText(after)).toBe(memoText(memo))
  })
})

const word = fc.stringMatching(/^[A-Za-zäß]{1,8}$/)
const name = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(' '))
const html = fc
  .array(
    fc.oneof(
      word.map((one) => `<p>${one}</p>`),
      word,
      fc.constantFrom(
        '<ul><li>a</li></ul>',
        '<br>',
        '<b>b</b>',
        `<div>${line}</div>`,
        '<p>&nbsp;</p>',
        '<div><p>x</p></div>',
        'A &lt;b&gt;, 1/1/2020: c',
      ),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => parts.join(''))
/** A comment's text as reading gives it. */
const body = html
  .map((one) => readComment({ id: '1', author: null, time: null, text: one }).text)
  .filter((one) => one !== '')
const origin = fc.record({ from: fc.constantFrom('ALM', 'Octane'), ref: fc.stringMatching(/^[\w-]{1,20}(\.2)?$/) })
const addition = fc.record({
  kind: fc.constant('add' as const),
  side: fc.constant('left' as const),
  author: fc.option(name, { nil: null }),
  time: fc.option(fc.constantFrom('2026-03-01T10:00:00Z', '17/09/2012', 'Mon Sep 17 2012'), { nil: null }),
  text: body,
  origin,
})

describe('a copy', () => {
  it('is read as it was written, on both kinds of side', () => {
    fc.assert(
      fc.property(fc.uniqueArray(addition, { selector: (one) => one.origin.ref, maxLength: 4 }), (additions) => {
        const expected = additions.map(({ author, time, text, origin: from }) => ({ author, time, text, origin: from }))
        const { memo, missed } = writeCommentMemo('<p>before</p>', additions)
        expect(missed).toEqual([])
        const read = readCommentMemo(memo)
        expect(read.slice(1)).toEqual(expected.map((one) => ({ id: null, ...one })))
        expect(read[0]?.text).toBe('<p>before</p>')
        // Writing it again changes nothing, nor does reading what was read.
        expect(writeCommentMemo(memo, additions).memo).toBe(memo)
        expect(canonicalMemo(memo)).toBe(memo)
        for (const [index, one] of additions.entries()) {
          const { own, ...there } = readComment({ id: '7', author: 'tandem', time: 'now', text: renderCopy(one) })
          expect(own).toMatchObject({ writer: null, author: 'tandem', time: 'now' })
          expect(there).toEqual({ id: '7', ...expected[index] })
          const { own: _words, ...edited } = readComment({
            id: '7',
            author: 'tandem',
            time: 'now',
            text: renderEditedCopy(there, '<p>new</p>'),
          })
          expect(edited).toEqual({ ...there, text: '<p>new</p>' })
        }
      }),
      { numRuns: 300 },
    )
  })
})

/** Both endpoints as people and Tandem work on them: ALM's one memo, Octane's comments with ids. */
class World {
  memo: string | null = null
  octane: { id: string; author: string; time: string; text: string }[] = []
  base: readonly CommentEntry[] = []
  private next = 1

  comments(): Record<'left' | 'right', Comment[]> {
    return {
      left: readCommentMemo(this.memo),
      right: this.octane.map((one) => readComment({ ...one, writer: one.author })),
    }
  }

  /** Octane's comments as the base knows them: copies, or what people say. */
  meant(): Comment[] {
    const own = new Set(this.base.flatMap((entry) => (entry.home === 'right' ? [entry.right?.id] : [])))
    return this.comments().right.map((one) => (own.has(one.id) ? inOwnWords(one) : one))
  }

  plan(deletes: boolean) {
    return planComments({ base: this.base, ...this.comments(), names, deletes: deletes ? 'all' : 'nothing' })
  }

  /** One look at both sides. Without `commit` the process dies after writing, before the base is stored. */
  look(deletes: boolean, commit: boolean): readonly CommentAction[] {
    const planned = this.plan(deletes)
    let base: readonly CommentEntry[] = untilCarriedOut(planned, this.base)
    const here = planned.actions.filter((action) => action.side === 'left')
    const written = writeCommentMemo(this.memo, here)
    expect(written.missed).toEqual([])
    this.memo = written.memo
    for (const [index, action] of planned.actions.entries()) {
      const { side } = action
      const learn = (found: Comment | undefined) => {
        const source = planned.sources[index] ?? null
        const done = source === null || found === undefined ? null : { side, kept: found, source }
        base = afterComment(base, commentOfAction(action), done)
      }
      if (side === 'left') {
        const about = action.kind === 'add' ? action.origin.ref : action.was.origin?.ref
        learn(
          this.comments().left.find((one) =>
            about === undefined ? action.kind !== 'delete' && one.text === action.text : one.origin?.ref === about,
          ),
        )
        continue
      }
      const right = (id: string | null) => this.comments().right.find((one) => one.id === id)
      if (action.kind === 'add') {
        learn(right(this.post('tandem', renderCopy(action))))
        continue
      }
      if (action.kind === 'edit')
        this.octane = this.octane.map((one) =>
          one.id === action.was.id ? { ...one, text: renderEditedCopy(action.was, action.text) } : one,
        )
      else this.octane = this.octane.filter((one) => one.id !== action.was.id)
      learn(right(action.was.id))
    }
    if (commit) this.base = base
    return planned.actions
  }

  post(author: string, text: string): string {
    const id = String(this.next++)
    this.octane = [...this.octane, { id, author, time: `2026-03-01T10:00:0${id.at(-1)}Z`, text }]
    return id
  }

  remove(was: Comment): void {
    this.memo = writeCommentMemo(this.memo, [{ kind: 'delete', side: 'left', home: 'left', ref: '', was }]).memo
  }

  append(author: string, text: string): void {
    this.memo = canonicalMemo(
      `${this.memo ?? ''}<div>${line}</div><div><b>${author} &lt;${author}&gt;, 17/09/2012:</b></div><div>${text}</div>`,
    )
  }
}

const step = fc.oneof(
  fc.record({ do: fc.constantFrom('alm adds', 'octane adds'), who: fc.constantFrom('jo', 'al') }),
  fc.record({ do: fc.constantFrom('alm edits', 'octane edits'), at: fc.nat(8) }),
  fc.record({ do: fc.constantFrom('look', 'look', 'crash') }),
)

describe('comments of both sides', () => {
  it('converge, each once on either side, whatever people add, quote and edit in between', () => {
    const quotation = fc.record({ do: fc.constantFrom('octane quotes'), at: fc.nat(8) })
    const steps = fc.array(fc.oneof({ weight: 5, arbitrary: step }, { weight: 1, arbitrary: quotation }), {
      maxLength: 14,
    })
    fc.assert(
      fc.property(steps, (all) => {
        const world = new World()
        let token = 0
        let said = 0
        for (const one of all) {
          const text = `word${++token}w`
          if (one.do.endsWith('adds')) said++
          if (one.do === 'alm adds' && 'who' in one) world.append(one.who, text)
          else if (one.do === 'octane adds' && 'who' in one) world.post(one.who, `<p>${text}</p>`)
          else if (one.do === 'look') world.look(false, true)
          else if (one.do === 'crash') {
            world.look(false, false)
            world.look(false, true)
          } else if (one.do === 'octane quotes' && 'at' in one) {
            const copies = world.octane.filter(({ author }) => author === 'tandem')
            const quoted = copies[one.at % Math.max(1, copies.length)]
            if (quoted === undefined) continue
            said++
            world.post('al', `${quoted.text}<p>${text}</p>`)
          } else if ('at' in one) {
            const words = [
              ...new Set(
                (one.do === 'alm edits' ? (world.memo ?? '') : world.octane.map((c) => c.text).join()).match(
                  /word\d+w/g,
                ) ?? [],
              ),
            ]
            const old = words[one.at % Math.max(1, words.length)]
            if (old === undefined) continue
            if (one.do === 'alm edits') world.memo = canonicalMemo((world.memo ?? '').replace(old, text))
            else world.octane = world.octane.map((c) => ({ ...c, text: c.text.replace(old, text) }))
          }
        }
        world.look(false, true)
        world.look(false, true)
        expect(world.look(false, true)).toEqual([])
        const told = (comments: Comment[]) => comments.map((comment) => memoText(comment.text)).sort()
        const { left, right } = world.comments()
        const isQuote = ({ id }: Comment) =>
          world.base.some((entry) => entry.home === 'right' && entry.right?.id === id)
        const meant = right.map((one) => (isQuote(one) ? inOwnWords(one) : one))
        expect(told(left)).toEqual(told(meant))
        expect(new Set(told(left)).size).toBe(left.length)
        expect(left).toHaveLength(said)
      }),
      { numRuns: 300 },
    )
  })

  it('that nobody takes away are never lost or doubled by those that are, whether deletions are carried over or not', () => {
    const deletion = fc.record({ do: fc.constantFrom('alm deletes', 'octane deletes'), at: fc.nat(8) })
    const [adds, looks] = [{ do: 'alm adds', who: 'jo' } as const, { do: 'look' } as const]
    const quotation = fc.record({ do: fc.constantFrom('octane quotes'), at: fc.nat(8) })
    const arbitraries = [
      { weight: 5, arbitrary: step },
      { weight: 1, arbitrary: deletion },
      { weight: 1, arbitrary: quotation },
    ]
    const steps = fc.array(fc.oneof(...arbitraries), { maxLength: 14 })
    fc.assert(
      fc.property(steps, fc.boolean(), (all, carried) => {
        const world = new World()
        const removed = new Set<string>()
        let token = 0
        let said = 0
        const tokenOf = ({ text }: Comment) => /word\d+w/.exec(text)?.[0] ?? ''
        const some = (comments: Comment[], at: number) => comments[at % Math.max(1, comments.length)]
        for (const one of all) {
          const { left, right } = world.comments()
          if (one.do.endsWith('adds')) said++
          if (one.do === 'alm adds' && 'who' in one) world.append(one.who, `word${++token}w`)
          else if (one.do === 'octane adds' && 'who' in one) world.post(one.who, `<p>word${++token}w</p>`)
          else if (one.do === 'look') world.look(carried, true)
          else if (one.do === 'crash') {
            world.look(carried, false)
            world.look(carried, true)
          } else if (one.do === 'octane quotes' && 'at' in one) {
            const copies = world.octane.filter(({ author }) => author === 'tandem')
            const banner = /^<p><b>[^<]*<\/b><\/p>/.exec(copies[one.at % Math.max(1, copies.length)]?.text ?? '')?.[0]
            if (banner === undefined) continue
            said++
            world.post('al', `${banner}<p>word${++token}w</p>`)
          } else if ('at' in one) {
            const there = some(one.do.startsWith('alm') ? left : right, one.at)
            if (there === undefined) continue
            const word = tokenOf(there)
            if (one.do === 'alm edits')
              world.memo = canonicalMemo((world.memo ?? '').replace(word, `${word} more${++token}`))
            else if (one.do === 'octane edits')
              world.octane = world.octane.map((c) => ({ ...c, text: c.text.replace(word, `${word} more${++token}`) }))
            else {
              removed.add(word)
              if (one.do === 'octane deletes') world.octane = world.octane.filter((c) => c.id !== there.id)
              else world.remove(there)
            }
          }
        }
        for (let look = 0; look < 3; look++) world.look(carried, true)
        expect(world.look(carried, true)).toEqual([])
        const { left } = world.comments()
        const right = world.meant()
        const told = (comments: Comment[]) => comments.map(tokenOf).sort()
        for (const side of [left, right]) expect(new Set(told(side)).size).toBe(side.length)
        const stay = (comments: Comment[]) => comments.filter((one) => !removed.has(tokenOf(one)))
        expect(
          stay(left)
            .map((one) => memoText(one.text))
            .sort(),
        ).toEqual(
          stay(right)
            .map((one) => memoText(one.text))
            .sort(),
        )
        expect(stay(left)).toHaveLength(said - removed.size)
      }),
      {
        numRuns: 1000,
        examples: [
          // A memo tells the day: what is written after another one went is no edit of it.
          [[adds, looks, { do: 'octane deletes', at: 0 }, { do: 'alm deletes', at: 0 }, adds], false],
          // Nor is what was written beside it, and copied by a process that died before it could say so.
          [[adds, looks, adds, { do: 'octane deletes', at: 0 }, { do: 'crash' }], true],
        ],
      },
    )
  })

  const agreed = () => {
    const world = new World()
    world.append('jo', 'mine')
    world.post('al', '<p>yours</p>')
    world.look(false, true)
    return world
  }

  it('that quote a copy stay what a person says, also when the copy is taken away and written anew', () => {
    const world = agreed()
    const copy = world.octane.find(({ author }) => author === 'tandem')
    const quote = world.post('al', `${copy?.text}<p>is it?</p>`)
    world.look(false, true)
    const said = () => world.comments().left.map(({ text, origin }) => [memoText(text), origin?.ref])
    const quotation = [expect.stringMatching(/from ALM.*mine\s+is it\?$/s), quote]
    expect(said().slice(2)).toEqual([quotation])
    expect(world.look(false, true)).toEqual([])
    world.octane = world.octane.filter((one) => one !== copy)
    expect(world.look(false, true)).toEqual([])
    world.memo = canonicalMemo((world.memo ?? '').replace('mine', 'mine and more'))
    world.look(false, true)
    expect(world.octane.at(-1)).toMatchObject({ author: 'tandem', text: expect.stringContaining('mine and more') })
    expect(world.look(false, true)).toEqual([])
    expect(said().map(([text]) => text)).toEqual(['mine and more', 'yours', quotation[0]])
  })

  it('that quote a copy which is gone by the next look are no edit of it', () => {
    const world = agreed()
    const copy = world.octane.find(({ author }) => author === 'tandem')
    const quote = world.post('al', `${copy?.text}<p>is it?</p>`)
    world.octane = world.octane.filter((one) => one !== copy)
    world.look(false, true)
    const { left } = world.comments()
    expect(left.map(({ text }) => memoText(text)).slice(0, 2)).toEqual(['mine', 'yours'])
    expect(left[2]).toMatchObject({ origin: { from: 'Octane', ref: quote }, text: expect.stringContaining('is it?') })
    expect(world.look(false, true)).toEqual([])
  })

  it('that begin with a banner of their own system are a person’s', () => {
    const world = agreed()
    const banner = /<b>[^<]*\(from Octane[^<]*<\/b>/.exec(world.memo ?? '')?.[0]
    world.post('al', `<p>${banner}</p><p>so ALM says</p>`)
    world.look(false, true)
    expect(memoText(world.comments().left[2]?.text ?? null)).toMatch(/from Octane.*so ALM says$/s)
    expect(world.look(false, true)).toEqual([])
  })

  it('carry the name and time of whoever wrote first', () => {
    const { left, right } = agreed().comments()
    expect(left[1]).toMatchObject({ author: 'al', time: '2026-03-01T10:00:01Z', origin: { from: 'Octane', ref: '1' } })
    expect(right[1]).toMatchObject({ author: 'jo <jo>', time: '17/09/2012', origin: { from: 'ALM' } })
  })

  it('are deleted on the other side only if that is wanted, and an edit beats a deletion', () => {
    const kept = agreed()
    kept.octane = kept.octane.filter((one) => one.author === 'tandem')
    expect(kept.look(false, true)).toEqual([])
    expect(readCommentMemo(kept.memo)).toHaveLength(2)

    const gone = agreed()
    gone.octane = gone.octane.filter((one) => one.author === 'tandem')
    expect(gone.look(true, true)).toMatchObject([{ kind: 'delete', side: 'left' }])
    expect(readCommentMemo(gone.memo).map((one) => memoText(one.text))).toEqual(['mine'])
    expect(gone.look(true, true)).toEqual([])

    const edited = agreed()
    edited.octane = edited.octane.filter((one) => one.author !== 'tandem')
    edited.memo = canonicalMemo((edited.memo ?? '').replace('mine', 'mine, more'))
    expect(edited.look(true, true)).toMatchObject([{ kind: 'add', side: 'right' }])
  })

  it('of one hand and day are told apart by their words where one is edited and another taken away meanwhile', () => {
    for (const [gone, edited] of [
      ['the first of all', 'the second one'],
      ['the second one', 'the first of all'],
    ] as const) {
      const world = new World()
      for (const text of ['the first of all', 'the second one']) world.append('jo', text)
      world.look(false, true)
      const [first, second] = world.comments().left
      world.remove((gone === 'the first of all' ? first : second) as Comment)
      world.memo = canonicalMemo((world.memo ?? '').replace(edited, `${edited}, corrected`))
      expect(world.look(false, true)).toMatchObject([{ kind: 'edit', side: 'right' }])
      const { left, right } = world.comments()
      expect(left.map((one) => memoText(one.text))).toEqual([`${edited}, corrected`])
      expect(right.map((one) => memoText(one.text)).sort()).toEqual([gone, `${edited}, corrected`].sort())
    }
  })

  it('edited on both sides go by the side where they were written, and what was overruled is told', () => {
    const world = agreed()
    world.memo = canonicalMemo((world.memo ?? '').replace('mine', 'mine here'))
    world.octane = world.octane.map((one) => ({ ...one, text: one.text.replace('mine', 'mine there') }))
    const planned = world.plan(false)
    expect(planned.overruled).toMatchObject([{ side: 'right', text: expect.stringContaining('mine there') }])
    expect(planned.actions).toMatchObject([{ kind: 'edit', side: 'right', text: expect.stringContaining('mine here') }])
  })

  it('whose banner was taken away are still known by their id, and never come back as new ones', () => {
    const world = agreed()
    world.octane = world.octane.map((one) => (one.author === 'tandem' ? { ...one, text: '<p>mine</p>' } : one))
    expect(world.look(false, true).filter((action) => action.kind === 'add')).toEqual([])
    world.base = []
    const copied = agreed()
    copied.base = []
    expect(copied.look(false, true)).toEqual([])
  })

  it('whose text somebody took away leave the next comment alone', () => {
    const world = agreed()
    world.append('al', 'another')
    world.look(false, true)
    world.memo = canonicalMemo((world.memo ?? '').replace('<p>yours</p>', ''))
    expect(readCommentMemo(world.memo).map((one) => memoText(one.text))).toEqual(['mine', '', 'another'])
  })

  it('that somebody changed between look and lock are left alone', () => {
    const world = agreed()
    world.octane = world.octane.map((one) => (one.author === 'al' ? { ...one, text: '<p>yours, more</p>' } : one))
    const { actions } = world.plan(false)
    const meanwhile = canonicalMemo((world.memo ?? '').replace('yours', 'yours, changed'))
    expect(writeCommentMemo(meanwhile, actions)).toEqual({ memo: meanwhile, missed: actions, unwritable: [] })
  })

  it('that cannot go to the other side now are held and go later', () => {
    const world = new World()
    world.append('jo', 'mine')
    const planned = planComments({ base: [], ...world.comments(), names, deletes: 'nothing', carry: () => null })
    expect(planned).toMatchObject({ actions: [], base: [], held: [expect.any(String)] })
    expect(world.look(false, true)).toMatchObject([{ kind: 'add', side: 'right' }])
  })
})
