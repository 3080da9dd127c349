import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startControl } from '../common/control.ts'
import { createOctaneSandbox } from '../octane/server.ts'
import { almSwitches } from './switches.ts'
import { type AlmClient, newDefect, startAlm } from './test-client.ts'

let started: Awaited<ReturnType<typeof startAlm>>
let port: Awaited<ReturnType<typeof startControl>>
let one: AlmClient
beforeAll(async () => {
  started = await startAlm()
  port = await startControl({ alm: started.alm, octane: createOctaneSandbox({ seed: 1, defects: 0 }) })
  one = await started.client().signIn()
})
afterEach(() => control('DELETE', '/faults'))
afterAll(async () => {
  await port.close()
  await started.alm.close()
})

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
async function control(method: string, path: string, body?: object): Promise<{ status: number; json: any }> {
  const answer = await fetch(`${port.url}${path}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
  return { status: answer.status, json: await answer.json() }
}
const fault = (rule: object) => control('POST', '/faults', { system: 'alm', match: { path: '/defects' }, ...rule })
const count = () => started.alm.records('defect').length

describe('faults', () => {
  test('an error before the commit leaves nothing, one after it leaves the record', async () => {
    const before = count()
    await fault({ kind: 'error-before', status: 502 })
    expect((await one.create('defects', newDefect)).status).toBe(502)
    expect(count()).toBe(before)
    await fault({ kind: 'error-after' })
    const answer = await one.create('defects', newDefect)
    expect([answer.status, answer.json.Id]).toEqual([500, 'qccore.general-error'])
    expect(count()).toBe(before + 1)
    expect((await one.create('defects', newDefect)).status).toBe(201)
  })

  test('a dropped connection, before the work or after it', async () => {
    const before = count()
    await fault({ kind: 'drop', match: { method: 'POST' } })
    await expect(one.create('defects', newDefect)).rejects.toThrow()
    expect(count()).toBe(before)
    await fault({ kind: 'drop-after', match: { method: 'POST' } })
    await expect(one.create('defects', newDefect)).rejects.toThrow()
    expect(count()).toBe(before + 1)
  })

  test('come again later: 429 and 503, in the encoding asked for', async () => {
    await fault({ kind: 'throttle', retryAfter: 7 })
    const throttled = await one.get('defects')
    expect([throttled.status, throttled.headers.get('retry-after'), throttled.json.Id]).toEqual([
      429,
      '7',
      'qccore.general-error',
    ])
    await fault({ kind: 'unavailable', retryAfter: 'Wed, 21 Oct 2026 07:28:00 GMT' })
    const unavailable = await one.get('defects', { accept: 'application/xml' })
    expect([
      unavailable.status,
      unavailable.headers.get('retry-after'),
      unavailable.headers.get('content-type'),
    ]).toEqual([503, 'Wed, 21 Oct 2026 07:28:00 GMT', 'application/xml'])
    expect(unavailable.text).toContain('<QCRestException>')
    await fault({ kind: 'unavailable' })
    expect((await one.get('defects')).headers.has('retry-after')).toBe(false)
  })

  test('401 in mid-run: what is under way is lost, and a client that signs in again goes on', async () => {
    const before = count()
    await fault({ kind: 'unauthorized', match: { method: 'POST', path: '/defects$' }, skip: 1 })
    expect((await one.create('defects', newDefect)).status).toBe(201)
    const refused = await one.create('defects', newDefect)
    expect([refused.status, refused.json.Id]).toEqual([401, 'qccore.session-has-expired'])
    expect(refused.headers.get('www-authenticate')).toMatch(/^LWSSO realm=/)
    expect((await one.get('defects')).status).toBe(401)
    await one.signIn()
    expect((await one.create('defects', newDefect)).status).toBe(201)
    expect(count()).toBe(before + 2)
  })

  test('a page where data was expected, and a slow answer that comes in the end', async () => {
    await fault({ kind: 'html' })
    const page = await one.get('defects')
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html;charset=utf-8'])
    await fault({ kind: 'slow', delayMs: 250, match: { path: '/releases' } })
    const order: string[] = []
    await Promise.all([
      one.get('releases').then(() => order.push('slow')),
      one.get('defects').then(() => order.push('quick')),
    ])
    expect(order).toEqual(['quick', 'slow'])
  })

  test('strike as often as told, where told', async () => {
    await fault({ kind: 'error-before', match: { method: 'get', path: '/defects/1$' }, times: 2 })
    const statuses = []
    for (const path of ['defects/1', 'defects', 'defects/1', 'defects/1']) statuses.push((await one.get(path)).status)
    expect(statuses).toEqual([500, 200, 500, 200])
    expect((await control('GET', '/faults')).json.alm).toMatchObject([{ kind: 'error-before', left: 0 }])
    expect((await fault({ kind: 'error-before', match: { path: '(' } })).status).toBe(400)
    expect((await fault({ kind: 'nonsense' })).status).toBe(400)
  })
})

describe('the control port', () => {
  test('acts as a person would, and tells what was written', async () => {
    const since = started.alm.truth.entries().length
    const made = await control('POST', '/create', {
      system: 'alm',
      actor: 'bob',
      fields: { ...newDefect, 'user-02': 5 },
    })
    const { id } = made.json
    await control('POST', '/edit', {
      system: 'alm',
      id,
      fields: { status: 'Open' },
      actor: 'carla',
      holdLockMs: 60_000,
    })
    const refused = await one.update(`defects/${id}`, { status: 'Fixed' })
    expect(refused.json.Title).toBe("The entity is locked by user 'carla'")
    expect((await control('GET', `/records?system=alm&id=${id}`)).json).toMatchObject([
      { status: 'Open', 'user-02': '5' },
    ])
    await control('POST', '/delete', { system: 'alm', id, actor: 'carla' })
    const { json } = await control('GET', `/truth?system=alm&since=${since}`)
    expect(json.map((entry: { action: string; actor: string }) => [entry.action, entry.actor])).toEqual([
      ['create', 'bob'],
      ['update', 'carla'],
      ['delete', 'carla'],
    ])
    const wrong = await control('POST', '/edit', { system: 'alm', id: '999999', fields: {} })
    expect([wrong.status, wrong.json.error]).toEqual([400, "Entity with ID '999999' does not exist"])
  })

  test('seeds are reproducible from their number', async () => {
    const texts = async (seed: number) => {
      const fresh = await startAlm({ seed, defects: 30 })
      const client = await fresh.client().signIn()
      const { text } = await client.get('defects?page-size=max')
      await fresh.alm.close()
      return text
    }
    expect(await texts(7)).toBe(await texts(7))
    expect(await texts(7)).not.toBe(await texts(8))
    const before = count()
    await control('POST', '/seed', { system: 'alm', count: 5, seed: 3 })
    expect(count()).toBe(before + 5)
  })

  test('sessions end, and switches are turned while it runs', async () => {
    await control('POST', '/switches', { system: 'alm', set: { lockedStatus: '409' } })
    const { json } = await control('GET', '/switches')
    expect(json.alm.set.lockedStatus).toBe('409')
    expect(Object.keys(json.alm.known)).toEqual(Object.keys(almSwitches))
    await control('POST', '/switches', { system: 'alm', set: { lockedStatus: '403' } })
    for (const set of [{ lockedStatus: '500' }, { nonsense: 'yes' }])
      expect((await control('POST', '/switches', { system: 'alm', set })).status).not.toBe(200)
    await control('POST', '/expire', { system: 'alm' })
    expect((await one.get('defects')).status).toBe(401)
    await one.signIn()
  })

  test('requests are counted by what they ask for', async () => {
    await control('DELETE', '/requests')
    await one.get('defects/1')
    await one.get('defects/2')
    expect((await control('GET', '/requests')).json.alm).toEqual({ 'GET /defects/*': 2 })
  })
})
