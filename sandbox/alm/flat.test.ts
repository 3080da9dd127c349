import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AlmClient, newDefect, startAlm, value } from './test-client.ts'

let started: Awaited<ReturnType<typeof startAlm>>
let one: AlmClient
const ids: string[] = []
const flat = (path: string) => one.get(`/api/domains/DEFAULT/projects/Sync/${path}`)
const found = async (query: string): Promise<number[] | number> => {
  const answer = await flat(`defects?fields=id&query=${encodeURIComponent(query)}`)
  return answer.status === 200 ? answer.json.data.map((row: { id: number }) => row.id) : answer.status
}
beforeAll(async () => {
  started = await startAlm()
  one = await started.client().signIn()
  for (const more of [{ 'target-rel': '1001' }, { severity: '4-Very High', priority: '1-Low' }, { severity: '1-Low' }])
    ids.push(value((await one.create('defects', { ...newDefect, ...more })).json, 'id') ?? '')
})
afterAll(() => started.alm.close())

test('records are objects with fields for keys, numbers as numbers, references as objects', async () => {
  const { json } = await flat(`defects/${ids[0]}`)
  expect(json).toMatchObject({
    type: 'defect',
    id: Number(ids[0]),
    name: 'Login fails',
    severity: '3-High',
    'creation-time': '2026-05-04',
    'target-rel': { type: 'release', id: 1001 },
    priority: null,
  })
  expect((await flat('defects/99999')).status).toBe(404)
  expect((await one.send('POST', '/api/domains/DEFAULT/projects/Sync/defects', {})).status).toBe(405)
  expect((await flat('nothing')).status).toBe(404)
  expect((await one.get('/api/domains/DEFAULT/projects/Other/defects')).status).toBe(403)
})

test('filters with OR between fields, AND, and null', async () => {
  const [a, b, c] = ids.map(Number)
  expect(await found(`"severity='3-High'||severity='4-Very High'"`)).toEqual([a, b])
  expect(await found(`severity='1-Low'||priority='1-Low'`)).toEqual([b, c])
  expect(await found(`id > ${a};severity='4-Very High'||severity='1-Low'`)).toEqual([b, c])
  expect(await found('priority = null')).toEqual([a, c])
  expect(await found('priority <> null')).toEqual([b])
  expect(await found(`last-modified > '2020-01-01 00:00:00';name = 'Login*'`)).toEqual([a, b, c])
  expect(await found(`{id[${a} OR ${c}]}`)).toEqual([a, c])
  expect(await found('nothing = 1')).toBe(404)
  expect(await found('severity')).toBe(400)
})

test('sorted and paged from 0; a limit over the maximum is refused', async () => {
  const [a, b, c] = ids.map(Number)
  const rows = async (query: string) => (await flat(`defects?${query}`)).json.data.map((row: { id: number }) => row.id)
  expect(await rows('order-by="-id"&limit=2')).toEqual([c, b])
  expect(await rows('order-by=-id&limit=2&offset=2')).toEqual([a])
  expect((await flat('defects?limit=2001')).status).toBe(400)
  expect((await flat('defects?fields=nothing')).status).toBe(400)
})

test('attachments name their record, and give their bytes', async () => {
  const head = { 'content-type': 'application/octet-stream', slug: 'a.txt' }
  await one.send('POST', `defects/${ids[0]}/attachments`, new Uint8Array([104, 105]), head)
  const query = encodeURIComponent(`"entity.type='defect';entity.id=${ids[0]}"`)
  const { json } = await flat(`attachments?query=${query}`)
  expect(json.data).toMatchObject([
    { type: 'attachment', name: 'a.txt', 'file-size': 2, entity: { id: Number(ids[0]), type: 'defect' } },
  ])
  const bytes = await one.get(`/api/domains/DEFAULT/projects/Sync/attachments/${json.data[0].id}`, {
    accept: 'application/octet-stream',
  })
  expect(bytes.text).toBe('hi')
  started.alm.permissions.hideRecords({ type: 'defect', ids: [ids[0] ?? ''] })
  expect((await flat(`attachments?query=${query}`)).json.data).toEqual([])
  expect((await flat(`attachments/${json.data[0].id}`)).status).toBe(404)
  started.alm.permissions.clear()
})
