import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type AlmClient, type Answer, newDefect, startAlm, value, values } from './test-client.ts'

let started: Awaited<ReturnType<typeof startAlm>>
let one: AlmClient
let asXml: AlmClient
beforeAll(async () => {
  started = await startAlm({ now: () => Date.UTC(2026, 4, 4, 13, 15) })
  one = await started.client().signIn()
  asXml = await started.client('xml').signIn()
})
afterAll(() => started.alm.close())

let top = ''
let count = 0
const made = async (name: string, parent: string, type = '3', more: Record<string, string | string[]> = {}) => {
  const answer = await one.create('requirements', { name, 'parent-id': parent, 'type-id': type, ...more })
  expect(answer.status).toBe(201)
  return value(answer.json, 'id') ?? ''
}
const get = async (id: string) => (await one.get(`requirements/${id}`)).json
const field = async (id: string, name: string) => value(await get(id), name)
const problem = (answer: Answer) => [answer.status, answer.json.Id, answer.json.Title]
beforeEach(async () => {
  top = await made(`Top ${++count}`, '0', '1')
})

describe('the tree', () => {
  test('has a root of id 0 that is found by its parent, and never written as -1', async () => {
    expect(await one.find('requirements', '{parent-id[-1]}')).toEqual(['0'])
    expect([await field('0', 'name'), await field('0', 'parent-id'), await field('0', 'type-id')]).toEqual([
      'Requirements',
      '-1',
      '1',
    ])
    for (const parent of ['-1', '99999'])
      expect(problem(await one.create('requirements', { name: 'x', 'parent-id': parent, 'type-id': '3' }))).toEqual([
        500,
        'qccore.general-error',
        `Entity with key '${parent}' does not exist in table 'REQ'`,
      ])
    expect((await one.send('DELETE', 'requirements/0')).status).toBe(403)
  })

  test('needs name, parent and type; a body that begins with one of the latter is answered by an opaque 500', async () => {
    expect(problem(await one.create('requirements', { name: 'x', 'parent-id': top }))).toEqual([
      400,
      'qccore.required-field-missing',
      "The field 'Requirement Type' is required.",
    ])
    expect((await one.create('requirements', { name: 'x', 'type-id': '3' })).json.Title).toContain("'Parent Folder'")
    expect((await one.create('requirements', { 'type-id': '3', name: 'x', 'parent-id': top })).status).toBe(500)
    const answer = await one.create('requirements', { name: 'x', 'parent-id': top, 'type-id': '3' })
    expect([answer.status, answer.json.Type, answer.json['children-count']]).toEqual([201, 'requirement', 0])
    expect(['creation-time', 'req-time', 'status', 'no-of-sons'].map((name) => value(answer.json, name))).toEqual([
      '2026-05-04',
      '09:15:00',
      'Not Covered',
      '0',
    ])
  })

  test('a rich text sets the flag that says so, and an empty one clears it', async () => {
    const id = await made('Rich', top)
    expect(await field(id, 'has-rich-content')).toBe('N')
    await one.update(`requirements/${id}`, { 'req-rich-content': 'formatted' })
    expect(await field(id, 'has-rich-content')).toBe('Y')
    expect(
      await field(await made('Rich from the start', top, '3', { 'req-rich-content': 'x' }), 'has-rich-content'),
    ).toBe('Y')
    await one.update(`requirements/${id}`, { 'req-rich-content': '' })
    expect(await field(id, 'has-rich-content')).toBe('N')
    expect((await one.update(`requirements/${id}`, { 'has-rich-content': 'Y' })).status).toBe(403)
  })

  test('paths, order, names and numbers follow what is made, moved and renamed', async () => {
    const [a, b] = [await made('A', top), await made('B', top)]
    const below = await made('Below', a)
    const [path, pathA, pathBelow] = await Promise.all([top, a, below].map((id) => field(id, 'hierarchical-path')))
    expect(pathA).toBe(`${path}AAA`)
    expect(pathBelow).toBe(`${pathA}AAA`)
    expect([await field(a, 'order-id'), await field(b, 'order-id'), await field(top, 'no-of-sons')]).toEqual([
      '1',
      '2',
      '2',
    ])
    const stamp = Number(await field(b, 'ver-stamp'))
    const moved = await one.update(`requirements/${a}`, { name: 'A', 'parent-id': b })
    expect([value(moved.json, 'father-name'), value(moved.json, 'parent-id')]).toEqual(['B', b])
    expect(await field(below, 'hierarchical-path')).toBe(`${await field(b, 'hierarchical-path')}AAAAAA`)
    expect([await field(top, 'no-of-sons'), await field(b, 'no-of-sons'), await field(b, 'ver-stamp')]).toEqual([
      '1',
      '1',
      String(stamp + 1),
    ])
    await one.update(`requirements/${b}`, { name: 'B2' })
    expect(await field(a, 'father-name')).toBe('B2')
    // The whole of a subtree in one query.
    const all = `{hierarchical-path["${await field(b, 'hierarchical-path')}*"]}`
    expect(await one.find('requirements', all)).toEqual([a, b, below].sort((x, y) => Number(x) - Number(y)))
    expect(await one.find('requirements', `{parent-id[${top} OR ${b}]}`)).toEqual([a, b])
  })

  test('a place among siblings that is taken is made free', async () => {
    const [a, b, c] = [await made('A', top), await made('B', top), await made('C', top)]
    await one.update(`requirements/${c}`, { 'order-id': '1' })
    expect(await Promise.all([c, a, b].map((id) => field(id, 'order-id')))).toEqual(['1', '2', '3'])
  })

  test('nothing moves below itself', async () => {
    const a = await made('A', top)
    const below = await made('Below', a)
    for (const parent of [a, below]) {
      const answer = await one.update(`requirements/${a}`, { name: 'A', 'parent-id': parent })
      expect([answer.status, answer.json.Title]).toEqual([500, 'An entity cannot be moved below itself'])
    }
    const root = await one.update('requirements/0', { name: 'Requirements', 'parent-id': a })
    expect([root.status, root.json.Id]).toEqual([403, 'qccore.operation-forbidden'])
    expect(await field(a, 'parent-id')).toBe(top)
  })

  test('siblingNames, existsStatus: one name once below a parent, or as often as one likes', async () => {
    await made('Same', top)
    const other = await made('Other', top)
    const twice = await one.create('requirements', { name: 'SAME', 'parent-id': top, 'type-id': '3' })
    expect([twice.status, twice.json.Id]).toEqual([409, 'qccore.entity-already-exists'])
    expect((await one.update(`requirements/${other}`, { name: 'Same' })).status).toBe(409)
    started.turn({ existsStatus: '500' })
    expect((await one.update(`requirements/${other}`, { name: 'Same' })).status).toBe(500)
    started.turn({ siblingNames: 'free', existsStatus: '409' })
    expect((await one.update(`requirements/${other}`, { name: 'Same' })).status).toBe(200)
    started.turn({ siblingNames: 'unique' })
  })

  test('requirementParents: any type below any, or as configured', async () => {
    const leaf = await made('Leaf', top, '5')
    await made('Folder below a leaf', leaf, '1')
    started.turn({ requirementParents: 'configured' })
    for (const type of ['1', '3']) {
      const answer = await one.create('requirements', { name: `No ${type}`, 'parent-id': leaf, 'type-id': type })
      expect([answer.status, answer.json.Id]).toEqual([403, 'qccore.operation-forbidden'])
    }
    await made('Its own', leaf, '5')
    await made('Group', top, '2')
    started.turn({ requirementParents: 'any' })
  })

  test('children of what is deleted go to "Unattached", or go too on request', async () => {
    for (const force of [false, true]) {
      const parent = await made(`Parent ${force}`, top)
      const child = await made(`Child ${force}`, parent)
      await one.send('DELETE', `requirements/${parent}${force ? '?force-delete-children=y' : ''}`)
      expect((await one.get(`requirements/${child}`)).status).toBe(force ? 404 : 200)
      if (!force) {
        const folder = (await field(child, 'parent-id')) ?? ''
        expect([await field(folder, 'name'), await field(folder, 'parent-id')]).toEqual(['Unattached', '0'])
        expect(await field(child, 'hierarchical-path')).toBe(`${await field(folder, 'hierarchical-path')}AAA`)
      }
    }
  })
})

