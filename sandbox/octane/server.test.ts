import { afterEach, describe, expect, it } from 'vitest'
import { createOctaneSandbox, type OctaneOptions } from './server.ts'

type Sandbox = ReturnType<typeof createOctaneSandbox>
type Body = Record<string, unknown> & { data?: Record<string, unknown>[]; errors?: Record<string, unknown>[] }

let sandboxes: Sandbox[] = []

afterEach(async () => {
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()))
  sandboxes = []
})

/** A client as somebody else would write it: fetch, cookies by hand, nothing of ours. */
async function start(options: Partial<OctaneOptions> = {}) {
  const sandbox = createOctaneSandbox({ seed: 1, defects: 0, ...options })
  sandboxes.push(sandbox)
  const { url } = await sandbox.listen()
  const home = `/api/shared_spaces/${sandbox.sharedSpace}/workspaces/${sandbox.workspace}`
  let cookie = ''
  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(cookie === '' ? {} : { cookie }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    const cookies = answer.headers.getSetCookie()
    const token = cookies.find((one) => one.startsWith('LWSSO_COOKIE_KEY='))?.split(';')[0]
    return { status: answer.status, cookies, token, text, body: (text === '' ? {} : JSON.parse(text)) as Body }
  }
  async function signIn(body: unknown = sandbox.credentials.user) {
    const answer = await call('POST', '/authentication/sign_in', body)
    cookie = answer.token ?? cookie
    return answer
  }
  const at = (path: string, query: Record<string, string> = {}) =>
    `${home}/${path}${Object.keys(query).length === 0 ? '' : `?${new URLSearchParams(query)}`}`
  return { sandbox, call, signIn, at, setCookie: (next: string) => (cookie = next) }
}

