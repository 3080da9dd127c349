import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asked, startOctane } from './test-client.ts'

let client: Awaited<ReturnType<typeof startOctane>>
beforeAll(async () => {
  client = await startOctane({ defects: 2 })
})
afterAll(() => client.octane.close())

const space = '/api/shared_spaces/1001'

describe('addresses', () => {
  it('may end with a slash, and call the space and the workspace by their logical names', async () => {
    const { call, atSite } = client
    const defects = (await call('GET', 'defects')).json
    expect((await call('GET', 'defects/')).json).toEqual(defects)
    expect((await call('GET', `defects/${defects.data[0].id}/`)).json).toEqual(defects.data[0])
    for (const path of ['/api/shared_spaces/', `${space}/`, `${space}/workspaces/`, `${space}/users/`])
      expect((await atSite('GET', path)).status, path).toBe(200)
    const named = '/api/shared_spaces/default_shared_space/workspaces/demo'
    expect((await atSite('GET', `${named}/defects`)).json).toEqual(defects)
    expect((await atSite('GET', named)).json.id).toBe('1002')
    expect((await atSite('GET', `${named}x/defects`)).status).toBe(404)
  })

  it('that are longer than the container reads are refused with a page, and any length is read where it is told so', async () => {
    const { call, set } = client
    const long = `defects?${asked(`id IN ${Array.from({ length: 1_500 }, (_, index) => 2_000 + index).join(',')}`)}`
    const { status, text, type } = await raw('GET', long)
    expect([status, type, text.includes('URI Too Long')]).toEqual([414, 'text/html;charset=iso-8859-1', true])
    set({ longestAddress: '0' })
    expect((await call('GET', long)).json.total_count).toBe(2)
    set({ longestAddress: '8192' })
  })
})

/** A request whose answer may be anything. */
async function raw(method: string, path: string, headers: Record<string, string> = {}, body?: string) {
  const { url, home, cookie } = client
  const answer = await fetch(path.startsWith('/') ? `${url}${path}` : `${url}${home}/${path}`, {
    method,
    headers: { cookie, ...headers },
    ...(body === undefined ? {} : { body }),
  })
  const type = answer.headers.get('content-type')
  return { status: answer.status, text: await answer.text(), type, allow: answer.headers.get('allow') }
}

describe('methods and media types', () => {
  it('that an address does not know are refused by the servlet, which tells those it knows', async () => {
    for (const [method, path, allow] of [
      ['PATCH', 'defects', 'GET, POST, PUT, DELETE'],
      ['PATCH', 'defects/2001', 'GET, PUT, DELETE'],
      ['POST', 'phases', 'GET'],
      ['DELETE', 'metadata/entities', 'GET'],
      ['POST', 'metadata/fields', 'GET'],
      ['DELETE', `${space}/users`, 'GET, POST'],
      ['GET', '/authentication/sign_in', 'POST'],
      ['GET', '/authentication/sign_out', 'POST'],
    ] as const) {
      const answer = await raw(method, path)
      expect([method, path, answer.status, answer.allow]).toEqual([method, path, 405, allow])
      const { message } = JSON.parse(answer.text)
      expect(JSON.parse(message.replace(/&quot;/g, '"'))).toMatchObject({
        error_code: 'platform.web_application',
        description: 'HTTP 405 Method Not Allowed',
        correlation_id: expect.any(String),
      })
    }
  })

  it('are negotiated: JSON or nothing, and HEAD answers as GET without a body', async () => {
    for (const accept of ['application/xml', 'text/html', 'application/octet-stream'])
      expect((await raw('GET', 'defects', { accept })).status, accept).toBe(406)
    for (const accept of [
      '*/*',
      'application/*;q=0.1',
      'text/html, image/gif, */*; q=0.2',
      'application/json, text/plain',
    ])
      expect((await raw('GET', 'defects', { accept })).status, accept).toBe(200)
    for (const type of ['text/plain', 'text/json', 'application/x-www-form-urlencoded'])
      expect((await raw('POST', 'defects', { 'content-type': type }, '{"data":[]}')).status, type).toBe(415)
    const head = await raw('HEAD', 'defects')
    expect([head.status, head.type, head.text]).toEqual([200, 'application/json;charset=utf-8', ''])
  })
})

describe('the space and its people', () => {
  it('are queried, ordered, paged and shown like any collection', async () => {
    const { atSite } = client
    const users = async (query: string) => (await atSite('GET', `${space}/users?${query}`)).json
    expect(await users(`${asked('email EQ ^sync@example.com^')}&fields=email`)).toEqual({
      total_count: 1,
      exceeds_total_count: false,
      data: [{ type: 'sharedspace_user', id: expect.any(String), email: 'sync@example.com' }],
    })
    const [first, second] = [await users('limit=2&order_by=-name'), await users('limit=2&order_by=-name&offset=2')]
    expect(first.total_count).toBeGreaterThan(4)
    const names = [...first.data, ...second.data].map((user: { name: string }) => user.name.toLowerCase())
    expect(names).toEqual([...names].sort().reverse())
    expect((await users(asked('nothing EQ 1'))).error_code).toBe('platform.unknown_field')
    expect((await users('fields=nothing')).error_code).toBe('platform.unknown_field')
    const { id } = first.data[0]
    expect((await atSite('GET', `${space}/users/${id}?fields=name`)).json).toEqual({
      type: 'sharedspace_user',
      id,
      name: first.data[0].name,
    })
    expect((await atSite('GET', `${space}/users/1`)).json.error_code).toBe('platform.entity_not_found')
    expect((await atSite('GET', `${space}/workspaces?${asked('id EQ 1003')}`)).json.total_count).toBe(0)
    expect((await atSite('GET', `${space}/workspaces?fields=id`)).json.data).toEqual([
      { type: 'workspace', id: '1002' },
    ])
    expect((await atSite('GET', '/api/shared_spaces?limit=0')).status).toBe(400)
  })

  it('somebody new is known by the e-mail, once', async () => {
    const { octane } = client
    const data = [{ email: 'tess@example.com', first_name: 'Tess', last_name: 'Ter', password: 'Welcome1' }]
    const post = (rows: object[]) =>
      raw('POST', `${space}/users`, { 'content-type': 'application/json' }, JSON.stringify({ data: rows }))
    expect((await post(data)).status).toBe(201)
    expect(octane.records('workspace_user').at(-1)).toMatchObject({ name: 'tess@example.com', full_name: 'Tess Ter' })
    expect(octane.truth.entries().at(-1)).toMatchObject({ type: 'workspace_user', action: 'create', via: 'rest' })
    expect(JSON.parse((await post(data)).text)).toMatchObject({ error_code: 'platform.duplicate_entity_error' })
    expect((await post([{ first_name: 'Nobody' }])).status).toBe(400)
  })
})
