import { afterEach, describe, expect, it } from 'vitest'
import { type Comment, type CommentAction, commentsOf } from '../../core/comments.ts'
import { createAlmSandbox } from '../../sandbox/alm/server.ts'
import { createAlmConnector } from './connector.ts'

let close: () => Promise<unknown> = async () => undefined

afterEach(async () => {
  await close()
})

async function start() {
  const alm = createAlmSandbox({ version: '26.1', seed: 1, defects: 1 })
  const { url } = await alm.listen()
  const connector = createAlmConnector({
    address: { kind: 'alm', url, domain: alm.domain, project: alm.project },
    secret: { kind: 'password', ...alm.credentials.user },
  })
  close = () => Promise.all([connector.close(), alm.close()])
  const read = async () => (await connector.read('defect', ['1'], ['dev-comments']))[0]
  const write = async (...actions: CommentAction[]) => {
    if (connector.comments === undefined) throw new Error('ALM has comments')
    return connector.comments.write('defect', '1', 'dev-comments', actions)
  }
  const now = async () => commentsOf((await read())?.fields['dev-comments'] ?? null)
  return { alm, connector, read, write, now }
}

const addition = (ref: string, text: string): CommentAction => ({
  kind: 'add',
  side: 'left',
  author: 'Ann',
  time: '2026-03-01T10:00:00Z',
  text,
  origin: { from: 'Octane 1/2', ref },
})

const edit = (was: Comment | undefined, text: string): CommentAction => {
  if (was === undefined) throw new Error('nothing to edit')
  return { kind: 'edit', side: 'left', home: 'right', ref: was.origin?.ref ?? '', was, text }
}

describe('the memo of comments in ALM', () => {
  it('takes several comments in one write, and the same ones once', async () => {
    const { alm, write, now } = await start()
    const before = alm.truth.entries().length
    const results = await write(addition('1', 'one'), addition('2', '<p>two</p>'))
    expect(results).toMatchObject([
      { outcome: 'done', comment: { text: 'one', origin: { ref: '1' } } },
      { outcome: 'done', comment: { text: '<p>two</p>', origin: { ref: '2' } } },
    ])
    await write(addition('1', 'one'), addition('2', '<p>two</p>'))
    expect(alm.truth.entries().length - before).toBe(1)
    expect((await now()).map((one) => one.text)).toEqual(['one', '<p>two</p>'])
  })

  it('is written as a whole or not at all, where one of several comments has moved meanwhile', async () => {
    const { alm, write, now } = await start()
    await write(addition('1', 'one'))
    const [was] = await now()
    const memo = String(alm.store.get('defect', '1')['dev-comments'])
    alm.edit('defect', '1', { 'dev-comments': memo.replace('>one<', '>one, changed<') })
    const before = alm.truth.entries().length
    expect(await write(edit(was, 'one, from Octane'), addition('2', 'two'))).toMatchObject([
      { outcome: 'refused', problem: { class: 'moved' } },
      { outcome: 'refused', problem: { code: 'not-sent' } },
    ])
    expect(alm.truth.entries().length).toBe(before)
  })

  it('that cannot be read tells nothing of its comments, which is not that there are none', async () => {
    const { alm, read, write } = await start()
    alm.edit('defect', '1', { 'dev-comments': `${'<div>'.repeat(300)}deep${'</div>'.repeat(300)}` })
    const record = await read()
    expect(record?.fields).not.toHaveProperty('dev-comments')
    expect(record?.lost?.['dev-comments']).toEqual([expect.stringContaining('nested')])
    const before = alm.truth.entries().length
    expect(await write(addition('1', 'one'))).toMatchObject([
      { outcome: 'refused', problem: { code: 'comments-held' } },
    ])
    expect(alm.truth.entries().length).toBe(before)
  })

  it('that holds what Tandem could not write back is left alone', async () => {
    const { alm, write } = await start()
    alm.edit('defect', '1', { 'dev-comments': 'see <video src="https://x.example/a.mp4"></video>' })
    const before = alm.store.get('defect', '1')['dev-comments']
    expect(await write(addition('1', 'one'))).toMatchObject([
      { outcome: 'refused', problem: { code: 'comments-held', message: expect.stringContaining('video') } },
    ])
    expect(alm.store.get('defect', '1')['dev-comments']).toBe(before)
  })

  it('gives its lock back, also after a refusal', async () => {
    const { alm, write, now } = await start()
    await write(addition('1', 'one'))
    const [was] = await now()
    await write(edit(was === undefined ? undefined : { ...was, text: 'other' }, 'x'))
    expect(() => alm.store.lock('defect', '1', { user: 'bob', session: 'his', via: 'control' })).not.toThrow()
  })
})
