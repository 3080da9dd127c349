import { afterEach, expect, it } from 'vitest'
import { commentsOf } from '../../core/comments.ts'
import { createOctaneSandbox } from '../../sandbox/octane/server.ts'
import { createOctaneConnector } from './connector.ts'

let close: () => Promise<unknown> = async () => undefined

afterEach(async () => {
  await close()
})

async function start() {
  const octane = createOctaneSandbox({ seed: 1, defects: 3 })
  const { url } = await octane.listen()
  const connector = createOctaneConnector({
    address: { kind: 'octane', url, sharedSpace: octane.sharedSpace, workspace: octane.workspace },
    secret: { kind: 'api-key', ...octane.credentials.apiKey },
  })
  close = () => Promise.all([connector.close(), octane.close()])
  const ids = octane.records('defect').map((one) => one.id)
  const say = (id: string, text: string) => octane.create('comment', { text, owner_work_item: { type: 'defect', id } })
  return { octane, connector, ids, say }
}

it('comments of Octane are listed for the records that have some, all others have none', async () => {
  const { octane, connector, ids, say } = await start()
  const total = () => [...octane.requests.values()].reduce((sum, count) => sum + count, 0)
  await connector.describe('defect')
  const read = async () => {
    const before = total()
    const records = await connector.read('defect', ids, ['name', 'comments'])
    return { requests: total() - before, records }
  }
  const silent = await read()
  expect(silent.records.map((one) => one.fields.comments)).toEqual([null, null, null])
  expect(silent.records[0]?.fields).not.toHaveProperty('has_comments')
  expect(silent.requests).toBe(1)
  say(ids[1] ?? '', 'hello')
  const { requests, records } = await read()
  expect(requests).toBe(2)
  expect(records.map((one) => commentsOf(one.fields.comments ?? null).map((comment) => comment.text))).toEqual([
    [],
    ['hello'],
    [],
  ])
})

it('a comment of Octane that holds what Tandem could not write back is not edited from the other side', async () => {
  const { octane, connector, ids, say } = await start()
  const [id = ''] = ids
  const { id: comment } = say(id, 'see <video src="https://x.example/a.mp4"></video>')
  const [record] = await connector.read('defect', [id], ['comments'])
  const [was] = commentsOf(record?.fields.comments ?? null)
  if (was === undefined) throw new Error('it has one')
  const results = await connector.comments?.write('defect', id, 'comments', [
    { kind: 'edit', side: 'right', home: 'right', ref: comment, was, text: 'seen' },
  ])
  expect(results).toMatchObject([{ outcome: 'refused', problem: { code: 'comments-held' } }])
  expect(octane.records('comment')[0]?.text).toContain('video')
})

it('a comment of Octane that somebody has edited or taken away meanwhile is not written over', async () => {
  const { octane, connector, ids, say } = await start()
  const [id = ''] = ids
  const [one, two] = [say(id, 'one'), say(id, 'two')]
  const [record] = await connector.read('defect', [id], ['comments'])
  const [first, second] = commentsOf(record?.fields.comments ?? null)
  if (first === undefined || second === undefined) throw new Error('it has two')
  octane.edit('comment', one.id, { text: 'one, edited' })
  octane.remove('comment', two.id)
  const edit = { kind: 'edit', side: 'right', home: 'right', text: 'from ALM' } as const
  const results = await connector.comments?.write('defect', id, 'comments', [
    { ...edit, ref: one.id, was: first },
    { ...edit, ref: two.id, was: second },
    { kind: 'delete', side: 'right', home: 'right', ref: two.id, was: second },
  ])
  expect(results).toMatchObject([
    { outcome: 'refused', problem: { class: 'moved' } },
    { outcome: 'refused', problem: { class: 'moved' } },
    { outcome: 'done', comment: null },
  ])
  expect(octane.records('comment').map((row) => row.text)).toEqual([expect.stringContaining('one, edited')])
})

it('comments of Octane are marked once the second of their time is over, and anew after each edit', async () => {
  const { octane, connector, ids, say } = await start()
  const [id = ''] = ids
  const { id: comment } = say(id, 'hello')
  const marked = async () => (await connector.comments?.commented('defect', null, null))?.marks
  // The first answer tells the server's clock.
  await connector.newest('defect')
  expect(await marked()).toEqual([null])
  octane.clock.set({ offsetMs: 60_000 })
  await connector.newest('defect')
  const first = await marked()
  expect(first).toEqual([expect.any(String)])
  expect(await marked()).toEqual(first)
  octane.edit('comment', comment, { text: 'hello again' })
  expect(await marked()).toEqual([null])
  octane.clock.set({ offsetMs: 120_000 })
  await connector.newest('defect')
  expect(await marked()).not.toEqual(first)
})
