import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AlmClient, newDefect, startAlm, value, values } from './test-client.ts'

let started: Awaited<ReturnType<typeof startAlm>>
let one: AlmClient
let other: AlmClient
let asXml: AlmClient
beforeAll(async () => {
  started = await startAlm()
  one = await started.client().signIn()
  other = await started.client().signIn('second', 'second-pass')
  asXml = await started.client('xml').signIn()
})
afterAll(() => started.alm.close())
const created = async () => value((await one.create('defects', newDefect)).json, 'id') ?? ''

describe('domains and projects', () => {
  test('in both encodings and both generations of the API', async () => {
    expect((await asXml.get('/rest/domains')).text).toContain('<Domains><Domain Name="DEFAULT"/></Domains>')
    expect((await one.get('/rest/domains')).json).toEqual({ Domains: { Domain: [{ Name: 'DEFAULT' }] } })
    expect((await asXml.get('/rest/domains/DEFAULT/projects')).text).toContain(
      '<Projects><Project Name="Sync"/></Projects>',
    )
    expect((await one.get('/rest/domains/DEFAULT/projects/')).json).toEqual({
      Projects: { Project: [{ Name: 'Sync' }] },
    })
    expect((await asXml.get('/rest/domains?include-projects-info=y')).text).toContain(
      '<Domain Name="DEFAULT"><Projects><Project Name="Sync"/></Projects></Domain>',
    )
    expect((await one.get('/api/domains')).json).toEqual({ results: [{ name: 'DEFAULT' }] })
    expect((await one.get('/api/domains/DEFAULT/projects')).json).toEqual({ results: [{ name: 'Sync' }] })
    started.turn({ singleElement: 'object' })
    const collapsed = (await one.get('/rest/domains')).json
    started.turn({ singleElement: 'array' })
    expect(collapsed).toEqual({ Domains: { Domain: { Name: 'DEFAULT' } } })
  })

  test('the version, in the site', async () => {
    // New servers tell the number of the build there, and elsewhere what they are sold as.
    expect((await asXml.get('/rest/sa/version')).text).toContain('<SiteVersion>20.0 (Build 20.00.0.143)</SiteVersion>')
    expect((await one.get('/rest/sa/version')).json).toEqual({ SiteVersion: '20.0 (Build 20.00.0.143)' })
    expect((await one.get('/v2/sa/api/site-version')).json['site-version']).toMatchObject({ 'external-version': 26.1 })
    const old = await startAlm({ version: '12.5' })
    const client = await old.client('xml').signIn()
    expect((await client.get('/rest/sa/version')).text).toContain(
      '<SAVersion><MajorVersion>12</MajorVersion><MinorVersion>50</MinorVersion>',
    )
    await old.alm.close()
  })

  test('only what the user may open', async () => {
    const outsider = await started.client().signIn('outsider', 'outsider-pass')
    expect((await outsider.get('/rest/domains')).json).toEqual({ Domains: { Domain: [] } })
    for (const status of [403, 401]) {
      started.turn({ foreignProjectStatus: String(status) })
      const answers = [await outsider.get('defects'), await one.get('/rest/domains/DEFAULT/projects/sync/defects')]
      for (const answer of answers)
        expect([answer.status, answer.json.Id]).toEqual([status, 'qccore.operation-forbidden'])
    }
    started.turn({ foreignProjectStatus: '403' })
  })

  test('names with blanks and letters of any script', async () => {
    const odd = await startAlm({ domain: 'Main Office', project: 'Größe/2' })
    const client = await odd.client().signIn()
    const answer = await client.create('defects', newDefect)
    expect(answer.headers.get('location')).toBe(`${odd.root}/defects/1`)
    expect((await client.get('/rest/domains/Main%20Office/projects/Gr%C3%B6%C3%9Fe%2F2/defects/1')).status).toBe(200)
    await odd.alm.close()
  })
})

