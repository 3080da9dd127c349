import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AlmClient, newDefect, startAlm, value } from './test-client.ts'

let started: Awaited<ReturnType<typeof startAlm>>
let one: AlmClient
beforeAll(async () => {
  started = await startAlm()
  one = await started.client().signIn()
})
afterAll(() => started.alm.close())

const made = async (collection: string, fields: Record<string, string>): Promise<string> => {
  const answer = await one.create(collection, fields)
  expect([collection, answer.status]).toEqual([collection, 201])
  return value(answer.json, 'id') ?? ''
}
const field = async (path: string, name: string) => value((await one.get(path)).json, name)

describe('test plan and lab', () => {
  test('from the folder to the run, each with its root', async () => {
    // Its parent is a record 0 that is not there; that of other trees is -1.
    expect(await one.find('test-folders', '{parent-id[-1]}')).toEqual([])
    expect(await one.find('test-folders', '{parent-id[0]}')).toEqual(['2'])
    expect((await one.send('DELETE', 'test-folders/2')).status).toBe(403)
    expect((await one.create('test-folders', { name: 'Beside', 'parent-id': '0' })).status).toBe(500)
    expect(await one.find('test-set-folders', '{parent-id[-1]}')).toEqual(['0'])
    const folder = await made('test-folders', { name: 'Plan', 'parent-id': '2' })
    const id = await made('tests', { name: 'T', 'parent-id': folder, 'subtype-id': 'MANUAL' })
    const setFolder = await made('test-set-folders', { name: 'Lab', 'parent-id': '0' })
    const type = 'hp.qc.test-set.default'
    const set = await made('test-sets', { name: 'S', 'parent-id': setFolder, 'subtype-id': type })
    const instance = await made('test-instances', {
      'subtype-id': 'hp.qc.test-instance.MANUAL',
      'test-id': id,
      'cycle-id': set,
    })
    const run = await made('runs', {
      name: 'Run 1',
      'test-id': id,
      'testcycl-id': instance,
      'cycle-id': set,
      owner: 'sync',
      'subtype-id': 'hp.qc.run.MANUAL',
      status: 'Passed',
    })
    expect(await field(`test-sets/${set}`, 'status')).toBe('Open')
    expect(await field(`tests/${id}`, 'exec-status')).toBe('No Run')
    // A test in its folder, and what stands on it goes with it.
    expect((await one.create('tests', { name: 't', 'parent-id': folder, 'subtype-id': 'MANUAL' })).status).toBe(409)
    expect((await one.send('DELETE', `tests/${id}`)).status).toBe(200)
    for (const path of [`test-instances/${instance}`, `runs/${run}`]) expect((await one.get(path)).status).toBe(404)
    expect((await one.create('runs', { name: 'R', 'test-id': '999' })).status).toBe(500)
  })
})

