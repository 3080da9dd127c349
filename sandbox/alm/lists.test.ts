import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AlmClient, newDefect, startAlm, value, values } from './test-client.ts'

const clock = { now: Date.UTC(2026, 4, 4, 12, 0, 0) }
let started: Awaited<ReturnType<typeof startAlm>>
let one: AlmClient
let asXml: AlmClient
const records: Record<string, string>[] = [
  { name: 'alpha', status: 'New', priority: '1-Low', 'estimated-fix-time': '2', 'user-01': 'X-1' },
  { name: 'Beta', status: 'Open', priority: '4-Very High', 'estimated-fix-time': '10', 'target-rel': '1003' },
  { name: 'NOT gamma', status: 'Closed', 'user-01': 'x-3', 'target-rel': '1001', 'creation-time': '2026-04-30' },
  { name: 'it\'s "quoted"; [odd]', status: 'Reopen', 'estimated-fix-time': '9', 'target-rel': '1004' },
  { name: 'delta', 'user-04': 'Chrome;Edge' },
]
beforeAll(async () => {
  started = await startAlm({ now: () => clock.now })
  one = await started.client().signIn()
  asXml = await started.client('xml').signIn()
  const release = { name: 'A first', 'start-date': '2026-01-01', 'end-date': '2026-02-01', 'parent-id': '1' }
  await one.create('releases', release)
  for (const record of records) {
    await one.create('defects', { ...newDefect, ...record })
    clock.now += 60_000
  }
})
afterAll(() => started.alm.close())

describe('filters', () => {
  test.each<[string, string[] | number]>([
    ['', ['1', '2', '3', '4', '5']],
    ['{}', ['1', '2', '3', '4', '5']],
    ['{id[3]}', ['3']],
    ['{id[2 OR 4 or 99]}', ['2', '4']],
    ['{id[> 2]}', ['3', '4', '5']],
    ['{id[>2 AND <5]}', ['3', '4']],
    ['{id[>= 2 AND <= 3];status["Open"]}', ['2']],
    ['{id[<> 3]}', ['1', '2', '4', '5']],
    ['{id[= 3]}', ['3']],
    ['{id[GE 4]}', ['4', '5']],
    ['{id[LT 2 OR GT 4]}', ['1', '5']],
    ['{id[NOT (1 OR 2)]}', ['3', '4', '5']],
    ['{name["alpha"]}', ['1']],
    ["{name['ALPHA']}", ['1']],
    ['{name[*ta]}', ['2', '5']],
    ['{name["*gam*"]}', ['3']],
    ['{name["NOT gamma"]}', ['3']],
    // Without quotes the word is an operator: wrong rows, and no error.
    ['{name[NOT gamma]}', ['1', '2', '3', '4', '5']],
    ['{status[Not New]}', ['2', '3', '4', '5']],
    ['{status["New" OR "Open"]}', ['1', '2']],
    ['{name["it\'s *quoted*; *odd*"]}', ['4']],
    ['{name["*[odd]"]}', ['4']],
    ['{estimated-fix-time[> 9]}', ['2']],
    ['{estimated-fix-time[<= 9]}', ['1', '4']],
    ["{creation-time[< '2026-05-01']}", ['3']],
    // Times are the server's own.
    ['{last-modified[>= "2026-05-04 08:03:00"]}', ['4', '5']],
    ['{last-modified[> "2026-05-04 08:03:00"]}', ['5']],
    ['{target-rel[1001 OR 1004]}', ['3', '4']],
    ['{user-01["x-1" OR "x-3"]}', ['1', '3']],
    ['{user-01[""]}', ['2', '4', '5']],
    ['{user-01[<> ""]}', ['1', '3']],
    ['{user-04["Edge"]}', ['5']],
    ['{priority[4*]}', ['2']],
    // Bad syntax.
    ['{status[No Run]}', 400],
    ['{status[}', 400],
    ['{status[]}', 400],
    ['{status["New]}', 400],
    ['{status[(New]}', 400],
    ['{status[New OR]}', 400],
    ['status[New]', 400],
    ['{status}', 400],
    ['{id[1]status[New]}', 400],
    ['{name[a]b]}', 400],
    ['{id[abc]}', 400],
    ['{last-modified[>= "04.05.2026"]}', 400],
    ['{last-modified[>= 2026-05-04 08:00:00]}', 400],
    // Unknown, not filterable, or another entity's.
    ['{nonsense[1]}', 404],
    ['{description["x"]}', 404],
    ['{ver-stamp[1]}', 404],
    ['{nowhere.name["Release 1.0"]}', 404],
  ])('%s', async (query, found) => {
    expect(await one.find('defects', query)).toEqual(found)
  })

  test('braces, brackets and quotes are the same raw and encoded', async () => {
    const { request } = await import('node:http')
    const { port, pathname } = new URL(`${started.root}/defects`)
    const cookie = [...one.cookies].map(([name, text]) => `${name}=${text}`).join('; ')
    const text = await new Promise<string>((resolve, reject) => {
      const path = `${pathname}?fields=id&query={name["Beta"];id[>1]}`
      request({ port, path, headers: { cookie, accept: 'application/json' } }, (answer) => {
        let body = ''
        answer.on('data', (chunk) => {
          body += chunk
        })
        answer.on('end', () => resolve(body))
      })
        .on('error', reject)
        .end()
    })
    expect(JSON.parse(text).TotalResults).toBe(1)
  })

  test('the errors of a filter', async () => {
    const bad = await one.get('defects?query={status[No Run]}')
    expect([bad.status, bad.json.Id]).toEqual([400, 'qccore.invalid-filter-expression'])
    const unknown = await one.get('defects?query={nonsense[1]}')
    expect([unknown.status, unknown.json.Id]).toEqual([404, 'qccore.invalid-filter-expression'])
  })

  test('what servers differ in: status, empty literals, doubled quotes, words', async () => {
    started.turn({ filterStatus: '404' })
    expect(await one.find('defects', '{status[No Run]}')).toBe(404)
    started.turn({ filterStatus: '400' })
    started.turn({ emptyFilter: 'nothing' })
    expect(await one.find('defects', '{user-01[""]}')).toEqual([])
    started.turn({ emptyFilter: 'refused' })
    expect(await one.find('defects', '{user-01[""]}')).toBe(400)
    started.turn({ emptyFilter: 'matches' })
    expect(await one.find('defects', `{name["it's ""quoted""; [odd]"]}`)).toBe(400)
    started.turn({ filterQuotes: 'doubled' })
    expect(await one.find('defects', `{name["it's ""quoted""; [odd]"]}`)).toEqual(['4'])
    started.turn({ filterQuotes: 'plain' })
    const old = await startAlm({ version: '12.5' })
    expect(await (await old.client().signIn()).find('defects', '{id[GE 4]}')).toBe(400)
    await old.alm.close()
  })
})

