import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { cloneAlm } from './server.ts'
import { AlmClient, type Answer, entity, newDefect, startAlm, value } from './test-client.ts'

let started: Awaited<ReturnType<typeof startAlm>>
let one: AlmClient
let asXml: AlmClient
beforeAll(async () => {
  started = await startAlm()
  one = await started.client().signIn()
  asXml = await started.client('xml').signIn()
})
afterAll(() => started.alm.close())

let id = ''
beforeEach(async () => {
  id = value((await one.create('defects', newDefect)).json, 'id') ?? ''
})

const png = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10, 0, 255, 13, 10, 45, 45])
const binary = { accept: 'application/octet-stream' }
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const problem = (answer: Answer) => [answer.status, answer.json.Id]

function send(name: string, bytes: Uint8Array<ArrayBuffer> = png, where = `defects/${id}`): Promise<Answer> {
  return one.send('POST', `${where}/attachments`, bytes, { 'content-type': 'application/octet-stream', slug: name })
}

type Part = [name: string, content: string | Uint8Array]

function form(parts: readonly Part[], change: (body: Buffer) => Buffer = (body) => body): Promise<Answer> {
  const boundary = 'exampleboundary'
  const body = Buffer.concat([
    ...parts.map(([name, content]) =>
      Buffer.concat([
        Buffer.from(
          `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${name === 'file' ? '; filename="ignored.bin"\r\nContent-Type: text/plain' : ''}\r\n\r\n`,
        ),
        Buffer.from(content),
        Buffer.from('\r\n'),
      ]),
    ),
    Buffer.from(`--${boundary}--\r\n`),
  ])
  return one.send('POST', `defects/${id}/attachments`, new Uint8Array(change(body)), {
    'content-type': `multipart/form-data; boundary=${boundary}`,
  })
}

