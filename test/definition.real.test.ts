import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Service, startService } from './service.ts'

let test: Service
let production: Service
let id: string

beforeAll(async () => {
  test = await startService({ alm: { defects: 12 } })
  production = await startService({ alm: { defects: 3 } })
  id = (await test.addLink()).id
  await test.runToEnd(id, 'check')
  await test.runToEnd(id, 'run')
})

afterAll(async () => {
  await test?.close()
  await production?.close()
})

const definitionOf = (service: Service, linkId: string, pairs = 'false') =>
  service.call('linkDefinition', { params: { id: linkId }, query: { pairs } })

// covers 137
it('goes from one installation to another and comes back the same', async () => {
  const definition = await definitionOf(test, id)
  expect(JSON.stringify(definition.configuration)).not.toContain('endpointId')
  const { left, right } = await production.addEndpoints()
  const { link, pairs } = await production.call('importLink', { body: { definition, left: left.id, right: right.id } })
  expect(pairs).toBe(0)
  const again = await definitionOf(production, link.id)
  expect(again.configuration).toEqual(definition.configuration)
  await production.runToEnd(link.id, 'check')
  const run = await production.runToEnd(link.id, 'run')
  expect(run).toMatchObject({ counters: { createdRight: 3 } })
})

it('lists everything that does not fit at once, and creates nothing then', async () => {
  const { left, right } = await test.addEndpoints('-spare')
  const definition = await definitionOf(test, id, 'true')
  const configuration = structuredClone(definition.configuration) as {
    fields: { left: string | null; values: { left: string; right: string }[] }[]
    right: { crossReference: string }
    defaultUsers: { left: string | null }
  }
  const listed = configuration.fields.findIndex((field) => field.values.length > 0)
  const at = configuration.fields[listed]?.values[0]
  if (at === undefined) throw new Error('no mapped list')
  at.right = 'No such item'
  const other = configuration.fields.findIndex((field, index) => index !== listed && field.left !== null)
  ;(configuration.fields[other] as { left: string }).left = 'no-such-field'
  configuration.right.crossReference = 'gone_udf'
  configuration.defaultUsers.left = 'nobody'
  const place = { endpoint: 'elsewhere', place: 'https://elsewhere' }
  const problem = await test.client.refused('importLink', {
    body: { definition: { ...definition, configuration, left: place }, name: 'Other', left: left.id, right: right.id },
  })
  expect(problem.code).toBe('does-not-fit')
  expect(problem.errors.map((error) => error.pointer.replace('/definition/', '')).sort()).toEqual(
    [
      `configuration/fields/${listed}/values/0/right`,
      `configuration/fields/${other}/left`,
      'configuration/right/crossReference',
      'configuration/defaultUsers/left',
      'pairs',
    ].sort(),
  )
  expect((await test.call('listLinks')).items).toHaveLength(1)
})

// covers 138
it('brings pairs along: the next run creates nothing, and edits made meanwhile flow', async () => {
  const definition = await definitionOf(test, id, 'true')
  expect(definition.pairs).toHaveLength(12)
  const { left, right } = await test.addEndpoints('-new')
  const body = { definition, name: 'Continued', left: left.id, right: right.id }
  // While the first one lives, both would work on the same records.
  expect(await test.client.refused('importLink', { body })).toMatchObject({ code: 'scopes-overlap' })
  await test.call('deleteLink', { params: { id } })
  const { link, pairs } = await test.call('importLink', { body })
  expect(pairs).toBe(12)
  const [first] = definition.pairs ?? []
  test.alm.edit('defect', first?.left ?? '', { name: 'edited in between' })
  const before = test.octane.records('defect').length
  await test.runToEnd(link.id, 'check')
  const run = await test.runToEnd(link.id, 'full')
  expect(run).toMatchObject({
    status: 'passed',
    counters: { createdLeft: 0, createdRight: 0, adopted: 0, updatedRight: 1 },
  })
  expect(test.octane.records('defect')).toHaveLength(before)
  expect(test.octane.records('defect').find((one) => String(one.id) === first?.right)).toMatchObject({
    name: 'edited in between',
  })
})
