import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Service, startService } from '../test/service.ts'

let service: Service
let ends: { left: string; right: string }

beforeAll(async () => {
  service = await startService({ alm: { defects: 12 }, octane: { defects: 8 } })
  const { left, right } = await service.addEndpoints()
  ends = { left: left.id, right: right.id }
})
afterAll(() => service.close())

const written = () => service.alm.truth.entries().length + service.octane.truth.entries().length

async function reviewOf(body: { entityType: 'defect' | 'backlog' | 'release'; types?: object[] }) {
  const before = written()
  const report = await service.call('reviewEndpoints', { body: { ...ends, ...body } })
  expect(written()).toBe(before)
  for (const { message, change } of report.items)
    expect([message, change].every((words) => words.length > 10)).toBe(true)
  const of = (area: string) => report.items.filter((one) => one.area === area)
  return { ...report, of }
}

describe('a review of two endpoints before any link exists', () => {
  it('lists what to adapt for defects, each with the change to make, and writes nothing', async () => {
    const { store, permissions } = service.octane
    store.types.removeField('defect', 'alm_id_udf')
    permissions.deny({ type: 'defect', action: 'create' })
    const severities = service.alm.store.lists.named('Severity')
    service.alm.store.lists.add(severities?.id ?? 0, '9-Cosmic')
    service.alm.edit('defect', '3', { severity: '9-Cosmic' })
    const report = await reviewOf({ entityType: 'defect' })
    expect(report.records).toEqual({ left: { total: 12, looked: 12 }, right: { total: 8, looked: 8 } })
    expect(report.of('id-fields')).toMatchObject([
      {
        need: 'must',
        side: 'right',
        subject: 'ALM ID',
        change: expect.stringContaining('Create the text field "ALM ID"'),
      },
    ])
    expect(report.of('permissions')).toMatchObject([
      { need: 'must', side: 'right', message: expect.stringContaining('may not create') },
    ])
    expect(report.of('lists')).toContainEqual(
      expect.objectContaining({
        ...{ need: 'should', side: 'right', subject: 'Severity' },
        message: expect.stringContaining('no values for "9-Cosmic" of "Severity"'),
        change: expect.stringContaining('in Octane'),
      }),
    )
    const [fromAlm, fromOctane] = [report.of('people').find((one) => one.side === 'right'), report.of('people')]
    expect(fromAlm?.message).toContain('Ivan Iversen (ivan)')
    expect(fromOctane.find((one) => one.side === 'left')?.message).toContain('Kim Kowalski')
    expect(report.of('required').map((one) => one.subject)).toContain('Detected on Date')
    expect(report.of('reactions').map((one) => one.need)).toEqual(['may', 'may', 'may', 'may', 'may'])
    expect((await service.call('listLinks', {})).items).toEqual([])
  })

  it('tells of a backlog which types are left alone, lack fields, or stand where the other side lets none stand', async () => {
    const requirement = (name: string, type: string, parent: string) =>
      String(service.alm.create('requirement', { name, 'type-id': type, 'parent-id': parent }).id)
    const epic = requirement('An epic', '4', '0')
    const story = requirement('A story below an epic', '101', epic)
    const types = [
      { octane: 'epic', alm: ['Business'] },
      { octane: 'feature', alm: ['Functional'] },
      { octane: 'story', alm: ['Compliance', 'User Story'] },
    ]
    const { of } = await reviewOf({ entityType: 'backlog', types })
    expect(of('types')).toMatchObject([
      {
        need: 'should',
        side: 'left',
        records: 1,
        message: expect.stringMatching(new RegExp(`such as ${story}, are of "story" and stand below one of "epic"`)),
      },
      { need: 'may', message: expect.stringContaining('"Performance"') },
    ])
    // Required of one type of requirement only.
    expect(
      of('required')
        .map((one) => one.message)
        .join(' '),
    ).toContain('Type pair "story"')
    const unknown = await reviewOf({ entityType: 'backlog', types: [{ octane: 'epic', alm: ['Saga'] }] })
    expect(unknown.of('types')[0]).toMatchObject({ need: 'must', message: expect.stringContaining('"Saga"') })
  })

  it('tells of releases whose names clash: within ALM, and across both sides', async () => {
    const release = (name: string, start: string, folder: string) =>
      service.alm.create('release', { name, 'start-date': start, 'end-date': '2027-06-30', 'parent-id': folder })
    const folder = String(service.alm.create('release-folder', { name: 'Old ones', 'parent-id': '1' }).id)
    release('Spring', '2027-01-01', '1')
    release('spring', '2027-02-01', folder)
    release('Summer', '2027-03-01', '1')
    service.octane.create('release', {
      ...{ name: 'Summer', start_date: '2027-03-01T12:00:00Z', end_date: '2027-07-31T12:00:00Z' },
    })
    const { of } = await reviewOf({ entityType: 'release' })
    expect(of('names').filter((one) => one.need === 'must')).toMatchObject([
      { subject: 'Spring', side: 'left', records: 2 },
      { subject: 'Summer', side: null, message: expect.stringContaining('2027-03-01 to 2027-06-30') },
    ])
  })

  it('is read at the command line, and refused for endpoints of the wrong kind', async () => {
    const bin = fileURLToPath(new URL('../cli/bin.js', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [bin, 'endpoint', 'review', 'alm', 'octane'], {
      env: { PATH: process.env.PATH, TANDEM_API: service.url },
    })
    expect(stdout).toContain('alm: 12 records. octane: 8 records.')
    expect(stdout).toMatch(
      /✗ {2}octane: Octane has no field that can name the twin[^\n]*\n {5}→ Create the text field "ALM ID"/,
    )
    expect(stdout).toMatch(/4 to be done before a link can work \(✗\), \d+ without which/)
    const swapped = { left: ends.right, right: ends.left, entityType: 'defect' as const }
    expect(await service.refused('reviewEndpoints', { body: swapped })).toMatchObject({
      status: 422,
      code: 'wrong-kind',
    })
    service.octane.expireSessions()
    service.octane.faults.add({ match: { path: '/' }, kind: 'unavailable', times: 1_000 })
    expect(await service.refused('reviewEndpoints', { body: { ...ends, entityType: 'defect' } })).toMatchObject({
      code: 'connection-failed',
    })
    service.octane.faults.clear()
  })
})
