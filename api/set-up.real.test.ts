import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LinkConfiguration } from '../core/link-config.ts'
import { createAlmSandbox } from '../sandbox/alm/server.ts'
import { type Service, startService } from '../test/service.ts'
import type { EndpointView, LinkView } from './contract/schemas.ts'

let service: Service
let left: EndpointView
let right: EndpointView
let defects: LinkView
let secondUrl = ''
const second = createAlmSandbox({ version: '26.1', seed: 2, defects: 0, domain: 'R&D "West"', project: 'Größe 2' })

beforeAll(async () => {
  service = await startService()
  secondUrl = (await second.listen()).url
})
afterAll(async () => {
  await service.close()
  await second.close()
})

const bin = fileURLToPath(new URL('../cli/bin.js', import.meta.url))
function tandem(secret: string, ...args: string[]): Promise<{ code: number | null; out: string }> {
  const env = { PATH: process.env.PATH, HOME: '/nowhere', TANDEM_API: service.url, SECRET: secret }
  const child = spawn(process.execPath, [bin, ...args, '--secret-env', 'SECRET'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      out += String(chunk)
    })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out })))
}

async function newest(linkId: string) {
  const { items } = await service.call('listVersions', { params: { id: linkId } })
  if (items[0] === undefined) throw new Error('a link has a version')
  return { version: items[0].version, configuration: items[0].configuration as unknown as LinkConfiguration }
}

/** What is answered to a changed configuration that is not taken. */
async function refusedChange(linkId: string, change: Partial<LinkConfiguration>) {
  const { version, configuration } = await newest(linkId)
  const body = { expectedVersion: version, configuration: { ...configuration, ...change } }
  return service.refused('addVersion', { params: { id: linkId }, body })
}

function defect(alm: Pick<Service['alm'], 'create'>, name: string): void {
  const needed = { severity: '2-Medium', status: 'New', 'creation-time': '2026-05-01', 'detected-by': 'sync' }
  alm.create('defect', { name, ...needed })
}

describe('endpoints', () => {
  // covers 8, 10
  it('are chosen from the projects and workspaces that one may open, by password or API key', async () => {
    const ask = (url: string, secret: object, kind = 'alm') =>
      service.call('listPlaces', { body: { kind, url: `${url}/`, secret } })
    const key = { kind: 'api-key', ...service.alm.credentials.apiKey }
    for (const secret of [service.almSecret, key])
      expect((await ask(service.almAddress.url, secret)).items).toEqual([
        { name: 'DEFAULT/Sync', address: service.almAddress },
      ])
    expect(
      (await ask(service.almAddress.url, { kind: 'password', ...service.alm.credentials.outsider })).items,
    ).toEqual([])
    const [other] = (await ask(secondUrl, service.almSecret)).items
    expect(other?.address).toMatchObject({ domain: 'R&D "West"', project: 'Größe 2' })
    const [workspace] = (await ask(service.octaneAddress.url, service.octaneSecret, 'octane')).items
    expect(workspace).toEqual({ name: 'Default Shared Space/Demo', address: service.octaneAddress })
    expect((await service.call('listEndpoints')).items).toEqual([])

    const wrong = { kind: 'password', user: 'sync', password: 'hunter2-guess' }
    const problem = await service.refused('listPlaces', {
      body: { kind: 'alm', url: service.almAddress.url, secret: wrong },
    })
    expect(problem).toMatchObject({ status: 422, code: 'connection-failed' })
    expect(problem.errors[0]?.message).toContain('wrong-password')
    const bad = { kind: 'octane', url: 'http://a:b@localhost', secret: key }
    expect(await service.refused('listPlaces', { body: bad })).toMatchObject({ errors: [{ pointer: '/url' }] })
    expect(await service.dumpDatabase()).not.toContain('hunter2-guess')

    left = await service.call('createEndpoint', { body: { name: 'alm', address: service.almAddress, secret: key } })
    expect(left.testReport).toMatchObject({ user: 'sync' })
    right = await service.call('createEndpoint', {
      body: { name: 'octane', address: workspace?.address, secret: service.octaneSecret },
    })
    const listed = await tandem(
      service.almSecret.password,
      ...['endpoint', 'places', '--kind', 'alm', '--url', service.almAddress.url, '--user', service.almSecret.user],
    )
    expect(listed).toMatchObject({ code: 0, out: expect.stringContaining('--domain "DEFAULT" --project "Sync"') })
  })

  // covers 9, 12, 16
  it('serve links of each kind, which show a new name of theirs', async () => {
    const create = (name: string, more: object = {}) =>
      service.call('createLink', {
        body: { name, left: left.id, right: right.id, configuration: { schedule: { fullScans: [] } }, ...more },
      })
    defects = (await create('Defects')).link
    const types = [
      { octane: 'epic', alm: ['Business'] },
      { octane: 'feature', alm: ['Functional'] },
    ]
    await create('Backlog', { entityType: 'backlog', types, managed: { '*': 'left', feature: 'right' } })
    await create('Releases', { entityType: 'release' })
    await service.call('changeEndpoint', { params: { id: left.id }, body: { name: 'ALM West' } })
    const { items } = await service.call('listLinks')
    expect(items.map((one) => `${one.entityType} ${one.left.name}`).sort()).toEqual([
      'backlog ALM West',
      'defect ALM West',
      'release ALM West',
    ])
    const shown = await service.call('getEndpoint', { params: { id: left.id } })
    expect(shown.links.map((one) => one.name).sort()).toEqual(['Backlog', 'Defects', 'Releases'])
  })
})

