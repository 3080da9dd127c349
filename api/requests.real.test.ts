import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { problemOf } from '../test/contract-client.ts'
import { type Service, startService } from '../test/service.ts'

let service: Service

beforeAll(async () => {
  service = await startService({ workers: 'none', askMs: 1_500, commandMs: 1_000 })
})

afterAll(() => service.close())

const json = { 'content-type': 'application/json' }
const nobody = '00000000-0000-4000-8000-000000000000'

async function refusal(path: string, init: RequestInit = {}) {
  const { response, text } = await service.client.raw(path, init)
  return problemOf(response, text)
}

function post(path: string, body: string, headers: Record<string, string> = json) {
  return refusal(path, { method: 'POST', body, headers })
}

/** fetch sets Host and Origin itself; a hostile page's browser or a rebinding name does not. */
function withHeaders(method: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(service.url)
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path: '/api/v1/links', method, headers }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += String(chunk)
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    request.on('error', reject)
    request.end(method === 'POST' ? '{}' : undefined)
  })
}

describe('who may ask', () => {
  it('answers to loopback names only, whatever name a page was rebound to', async () => {
    for (const host of [
      'tandem.example.com',
      '127.0.0.1.evil.example',
      'localhost.evil.example:80',
      'evil@127.0.0.1',
    ]) {
      const { status, text } = await withHeaders('GET', { host })
      expect([host, status]).toEqual([host, 403])
      expect(JSON.parse(text)).toMatchObject({ code: 'forbidden-host' })
    }
    for (const host of ['127.0.0.1', 'localhost:8700', '[::1]:8700', '127.3.2.1:1'])
      expect([host, (await withHeaders('GET', { host })).status]).toEqual([host, 200])
  })

  it('takes no writing request that a page of another site sends', async () => {
    const { host } = new URL(service.url)
    for (const origin of ['https://evil.example', 'null', `https://${host}`, 'http://localhost:1']) {
      const { status, text } = await withHeaders('POST', { host, origin, ...json })
      expect([origin, status]).toEqual([origin, 403])
      expect(JSON.parse(text)).toMatchObject({ code: 'forbidden-origin' })
    }
    const own = await withHeaders('POST', { host, origin: `http://${host}`, ...json })
    expect(JSON.parse(own.text)).toMatchObject({ code: 'invalid-request' })
  })

  it('lets no other site read: no CORS header is ever sent, and nothing is cached', async () => {
    const { response } = await service.client.raw('/api/v1/links', { headers: { origin: 'https://evil.example' } })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('x-powered-by')).toBeNull()
    expect(response.headers.get('x-frame-options')).toBe('DENY')
  })
})

