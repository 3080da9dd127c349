import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Service, startService } from './service.ts'

let service: Service
let id: string

beforeAll(async () => {
  service = await startService({ workers: 'both', alm: { defects: 2 } })
  id = (await service.addLink()).id
})

afterAll(() => service?.close())

it('shows what changed between versions and goes back as a new version, where nobody was faster', async () => {
  const { items } = await service.call('listVersions', { params: { id } })
  const first = items[0]?.configuration as { fields: { id: string }[] }
  await service.configure(id, { fields: first.fields.slice(1) })
  const gone = first.fields[0]?.id
  const diff = await service.call('diffVersions', { params: { id }, query: { from: '1' } })
  expect(diff).toMatchObject({ from: 1, to: 2, patch: [{ op: 'remove', path: '/fields/0' }] })
  expect(diff.words).toEqual([expect.stringContaining(`Field mapping "${gone}" is gone`)])
  const stale = { version: 1, expectedVersion: 1 }
  expect(await service.client.refused('rollBack', { params: { id }, body: stale })).toMatchObject({
    code: 'version-conflict',
  })
  const saved = await service.call('rollBack', {
    params: { id },
    body: { version: 1, expectedVersion: 2, comment: 'it was better' },
  })
  expect(saved).toMatchObject({ version: 3, author: 'local', comment: 'it was better' })
  expect(saved.configuration).toEqual(first)
  const same = await service.call('diffVersions', { params: { id }, query: { from: '1', to: '3' } })
  expect(same).toMatchObject({ words: [], patch: [] })
  for (const version of [1, 3])
    expect(
      await service.client.refused('rollBack', { params: { id }, body: { version, expectedVersion: 3 } }),
    ).toMatchObject({ status: 409, code: 'nothing-differs' })
  expect((await service.call('listVersions', { params: { id } })).items).toHaveLength(3)
  const unknown = { version: 9, expectedVersion: 3 }
  expect(await service.client.refused('rollBack', { params: { id }, body: unknown })).toMatchObject({
    code: 'not-found',
  })
  const [row] = await service.database.sql<{ actor: string; content: { comment: string } }[]>`
    select actor, content from ledger where action = 'configuration version 3'`
  expect(row).toMatchObject({ actor: 'local', content: { comment: 'it was better' } })
})

it('refuses a way back that a new version would be refused for', async () => {
  const apart = { match: 'all', conditions: [{ field: 'severity', operator: 'in', values: ['1-Low'] }] }
  const { items } = await service.call('listVersions', { params: { id } })
  const { version = 0, configuration } = items[0] ?? {}
  const { left, rules } = configuration as { left: object; rules: object }
  const onlyRight = { ...rules, toLeft: { create: false, update: true } }
  await service.configure(id, { left: { ...left, scope: { filter: apart } }, rules: onlyRight })
  const ends = await service.addEndpoints('-beside')
  const others = { match: 'all', conditions: [{ field: 'severity', operator: 'in', values: ['2-Medium'] }] }
  const beside = { name: 'Beside', left: ends.left.id, right: ends.right.id }
  const { link } = await service.call('createLink', {
    body: {
      ...beside,
      configuration: {
        rules: onlyRight,
        left: {
          endpointId: ends.left.id,
          entityType: 'defect',
          crossReference: null,
          scope: { filter: others },
        },
      },
    },
  })
  expect(link.name).toBe('Beside')
  const back = { version, expectedVersion: version + 1 }
  expect(await service.client.refused('rollBack', { params: { id }, body: back })).toMatchObject({
    code: 'scopes-overlap',
    errors: [{ pointer: expect.stringContaining('/configuration/left') }],
  })
})