describe('types', () => {
  test('are listed in both encodings, delivered ones and those of the project', async () => {
    const { types } = (await one.get('customization/entities/requirement/types')).json
    expect(types.map((type: { id: string; name: string }) => [type.id, type.name])).toEqual([
      ['0', 'Undefined'],
      ['1', 'Folder'],
      ['2', 'Group'],
      ['3', 'Functional'],
      ['4', 'Business'],
      ['5', 'Testing'],
      ['6', 'Performance'],
      ['66', 'Business Model'],
      ['101', 'User Story'],
      ['102', 'Compliance'],
    ])
    expect(types[1]).toMatchObject({
      'has-direct-coverage': 'N',
      'default-child-type-id': '0',
      'is-document-root': 'N',
      'icon-ref': null,
    })
    expect((await asXml.get('customization/entities/requirement/types')).text).toContain(
      '<types><type name="Undefined" id="0"><default-child-type-id>0</default-child-type-id><has-direct-coverage>Y</has-direct-coverage>',
    )
  })

  test('are asked for in vain of other entities: an empty list, and of defects a server error', async () => {
    expect((await one.get('customization/entities/test/types')).json).toEqual({ types: [] })
    const answer = await one.get('customization/entities/defect/types')
    expect(problem(answer)).toEqual([500, 'qccore.general-error', 'General Error'])
  })

  test('have fields of their own, which some require, and refuse those of others', async () => {
    const named = async (type: string) =>
      (await one.get(`customization/entities/requirement/types/${type}/fields`)).json.Fields.Field as {
        name: string
        required: boolean
      }[]
    expect((await named('1')).some((one) => one.name === 'user-03')).toBe(false)
    expect((await named('102')).find((one) => one.name === 'user-03')?.required).toBe(true)
    expect((await named('3')).find((one) => one.name === 'user-03')?.required).toBe(false)
    expect((await one.get('customization/entities/requirement/types/77/fields')).status).toBe(404)
    const folder = await one.create('requirements', { name: 'F', 'parent-id': top, 'type-id': '1', 'user-03': 'None' })
    expect(problem(folder).slice(0, 2)).toEqual([400, 'qccore.unknown-field-name'])
    const bare = await one.create('requirements', { name: 'C', 'parent-id': top, 'type-id': '102' })
    expect(problem(bare)).toEqual([400, 'qccore.required-field-missing', "The field 'Customer impact' is required."])
    await made('C', top, '102', { 'user-03': 'None' })
    const unknown = await one.create('requirements', { name: 'U', 'parent-id': top, 'type-id': '77' })
    expect([unknown.status, unknown.json.Title]).toEqual([500, expect.stringContaining("'REQ_TYPE'")])
  })

  test('change by a normal write, which is in the history', async () => {
    const id = await made('Changing', top)
    expect((await one.update(`requirements/${id}`, { name: 'Changing', 'type-id': '4' })).status).toBe(200)
    const { Audit } = (await one.get(`requirements/${id}/audits`)).json.Audits
    expect([Audit.ParentType, Audit.Properties.Property]).toEqual([
      'REQ',
      { Name: 'type-id', Label: 'Requirement Type', OldValue: '3', NewValue: '4' },
    ])
    const groups = (await one.get(`requirements/groups/type-id?query={parent-id[${top}]}`)).json.subLevel
    expect(groups).toMatchObject([{ Name: 'type-id', Value: '4', ReferenceValue: 'Business', size: 1 }])
    expect((await asXml.get(`requirements/${id}`)).text).toContain('<Value ReferenceValue="Business">4</Value>')
  })
})

