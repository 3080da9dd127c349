import { afterAll, beforeAll, expect, it } from 'vitest'
import { startOctane } from './test-client.ts'

let client: Awaited<ReturnType<typeof startOctane>>
beforeAll(async () => {
  client = await startOctane()
})
afterAll(() => client.octane.close())

it('tests of every kind are kept in collections of their own and as tests, each with its script', async () => {
  const { octane, call, create } = client
  const defect = await create('defects', { name: 'covered' })
  const covered = { data: [{ type: 'work_item', id: defect }] }
  for (const [collection, subtype] of [
    ['manual_tests', 'test_manual'],
    ['gherkin_tests', 'gherkin_test'],
    ['automated_tests', 'test_automated'],
  ] as const) {
    const id = await create(collection, { name: subtype, covered_content: covered })
    const read = await call('GET', `tests/${id}?fields=name,phase{name},covered_content`)
    expect(read.json).toMatchObject({
      type: 'test',
      subtype,
      phase: { id: `phase.${subtype}.new`, name: 'New' },
      covered_content: { data: [{ type: 'defect', id: defect }] },
    })
    expect((await call('GET', `tests/${id}/script`)).json).toEqual({ script: '' })
    expect((await call('PUT', `${collection}/${id}/script`, { script: '- open\n- ?see "x"' })).status).toBe(200)
    expect((await call('GET', `tests/${id}/script`)).json).toEqual({ script: '- open\n- ?see "x"' })
    expect((await call('GET', `${collection}/${id}?fields=version_stamp`)).json.version_stamp).toBe(2)
    expect((await call('PUT', `tests/${id}/script`, { script: 7 })).status).toBe(400)
  }
  expect((await call('GET', 'tests?fields=id')).json.total_count).toBe(3)
  const scripted = octane.truth.entries().filter((one) => one.changed.includes('script'))
  expect(scripted).toHaveLength(3)
  for (const path of ['tests/99999/script', `defects/${defect}/script`, 'tests/1/other'])
    expect((await call('GET', path)).status, path).toBe(404)
})

it('runs of tests are kept by kind and as runs; comments and files can belong to them', async () => {
  const { call, create, octane } = client
  const test = { type: 'test', id: await create('manual_tests', { name: 'run' }) }
  const status = { type: 'list_node', id: 'list_node.run_native_status.passed' }
  const started = '2026-05-04T08:00:00Z'
  const id = await create('manual_runs', { name: 'first', test, native_status: status, started, duration: 4_000 })
  expect((await call('GET', 'runs?fields=native_status{name},test,started')).json.data).toEqual([
    {
      type: 'run',
      subtype: 'run_manual',
      id,
      native_status: { type: 'list_node', id: status.id, name: 'Passed' },
      test: { type: 'test_manual', id: test.id },
      started,
    },
  ])
  expect((await call('POST', 'manual_runs', { data: [{ name: 'of nothing' }] })).status).toBe(400)
  expect((await call('POST', 'automated_runs', { data: [{ name: 'by hand', test }] })).status).toBe(405)
  const comment = await create('comments', { text: 'ran', owner_run: { type: 'run', id } })
  expect((await call('GET', `comments/${comment}?fields=owner_run`)).json.owner_run).toEqual({ type: 'run_manual', id })
  const spec = { type: 'bdd_spec', id: await create('bdd_specs', { name: 'spec' }) }
  await create('comments', { text: 'specified', owner_bdd_spec: spec })
  await call('DELETE', `manual_tests/${test.id}`)
  expect(octane.records('run_manual')).toEqual([])
  expect(octane.records('comment').map((row) => row.text)).toEqual([expect.stringContaining('specified')])
})