describe('links', () => {
  // covers 16, 17
  it('keep their kind, and get another name and description at any time', async () => {
    expect(await refusedChange(defects.id, { entityType: 'release' })).toMatchObject({ code: 'invalid-configuration' })
    const params = { id: defects.id }
    const body = { name: 'Defects of the West', description: 'Since the move' }
    expect(await service.call('renameLink', { params, body })).toMatchObject({ ...body, version: 1 })
    expect((await service.call('listLinks')).items.map((one) => one.name)).toContain(body.name)
    expect(await service.refused('renameLink', { params, body: { name: 'Backlog' } })).toMatchObject({
      code: 'name-taken',
    })
  })

  // covers 24
  it('begin with the rules and winners of where records are managed', async () => {
    const backlog = (await service.call('listLinks')).items.find((one) => one.name === 'Backlog')
    const { configuration } = await newest(backlog?.id ?? '')
    expect(configuration.rules).toMatchObject({ toRight: { create: true }, toLeft: { create: false, update: true } })
    const feature = configuration.types.find((type) => type.id === 'feature')
    expect(feature?.rules).toMatchObject({ toRight: { create: false, update: true }, toLeft: { create: true } })
    const winners = configuration.fields.filter((field) => field.left === 'name')
    expect(winners.map((field) => [field.types, field.conflict])).toEqual([
      [['epic'], 'left'],
      [['feature'], 'right'],
    ])
    const body = { name: 'x', left: left.id, right: right.id, entityType: 'backlog', managed: { sprint: 'left' } }
    expect(await service.refused('createLink', { body })).toMatchObject({ code: 'unknown-type' })
  })

  // covers 65
  it('have what is not mapped mapped on demand, and what is mapped stays as it is', async () => {
    const { configuration } = await newest(defects.id)
    const kept = configuration.fields
      .filter((field) => field.left !== 'priority')
      .map((field) => (field.left === 'name' ? { ...field, conflict: 'ask' } : field))
    await service.configure(defects.id, { fields: kept })
    const params = { id: defects.id }
    const shown = await service.call('automapLink', { params, body: {} })
    expect(shown).toMatchObject({ added: [{ left: 'priority', right: 'priority' }], version: null })
    const saved = await service.call('automapLink', { params, body: { save: true } })
    expect(saved).toMatchObject({ added: shown.added, version: 3 })
    const after = await newest(defects.id)
    expect(after.configuration.fields).toEqual(
      expect.arrayContaining(kept.map((field) => expect.objectContaining({ id: field.id, conflict: field.conflict }))),
    )
    expect(after.configuration.fields).toHaveLength(configuration.fields.length)
    expect(await service.call('automapLink', { params, body: { save: true } })).toMatchObject({
      added: [],
      version: null,
    })
  })

  // covers 54
  it('lose a type before its records were synchronized, not afterwards', async () => {
    const backlog = (await service.call('listLinks')).items.find((one) => one.name === 'Backlog')?.id ?? ''
    const whole = (await newest(backlog)).configuration
    const epics = whole.types.filter((type) => type.id === 'epic')
    const fields = whole.fields
      .filter((field) => field.types === undefined || field.types.includes('epic'))
      .map((field) => (field.types === undefined ? field : { ...field, types: ['epic'] }))
    await service.configure(backlog, { types: epics, fields })
    await service.configure(backlog, { types: whole.types, fields: whole.fields })
    service.alm.create('requirement', { name: 'An epic', 'type-id': '4', 'parent-id': '0' })
    expect(await service.runToEnd(backlog, 'run')).toMatchObject({ status: 'passed' })
    expect(await refusedChange(backlog, { types: epics, fields })).toMatchObject({
      status: 422,
      code: 'type-in-use',
      errors: [{ pointer: '/configuration/types', message: 'lacks the type pair "feature"' }],
    })
  })

  // covers 8, 13, 25
  it('keep several projects in step with one workspace, and a project once synchronized stays with its endpoint', async () => {
    const address = { kind: 'alm' as const, url: secondUrl, domain: second.domain, project: second.project }
    const other = await service.call('createEndpoint', { body: { name: 'alm 2', address, secret: service.almSecret } })
    const body = { name: 'Second project', left: other.id, right: right.id }
    // Both would take up the defects of the workspace.
    expect(await service.refused('createLink', { body })).toMatchObject({ code: 'scopes-overlap' })
    const { link } = await service.call('createLink', { body: { ...body, managed: { '*': 'left' } } })
    defect(service.alm, 'of the first project')
    defect(second, 'of the second project')
    service.octane.create('defect', { name: 'of Octane' })
    for (const one of [defects.id, link.id])
      expect(await service.runToEnd(one, 'run')).toMatchObject({ status: 'passed' })
    expect(service.octane.records('defect')).toHaveLength(3)
    expect(service.alm.records('defect')).toHaveLength(2)
    expect(second.records('defect')).toHaveLength(1)
    const twin = service.octane.records('defect').find((one) => one.name === 'of the second project')
    service.octane.edit('defect', twin?.id ?? '', { name: 'seen in Octane' })
    for (const one of [defects.id, link.id]) await service.runToEnd(one, 'run')
    expect(second.records('defect').map((one) => one.name)).toEqual(['seen in Octane'])
    expect(service.alm.records('defect')).toHaveLength(2)

    const elsewhere = { ...service.almAddress, project: 'Elsewhere' }
    const change = { params: { id: left.id }, body: { address: elsewhere, test: false } }
    expect(await service.refused('changeEndpoint', change)).toMatchObject({ status: 409, code: 'place-fixed' })
    const moved = { ...address, project: 'Elsewhere' }
    const unused = await service.call('createEndpoint', {
      body: { name: 'unused', address, secret: service.almSecret },
    })
    expect(
      await service.call('changeEndpoint', { params: { id: unused.id }, body: { address: moved, test: false } }),
    ).toMatchObject({ address: { project: 'Elsewhere' } })
  })
})
