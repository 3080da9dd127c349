import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type AlmClient, newDefect, startAlm, value } from '../alm/test-client.ts'
import { control, startOctane } from '../octane/test-client.ts'
import { startControl } from './control.ts'

let almSide: Awaited<ReturnType<typeof startAlm>>
let octaneSide: Awaited<ReturnType<typeof startOctane>>
let port: Awaited<ReturnType<typeof startControl>>
let sync: AlmClient
let second: AlmClient
beforeAll(async () => {
  almSide = await startAlm({ defects: 3 })
  octaneSide = await startOctane({ defects: 3 })
  port = await startControl({ alm: almSide.alm, octane: octaneSide.octane })
  sync = await almSide.client().signIn()
  second = await almSide.client().signIn('second', 'second-pass')
})
afterEach(() => control(port, 'DELETE', '/permissions'))
afterAll(async () => {
  await Promise.all([port.close(), almSide.alm.close(), octaneSide.octane.close()])
})

const forbidden = { status: 403, json: { Id: 'qccore.operation-forbidden' } }

describe('ALM', () => {
  test('each action is forbidden alone, to one user, and nothing is written', async () => {
    const written = almSide.alm.truth.entries().length
    const { permissions } = almSide.alm
    const attempts = {
      read: () => sync.get('defects/1'),
      create: () => sync.create('defects', newDefect),
      update: () => sync.update('defects/1', { name: 'x' }),
      delete: () => sync.send('DELETE', 'defects/1'),
      lock: () => sync.send('POST', 'defects/1/lock'),
    } as const
    for (const [action, attempt] of Object.entries(attempts) as [keyof typeof attempts, () => Promise<unknown>][]) {
      permissions.clear()
      permissions.deny({ user: 'SYNC', type: 'defect', action })
      expect(await attempt()).toMatchObject(forbidden)
    }
    expect(almSide.alm.truth.entries()).toHaveLength(written)
    permissions.clear()
    permissions.deny({ user: 'sync', type: 'defect', action: 'read' })
    expect(await sync.get('defects')).toMatchObject(forbidden)
    expect((await sync.get('releases')).status).toBe(200)
    expect((await second.get('defects')).status).toBe(200)
  })

  test('rows of a bulk are refused one by one, and a later rule takes part of an earlier one back', async () => {
    almSide.alm.permissions.deny({ user: 'sync' })
    almSide.alm.permissions.allow({ user: 'sync', action: 'read' })
    expect((await sync.get('defects')).status).toBe(200)
    const body = { entities: [{ Fields: [{ Name: 'name', values: [{ value: 'x' }] }] }] }
    const answer = await sync.send('POST', 'defects', body, { 'content-type': 'application/json;type=collection' })
    expect(answer.status).toBe(500)
    expect(answer.text).toContain('qccore.operation-forbidden')
  })

  test('hidden records are nowhere; a hidden field has no value, is not found by, and cannot be written', async () => {
    almSide.alm.edit('defect', '2', { priority: '5-Urgent' })
    almSide.alm.permissions.hideRecords({ user: 'sync', type: 'defect', ids: ['1'] })
    almSide.alm.permissions.hideField({ user: 'sync', type: 'defect', field: 'priority' })
    expect(await sync.find('defects', '{id[>0]}')).toEqual(['2', '3'])
    expect(await sync.get('defects/1')).toMatchObject({ status: 404, json: { Id: 'qccore.entity-not-found' } })
    expect(await sync.update('defects/1', { name: 'x' })).toMatchObject({ status: 404 })
    expect(value((await sync.get('defects/2')).json, 'priority')).toBeUndefined()
    expect(await sync.find('defects', "{priority['5-Urgent']}")).toEqual([])
    expect(await sync.update('defects/2', { priority: '1-Low' })).toMatchObject(forbidden)
    expect(value((await second.get('defects/2')).json, 'priority')).toBe('5-Urgent')
    expect((await second.get('defects/1')).status).toBe(200)
  })

  test('a project that a user lost, or that is gone, is refused and not listed', async () => {
    await control(port, 'POST', '/access', { system: 'alm', user: 'sync', open: false })
    expect(await sync.get('defects/1')).toMatchObject(forbidden)
    expect((await sync.get('/rest/domains')).json.Domains.Domain).toEqual([])
    expect((await second.get('defects/1')).status).toBe(200)
    await control(port, 'POST', '/access', { system: 'alm', user: 'sync', open: true })
    expect((await sync.get('defects/1')).status).toBe(200)
    await control(port, 'POST', '/access', { system: 'alm', open: false })
    expect(await second.get('defects/1')).toMatchObject(forbidden)
    await control(port, 'POST', '/access', { system: 'alm', open: true })
    expect((await second.get('defects/1')).status).toBe(200)
  })
})