describe('signing in to Octane', () => {
  it('takes a name, an API key, and an API key under the names of a user', async () => {
    const { sandbox, call, signIn, at } = await start()
    const { clientId, clientSecret } = sandbox.credentials.apiKey
    for (const body of [
      sandbox.credentials.user,
      { client_id: clientId, client_secret: clientSecret },
      { user: clientId, password: clientSecret },
    ]) {
      const answer = await signIn(body)
      expect(answer.status).toBe(200)
      expect(answer.cookies.some((one) => /^LWSSO_COOKIE_KEY=.*HttpOnly/i.test(one) && !/secure/i.test(one))).toBe(true)
      expect(answer.cookies.some((one) => one.startsWith('OCTANE_USER='))).toBe(true)
      expect((await call('GET', at('defects'))).status).toBe(200)
    }
  })

  it('refuses wrong credentials and unsigned calls with 401 and errorCode', async () => {
    const { call, signIn, at } = await start()
    expect(await signIn({ user: 'sync@example.com', password: 'nope' })).toMatchObject({
      status: 401,
      body: { errorCode: expect.any(String) },
    })
    expect(await call('GET', at('defects'))).toMatchObject({ status: 401, body: { errorCode: expect.any(String) } })
  })

  it('takes cookies as clients send them, attributes and all, and a bearer token', async () => {
    const { call, signIn, at, setCookie } = await start()
    const { cookies, token } = await signIn()
    setCookie(cookies.join(', '))
    expect((await call('GET', at('defects'))).status).toBe(200)
    setCookie('')
    const bearer = { authorization: `Bearer ${token?.split('=').slice(1).join('=')}` }
    expect((await call('GET', at('defects'), undefined, bearer)).status).toBe(200)
  })

  it('replaces the token now and then, ends it after its time, and forgets it at sign-out', async () => {
    let now = Date.parse('2026-05-04T08:00:00Z')
    const { call, signIn, at, setCookie } = await start({
      now: () => now,
      switches: { rotationSeconds: '60', idleSeconds: '600' },
    })
    await signIn()
    now += 61_000
    const rotated = await call('GET', at('defects'))
    expect(rotated.token).toBeDefined()
    expect((await call('GET', at('defects'))).status).toBe(200)
    setCookie(rotated.token ?? '')
    now += 601_000
    expect(await call('GET', at('defects'))).toMatchObject({
      status: 401,
      body: { errorCode: 'VALIDATION_TOKEN_EXPIRED_IDLE_TIME_OUT' },
    })
    await signIn()
    expect((await call('POST', '/authentication/sign_out')).status).toBe(200)
    expect((await call('GET', at('defects'))).status).toBe(401)
  })

  it('keeps a bearer token as long as the session lasts, without cookies', async () => {
    let now = Date.parse('2026-05-04T08:00:00Z')
    const { call, signIn, at, setCookie } = await start({ now: () => now, switches: { rotationSeconds: '60' } })
    const { token } = await signIn()
    setCookie('')
    const bearer = { authorization: `Bearer ${token?.split('=').slice(1).join('=')}` }
    for (let minute = 0; minute < 5; minute++) {
      now += 61_000
      expect(await call('GET', at('defects'), undefined, bearer)).toMatchObject({ status: 200, cookies: [] })
    }
    now += 86_400_000
    expect((await call('GET', at('defects'), undefined, bearer)).status).toBe(401)
  })

  it('takes every cookie back at sign-out', async () => {
    const { sandbox, call, signIn } = await start()
    const { cookies } = await signIn({ ...sandbox.credentials.user, enable_csrf: 'true' })
    const csrf = { 'hpsso-header-csrf': cookies.find((one) => one.startsWith('HPSSO'))?.split(/[=;]/)[1] ?? '' }
    const gone = await call('POST', '/authentication/sign_out', undefined, csrf)
    const names = (given: string[]) => given.map((one) => one.split('=')[0])
    expect(names(gone.cookies)).toEqual(names(cookies))
    expect(gone.cookies.every((one) => one.endsWith('Max-Age=0'))).toBe(true)
  })

  it('lets API keys in alone, where the site says so', async () => {
    const { sandbox, signIn } = await start({ switches: { apiKeysOnly: 'yes' } })
    const { clientId, clientSecret } = sandbox.credentials.apiKey
    expect((await signIn()).status).toBe(401)
    expect((await signIn({ client_id: clientId, client_secret: clientSecret })).status).toBe(200)
  })

  it('wants the CSRF header when it was asked for', async () => {
    const { sandbox, call, signIn, at } = await start()
    const { cookies } = await signIn({ ...sandbox.credentials.user, enable_csrf: 'true' })
    const csrf = cookies.find((one) => one.startsWith('HPSSO_COOKIE_CSRF='))?.split(/[=;]/)[1] ?? ''
    expect((await call('POST', at('defects'), { data: [{ name: 'x' }] })).status).toBe(401)
    expect((await call('POST', at('defects'), { data: [{ name: 'x' }] }, { 'hpsso-header-csrf': csrf })).status).toBe(
      201,
    )
  })
})

describe('places of Octane', () => {
  it('are a space, a workspace, its people, and the version of the server', async () => {
    const { sandbox, call, signIn } = await start()
    await signIn()
    expect((await call('GET', '/api/shared_spaces')).body.data?.[0]).toMatchObject({ type: 'shared_space', id: '1001' })
    expect((await call('GET', '/api/shared_spaces/1001/workspaces')).body.data?.[0]).toMatchObject({
      type: 'workspace',
      id: sandbox.workspace,
    })
    expect((await call('GET', `/api/shared_spaces/1001/workspaces/${sandbox.workspace}`)).body).toMatchObject({
      type: 'workspace',
    })
    expect((await call('GET', '/admin/server/version')).body).toHaveProperty('version')
  })

  it('that do not exist answer 404 in the words of the servlet', async () => {
    const { call, signIn, at } = await start()
    await signIn()
    for (const path of [at('no_such_things'), '/api/shared_spaces/1001/workspaces/4711/defects', '/api/nothing']) {
      const { status, body } = await call('GET', path)
      expect(status).toBe(404)
      expect(String(body.message)).toContain('platform.web_application')
    }
    expect(await call('GET', at('defects/99999'))).toMatchObject({
      status: 404,
      body: { error_code: 'platform.entity_not_found' },
    })
  })
})

