import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AlmClient, entity, newDefect, startAlm } from '../alm/test-client.ts'
import { control, startOctane } from '../octane/test-client.ts'
import { startControl } from './control.ts'

const noon = Date.UTC(2026, 4, 4, 12)
let now = noon
let almSide: Awaited<ReturnType<typeof startAlm>>
let octaneSide: Awaited<ReturnType<typeof startOctane>>
let port: Awaited<ReturnType<typeof startControl>>
let client: AlmClient
beforeEach(async () => {
  now = noon
  almSide = await startAlm({ defects: 4, now: () => now })
  octaneSide = await startOctane({ defects: 4, now: () => now })
  port = await startControl({ alm: almSide.alm, octane: octaneSide.octane })
  client = await almSide.client().signIn()
})
afterEach(async () => {
  await Promise.all([port.close(), almSide.alm.close(), octaneSide.octane.close()])
})

const defect = (id: string) => almSide.alm.store.get('defect', id)
const octaneIds = () => octaneSide.octane.records('defect').map((one) => one.id)

describe('requests committed after they were given up', () => {
  test('ALM: single and bulk, create and update, with the true time in the truth log', async () => {
    const many = { 'content-type': 'application/json;type=collection' }
    const bulk = { entities: [entity(newDefect), entity(newDefect)] }
    almSide.alm.faults.add({ kind: 'commit-late', match: { path: '/defects' }, times: 3 })
    await expect(client.create('defects', newDefect)).rejects.toThrow()
    await expect(client.send('POST', 'defects', bulk, many)).rejects.toThrow()
    await expect(client.update('defects/1', { name: 'late' })).rejects.toThrow()
    expect(almSide.alm.truth.entries()).toEqual([])
    expect((await control(port, 'GET', '/held')).json.alm).toHaveLength(3)
    // The request was let in when it came: a session that ended meanwhile does not stop it.
    almSide.alm.expireSessions()
    now += 5 * 60_000
    expect(
      (await control(port, 'POST', '/release', { system: 'alm' })).json.map((one: { status: number }) => one.status),
    ).toEqual([201, 201, 200])
    expect(almSide.alm.truth.entries().map(({ action, at, via }) => [action, at, via])).toEqual([
      ...['create', 'create', 'create', 'update'].map((action) => [action, '2026-05-04T12:05:00.000Z', 'rest']),
    ])
    expect(almSide.alm.faults.held()).toEqual([])
  })

  test('Octane: single and bulk, and those forgotten are never done', async () => {
    const [id] = octaneIds()
    octaneSide.octane.faults.add({ kind: 'commit-late', match: { path: '/defects' }, times: 3 })
    await expect(octaneSide.call('POST', 'defects', { data: [{ name: 'a' }, { name: 'b' }] })).rejects.toThrow()
    await expect(octaneSide.call('PUT', `defects/${id}`, { name: 'late' })).rejects.toThrow()
    await expect(octaneSide.call('PUT', 'defects', { data: [{ id, name: 'never' }] })).rejects.toThrow()
    expect(octaneSide.octane.faults.releaseHeld(2).map((one) => one.status)).toEqual([201, 200])
    await control(port, 'DELETE', '/held')
    expect(octaneSide.octane.faults.releaseHeld()).toEqual([])
    expect(octaneSide.octane.store.rows('defect').get(id ?? '')?.name).toBe('late')
    expect(octaneIds()).toHaveLength(6)
  })

  test('by itself after a while', async () => {
    almSide.alm.faults.add({ kind: 'commit-late', match: { method: 'PUT' }, commitAfterMs: 1 })
    await expect(client.update('defects/1', { name: 'late' })).rejects.toThrow()
    await expect.poll(() => defect('1').name).toBe('late')
  })
})

describe('deletes over REST', () => {
  test('ALM: one, several, a locked one; a deleted id is not found', async () => {
    almSide.alm.edit('defect', '3', { name: 'open' }, { holdLockMs: 60_000 })
    expect((await client.send('DELETE', 'defects/3')).json.Id).toBe('qccore.lock-failure')
    expect((await client.send('DELETE', 'defects/4')).status).toBe(200)
    expect((await client.send('DELETE', 'defects?ids-to-delete=1,3')).status).toBe(409)
    expect(await client.get('defects/1')).toMatchObject({ status: 404, json: { Id: 'qccore.entity-not-found' } })
    const deleted = almSide.alm.truth.entries().filter((one) => one.action === 'delete')
    expect(deleted.map((one) => [one.id, one.via, one.actor])).toEqual([
      ['4', 'rest', 'sync'],
      ['1', 'rest', 'sync'],
    ])
  })

  test('Octane: one and by query', async () => {
    const [a, b, c] = octaneIds()
    expect(await octaneSide.call('DELETE', `defects/${a}`)).toMatchObject({ status: 200, json: null })
    const query = encodeURIComponent(`"id IN ${b},${c}"`)
    expect((await octaneSide.call('DELETE', `defects?query=${query}`)).json.total_count).toBe(2)
    expect(await octaneSide.call('GET', `defects/${b}`)).toMatchObject({
      status: 404,
      json: { error_code: 'platform.entity_not_found' },
    })
    expect(octaneSide.octane.truth.entries().map((one) => [one.action, one.id])).toEqual(
      [a, b, c].map((id) => ['delete', id]),
    )
  })
})

