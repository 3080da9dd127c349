import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type AlmClient, type Answer, newDefect, startAlm, value, values } from './test-client.ts'

let started: Awaited<ReturnType<typeof startAlm>>
let one: AlmClient
let other: AlmClient
let asXml: AlmClient
beforeAll(async () => {
  started = await startAlm({ now: () => Date.UTC(2026, 4, 4, 13, 15), switches: { versionControl: 'yes' } })
  one = await started.client().signIn()
  other = await started.client().signIn('second', 'second-pass')
  asXml = await started.client('xml').signIn()
})
afterAll(() => started.alm.close())

let id = ''
let count = 0
beforeEach(async () => {
  const made = await one.create('requirements', { name: `First ${++count}`, 'parent-id': '0', 'type-id': '3' })
  expect(made.status).toBe(201)
  id = value(made.json, 'id') ?? ''
})

const problem = (answer: Answer) => [answer.status, answer.json.Id]
const on = (action: string, client = one, body?: string | object) =>
  client.send('POST', `requirements/${id}/versions/${action}`, body)
const rename = (name: string, client = one) => client.update(`requirements/${id}`, { name })
const seen = async (client: AlmClient, ...names: string[]) => {
  const { json } = await client.get(`requirements/${id}`)
  return names.map((name) => value(json, name))
}

describe('checking out and in', () => {
  test('the work on a copy is seen by its owner alone until it is checked in', async () => {
    expect(await seen(one, 'vc-status', 'vc-version-number', 'vc-checkin-user-name')).toEqual([
      'Checked_In',
      '1',
      'sync',
    ])
    const out = await on('check-out')
    expect([out.status, value(out.json, 'vc-status'), value(out.json, 'check-out-user-name')]).toEqual([
      200,
      'Checked_Out',
      'sync',
    ])
    expect((await rename(`Second ${count}`)).status).toBe(200)
    expect(await seen(one, 'name')).toEqual([`Second ${count}`])
    expect(await seen(other, 'name', 'vc-status', 'check-out-user-name')).toEqual([
      `First ${count}`,
      'Checked_Out',
      'sync',
    ])
    expect(await other.find('requirements', `{name['Second ${count}']}`)).toEqual([])
    expect(await one.find('requirements', `{name['Second ${count}']}`)).toEqual([id])
    const done = await on('check-in', one, {
      CheckInParameters: { Comment: 'what changed', OverrideLastVersion: 'false' },
    })
    expect([done.status, done.text]).toEqual([200, ''])
    expect(await seen(other, 'name', 'vc-status', 'vc-version-number', 'vc-checkin-date', 'vc-checkin-time')).toEqual([
      `Second ${count}`,
      'Checked_In',
      '2',
      '2026-05-04',
      '09:15:00',
    ])
    expect((await seen(other, 'vc-checkin-comments'))[0]).toContain('what changed')
    expect(values((await one.get(`requirements/${id}`)).json, 'check-out-user-name')).toEqual([{}])
  })

  test('XML parameters, a version to begin with, and one that overrides the last', async () => {
    await on('check-out')
    await rename(`Second ${count}`)
    await on('check-in')
    const again = await asXml.send(
      'POST',
      `requirements/${id}/versions/check-out`,
      '<CheckOutParameters><Comment>back</Comment><Version>1</Version></CheckOutParameters>',
    )
    expect(again.text).toContain(`<Field Name="name"><Value>First ${count}</Value></Field>`)
    const over = '<CheckInParameters><OverrideLastVersion>true</OverrideLastVersion></CheckInParameters>'
    expect((await asXml.send('POST', `requirements/${id}/versions/check-in`, over)).status).toBe(200)
    expect(await seen(other, 'name', 'vc-version-number')).toEqual([`First ${count}`, '2'])
    // The comment of the check-out stands where the check-in has none.
    expect((await seen(other, 'vc-checkin-comments'))[0]).toContain('back')
    expect((await on('check-in', one, { nonsense: 1 })).status).toBe(400)
  })

  test('all versions are there to be read; undo gives the copy up', async () => {
    await on('check-out')
    await rename(`Second ${count}`)
    await on('check-in')
    const { json } = await one.get(`requirements/${id}/versions`)
    expect(json.entities.map((row: object) => [value(row, 'vc-version-number'), value(row, 'name')])).toEqual([
      ['1', `First ${count}`],
      ['2', `Second ${count}`],
    ])
    expect(value((await one.get(`requirements/${id}/versions/1`)).json, 'name')).toBe(`First ${count}`)
    expect((await one.get(`requirements/${id}/versions/9`)).status).toBe(404)
    await on('check-out')
    await rename(`Third ${count}`)
    expect((await on('undo-check-out')).status).toBe(200)
    expect(await seen(one, 'name', 'vc-status')).toEqual([`Second ${count}`, 'Checked_In'])
  })

  test('what somebody else has checked out nobody else writes, deletes, checks out or in', async () => {
    started.alm.versionControl('requirement', id, 'check-out', { actor: 'bob' })
    for (const answer of [await rename('x'), await one.send('DELETE', `requirements/${id}`)]) {
      expect(problem(answer)).toEqual([403, 'qccore.lock-failure'])
      expect(answer.json.Title).toBe("The entity is checked out by user 'bob'")
    }
    for (const action of ['check-out', 'check-in', 'undo-check-out'])
      expect(problem(await on(action))).toEqual([500, `qccore.${action}-failure`])
    started.turn({ versionFailureStatus: '409' })
    expect((await on('check-in')).status).toBe(409)
    started.turn({ versionFailureStatus: '500' })
    started.alm.edit('requirement', id, { name: `Bob's ${count}` }, { actor: 'bob' })
    expect(await seen(one, 'name')).toEqual([`First ${count}`])
    started.alm.versionControl('requirement', id, 'check-in', { actor: 'bob' })
    expect(await seen(one, 'name', 'vc-version-number')).toEqual([`Bob's ${count}`, '2'])
  })
})