describe('what cannot be read', () => {
  it('says that a body is no JSON, of another type, too large or in another encoding', async () => {
    expect(await post('/api/v1/endpoints', '{"name": ')).toMatchObject({ status: 400, code: 'malformed-json' })
    expect(
      await post('/api/v1/endpoints', 'name=x', { 'content-type': 'application/x-www-form-urlencoded' }),
    ).toMatchObject({
      status: 415,
      code: 'wrong-content-type',
    })
    expect(await post('/api/v1/endpoints', 'name: x', { 'content-type': 'text/plain' })).toMatchObject({ status: 415 })
    expect(await post('/api/v1/endpoints', JSON.stringify({ name: 'x'.repeat(1_100_000) }))).toMatchObject({
      status: 413,
      code: 'too-large',
    })
    expect(
      await post('/api/v1/endpoints', '{}', { 'content-type': 'application/json', 'content-encoding': 'compress' }),
    ).toMatchObject({ status: 415, code: 'wrong-content-type' })
    expect(
      await post('/api/v1/endpoints', '{}', { 'content-type': 'application/json; charset=klingon' }),
    ).toMatchObject({
      status: 415,
      code: 'wrong-content-type',
    })
  })

  it('names everything that is wrong with a body, each with its pointer', async () => {
    const problem = await post(
      '/api/v1/endpoints',
      JSON.stringify({
        name: ' ',
        address: { kind: 'octane', url: 'ftp://x', sharedSpace: 'a', workspace: '1', extra: 1 },
        secret: { kind: 'password', user: '' },
        unknown: true,
      }),
    )
    expect(problem).toMatchObject({ status: 400, code: 'invalid-request' })
    expect(problem.errors.map(({ pointer }) => pointer)).toEqual(
      expect.arrayContaining([
        '',
        '/name',
        '/address',
        '/address/url',
        '/address/sharedSpace',
        '/secret/user',
        '/secret/password',
      ]),
    )
    expect(problem.remedy).not.toBeNull()
    const of = (pointer: string) =>
      problem.errors.filter((one) => one.pointer === pointer).map(({ message }) => message)
    expect([of('/name'), of(''), of('/secret/user'), of('/secret/password')]).toEqual([
      ['give it a name'],
      ['may not hold "unknown"'],
      ['must not be empty'],
      ['is missing: it must be a text'],
    ])
  })

  it('says what a query may hold', async () => {
    const { errors } = await refusal('/api/v1/runs?limit=many&kind=odd')
    expect(errors).toEqual([
      { pointer: '/query/limit', message: 'must be a whole number from 1 to 200' },
      { pointer: '/query/kind', message: expect.stringMatching(/^must be one of check, simulation/) },
    ])
  })

  it('takes no body of another shape for an empty one', async () => {
    for (const body of ['null', '[]', '"text"', '1', 'true', '{}'])
      expect([body, (await post('/api/v1/endpoints', body)).code]).toEqual([body, 'invalid-request'])
  })

  it('refuses text that no database can keep, wherever it stands', async () => {
    const endpoint = (name: string) =>
      JSON.stringify({
        name,
        address: { kind: 'alm', url: 'http://127.0.0.1:1/qcbin', domain: 'A', project: 'B' },
        secret: { kind: 'password', user: 'u', password: 'p' },
        test: false,
      })
    expect((await post('/api/v1/endpoints', endpoint('a\u0000b'))).errors).toEqual([
      { pointer: '/name', message: expect.stringContaining('cannot be stored') },
    ])
    const half = endpoint('half').replace('"half"', '"\\ud800"')
    expect((await post('/api/v1/endpoints', half)).errors[0]?.pointer).toBe('/name')
    const version = { expectedVersion: 1, configuration: { deep: [{ '\u0000': 1 }] } }
    expect((await post(`/api/v1/links/${nobody}/versions`, JSON.stringify(version))).errors[0]?.pointer).toContain(
      '/configuration/deep/0',
    )
    expect(await refusal('/api/v1/runs?cursor=%00')).toMatchObject({ status: 400 })
    expect(await refusal(`/api/v1/runs/${nobody}/simulation?action=%00`)).toMatchObject({ status: 400 })
  })

  it('refuses what is nested without end instead of falling over it', async () => {
    const depth = 100_000
    const configuration = `${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}`
    const body = `{"expectedVersion":1,"configuration":{"a":${configuration}}}`
    const problem = await post(`/api/v1/links/${nobody}/versions`, body, { ...json, 'idempotency-key': 'deep' })
    expect(problem).toMatchObject({ status: 400, code: 'invalid-request' })
  })

  it('says which path there is not, and which method a path takes', async () => {
    expect(await refusal('/api/v1/nothing')).toMatchObject({ status: 404, code: 'no-such-route' })
    expect(await refusal('/api/v1/links', { method: 'PUT' })).toMatchObject({ status: 405, code: 'method-not-allowed' })
    const { response } = await service.client.raw('/api/v1/links', { method: 'PUT' })
    expect(response.headers.get('allow')).toBe('GET, HEAD, POST')
    expect(await refusal('/api/v1/links/%E0%A4%A')).toMatchObject({ status: 400, code: 'bad-request' })
    expect(await refusal('/docs/assets/../../../../package.json')).toMatchObject({ status: 404 })
  })

  it('refuses cursors that no list gave out', async () => {
    const cursor = (key: unknown) => Buffer.from(JSON.stringify(key)).toString('base64url')
    const foreign = [
      'x',
      '',
      cursor({}),
      cursor([]),
      cursor({ at: 'yesterday-ish', id: nobody }),
      cursor({ at: '2026-01-01T00:00:00.000000Z', id: 'x' }),
      cursor({ at: 1, id: nobody }),
      cursor({ at: '9999999-01-01', id: nobody }),
    ]
    for (const one of foreign)
      expect([one, (await service.refused('listRuns', { query: { cursor: one } })).code]).toEqual([one, 'bad-cursor'])
    for (const limit of ['0', '201', 'many', '-1', '1.5'])
      expect((await service.refused('listRuns', { query: { limit } })).errors[0]?.pointer).toBe('/query/limit')
  })

  it('keeps idempotency keys within their length', async () => {
    const problem = await service.refused('createEndpoint', { key: 'k'.repeat(201), body: {} })
    expect(problem).toMatchObject({ status: 400, code: 'invalid-request' })
    expect(problem.errors.some(({ pointer }) => pointer === '/header/Idempotency-Key')).toBe(true)
  })
})