describe('sets of references', () => {
  test('are written one value each or joined by semicolons, never by commas, and lose what is deleted', async () => {
    const release = { 'start-date': '2026-01-01', 'end-date': '2026-02-01', 'parent-id': '1' }
    const doomed = value((await one.create('releases', { name: 'Doomed', ...release })).json, 'id') ?? ''
    const id = await made('Planned', top, '3', { 'target-rel': [doomed, '1001'] })
    expect(values(await get(id), 'target-rel')).toEqual([{ value: '1001' }, { value: doomed }])
    await one.update(`requirements/${id}`, { 'target-rel': `1002;${doomed}` })
    expect(values(await get(id), 'target-rel')).toEqual([{ value: '1002' }, { value: doomed }])
    expect(problem(await one.update(`requirements/${id}`, { 'target-rel': '1001,1002' }))).toEqual([
      500,
      'qccore.general-error',
      "target-rel field should contain only numbers, given '1001,1002'",
    ])
    await one.send('DELETE', `releases/${doomed}`)
    expect(values(await get(id), 'target-rel')).toEqual([{ value: '1002' }])
    await one.update(`requirements/${id}`, { 'target-rel': '' })
    // A set of references without any is no value at all, in either encoding.
    expect(values(await get(id), 'target-rel')).toEqual([])
    expect((await asXml.get(`requirements/${id}`)).text).toContain('<Field Name="target-rel"/>')
  })
})

