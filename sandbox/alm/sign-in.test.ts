import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AlmClient, basic, newDefect, startAlm } from './test-client.ts'

type Started = Awaited<ReturnType<typeof startAlm>>
const servers: Started[] = []
const start = async (options: Parameters<typeof startAlm>[0] = {}): Promise<Started> => {
  const started = await startAlm(options)
  servers.push(started)
  return started
}
afterEach(() => Promise.all(servers.splice(0).map(({ alm }) => alm.close())))

const credentials = (password = 's3cret &amp; &lt;safe&gt;') =>
  `<alm-authentication><user>sync</user><password>${password}</password></alm-authentication>`
const asXml = { 'content-type': 'application/xml' }
const alm = '/authentication-point/alm-authenticate'
const defects = 'defects?page-size=1'

describe('signing in', () => {
  test('alm-authenticate brings the token alone; site-session brings the rest', async () => {
    const { client } = await start()
    const one = client('xml')
    expect((await one.send('POST', alm, credentials(), asXml)).status).toBe(200)
    expect([...one.cookies.keys()]).toEqual(['LWSSO_COOKIE_KEY'])
    const session = await one.send(
      'POST',
      '/rest/site-session',
      '<session-parameters><client-type>Test</client-type><time-out>60</time-out></session-parameters>',
    )
    expect(session.status).toBe(201)
    expect([...one.cookies.keys()].sort()).toEqual(['ALM_USER', 'LWSSO_COOKIE_KEY', 'QCSession', 'XSRF-TOKEN'])
    expect(session.headers.getSetCookie().find((cookie) => cookie.startsWith('QCSession'))).toContain('HttpOnly')
    expect((await one.get(defects)).status).toBe(200)
  })

  test.each(['s3cret &#38; &#x3c;safe&#62;', '<![CDATA[s3cret & <safe>]]>'])(
    'takes every XML spelling of the password: %s',
    async (password) => {
      const { client } = await start()
      expect((await client('xml').send('POST', alm, credentials(password), asXml)).status).toBe(200)
    },
  )

  test('alm-authenticate refuses a wrong password by its own challenge, and takes JSON from 17 on', async () => {
    const [modern, old] = [await start(), await start({ version: '12.5' })]
    const refused = await modern.client('xml').send('POST', alm, credentials('wrong'), asXml)
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'ALMAUTH'])
    const body = { 'alm-authentication': { user: 'SYNC', password: 's3cret & <safe>' } }
    expect((await modern.client().send('POST', alm, body)).status).toBe(200)
    expect((await old.client().send('POST', alm, body)).status).toBe(415)
  })

  test('the status of alm-authenticate can be 201', async () => {
    const { client } = await start({ switches: { authenticateStatus: '201' } })
    expect((await client('xml').send('POST', alm, credentials(), asXml)).status).toBe(201)
  })

  test('the first call unsigned names the realm, below which Basic authentication signs in', async () => {
    const { client, url } = await start({ version: '12.5' })
    const one = client('xml')
    const unsigned = await one.get('/rest/is-authenticated')
    expect(unsigned.status).toBe(401)
    const realm = /LWSSO realm="?([^"]+)"?$/.exec(unsigned.headers.get('www-authenticate') ?? '')?.[1]
    expect(realm).toBe(`${url}/authentication-point`)
    const path = `${realm?.slice(url.length)}/authenticate`
    const wrong = await one.get(path, { authorization: basic('sync', 'wrong') })
    expect([wrong.status, wrong.headers.get('www-authenticate')]).toEqual([401, 'basic'])
    expect((await one.get(path, { authorization: basic('sync', 's3cret & <safe>') })).status).toBe(200)
    const known = await one.get('/rest/is-authenticated')
    expect(known.text).toContain('<AuthenticationInfo><Username>sync</Username></AuthenticationInfo>')
    // The session opens by itself with the first call to the project.
    expect((await one.get(defects)).status).toBe(200)
    expect([...one.cookies.keys()].sort()).toEqual(['ALM_USER', 'LWSSO_COOKIE_KEY', 'QCSession'])
  })

  test.each(['GET', 'POST'])('flat sign-in by %s brings all cookies, of old servers without XSRF', async (method) => {
    for (const version of ['26.1', '12.5'] as const) {
      const one = (await start({ version })).client()
      const answer = await one.send(method, '/api/authentication/sign-in', undefined, {
        authorization: basic('sync', 's3cret & <safe>'),
      })
      expect(answer.status).toBe(200)
      expect(one.cookies.has('XSRF-TOKEN')).toBe(version === '26.1')
      expect((await one.get(defects)).status).toBe(200)
    }
  })

  test('API keys sign in from 15 on, also in place of name and password', async () => {
    const { client, alm: server } = await start()
    const key = server.credentials.apiKey
    const one = client()
    const login = await one.send('POST', '/rest/oauth2/login', { clientId: key?.clientId, secret: key?.clientSecret })
    expect([login.status, login.text]).toEqual([200, ''])
    expect([...one.cookies.keys()].sort()).toEqual([
      'ALM_USER',
      'JSESSIONID',
      'LWSSO_COOKIE_KEY',
      'QCSession',
      'XSRF-TOKEN',
    ])
    expect((await one.create('defects', newDefect)).status).toBe(201)
    const unquoted = `{clientId: "${key?.clientId}", secret: "${key?.clientSecret}"}`
    expect((await client().send('POST', '/rest/oauth2/login', unquoted)).status).toBe(200)
    expect((await client().send('POST', '/rest/oauth2/login', { clientId: key?.clientId, secret: 'no' })).status).toBe(
      401,
    )
    const retired = server.credentials.inactiveApiKey
    const inactive = { clientId: retired?.clientId, secret: retired?.clientSecret }
    expect((await client().send('POST', '/rest/oauth2/login', inactive)).status).toBe(403)
    const notAsName = await client().send('POST', '/api/authentication/sign-in', undefined, {
      authorization: basic(retired?.clientId ?? '', retired?.clientSecret ?? ''),
    })
    expect(notAsName.status).toBe(401)
    const asName = await client().send('POST', '/api/authentication/sign-in', undefined, {
      authorization: basic(key?.clientId ?? '', key?.clientSecret ?? ''),
    })
    expect(asName.status).toBe(200)
    const old = await start({ version: '12.5' })
    expect((await old.client().send('POST', '/rest/oauth2/login', inactive)).status).toBe(404)
  })

  test('an account can be locked by wrong passwords', async () => {
    const { client } = await start({ switches: { loginLockout: '2' } })
    for (const password of ['no', 'no']) await client().signIn('second', password)
    expect((await client().signIn('second', 'second-pass')).cookies.size).toBe(0)
    expect((await client().signIn('sync')).cookies.size).toBe(4)
  })

  test('is-authenticated has XML alone; its second version has JSON, on new servers', async () => {
    const { client } = await start()
    const one = await client().signIn()
    expect((await one.get('/rest/is-authenticated')).status).toBe(406)
    expect((await one.get('/rest/is-authenticated', { accept: 'application/json, */*' })).text).toContain('<Username>')
    expect((await one.get('/v2/rest/is-authenticated')).json).toEqual({ AuthenticationInfo: { Username: 'sync' } })
    const old = await (await start({ version: '12.5' })).client().signIn()
    expect((await old.get('/v2/rest/is-authenticated')).status).toBe(404)
  })
})