test.each([
  ['page-duplicate', [0, 0, 1, 2, 3], 4],
  ['page-skip', [1, 2, 3], 4],
  ['page-reorder', [3, 2, 1, 0], 4],
  ['page-cut', [0, 1], 2],
] as const)('%s: once, on both sides, and not on writes', async (kind, places, total) => {
  for (const system of ['alm', 'octane'])
    await control(port, 'POST', '/faults', { system, kind, match: { path: '/defects' } })
  expect((await client.update('defects/1', { name: 'x' })).status).toBe(200)
  const list = async () => (await client.get('defects?fields=id&order-by={id[ASC]}')).json
  const ids = ['1', '2', '3', '4']
  const found = await list()
  expect(
    found.entities.map((one: { Fields: { values: { value: string }[] }[] }) => one.Fields[0]?.values[0]?.value),
  ).toEqual(places.map((at) => ids[at]))
  expect(found.TotalResults).toBe(total)
  expect((await list()).entities).toHaveLength(4)
  const octane = octaneIds()
  const shown = (await octaneSide.call('GET', 'defects?fields=id&order_by=id')).json
  expect(shown.data.map((one: { id: string }) => one.id)).toEqual(places.map((at) => octane[at]))
  expect(shown.total_count).toBe(total)
})

describe('late commits', () => {
  test('a stamp from before the commit; the version rises all the same', async () => {
    almSide.alm.edit('defect', '1', { name: 'now' })
    await control(port, 'POST', '/edit', { system: 'alm', id: 1, fields: { name: 'late' }, modifiedSecondsAgo: 600 })
    expect(defect('1')).toMatchObject({ name: 'late', 'last-modified': '2026-05-04 07:50:00', 'ver-stamp': '3' })
    const [id = ''] = octaneIds()
    octaneSide.octane.edit('defect', id, { name: 'late' }, { modifiedSecondsAgo: 600 })
    const row = octaneSide.octane.store.rows('defect').get(id)
    expect(row).toMatchObject({ last_modified: '2026-05-04T11:50:00Z', version_stamp: 2 })
    expect(octaneSide.octane.truth.entries().at(-1)?.at).toBe('2026-05-04T12:00:00.000Z')
  })

  test('begun now and committed later, also a new record below a later id', () => {
    for (const side of [almSide.alm, octaneSide.octane] as const) {
      const base = side.system === 'alm' ? newDefect : { name: 'n' }
      const id = side.records('defect')[0]?.id as string
      const edit = side.begin('defect', id, { name: 'late' })
      const create = side.beginCreate('defect', base)
      const later = side.create('defect', base)
      now += 60_000
      expect(side.records('defect').some((one) => one.id === create.id || one.name === 'late')).toBe(false)
      const [edited, created] = [edit.commit(), create.commit()]
      expect(Number(created.id)).toBe(Number(later.id) - 1)
      const name = side.system === 'alm' ? 'last-modified' : 'last_modified'
      const stamp = (one: object) => (one as Record<string, unknown>)[name]
      expect([stamp(edited), stamp(created)]).toEqual([stamp(later), stamp(later)])
      now -= 60_000
    }
  })

  test('many records share a second', async () => {
    await control(port, 'POST', '/edits', { system: 'alm', ids: [1, 2, 3], fields: { name: 'all' } })
    expect(new Set(['1', '2', '3'].map((id) => defect(id)['last-modified']))).toEqual(new Set(['2026-05-04 08:00:00']))
  })
})

describe('restore and clone', () => {
  test('ids come again, stamps and texts fall back, and the clock where asked', async () => {
    for (const side of [almSide.alm, octaneSide.octane] as const) {
      const base = side.system === 'alm' ? newDefect : { name: 'n' }
      const before = structuredClone(side.records('defect'))
      await control(port, 'POST', '/snapshot', { system: side.system, name: 'then' })
      side.edit('defect', before[0]?.id as string, { name: 'changed' })
      const first = side.create('defect', base)
      now += 3_600_000
      await control(port, 'POST', '/restore', { system: side.system, name: 'then', clockToo: true })
      expect(side.records('defect')).toEqual(before)
      expect(side.create('defect', base).id).toBe(first.id)
      expect(side.clock.now()).toBe(noon)
      expect(side.truth.entries().map((one) => one.action)).toEqual(['update', 'create', 'restore', 'create'])
      now = noon
    }
    expect((await control(port, 'POST', '/restore', { system: 'alm', name: 'no' })).json.error).toMatch(/name/)
  })

  test('a copy as another project and workspace leaves the first alone', async () => {
    const copy = (await control(port, 'POST', '/clone', { system: 'alm', as: 'Copy' })).json
    const root = `${copy.url}/rest/domains/DEFAULT/projects/Copy`
    const there = await new AlmClient(copy.url, root).signIn()
    expect((await there.update('defects/1', { name: 'copied' })).status).toBe(200)
    expect(defect('1').name).not.toBe('copied')
    const url = (await control(port, 'POST', '/clone', { system: 'octane', as: 2002 })).json.url
    expect((await fetch(`${url}/api/shared_spaces/1001/workspaces/2002`)).status).toBe(401)
  })
})