describe('order', () => {
  test.each<[string, string[] | number]>([
    ['{id[DESC]}', ['5', '4', '3', '2', '1']],
    ['{last-modified[DESC];id[ASC]}', ['5', '4', '3', '2', '1']],
    ['{estimated-fix-time[ASC];id[DESC]}', ['5', '3', '1', '4', '2']],
    ['{name[ASC]}', ['2', '3', '1', '5', '4']],
    ['{name[DESC,CI]}', ['3', '4', '5', '2', '1']],
    ['{name}', ['2', '3', '1', '5', '4']],
    // References by what they show, not by their ids.
    ['{target-rel[DESC]}', ['2', '3', '4', '1', '5']],
    ['{last-modified[DESC],id[ASC]}', 404],
    ['{nonsense[ASC]}', 404],
    ['{id[UP]}', 404],
  ])('%s', async (order, found) => {
    // Same-second records fall back to their ids.
    expect(await one.find('defects', '', `&order-by=${encodeURIComponent(order)}`)).toEqual(found)
  })

  test('a bad order-by has an id of its own', async () => {
    const { json } = await one.get('defects?order-by={id,name[ASC]}')
    expect([json.Id, json.Title]).toEqual(['qccore.invalid-query-value', 'not existing field: "id,name"'])
    expect((await one.get('defects?page-size=-1')).json.Title).toBe(
      'Page size values can be either integer between 0 and 2,000 or "max" to get the maximum available page size.',
    )
  })
})

