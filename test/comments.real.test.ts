import { afterEach, describe, expect, it, vi } from 'vitest'
import { readCommentMemo } from '../core/comment-memo.ts'
import type { CommentAction } from '../core/comments.ts'
import { readComment } from '../core/comments.ts'
import { type LinkConfigurationInput, linkConfiguration } from '../core/link-config.ts'
import { memoText } from '../core/memo.ts'
import { verifyChain } from '../db/ledger-verify.ts'
import { activity, fullRun, restWrites, waitOver } from './deletions.ts'
import { createLab, type Lab, type LabOptions, type Shell } from './lab.ts'
import { simulationRun } from './simulations.ts'
import { timePasses, untilQuiet, work } from './torture/cycle.ts'
import { followHistory } from './torture/history.ts'

vi.setConfig({ testTimeout: 120_000 })

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

/** One pair of defects, at rest. */
async function open(options: LabOptions = {}): Promise<{ here: Lab; twin: string }> {
  const here = await createLab({ alm: { defects: 1 }, ...options })
  lab = here
  await fullRun(here)
  await fullRun(here)
  return { here, twin: String(here.octane.records('defect')[0]?.id) }
}

const comments = (wanted: LinkConfigurationInput['comments']) => (same: LinkConfigurationInput) => ({
  ...same,
  comments: wanted,
})

const memoOf = (here: Lab) => here.alm.store.get('defect', '1')['dev-comments'] as string | null
const inAlm = (here: Lab) => readCommentMemo(memoOf(here)).map((one) => memoText(one.text))
const rowsOf = (here: Lab, id: string) =>
  here.octane.records('comment').filter((one) => (one.owner_work_item as { id: string } | null)?.id === id)
const inOctane = (here: Lab, id: string) =>
  rowsOf(here, id).map((one) =>
    memoText(readComment({ id: one.id, author: null, time: null, text: String(one.text) }).text),
  )

function inOctaneSays(here: Lab, id: string, text: string, actor?: string) {
  const fields = { text, owner_work_item: { type: 'defect', id } }
  return here.octane.create('comment', fields, actor === undefined ? {} : { actor })
}

async function ledgerOf(here: Lab) {
  const { sql } = here.database
  const [row] = await sql<{ comments: number; writes: number; open: number }[]>`
    select count(*) filter (where action = 'comment')::int as comments, count(*) filter (where kind = 'write')::int as writes,
      (select count(*)::int from intents) as open from ledger`
  return row
}

const codesOf = async (here: Lab) =>
  (await here.database.sql<{ code: string }[]>`select code from issues where resolved_at is null order by code`).map(
    (row) => row.code,
  )

/** A run that finds nothing to write any more. */
async function rests(here: Lab): Promise<void> {
  const before = restWrites(here)
  await fullRun(here)
  await fullRun(here)
  expect(restWrites(here) - before).toBe(0)
}

/** Stands between the worker and the comments of one system. */
function beforeWriting(kind: 'alm' | 'octane', act: (actions: readonly CommentAction[]) => void): Shell {
  return {
    store: (store) => store,
    connector: (connector) => {
      const { comments: inner } = connector
      if (connector.kind !== kind || inner === undefined) return connector
      return {
        ...connector,
        comments: {
          ...inner,
          write: (...call) => {
            act(call[3])
            return inner.write(...call)
          },
        },
      }
    },
  }
}

/** How many records are due after a scan for changes by a worker that has never looked before. */
async function dueAfter(here: Lab, side: 'left' | 'right'): Promise<number> {
  const { linkId } = here
  const { version } = await here.store.link(linkId)
  const { activities } = here.createWorker()
  await activity(() => activities.scan({ linkId, runId: null, version, side, extent: 'changes' }))
  return (await here.store.queueState(linkId)).due
}