describe('records of Octane', () => {
  it('are created in bulk in the order of the request, with what is asked for', async () => {
    const { call, signIn, at } = await start()
    await signIn()
    const { status, body } = await call('POST', at('defects', { fields: 'name,version_stamp,client_lock_stamp' }), {
      data: [{ name: 'one' }, { name: 'two' }],
    })
    expect(status).toBe(201)
    expect(body.data).toEqual([
      { type: 'defect', id: expect.any(String), name: 'one', version_stamp: 1, client_lock_stamp: 1 },
      { type: 'defect', id: expect.any(String), name: 'two', version_stamp: 1, client_lock_stamp: 1 },
    ])
    expect(body).toMatchObject({ total_count: 2, exceeds_total_count: false })
  })

  it('fail row by row: 409 with what was done and what was not', async () => {
    const { sandbox, call, signIn, at } = await start()
    await signIn()
    const { status, body } = await call('POST', at('defects'), {
      data: [{ name: 'one', version_stamp: 111 }, { name: 'two' }, { name: 'three', sss: 1 }],
    })
    expect(status).toBe(409)
    expect(body.data).toHaveLength(1)
    expect(body.errors).toMatchObject([
      { index: 0, error_code: 'platform.modify_non_editable_field', properties: { field_name: 'version_stamp' } },
      {
        index: 2,
        error_code: 'platform.unknown_field',
        description: "The entity type 'defect' does not have a field/s by name/s 'sss'",
      },
    ])
    expect(sandbox.records('defect').map((record) => record.name)).toEqual(['two'])
    expect((await call('POST', at('defects'), { data: [{ name: 'x', version_stamp: 1 }] })).status).toBe(403)
  })

  it('are changed by one, by many and by query, and deleted with an empty answer', async () => {
    const { sandbox, call, signIn, at } = await start()
    await signIn()
    const made = await call('POST', at('defects'), { data: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] })
    const [a, b, c] = (made.body.data ?? []).map((one) => String(one.id))
    expect((await call('PUT', at(`defects/${a}`, { fields: 'name' }), { name: 'A' })).body).toMatchObject({ name: 'A' })
    expect(
      (
        await call('PUT', at('defects'), {
          data: [
            { id: a, name: 'AA' },
            { id: b, name: 'BB' },
          ],
        })
      ).status,
    ).toBe(200)
    const byQuery = await call('PUT', at('defects', { query: '"name EQ ^BB^"' }), { data: [{ story_points: 8 }] })
    expect(byQuery.body.data).toHaveLength(1)
    expect(sandbox.records('defect').find((one) => one.id === b)).toMatchObject({ name: 'BB', story_points: 8 })
    expect(await call('DELETE', at(`defects/${c}`))).toMatchObject({ status: 200, text: '' })
    expect((await call('DELETE', at('defects', { query: `"id IN ${a},${b}"` }))).body).toMatchObject({ total_count: 2 })
    expect(sandbox.truth.entries().filter((entry) => entry.action === 'delete')).toHaveLength(3)
  })

  it('refuse an outdated client_lock_stamp with a 500 that has a body, and take no stamp as "last one wins"', async () => {
    const { call, signIn, at } = await start()
    await signIn()
    const made = await call('POST', at('defects', { fields: 'client_lock_stamp' }), { data: [{ name: 'a' }] })
    const id = String(made.body.data?.[0]?.id)
    expect((await call('PUT', at(`defects/${id}`), { name: 'b', client_lock_stamp: 1 })).status).toBe(200)
    expect(await call('PUT', at(`defects/${id}`), { name: 'c', client_lock_stamp: 1 })).toMatchObject({
      status: 500,
      body: { error_code: expect.stringContaining('lock_stamp') },
    })
    expect((await call('PUT', at(`defects/${id}`), { name: 'd' })).status).toBe(200)
  })

  it('refuse values of the wrong kind, outside their list, too long, and names that exist', async () => {
    const { call, signIn, at } = await start()
    await signIn()
    const release = { name: 'R1', start_date: '2026-01-01T12:00:00Z', end_date: '2026-02-01T12:00:00Z' }
    expect((await call('POST', at('releases'), { data: [release] })).status).toBe(201)
    expect(await call('POST', at('releases'), { data: [release] })).toMatchObject({
      status: 409,
      body: { errors: [{ error_code: 'platform.duplicate_entity_error', business_error: true }] },
    })
    for (const row of [
      { name: 'x', story_points: 'three' },
      { name: 'x', severity: { type: 'list_node', id: 'list_node.severity.cosmic' } },
      { name: 'x'.repeat(256) },
      { name: 'x', closed_on: 'yesterday' },
      { story_points: 1 },
    ])
      expect((await call('POST', at('defects'), { data: [row] })).status, JSON.stringify(row).slice(0, 60)).toBe(400)
    expect((await call('POST', at('defects'), '{"data":')).status).toBe(400)
    expect((await call('POST', at('defects'), 'name=x', { 'content-type': 'text/plain' })).status).toBe(415)
  })
})