describe('cookies', () => {
  test('many in one header, with attributes that belong elsewhere, quotes and commas', async () => {
    const { client, root } = await start()
    const one = await client().signIn()
    const [sso, session] = [one.cookies.get('LWSSO_COOKIE_KEY'), one.cookies.get('QCSession')]
    for (const cookie of [
      `LWSSO_COOKIE_KEY=${sso}; Path=/; HttpOnly; QCSession=${session}; Path=/; Secure`,
      `LWSSO_COOKIE_KEY=${sso};Path=/;HttpOnly,QCSession=${session};Path=/;Expires=Thu, 01 Jan 2099 00:00:00 GMT`,
      `$Version=1; LWSSO_COOKIE_KEY="${sso}"; QCSession="${session}"; $Path="/"`,
    ]) {
      const answer = await fetch(`${root}/${defects}`, { headers: { cookie, accept: 'application/json' } })
      expect(answer.status).toBe(200)
      expect(answer.headers.getSetCookie()).toEqual([])
    }
  })

  test('every write of new servers echoes the XSRF token, before anything else is looked at', async () => {
    const { client } = await start()
    const one = await client().signIn()
    const bare = await one.send('POST', 'defects', '{}', { 'x-xsrf-token': '' })
    expect([bare.status, bare.json.Id]).toEqual([401, 'qccore.general-error'])
    expect(bare.json.Title).toBe(
      'Unauthorized request. For more details see XSRF Token section in REST API documentation.',
    )
    expect((await one.send('DELETE', 'defects/1', undefined, { 'x-xsrf-token': 'other' })).status).toBe(401)
    expect((await one.create('defects', newDefect)).status).toBe(201)
    const tokenAlone = await one.send('POST', 'defects', '{}', {
      cookie: `LWSSO_COOKIE_KEY=${one.cookies.get('LWSSO_COOKIE_KEY')}`,
    })
    expect(tokenAlone.json.Title).toContain('XSRF')
    const old = await (await start({ version: '12.5' })).client().signIn()
    expect((await old.create('defects', newDefect)).status).toBe(201)
  })

  test('a replaced session cookie is good until the next replacement; the token is issued anew in time', async () => {
    const clock = { now: Date.UTC(2026, 4, 4) }
    const { client } = await start({ switches: { rotateSession: '2', ssoSeconds: '600' }, now: () => clock.now })
    const one = await client().signIn()
    const seen = [one.cookies.get('QCSession')]
    for (let round = 0; round < 4; round++) {
      expect((await one.get(defects)).status).toBe(200)
      if (!seen.includes(one.cookies.get('QCSession'))) seen.push(one.cookies.get('QCSession'))
    }
    expect(seen).toHaveLength(3)
    const sso = one.cookies.get('LWSSO_COOKIE_KEY')
    const withCookie = (session = '') => one.get(defects, { cookie: `LWSSO_COOKIE_KEY=${sso}; QCSession=${session}` })
    expect((await withCookie(seen[0])).status).toBe(401)
    expect((await one.get('/rest/site-session', { cookie: `QCSession=${seen[0]}` })).status).toBe(401)
    expect((await withCookie(seen[1])).status).toBe(200)
    clock.now += 301_000
    expect((await one.get(defects)).status).toBe(200)
    expect(one.cookies.get('LWSSO_COOKIE_KEY')).not.toBe(sso)
    expect((await withCookie(seen[2])).status).toBe(200)
    clock.now += 300_000
    expect((await withCookie(one.cookies.get('QCSession'))).status).toBe(401)
    expect((await one.get(defects)).status).toBe(200)
  })
})

