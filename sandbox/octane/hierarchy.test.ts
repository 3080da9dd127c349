import { afterEach, describe, expect, it } from 'vitest'
import { asked, startOctane } from './test-client.ts'

let running: Awaited<ReturnType<typeof startOctane>>[] = []

afterEach(async () => {
  await Promise.all(running.map((one) => one.octane.close()))
  running = []
})

async function start(switches: Record<string, string> = {}) {
  const client = await startOctane({ switches })
  running.push(client)
  return client
}

async function backlog(switches: Record<string, string> = {}) {
  const client = await start(switches)
  const epic = await client.create('epics', { name: 'epic' })
  const feature = await client.create('features', { name: 'feature', parent: { type: 'epic', id: epic } })
  return { ...client, epic, feature, below: { type: 'feature', id: feature } }
}

describe('the backlog', () => {
  it('has one root, and each type stands where it may', async () => {
    const { call, create, epic, below } = await backlog()
    const roots = (await call('GET', 'work_item_roots?fields=id,name')).json
    expect(roots).toMatchObject({ total_count: 1, data: [{ type: 'work_item_root', id: '1001' }] })
    const root = { type: 'work_item_root', id: '1001' }
    expect((await call('GET', `epics/${epic}?fields=parent`)).json.parent).toEqual(root)
    for (const collection of ['stories', 'quality_stories', 'defects']) {
      for (const parent of [below, root, { type: 'work_item', id: below.id }])
        await create(collection, { name: 'child', parent })
      const unparented = await create(collection, { name: 'child' })
      expect((await call('GET', `${collection}/${unparented}?fields=parent`)).json.parent).toEqual(root)
    }
    for (const [collection, parent] of [
      ['features', root],
      ['epics', below],
      ['stories', { type: 'epic', id: epic }],
      ['quality_stories', { type: 'epic', id: epic }],
    ] as const)
      expect(await call('POST', collection, { data: [{ name: 'x', parent }] })).toMatchObject({
        status: 400,
        json: { data: [], errors: [{ error_code: 'platform.illegal_field_value', business_error: true }] },
      })
    expect((await call('POST', 'work_item_roots', { data: [{ name: 'second' }] })).status).toBe(405)
    expect((await call('DELETE', 'work_items/1001')).status).toBe(405)
  })

  it('shows through work_items with subtypes, or with concrete types on other servers', async () => {
    const { set, call, below, epic } = await backlog()
    const subtypes = async (query: string) =>
      (await call('GET', `work_items?fields=name,parent&order_by=id&${asked(query)}`)).json.data
    expect(await subtypes("subtype EQ 'feature'")).toEqual([
      { type: 'work_item', subtype: 'feature', id: below.id, name: 'feature', parent: { type: 'epic', id: epic } },
    ])
    expect(await subtypes(`parent EQ {id EQ ${epic}}`)).toHaveLength(1)
    expect(await subtypes(`parent EQ {subtype EQ 'work_item_root'}`)).toHaveLength(1)
    expect((await call('GET', `work_items/${epic}?fields=name`)).json).toMatchObject({
      type: 'work_item',
      name: 'epic',
    })
    set({ aggregateType: 'concrete' })
    expect(await subtypes("subtype EQ 'feature'")).toMatchObject([{ type: 'feature' }])
  })

  it('is written through work_items, where a new row names its subtype', async () => {
    const { octane, call, epic } = await backlog()
    const made = await call('POST', 'work_items', {
      data: [{ subtype: 'defect', name: 'one' }, { name: 'what?' }, { subtype: 'story', name: 'two' }],
    })
    expect(made).toMatchObject({
      status: 409,
      json: {
        data: [{ subtype: 'defect' }, { subtype: 'story' }],
        errors: [{ index: 1, properties: { field_name: 'subtype' } }],
      },
    })
    expect((await call('PUT', `work_items/${epic}?fields=name`, { name: 'renamed' })).json.name).toBe('renamed')
    expect(await call('PUT', 'work_items', { data: [{ id: '1001', name: 'root' }] })).toMatchObject({ status: 405 })
    expect((await call('DELETE', `work_items?${asked("name EQ 'one'")}`)).json.total_count).toBe(1)
    expect(octane.records('defect')).toHaveLength(0)
  })

  it('is seen and changed through work_items only as far as each type may be', async () => {
    const { octane, call, create, feature } = await backlog()
    const user = 'sync@example.com'
    const story = await create('stories', { name: 'story' })
    octane.permissions.deny({ user, type: 'story', action: 'read' })
    octane.permissions.deny({ user, type: 'feature', action: 'update' })
    octane.permissions.deny({ user, type: 'task', action: 'create' })
    octane.permissions.deny({ user, type: 'epic', action: 'delete' })
    expect((await call('GET', `work_items?${asked("subtype EQ 'story'")}`)).json.total_count).toBe(0)
    expect((await call('GET', `work_items/${story}`)).status).toBe(404)
    const rows = [
      { id: feature, name: 'x' },
      { id: story, name: 'x' },
    ]
    expect((await call('PUT', 'work_items', { data: rows })).json.errors).toMatchObject([
      { index: 0, error_code: 'platform.not_authorized' },
      { index: 1, error_code: 'platform.entity_not_found' },
    ])
    expect(await call('DELETE', `work_items?${asked("subtype EQ 'epic'")}`)).toMatchObject({
      status: 403,
      json: { data: [], errors: [{ error_code: 'platform.not_authorized' }] },
    })
    const task = { name: 't', story: { type: 'story', id: story } }
    expect((await call('POST', 'tasks', { data: [task] })).status).toBe(403)
  })

  it('has groups, also over all its types', async () => {
    const { call, create, below } = await backlog()
    await create('defects', { name: 'a', parent: below })
    const groups = (await call('GET', 'work_items/groups?group_by=subtype')).json
    expect(groups.groups).toContainEqual({ count: 1, value: 'defect' })
    expect(groups.groupsTotalCount).toBe(4)
    expect((await call('GET', 'defects/groups?group_by=nothing')).status).toBe(400)
  })

  it('takes tasks of stories and defects, which go with them', async () => {
    const { octane, call, create, epic } = await backlog()
    const story = await create('stories', { name: 'story' })
    const task = { name: 'task', story: { type: 'story', id: story }, estimated_hours: 2.5 }
    const id = await create('tasks', task)
    expect((await call('GET', `tasks/${id}?fields=phase,story`)).json).toMatchObject({
      phase: { id: 'phase.task.new' },
      story: { type: 'story', id: story },
    })
    expect((await call('POST', 'tasks', { data: [{ name: 'x' }] })).json.errors[0].properties.field_name).toBe('story')
    const elsewhere = { name: 'x', story: { type: 'epic', id: epic } }
    expect((await call('POST', 'tasks', { data: [elsewhere] })).status).toBe(400)
    expect((await call('DELETE', `stories/${story}`)).status).toBe(200)
    expect(octane.records('task')).toEqual([])
  })

  it('keeps trees free of circles: requirements and application modules', async () => {
    const { call, create } = await start()
    const outer = await create('requirement_folders', { name: 'outer' })
    const folder = { type: 'requirement_folder', id: outer }
    const inner = await create('requirement_folders', { name: 'inner', parent: folder })
    const document = await create('requirement_documents', { name: 'doc', parent: { ...folder, id: inner } })
    for (const id of [inner, outer])
      expect((await call('PUT', `requirement_folders/${outer}`, { parent: { ...folder, id } })).status).toBe(400)
    expect(
      (await call('PUT', `requirement_folders/${outer}`, { parent: { type: 'requirement_document', id: document } }))
        .status,
    ).toBe(400)
    expect((await call('GET', `requirements?fields=name&order_by=id`)).json.data).toMatchObject([
      { subtype: 'requirement_root', id: '1001' },
      { subtype: 'requirement_folder' },
      { subtype: 'requirement_folder' },
      { subtype: 'requirement_document' },
    ])
    const area = await create('product_areas', { name: 'area' })
    expect((await call('GET', `product_areas?${asked('parent EQ {null}')}`)).json.total_count).toBe(1)
    expect((await call('PUT', `product_areas/${area}`, { parent: { type: 'product_area', id: area } })).status).toBe(
      400,
    )
  })
})

