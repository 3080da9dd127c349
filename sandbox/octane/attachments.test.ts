import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Contents } from '../common/contents.ts'
import { cloneOctane } from './server.ts'
import { asked, startOctane } from './test-client.ts'

let running: Awaited<ReturnType<typeof startOctane>>[] = []

afterEach(async () => {
  await Promise.all(running.map((one) => one.octane.close()))
  running = []
})

async function start(switches: Record<string, string> = {}) {
  const client = await startOctane({ switches })
  running.push(client)
  const { octane, url, home, cookie } = client
  const defect = await client.create('defects', { name: 'with files' })
  const owner = { type: 'work_item', id: defect }
  /** A multipart upload as SDKs send it. */
  async function upload(entity: object, content: Buffer, file = 'blob', method = 'POST', path = 'attachments') {
    const form = new FormData()
    form.append('entity', new Blob([JSON.stringify(entity)], { type: 'application/json' }), 'blob')
    form.append('content', new Blob([content]), file)
    const answer = await fetch(`${url}${home}/${path}`, { method, headers: { cookie }, body: form })
    // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
    return { status: answer.status, json: (await answer.json()) as any }
  }
  /** The bytes alone, with all else in the address. */
  async function send(method: string, path: string, body: Buffer) {
    const headers = { cookie, 'content-type': 'application/octet-stream' }
    const answer = await fetch(`${url}${home}/${path}`, { method, headers, body })
    // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
    return { status: answer.status, json: (await answer.json()) as any }
  }
  async function bytes(path: string, accept = 'application/octet-stream', more: Record<string, string> = {}) {
    const answer = await fetch(`${url}${home}/${path}`, { headers: { cookie, accept, ...more } })
    return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.arrayBuffer()) }
  }
  const files = () => (octane.contents.directory === null ? [] : readdirSync(octane.contents.directory))
  return { ...client, defect, owner, upload, send, bytes, files }
}

const png = Buffer.from('89504e470d0a1a0a0000', 'hex')

