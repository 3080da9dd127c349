import { afterEach, describe, expect, it } from 'vitest'
import { createOctaneSandbox, type OctaneOptions } from './server.ts'

type Body = { total_count?: number; data?: Record<string, unknown>[]; error_code?: string; parent?: unknown }

let sandboxes: ReturnType<typeof createOctaneSandbox>[] = []

afterEach(async () => {
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()))
  sandboxes = []
})

/** A signed-in client of nobody's making. */
async function signedIn(switches: Record<string, string> = {}, options: Partial<OctaneOptions> = {}) {
  const sandbox = createOctaneSandbox({ seed: 1, defects: 0, switches, ...options })
  sandboxes.push(sandbox)
  const { url } = await sandbox.listen()
  const space = `/api/shared_spaces/${sandbox.sharedSpace}`
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  async function call(method: string, path: string, body?: unknown) {
    const answer = await fetch(
      `${url}${path.startsWith('/') ? path : `${space}/workspaces/${sandbox.workspace}/${path}`}`,
      {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
    )
    const text = await answer.text()
    return {
      status: answer.status,
      retryAfter: answer.headers.get('retry-after'),
      cookie: answer.headers.getSetCookie()[0]?.split(';')[0] ?? '',
      body: (text === '' ? {} : JSON.parse(text)) as Body,
    }
  }
  headers.cookie = (await call('POST', '/authentication/sign_in', sandbox.credentials.user)).cookie
  const create = async (collection: string, row: object) =>
    String((await call('POST', collection, { data: [row] })).body.data?.[0]?.id)
  return { sandbox, space, call, create }
}

const asked = (query: string) => `?query=${encodeURIComponent(`"${query}"`)}`

describe('what clients of Octane ask for', () => {
  it('metadata of one field, a workspace by name, a person of the space by name', async () => {
    const { space, call } = await signedIn()
    const one = await call('GET', `metadata/fields${asked("entity_name EQ 'defect';name EQ 'severity'")}`)
    expect(one.body.data?.map((field) => field.name)).toEqual(['severity'])
    const both = await call(
      'GET',
      `metadata/fields${asked("entity_name IN 'defect','story';name IN 'phase', 'owner'")}`,
    )
    expect(both.body.total_count).toBe(4)
    expect((await call('GET', `${space}/workspaces${asked("name='Demo'")}`)).body.total_count).toBe(1)
    expect((await call('GET', `${space}/workspaces${asked("name='Other'")}`)).body.total_count).toBe(0)
    expect((await call('GET', `${space}/users${asked('name EQ ^sync@example.com^')}`)).body.total_count).toBe(1)
  })

  it('new people with what only the space knows of them, and application modules by their old name', async () => {
    const { sandbox, space, call } = await signedIn()
    const person = { name: 'new@example.com', email: 'new@example.com', password: 'Welcome1', phone1: '1' }
    expect((await call('POST', `${space}/users`, { data: [person] })).status).toBe(201)
    expect(sandbox.truth.entries().at(-1)).toMatchObject({ type: 'workspace_user', action: 'create', via: 'rest' })
    for (const path of ['/api/shared_spaces', space, `${space}/workspaces`])
      expect((await call('POST', path, { data: [] })).status, path).toBe(405)
    expect((await call('GET', `workspace_users${asked("name='new@example.com'")}`)).body.total_count).toBe(1)
    expect((await call('GET', 'application_modules')).body).toEqual((await call('GET', 'product_areas')).body)
  })

  it('no page before the first, none without rows, and none that is larger than the server takes', async () => {
    for (const limitCode of ['platform.illegal_limit', 'platform.exceeds_max_total_count']) {
      const { sandbox, call } = await signedIn({ limitCode }, { defects: 3 })
      expect((await call('GET', 'defects?offset=-1')).status).toBe(400)
      for (const limit of [0, 1_001])
        expect(await call('GET', `defects?limit=${limit}`)).toMatchObject({
          status: 400,
          body: { error_code: limitCode },
        })
      Object.assign(sandbox.store.switches, { maximumLimit: '2' })
      expect((await call('GET', 'defects')).body.data).toHaveLength(2)
    }
  })

  it('releases and application modules with all that clients name, and times without seconds', async () => {
    const { call, create } = await signedIn()
    const release = { name: 'R', start_date: '2026-03-14T12:00Z', end_date: '2026-06-14T12:00+02:00' }
    const id = await create('releases', release)
    expect((await call('GET', `releases/${id}?fields=start_date,end_date,done_work,expected_velocity`)).body).toEqual({
      type: 'release',
      id,
      start_date: '2026-03-14T12:00:00Z',
      end_date: '2026-06-14T10:00:00Z',
      done_work: null,
      expected_velocity: null,
    })
    expect((await call('PUT', `releases/${id}`, { done_work: 3 })).status).toBe(403)
    const impact = { type: 'list_node', id: 'list_node.business_impact.no_impact' }
    const area = await create('product_areas', { name: 'A', business_impact: impact })
    expect((await call('GET', `product_areas/${area}?fields=parent,business_impact`)).body).toMatchObject({
      parent: { type: 'product_area', id: '1001' },
      business_impact: impact,
    })
    expect((await call('DELETE', `product_areas/${area}`)).status).toBe(200)
    expect(await call('DELETE', 'product_areas/1001')).toMatchObject({
      status: 403,
      body: { error_code: 'platform.not_authorized' },
    })
  })

  it('the row that an error of a bulk is about, where the server tells it', async () => {
    const rows = [{ name: 'a' }, {}, { name: 'c' }, { name: '' }]
    for (const [bulkErrorIndex, one, two] of [
      ['index', { index: 1 }, { index: 3 }],
      ['entity_index', { entity_index: 1 }, { entity_index: 3 }],
      ['several', {}, { entity_index: 3 }],
    ] as const) {
      const { sandbox, call } = await signedIn({ bulkErrorIndex })
      const told = async (data: object[]) => {
        const { status, body } = await call('POST', 'defects', { data })
        const { errors = [] } = body as { errors?: Record<string, unknown>[] }
        return [
          status,
          body.total_count,
          ...errors.map((error) =>
            Object.fromEntries(Object.entries(error).filter(([name]) => name.endsWith('index'))),
          ),
        ]
      }
      expect(await told(rows.slice(0, 3)), bulkErrorIndex).toEqual([409, 2, one])
      expect((await told(rows)).at(-1), bulkErrorIndex).toEqual(two)
      expect(sandbox.records('defect').map((row) => row.name)).toEqual(['a', 'c', 'a', 'c'])
    }
  })
})

describe('deleting what others point to', () => {
  it('moves children to the root, refuses, or takes them along, as the switch says', async () => {
    for (const [deleteParent, status, parent] of [
      ['move', 200, 'work_item_root'],
      ['refuse', 409, 'feature'],
      ['delete', 200, undefined],
    ] as const) {
      const { call, create } = await signedIn({ deleteParent })
      const epic = await create('epics', { name: 'epic' })
      const feature = await create('features', { name: 'feature', parent: { type: 'epic', id: epic } })
      const defect = await create('defects', { name: 'child', parent: { type: 'feature', id: feature } })
      expect((await call('DELETE', `features/${feature}`)).status).toBe(status)
      const left = await call('GET', `defects/${defect}?fields=parent`)
      expect((left.body.parent as { type: string } | undefined)?.type).toBe(parent)
    }
  })

  it('leaves no reference to a release that is gone, and no sprint of it', async () => {
    const { call, create } = await signedIn()
    const dates = { start_date: '2026-01-01T12:00:00Z', end_date: '2026-03-01T12:00:00Z' }
    const release = { type: 'release', id: await create('releases', { name: 'Gone', ...dates }) }
    const sprint = { type: 'sprint', id: await create('sprints', { name: 'S', release, ...dates }) }
    const defect = await create('defects', { name: 'planned', release, sprint })
    expect((await call('DELETE', `releases/${release.id}`)).status).toBe(200)
    expect((await call('GET', `sprints/${sprint.id}`)).status).toBe(404)
    expect((await call('GET', `defects/${defect}?fields=release,sprint`)).body).toMatchObject({
      release: null,
      sprint: null,
    })
  })
})

describe('parents', () => {
  const parentRows = (epic: string, feature: string) =>
    [
      ['defects', { type: 'feature', id: feature }, 201],
      ['defects', { type: 'epic', id: epic }, 400],
      ['stories', { type: 'epic', id: epic }, 400],
      ['features', { type: 'feature', id: feature }, 400],
      ['epics', { type: 'epic', id: epic }, 400],
    ] as const

  it('are looked at where the rules are on, when created and when moved', async () => {
    for (const parentRules of ['no', 'yes'])
      for (const parentCode of ['platform.illegal_field_value', 'platform.general_error']) {
        const { call, create } = await signedIn({ parentRules, parentCode })
        const epic = await create('epics', { name: 'epic' })
        const feature = await create('features', { name: 'feature', parent: { type: 'epic', id: epic } })
        for (const [collection, parent, status] of parentRows(epic, feature)) {
          const answer = await call('POST', collection, { data: [{ name: 'child', parent }] })
          expect([collection, parent.type, answer.status]).toEqual([
            collection,
            parent.type,
            parentRules === 'no' ? 201 : status,
          ])
          if (answer.status === 400) expect(JSON.stringify(answer.body)).toContain(parentCode)
        }
        const defect = await create('defects', { name: 'moved' })
        const moved = await call('PUT', `defects/${defect}`, { parent: { type: 'epic', id: epic } })
        expect(moved.status).toBe(parentRules === 'no' ? 200 : 400)
      }
  })
})

describe('a limit of requests', () => {
  it('answers 429 with Retry-After in the form chosen, and serves again a second later', async () => {
    for (const [throttleHint, shape] of [
      ['seconds', /^1$/],
      ['date', / GMT$/],
      ['none', /^null$/],
    ] as const) {
      let at = Date.parse('2026-05-04T08:00:00Z')
      const { call } = await signedIn({ requestsPerSecond: '2', throttleHint }, { now: () => at })
      expect((await call('GET', 'defects')).status).toBe(200)
      expect((await call('GET', 'defects')).status).toBe(200)
      const refused = await call('GET', 'defects')
      expect(refused.status).toBe(429)
      expect(String(refused.retryAfter)).toMatch(shape)
      at += 1_001
      expect((await call('GET', 'defects')).status).toBe(200)
    }
  })
})
