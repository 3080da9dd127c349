import { afterEach, describe, expect, test } from 'vitest'
import { newDefect, startAlm, value, values } from './test-client.ts'

type Started = Awaited<ReturnType<typeof startAlm>>
const servers: Started[] = []
const start = async (options: Parameters<typeof startAlm>[0] = {}): Promise<Started> => {
  const started = await startAlm(options)
  servers.push(started)
  return started
}
afterEach(() => Promise.all(servers.splice(0).map(({ alm }) => alm.close())))

const signedIn = async (options: Parameters<typeof startAlm>[0] = {}) => {
  const started = await start(options)
  return { ...started, one: await started.client().signIn(), asXml: await started.client('xml').signIn() }
}

describe('signing in', () => {
  const credentials = '<alm-authentication><user>second</user><password>second-pass</password></alm-authentication>'
  const alm = '/authentication-point/alm-authenticate'
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const xml = { 'content-type': 'application/xml' }

  test('a body that is said to be neither XML nor JSON is not read', async () => {
    const { client } = await start()
    const answer = await client('xml').send('POST', alm, credentials, form)
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([415, []])
    expect((await client('xml').send('POST', alm, credentials, xml)).status).toBe(200)
  })

  test('the parameters of a site session are read: broken ones are refused, and the time-out holds', async () => {
    const clock = { now: Date.UTC(2026, 4, 4) }
    const { client } = await start({ now: () => clock.now, switches: { ssoSeconds: '99999' } })
    const one = client('xml')
    await one.send('POST', alm, credentials, xml)
    const session = (body: string, headers = xml) => one.send('POST', '/rest/site-session', body, headers)
    const timeOut = (minutes: string) =>
      `<session-parameters><client-type>Test</client-type><time-out>${minutes}</time-out></session-parameters>`
    for (const body of ['<session-para', '<other/>', timeOut('soon'), timeOut('-1')])
      expect((await session(body)).status).toBe(400)
    expect((await session(timeOut('5'), form)).status).toBe(415)
    expect([...one.cookies.keys()]).toEqual(['LWSSO_COOKIE_KEY'])
    expect((await session('<session-parameters/>')).status).toBe(201)
    expect((await session(timeOut('5'))).status).toBe(201)
    clock.now += 300_000
    expect((await one.get('/rest/site-session')).status).toBe(200)
    clock.now += 301_000
    expect((await one.get('/rest/site-session')).text).toContain('<Id>qccore.session-has-expired</Id>')
    expect((await session(timeOut('120'))).status).toBe(201)
    clock.now += 7_100_000
    expect((await one.get('/rest/site-session')).status).toBe(200)
  })

  test('a site session without the token that says who it is opens nothing', async () => {
    const { client } = await start()
    const one = await client().signIn()
    const cookie = `QCSession=${one.cookies.get('QCSession')}`
    for (const path of ['defects', '/rest/site-session', '/v2/rest/is-authenticated']) {
      expect((await one.get(path, { cookie })).status).toBe(401)
      expect((await one.get(path)).status).toBe(200)
    }
  })

  test('very old servers have Basic authentication alone; the flat sign-in can be hidden', async () => {
    const { client } = await start({ version: '12.5', switches: { almAuthenticate: 'no', flatSignIn: 'no' } })
    const one = client('xml')
    expect((await one.send('POST', alm, credentials, xml)).status).toBe(404)
    const headers = { authorization: `Basic ${Buffer.from('second:second-pass').toString('base64')}` }
    expect((await one.get('/api/authentication/sign-in', headers)).status).toBe(404)
    expect((await one.get('/authentication-point/authenticate', headers)).status).toBe(200)
    expect((await one.send('POST', '/rest/site-session')).status).toBe(201)
  })
})