test('updateWithoutCheckOut: refused, a version of its own, or none', async () => {
  expect(problem(await rename('x'))).toEqual([403, 'qccore.operation-forbidden'])
  started.turn({ updateWithoutCheckOut: 'versioned' })
  expect((await rename(`Second ${count}`)).status).toBe(200)
  expect(await seen(other, 'name', 'vc-version-number')).toEqual([`Second ${count}`, '2'])
  started.turn({ updateWithoutCheckOut: 'unversioned' })
  expect((await rename(`Third ${count}`)).status).toBe(200)
  expect(await seen(other, 'name', 'vc-version-number')).toEqual([`Third ${count}`, '2'])
  started.turn({ updateWithoutCheckOut: 'refused' })
})

test('types that have no versions, and projects without version control, say so', async () => {
  expect((await one.get('customization/entities/requirement')).json.EntityResourceDescriptor[0].SupportsVC).toBe(true)
  expect((await asXml.get('customization/entities/test')).text).toContain(
    '<SupportsVC url="tests/{entity_id : [0-9]+}/versions">true</SupportsVC>',
  )
  const defect = value((await one.create('defects', newDefect)).json, 'id')
  expect((await one.send('POST', `defects/${defect}/versions/check-out`)).status).toBe(404)
  expect((await one.update(`defects/${defect}`, { name: 'free' })).status).toBe(200)
  started.turn({ versionControl: 'no' })
  expect((await one.get('customization/entities/requirement')).json.EntityResourceDescriptor[0].SupportsVC).toBe(false)
  expect(problem(await on('check-out'))).toEqual([500, 'qccore.check-out-failure'])
  expect((await rename(`Second ${count}`)).status).toBe(200)
  started.turn({ versionControl: 'yes' })
})

test('a snapshot keeps copies and versions too, and the truth log every step', async () => {
  const since = started.alm.truth.entries().length
  await on('check-out')
  await rename(`Second ${count}`)
  const state = started.alm.snapshot()
  await on('check-in')
  expect(
    started.alm.truth.entries(since).map(({ action, after }) => [action, after?.name, after?.['vc-status']]),
  ).toEqual([
    ['update', `First ${count}`, 'Checked_Out'],
    ['update', `Second ${count}`, 'Checked_Out'],
    ['update', `Second ${count}`, 'Checked_In'],
  ])
  started.alm.restore(state)
  expect(await seen(one, 'name', 'vc-status')).toEqual([`Second ${count}`, 'Checked_Out'])
  expect(await seen(other, 'name')).toEqual([`First ${count}`])
  expect((await one.get(`requirements/${id}/versions`)).json.TotalResults).toBe(1)
})
