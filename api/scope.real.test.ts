import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOctaneSandbox } from '../sandbox/octane/server.ts'
import { type Service, startService } from '../test/service.ts'

let service: Service
let linkId = ''
const other = createOctaneSandbox({ seed: 2, defects: 0 })

beforeAll(async () => {
  service = await startService({ alm: { defects: 0 }, octane: { defects: 0 } })
  for (const severity of ['1-Low', '3-High', '5-Urgent', '5-Urgent'])
    service.alm.create('defect', {
      name: `A ${severity} one`,
      severity,
      status: 'Open',
      'creation-time': '2026-05-01',
      'detected-by': 'sync',
    })
  linkId = (await service.addLink()).id
})
afterAll(async () => {
  await service.close()
  await other.close()
})

const params = () => ({ id: linkId })
const filterOf = (field: string, ...values: string[]) => ({
  match: 'all',
  conditions: [{ field, operator: 'in', values }],
})
const urgent = filterOf('severity', '5-Urgent')

async function leftSide() {
  const { items } = await service.call('listVersions', { params: params() })
  return items[0]?.configuration.left as object
}

describe('the scope of a link', () => {
  it('is previewed without being saved: how many match, the first of them, and what is wrong with it', async () => {
    const preview = await service.call('previewScope', {
      params: params(),
      body: { side: 'left', scope: { filter: urgent } },
    })
    expect(preview).toMatchObject({ count: 2, exact: true, total: 4, findings: [] })
    expect(preview.first.map((one) => one.name)).toEqual(['A 5-Urgent one', 'A 5-Urgent one'])
    const wrong = await service.call('previewScope', {
      params: params(),
      body: { side: 'left', scope: { filter: filterOf('severity', 'Fatal') } },
    })
    expect(wrong.findings).toEqual([
      { message: expect.stringContaining('"Fatal"'), pointer: '/left/scope/filter/conditions/0/values' },
    ])
    expect(
      await service.refused('previewScope', {
        params: params(),
        body: { side: 'left', scope: { filter: { match: 'all', conditions: [] } } },
      }),
    ).toMatchObject({ status: 422, code: 'invalid-configuration' })
    const like = { match: 'all', conditions: [{ field: 'name', operator: 'like', values: ['A'] }] }
    const misnamed = await service.refused('previewScope', {
      params: params(),
      body: { side: 'left', scope: { filter: like } },
    })
    expect(misnamed.errors).toEqual([
      {
        pointer: '/configuration/left/scope/filter/conditions/0/operator',
        message: expect.stringMatching(/^must be one of in, not-in, contains/),
      },
    ])
    expect((await service.call('getLink', { params: params() })).version).toBe(1)
  })

  it('is refused, looked at or saved, where its filter names a field that does not exist, with names close to it', async () => {
    const filter = { match: 'any', conditions: [urgent, filterOf('severty', '5-Urgent')] }
    const refused = {
      status: 422,
      code: 'unknown-field',
      detail: expect.stringMatching(/"severty".*Did you mean "severity"/),
      errors: [{ pointer: '/configuration/left/scope/filter/conditions/1/conditions/0/field' }],
    }
    const look = { params: params(), body: { side: 'left', scope: { filter } } }
    expect(await service.refused('previewScope', look)).toMatchObject(refused)
    const { items } = await service.call('listVersions', { params: params() })
    const configuration = { ...items[0]?.configuration, left: { ...(await leftSide()), scope: { filter } } }
    const body = { expectedVersion: 1, configuration }
    expect(await service.refused('addVersion', { params: params(), body })).toMatchObject(refused)
    expect((await service.call('getLink', { params: params() })).version).toBe(1)
  })

  // covers 41, 42
  it('offers all favorites that the integration user may see, with those that cannot be evaluated', async () => {
    service.alm.edit('favorite', '1002', {
      filter: '<Filter Entity="defect"><Where><Field Name="creation-time" Value="[LastWeek]"/></Where></Filter>',
    })
    const { items } = await service.call('listFavorites', { params: params(), query: { side: 'left' } })
    expect(items.map(({ id, name }) => `${id} ${name}`)).toEqual(['1002 Mine', '1001 Open blockers'])
    expect(items[0]?.problem).toContain('[LastWeek]')
    expect(items[1]).toMatchObject({
      conditions: ['status[New OR Open OR Reopen]', "severity['4-Very High' OR 5-Urgent]"],
      problem: null,
    })
    const folder = String(service.alm.records('favorite')[0]?.['parent-id'])
    for (let at = 1; at <= 60; at++)
      service.alm.create('favorite', {
        name: `Number ${at}`,
        'module-id': '0',
        'is-public': 'Y',
        'parent-id': folder,
        owner: 'second',
        filter: '<Filter Entity="defect"><Where/></Filter>',
      })
    expect((await service.call('listFavorites', { params: params(), query: { side: 'left' } })).items).toHaveLength(62)
  })

  it('is part of the integrity check: a favorite that is gone fails it, a scope without records is told', async () => {
    await service.configure(linkId, { left: { ...(await leftSide()), scope: { favorite: { id: '4711' } } } })
    const failed = await service.runToEnd(linkId, 'check')
    expect(failed.status).toBe('failed')
    const { findings } = await service.call('runFindings', { params: { id: failed.id } })
    expect(findings.filter((one) => one.check === 'scope')).toMatchObject([
      { severity: 'error', side: 'left', message: expect.stringContaining('favorite 4711') },
    ])
    await service.configure(linkId, { left: { ...(await leftSide()), scope: { filter: filterOf('id', '999') } } })
    const passed = await service.runToEnd(linkId, 'check')
    const told = await service.call('runFindings', { params: { id: passed.id } })
    expect(told.findings.filter((one) => one.check === 'scope')).toMatchObject([{ severity: 'warning', records: 0 }])
  })

  // covers 26
  it('may not overlap with that of a link of the same project and another workspace, which is named', async () => {
    await service.configure(linkId, { left: { ...(await leftSide()), scope: { filter: urgent } } })
    const at = await other.listen()
    const address = {
      ...service.octaneAddress,
      url: at.url,
      sharedSpace: other.sharedSpace,
      workspace: other.workspace,
    }
    const right = await service.call('createEndpoint', {
      body: { name: 'octane 2', address, secret: { kind: 'api-key', ...other.credentials.apiKey } },
    })
    const [left] = (await service.call('listEndpoints', {})).items.filter((one) => one.name === 'alm')
    const create = (scope: object) => ({
      body: {
        name: 'Beside',
        left: left?.id ?? '',
        right: right.id,
        configuration: { left: { endpointId: left?.id, entityType: 'defect', crossReference: 'user-01', scope } },
      },
    })
    expect(await service.refused('createLink', create({}))).toMatchObject({
      status: 409,
      code: 'scopes-overlap',
      detail: expect.stringContaining('"Defects"'),
    })
    const { link } = await service.call('createLink', create({ filter: filterOf('severity', '1-Low', '3-High') }))
    const { items } = await service.call('listVersions', { params: { id: link.id } })
    const configuration = {
      ...items[0]?.configuration,
      left: { ...(items[0]?.configuration.left as object), scope: {} },
    }
    expect(
      await service.refused('addVersion', { params: { id: link.id }, body: { expectedVersion: 1, configuration } }),
    ).toMatchObject({ code: 'scopes-overlap', errors: [{ pointer: '/configuration/left/scope' }] })
    // Both run: each takes up its own, and what the other has paired is none of its business.
    await service.runToEnd(linkId, 'run')
    await service.runToEnd(link.id, 'run')
    expect(service.octane.records('defect')).toHaveLength(2)
    expect(other.records('defect')).toHaveLength(2)
    const moved = service.alm.records('defect').find((one) => one.severity === '1-Low')
    service.alm.edit('defect', String(moved?.id), { severity: '5-Urgent' })
    await service.runToEnd(linkId, 'run')
    expect(service.octane.records('defect')).toHaveLength(2)
    const shown = await service.call('linkRecord', {
      params: { id: linkId, side: 'left', recordId: String(moved?.id) },
    })
    expect(shown.standing).toMatchObject({ state: 'left-alone', because: 'elsewhere' })
    await service.runToEnd(link.id, 'run')
    expect(
      other
        .records('defect')
        .map((one) => one.name)
        .sort(),
    ).toEqual(['A 1-Low one', 'A 3-High one'])
  })

  // covers 49
  it('has a root folder that neither holds nor lies in that of another link', async () => {
    const folder = (name: string, parent = '1') =>
      String(service.alm.create('release-folder', { name, 'parent-id': parent }).id)
    const [ours, theirs] = [folder('Ours'), folder('Theirs')]
    const nested = folder('Nested', folder('Between', ours))
    const { items } = await service.call('listEndpoints', {})
    const id = (name: string) => items.find((one) => one.name === name)?.id ?? ''
    const create = (right: string, root: string) => ({
      body: {
        name: `Releases of ${right}`,
        entityType: 'release' as const,
        left: id('alm'),
        right: id(right),
        configuration: {
          left: { endpointId: id('alm'), entityType: 'release_plan', crossReference: null, root },
        },
      },
    })
    const { link } = await service.call('createLink', create('octane', nested))
    for (const root of [ours, nested])
      expect(await service.refused('createLink', create('octane 2', root))).toMatchObject({
        code: 'scopes-overlap',
        detail: expect.stringContaining(`"${link.name}"`),
      })
    await service.call('createLink', create('octane 2', theirs))
    // Its records have the name of their kind before the number.
    const { id: number } = service.alm.create('release', {
      name: 'R1',
      'parent-id': nested,
      'start-date': '2026-05-01',
      'end-date': '2099-06-01',
    })
    const { runId } = await service.call('syncRecords', {
      params: { id: link.id },
      body: { left: [`release-00${number}`, 'release-987654'] },
    })
    await service.ended(runId)
    const { items: outcomes } = await service.call('runRecords', { params: { id: runId } })
    expect(Object.fromEntries(outcomes.map((one) => [one.id, one.outcome]))).toEqual({
      [`release-${number}`]: 'created',
      'release-987654': 'unknown',
    })
    const { items: versions } = await service.call('listVersions', { params: { id: link.id } })
    const left = { ...(versions[0]?.configuration.left as object), root: theirs }
    expect(
      await service.refused('addVersion', {
        params: { id: link.id },
        body: { expectedVersion: 1, configuration: { ...versions[0]?.configuration, left } },
      }),
    ).toMatchObject({ code: 'scopes-overlap', errors: [{ pointer: '/configuration/left/scope' }] })
  })

  it('lets a person take a record out and in again, with a reason', async () => {
    const [record] = service.alm.records('defect').filter((one) => one.name === 'A 5-Urgent one')
    const of = { id: linkId, side: 'left' as const, recordId: String(record?.id) }
    expect(await service.refused('stopRecord', { params: of, body: { reason: '' } })).toMatchObject({ status: 400 })
    const nowhere = { params: { ...of, recordId: '987654' }, body: { reason: 'private matter' } }
    expect(await service.refused('stopRecord', nowhere)).toMatchObject({
      status: 404,
      code: 'unknown-record',
      detail: expect.stringContaining('987654'),
      errors: [{ pointer: '/path/recordId' }],
    })
    expect((await service.call('stoppedRecords', { params: params() })).items).toEqual([])
    const stopped = await service.call('stopRecord', { params: of, body: { reason: 'private matter' } })
    expect(stopped).toMatchObject({ state: 'left-alone', because: 'person' })
    expect(stopped.words).toContain('private matter')
    expect(await service.refused('stopRecord', { params: of, body: { reason: 'once more' } })).toMatchObject({
      status: 409,
      code: 'already-stopped',
    })
    expect((await service.call('stoppedRecords', { params: params() })).items).toHaveLength(1)
    expect(await service.call('resumeRecord', { params: of, body: { reason: 'settled' } })).toMatchObject({
      because: null,
    })
    expect(await service.refused('resumeRecord', { params: of, body: { reason: 'settled' } })).toMatchObject({
      code: 'not-stopped',
    })
  })
})