describe('customization', () => {
  // biome-ignore lint/suspicious/noExplicitAny: descriptors have many members
  const fieldsOf = async (type: string, query = ''): Promise<any[]> =>
    (await one.get(`customization/entities/${type}/fields${query}`)).json.Fields.Field

  test('fields with everything a client needs to know', async () => {
    const fields = await fieldsOf('defect')
    const named = (name: string) => fields.find((field) => field.name === name)
    expect(named('severity')).toMatchObject({
      physicalName: 'BG_SEVERITY',
      label: 'Severity',
      type: 'LookupList',
      size: 70,
      listId: 279,
      required: true,
      system: true,
      verify: true,
      editable: true,
      filterable: true,
      history: true,
      supportsMultivalue: false,
    })
    expect(named('severity')).not.toHaveProperty('List-Id')
    expect(named('description')).toMatchObject({ type: 'Memo', size: -1, filterable: false })
    expect(named('user-04')).toMatchObject({ system: false, supportsMultivalue: true, physicalName: 'BG_USER_04' })
    expect(named('target-rel').fieldRelationReferences.references).toMatchObject([{ referencedEntityType: 'release' }])
    expect(named('has-linkage')).toMatchObject({ virtual: true })
    expect(new Set(fields.map((field) => field.type))).toEqual(
      new Set(['String', 'Memo', 'Number', 'Date', 'DateTime', 'LookupList', 'UsersList', 'Reference']),
    )
    expect((await fieldsOf('defect', '?required=true')).map((field) => field.name).sort()).toEqual([
      'creation-time',
      'detected-by',
      'name',
      'severity',
    ])
    expect((await fieldsOf('defect', '?can-filter=true')).some((field) => field.name === 'description')).toBe(false)
    expect((await fieldsOf('release-folder')).some((field) => field.name === 'last-modified')).toBe(false)
  })

  test('every field described can be read, and every field read is described', async () => {
    for (const [type, collection] of [
      ['defect', 'defects'],
      ['release', 'releases'],
      ['release-cycle', 'release-cycles'],
      ['release-folder', 'release-folders'],
    ] as const) {
      if (type === 'defect') await created()
      const described = (await fieldsOf(type)).map((field) => field.name).sort()
      const [first] = (await one.get(`${collection}?page-size=1`)).json.entities
      expect(first.Fields.map((field: { Name: string }) => field.Name).sort()).toEqual(described)
    }
  })

  test('the same in XML', async () => {
    const { text } = await asXml.get('customization/entities/defect/fields')
    expect(text).toContain(
      '<Field PhysicalName="BG_SEVERITY" Name="severity" Label="Severity"><Size>70</Size><History>true</History><List-Id>279</List-Id>',
    )
    expect(text).toMatch(/<RelationReference RelationName="[^"]+" ReferencedEntityType="release"\/>/)
    const { text: entities } = await asXml.get('customization/entities')
    expect(entities).toContain(`<EntityResourceDescriptor collectionName="defects" baseUrl="${started.root}/">`)
    expect(entities).toContain('<SupportsHistory url="defects/{entity_id : [0-9]+}/audits">true</SupportsHistory>')
    const { text: lists } = await asXml.get('customization/used-lists?name=Severity')
    expect(lists).toContain('<List><Name>Severity</Name><Id>279</Id><LogicalName>hp.qc.severity</LogicalName>')
    expect(lists).toContain('<Item value="4-Very High" logicalName="hp.qc.severity.very-high"/>')
  })

  test('lists by entity, name and id', async () => {
    const names = async (path: string) =>
      (await one.get(`customization/${path}`)).json.lists.map((list: { Name: string }) => list.Name)
    expect(await names('used-lists?name=Severity,Priority')).toEqual(['Severity', 'Priority'])
    expect(await names('used-lists?id=1,279')).toEqual(['YesNo', 'Severity'])
    expect(await names('entities/release/lists')).toEqual([])
    // A list that no field uses is a list all the same.
    expect(await names('lists')).toEqual(expect.arrayContaining(['Severity', 'Regions']))
    expect(await names('used-lists')).not.toContain('Regions')
    expect(await names('used-lists?name=Regions')).toEqual([])
    expect(await names('entities/defect/lists')).toContain('Browsers')
    const { json } = await one.get('customization/used-lists?id=279')
    expect(json.lists[0].Items[2]).toEqual({ value: '3-High', logicalName: 'hp.qc.severity.high' })
  })

  test('users, with those who left on new servers', async () => {
    const { users } = (await one.get('customization/users')).json
    expect(users).toContainEqual({
      Name: 'hugo',
      FullName: 'Hugo Holm',
      email: 'hugo.holm@example.com',
      phone: '',
      UserActive: false,
    })
    expect((await asXml.get('customization/users/HUGO')).text).toContain(
      '<User Name="hugo" FullName="Hugo Holm"><email>hugo.holm@example.com</email><phone/><UserActive>false</UserActive></User>',
    )
    expect((await one.get('customization/users/nobody')).status).toBe(404)
    const old = await startAlm({ version: '12.5' })
    const client = await old.client().signIn()
    expect((await client.get('customization/users')).json.users[0]).not.toHaveProperty('UserActive')
    await old.alm.close()
  })

  test('relations name the references; types and unknown things', async () => {
    const { json } = await one.get('customization/entities/defect/relations/')
    expect(json.TotalResults).toBe(json.Relation.length)
    const storage = (column: string) => ({
      customizationStorageDescriptor: {
        ReferenceStorage: {
          ReferenceIdColumn: column,
          ReferenceLocation: 'IN_SOURCE_ENTITY',
          ReferenceTypeColumn: null,
        },
      },
    })
    expect(json.Relation).toContainEqual(
      expect.objectContaining({
        Name: 'defect-detected-in-rel-to-release',
        SourceEntity: 'defect',
        TargetEntity: 'release',
        Type: 'connection',
        StorageDescriptor: storage('detected-in-rel'),
        TargetAliases: [
          { Name: 'release', Unique: false },
          { Name: 'connected-to-release', Unique: false },
          { Name: 'defect-to-detected-release-mirror', Unique: true },
        ],
      }),
    )
    const { text } = await asXml.get('customization/entities/requirement/relations')
    expect(text).toMatch(
      /<Relations TotalResults="\d+"><Relation Type="connection" Name="requirement-target-rel-to-release">/,
    )
    expect(text).toContain(
      '<TargetAliases><Alias Unique="true" Name="release"/><Alias Unique="true" Name="connected-to-release"/></TargetAliases>',
    )
    expect(text).toContain('<Relation Type="containment"')
    const all = (await one.get('customization/relations')).json.Relation
    expect(all).toEqual(expect.arrayContaining(json.Relation))
    expect((await asXml.get('customization/extensions')).text).toContain(
      '<Extension Name="QUALITY_CENTER" DisplayName="Quality Center"><Version>',
    )
    expect((await one.get('customization/relations/defect')).status).toBe(404)
    expect((await one.get('customization/entities/nothing/fields')).status).toBe(404)
    expect((await one.get('customization/nothing')).status).toBe(404)
    expect((await one.send('PUT', 'customization/users', {})).status).toBe(405)
  })

  test('answers carry a tag, and nothing where it still holds', async () => {
    const first = await one.get('customization/users')
    const etag = first.headers.get('etag') ?? ''
    const second = await one.get('customization/users', { 'if-none-match': etag })
    expect([second.status, second.text, second.headers.get('etag')]).toEqual([304, '', etag])
    expect((await one.get('customization/users', { 'if-none-match': '"x"' })).status).toBe(200)
    for (const tags of [`"x", ${etag}`, `W/${etag}`, '*'])
      expect((await one.get('customization/users', { 'if-none-match': tags })).status).toBe(304)
    expect((await one.get('customization/relations')).headers.get('etag')).toMatch(/^".+"$/)
  })
})