describe('comments of records', () => {
  // covers 93
  it('go with a new record and later, both ways, once each, under a banner that names who wrote and when; then all rest', async () => {
    const here = await createLab({ alm: { defects: 1 } })
    lab = here
    here.alm.comment('defect', '1', 'seen in <b>Berlin</b>', { actor: 'ann' })
    await fullRun(here)
    const twin = String(here.octane.records('defect')[0]?.id)
    expect(inOctane(here, twin)).toEqual(['seen in Berlin'])
    expect(String(rowsOf(here, twin)[0]?.text)).toMatch(
      /<b>[^<]*&lt;ann&gt; wrote on [^<(]+ \(from ALM DEFAULT\/Sync, ref [\w.-]+\)<\/b>/,
    )
    const mine = inOctaneSays(here, twin, '<p>and in <i>Rome</i></p>')
    here.alm.comment('defect', '1', 'fixed', { actor: 'bob' })
    await fullRun(here)
    expect(inAlm(here)).toEqual(['seen in Berlin', 'fixed', 'and in Rome'])
    expect(inOctane(here, twin)).toEqual(['seen in Berlin', 'and in Rome', 'fixed'])
    expect(readCommentMemo(memoOf(here))[2]).toMatchObject({
      time: mine.creation_time,
      origin: { from: 'Octane 1001/1002', ref: mine.id },
    })
    expect(memoOf(here)).toContain('<i>Rome</i>')
    await rests(here)
    expect(inAlm(here)).toHaveLength(3)
    expect(await ledgerOf(here)).toEqual({ comments: 3, writes: restWrites(here), open: 0 })
    expect(await verifyChain(here.database, `link:${here.linkId}`)).toMatchObject({ firstBreak: null })
  })

  it('are noticed by a scan for changes although the item does not change', async () => {
    const { here, twin } = await open({ octane: { switches: { commentsBumpItem: 'no' } } })
    inOctaneSays(here, twin, 'hello')
    await fullRun(here, undefined, 'changes')
    expect(inAlm(here)).toEqual(['hello'])
    here.alm.comment('defect', '1', 'good day')
    await fullRun(here, undefined, 'changes')
    expect(inOctane(here, twin)).toEqual(['hello', 'good day'])
    await rests(here)
  })

  it('that were looked at are no news to any worker, Tandem’s own among them, until somebody edits or takes them away', async () => {
    const { here, twin } = await open({
      octane: { switches: { commentsBumpItem: 'no' } },
      link: comments({ deletes: 'copies' }),
    })
    const own = inOctaneSays(here, twin, 'hello')
    here.alm.comment('defect', '1', 'good day')
    await fullRun(here, undefined, 'changes')
    // The write in ALM came right after what had been seen of the record.
    expect(await dueAfter(here, 'left')).toBe(0)
    expect(await dueAfter(here, 'right')).toBe(0)
    // Within the same second, too.
    here.octane.edit('comment', own.id, { text: 'hello again' })
    expect(await dueAfter(here, 'right')).toBe(1)
    await fullRun(here, undefined, 'changes')
    here.octane.edit('comment', own.id, { text: 'hello once more' })
    await fullRun(here, undefined, 'changes')
    expect(inAlm(here)).toEqual(['good day', 'hello once more'])
    expect(await dueAfter(here, 'right')).toBe(0)
    here.octane.remove('comment', own.id)
    expect(await dueAfter(here, 'right')).toBe(1)
    await fullRun(here, undefined, 'changes')
    expect(inAlm(here)).toEqual(['good day'])
    expect(await dueAfter(here, 'right')).toBe(0)
  })

  it('that quote a copy with its banner are a person’s own: carried once, edited, taken away as any other', async () => {
    const { here, twin } = await open({ link: comments({ deletes: 'copies' }) })
    here.alm.comment('defect', '1', 'good day', { actor: 'ann' })
    await fullRun(here)
    const copied = String(rowsOf(here, twin)[0]?.text)
    const quote = inOctaneSays(here, twin, `${copied}<p>is it?</p>`)
    await fullRun(here)
    const quoted = /wrote on .*from ALM.*good day\s+is it\?/s
    expect(inAlm(here)).toEqual(['good day', expect.stringMatching(quoted)])
    expect(readCommentMemo(memoOf(here))[1]).toMatchObject({ origin: { from: 'Octane 1001/1002', ref: quote.id } })
    await rests(here)
    here.octane.edit('comment', quote.id, { text: `${copied}<p>it is</p>` })
    await fullRun(here)
    expect(inAlm(here)).toEqual(['good day', expect.stringMatching(/good day\s+it is/)])

    here.octane.remove('comment', quote.id)
    await fullRun(here)
    expect(inAlm(here)).toEqual(['good day'])

    await rests(here)
    expect(inOctane(here, twin)).toEqual(['good day'])
  })

  it('that Tandem wrote and a person took away before anybody looked again are noticed', async () => {
    const { here, twin } = await open({ octane: { switches: { commentsBumpItem: 'no' } } })
    await fullRun(here, undefined, 'changes')
    here.alm.comment('defect', '1', 'good day')
    await fullRun(here, undefined, 'changes')
    const [copy] = rowsOf(here, twin)
    here.octane.remove('comment', String(copy?.id))
    expect(await dueAfter(here, 'right')).toBe(1)
    await fullRun(here, undefined, 'changes')
    expect(await dueAfter(here, 'right')).toBe(0)
  })

  it('are noticed once more where the database was put back to a time before they were', async () => {
    const { here, twin } = await open({ octane: { switches: { commentsBumpItem: 'no' } } })
    const { sql } = here.database
    const { version } = await here.store.link(here.linkId)
    const scan = () => {
      const { linkId } = here
      return activity(() => here.activities.scan({ linkId, runId: null, version, side: 'right', extent: 'changes' }))
    }
    inOctaneSays(here, twin, 'hello')
    await scan()
    expect((await here.store.queueState(here.linkId)).due).toBe(1)
    await sql`delete from pending`
    await scan()
    await fullRun(here, undefined, 'changes')
    expect(inAlm(here)).toEqual(['hello'])
  })

  it('that cannot go wait for another try as long as nothing new is said', async () => {
    const { here, twin } = await open({ octane: { switches: { commentsBumpItem: 'no' } } })
    here.alm.edit('defect', '1', { 'dev-comments': '<html><body><video src="a.mp4"></video></body></html>' })
    inOctaneSays(here, twin, 'one')
    await fullRun(here, undefined, 'changes')
    expect(await codesOf(here)).toEqual(['comments-held'])
    expect(await dueAfter(here, 'right')).toBe(0)
    inOctaneSays(here, twin, 'two')
    expect(await dueAfter(here, 'right')).toBe(1)
    expect(await dueAfter(here, 'right')).toBe(1)
    await fullRun(here, undefined, 'changes')
    expect(await dueAfter(here, 'right')).toBe(0)
    here.alm.edit('defect', '1', { 'dev-comments': null })
    await fullRun(here, undefined, 'changes')
    expect(inAlm(here)).toEqual(['one', 'two'])
    expect(await codesOf(here)).toEqual([])
  })

  it('of many at once are one write in ALM and one each in Octane, each in its ledger row, and one change to the brake', async () => {
    const { here, twin } = await open({
      link: (same) => ({
        ...same,
        brake: { changes: { count: 2, share: 0 }, deletions: { count: 0, share: 0 } },
      }),
    })
    const before = restWrites(here)
    for (const one of ['a', 'b', 'c']) {
      inOctaneSays(here, twin, one)
      here.alm.comment('defect', '1', `${one}${one}`)
    }
    await fullRun(here)
    expect(inAlm(here)).toEqual(['aa', 'bb', 'cc', 'a', 'b', 'c'])
    expect(inOctane(here, twin)).toEqual(['a', 'b', 'c', 'aa', 'bb', 'cc'])
    expect(restWrites(here) - before).toBe(4)
    expect(await ledgerOf(here)).toEqual({ comments: 4, writes: restWrites(here), open: 0 })
    const rows = await here.database.sql<{ side: string; fields: number }[]>`
      select side, jsonb_array_length(content -> 'fields') as fields from ledger where action = 'comment' order by 1, 2`
    expect(rows.map(({ side, fields }) => `${side} ${fields}`)).toEqual(['left 3', 'right 1', 'right 1', 'right 1'])
    await rests(here)
  })

  it('follow edits on either side, and the words of whoever wrote first stand where both edit', async () => {
    const { here, twin } = await open()
    here.alm.comment('defect', '1', 'first', { actor: 'ann' })
    const own = inOctaneSays(here, twin, 'second')
    await fullRun(here)
    const replace = (from: string, to: string) =>
      here.alm.edit('defect', '1', { 'dev-comments': String(memoOf(here)).replace(from, to) })
    replace('first', 'first, edited')
    here.octane.edit('comment', own.id, { text: 'second, edited' })
    await fullRun(here)
    expect(inOctane(here, twin).sort()).toEqual(['first, edited', 'second, edited'])
    expect(inAlm(here)).toEqual(['first, edited', 'second, edited'])
    // The copies are edited, each where it stands, and then both at once.
    replace('second, edited', 'second, from ALM')
    const copy = rowsOf(here, twin).find((one) => one.id !== own.id)
    here.octane.edit('comment', copy?.id ?? '', { text: String(copy?.text).replace('first, edited', 'first, there') })
    await fullRun(here)
    expect(inOctane(here, twin).sort()).toEqual(['first, there', 'second, from ALM'])
    expect(inAlm(here)).toEqual(['first, there', 'second, from ALM'])
    expect(rowsOf(here, twin).find((one) => one.id === own.id)?.text).not.toContain('wrote on')
    replace('first, there', 'first, here')
    here.octane.edit('comment', copy?.id ?? '', {
      text: String(copy?.text).replace('first, edited', 'first, not here'),
    })
    await fullRun(here)
    expect(inOctane(here, twin).sort()).toEqual(['first, here', 'second, from ALM'])
    expect(inAlm(here)).toEqual(['first, here', 'second, from ALM'])
    await rests(here)
    expect(await ledgerOf(here)).toMatchObject({ writes: restWrites(here), open: 0 })
  })

  it('stay as they were carried where the link says so', async () => {
    const { here, twin } = await open({ link: comments({ edits: false }) })
    const own = inOctaneSays(here, twin, 'as it was')
    await fullRun(here)
    here.octane.edit('comment', own.id, { text: 'as it is' })
    await fullRun(here)
    expect(inAlm(here)).toEqual(['as it was'])
    await rests(here)
  })

  it('taken away on one side stay or go on the other, as the link says', async () => {
    for (const [deletes, alm, octane] of [
      ['nothing', ['mine', 'yours'], ['mine']],
      ['copies', ['mine'], ['mine']],
      ['all', ['mine'], ['mine']],
    ] as const) {
      const { here, twin } = await open({ alm: { defects: 2 }, link: comments({ deletes }) })
      // While no comment reads at all, none counts as taken away.
      here.alm.comment('defect', '2', 'another')
      here.alm.comment('defect', '1', 'mine')
      const yours = inOctaneSays(here, twin, 'yours')
      await fullRun(here)
      here.octane.remove('comment', yours.id)
      await fullRun(here)
      expect([inAlm(here), inOctane(here, twin)]).toEqual([alm, octane])
      const copy = rowsOf(here, twin)[0]
      here.octane.remove('comment', copy?.id ?? '')
      await fullRun(here)
      expect(inAlm(here)).toEqual(deletes === 'all' ? [] : alm)
      await rests(here)
      expect(await ledgerOf(here)).toMatchObject({ writes: restWrites(here), open: 0 })
      await here.close()
      lab = null
    }
  })

  it('are neither taken away nor written anew while they may not be seen', async () => {
    for (const deletes of ['nothing', 'copies', 'all'] as const) {
      const { here, twin } = await open({ link: comments({ deletes }) })
      here.alm.comment('defect', '1', 'mine')
      const yours = inOctaneSays(here, twin, 'yours')
      await fullRun(here)
      const before = [inAlm(here), inOctane(here, twin)]
      here.octane.permissions.deny({ type: 'comment', action: 'read' })
      for (let round = 0; round < 2; round++) {
        here.octane.edit('defect', twin, { name: `edited ${round}` })
        await fullRun(here)
        await waitOver(here)
      }
      expect(await codesOf(here)).toEqual(deletes === 'nothing' ? [] : ['comment-unseen'])
      here.octane.permissions.clear()
      for (let round = 0; round < 2; round++) {
        await fullRun(here)
        await waitOver(here)
      }
      expect([inAlm(here), inOctane(here, twin)]).toEqual(before)
      expect(await codesOf(here)).toEqual([])
      // What is taken away while another one reads is gone.
      here.octane.remove('comment', yours.id)
      await fullRun(here)
      expect(inAlm(here)).toEqual(deletes === 'nothing' ? ['mine', 'yours'] : ['mine'])
      await rests(here)
      await here.close()
      lab = null
    }
  })

  it('go one way only, or none, as the mapping says', async () => {
    const way = (direction: 'to-right' | null) => (same: LinkConfigurationInput) => ({
      ...same,
      fields: same.fields.flatMap((field) =>
        field.id !== 'comments' ? [field] : direction === null ? [] : [{ ...field, direction }],
      ),
    })
    for (const direction of ['to-right', null] as const) {
      const { here, twin } = await open({ link: way(direction) })
      here.alm.comment('defect', '1', 'mine')
      inOctaneSays(here, twin, 'yours')
      await fullRun(here)
      expect(inAlm(here)).toEqual(['mine'])
      expect(inOctane(here, twin)).toEqual(direction === null ? ['yours'] : ['yours', 'mine'])
      await rests(here)
      await here.close()
      lab = null
    }
  })

  it('of epics and features go with the requirements, each to its own record', async () => {
    const types = [
      { octane: 'epic', alm: ['Business'] },
      { octane: 'feature', alm: ['Functional'] },
    ]
    const here = await createLab({ kind: 'backlog', types })
    lab = here
    const epic = here.octane.create('epic', { name: 'an epic' })
    const feature = here.octane.create('feature', { name: 'a feature', parent: { type: 'epic', id: epic.id } })
    for (const { id, type } of [epic, feature])
      here.octane.create('comment', { text: `of the ${type}`, owner_work_item: { type, id } })
    await fullRun(here)
    const said = (name: string) => {
      const record = here.alm.records('requirement').find((one) => one.name === name)
      return { id: String(record?.id), comments: readCommentMemo((record?.comments ?? null) as string | null) }
    }
    expect(said('an epic').comments).toMatchObject([{ text: 'of the epic' }])
    expect(said('a feature').comments).toMatchObject([{ text: 'of the feature' }])
    here.alm.comment('requirement', said('a feature').id, 'heard')
    await fullRun(here)
    expect(inOctane(here, feature.id)).toEqual(['of the feature', 'heard'])
    expect(inOctane(here, epic.id)).toEqual(['of the epic'])
    await rests(here)
  })
})

describe('a comment', () => {
  it('that a person writes between our look and our write stays, in the one memo as well', async () => {
    const { here, twin } = await open()
    inOctaneSays(here, twin, 'from Octane')
    let once = false
    await fullRun(
      here,
      beforeWriting('alm', () => {
        if (once) return
        once = true
        here.alm.comment('defect', '1', 'meanwhile', { actor: 'bob' })
      }),
    )
    await fullRun(here)
    expect(inAlm(here)).toEqual(['meanwhile', 'from Octane'])
    expect(inOctane(here, twin)).toEqual(['from Octane', 'meanwhile'])
    await rests(here)
  })

  it('that a person edits between our look and our write is not written over, and the others go on', async () => {
    const { here, twin } = await open()
    const own = inOctaneSays(here, twin, 'one')
    await fullRun(here)
    here.octane.edit('comment', own.id, { text: 'one, in Octane' })
    inOctaneSays(here, twin, 'two')
    let once = false
    await fullRun(
      here,
      beforeWriting('alm', () => {
        if (once) return
        once = true
        here.alm.edit('defect', '1', { 'dev-comments': String(memoOf(here)).replace('>one<', '>one, in ALM<') })
      }),
    )
    await waitOver(here)
    await fullRun(here)
    // Whoever wrote first is right; the other's words are in the ledger.
    expect(inAlm(here)).toEqual(['one, in Octane', 'two'])
    const rows = await here.database.sql<{ before: string }[]>`
      select f ->> 'before' as before from ledger, jsonb_array_elements(content -> 'fields') f
      where action = 'comment' and f ->> 'rule' = 'edit'`
    expect(rows).toEqual([{ before: expect.stringContaining('one, in ALM') }])
    await rests(here)
    expect(await ledgerOf(here)).toMatchObject({ writes: restWrites(here), open: 0 })
  })

  it('waits while a person holds the record of ALM open, and goes when they have done', async () => {
    const { here, twin } = await open()
    here.alm.edit('defect', '1', { name: 'being edited' }, { actor: 'bob', holdLockMs: 600_000 })
    inOctaneSays(here, twin, 'patience')
    await fullRun(here)
    expect(inAlm(here)).toEqual([])
    expect(await ledgerOf(here)).toMatchObject({ comments: 0, open: 0 })
    here.alm.store.unlock('defect', '1', { user: 'bob', session: null, via: 'control' })
    await waitOver(here)
    await fullRun(here)
    expect(inAlm(here)).toEqual(['patience'])
    expect(await codesOf(here)).toEqual([])
  })

  it('is not doubled by a write whose answer is lost, and is in the ledger once', async () => {
    const { here, twin } = await open()
    here.alm.comment('defect', '1', 'to Octane')
    here.octane.faults.add({ match: { method: 'POST', path: '/comments' }, kind: 'drop-after' })
    await fullRun(here)
    inOctaneSays(here, twin, 'to ALM')
    here.alm.faults.add({ match: { method: 'PUT', path: '/defects/1$' }, kind: 'drop-after' })
    for (let round = 0; round < 3; round++) {
      await timePasses(here)
      await fullRun(here)
    }
    expect(inAlm(here)).toEqual(['to Octane', 'to ALM'])
    expect(inOctane(here, twin)).toEqual(['to Octane', 'to ALM'])
    const [row] = await here.database.sql<{ found: number }[]>`
      select count(*) filter (where found_by_looking)::int as found from ledger where action = 'comment'`
    expect(row).toEqual({ found: 2 })
    expect(await ledgerOf(here)).toEqual({ comments: 2, writes: restWrites(here), open: 0 })
    await rests(here)
  })

  it('that the server writes after we looked for it in vain is waited for, not sent again', async () => {
    const { here, twin } = await open()
    here.alm.comment('defect', '1', 'late')
    here.octane.faults.add({ match: { method: 'POST', path: '/comments' }, kind: 'commit-late' })
    for (let look = 0; look < 3; look++) {
      await fullRun(here)
      await waitOver(here)
    }
    expect(inOctane(here, twin)).toEqual([])
    here.octane.faults.releaseHeld()
    await fullRun(here)
    expect(inOctane(here, twin)).toEqual(['late'])
    expect(await ledgerOf(here)).toEqual({ comments: 1, writes: restWrites(here), open: 0 })
    await rests(here)
  })

  it('of a worker that dies at any of its calls is there once, edited and deleted once, with a ledger row each', async () => {
    const { here, twin } = await open({ link: comments({ deletes: 'all' }) })
    const history = followHistory(here)
    const names = ['store.recordIntents', 'alm.comments.write', 'octane.comments.write', 'store.commit']
    const points = names.flatMap((of) =>
      [1, 2].flatMap((call) => (['before', 'after'] as const).map((when) => ({ of, call, when }))),
    )
    const expected: string[] = []
    const died = new Set<string>()
    for (const [round, death] of points.entries()) {
      const [mine, yours] = [`mine${round}w`, `yours${round}w`]
      for (const text of [mine, `${mine} too`]) here.alm.comment('defect', '1', text)
      const [own, other] = [inOctaneSays(here, twin, yours), inOctaneSays(here, twin, `${yours} too`)]
      if ((await work(here, history, { death, parallel: 1 })).isDead()) died.add(`${death.when} ${death.of}`)
      expected.push(mine, `${mine} too`)
      // Some of it is edited and some taken away before anybody has looked again.
      if (round % 3 === 0) here.octane.remove('comment', own.id)
      else expected.push(yours)
      if (round % 2 === 0) here.octane.edit('comment', other.id, { text: `${yours} edited` })
      expected.push(`${yours} ${round % 2 === 0 ? 'edited' : 'too'}`)
      if (round % 4 === 3) expect(await untilQuiet(here, history, { extent: 'all' })).toBe(true)
      else await timePasses(here, history)
    }
    expect(await untilQuiet(here, history, { extent: 'all' })).toBe(true)
    expect(inAlm(here).sort()).toEqual([...expected].sort())
    expect(inOctane(here, twin).sort()).toEqual([...expected].sort())
    expect([...died].sort()).toEqual(names.flatMap((name) => [`after ${name}`, `before ${name}`]).sort())
    expect(await ledgerOf(here)).toMatchObject({ writes: restWrites(here), open: 0 })
    expect(await verifyChain(here.database, `link:${here.linkId}`)).toMatchObject({ firstBreak: null })
  })
})

it('a simulation counts records with comments to write and shows each, and writes nothing', async () => {
  const { here, twin } = await open()
  inOctaneSays(here, twin, 'to ALM')
  here.alm.comment('defect', '1', 'to Octane')
  here.octane.create('defect', { name: 'new' })
  const fresh = here.octane.records('defect').find((one) => one.name === 'new')
  inOctaneSays(here, String(fresh?.id), 'with the new one')
  const before = restWrites(here)
  const { runId, counts } = await simulationRun(here, 'changes')
  expect(counts).toMatchObject({ 'update-both': 1, 'create-left': 1 })
  expect(restWrites(here) - before).toBe(0)
  const shown = await here.database.sql<{ action: string; after: string }[]>`
    select action, f ->> 'after' as after from simulated_items, jsonb_array_elements(item -> 'fields') f
    where run_id = ${runId} and f ->> 'field' in ('dev-comments', 'comments') order by after`
  expect(shown).toEqual([
    { action: 'update-both', after: 'to ALM' },
    { action: 'update-both', after: 'to Octane' },
    { action: 'create-left', after: 'with the new one' },
  ])
})

it('a configuration that asks for something else of comments is refused with field and remedy', () => {
  const refused = linkConfiguration.safeParse({ comments: { deletes: 'both', edits: 'no', colour: 'red' } })
  const told = refused.error?.issues.map(({ path, message }) => `${path.join('/')}: ${message}`) ?? []
  expect(told).toEqual(
    expect.arrayContaining([
      'comments/deletes: must be nothing, copies or all',
      expect.stringMatching(/^comments\/edits: /),
    ]),
  )
})
