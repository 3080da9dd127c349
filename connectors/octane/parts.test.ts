import { afterEach, expect, it } from 'vitest'
import { attachmentEntries } from '../../core/attachments.ts'
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

it('files of Octane are listed for the records that have some, all others have none', async () => {
  const { octane, connector, ids } = await start()
  const total = () => [...octane.requests.values()].reduce((sum, count) => sum + count, 0)
  await connector.describe('defect')
  const read = async () => {
    const before = total()
    const records = await connector.read('defect', ids, ['name', 'attachments', 'comments'])
    return { requests: total() - before, records }
  }
  const bare = await read()
  expect(bare.records.map((one) => one.fields.attachments)).toEqual([null, null, null])
  expect(Object.keys(bare.records[0]?.fields ?? {}).sort()).toEqual(['attachments', 'comments', 'name'])
  expect(bare.requests).toBe(1)
  const content = Buffer.from('some bytes')
  const file = {
    name: 'log.txt',
    size: content.length,
    content: async function* () {
      yield content
    },
  }
  expect(await connector.attachments?.add('defect', ids[1] ?? '', file)).toMatchObject({ outcome: 'done' })
  const { requests, records } = await read()
  expect(requests).toBe(2)
  expect(records.map((one) => attachmentEntries(one.fields.attachments ?? null).map((entry) => entry.name))).toEqual([
    [],
    ['log.txt'],
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

it('comments of Octane are listed with a state that is another after each edit, and with their number', async () => {
  const { octane, connector, ids, say } = await start()
  const [id = '', other = ''] = ids
  const { id: comment } = say(id, 'hello')
  say(other, 'there')
  const listed = async () => {
    const page = await connector.comments?.listed('defect', null, null)
    return page?.parts.find((part) => part.id === comment)
  }
  const first = await listed()
  expect(first).toMatchObject({ recordId: id, state: { id: comment, stamp: expect.any(String) } })
  expect(await listed()).toEqual(first)
  const [record] = await connector.read('defect', [id], ['comments'])
  expect(commentsOf(record?.fields.comments ?? null).map((one) => one.stamp)).toEqual([first?.state?.stamp])
  // Within the second of its time, too.
  octane.edit('comment', comment, { text: 'hello again' })
  expect(await listed()).not.toEqual(first)
  const totals = await connector.comments?.totals('defect', comment)
  expect(totals).toEqual({ count: 2, highest: expect.any(String), above: 1 })
  octane.remove('comment', comment)
  expect(await connector.comments?.totals('defect', totals?.highest ?? null)).toEqual({ ...totals, count: 1, above: 0 })
})