describe('locks', () => {
  test('keep others out until they are given back', async () => {
    const id = await created()
    expect((await one.send('POST', `defects/${id}/lock`)).status).toBe(200)
    expect((await one.get(`defects/${id}/lock`)).json).toEqual({ LockStatus: 'LOCKED_BY_ME', LockUser: 'sync' })
    expect((await other.get(`defects/${id}/lock`)).json).toEqual({ LockStatus: 'LOCKED_BY_OTHER', LockUser: 'sync' })
    for (const answer of [
      await other.update(`defects/${id}`, { status: 'Open' }),
      await other.send('DELETE', `defects/${id}`),
      await other.send('POST', `defects/${id}/lock`),
      await other.send('DELETE', `defects/${id}/lock`),
    ])
      expect([answer.status, answer.json.Id, answer.json.Title]).toEqual([
        403,
        'qccore.lock-failure',
        "The entity is locked by user 'sync'",
      ])
    expect((await one.update(`defects/${id}`, { status: 'Open' })).status).toBe(200)
    expect((await one.send('DELETE', `defects/${id}/lock`)).status).toBe(200)
    expect((await other.update(`defects/${id}`, { status: 'Fixed' })).status).toBe(200)
  })

  test('die with the session, and can be answered otherwise', async () => {
    const id = await created()
    const guest = await started.client().signIn('second', 'second-pass')
    await guest.send('POST', `defects/${id}/lock`)
    started.turn({ lockedStatus: '409', lockedId: 'entity-locked' })
    const refused = await one.update(`defects/${id}`, { status: 'Open' })
    started.turn({ lockedStatus: '403', lockedId: 'lock-failure' })
    expect([refused.status, refused.json.Id]).toEqual([409, 'qccore.entity-locked'])
    await guest.send('DELETE', '/rest/site-session')
    expect((await one.update(`defects/${id}`, { status: 'Open' })).status).toBe(200)
  })

  test('somebody in the desktop client holds one, too', async () => {
    const id = await created()
    started.alm.edit('defect', id, { name: 'open at bob' }, { actor: 'bob', holdLockMs: 60_000 })
    const refused = await one.update(`defects/${id}`, { status: 'Open' })
    expect(refused.json.Title).toBe("The entity is locked by user 'bob'")
    expect((await one.send('POST', 'defects/999/lock')).status).toBe(404)
  })
})

