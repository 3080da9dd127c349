import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asked, startOctane } from './test-client.ts'

let client: Awaited<ReturnType<typeof startOctane>>
beforeAll(async () => {
  client = await startOctane()
  const { create, octane } = client
  const current = octane.records('release').find((one) => one.is_default === true)?.id
  const me = octane.records('workspace_user').find((one) => one.name === 'sync@example.com')?.id
  const severity = (name: string) => ({ type: 'list_node', id: `list_node.severity.${name}` })
  await create('defects', {
    name: 'Alpha one',
    description: '<p>The <b>basket</b> is empty</p>',
    severity: severity('urgent'),
    story_points: 1,
    owner: { type: 'workspace_user', id: me },
    release: { type: 'release', id: current },
    product_areas: { data: [{ type: 'product_area', id: '1001' }] },
  })
  await create('defects', { name: 'Beta (two)', severity: severity('low'), story_points: 1_764_000_000_000 })
  await create('defects', { name: 'gamma three', severity: severity('high'), blocked: true })
})
afterAll(() => client.octane.close())

async function names(query: string, more = ''): Promise<string[] | number> {
  const { status, json } = await client.call('GET', `defects?fields=name&order_by=id&${asked(query)}${more}`)
  return status === 200 ? json.data.map((one: { name: string }) => one.name.toLowerCase().replace(/ .*/, '')) : status
}

describe('queries', () => {
  it('know words in brackets: who asks, and the release of today', async () => {
    expect(await names('owner EQ {[current_user]}')).toEqual(['alpha'])
    expect(await names('owner EQ {id EQ [current_user]}')).toEqual(['alpha'])
    expect(await names('!release EQ {[current_release]}')).toEqual(['beta', 'gamma'])
    expect(await names('release EQ {[no_such_word]}')).toBe(400)
    expect(await names('release EQ {id IN [current_release],4711}')).toEqual(['alpha'])
    expect(await names('owner EQ {id IN 4711, [current_user]}')).toEqual(['alpha'])
  })

  it('bind not before and, and before or, at any depth of braces', async () => {
    const spread = [
      ['!blocked EQ true;story_points EQ 1', ['alpha']],
      ['!(blocked EQ true||story_points EQ 1)', ['beta']],
      ["severity={logical_name='list_node.severity.low'||id='list_node.severity.high'}", ['beta', 'gamma']],
      ["!severity={id='list_node.severity.low'||id='list_node.severity.high'};!blocked=true", ['alpha']],
      ['release={!id EQ 1;name EQ ^Release*^}', ['alpha']],
      ['product_areas={null}', ['beta', 'gamma']],
      ['!product_areas EQ {null}', ['alpha']],
      ['severity EQ {id IN ^list_node.severity.low^,^list_node.severity.high^}', ['beta', 'gamma']],
      ['severity EQ {logical_name EQ ^list_node.severity.*^}', ['alpha', 'beta', 'gamma']],
      ['story_points BTW 1...10;name BTW ^a^...^b^', ['alpha']],
      ["name IN 'alpha one','gamma*'", ['alpha', 'gamma']],
      ["name EQ ^Beta (two)^||name='Beta \\(two\\)'", ['beta']],
      ['name GE ^b^;name LT ^h^', ['beta', 'gamma']],
      ['story_points EQ null', ['gamma']],
      ['story_points GT 1700000000000', ['beta']],
      ['creation_time GE ^2020-01-01T00:00:00Z^;creation_time LT ^2020-01-02T00:00:00Z^', []],
    ] as const
    for (const [query, expected] of spread) expect(await names(query), query).toEqual(expected)
  })

  it('are refused where a value cannot be one of the field, or a reference has no braces', async () => {
    for (const query of [
      'story_points EQ ^many^',
      'story_points BTW 1...^x^',
      'blocked EQ 1',
      "last_modified GE 'yesterday'",
      'severity IN ^list_node.severity.low^',
      'severity EQ null',
      'name EQ {null}',
      'id EQ 1;',
      'id EQ 1 || ',
      'name EQ ^a',
      'name BTW 1',
      'id IN 1,',
      'id IN null',
      '(id EQ 1))',
      '!',
      ' ',
    ])
      expect(await names(query), query).toBe(400)
  })

  it('filter items of lists by their keys alone, or by all they have, as the switch says', async () => {
    for (const inner of ["name='Low'", 'index LT 1', 'list_root={id=^list_node.severity^}'])
      expect(await names(`severity={${inner}}`), inner).toBe(400)
    expect(await names("phase={name='New'};severity={id='list_node.severity.low'}")).toEqual(['beta'])
    client.set({ listFields: 'all' })
    expect(await names("severity={name='Low'||index GE 4}")).toEqual(['alpha', 'beta'])
    client.set({ listFields: 'keys' })
  })

  it('are grouped by a field: how many have each value, and what that is called', async () => {
    const { json } = await client.call('GET', `defects/groups?group_by=severity&${asked('!severity EQ {null}')}`)
    expect(json.groupsTotalCount).toBe(3)
    expect(json.groups).toContainEqual({
      count: 1,
      value: {
        type: 'list_node',
        id: 'list_node.severity.low',
        name: 'Low',
        logical_name: 'list_node.severity.low',
      },
    })
    expect((await client.call('GET', 'defects/groups?group_by=nothing')).status).toBe(400)
  })

  it('put numbers in order as numbers, lists in their own order, references by name', async () => {
    const order = async (by: string) =>
      (await client.call('GET', `defects?fields=name&order_by=${by}`)).json.data?.map((one: { name: string }) =>
        one.name.slice(0, 1).toLowerCase(),
      )
    expect(await order('severity')).toEqual(['b', 'g', 'a'])
    expect(await order('-severity')).toEqual(['a', 'g', 'b'])
    expect(await order('-story_points,name')).toEqual(['b', 'a', 'g'])
    expect(await order('-owner,-id')).toEqual(['a', 'g', 'b'])
    for (const by of ['description', 'product_areas', 'nothing'])
      expect((await client.call('GET', `defects?order_by=${by}`)).status, by).toBe(400)
  })

  it('search texts in names and descriptions, and show where', async () => {
    const search = (text: unknown, collection = 'work_items', more = '') =>
      client.call('GET', `${collection}?fields=name${more}&text_search=${encodeURIComponent(JSON.stringify(text))}`)
    const found = await search({ type: 'global', text: 'BASKET' })
    expect(found.json).toMatchObject({
      total_count: 1,
      data: [
        { subtype: 'defect', global_text_search_result: { description: expect.stringContaining('<em>basket</em>') } },
      ],
    })
    expect((await search({ type: 'global', text: '(two' }, 'defects')).json.total_count).toBe(1)
    expect((await search({ type: 'global', text: 'b' }, 'defects', `&${asked('blocked EQ true')}`)).json.data).toEqual(
      [],
    )
    for (const wrong of [{ type: 'local', text: 'a' }, { type: 'global', text: '' }, 'a'])
      expect((await search(wrong)).status).toBe(400)
  })
})
