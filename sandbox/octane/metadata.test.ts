import { afterAll, beforeAll, expect, it } from 'vitest'
import { asked, startOctane } from './test-client.ts'

let client: Awaited<ReturnType<typeof startOctane>>
beforeAll(async () => {
  client = await startOctane()
})
afterAll(() => client.octane.close())

type Row = Record<string, unknown> & { name: string; features: Record<string, unknown>[] }
const rows = async (path: string): Promise<Row[]> => (await client.call('GET', path)).json.data

it('every entity tells its collection, and every collection answers', async () => {
  const entities = await rows('metadata/entities')
  expect(entities.length).toBeGreaterThan(25)
  for (const entity of entities) {
    const rest = entity.features.find((feature) => feature.name === 'rest')
    expect((await client.call('GET', `${String(rest?.url)}?limit=1`)).status, entity.name).toBe(200)
    const fields = await rows(`metadata/fields?${asked(`entity_name EQ '${entity.name}'`)}`)
    const asking = fields.map((field) => field.name).join(',')
    expect((await client.call('GET', `${String(rest?.url)}?limit=1&fields=${asking}`)).status, entity.name).toBe(200)
  }
})

it('entities tell what they are, what stands above and below them, and what can be added to them', async () => {
  const [story] = await rows(`metadata/entities?${asked("name EQ 'story'")}`)
  expect(story?.features).toContainEqual({ name: 'subtype_of', type: 'work_item' })
  expect(story?.features).toContainEqual({ name: 'has_comments', relation_name: 'comments' })
  expect(story?.features).toContainEqual({ name: 'has_attachments', relation_name: 'attachments' })
  expect(story?.features).toContainEqual({
    name: 'hierarchical_entity',
    parent_types: ['feature', 'work_item_root'],
    child_types: [],
    root: { type: 'work_item_root', id: '1001' },
    max_depth: expect.any(Number),
  })
  const [release] = await rows(`metadata/entities?${asked("name='release'")}`)
  expect(release?.features.map((feature) => feature.name)).not.toContain('has_comments')
})

it('every field of every entity is described in full, references with their targets', async () => {
  const fields = await rows('metadata/fields')
  for (const field of fields) {
    for (const flag of ['required', 'final', 'editable', 'filterable', 'sortable', 'unique', 'is_user_defined'])
      expect(typeof field[flag], `${String(field.entity_name)}.${field.name}.${flag}`).toBe('boolean')
    const data = field.field_type_data as { multiple: boolean; targets: { type: string }[] } | undefined
    expect(data !== undefined, field.name).toBe(field.field_type === 'reference')
    for (const target of data?.targets ?? []) expect(target.type, field.name).toMatch(/^\w+$/)
  }
  const one = async (entity: string, name: string) =>
    (await rows(`metadata/fields?${asked(`entity_name EQ '${entity}';name EQ '${name}'`)}`))[0]
  expect(await one('defect', 'name')).toMatchObject({ max_length: 255, required: true, unique: false })
  expect(await one('release', 'name')).toMatchObject({ unique: true })
  expect(await one('defect', 'author')).toMatchObject({ final: true, access_level: 'PUBLIC' })
  expect(await one('defect', 'version_stamp')).toMatchObject({ editable: false, auto_generated: true })
  expect((await one('task', 'story'))?.field_type_data).toEqual({
    multiple: false,
    targets: [{ type: 'story' }, { type: 'quality_story' }, { type: 'defect' }],
  })
  expect((await one('defect', 'browsers_udf'))?.field_type_data).toEqual({
    multiple: true,
    targets: [{ type: 'list_node', logical_name: 'list_node.browsers' }],
  })
})

it('metadata is queried by any of its texts and flags, without alternatives', async () => {
  const own = await rows(`metadata/fields?${asked("entity_name EQ 'defect';is_user_defined EQ true")}`)
  expect(own.map((field) => field.name)).toContain('alm_id_udf')
  expect(own.every((field) => field.name.endsWith('_udf'))).toBe(true)
  expect(await rows(`metadata/fields?${asked("entity_name EQ 'defect';!required EQ false")}`)).toHaveLength(3)
  for (const query of ["name EQ 'a'||name EQ 'b'", "nothing EQ 'a'"])
    expect((await client.call('GET', `metadata/fields?${asked(query)}`)).status, query).toBe(400)
  expect(await rows(`metadata/fields?${asked("name EQ 'a||b'")}`)).toEqual([])
})

it('work items, requirements and tests are described as one, too', async () => {
  const fields = await rows(`metadata/fields?${asked("entity_name EQ 'work_item'")}`)
  const names = fields.map((field) => field.name)
  expect(names).toEqual([...new Set(names)])
  expect(names).toEqual(expect.arrayContaining(['severity', 'parent', 'subtype']))
})

it('phases, metaphases, transitions, roles and roots are there for every type that has them', async () => {
  for (const entity of [
    'defect',
    'story',
    'quality_story',
    'feature',
    'epic',
    'task',
    'requirement_document',
    'test_manual',
  ]) {
    const phases = await rows(
      `phases?${asked(`entity EQ '${entity}'`)}&fields=name,index,is_start_phase,metaphase{name}`,
    )
    expect(
      phases.filter((phase) => phase.is_start_phase === true),
      entity,
    ).toHaveLength(1)
    const moves = await rows(
      `transitions?${asked(`entity EQ '${entity}'`)}&fields=source_phase{name},target_phase{name}`,
    )
    expect(moves.length, entity).toBeGreaterThan(1)
  }
  const done = asked("phase={metaphase={logical_name='metaphase.work_item.done'}}")
  expect((await client.call('GET', `defects?${done}`)).status).toBe(200)
  const [key] = await rows(`workspace_users?${asked('is_api_key EQ true')}&fields=roles{name}`)
  expect(key?.roles).toMatchObject({ total_count: 1, data: [{ type: 'workspace_role', name: 'Integration' }] })
})