describe('parts that are away', () => {
  const endpoint = () => ({ name: 'alm', address: service.almAddress, secret: service.almSecret })

  it('says that no worker took the question', async () => {
    const problem = await service.refused('createEndpoint', { body: endpoint() })
    expect(problem).toMatchObject({ status: 504, code: 'no-worker' })
    expect(problem.remedy).toContain('worker')
    expect((await service.call('listEndpoints')).items).toEqual([])
  })

  it('says that no worker took the command, and gives the first answer once one did', async () => {
    const left = await service.call('createEndpoint', { body: { ...endpoint(), test: false } })
    const right = await service.call('createEndpoint', {
      body: { name: 'octane', address: service.octaneAddress, secret: service.octaneSecret, test: false },
    })
    const worker = await service.startCentral()
    const bridge = await service.startBridge()
    const { link } = await service.call('createLink', { body: { name: 'Defects', left: left.id, right: right.id } })
    await Promise.all([worker.stop(), bridge.stop()])

    const command = { params: { id: link.id }, body: { command: 'pause' }, key: 'pause-once' }
    const problem = await service.refused('commandLink', command)
    expect(problem).toMatchObject({ status: 504, code: 'no-worker' })
    await service.startCentral()
    const answer = await vi.waitFor(() => service.call('commandLink', command), { timeout: 30_000 })
    expect(answer).toMatchObject({ command: 'pause', state: 'done' })
    expect(await service.call('getLink', { params: { id: link.id } })).toMatchObject({ paused: true, status: 'paused' })
    const { items } = await service.call('linkLedger', { params: { id: link.id } })
    expect(items.filter(({ action }) => action === 'pause')).toHaveLength(1)
  })

  it('says that the database is away, and goes on when it is back', async () => {
    await service.databaseProxy.cut()
    expect(await service.call('health')).toMatchObject({ database: 'down', temporal: 'ok' })
    expect(await service.refused('listLinks')).toMatchObject({ status: 503, code: 'database-down' })
    expect(await service.refused('createEndpoint', { key: 'away', body: endpoint() })).toMatchObject({ status: 503 })
    await service.databaseProxy.mend()
    expect((await service.call('listLinks')).items).toHaveLength(1)
    expect(await service.call('health')).toMatchObject({ database: 'ok' })
  })

  it('says that Temporal is away, and goes on when it is back', async () => {
    const { items } = await service.call('listLinks')
    const id = items[0]?.id ?? ''
    await service.temporalProxy.cut()
    expect(await service.call('health')).toMatchObject({ database: 'ok', temporal: 'down' })
    expect(await service.refused('testEndpoint', { params: { id: items[0]?.left.id ?? '' } })).toMatchObject({
      status: 503,
      code: 'temporal-down',
    })
    expect(await service.refused('commandLink', { params: { id }, body: { command: 'resume' } })).toMatchObject({
      status: 503,
      code: 'temporal-down',
    })
    await service.temporalProxy.mend()
    await expect
      .poll(() => service.call('health'), { timeout: 20_000 })
      .toMatchObject({ database: 'ok', temporal: 'ok' })
    expect(await service.call('commandLink', { params: { id }, body: { command: 'resume' } })).toMatchObject({
      state: 'done',
    })
  })
})

it('takes no more commands than Temporal holds for a link, says so, and carries every one out once sent again', async () => {
  const crowded = await startService()
  try {
    const { id } = await crowded.addLink()
    await crowded.stopWorkers()
    const command = (key: string) => ({ params: { id }, body: { command: 'full-next' }, key })
    const refused: string[] = []
    const sent = Array.from({ length: 13 }, (_, index) =>
      crowded.call('commandLink', command(`crowd-${index}`)).catch((error: Error) => {
        expect(error.message).toContain('"code":"busy"')
        refused.push(`crowd-${index}`)
      }),
    )
    await vi.waitFor(() => expect(refused).toHaveLength(3), { timeout: 20_000 })
    await crowded.startCentral()
    await Promise.all(sent)
    for (const key of refused) await crowded.call('commandLink', command(key))
    const { items } = await crowded.call('linkLedger', { params: { id } })
    expect(items.filter(({ action }) => action === 'full-next')).toHaveLength(13)
  } finally {
    await crowded.close()
  }
})