describe('pages and fields', () => {
  const page = async (query: string) => {
    const { status, json } = await one.get(`defects?fields=id&${query}`)
    return status === 200
      ? [json.entities.map((row: object) => value(row, 'id')), json.TotalResults]
      : [status, json.Id]
  }

  test('counted from 1, with the size of the whole', async () => {
    expect(await page('page-size=2')).toEqual([['1', '2'], 5])
    expect(await page('page-size=2&start-index=2')).toEqual([['2', '3'], 5])
    expect(await page('page-size=2&start-index=5')).toEqual([['5'], 5])
    expect(await page('page-size=2&start-index=6')).toEqual([[], 5])
    expect(await page('page-size=max')).toEqual([['1', '2', '3', '4', '5'], 5])
    expect(await page('page-size=0')).toEqual([[], 0])
    expect(await page('page-size=-1')).toEqual([404, 'qccore.invalid-query-value'])
    expect(await page('page-size=many')).toEqual([404, 'qccore.invalid-query-value'])
  })

  test('100 by default, 2,000 at most', async () => {
    const large = await startAlm({ defects: 2_050 })
    const client = await large.client().signIn()
    for (const [query, size] of [
      ['', 100],
      ['page-size=max', 2_000],
      ['page-size=5000', 2_000],
      ['page-size=1500&start-index=1501', 550],
    ] as const) {
      const { json } = await client.get(`defects?fields=id&${query}`)
      expect([json.entities.length, json.TotalResults]).toEqual([size, 2_050])
    }
    await large.alm.close()
  })

  test('only the fields asked for, by their exact names', async () => {
    const { json } = await one.get('defects?fields=id,name&query={id[1]}')
    expect(json.entities[0].Fields.map((field: { Name: string }) => field.Name).sort()).toEqual(['id', 'name'])
    expect([json.entities[0].EntityStatus, json.entities[0].ErrorMessage]).toEqual(['Success', ''])
    const { status, json: refused } = await one.get('defects?fields=id,x')
    expect([status, refused.Title]).toEqual([400, "Entity: defect doesn't have a field named: 'x'"])
    const { json: all } = await one.get('defects?query={id[5]}')
    expect(values(all.entities[0], 'user-04')).toEqual([{ value: 'Chrome' }, { value: 'Edge' }])
  })

  test('lists in XML; old servers say less of each row', async () => {
    const query = 'defects?fields=id,status&query={id[1]}'
    expect((await asXml.get(query)).text).toMatch(
      /^<\?xml [^>]*\?>\n<Entities TotalResults="1"><Entity EntityStatus="Success" ErrorMessage="" Type="defect"><ChildrenCount>/,
    )
    expect((await asXml.get('defects?query={id[99]}')).text).toMatch(/\n<Entities TotalResults="0"\/>$/)
    const old = await startAlm({ version: '12.5', defects: 1 })
    const client = await old.client('xml').signIn()
    expect((await client.get(query)).text).toContain('<Entities TotalResults="1"><Entity Type="defect">')
    await old.alm.close()
  })

  test('groups count by value', async () => {
    const { json } = await one.get('defects/groups/target-rel?query={id[> 1]}')
    expect(json.subLevel).toContainEqual({
      Name: 'target-rel',
      Value: '1003',
      ReferenceValue: 'Release 2.0',
      Expression: '1003',
      size: 1,
      subLevel: [],
    })
    expect((await one.get('defects/groups/nonsense')).status).toBe(404)
  })

  test('groups are made of what customization says can be grouped; a record counts with each of its values', async () => {
    const { Field } = (await one.get('customization/entities/defect/fields')).json.Fields
    for (const { name, groupable } of Field) {
      const answer = await one.get(`defects/groups/${name}`)
      expect([name, answer.status]).toEqual([name, groupable ? 200 : 404])
    }
    const { json } = await one.create('defects', { ...newDefect, 'user-04': ['Firefox', 'Edge'] })
    const groups = (await one.get(`defects/groups/user-04?query={id[${value(json, 'id')}]}`)).json.subLevel
    expect(groups.map((group: { Value: string; size: number }) => [group.Value, group.size])).toEqual([
      ['Firefox', 1],
      ['Edge', 1],
    ])
    await one.send('DELETE', `defects/${value(json, 'id')}`)
    // What finds a group: a text of several words in quotes. Only a reference shows something else than its value.
    const statuses = (await one.get('requirements/groups/vc-status')).json.subLevel
    expect(statuses).toEqual([
      { Name: 'vc-status', Value: '', ReferenceValue: null, Expression: '', size: statuses[0].size, subLevel: [] },
    ])
    await one.create('requirements', { name: 'Open', 'parent-id': '0', 'type-id': '3' })
    const covered = (await one.get('requirements/groups/status')).json.subLevel
    expect(covered).toContainEqual(
      expect.objectContaining({ Value: 'Not Covered', Expression: '"Not Covered"', ReferenceValue: null }),
    )
    for (const { Expression, size } of covered)
      expect([Expression, await one.find('requirements', `{status[${Expression}]}`)]).toEqual([
        Expression,
        expect.objectContaining({ length: size }),
      ])
  })
})