describe('what a body holds', () => {
  test('a JSON field without a list of values is answered by an opaque 500, and nothing is cleared', async () => {
    const { one } = await signedIn()
    await one.create('defects', { ...newDefect, priority: '2-Medium' })
    for (const field of [
      { Name: 'priority', value: '1-Low' },
      { Name: 'priority', values: { value: '1-Low' } },
      { Name: 'priority' },
    ]) {
      const answer = await one.send('PUT', 'defects/1', { Fields: [field], Type: 'defect' })
      expect([answer.status, answer.json.Id]).toEqual([500, 'qccore.general-error'])
    }
    expect(value((await one.get('defects/1')).json, 'priority')).toBe('2-Medium')
  })

  test('an XML field whose text stands outside a value is refused; one without value is cleared', async () => {
    const { one, asXml } = await signedIn()
    await one.create('defects', { ...newDefect, priority: '2-Medium' })
    const body = (inner: string) =>
      `<Entity Type="defect"><Fields><Field Name="priority">${inner}</Field></Fields></Entity>`
    expect((await asXml.send('PUT', 'defects/1', body('1-Low'))).status).toBe(400)
    expect(value((await one.get('defects/1')).json, 'priority')).toBe('2-Medium')
    expect((await asXml.send('PUT', 'defects/1', body('\n'))).status).toBe(200)
    expect(values((await one.get('defects/1')).json, 'priority')).toEqual([{}])
  })

  test("an id is read-only: the record's own is taken, another one refused or ignored", async () => {
    const { one, turn } = await signedIn()
    await one.create('defects', newDefect)
    const refused = await one.create('defects', { ...newDefect, id: '77' })
    expect([refused.status, refused.json.Id, refused.json.Title]).toEqual([
      403,
      'qccore.operation-forbidden',
      "The field 'Defect ID' is read-only",
    ])
    expect((await one.update('defects/1', { id: '2', name: 'other' })).status).toBe(403)
    expect(value((await one.update('defects/1', { id: '1', name: 'own' })).json, 'name')).toBe('own')
    turn({ readOnlyFields: 'ignore' })
    expect(value((await one.create('defects', { ...newDefect, id: '77' })).json, 'id')).toBe('2')
    expect(value((await one.update('defects/1', { id: '2', name: 'other' })).json, 'id')).toBe('1')
  })

  test('a media type that only begins like JSON or XML is another one', async () => {
    const { one } = await signedIn()
    for (const type of ['application/jsonp', 'application/xml-dtd', 'text/xml', 'text/json'])
      expect((await one.send('POST', 'defects', '{}', { 'content-type': type })).status).toBe(415)
    const charset = { 'content-type': 'Application/JSON; charset=UTF-8' }
    const body = {
      Fields: Object.entries(newDefect).map(([Name, text]) => ({ Name, values: [{ value: text }] })),
    }
    expect((await one.send('POST', 'defects', body, charset)).status).toBe(201)
  })
})

describe('what is answered', () => {
  test("the JSON dialect of the vendor's web client is not served as if it were the other", async () => {
    const { one } = await signedIn()
    const answer = await one.get('defects', { accept: 'application/json;schema=alm-web' })
    expect(answer.status).toBe(406)
    const both = await one.get('defects', { accept: 'application/json;schema=alm-web, application/xml;q=0.5' })
    expect(both.headers.get('content-type')).toContain('application/xml')
  })

  test('a path that is not there is 404 by every method, one to be read 405', async () => {
    const { one } = await signedIn()
    for (const method of ['GET', 'POST', 'DELETE']) expect((await one.send(method, '/rest/nothing')).status).toBe(404)
    expect((await one.send('POST', '/rest/domains')).status).toBe(405)
    expect((await one.send('PATCH', 'defects/1')).status).toBe(405)
  })

  test('rows say that they are well on new servers alone, in both encodings', async () => {
    for (const version of ['26.1', '12.5'] as const) {
      const { one, asXml } = await signedIn({ version })
      await one.create('defects', newDefect)
      const [row] = (await one.get('defects')).json.entities
      const { text } = await asXml.get('defects')
      const isNew = version === '26.1'
      // One record by itself says so in XML alone.
      expect((await one.get('defects/1')).json).not.toHaveProperty('EntityStatus')
      expect((await asXml.get('defects/1')).text.includes('<Entity EntityStatus="Success"')).toBe(isNew)
      expect([row.EntityStatus, row.ErrorMessage]).toEqual(isNew ? ['Success', ''] : [undefined, undefined])
      expect(text.includes('<Entity EntityStatus="Success" ErrorMessage="" Type="defect">')).toBe(isNew)
    }
  })

  test('a field that the user may not read is not in the record, or empty', async () => {
    const { one, asXml, alm, turn } = await signedIn()
    await one.create('defects', { ...newDefect, priority: '2-Medium' })
    alm.permissions.hideField({ user: 'sync', type: 'defect', field: 'priority' })
    const flat = '/api/domains/DEFAULT/projects/Sync/defects/1'
    const seen = async () => [
      values((await one.get('defects/1')).json, 'priority'),
      values((await one.get('defects?fields=id,priority')).json.entities[0], 'priority'),
      (await one.get(flat)).json.priority,
    ]
    expect(await seen()).toEqual([undefined, undefined, undefined])
    expect((await asXml.get('defects/1')).text).not.toContain('"priority"')
    expect((await one.get('defects?order-by={priority[ASC]}')).status).toBe(200)
    expect((await one.update('defects/1', { name: 'x' })).status).toBe(200)
    turn({ hiddenFields: 'empty' })
    expect(await seen()).toEqual([[{}], [{}], null])
    expect((await asXml.get('defects/1')).text).toContain('<Field Name="priority"><Value></Value></Field>')
    alm.permissions.clear()
    expect(value((await one.get('defects/1')).json, 'priority')).toBe('2-Medium')
  })

  test('a first row that is no number is refused; CI in order-by is known to new servers', async () => {
    for (const version of ['26.1', '12.5'] as const) {
      const { one } = await signedIn({ version })
      const bad = await one.get('defects?start-index=first')
      expect([bad.status, bad.json.Id]).toEqual([404, 'qccore.invalid-query-value'])
      const status = version === '26.1' ? 200 : 404
      expect((await one.get('defects?order-by={name[DESC,CI]}')).status).toBe(status)
      expect((await one.get('defects?order-by={name[DESC]}')).status).toBe(200)
    }
  })
})
