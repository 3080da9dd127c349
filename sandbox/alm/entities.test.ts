import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type AlmClient, type Answer, entity, newDefect, startAlm, value, values } from './test-client.ts'

/** 2026-05-04 13:15:00 UTC; 09:15 in New York. */
const clock = { now: Date.UTC(2026, 4, 4, 13, 15, 0, 750) }
let started: Awaited<ReturnType<typeof startAlm>>
let one: AlmClient
let asXml: AlmClient
beforeAll(async () => {
  started = await startAlm({ now: () => clock.now, switches: { idleSeconds: '999999', ssoSeconds: '999999' } })
  one = await started.client().signIn()
  asXml = await started.client('xml').signIn()
})
afterAll(() => started.alm.close())
beforeEach(() => {
  clock.now = Date.UTC(2026, 4, 4, 13, 15, 0, 750)
})

const created = async (fields: Record<string, string | string[]> = {}): Promise<string> =>
  value((await one.create('defects', { ...newDefect, ...fields })).json, 'id') ?? ''
const problem = (answer: Answer) => [answer.status, answer.json.Id, answer.json.Title]

describe('one record', () => {
  test('is created with defaults of the server, and where it lies', async () => {
    const answer = await one.create('defects', newDefect)
    const id = value(answer.json, 'id')
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toBe(`${started.root}/defects/${id}`)
    expect(answer.json.Type).toBe('defect')
    expect(answer.json['children-count']).toBe(0)
    expect(answer.json).not.toHaveProperty('EntityStatus')
    // Times are those of the server's zone, to the second; a status is nobody's default.
    expect(value(answer.json, 'last-modified')).toBe('2026-05-04 09:15:00')
    expect(value(answer.json, 'ver-stamp')).toBe('1')
    expect(values(answer.json, 'status')).toEqual([{}])
    expect((await one.get(`defects/${id}?fields=id`)).json).toEqual(answer.json)
  })

  test('no value looks different by type, in both encodings', async () => {
    const id = await created()
    const { json } = await one.get(`defects/${id}`)
    for (const name of ['status', 'description', 'user-01', 'owner', 'target-rel', 'user-04'])
      expect(values(json, name)).toEqual([{}])
    for (const name of ['estimated-fix-time', 'closing-date']) expect(values(json, name)).toEqual([])
    const { text } = await asXml.get(`defects/${id}`)
    expect(text).toMatch(
      /^<\?xml version="1\.0" encoding="UTF-8" standalone="yes"\?>\n<Entity EntityStatus="Success" ErrorMessage="" Type="defect">/,
    )
    for (const name of ['status', 'description', 'user-01', 'owner', 'target-rel', 'user-04'])
      expect(text).toContain(`<Field Name="${name}"><Value></Value></Field>`)
    for (const name of ['estimated-fix-time', 'closing-date']) expect(text).toContain(`<Field Name="${name}"/>`)
    expect(text).toContain('<ChildrenCount><Value>0</Value></ChildrenCount>')
    expect(text).toContain('<RelatedEntities/>')
  })

  test('is changed field by field, cleared by an empty value, and deleted with its last form', async () => {
    const id = await created({ priority: '2-Medium', 'user-01': 'x' })
    clock.now += 61_000
    const changed = await one.update(`defects/${id}`, { priority: '', status: 'New' })
    expect(changed.status).toBe(200)
    expect([value(changed.json, 'status'), values(changed.json, 'priority')]).toEqual(['New', [{}]])
    expect(value(changed.json, 'user-01')).toBe('x')
    expect(value(changed.json, 'ver-stamp')).toBe('2')
    expect(value(changed.json, 'last-modified')).toBe('2026-05-04 09:16:01')
    const cleared = await one.send('PUT', `defects/${id}`, { Fields: [{ Name: 'user-01', values: [{}] }] })
    expect(values(cleared.json, 'user-01')).toEqual([{}])
    const gone = await one.send('DELETE', `defects/${id}`)
    expect([gone.status, value(gone.json, 'status')]).toEqual([200, 'New'])
    expect(problem(await one.get(`defects/${id}`))).toEqual([
      404,
      'qccore.entity-not-found',
      `Entity with ID '${id}' does not exist`,
    ])
    expect((await one.send('DELETE', `defects/${id}`)).status).toBe(404)
  })

  test('XML says the same as JSON, with what a reference shows', async () => {
    const body = `<Entity Type="defect"><Fields>
      <Field Name="name"><Value>a &#60;b&#x3e; &amp; "c" 漢字</Value></Field>
      <Field Name="detected-by"><Value>SYNC</Value></Field>
      <Field Name="creation-time"><Value>2026-05-04</Value></Field>
      <Field Name="severity"><Value>3-High</Value></Field>
      <Field Name="target-rel"><Value ReferenceValue="whatever">1001</Value></Field>
      <Field Name="user-04"><Value>Safari</Value><Value>Chrome</Value></Field>
      <Field Name="user-01"/><Field Name="priority"><Value/></Field>
    </Fields></Entity>`
    const answer = await asXml.send('POST', 'defects', body)
    expect(answer.status).toBe(201)
    expect(answer.text).toContain('<Field Name="name"><Value>a &lt;b&gt; &amp; "c" 漢字</Value></Field>')
    expect(answer.text).toContain('<Field Name="target-rel"><Value ReferenceValue="Release 1.0">1001</Value></Field>')
    // Users in the spelling of the list; sets in the order of theirs.
    expect(answer.text).toContain('<Field Name="detected-by"><Value>sync</Value></Field>')
    expect(answer.text).toContain('<Field Name="user-04"><Value>Chrome</Value><Value>Safari</Value></Field>')
    const id = /<Field Name="id"><Value>(\d+)</.exec(answer.text)?.[1]
    const { json } = await one.get(`defects/${id}`)
    expect([value(json, 'name'), values(json, 'target-rel')]).toEqual(['a <b> & "c" 漢字', [{ value: '1001' }]])
  })

  test('a JSON body that begins with a parent is answered by an opaque 500; XML is not', async () => {
    const release = { name: 'Ordered', 'start-date': '2026-01-01', 'end-date': '2026-02-01', 'parent-id': '1' }
    const { 'parent-id': parent, ...rest } = release
    const answer = await one.create('releases', { 'parent-id': parent, ...rest })
    expect(problem(answer)).toEqual([
      500,
      'qccore.general-error',
      'Cannot invoke "Object.hashCode()" because "key" is null',
    ])
    const fields = Object.entries({ 'parent-id': parent, ...rest })
      .map(([name, text]) => `<Field Name="${name}"><Value>${text}</Value></Field>`)
      .join('')
    const done = await asXml.send('POST', 'releases', `<Entity Type="release"><Fields>${fields}</Fields></Entity>`)
    expect(done.status).toBe(201)
    expect((await one.create('releases', { ...release, name: 'Ordered too' })).status).toBe(201)
  })
})