describe('releases', () => {
  const release = { name: 'Release 9', 'start-date': '2026-03-01', 'end-date': '2026-06-30', 'parent-id': '1' }
  const stamp = async (path: string) => value((await one.get(path)).json, 'ver-stamp')

  test('the root folder is 1, below -1, which nobody can name as parent', async () => {
    expect(await one.find('release-folders', '{parent-id[-1]}')).toEqual(['1'])
    const answer = await one.create('releases', { ...release, 'parent-id': '-1' })
    expect([answer.status, answer.json.Title]).toEqual([
      500,
      "Entity with key '-1' does not exist in table 'RELEASE_FOLDERS'",
    ])
    expect((await one.send('DELETE', 'release-folders/1')).status).toBe(403)
  })

  test('cycles lie within their release; children raise the stamp of what is above', async () => {
    const backwards = await one.create('releases', { ...release, 'end-date': '2026-02-01' })
    expect([backwards.status, backwards.json.Title]).toEqual([500, 'The start date is after the end date'])
    const before = Number(await stamp('release-folders/1'))
    const id = value((await one.create('releases', release)).json, 'id') ?? ''
    expect(Number(await stamp('release-folders/1'))).toBe(before + 1)
    const cycle = { name: 'Sprint 1', 'start-date': '2026-03-01', 'end-date': '2026-03-14', 'parent-id': id }
    expect((await one.create('release-cycles', cycle)).status).toBe(201)
    expect(await stamp(`releases/${id}`)).toBe('2')
    const outside = await one.create('release-cycles', { ...cycle, 'end-date': '2026-07-01' })
    expect([outside.status, outside.json.Title]).toEqual([500, expect.stringContaining('outside the dates')])
    const folder = value((await one.create('release-folders', { name: 'Later', 'parent-id': '1' })).json, 'id') ?? ''
    await one.update(`releases/${id}`, { name: 'Moved', 'parent-id': folder })
    expect(await stamp(`release-folders/${folder}`)).toBe('2')
  })

  test('a deleted release takes its cycles along and leaves no reference behind', async () => {
    const id = value((await one.create('releases', { ...release, name: 'Doomed' })).json, 'id') ?? ''
    const cycle = { name: 'C', 'start-date': '2026-03-01', 'end-date': '2026-03-14', 'parent-id': id }
    const cycleId = value((await one.create('release-cycles', cycle)).json, 'id') ?? ''
    const defect = await one.create('defects', { ...newDefect, 'target-rel': id, 'target-rcyc': cycleId })
    expect(defect.status).toBe(201)
    expect((await one.send('DELETE', `releases/${id}`)).status).toBe(200)
    expect((await one.get(`release-cycles/${cycleId}`)).status).toBe(404)
    const { json } = await one.get(`defects/${value(defect.json, 'id')}`)
    expect([values(json, 'target-rel'), values(json, 'target-rcyc')]).toEqual([[{}], [{}]])
  })

  test('children of a deleted folder are kept, or deleted on request', async () => {
    const made = async (collection: string, fields: Record<string, string>) =>
      value((await one.create(collection, fields)).json, 'id') ?? ''
    for (const force of [false, true]) {
      const folder = await made('release-folders', { name: `F ${force}`, 'parent-id': '1' })
      const id = await made('releases', { ...release, name: `In F ${force}`, 'parent-id': folder })
      expect(
        (await one.send('DELETE', `release-folders/${folder}${force ? '?force-delete-children=y' : ''}`)).status,
      ).toBe(200)
      const left = await one.get(`releases/${id}`)
      expect(left.status).toBe(force ? 404 : 200)
      if (!force) {
        const parent = await one.get(`release-folders/${value(left.json, 'parent-id')}`)
        expect(value(parent.json, 'name')).toBe('Unattached')
      }
    }
  })
})

