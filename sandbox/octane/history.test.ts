import { afterEach, expect, it } from 'vitest'
import { asked, startOctane } from './test-client.ts'

let running: Awaited<ReturnType<typeof startOctane>>[] = []

afterEach(async () => {
  await Promise.all(running.map((one) => one.octane.close()))
  running = []
})

const preview = { ALM_OCTANE_TECH_PREVIEW: 'true' }

async function changed(switches: Record<string, string> = {}) {
  let now = Date.parse('2026-05-04T08:00:00Z')
  const client = await startOctane({ switches, now: () => now })
  running.push(client)
  const id = await client.create('defects', { name: 'one', story_points: 3 })
  now += 60_000
  await client.call('PUT', `defects/${id}`, { name: 'two', story_points: null })
  now += 60_000
  client.octane.edit('defect', id, { browsers_udf: [{ type: 'list_node', id: 'list_node.browsers.edge' }] })
  const read = async (query: string, more = '') =>
    (await client.call('GET', `history_logs?${asked(query)}${more}`, undefined, preview)).json
  return { ...client, id, read }
}

it('history has a row for each field that changed, with the values before and after, who and when', async () => {
  const { octane, id, read } = await changed()
  const { data } = await read(`entity_type EQ 'defect';entity_id EQ ${id};action EQ 'update'`)
  const me = octane.records('workspace_user').find((one) => one.name === 'sync@example.com')?.id
  const row = { type: 'history_log', entity_type: 'defect', entity_id: id, action: 'update' }
  const first = { ...row, timestamp: '2026-05-04T08:01:00Z', user: { type: 'workspace_user', id: me } }
  expect(data).toEqual([
    { ...first, id: expect.any(String), field_name: 'name', original_value: 'one', new_value: 'two' },
    { ...first, id: expect.any(String), field_name: 'story_points', original_value: 3, new_value: null },
    {
      ...row,
      id: expect.any(String),
      timestamp: '2026-05-04T08:02:00Z',
      user: { type: 'workspace_user', id: '1002' },
      field_name: 'browsers_udf',
      original_value: { total_count: 0, data: [] },
      new_value: { total_count: 1, data: [{ type: 'list_node', id: 'list_node.browsers.edge' }] },
    },
  ])
})

it('history is found by field, time and action, sorted and paged, with deletions', async () => {
  const { call, id, read } = await changed()
  expect((await read("field_name EQ 'name'")).total_count).toBe(2)
  expect((await read('timestamp GE ^2026-05-04T08:01:00Z^;timestamp LT ^2026-05-04T08:02:00Z^')).total_count).toBe(2)
  expect((await read("action EQ 'update'", '&order_by=-timestamp&limit=1')).data).toMatchObject([
    { field_name: 'browsers_udf' },
  ])
  expect(await read("user EQ {name EQ 'sync@example.com'};action EQ 'update'", '&fields=field_name')).toEqual({
    total_count: 2,
    exceeds_total_count: false,
    data: [
      { type: 'history_log', id: expect.any(String), field_name: 'name' },
      { type: 'history_log', id: expect.any(String), field_name: 'story_points' },
    ],
  })
  const created: { field_name: string }[] = (await read("action EQ 'create'")).data
  // What was left empty is no news, what the server gave is.
  expect(created.map((row) => row.field_name).sort()).toEqual([
    'author',
    'name',
    'parent',
    'phase',
    'severity',
    'story_points',
  ])
  await call('DELETE', `defects/${id}`)
  expect((await read(`entity_id EQ ${id};action EQ 'delete'`)).data).toMatchObject([{ entity_type: 'defect' }])
  expect((await call('GET', `history_logs?${asked('nothing EQ 1')}`, undefined, preview)).status).toBe(400)
  expect((await call('POST', 'history_logs', { data: [] }, preview)).status).toBe(405)
})

it('history comes as changes with their fields where the server answers so', async () => {
  const { read } = await changed({ historyShape: 'change' })
  const { data } = await read("field_name EQ 'story_points';action EQ 'update'")
  expect(data).toMatchObject([
    {
      field_name: ['name', 'story_points'],
      change_set: [{ field_name: 'name', original_value: 'one', new_value: 'two' }, { field_name: 'story_points' }],
    },
  ])
})

it('history is a technical preview, hides what is hidden, and goes back with a restored server', async () => {
  const { octane, set, call, id, read } = await changed()
  expect((await call('GET', 'history_logs')).status).toBe(404)
  set({ techPreview: 'none' })
  expect((await call('GET', 'history_records')).status).toBe(200)
  const before = octane.snapshot()
  octane.edit('defect', id, { name: 'three' })
  expect((await read("field_name EQ 'name'")).total_count).toBe(3)
  octane.restore(before)
  expect((await read("field_name EQ 'name'")).total_count).toBe(2)
  octane.permissions.hideRecords({ user: 'sync@example.com', type: 'defect', ids: [id] })
  expect((await read("entity_type EQ 'defect'")).total_count).toBe(0)
})

it('audits tell administrators of every change: of records in the workspace, of people in the space', async () => {
  const { octane, set, call, atSite, id } = await changed()
  const audits = () => call('GET', `audits?${asked(`entity_id EQ ${id}`)}`, undefined, preview)
  expect(await audits()).toMatchObject({ status: 403, json: { error_code: 'platform.not_authorized' } })
  set({ auditAccess: 'yes' })
  await call('DELETE', `defects/${id}`)
  expect((await audits()).json.data.map((one: { action: string }) => one.action)).toEqual([
    'Create',
    'Update',
    'Update',
    'Delete',
  ])
  octane.create('workspace_user', { name: 'new@example.com' })
  const ofSpace = await atSite('GET', `/api/shared_spaces/${octane.sharedSpace}/audits`, preview)
  expect(ofSpace.json.data).toMatchObject([{ entity_type: 'workspace_user', action: 'Create' }])
  expect((await atSite('GET', '/api/audits', preview)).json.total_count).toBe(0)
})