describe('links', () => {
  test('of a defect name their other end, and go with either', async () => {
    const [first, second] = [await made('defects', newDefect), await made('defects', { ...newDefect, status: 'Open' })]
    const link = await made('defect-links', {
      'first-endpoint-id': first,
      'second-endpoint-id': second,
      'second-endpoint-type': 'defect',
      comment: 'the same',
    })
    const of = (name: string) => field(`defect-links/${link}`, name)
    expect([await of('second-endpoint-name'), await of('second-endpoint-status'), await of('owner')]).toEqual([
      'Login fails',
      'Open',
      'sync',
    ])
    // Its type is nobody's default, and there is no version stamp.
    expect([await of('link-type'), await of('ver-stamp')]).toEqual([undefined, undefined])
    expect(await of('last-modified')).toMatch(/^\d{4}-/)
    expect([await field(`defects/${first}`, 'has-linkage'), await field(`defects/${second}`, 'has-linkage')]).toEqual([
      'Y',
      'Y',
    ])
    expect(await field(`defects/${first}`, 'ver-stamp')).toBe('1')
    await one.send('DELETE', `defects/${second}`)
    expect((await one.get(`defect-links/${link}`)).status).toBe(404)
    expect(await field(`defects/${first}`, 'has-linkage')).toBe('N')
    const nowhere = { 'first-endpoint-id': first, 'second-endpoint-id': '999' }
    expect((await one.create('defect-links', { ...nowhere, 'second-endpoint-type': 'requirement' })).status).toBe(500)
    expect((await one.create('defect-links', { ...nowhere, 'second-endpoint-type': 'nothing' })).status).toBe(400)
  })

  test('of requirements: traces, and coverage by tests', async () => {
    const requirement = (name: string) => made('requirements', { name, 'parent-id': '0', 'type-id': '3' })
    const [from, to] = [await requirement('From'), await requirement('To')]
    const trace = await made('req-traces', { 'from-req-id': from, 'to-req-id': to })
    expect(await field(`req-traces/${trace}`, 'creation-date')).toMatch(/^\d{4}-\d\d-\d\d$/)
    expect(await field(`req-traces/${trace}`, 'last-modified')).toBeUndefined()
    expect(await field(`requirements/${to}`, 'has-linkage')).toBe('Y')
    const id = await made('tests', { name: 'Covers', 'parent-id': '2', 'subtype-id': 'MANUAL' })
    const coverage = await made('requirement-coverages', {
      'requirement-id': from,
      'test-id': id,
      'entity-type': 'test',
    })
    expect(await field(`requirements/${from}`, 'status')).toBe('No Run')
    const covering = (name: string) => field(`requirement-coverages/${coverage}`, name)
    expect([await covering('entity-name'), await covering('status'), await covering('coverage-mode')]).toEqual([
      'Covers',
      'No Run',
      'All Configurations',
    ])
    await one.send('DELETE', `tests/${id}`)
    expect((await one.get(`requirement-coverages/${coverage}`)).status).toBe(404)
    expect(await field(`requirements/${from}`, 'status')).toBe('Not Covered')
    // Calculated: metadata calls it editable all the same.
    const answer = await one.update(`requirements/${from}`, { status: 'Passed' })
    expect([answer.status, answer.json.Id]).toEqual([403, 'qccore.operation-forbidden'])
  })
})

describe('releases', () => {
  test('milestones stand below a release, and a release does not shrink below its cycles', async () => {
    const dates = { 'start-date': '2026-03-01', 'end-date': '2026-06-30' }
    const release = await made('releases', { name: 'R', ...dates, 'parent-id': '1' })
    const milestone = await made('milestones', { name: 'M', ...dates, 'parent-id': release })
    expect(await field(`milestones/${milestone}`, 'vts')).toMatch(/^\d{4}-/)
    await made('release-cycles', { name: 'C', ...dates, 'parent-id': release })
    const shrunk = await one.update(`releases/${release}`, { 'end-date': '2026-05-01' })
    expect([shrunk.status, shrunk.json.Title]).toEqual([500, expect.stringContaining('outside the dates')])
    expect((await one.update(`releases/${release}`, { 'end-date': '2026-07-01' })).status).toBe(200)
    expect((await one.create('release-cycles', { name: 'c', ...dates, 'parent-id': release })).status).toBe(409)
    await one.send('DELETE', `releases/${release}`)
    expect((await one.get(`milestones/${milestone}`)).status).toBe(404)
  })
})