describe('both forms of an upload', () => {
  test('a file alone: its name in Slug, its bytes as they are', async () => {
    const answer = await send('shot.png')
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toBe(`${started.root}/defects/${id}/attachments/shot.png`)
    const of = (name: string) => value(answer.json, name)
    expect([
      of('name'),
      of('file-size'),
      of('parent-id'),
      of('parent-type'),
      of('ref-type'),
      of('ref-subtype'),
    ]).toEqual(['shot.png', String(png.length), id, 'defect', 'File', '0'])
    expect(of('sha256')).toBeUndefined()
    const got = await one.get(`defects/${id}/attachments/shot.png`, binary)
    expect([got.headers.get('content-type'), got.headers.get('content-disposition')]).toEqual([
      'image/png;charset=utf-8',
      null,
    ])
    expect(got.headers.get('content-length')).toBe(String(png.length))
    expect(got.bytes.equals(png)).toBe(true)
    expect((await one.get(`defects/${id}/attachments/${of('id')}?by-id=true`, binary)).bytes.equals(png)).toBe(true)
    expect(started.alm.requests.get('GET /defects/*/attachments/*')).toBe(2)
    // Without by-id a number is a name.
    expect((await one.get(`defects/${id}/attachments/${of('id')}`)).status).toBe(404)
  })

  test('a form: description, name in any script, and a file that may hold line ends and hyphens', async () => {
    const tricky = Buffer.from('\r\n--exampleboundar\r\n--\r\n\0--exampleboundary', 'latin1')
    const answer = await form([
      ['filename', 'снимок "1"'.replace(/"/g, '')],
      ['description', 'What <b>it</b> shows'],
      ['override-existing-attachment', 'n'],
      ['ref-subtype', '1'],
      ['file', tricky],
    ])
    expect(answer.status).toBe(201)
    expect([value(answer.json, 'name'), value(answer.json, 'ref-subtype')]).toEqual(['снимок 1', '1'])
    expect(value(answer.json, 'description')).toContain('What <b>it</b> shows')
    const name = encodeURIComponent('снимок 1')
    expect((await one.get(`defects/${id}/attachments/${name}`, binary)).bytes.equals(tricky)).toBe(true)
  })

  test('a badly built form is an opaque 500, and the connection goes on', async () => {
    const good: Part[] = [
      ['filename', 'a.txt'],
      ['file', 'x'],
    ]
    const changes: ((body: Buffer) => Buffer)[] = [
      (body) => Buffer.from(body.toString('latin1').replace(/\r\n/g, '\n'), 'latin1'),
      (body) => body.subarray(0, body.length - 20),
      (body) => Buffer.from(body.toString('latin1').replace(/--exampleboundary/g, '--other'), 'latin1'),
      () => Buffer.alloc(0),
      () => Buffer.concat([Buffer.from('--exampleboundary and more\r\n'), Buffer.alloc(3_000_000)]),
    ]
    for (const change of changes) {
      const answer = await form(good, change)
      expect([answer.status, answer.json.Title]).toEqual([500, 'begin 0, end -1, length 1'])
    }
    expect((await form([['filename', 'a.txt']])).status).toBe(500)
    // What comes behind the file is not heard: here it has no name.
    expect((await form([...good].reverse())).status).toBe(400)
    expect((await one.send('POST', `defects/${id}/attachments`, 'x', { 'content-type': 'text/plain' })).status).toBe(
      415,
    )
    const slugless = { 'content-type': 'application/octet-stream' }
    expect((await one.send('POST', `defects/${id}/attachments`, png, slugless)).status).toBe(400)
    expect((await one.get(`defects/${id}/attachments`)).json.TotalResults).toBe(0)
    expect((await form(good)).status).toBe(201)
  })
})

test('Accept chooses between the bytes and what is known of them', async () => {
  await send('a.txt')
  const path = `defects/${id}/attachments/a.txt`
  expect((await one.get(path)).json.Type).toBe('attachment')
  expect((await asXml.get(path)).text).toContain(' Type="attachment">')
  expect((await one.get(path, { accept: '*/*' })).text).toContain(' Type="attachment">')
  expect((await one.get(path, { accept: 'image/png' })).status).toBe(406)
  const both = await one.get(path, { accept: 'application/octet-stream, application/xml' })
  expect(both.headers.get('content-type')).toBe('text/plain;charset=utf-8')
  const missing = await one.get(`${path}.nothing`, { accept: 'application/octet-stream, application/json' })
  expect(problem(missing)).toEqual([404, 'qccore.entity-not-found'])
})

test('the list has each with what is known of it, filtered and projected as other lists', async () => {
  await send('b.txt')
  await send('a.txt')
  const { json } = await one.get(`defects/${id}/attachments?fields=id,name&order-by={name[ASC]}`)
  expect([json.TotalResults, json.entities.map((row: object) => value(row, 'name'))]).toEqual([2, ['a.txt', 'b.txt']])
  expect((await asXml.get(`defects/${id}/attachments?query={name['b.txt']}`)).text).toMatch(
    /<Entities TotalResults="1"><Entity EntityStatus="Success" ErrorMessage="" Type="attachment">/,
  )
  const all = await one.find('attachments', `{parent-type['defect'];parent-id[${id}]}`)
  expect(all).toHaveLength(2)
  const [first] = all as string[]
  expect((await one.get(`attachments/${first}`, binary)).bytes.equals(png)).toBe(true)
  expect((await one.get('defects/99999/attachments')).status).toBe(404)
  expect((await one.get('defect-links/1/attachments')).status).toBe(404)
})

describe('changes', () => {
  test('a name is taken once, unless the form says to replace', async () => {
    const first = await send('a.txt')
    expect(problem(await send('A.TXT'))).toEqual([409, 'qccore.entity-already-exists'])
    started.turn({ existsStatus: '500' })
    expect((await send('a.txt')).status).toBe(500)
    started.turn({ existsStatus: '409' })
    const replaced = await form([
      ['filename', 'a.txt'],
      ['override-existing-attachment', 'y'],
      ['file', 'other'],
    ])
    expect([replaced.status, value(replaced.json, 'id'), value(replaced.json, 'file-size')]).toEqual([
      201,
      value(first.json, 'id'),
      '5',
    ])
    expect((await one.get(`defects/${id}/attachments/a.txt`, binary)).text).toBe('other')
  })

  test('bytes replace the content, an entity changes name and description, and it is deleted', async () => {
    await send('a.txt')
    const path = `defects/${id}/attachments/a.txt`
    const put = await one.send('PUT', path, new Uint8Array([1, 2]), { 'content-type': 'application/octet-stream' })
    expect([put.status, value(put.json, 'file-size')]).toEqual([200, '2'])
    expect((await one.get(path, binary)).bytes).toEqual(Buffer.from([1, 2]))
    expect(value((await one.update(path, { description: 'said' })).json, 'description')).toContain('said')
    await send('b.txt')
    expect((await one.update(path, { name: 'B.txt' })).status).toBe(409)
    expect((await one.update(path, { name: 'c.txt' })).status).toBe(200)
    expect((await one.update(path, { name: 'd.txt' })).status).toBe(404)
    expect((await one.update(`defects/${id}/attachments/c.txt`, { 'file-size': '7' })).status).toBe(403)
    expect((await one.send('DELETE', `defects/${id}/attachments/c.txt`)).status).toBe(200)
    expect((await one.send('DELETE', `defects/${id}/attachments/c.txt`)).status).toBe(404)
  })

  test('a link has an address for a name and no file', async () => {
    const link = entity({ name: 'https://example.com/a?b=c', 'ref-type': 'URL', description: 'see' })
    const answer = await one.send('POST', `defects/${id}/attachments`, link)
    expect([answer.status, value(answer.json, 'ref-type')]).toEqual([201, 'URL'])
    const got = await one.get(`defects/${id}/attachments/${value(answer.json, 'id')}?by-id=true`, binary)
    expect(got.text).toBe('[InternetShortcut]\r\nURL=https://example.com/a?b=c\r\n')
    expect((await one.send('POST', `defects/${id}/attachments`, entity({ name: 'x' }))).status).toBe(400)
  })

  test('attachmentTouches: the flag follows; stamps of the record do or do not', async () => {
    const known = async () => {
      const { json } = await one.get(`defects/${id}`)
      return [value(json, 'attachment'), value(json, 'ver-stamp'), value(json, 'last-modified')]
    }
    const [, , made] = await known()
    await send('a.txt')
    expect(await known()).toEqual(['Y', '1', made])
    started.turn({ attachmentTouches: 'version' })
    await send('b.txt')
    expect(await known()).toEqual(['Y', '2', made])
    started.turn({ attachmentTouches: 'modified' })
    started.alm.clock.set({ offsetMs: 60_000 })
    await send('c.txt')
    const [, stamp, later] = await known()
    expect([stamp, String(later) > String(made)]).toEqual(['3', true])
    started.alm.clock.set({ offsetMs: 0 })
    started.turn({ attachmentTouches: 'nothing' })
    for (const name of ['a.txt', 'b.txt', 'c.txt']) await one.send('DELETE', `defects/${id}/attachments/${name}`)
    expect((await known())[0]).toBeUndefined()
  })
})

describe('what is refused', () => {
  test('types that are blocked, names that are none, files that are too large', async () => {
    expect(problem(await send('run.EXE'))).toEqual([403, 'qccore.operation-forbidden'])
    started.turn({ attachmentBlocked: 'png', attachmentLimitKb: '1' })
    expect((await send('a.png')).status).toBe(403)
    expect((await send('run.exe')).status).toBe(201)
    expect(problem(await send('big.txt', new Uint8Array(1_025)))).toEqual([403, 'qccore.operation-forbidden'])
    expect((await send('fits.txt', new Uint8Array(1_024))).status).toBe(201)
    started.turn({ attachmentBlocked: 'exe,bat,cmd', attachmentLimitKb: '0' })
    for (const name of ['a/b.txt', 'a:b.txt', 'a*b', 'x'.repeat(256)]) expect((await send(name)).status).toBe(400)
  })

  test('who may not, and records that somebody has open', async () => {
    const { permissions, store } = started.alm
    permissions.deny({ type: 'attachment', action: 'create' })
    expect((await send('a.txt')).status).toBe(403)
    permissions.clear()
    await send('a.txt')
    permissions.hideRecords({ type: 'defect', ids: [id] })
    expect((await one.get(`defects/${id}/attachments`)).status).toBe(404)
    expect(await one.find('attachments', `{parent-id[${id}]}`)).toEqual([])
    permissions.clear()
    store.lock('defect', id, { user: 'bob', session: null, via: 'control' }, 60_000)
    expect(problem(await send('b.txt'))).toEqual([403, 'qccore.lock-failure'])
    store.unlock('defect', id, { user: 'bob', session: null, via: 'control' })
    const nobody = started.client()
    const anonymous = { 'content-type': 'application/octet-stream', slug: 'a.txt' }
    expect((await nobody.send('POST', `defects/${id}/attachments`, png, anonymous)).status).toBe(401)
  })
})

test('all are in the truth log with the hash of their content, and go with their record', async () => {
  const since = started.alm.truth.entries().length
  await send('a.txt')
  await one.send('PUT', `defects/${id}/attachments/a.txt`, new Uint8Array([7]), {
    'content-type': 'application/octet-stream',
  })
  await one.send('DELETE', `defects/${id}`)
  expect(
    started.alm.truth
      .entries(since)
      .map(({ action, type, before, after }) => [action, type, (after ?? before)?.sha256]),
  ).toEqual([
    ['create', 'attachment', hashOf(png)],
    ['update', 'attachment', hashOf(new Uint8Array([7]))],
    ['delete', 'attachment', hashOf(new Uint8Array([7]))],
    ['delete', 'defect', undefined],
  ])
})

test('an upload may be done although its answer says otherwise, and one that breaks off leaves nothing', async () => {
  started.alm.faults.add({ kind: 'error-after', match: { method: 'POST', path: '/attachments' } })
  expect((await send('a.txt')).status).toBe(500)
  started.alm.faults.add({ kind: 'drop', match: { method: 'POST', path: '/attachments' } })
  await expect(send('b.txt')).rejects.toThrow()
  const { host, pathname } = new URL(`${started.root}/defects/${id}/attachments`)
  const [name, port] = host.split(':')
  const cookie = [...one.cookies].map(([key, text]) => `${key}=${text}`).join('; ')
  const socket = connect(Number(port), name)
  socket.write(
    `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie}\r\nX-XSRF-TOKEN: ${one.cookies.get('XSRF-TOKEN')}\r\nContent-Type: application/octet-stream\r\nSlug: c.txt\r\nContent-Length: 1000\r\n\r\nonly this`,
  )
  const incoming = () =>
    readdirSync(started.alm.attachments.contents.directory ?? '').filter((file) => file.startsWith('incoming-')).length
  const patience = { timeout: 20_000 }
  await vi.waitFor(() => expect(incoming()).toBe(1), patience)
  socket.destroy()
  await vi.waitFor(() => expect(incoming()).toBe(0), patience)
  const { json } = await one.get(`defects/${id}/attachments`)
  expect(json.entities.map((row: object) => value(row, 'name'))).toEqual(['a.txt'])
})

test('content made from a number is the same each time, byte for byte, also in pieces', async () => {
  const size = 3 * 64 * 1024 + 17
  const { contents } = started.alm.attachments
  const { sha256 } = started.alm.attach('defect', id, { name: 'made.bin', content: contents.generated(5, size) })
  const got = await one.get(`defects/${id}/attachments/made.bin`, binary)
  expect([got.bytes.length, hashOf(got.bytes)]).toEqual([size, sha256])
  expect(contents.generated(6, size).sha256).not.toBe(sha256)
  // And the same when it is sent as a file.
  await send('sent.bin', new Uint8Array(got.bytes))
  expect(started.alm.attachments.of(started.alm.store.model('defect'), id).map((row) => row.sha256)).toEqual([
    sha256,
    sha256,
  ])
})

test('files lie in a directory of their own, which goes with the last sandbox that uses it', async () => {
  const own = await startAlm({ defects: 1 })
  const client = await own.client().signIn()
  const head = { 'content-type': 'application/octet-stream', slug: 'a.bin' }
  await client.send('POST', 'defects/1/attachments', png, head)
  const place = own.alm.attachments.contents.directory ?? ''
  expect([place.startsWith(tmpdir()), existsSync(place)]).toEqual([true, true])
  const copy = cloneAlm(own.alm, { project: 'Copy' })
  const { url } = await copy.listen()
  await own.alm.close()
  const there = await new AlmClient(url, `${url}/rest/domains/DEFAULT/projects/Copy`).signIn()
  expect((await there.get('defects/1/attachments/a.bin', binary)).bytes.equals(png)).toBe(true)
  await copy.close()
  expect(existsSync(place)).toBe(false)
})