describe('uploads of Octane', () => {
  it('come in two parts: the entity, and the bytes whatever they are', async () => {
    const { octane, call, defect, owner, upload, bytes } = await start()
    for (const content of [
      Buffer.alloc(0),
      Buffer.from('text\r\n--not the boundary\r\n\r\n'),
      Buffer.concat([Buffer.from('\r\n'), randomBytes(300_000), Buffer.from('\r\n-')]),
    ]) {
      const made = await upload({ name: ' größe 1.txt ', owner_work_item: owner, description: 'why' }, content)
      expect(made).toMatchObject({ status: 201, json: { total_count: 1, data: [{ type: 'attachment' }] } })
      const { id } = made.json.data[0]
      const row = await call('GET', `attachments/${id}?fields=name,size,author,owner_work_item,description`)
      expect(row.json).toMatchObject({
        name: 'größe 1.txt',
        size: content.length,
        owner_work_item: { type: 'defect', id: defect },
        author: { type: 'workspace_user' },
        description: 'why',
      })
      expect((await bytes(`attachments/${id}`)).body.equals(content)).toBe(true)
      const named = `attachments/${id}/${encodeURIComponent('größe 1.txt')}`
      expect((await bytes(named, '*/*')).body.equals(content)).toBe(true)
      expect((await bytes(`attachments/${id}/other.txt`, '*/*')).status).toBe(404)
    }
    expect(octane.truth.entries().filter((one) => one.type === 'attachment')).toHaveLength(3)
    const listed = await call('GET', `attachments?${asked(`owner_work_item EQ {id EQ ${defect}}`)}&fields=id,name`)
    expect(listed.json.total_count).toBe(3)
  })

  it('come with their parts in any order, and a file whose entity has no name tells its own', async () => {
    const { url, home, cookie, owner } = await start()
    const part = (headers: string, content: string) => `--b\r\n${headers}\r\n\r\n${content}\r\n`
    const named = (parameters: string, content: string) =>
      part(`Content-Disposition: form-data; ${parameters}`, content)
    const entity = JSON.stringify({ owner_work_item: owner })
    const file = named('name="content"; filename="own name.txt"', 'the bytes')
    for (const body of [
      `before all\r\n${named('name="entity"', entity)}${file}--b--after all`,
      `${file}${part('CONTENT-DISPOSITION:form-data;name=entity', entity)}--b--\r\n`,
      // Of each the first one counts, and others do not.
      [
        named('name="other"', 'x'.repeat(1_500_000)),
        file,
        named('name="content"; filename="second.txt"', 'more bytes than those'),
        named('name="entity"', entity),
        named('name="entity"', '{}'),
        '--b--\r\n',
      ].join(''),
    ]) {
      const answer = await fetch(`${url}${home}/attachments?fields=name,size`, {
        method: 'POST',
        headers: { cookie, 'content-type': 'multipart/form-data; boundary="b"' },
        body,
      })
      expect(await answer.json(), body.slice(0, 200)).toMatchObject({ data: [{ name: 'own name.txt', size: 9 }] })
    }
  })

  it('come whole, with the name and the owner in the address as SDKs write them', async () => {
    const { octane, call, defect, send, bytes } = await start()
    const address = `attachments?name=a%20b.txt&owner_work_item={"id":${defect},"type":"work_item"}&fields=name,size`
    const made = await send('POST', address, Buffer.from('héllo'))
    expect(made).toMatchObject({ status: 201, json: { data: [{ name: 'a b.txt', size: 6 }] } })
    const { id } = made.json.data[0]
    const got = await bytes(`attachments/${id}`)
    expect(got.body.toString()).toBe('héllo')
    expect(got.headers.get('content-disposition')).toContain('a%20b.txt')
    const etag = got.headers.get('etag') ?? ''
    expect((await bytes(`attachments/${id}`, undefined, { 'if-none-match': etag })).status).toBe(304)
    expect(octane.records('defect')[0]).toMatchObject({
      has_attachments: true,
      attachments: [{ type: 'attachment', id }],
    })
    const read = await call('GET', `defects/${defect}?fields=has_attachments,attachments{name}`)
    expect(read.json.attachments).toEqual({ total_count: 1, data: [{ type: 'attachment', id, name: 'a b.txt' }] })
    expect((await call('DELETE', `attachments/${id}`)).status).toBe(200)
    expect((await bytes(`attachments/${id}`)).status).toBe(404)
    expect(octane.records('defect')[0]).toMatchObject({ has_attachments: false, attachments: [] })
  })

  it('are refused by name, kind, content, size and owner, and leave nothing behind', async () => {
    const { octane, owner, upload, send, call, files } = await start({ attachmentMaximum: '1000' })
    const text = Buffer.from('x')
    for (const name of ['a/b.txt', 'a\\b.txt', 'a:b.txt', 'a*.txt', 'a?.txt', 'a"b.txt', 'a<b.txt', 'a|b.txt', '.txt'])
      expect((await upload({ name, owner_work_item: owner }, text)).status, name).toBe(400)
    for (const [entity, content, code] of [
      [{ name: 'virus.exe' }, text, 'platform.attachment_extension_not_allowed'],
      [{ name: 'noextension' }, text, 'platform.attachment_extension_not_allowed'],
      [{ name: 'a.png' }, text, 'platform.attachment_content_mismatch'],
      [{ name: 'a.txt' }, Buffer.alloc(1_001), 'platform.attachment_too_large'],
      [{ name: 'a.txt' }, Buffer.alloc(3_000_000), 'platform.attachment_too_large'],
      [{ name: 'virus.exe' }, Buffer.alloc(1_001), 'platform.attachment_extension_not_allowed'],
      [{ name: 'virus.exe' }, Buffer.alloc(3_000_000), 'platform.attachment_too_large'],
      [{ name: 'a.txt', size: 7 }, text, 'platform.modify_non_editable_field'],
      [{ name: 'a.txt', owner_test: owner }, text, 'platform.illegal_field_value'],
      [{ name: 'a.txt', nothing: 1 }, text, 'platform.unknown_field'],
    ] as const) {
      const answer = await upload({ owner_work_item: owner, ...entity }, content)
      expect(answer.json.error_code, JSON.stringify(entity)).toBe(code)
    }
    expect((await upload({ name: 'a.txt' }, text)).json.error_code).toBe('platform.required_field_missing')
    const whole = { name: 'a.txt', owner_work_item: owner }
    for (const entity of [{ data: [whole] }, [whole], { ...whole, description: 'x'.repeat(1_048_576) }])
      expect((await upload(entity, text)).json.error_code).toBe('platform.bad_request')
    expect((await send('POST', 'attachments?name=a.txt&owner_work_item=nonsense', text)).status).toBe(400)
    expect((await call('POST', 'attachments', { data: [{ name: 'a.txt', owner_work_item: owner }] })).status).toBe(415)
    expect(octane.records('attachment')).toEqual([])
    // The same bytes are kept once, and of those that were too large nothing.
    expect(files()).toEqual([createHash('sha256').update(text).digest('hex')])
    expect((await upload({ name: 'a.png', owner_work_item: owner }, png)).status).toBe(201)
    const exactly = { name: 'a.txt', owner_work_item: owner }
    expect((await upload(exactly, Buffer.alloc(1_000))).status).toBe(201)
  })

  it('of broken multipart bodies are refused', async () => {
    const { url, home, cookie, octane } = await start()
    for (const body of [
      '',
      '--b\r\n\r\n',
      '--b\r\nContent-Disposition: form-data; name="content"\r\n\r\nx\r\n--b\r\n',
      `--b and more\r\n${'x'.repeat(3_000_000)}`,
    ])
      expect(
        (
          await fetch(`${url}${home}/attachments`, {
            method: 'POST',
            headers: { cookie, 'content-type': 'multipart/form-data; boundary=b' },
            body,
          })
        ).status,
        body.slice(0, 200),
      ).toBe(400)
    expect(octane.records('attachment')).toEqual([])
  })

  it('that break off leave nothing behind', async () => {
    const { octane, url, home, cookie, files } = await start()
    for (const [type, body] of [
      ['application/octet-stream', 'only this'],
      [
        'multipart/form-data; boundary=b',
        '--b\r\nContent-Disposition: form-data; name="content"; filename="a.txt"\r\n\r\nonly this',
      ],
    ] as const) {
      const sending = httpRequest(`${url}${home}/attachments`, {
        method: 'POST',
        headers: { cookie, 'content-type': type, 'content-length': '1000' },
      })
      const gone = new Promise((resolve) => sending.on('error', resolve))
      sending.write(body)
      const patience = { timeout: 20_000 }
      await vi.waitFor(() => expect(files()).toHaveLength(1), patience)
      sending.destroy()
      await gone
      await vi.waitFor(() => expect(files()).toEqual([]), patience)
    }
    expect(octane.records('attachment')).toEqual([])
  })

  it('lie in a directory that goes with the last workspace that has them', async () => {
    const own = await startOctane({ switches: { basicAuthentication: 'yes' } })
    const owner = { type: 'defect', id: await own.create('defects', { name: 'with a file' }) }
    const content = await own.octane.contents.receive(Readable.from([Buffer.from('one')]))
    const { id } = own.octane.attach(owner, 'a.txt', content)
    const place = own.octane.contents.directory ?? ''
    const copy = cloneOctane(own.octane, { workspace: 1003 })
    const { url } = await copy.listen()
    await own.octane.close()
    const { clientId, clientSecret } = copy.credentials.apiKey
    const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
    const answer = await fetch(`${url}/api/shared_spaces/1001/workspaces/1003/attachments/${id}`, {
      headers: { authorization, accept: 'application/octet-stream' },
    })
    expect(await answer.text()).toBe('one')
    await copy.close()
    expect(existsSync(place)).toBe(false)
  })

  it('replace content and metadata, never the kind of file or the owner', async () => {
    const { octane, call, owner, upload, send, bytes, create } = await start()
    const { id } = (await upload({ name: 'a.txt', owner_work_item: owner }, Buffer.from('one'))).json.data[0]
    expect((await send('PUT', `attachments/${id}?fields=size,version_stamp`, Buffer.from('three'))).json).toMatchObject(
      {
        size: 5,
        version_stamp: 2,
      },
    )
    expect((await bytes(`attachments/${id}`)).body.toString()).toBe('three')
    expect((await call('PUT', `attachments/${id}?fields=name`, { name: 'b.txt' })).json.name).toBe('b.txt')
    expect((await call('PUT', `attachments/${id}`, { name: 'b.log' })).status).toBe(400)
    const other = { type: 'work_item', id: await create('defects', { name: 'other' }) }
    expect((await call('PUT', `attachments/${id}`, { owner_work_item: other })).status).toBe(403)
    expect((await send('PUT', 'attachments/99999', Buffer.from('x'))).status).toBe(404)
    expect(octane.truth.entries().filter((one) => one.type === 'attachment' && one.action === 'update')).toHaveLength(2)
  })

  it('of a name that is there already are kept, numbered or refused, as the switch says', async () => {
    const { set, owner, upload, call } = await start()
    const again = () => upload({ name: 'a.txt', owner_work_item: owner }, Buffer.from('x'))
    for (const [attachmentSameName, status] of [
      ['keep', 201],
      ['keep', 201],
      ['rename', 201],
      ['refuse', 409],
    ] as const) {
      set({ attachmentSameName })
      expect((await again()).status).toBe(status)
    }
    const names = (await call('GET', 'attachments?fields=name&order_by=id')).json.data
    expect(names.map((one: { name: string }) => one.name)).toEqual(['a.txt', 'a.txt', 'a(1).txt'])
  })

  it('need a signed-in user who may create and read them', async () => {
    const { octane, url, home, owner, upload, bytes } = await start()
    const form = new FormData()
    form.append('content', new Blob(['x']), 'a.txt')
    expect((await fetch(`${url}${home}/attachments`, { method: 'POST', body: form })).status).toBe(401)
    const { id } = (await upload({ name: 'a.txt', owner_work_item: owner }, Buffer.from('one'))).json.data[0]
    octane.permissions.deny({ type: 'attachment', action: 'create' })
    expect((await upload({ name: 'a.txt', owner_work_item: owner }, Buffer.from('x'))).status).toBe(403)
    octane.permissions.deny({ type: 'attachment', action: 'read' })
    expect((await bytes(`attachments/${id}`)).status).toBe(404)
  })

  it('that their client gave up can be carried out later all the same', async () => {
    const { octane, owner, upload, bytes } = await start()
    octane.faults.add({ match: { method: 'POST', path: '/attachments' }, kind: 'commit-late' })
    await expect(upload({ name: 'late.txt', owner_work_item: owner }, Buffer.from('late'))).rejects.toThrow()
    expect(octane.records('attachment')).toEqual([])
    expect(octane.faults.releaseHeld()).toMatchObject([{ status: 201 }])
    const { id } = octane.records('attachment')[0] ?? { id: '' }
    expect((await bytes(`attachments/${id}`)).body.toString()).toBe('late')
  })

  it('raise the stamps of their item or not, and go with it and come back with a snapshot', async () => {
    const { octane, set, call, defect, owner, upload, bytes } = await start()
    const version = () => Number(octane.store.rows('defect').get(defect)?.version_stamp)
    const { id } = (await upload({ name: 'a.txt', owner_work_item: owner }, Buffer.from('one'))).json.data[0]
    expect(version()).toBe(1)
    set({ attachmentsBumpItem: 'yes' })
    await upload({ name: 'b.txt', owner_work_item: owner }, Buffer.from('two'))
    expect(version()).toBe(2)
    expect(octane.truth.entries().at(-1)).toMatchObject({ type: 'defect', action: 'update', version: 2 })
    const before = octane.snapshot()
    await call('DELETE', `defects/${defect}`)
    expect(octane.records('attachment')).toEqual([])
    octane.restore(before)
    expect((await bytes(`attachments/${id}`)).body.toString()).toBe('one')
  })

  it('of a great size go through files and not through memory, in both forms and directions', async () => {
    const { octane, url, home, cookie, defect, owner, files } = await start({ attachmentMaximum: '400000000' })
    const address = `?name=big.log&owner_work_item=${encodeURIComponent(`{"type":"work_item","id":"${defect}"}`)}`
    const entity = JSON.stringify({ name: 'big.log', owner_work_item: owner })
    const form = `--b\r\nContent-Disposition: form-data; name="entity"\r\n\r\n${entity}\r\n--b\r\nContent-Disposition: form-data; name="content"\r\n\r\n`
    // Made elsewhere: the server knows nothing of how they can be made again.
    const made = new Contents()
    const [whole, part] = [made.generated(11, 100_000_000), made.generated(12, 100_000_000)]
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }, 5)
    for (const [type, query, head, content, tail] of [
      ['application/octet-stream', address, '', whole, ''],
      ['multipart/form-data; boundary=b', '', form, part, '\r\n--b--\r\n'],
    ] as const) {
      const status = await new Promise((resolve, reject) => {
        const headers = { cookie, 'content-type': type }
        const sending = httpRequest(`${url}${home}/attachments${query}`, { method: 'POST', headers }, (answer) => {
          answer.resume()
          resolve(answer.statusCode)
        })
        sending.on('error', reject)
        async function* body() {
          yield Buffer.from(head)
          yield* content.open()
          yield Buffer.from(tail)
        }
        Readable.from(body(), { objectMode: false }).pipe(sending)
      })
      expect(status).toBe(201)
      const { id } = octane.records('attachment').at(-1) ?? { id: '' }
      const answer = await fetch(`${url}${home}/attachments/${id}`, {
        headers: { cookie, accept: 'application/octet-stream' },
      })
      const hash = createHash('sha256')
      for await (const chunk of Readable.fromWeb(answer.body as never)) hash.update(chunk as Buffer)
      expect(hash.digest('hex')).toBe(content.sha256)
    }
    clearInterval(watch)
    expect(files().sort()).toEqual([whole.sha256, part.sha256].sort())
    expect(most).toBeLessThan(80_000_000)
  })
})