describe('lists', () => {
  test('trees hold items in items, and a field that does not verify takes anything', async () => {
    const { lists } = (await one.get('customization/used-lists?name=Components')).json
    expect(lists[0].Items[0]).toEqual({
      value: 'Web',
      logicalName: '',
      Items: [
        { value: 'Shop', logicalName: '' },
        { value: 'Search', logicalName: '' },
      ],
    })
    const asXml = await started.client('xml').signIn()
    expect((await asXml.get('customization/used-lists?name=Components')).text).toContain(
      '<Item value="Web" logicalName=""><Item value="Shop" logicalName=""/>',
    )
    const id = await made('defects', { ...newDefect, 'user-06': 'Web\\Shop' })
    expect(await field(`defects/${id}`, 'user-06')).toBe('Web\\Shop')
  })

  test('items are written by newer servers, and count from then on', async () => {
    const id = (await one.get('customization/used-lists?name=Versions')).json.lists[0].Id
    const path = `customization/used-lists/${id}/items`
    const refused = await one.create('defects', { ...newDefect, 'detection-version': '1.0' })
    expect(refused.status).toBe(400)
    expect((await one.send('POST', path, { value: '1.0' })).status).toBe(201)
    expect((await one.send('POST', path, { value: '1.0' })).status).toBe(409)
    await made('defects', { ...newDefect, 'detection-version': '1.0' })
    expect((await one.send('PUT', `${path}/1.0`, { value: '1.1' })).json.lists[0].Items).toMatchObject([
      { value: '1.1' },
    ])
    expect((await one.send('DELETE', `${path}/1.1`)).status).toBe(200)
    expect((await one.send('DELETE', `${path}/1.1`)).status).toBe(404)
    const old = await startAlm({ version: '12.5' })
    const client = await old.client().signIn()
    expect((await client.send('POST', path, { value: '1.0' })).status).toBe(405)
    await old.alm.close()
  })

  test('their ids differ from project to project, but for the oldest', async () => {
    const other = await startAlm({ project: 'Other' })
    const client = await other.client().signIn()
    const ids = async (who: AlmClient) =>
      (await who.get('customization/used-lists?name=YesNo,Severity')).json.lists.map((list: { Id: number }) => list.Id)
    const [[yesNo, severity], [sameYesNo, otherSeverity]] = [await ids(one), await ids(client)]
    expect([yesNo, sameYesNo, severity === otherSeverity]).toEqual([1, 1, false])
    await other.alm.close()
  })

  test('users name their groups on request', async () => {
    expect((await one.get('customization/users/sync?show-user-groups-names=true')).json.groups).toEqual({
      group: [{ name: 'TDAdmin' }, { name: 'Developer' }],
    })
    expect((await one.get('customization/users/sync')).json).not.toHaveProperty('groups')
    expect((await one.get('customization/groups')).json.Groups.Group).toContainEqual({ Name: 'TDAdmin' })
  })
})

test.each([
  ['requirement', 'requirements', '0'],
  ['test', 'tests', null],
  ['favorite', 'favorites', '1001'],
  ['favorite-folder', 'favorite-folders', '1001'],
  ['release', 'releases', '1001'],
])('permissions: %s may be closed to a user, action by action', async (type, collection, known) => {
  const id = known ?? (await made('tests', { name: 'Closed', 'parent-id': '2', 'subtype-id': 'MANUAL' }))
  const { permissions } = started.alm
  const other = await started.client().signIn('second', 'second-pass')
  for (const [action, method, path] of [
    ['read', 'GET', `${collection}/${id}`],
    ['read', 'GET', collection],
    ['create', 'POST', collection],
    ['update', 'PUT', `${collection}/${id}`],
    ['delete', 'DELETE', `${collection}/${id}`],
  ] as const) {
    permissions.deny({ user: 'sync', type, action })
    const body = method === 'POST' || method === 'PUT' ? { Fields: [] } : undefined
    const answer = await one.send(method, path, body)
    expect([action, answer.status, answer.json.Id]).toEqual([action, 403, 'qccore.operation-forbidden'])
    if (action === 'read') expect((await other.get(path)).status).toBe(200)
    permissions.clear()
  }
})

test('keySessions: an API key has so many sessions at a time, and a user as many as they like', async () => {
  const own = await startAlm({ switches: { keySessions: '2' } })
  const { clientId, clientSecret } = own.alm.credentials.apiKey ?? { clientId: '', clientSecret: '' }
  const logIn = () => own.client().send('POST', '/rest/oauth2/login', { clientId, secret: clientSecret })
  expect([(await logIn()).status, (await logIn()).status, (await logIn()).status]).toEqual([200, 200, 403])
  for (let time = 0; time < 3; time++) expect((await (await own.client().signIn()).get('defects')).status).toBe(200)
  own.alm.expireSessions()
  expect((await logIn()).status).toBe(200)
  await own.alm.close()
})