describe('Octane', () => {
  const user = 'sync@example.com'
  const ids = async (query = '') =>
    (await octaneSide.call('GET', `defects?fields=id${query}`)).json.data.map((one: { id: string }) => one.id)

  test('a type that may not be read is empty, and its ids are not found', async () => {
    const { id } = octaneSide.octane.records('defect')[0] ?? { id: '' }
    expect(await ids()).toHaveLength(3)
    await control(port, 'POST', '/permissions', {
      system: 'octane',
      user,
      type: 'defect',
      action: 'read',
      allowed: false,
    })
    expect((await octaneSide.call('GET', 'defects')).json).toMatchObject({ total_count: 0, data: [] })
    expect(await octaneSide.call('GET', `defects/${id}`)).toMatchObject({
      status: 404,
      json: { error_code: 'platform.entity_not_found' },
    })
    expect((await octaneSide.call('GET', 'releases')).json.total_count).toBeGreaterThan(0)
  })

  test('writes are refused with 403, rows of a bulk one by one', async () => {
    const { id } = octaneSide.octane.records('defect')[0] ?? { id: '' }
    const written = octaneSide.octane.truth.entries().length
    const no = { status: 403, json: { error_code: 'platform.not_authorized' } }
    for (const action of ['create', 'update', 'delete'] as const)
      octaneSide.octane.permissions.deny({ user, type: 'defect', action })
    expect(await octaneSide.call('PUT', `defects/${id}`, { name: 'x' })).toMatchObject(no)
    expect(await octaneSide.call('DELETE', `defects/${id}`)).toMatchObject(no)
    expect(await octaneSide.call('DELETE', `defects?query="id EQ ${id}"`)).toMatchObject(no)
    expect(await octaneSide.call('POST', 'defects', { data: [{ name: 'x' }] })).toMatchObject({
      status: 403,
      json: { data: [], errors: [{ index: 0, error_code: 'platform.not_authorized' }] },
    })
    expect(octaneSide.octane.truth.entries()).toHaveLength(written)
  })

  test('hidden records and fields', async () => {
    const [first, next] = octaneSide.octane.records('defect').map((one) => one.id)
    await control(port, 'POST', '/hidden', { system: 'octane', user, type: 'defect', ids: [first] })
    await control(port, 'POST', '/hidden', { system: 'octane', user, type: 'defect', field: 'name' })
    expect(await ids()).not.toContain(first)
    expect((await octaneSide.call('PUT', `defects/${first}`, { is_draft: true })).status).toBe(404)
    const shown = (await octaneSide.call('GET', `defects/${next}?fields=name,severity`)).json
    expect(Object.keys(shown).sort()).toEqual(['id', 'severity', 'type'])
    expect((await octaneSide.call('PUT', `defects/${next}`, { name: 'x' })).status).toBe(403)
    expect((await control(port, 'POST', '/hidden', { system: 'octane', type: 'defect' })).json.error).toMatch(/field/)
  })

  test('a workspace that a user lost, or that is gone', async () => {
    const { permissions, store } = octaneSide.octane
    permissions.shutOut(user)
    expect(await octaneSide.call('GET', 'defects')).toMatchObject({
      status: 403,
      json: { error_code: 'platform.not_authorized' },
    })
    const listed = () => octaneSide.atSite('GET', `/api/shared_spaces/${octaneSide.octane.sharedSpace}/workspaces`)
    expect((await listed()).json.data).toEqual([])
    permissions.letIn(user)
    permissions.vanished = true
    expect((await octaneSide.call('GET', 'defects')).json.message).toContain('platform.web_application')
    Object.assign(store.switches, { missingWorkspace: 'entity' })
    expect(await octaneSide.call('GET', 'defects/1')).toMatchObject({
      status: 404,
      json: { error_code: 'platform.entity_not_found', properties: { entity_type: 'workspace' } },
    })
    permissions.vanished = false
    expect((await listed()).json.data).toHaveLength(1)
  })
})