describe('what is refused', () => {
  test.each([
    [{ severity: '' }, 400, 'qccore.required-field-missing', "The field 'Severity' is required."],
    [{ nonsense: '1' }, 400, 'qccore.unknown-field-name', /'nonsense'/],
    [{ severity: 'Severe' }, 400, 'qccore.invalid-list-field-value', /'Severe'/],
    [{ 'detection-version': '1.0' }, 400, 'qccore.invalid-list-field-value', /'1.0'/],
    [{ owner: 'nobody' }, 400, 'qccore.invalid-list-field-value', /'nobody'/],
    [{ 'estimated-fix-time': '1.5' }, 400, 'qccore.invalid-value-type-for-field', /Estimated Fix Time/],
    [{ 'closing-date': '04.05.2026' }, 400, 'qccore.invalid-value-type-for-field', /Closing Date/],
    [{ 'closing-date': '2026-02-30' }, 400, 'qccore.invalid-value-type-for-field', /Closing Date/],
    [{ 'closing-date': '2026-05-04 10:00:00' }, 400, 'qccore.invalid-value-type-for-field', /Closing Date/],
    [{ 'target-rel': 'Release 1.0' }, 400, 'qccore.invalid-value-type-for-field', /Target Release/],
    [{ 'target-rel': '99' }, 500, 'qccore.general-error', "Entity with key '99' does not exist in table 'RELEASES'"],
    [{ name: 'x'.repeat(256) }, 400, 'qccore.general-error', /255/],
    [{ 'last-modified': '2026-01-01 00:00:00' }, 403, 'qccore.operation-forbidden', /Modified/],
    [{ 'has-linkage': 'Y' }, 403, 'qccore.operation-forbidden', /Has linkage/],
    [{ status: ['New', 'Open'] }, 500, 'qccore.general-error', /several values/],
    [{ 'user-04': 'Chrome,Safari' }, 500, 'qccore.general-error', /begin 0/],
  ])('%j', async (fields, status, id, title) => {
    const before = started.alm.truth.entries().length
    const answers = [
      await one.create('defects', { ...newDefect, ...(fields as Record<string, string>) }),
      await one.update(`defects/${await created()}`, fields as Record<string, string>),
    ]
    for (const answer of answers)
      expect(problem(answer)).toEqual([status, id, title instanceof RegExp ? expect.stringMatching(title) : title])
    // Only the defect that was there to be changed.
    expect(started.alm.truth.entries(before).map((entry) => entry.action)).toEqual(['create'])
  })

  test('read-only fields can be ignored instead; version stamps always are', async () => {
    const id = await created()
    expect(value((await one.update(`defects/${id}`, { 'ver-stamp': 'any' })).json, 'ver-stamp')).toBe('2')
    started.turn({ readOnlyFields: 'ignore' })
    const { status, json } = await one.update(`defects/${id}`, { 'has-linkage': 'Y', name: 'renamed' })
    started.turn({ readOnlyFields: 'refuse' })
    expect([status, value(json, 'name'), values(json, 'has-linkage')]).toEqual([200, 'renamed', [{ value: 'N' }]])
  })

  test('values of a set: repeated, or joined by semicolons', async () => {
    const id = await created({ 'user-04': ['Safari', 'Firefox', 'Safari'] })
    const texts = async () => values((await one.get(`defects/${id}`)).json, 'user-04')?.map((each) => each.value)
    expect(await texts()).toEqual(['Firefox', 'Safari'])
    await one.update(`defects/${id}`, { 'user-04': 'Edge;Chrome' })
    expect(await texts()).toEqual(['Chrome', 'Edge'])
    await one.update(`defects/${id}`, { 'user-04': '' })
    expect(await texts()).toEqual([undefined])
  })

  test('the workflow lets everything pass, or only what it knows', async () => {
    const id = await created({ status: 'New' })
    expect((await one.update(`defects/${id}`, { status: 'Closed' })).status).toBe(200)
    for (const status of ['403', '400']) {
      started.turn({ workflow: 'enforced', workflowStatus: status })
      const answer = await one.update(`defects/${id}`, { status: 'New' })
      expect([answer.status, answer.json.Id]).toEqual([Number(status), 'qccore.operation-forbidden'])
      expect((await one.update(`defects/${id}`, { status: 'Reopen' })).status).toBe(200)
      expect((await one.update(`defects/${id}`, { status: 'Fixed' })).status).toBe(200)
      expect((await one.update(`defects/${id}`, { status: 'Closed' })).status).toBe(200)
      started.turn({ workflow: 'bypassed', workflowStatus: '403' })
    }
  })

  test('errors speak the language of the Accept header, and HTML without one', async () => {
    const json = await one.get('defects/999')
    expect(json.json).toEqual({
      Id: 'qccore.entity-not-found',
      Title: "Entity with ID '999' does not exist",
      ExceptionProperties: null,
      StackTrace: null,
    })
    expect((await asXml.get('defects/999')).text).toBe(
      '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<QCRestException><Id>qccore.entity-not-found</Id>' +
        "<Title>Entity with ID '999' does not exist</Title><ExceptionProperties/><StackTrace/></QCRestException>",
    )
    const vague = await one.get('defects/999', { accept: '*/*' })
    expect([vague.status, vague.headers.get('content-type')]).toEqual([404, 'text/html;charset=utf-8'])
    expect((await one.get('defects/999', { accept: 'image/png, application/xml' })).text).toContain('<QCRestException>')
    expect((await one.get('defects', { accept: 'image/png' })).status).toBe(406)
    expect((await one.get('defects', { accept: '*/*' })).text).toContain('<Entities ')
    expect(
      (await one.get('defects', { accept: 'application/xml;q=0.5, application/json' })).json.entities,
    ).toBeDefined()
  })

  test('methods, media types, bodies and addresses that mean nothing', async () => {
    const id = await created()
    expect((await one.send('POST', `defects/${id}`, entity({}))).status).toBe(405)
    expect((await one.send('PATCH', 'defects', entity({}))).status).toBe(405)
    expect((await one.send('PUT', 'defects', entity({}))).status).toBe(405)
    expect((await one.send('OPTIONS', 'defects')).status).toBe(501)
    expect((await one.send('POST', 'defects', 'x', { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await one.send('POST', 'defects', '{')).status).toBe(400)
    expect((await one.send('POST', 'defects', 'null')).status).toBe(500)
    expect((await asXml.send('POST', 'defects', '<Entity><Fields></Entity>')).text).toContain('not valid XML')
    const unescaped = '<Entity><Fields><Field Name="name"><Value><b>x</b></Value></Field></Fields></Entity>'
    expect((await asXml.send('PUT', `defects/${id}`, unescaped)).status).toBe(400)
    expect((await one.get('nothings')).status).toBe(404)
    expect((await one.get(`defects/${id}/nothing`)).status).toBe(404)
    expect((await one.get('defects/abc')).json.Id).toBe('qccore.entity-not-found')
    expect((await one.get('defects/%zz')).status).toBe(400)
  })
})

describe('memos', () => {
  const stored = async (text: string) =>
    value((await one.create('defects', { ...newDefect, description: text })).json, 'description')
  test.each([
    ['plain text', '<html><body>\nplain text\n</body></html>'],
    ['if a<b & c>d\nthen', '<html><body>\nif a&lt;b &amp; c&gt;d then\n</body></html>'],
    ['<html><body></body></html>', '<html><body>\n\n</body></html>'],
    ['a<br>b', '<html><body>\na<br />b\n</body></html>'],
    ['<p>a</p><p></p><p>b</p>', '<html><body>\n<p>a</p>\n<p></p>\n<p>b</p>\n</body></html>'],
    [
      '<table><tr><td>1</td></tr></table>',
      '<html><body>\n<table>\n<tbody>\n<tr>\n<td>1</td>\n</tr>\n</tbody>\n</table>\n</body></html>',
    ],
    [
      '<p onclick="x()" style="color: red">a<script>alert(1)</script><a href="javascript:x()">b</a></p>',
      '<html><body>\n<p style="color: red">a<a>b</a></p>\n</body></html>',
    ],
    ['<p style="background: url(https://x.example/a.png)">a</p>', '<html><body>\n<p>a</p>\n</body></html>'],
    [
      '<img src="a.png" alt="x"><img src="https://example.com/b.png">',
      '<html><body>\n<img alt="x" /><img src="https://example.com/b.png" />\n</body></html>',
    ],
    ['<pre>a\n\n  b</pre>', '<html><body>\n<pre>a\n\n  b</pre>\n</body></html>'],
  ])('%j', async (written, read) => {
    expect(await stored(written)).toBe(read)
    // What was read is written back as it is.
    expect(await stored(read)).toBe(read)
  })
})

describe('several records at once', () => {
  const collection = { 'content-type': 'application/json;type=collection' }
  const xmlCollection = { 'content-type': 'application/xml; type="collection"' }

  test('all well: one answer with all records', async () => {
    const body = { entities: [entity(newDefect), entity({ ...newDefect, name: 'Second' })] }
    const answer = await one.send('POST', 'defects', body, collection)
    expect([answer.status, answer.json.TotalResults]).toEqual([201, 2])
    expect(answer.json.entities.map((row: object) => value(row, 'name'))).toEqual(['Login fails', 'Second'])
    const ids: string[] = answer.json.entities.map((row: object) => value(row, 'id'))
    const update = { entities: ids.map((id) => entity({ id, status: 'Open' })) }
    expect((await one.send('PUT', 'defects', update, collection)).status).toBe(200)
    const removed = await one.send('DELETE', `defects?ids-to-delete=${ids.join(',')}`)
    expect([removed.status, removed.json.entities.length]).toEqual([200, 2])
    expect((await one.get(`defects/${ids[0]}`)).status).toBe(404)
  })

  test('some well: 409, each row with what became of it, and the good ones are there', async () => {
    const id = await created()
    const body = {
      entities: [entity({ id, status: 'Open' }), entity({ id: '9999', status: 'Open' }), entity({ id, severity: '' })],
    }
    const { status, json } = await one.send('PUT', 'defects', body, collection)
    expect([status, json.Id, json.Title]).toEqual([
      409,
      'qccore.bulk-operation-failed',
      'bulk failed. see exception properties.',
    ])
    const [property] = json.ExceptionProperties
    const rows = property.BulkValue.BulkEntries
    expect(property.Name).toBe('qccore.bulk-operation-failed')
    expect(rows.map((row: { Succeeded: boolean }) => row.Succeeded)).toEqual([true, false, false])
    expect([rows[0].EntityId, rows[0].EntityType, value(rows[0].Entity, 'status')]).toEqual([id, 'defect', 'Open'])
    expect(rows[1].Exception.Id).toBe('qccore.entity-not-found')
    expect(rows[2].Exception.Title).toBe("The field 'Severity' is required.")
    expect(value((await one.get(`defects/${id}`)).json, 'status')).toBe('Open')
  })

  test('some well, in XML', async () => {
    const row = (severity: string) =>
      `<Entity Type="defect"><Fields>${Object.entries({ ...newDefect, severity })
        .map(([name, text]) => `<Field Name="${name}"><Value>${text}</Value></Field>`)
        .join('')}</Fields></Entity>`
    const body = `<Entities>${row('1-Low')}${row('')}</Entities>`
    const { status, text } = await asXml.send('POST', 'defects', body, xmlCollection)
    expect(status).toBe(409)
    expect(text).toMatch(/<BulkEntry Successful="true" EntityId="\d+" EntityType="defect"><Entity Type="defect">/)
    expect(text).toContain(
      '<BulkEntry Successful="false" EntityType="defect"><Id>qccore.required-field-missing</Id>' +
        "<Title>The field 'Severity' is required.</Title><StackTrace/></BulkEntry></BulkOperationFailed></value>",
    )
  })

  test('none well: 500; too many: 400', async () => {
    const bad = entity({ ...newDefect, severity: '' })
    const { status, json } = await one.send('POST', 'defects', { entities: [bad, bad] }, collection)
    expect([status, json.ExceptionProperties[0].BulkValue.BulkEntries[0].EntityId]).toEqual([500, null])
    expect((await one.send('POST', 'defects', { entities: Array(2_001).fill(bad) }, collection)).status).toBe(400)
  })

  test('without the media type, or on servers without bulk, several are refused', async () => {
    const body = { entities: [entity(newDefect), entity(newDefect)] }
    const opaque = [500, 'qccore.general-error', expect.stringContaining('JsonNode')]
    expect(problem(await one.send('POST', 'defects', body))).toEqual(opaque)
    expect((await asXml.send('POST', 'defects', '<Entities><Entity Type="defect"/></Entities>')).status).toBe(400)
    started.turn({ bulk: 'no' })
    const answers = [
      await one.send('POST', 'defects', body, collection),
      await one.send('PUT', 'defects', body, collection),
    ]
    started.turn({ bulk: 'yes' })
    for (const answer of answers) expect(problem(answer)).toEqual(opaque)
  })
})
