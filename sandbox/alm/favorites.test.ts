import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AlmClient, startAlm, value } from './test-client.ts'

let started: Awaited<ReturnType<typeof startAlm>>
let one: AlmClient
let other: AlmClient
let asXml: AlmClient
beforeAll(async () => {
  started = await startAlm({ defects: 40 })
  one = await started.client().signIn()
  other = await started.client().signIn('second', 'second-pass')
  asXml = await started.client('xml').signIn()
})
afterAll(() => started.alm.close())

const names = async (client: AlmClient, query: string): Promise<string[]> =>
  (await client.get(`favorites?${query}`)).json.Favorites.Favorite.map((favorite: { name: string }) => favorite.name)

test('favorites come as XML of their own, from which a filter is made', async () => {
  const { text } = await asXml.get("favorites?query={module-id[0];name['Open blockers']}")
  expect(text).toMatch(
    /<Favorites><Favorite><id>(\d+)<\/id><module-id>0<\/module-id><parent-id>\d+<\/parent-id><name>Open blockers<\/name><owner>ann<\/owner><is-public>true<\/is-public><Filter Entity="defect" KeepHierarchical="false"><Where><Field Name="status" Value="New OR Open OR Reopen"\/><Field Name="severity" Value="'4-Very High' OR 5-Urgent"\/><\/Where><Grouping\/><Sort><Field Order="1" Direction="Ascending" Name="id"\/><\/Sort><\/Filter><Layout><ViewLogicalName\/><VisibleColumns><Column><Entity>defect<\/Entity><Name>id<\/Name><Width>60<\/Width><\/Column>/,
  )
  const where = [...text.matchAll(/<Field Name="([\w-]+)" Value="([^"]+)"\/>/g)].map(
    ([, name, value]) => `${name}[${value}]`,
  )
  const found = await one.find('defects', `{${where.join(';')}}`)
  expect(Array.isArray(found) && found.length > 0 && found.length < 40).toBe(true)
  const id = /<id>(\d+)/.exec(text)?.[1]
  expect((await asXml.get(`favorites/${id}`)).text).toContain('standalone="yes"?>\n<Favorite><id>')
  expect((await one.get(`favorites/${id}`)).json.Favorite).toMatchObject({
    name: 'Open blockers',
    'is-public': 'true',
    Filter: { Entity: 'defect', Where: { Field: [{ Name: 'status', Value: 'New OR Open OR Reopen' }, {}] } },
  })
})

test('public ones and the own are seen, those of others are not, unless they share them', async () => {
  expect(await names(one, 'query={module-id[0]}')).toEqual(['Open blockers', 'Mine'])
  expect(await names(other, 'query={module-id[0]}')).toEqual(['Open blockers'])
  expect(await names(other, 'query={module-id[3]}')).toEqual(['Functional'])
  const hidden = started.alm.records('favorite').find((row) => row.name === 'Not yours')
  expect((await one.get(`favorites/${hidden?.id}`)).status).toBe(404)
  started.alm.edit('favorite', String(hidden?.id), { 'shared-with': ['sync'] })
  expect(await names(one, 'query={module-id[0]}')).toEqual(['Open blockers', 'Mine'])
  expect(await names(one, 'query={module-id[0]}&include-shared-with-me=y')).toEqual([
    'Open blockers',
    'Mine',
    'Not yours',
  ])
  expect((await one.get(`favorites/${hidden?.id}`)).status).toBe(200)
  expect((await other.get(`favorites/${hidden?.id}`)).status).toBe(404)
})

test('folders have a public and a private root for each module', async () => {
  const roots = await one.get('favorite-folders?query={module-id[0];parent-id[-1]}&order-by={id[ASC]}')
  expect(roots.json.entities.map((row: object) => [value(row, 'name'), value(row, 'is-public')])).toEqual([
    ['Public', 'Y'],
    ['Private', 'N'],
  ])
  const parent = value(roots.json.entities[1], 'id') ?? ''
  const mine = await one.create('favorite-folders', { name: 'Mine', 'module-id': '0', 'parent-id': parent })
  expect([mine.status, value(mine.json, 'owner')]).toEqual([201, 'sync'])
  expect((await other.get(`favorite-folders/${value(mine.json, 'id')}`)).status).toBe(404)
})

test('fields= is not supported on the typed form', async () => {
  expect((await one.get('favorites?fields=id')).status).toBe(400)
  expect((await one.get('favorites?query={nonsense[1]}')).status).toBe(404)
})

test('written in the typed form or as an entity, changed and deleted, and in the truth log', async () => {
  const since = started.alm.truth.entries().length
  const folder = String(started.alm.records('favorite-folder').find((row) => row['is-public'] === 'N')?.id)
  const filter = '<Filter Entity="defect"><Where><Field Name="status" Value="Fixed"/></Where></Filter>'
  const typed = `<Favorite><module-id>0</module-id><parent-id>${folder}</parent-id><name>a &amp; b</name><is-public>false</is-public>${filter}</Favorite>`
  const made = await asXml.send('POST', 'favorites', typed)
  expect([
    made.status,
    made.text.includes(`<name>a &amp; b</name><owner>sync</owner><is-public>false</is-public>${filter}`),
  ]).toEqual([201, true])
  const id = /<id>(\d+)/.exec(made.text)?.[1]
  expect(made.headers.get('location')).toBe(`${started.root}/favorites/${id}`)
  const changed = await one.send('PUT', `favorites/${id}`, {
    Favorite: { name: 'c', Filter: { Entity: 'defect', Where: { Field: [{ Name: 'id', Value: '7' }] } } },
  })
  expect([changed.status, changed.json.Favorite.Filter.Where.Field[0].Value]).toEqual([200, '7'])
  const entity = await one.create('favorites', { name: 'd', 'module-id': '0', 'parent-id': folder, filter })
  expect([entity.status, entity.json.Favorite.Filter.Entity]).toEqual([201, 'defect'])
  expect(
    (await one.create('favorites', { name: 'e', 'module-id': '0', 'parent-id': folder, filter: '<b>' })).status,
  ).toBe(400)
  expect((await asXml.send('POST', 'favorites', '<Favorite><name>x</name></Favorite>')).status).toBe(400)
  expect((await one.send('DELETE', `favorites/${id}`)).status).toBe(200)
  expect((await one.get(`favorites/${id}`)).status).toBe(404)
  expect((await one.send('PUT', 'favorites', {})).status).toBe(405)
  expect(started.alm.truth.entries(since).map(({ action, type }) => [action, type])).toEqual([
    ['create', 'favorite'],
    ['update', 'favorite'],
    ['create', 'favorite'],
    ['delete', 'favorite'],
  ])
})

test('favoriteForm: as any other entity', async () => {
  started.turn({ favoriteForm: 'entity' })
  const { json } = await one.get("favorites?fields=name,filter&query={name['Open blockers']}")
  expect([json.TotalResults, value(json.entities[0], 'name')]).toEqual([1, 'Open blockers'])
  expect(value(json.entities[0], 'filter')).toContain('<Where><Field Name="status"')
  started.turn({ favoriteForm: 'typed' })
})