describe('queries of Octane', () => {
  async function seeded() {
    const client = await start()
    await client.signIn()
    const rows = [
      { name: "it's (a) test", story_points: 1 },
      { name: 'Alpha beta', story_points: 3, severity: { type: 'list_node', id: 'list_node.severity.high' } },
      { name: 'alpha gamma', story_points: 5, alm_id_udf: 'D/P/defect/7' },
    ]
    await client.call('POST', client.at('defects'), { data: rows })
    const names = async (query: string, more: Record<string, string> = {}) => {
      const answer = await client.call(
        'GET',
        client.at('defects', { query: `"${query}"`, fields: 'name', order_by: 'id', ...more }),
      )
      return answer.status === 200 ? (answer.body.data ?? []).map((one) => one.name) : answer.status
    }
    return { ...client, names }
  }

  it('compare words and symbols, texts without case, with wildcards and quotes of both kinds', async () => {
    const { names } = await seeded()
    expect(await names('story_points GE 3')).toEqual(['Alpha beta', 'alpha gamma'])
    expect(await names('story_points>=3;story_points<5')).toEqual(['Alpha beta'])
    expect(await names("name EQ 'ALPHA BETA'")).toEqual(['Alpha beta'])
    expect(await names('name EQ ^alpha*^')).toEqual(['Alpha beta', 'alpha gamma'])
    expect(await names("name EQ ^it's (a) test^")).toEqual(["it's (a) test"])
    expect(await names("name='it\\'s \\(a\\) test'")).toEqual(["it's (a) test"])
    expect(await names('story_points BTW 1...3')).toEqual(["it's (a) test", 'Alpha beta'])
  })

  it('combine: brackets before not before and before or', async () => {
    const { names } = await seeded()
    expect(await names('story_points EQ 1||story_points EQ 3;name EQ ^alpha*^')).toEqual([
      "it's (a) test",
      'Alpha beta',
    ])
    expect(await names('(story_points EQ 1||story_points EQ 3);name EQ ^alpha*^')).toEqual(['Alpha beta'])
    expect(await names('!name EQ ^alpha*^')).toEqual(["it's (a) test"])
  })

  it('look through references and at what is empty', async () => {
    const { names } = await seeded()
    expect(await names('severity EQ {logical_name EQ ^list_node.severity.high^}')).toEqual(['Alpha beta'])
    expect(await names('severity={id=^list_node.severity.high^}')).toEqual(['Alpha beta'])
    expect(await names('alm_id_udf EQ null')).toEqual(["it's (a) test", 'Alpha beta'])
    expect(await names('owner EQ {null}')).toHaveLength(3)
    expect(await names('!alm_id_udf EQ null')).toEqual(['alpha gamma'])
  })

  it('are refused when they are wrong: fields, quotes, operators, references without braces, pages out of bounds', async () => {
    const { call, at, names } = await seeded()
    for (const query of ['no_field EQ 1', 'name EQ', 'name LIKE ^a^', 'name EQ a b', 'severity EQ 1', '(name EQ ^a^'])
      expect(await names(query), query).toBe(400)
    expect((await call('GET', at('defects', { query: 'id EQ 1' }))).status).toBe(400)
    for (const limit of ['0', '-1', '100000', 'ten'])
      expect((await call('GET', at('defects', { limit }))).status, limit).toBe(400)
    expect((await call('GET', at('defects', { fields: 'name,sss' }))).status).toBe(400)
    expect((await call('GET', at('defects', { order_by: 'sss' }))).status).toBe(400)
  })

  it('are paged, sorted and expanded', async () => {
    const { call, at, names } = await seeded()
    expect(await names('id GT 0', { order_by: '-story_points', limit: '2' })).toEqual(['alpha gamma', 'Alpha beta'])
    const page = await call('GET', at('defects', { limit: '1', offset: '1', order_by: 'id', fields: 'name' }))
    expect(page.body).toMatchObject({ total_count: 3, data: [{ name: 'Alpha beta' }] })
    const expanded = await call(
      'GET',
      at('defects', { query: '"story_points EQ 3"', fields: 'severity{name,logical_name}' }),
    )
    expect(expanded.body.data?.[0]?.severity).toMatchObject({ type: 'list_node', name: 'High' })
    const bare = await call('GET', at('defects', { limit: '1' }))
    expect(Object.keys(bare.body.data?.[0] ?? {}).sort()).toEqual([
      'id',
      'logical_name',
      'subtype',
      'type',
      'workspace_id',
    ])
  })
})