describe('filters through references', () => {
  test('find by the record that is referred to, or those without one; a second alias to a type is silently wrong', async () => {
    const named = value((await one.get('releases/1001')).json, 'name') ?? ''
    const id = async (name: string, fields: Record<string, string>) =>
      value((await one.create('defects', { ...newDefect, name, ...fields })).json, 'id') ?? ''
    const [inFirst, inSecond, inNone] = [
      await id('first', { 'target-rel': '1001', 'detected-in-rel': '1002' }),
      await id('second', { 'target-rel': '1002', 'detected-in-rel': '1001' }),
      await id('none', {}),
    ]
    expect(await one.find('defects', `{release.name["${named}"]}`)).toEqual([inFirst])
    expect(await one.find('defects', `{release.name["${named}"];release.inclusive-filter[false]}`)).toEqual([
      inSecond,
      inNone,
    ])
    expect(await one.find('defects', `{connected-to-release.name["${named}"]}`)).toEqual([inFirst])
    expect(await one.find('defects', `{defect-to-detected-release-mirror.name["${named}"]}`)).toEqual([inSecond])
    // The field's own name is no alias.
    expect(await one.find('defects', `{target-rel.name["${named}"]}`)).toBe(404)
    expect(
      await one.find(
        'defects',
        `{defect-to-target-release-mirror.id[1001];defect-to-detected-release-mirror.id[1002]}`,
      ),
    ).toEqual([])
    expect(await one.find('defects', `{nowhere.name["x"]}`)).toBe(404)
    expect(await one.find('defects', `{release.nothing["x"]}`)).toBe(404)
    const { Relation } = (await one.get('customization/entities/defect/relations/')).json
    const aliases = Relation.flatMap((relation: { TargetAliases: { Name: string }[] }) =>
      relation.TargetAliases.map((alias) => alias.Name),
    )
    for (const alias of aliases.filter((name: string) => !name.includes('environment')))
      expect([alias, await one.find('defects', `{${alias}.id[999]}`)]).toEqual([alias, []])
  })
})

test('every accepted write of every type is in the truth log, and no other', async () => {
  const since = started.alm.truth.entries().length
  const id = await made('Logged', top)
  await one.update(`requirements/${id}`, { name: 'Logged too' })
  await one.update(`requirements/${id}`, { name: '' })
  await one.create('test-folders', { name: 'F', 'parent-id': '2' })
  await one.send('DELETE', `requirements/${id}`)
  expect(started.alm.truth.entries(since).map(({ action, type, via }) => [action, type, via])).toEqual([
    ['create', 'requirement', 'rest'],
    ['update', 'requirement', 'rest'],
    ['create', 'test-folder', 'rest'],
    ['delete', 'requirement', 'rest'],
  ])
})