describe('history', () => {
  test('audits tell changes of audited fields only; one is no list', async () => {
    const id = await created()
    expect((await one.get(`defects/${id}/audits`)).json).toEqual({ Audits: { TotalResults: 0 } })
    await one.update(`defects/${id}`, { status: 'Open', description: 'x', priority: '1-Low' })
    const { Audits } = (await one.get(`defects/${id}/audits`)).json
    expect(Audits.Audit).toMatchObject({ ParentId: Number(id), ParentType: 'BUG', Action: 'UPDATE', User: 'sync' })
    expect(Audits.Audit.Properties.Property).toEqual({
      Name: 'status',
      Label: 'Status',
      OldValue: '',
      NewValue: 'Open',
    })
    await other.update(`defects/${id}`, { status: 'Fixed', owner: 'ann' })
    const later = (await one.get(`defects/${id}/audits`)).json.Audits
    expect([later.TotalResults, later.Audit.length, later.Audit[1].Properties.Property.length]).toEqual([2, 2, 2])
    expect((await asXml.get('audits')).text).toContain('<OldValue>Open</OldValue><NewValue>Fixed</NewValue>')
    expect((await one.get('releases/1001/audits')).status).toBe(404)
  })

  test('the truth log holds every acknowledged write as it was then', async () => {
    const since = started.alm.truth.entries().length
    const id = await created()
    await other.update(`defects/${id}`, { status: 'Open' })
    await other.update(`defects/${id}`, { severity: 'nonsense' })
    started.alm.edit('defect', id, { name: 'by hand' }, { actor: 'bob' })
    await one.send('DELETE', `defects/${id}`)
    const entries = started.alm.truth.entries(since)
    expect(entries.map(({ action, actor, via, version }) => [action, actor, via, version])).toEqual([
      ['create', 'sync', 'rest', 1],
      ['update', 'second', 'rest', 2],
      ['update', 'bob', 'control', 3],
      ['delete', 'sync', 'rest', null],
    ])
    expect(entries[1]).toMatchObject({ id, changed: ['status'], before: { status: null }, after: { status: 'Open' } })
    // A release that gets a child later still stands in the log with the stamp it had.
    const made = await one.create('releases', {
      name: 'Logged',
      'start-date': '2026-03-01',
      'end-date': '2026-06-30',
      'parent-id': '1',
    })
    const release = started.alm.truth.entries().at(-1)
    const cycle = { name: 'S', 'start-date': '2026-03-01', 'end-date': '2026-03-02' }
    await one.create('release-cycles', { ...cycle, 'parent-id': value(made.json, 'id') ?? '' })
    expect(release?.after?.['ver-stamp']).toBe('1')
  })
})