describe('the end of a session', () => {
  let clock: { now: number }
  let clients: AlmClient[]
  const idle = async (options: Parameters<typeof startAlm>[0]) => {
    const { client, alm: server } = await start({ now: () => clock.now, ...options })
    const one = await client().signIn()
    clients.push(one)
    await one.create('defects', newDefect)
    await one.send('POST', 'defects/1/lock')
    clock.now += 3_601_000
    return { one, server }
  }
  beforeEach(() => {
    clock = { now: Date.UTC(2026, 4, 4) }
    clients = []
  })

  test('idle for too long: refused on new servers until signed in again, and locks are gone', async () => {
    const { one, server } = await idle({ switches: { ssoSeconds: '99999' } })
    for (const path of [defects, defects, '/rest/site-session']) {
      const answer = await one.get(path)
      expect([answer.status, answer.json.Id]).toEqual([401, 'qccore.session-has-expired'])
    }
    expect((await one.get('/v2/rest/is-authenticated')).status).toBe(401)
    expect(server.store.locks.of('defect', '1')).toBeUndefined()
    await one.signIn()
    expect((await one.get(defects)).status).toBe(200)
  })

  test('idle for too long: old servers open another session silently', async () => {
    const { one, server } = await idle({ version: '12.5', switches: { ssoSeconds: '99999' } })
    const before = one.cookies.get('QCSession')
    expect((await one.get(defects)).status).toBe(200)
    expect(one.cookies.get('QCSession')).not.toBe(before)
    expect(server.store.locks.of('defect', '1')).toBeUndefined()
  })

  test('the other answers: renewal on new servers, 403, and none without a token', async () => {
    const { one: renewed } = await idle({ switches: { ssoSeconds: '99999', idleRenewal: 'yes' } })
    // The new session keeps the XSRF token, so that a write that finds the old one gone still goes through.
    expect((await renewed.create('defects', newDefect)).status).toBe(201)
    const { one: forbidden } = await idle({ switches: { ssoSeconds: '99999', idleStatus: '403' } })
    expect((await forbidden.get(defects)).status).toBe(403)
    const { one: strict } = await idle({ version: '12.5', switches: { ssoSeconds: '99999', idleRenewal: 'no' } })
    expect((await strict.get(defects)).status).toBe(401)
    const { one: stale } = await idle({ version: '12.5' })
    expect((await stale.get(defects)).status).toBe(401)
  })

  test('PUT and GET of the site session keep it alive', async () => {
    const { client } = await start({ now: () => clock.now, switches: { ssoSeconds: '99999' } })
    const one = await client().signIn()
    for (const method of ['GET', 'PUT', 'GET']) {
      clock.now += 3_000_000
      expect((await one.send(method, '/rest/site-session')).status).toBe(200)
    }
    expect((await one.send('PUT', '/rest/site-session', undefined, { 'x-xsrf-token': '' })).status).toBe(401)
    expect((await one.get(defects)).status).toBe(200)
  })

  test('given back: nobody there for the project, while the token still says who it is', async () => {
    const { client } = await start()
    const one = await client().signIn()
    expect((await one.send('DELETE', '/rest/site-session', undefined, { 'x-xsrf-token': '' })).status).toBe(401)
    expect((await one.send('DELETE', '/rest/site-session')).status).toBe(200)
    expect(one.cookies.has('QCSession')).toBe(false)
    expect((await one.get(defects)).status).toBe(401)
    expect((await one.get('/rest/site-session')).status).toBe(401)
    expect((await one.get('/v2/rest/is-authenticated')).status).toBe(200)
    expect((await one.send('POST', '/rest/site-session')).status).toBe(201)
    expect((await one.get(defects)).status).toBe(200)
    one.cookies.delete('QCSession')
    expect((await one.get(defects)).status).toBe(200)
  })

  test('logged out: old cookies are answered by 500, not 401', async () => {
    const { client } = await start()
    const one = await client().signIn()
    const old = [...one.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    expect((await one.send('POST', '/authentication-point/logout', undefined, { 'x-xsrf-token': '' })).status).toBe(401)
    expect((await one.send('GET', '/authentication-point/logout')).status).toBe(405)
    expect((await one.send('POST', '/authentication-point/logout')).status).toBe(200)
    expect(one.cookies.has('LWSSO_COOKIE_KEY')).toBe(false)
    expect((await one.get(defects)).status).toBe(500)
    for (const [method, path] of [
      ['GET', defects],
      ['POST', 'defects'],
      ['GET', '/rest/site-session'],
      ['POST', '/authentication-point/logout'],
    ] as const) {
      const answer = await one.send(method, path, undefined, { cookie: old })
      expect([answer.status, answer.json.Title]).toEqual([500, 'TokenId is invalid because it has logged out'])
    }
    expect((await one.get('/v2/rest/is-authenticated', { cookie: old })).status).toBe(401)
  })

  test('a log-out needs the XSRF token while there is a session that it guards', async () => {
    const { client } = await start()
    const one = await client().signIn()
    const logout = '/api/authentication/sign-out'
    const without = { 'x-xsrf-token': '' }
    expect((await one.send('POST', logout, undefined, without)).status).toBe(401)
    expect((await one.get(defects)).status).toBe(200)
    await one.send('DELETE', '/rest/site-session')
    expect((await one.send('POST', logout, undefined, without)).status).toBe(200)
    expect((await one.get('/v2/rest/is-authenticated')).status).toBe(401)
  })

  test('log-out by GET: on old servers, or where it was allowed', async () => {
    for (const options of [{ version: '12.5' }, { switches: { getLogout: 'yes' } }] as const) {
      const one = await (await start(options)).client().signIn()
      expect((await one.get('/authentication-point/logout')).status).toBe(200)
    }
    const refused = await (await start({ version: '12.5', switches: { getLogout: 'no' } })).client().signIn()
    expect((await refused.get('/authentication-point/logout')).status).toBe(405)
  })

  test('after a restart a client that signs in again and repeats goes on', async () => {
    const { client, alm: server } = await start()
    const one = await client().signIn()
    server.expireSessions()
    expect((await one.create('defects', newDefect)).status).toBe(401)
    await one.signIn()
    expect((await one.create('defects', newDefect)).status).toBe(201)
  })

  test('a session that opens by itself can be switched off', async () => {
    const { client } = await start({ switches: { implicitSession: 'no' } })
    const one = client('xml')
    await one.send('POST', alm, credentials(), asXml)
    expect((await one.get(defects)).status).toBe(401)
  })
})
