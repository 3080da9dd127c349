import { afterEach, describe, expect, it } from 'vitest'
import type { OctaneOptions } from './server.ts'
import { asked, startOctane } from './test-client.ts'

let running: Awaited<ReturnType<typeof startOctane>>[] = []

afterEach(async () => {
  await Promise.all(running.map((one) => one.octane.close()))
  running = []
})

async function start(switches: Record<string, string> = {}, more: Partial<OctaneOptions> = {}) {
  const client = await startOctane({ switches, ...more })
  running.push(client)
  return client
}

type Row = Record<string, unknown> & { id: string; name: string }
const phase = (name: string) => ({ phase: { type: 'phase', id: `phase.defect.${name}` } })

/** What clients stumble over, each in its smallest form. */
describe('a client that believes', () => {
  it('that one sign-in lasts: the token is replaced, idles out, and ends', async () => {
    let now = Date.parse('2026-05-04T08:00:00Z')
    const { call } = await start({ rotationSeconds: '60', globalSeconds: '300' }, { now: () => now })
    now += 61_000
    const rotated = await call('GET', 'defects')
    expect(rotated.headers.getSetCookie().some((one) => one.startsWith('LWSSO_COOKIE_KEY='))).toBe(true)
    now += 240_000
    expect(await call('GET', 'defects')).toMatchObject({
      status: 401,
      json: { errorCode: 'VALIDATION_TOKEN_EXPIRED_GLOBAL_TIME_OUT' },
    })
  })

  it('in offsets: a row that goes between two pages makes the next one skip', async () => {
    const { octane, call } = await start({}, { defects: 6 })
    const page = async (query: string): Promise<string[]> =>
      (await call('GET', `defects?fields=id&order_by=id&limit=3&${query}`)).json.data.map((one: Row) => one.id)
    const first = await page('offset=0')
    octane.remove('defect', first[0] ?? '')
    const byOffset = await page('offset=3')
    const byKey = await page(asked(`id GT ${first[2]}`))
    expect(byKey).toHaveLength(3)
    expect(byOffset).toEqual(byKey.slice(1))
  })

  it('in its own clock, or in a time alone: stamps are whole seconds of the server, in UTC', async () => {
    const at = Date.parse('2026-05-04T08:00:00.900Z')
    const { octane, call, create } = await start({}, { now: () => at })
    octane.clock.set({ offsetMs: -90_000 })
    const ids = [await create('defects', { name: 'a' }), await create('defects', { name: 'b' })]
    const rows: Row[] = (await call('GET', 'defects?fields=last_modified&order_by=id')).json.data
    expect(rows.map((row) => row.last_modified)).toEqual(['2026-05-04T07:58:30Z', '2026-05-04T07:58:30Z'])
    const since = async (operator: string) =>
      (await call('GET', `defects?${asked(`last_modified ${operator} ^2026-05-04T07:58:30Z^`)}`)).json.total_count
    expect([await since('GT'), await since('GE')]).toEqual([0, ids.length])
  })

  it('that what it wrote comes back as written', async () => {
    const { call, create } = await start()
    const id = await create('defects', { name: 'x', description: '<P ALIGN=left>one<BR>two</P>' })
    const { json } = await call('GET', `defects/${id}?fields=description,browsers_udf,version_stamp`)
    expect(json.description).toMatch(/^<html><body>\n<p align="left">one<br>two<\/p>\n<\/body><\/html>$/)
    const item = (name: string) => ({ type: 'list_node', id: `list_node.browsers.${name}` })
    const set = (data: object[]) => call('PUT', `defects/${id}?fields=browsers_udf`, { browsers_udf: { data } })
    await set([item('edge'), item('chrome'), item('edge')])
    expect((await set([item('safari')])).json.browsers_udf).toEqual({ total_count: 1, data: [item('safari')] })
    expect((await set([])).json.browsers_udf).toEqual({ total_count: 0, data: [] })
    expect((await call('PUT', `defects/${id}?fields=description`, { description: '' })).json.description).toBeNull()
  })

  it('that a record can be sent back as it was read, or be turned into another type', async () => {
    const { call, create } = await start()
    const id = await create('defects', { name: 'x' })
    const { json } = await call('GET', `defects/${id}?fields=name,creation_time,version_stamp`)
    expect(await call('PUT', `defects/${id}`, json)).toMatchObject({
      status: 403,
      json: { error_code: 'platform.modify_non_editable_field' },
    })
    expect((await call('PUT', `defects/${id}`, { subtype: 'story' })).status).toBe(403)
    expect((await call('PUT', `stories/${id}`, { name: 'x' })).status).toBe(404)
  })

  it('that pictures in memos are open to everybody', async () => {
    const { octane, url, home, cookie, create } = await start()
    const { id } = octane.attach(
      { type: 'defect', id: await create('defects', { name: 'x' }) },
      'shot.png',
      octane.contents.generated(1, 100),
    )
    const get = async (headers: Record<string, string>) =>
      (await fetch(`${url}${home}/attachments/${id}/shot.png`, { headers })).status
    expect([await get({}), await get({ cookie })]).toEqual([401, 200])
  })

  it('that labels of lists are their keys', async () => {
    const { call } = await start({ severityLabels: 'customised' })
    const query = asked('list_root EQ {logical_name EQ ^list_node.severity^}')
    const nodes: Row[] = (await call('GET', `list_nodes?${query}&fields=name,logical_name&order_by=index`)).json.data
    expect(nodes.map((node) => node.name)).toEqual(['Trivial', 'Minor', 'Major', 'Critical', 'Blocker'])
    const named = { severity: { type: 'list_node', id: 'Major' } }
    expect((await call('POST', 'defects', { data: [{ name: 'x', ...named }] })).status).toBe(400)
  })

  it('that an answer of 5xx means that nothing was done', async () => {
    const { octane, call } = await start()
    octane.faults.add({ match: { method: 'POST' }, kind: 'error-after' })
    expect((await call('POST', 'defects', { data: [{ name: 'twice' }] })).status).toBe(500)
    expect((await call('POST', 'defects', { data: [{ name: 'twice' }] })).status).toBe(201)
    expect(octane.records('defect')).toHaveLength(2)
  })

  it('that 404 means deleted: a lost right looks the same, a wrong address does not', async () => {
    const { octane, call, create } = await start()
    const id = await create('defects', { name: 'hidden' })
    octane.permissions.hideRecords({ type: 'defect', ids: [id] })
    const hidden = await call('GET', `defects/${id}`)
    expect(hidden).toMatchObject({ status: 404, json: { error_code: 'platform.entity_not_found' } })
    octane.permissions.clear()
    octane.remove('defect', id)
    expect((await call('GET', `defects/${id}`)).json.error_code).toBe(hidden.json.error_code)
    expect((await call('GET', 'defekts/1')).json.message).toContain('&quot;platform.web_application&quot;')
  })

  it('that every phase can be reached at once: the way leads through transitions', async () => {
    const { call, create } = await start({ enforceTransitions: 'yes' })
    const id = await create('defects', { name: 'x' })
    const put = async (name: string) => (await call('PUT', `defects/${id}`, phase(name))).status
    expect(await put('closed')).toBe(400)
    for (const name of ['opened', 'fixed', 'proposedclosed', 'closed']) expect(await put(name), name).toBe(200)
    await create('defects', { name: 'created closed', ...phase('closed') })
    const other = { phase: { type: 'phase', id: 'phase.story.done' } }
    expect((await call('PUT', `defects/${id}`, other)).status).toBe(400)
  })

  it('that parents can come later in one request, or be any record', async () => {
    const { call, create } = await start()
    const ahead = { name: 'f', parent: { type: 'epic', id: '999999' } }
    expect((await call('POST', 'features', { data: [ahead] })).status).toBe(400)
    const epic = { type: 'epic', id: await create('epics', { name: 'e' }) }
    const feature = await create('features', { name: 'f' })
    expect((await call('PUT', `features/${feature}`, { parent: epic })).status).toBe(200)
    expect((await call('PUT', `features/${feature}`, { parent: { type: 'work_item_root', id: '1001' } })).status).toBe(
      400,
    )
  })

  it('that people are active and have an address, and that keys are no people', async () => {
    const { octane, call, create } = await start()
    octane.create('workspace_user', { name: 'old-login', full_name: 'Former Colleague', activity_level: 2 })
    const users: Row[] = (await call('GET', 'workspace_users?fields=name,email,activity_level,is_api_key&limit=100'))
      .json.data
    expect(new Set(users.map((user) => user.activity_level))).toEqual(new Set([0, 1, 2]))
    expect(users.some((user) => user.email === null && user.is_api_key === false)).toBe(true)
    expect(users.filter((user) => user.is_api_key === true)).toHaveLength(1)
    const left = users.find((user) => user.activity_level === 1)?.id
    await create('defects', { name: 'x', owner: { type: 'workspace_user', id: left } })
    const byLogin = { name: 'x', owner: { type: 'workspace_user', id: 'ann.archer@example.com' } }
    expect((await call('POST', 'defects', { data: [byLogin] })).status).toBe(400)
  })

  it('that any text can be a name, and a release can have any', async () => {
    const { call, create } = await start()
    expect((await call('POST', 'defects', { data: [{ name: 'x'.repeat(256) }] })).json.errors[0]).toMatchObject({
      error_code: 'platform.field_too_long',
      properties: { field_name: 'name' },
    })
    const dates = { start_date: '2026-01-01T12:00:00Z', end_date: '2026-02-01T12:00:00Z' }
    await create('releases', { name: 'R', ...dates })
    const { json, status } = await call('POST', 'releases', { data: [{ name: 'r', ...dates }] })
    expect([status, json.errors[0].error_code]).toEqual([409, 'platform.duplicate_entity_error'])
  })

  it('that dates are days, ids are numbers and numbers are texts', async () => {
    const { call, create } = await start()
    const release = { name: 'R', start_date: '2026-01-01T23:30:00-05:00', end_date: '2026-02-01T12:00:00.999Z' }
    const id = await create('releases', release)
    const { json } = await call('GET', `releases/${id}?fields=start_date,end_date`)
    expect(json).toEqual({
      type: 'release',
      id: expect.any(String),
      start_date: '2026-01-02T04:30:00Z',
      end_date: '2026-02-01T12:00:00Z',
    })
    for (const row of [{ start_date: '2026-01-01' }, { sprint_duration: '14' }])
      expect((await call('PUT', `releases/${id}`, row)).status).toBe(400)
  })

  it('that 409 means that nothing of a bulk was done, also where it deletes', async () => {
    const { octane, call, create } = await start({ deleteParent: 'refuse' })
    const epic = await create('epics', { name: 'full' })
    await create('features', { name: 'f', parent: { type: 'epic', id: epic } })
    const empty = await create('epics', { name: 'empty' })
    expect(await call('DELETE', `epics?${asked(`id IN ${epic},${empty}`)}`)).toMatchObject({
      status: 409,
      json: {
        total_count: 1,
        data: [{ type: 'epic', id: empty }],
        errors: [{ index: 0, error_code: 'platform.entity_has_children', correlation_id: expect.any(String) }],
      },
    })
    expect(octane.records('epic').map((one) => one.id)).toEqual([epic])
  })

  it('that a web page is an answer, that requests are free, and that no value means empty', async () => {
    const at = Date.parse('2026-05-04T08:00:00Z')
    const { octane, url, home, cookie, call, create, set } = await start({}, { now: () => at })
    octane.faults.add({ match: {}, kind: 'html' })
    const page = await fetch(`${url}${home}/defects`, { headers: { cookie } })
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html;charset=utf-8'])
    octane.faults.add({ match: {}, kind: 'unavailable', retryAfter: 3 })
    const busy = await call('GET', 'defects')
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '3'])
    const id = await create('defects', { name: 'x', story_points: 3 })
    octane.permissions.hideField({ type: 'defect', field: 'story_points' })
    expect((await call('GET', `defects/${id}?fields=name,story_points`)).json).toEqual({
      type: 'defect',
      id,
      name: 'x',
    })
    set({ requestsPerSecond: '1', throttleHint: 'none' })
    const [, second] = [await call('GET', 'defects'), await call('GET', 'defects')]
    expect([second?.status, second?.headers.get('retry-after')]).toEqual([429, null])
  })
})