describe('references', () => {
  it('name their type or its base, and what is there', async () => {
    const { call, create, epic } = await backlog()
    const defect = await create('defects', { name: 'd' })
    for (const parent of [{ id: '1001' }, { type: 'feature', id: epic }, { type: 'work_item', id: '99999' }, 'x'])
      expect((await call('PUT', `defects/${defect}`, { parent })).status, JSON.stringify(parent)).toBe(400)
    const modules = { data: [{ type: 'application_module', id: '1001' }] }
    const { json } = await call('PUT', `defects/${defect}?fields=product_areas`, { product_areas: modules })
    expect(json.product_areas).toEqual({ total_count: 1, data: [{ type: 'product_area', id: '1001' }] })
  })

  it('to lists and phases are numbers on older servers, which carry names, and take logical names all the same', async () => {
    const { octane, call, create } = await start({
      listIds: 'numeric',
      referenceNames: 'yes',
      enforceTransitions: 'yes',
    })
    const id = await create('defects', { name: 'd', severity: { type: 'list_node', id: 'list_node.severity.urgent' } })
    const read = await call('GET', `defects/${id}?fields=severity,phase`)
    expect(read.json.severity).toMatchObject({ type: 'list_node', id: expect.stringMatching(/^\d+$/), name: 'Urgent' })
    expect(read.json.phase).toMatchObject({ id: expect.stringMatching(/^\d+$/), name: 'New', index: 0 })
    const phase = (name: string) => ({ phase: { type: 'phase', id: `phase.defect.${name}` } })
    expect((await call('PUT', `defects/${id}`, phase('closed'))).status).toBe(400)
    expect((await call('PUT', `defects/${id}`, phase('opened'))).status).toBe(200)
    const found = await call('GET', `defects?${asked('severity EQ {logical_name EQ ^list_node.severity.urgent^}')}`)
    expect(found.json.total_count).toBe(1)
    octane.seedDefects(3, 5)
    expect(octane.records('defect')).toHaveLength(6)
  })

  it('are expanded three levels deep and no deeper', async () => {
    const { set, call, create, below } = await backlog()
    const id = await create('defects', { name: 'd', parent: below })
    const three = await call('GET', `defects/${id}?fields=parent{name,parent{name,parent{name}}}`)
    expect(three.json.parent.parent.parent).toMatchObject({ type: 'work_item_root', name: 'Backlog' })
    expect((await call('GET', `defects/${id}?fields=parent{parent{parent{parent{name}}}}`)).status).toBe(400)
    for (const wrong of ['owner{nothing}', 'name{id}', 'parent{parent{nothing}}'])
      expect((await call('GET', `defects/${id}?fields=${wrong}`)).status, wrong).toBe(400)
    set({ techPreview: 'all' })
    expect((await call('GET', `defects/${id}?fields=parent{name}`)).status).toBe(400)
    const header = { 'alm-octane-tech-preview': 'true' }
    expect((await call('GET', `defects/${id}?fields=parent{name}`, undefined, header)).status).toBe(200)
  })
})