describe('metadata of Octane', () => {
  it('describe entities and fields, lists with their roots, phases and transitions', async () => {
    const { call, signIn, at } = await start()
    await signIn()
    const entities = await call('GET', at('metadata/entities', { query: `"name EQ 'defect'"` }))
    expect(entities.body.data?.[0]).toMatchObject({ type: 'entity_metadata', name: 'defect' })
    const fields = (await call('GET', at('metadata/fields', { query: `"entity_name EQ 'defect'"` }))).body.data ?? []
    expect(fields.length).toBeGreaterThanOrEqual(41)
    expect(fields.find((field) => field.name === 'severity')).toMatchObject({
      field_type: 'reference',
      field_type_data: { targets: [{ type: 'list_node', logical_name: 'list_node.severity' }] },
    })
    const nodes = await call(
      'GET',
      at('list_nodes', { query: '"list_root EQ {logical_name EQ ^list_node.severity^}"', fields: 'name,logical_name' }),
    )
    expect(nodes.body.data).toHaveLength(5)
    const phases = await call('GET', at('phases', { query: `"entity EQ 'defect'"`, fields: 'name,is_start_phase' }))
    expect(phases.body.data?.filter((phase) => phase.is_start_phase === true)).toHaveLength(1)
    const transitions = await call(
      'GET',
      at('transitions', { query: `"entity EQ 'defect'"`, fields: 'source_phase{name},target_phase{name}' }),
    )
    expect(transitions.body.data?.[0]?.source_phase).toHaveProperty('name')
  })
})

describe('faults of the Octane sandbox', () => {
  it('strike before or after the work, drop, slow down, sign out and throttle as told', async () => {
    const { sandbox, call, signIn, at } = await start()
    await signIn()
    const post = () => call('POST', at('defects'), { data: [{ name: 'x' }] })
    const count = () => sandbox.records('defect').length
    sandbox.faults.add({ match: { method: 'POST', path: '/defects' }, kind: 'error-before' })
    expect([(await post()).status, count()]).toEqual([500, 0])
    sandbox.faults.add({ match: { method: 'POST', path: '/defects' }, kind: 'error-after' })
    expect([(await post()).status, count()]).toEqual([500, 1])
    sandbox.faults.add({ match: { method: 'POST', path: '/defects' }, kind: 'drop-after' })
    await expect(post()).rejects.toThrow()
    expect(count()).toBe(2)
    sandbox.faults.add({ match: { method: 'POST', path: '/defects' }, kind: 'throttle', retryAfter: 7 })
    expect([(await post()).status, count()]).toEqual([429, 2])
    sandbox.faults.add({ match: { method: 'POST', path: '/defects' }, kind: 'unauthorized' })
    expect([(await post()).status, count()]).toEqual([401, 2])
    expect((await call('GET', at('defects'))).status).toBe(401)
  })
})