describe('clocks', () => {
  test('an hour comes twice in autumn and one is left out in spring', async () => {
    const at = async (fixedAt: string) => {
      await control(port, 'POST', '/clock', { system: 'alm', fixedAt, timeZone: 'America/New_York' })
      return almSide.alm.edit('defect', '1', { name: fixedAt })['last-modified']
    }
    expect(await at('2026-11-01T05:30:00Z')).toBe('2026-11-01 01:30:00')
    expect(await at('2026-11-01T06:30:00Z')).toBe('2026-11-01 01:30:00')
    expect(await at('2026-03-08T06:59:59Z')).toBe('2026-03-08 01:59:59')
    expect(await at('2026-03-08T07:00:00Z')).toBe('2026-03-08 03:00:00')
    expect(almSide.alm.truth.entries().every((one) => one.at === '2026-05-04T12:00:00.000Z')).toBe(true)
  })

  test('skew, a jump back and minutes only, also in the header Date; nonsense is refused', async () => {
    const [id = ''] = octaneIds()
    const { clock } = octaneSide.octane
    const stamp = (name: string) => octaneSide.octane.edit('defect', id, { name }).last_modified
    now += 42_000
    clock.set({ offsetMs: 120_000 })
    expect(stamp('a')).toBe('2026-05-04T12:02:42Z')
    expect((await octaneSide.call('GET', 'defects')).headers.get('date')).toBe('Mon, 04 May 2026 12:02:42 GMT')
    clock.set({ offsetMs: -120_000, granularitySeconds: 60 })
    expect(stamp('b')).toBe('2026-05-04T11:58:00Z')
    expect((await control(port, 'POST', '/clock', { system: 'alm', timeZone: 'Nowhere' })).json.error).toMatch(
      /timeZone/,
    )
    expect((await control(port, 'POST', '/clock', { system: 'alm', fixedAt: 'soon' })).json.error).toMatch(/fixedAt/)
  })
})

describe('Call-URL rules', () => {
  test('tell who changed what, signed where asked, twice or never; a receiver that fails is not asked again', async () => {
    const got: { headers: Record<string, unknown>; body: Record<string, unknown> }[] = []
    const receiver = createServer(async (request, response) => {
      let text = ''
      for await (const chunk of request) text += String(chunk)
      got.push({ headers: request.headers, body: JSON.parse(text) })
      response.writeHead(500).end()
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
    try {
      const { octane } = octaneSide
      const [id = ''] = octaneIds()
      const rule = { url, headers: { 'x-token': 't' }, hmac: { header: 'x-signature', secret: 's' } }
      await control(port, 'POST', '/webhooks', { ...rule, events: ['update'] })
      const name = octane.store.rows('defect').get(id)?.name
      octane.edit('defect', id, { name: 'told' }, { actor: 'bob' })
      octane.create('defect', { name: 'not told' })
      await octane.callUrls.idle()
      expect(got).toHaveLength(1)
      expect(got[0]?.body).toEqual({
        entityType: 'defect',
        entityId: id,
        userName: 'bob',
        workspaceId: 1002,
        submissionMode: 'update',
        serverUrl: octaneSide.url,
        changes: { name: { originalValue: name, newValue: 'told' } },
      })
      expect(got[0]?.headers).toMatchObject({ 'x-token': 't', 'x-signature': expect.stringMatching(/^[0-9a-f]{64}$/) })
      expect((await control(port, 'GET', '/webhooks')).json.deliveries).toMatchObject([
        { id, event: 'update', status: 500 },
      ])
      octane.callUrls.clear()
      octane.callUrls.add({ url, type: 'defect', deliver: 'never' })
      octane.callUrls.add({ url, type: 'defect', deliver: 'twice', delayMs: 1 })
      octane.remove('defect', id)
      await expect.poll(() => got.map((one) => one.body.submissionMode)).toEqual(['update', 'delete', 'delete'])
    } finally {
      await new Promise((resolve) => receiver.close(resolve))
    }
  })
})

test('fields named do not raise client_lock_stamp; version_stamp rises always', async () => {
  const [id = ''] = octaneIds()
  await control(port, 'POST', '/switches', { system: 'octane', set: { quietFieldNames: 'rank,story_points' } })
  const { octane } = octaneSide
  expect(octane.edit('defect', id, { story_points: 99 })).toMatchObject({ client_lock_stamp: 1, version_stamp: 2 })
  expect(octane.edit('defect', id, { name: 'loud' })).toMatchObject({ client_lock_stamp: 2, version_stamp: 3 })
})
