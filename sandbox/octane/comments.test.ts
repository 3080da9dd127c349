import { afterEach, expect, it } from 'vitest'
import { asked, startOctane } from './test-client.ts'

let running: Awaited<ReturnType<typeof startOctane>>[] = []

afterEach(async () => {
  await Promise.all(running.map((one) => one.octane.close()))
  running = []
})

async function start(switches: Record<string, string> = {}) {
  const client = await startOctane({ switches })
  running.push(client)
  const defect = await client.create('defects', { name: 'discussed' })
  return { ...client, defect, owner: { type: 'work_item', id: defect } }
}

it('comments are written, found by their owner, edited and deleted, and show on the item', async () => {
  const { octane, call, create, defect, owner } = await start()
  const first = await create('comments', { text: '<html><body>\n<p>one</p>\n</body></html>', owner_work_item: owner })
  const second = await create('comments', { owner_work_item: owner })
  const fields = 'fields=text,author{full_name},creation_time,owner_work_item'
  const listed = await call('GET', `comments?${asked(`owner_work_item EQ {id EQ ${defect}}`)}&${fields}&order_by=id`)
  expect(listed.json.data).toMatchObject([
    {
      id: first,
      text: '<html><body>\n<p>one</p>\n</body></html>',
      author: { type: 'workspace_user', full_name: 'Sync User' },
      owner_work_item: { type: 'defect', id: defect },
    },
    { id: second, text: null },
  ])
  const shown = await call('GET', `defects/${defect}?fields=has_comments,comments{text}`)
  expect(shown.json).toMatchObject({ has_comments: true, comments: { total_count: 2 } })
  const edited = await call('PUT', `comments/${first}?fields=text,version_stamp`, { text: 'two <b>bold</b>' })
  expect(edited.json).toMatchObject({ text: '<html><body>\ntwo <b>bold</b>\n</body></html>', version_stamp: 2 })
  for (const id of [first, second]) expect((await call('DELETE', `comments/${id}`)).status).toBe(200)
  expect((await call('GET', `defects/${defect}?fields=has_comments,comments`)).json).toMatchObject({
    has_comments: false,
    comments: { total_count: 0 },
  })
  const actions = octane.truth.entries().filter((one) => one.type === 'comment')
  expect(actions.map((one) => one.action)).toEqual(['create', 'create', 'update', 'delete', 'delete'])
})

it('their author, time and owner are the server’s', async () => {
  const { call, create, owner } = await start()
  const other = { type: 'workspace_user', id: '1002' }
  const refused = async (row: object) =>
    (await call('POST', 'comments', { data: [{ text: 'x', owner_work_item: owner, ...row }] })).json.errors[0]
  for (const row of [{ author: other }, { creation_time: '2020-01-01T00:00:00Z' }])
    expect(await refused(row)).toMatchObject({ error_code: 'platform.modify_non_editable_field' })
  expect(await refused({ owner_test: owner })).toMatchObject({ error_code: 'platform.illegal_field_value' })
  expect((await call('POST', 'comments', { data: [{ text: 'x' }] })).status).toBe(400)
  const id = await create('comments', { text: 'x', owner_work_item: owner })
  const elsewhere = { type: 'work_item', id: await create('defects', { name: 'other' }) }
  expect((await call('PUT', `comments/${id}`, { owner_work_item: elsewhere })).status).toBe(403)
})

it('they belong to tasks, requirements and tests as well, exactly one each, and go with them', async () => {
  const { octane, call, create, defect, owner } = await start()
  const task = { type: 'task', id: await create('tasks', { name: 't', story: { type: 'defect', id: defect } }) }
  const document = { type: 'requirement', id: await create('requirement_documents', { name: 'r' }) }
  const test = { type: 'test', id: await create('gherkin_tests', { name: 'g' }) }
  for (const row of [{ owner_task: task }, { owner_requirement: document }, { owner_test: test }])
    await create('comments', { text: 'x', ...row })
  const two = { text: 'x', owner_task: task, owner_work_item: owner }
  expect((await call('POST', 'comments', { data: [two] })).status).toBe(400)
  expect((await call('GET', `comments?${asked('owner_test EQ {name EQ ^g^}')}`)).json.total_count).toBe(1)
  await call('DELETE', `defects/${defect}`)
  expect(octane.records('comment')).toHaveLength(2)
})

it('they raise the stamps of their item, or do not, as the switch says', async () => {
  for (const commentsBumpItem of ['no', 'yes']) {
    const { octane, create, defect, owner } = await start({ commentsBumpItem })
    await create('comments', { text: 'x', owner_work_item: owner })
    expect(octane.store.rows('defect').get(defect)?.version_stamp).toBe(commentsBumpItem === 'yes' ? 2 : 1)
    expect(octane.truth.entries().at(-1)?.type).toBe(commentsBumpItem === 'yes' ? 'defect' : 'comment')
  }
})
