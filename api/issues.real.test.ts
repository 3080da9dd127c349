import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Service, startService } from '../test/service.ts'

let service: Service
let id = ''

const link = () => service.call('getLink', { params: { id } })
const open = (query: Record<string, string> = {}) =>
  service.call('linkIssues', { params: { id }, query: { open: 'true', ...query } })

describe('issues of records', () => {
  beforeAll(async () => {
    service = await startService({ alm: { defects: 3 } })
    id = (await service.addLink()).id
    await service.runToEnd(id, 'run')
    // Longer than the other side takes.
    for (const record of ['1', '2']) service.alm.edit('defect', record, { 'user-01': null, owner: 'ivan' })
    await service.runToEnd(id, 'run')
  })
  afterAll(() => service.close())

  it('are listed by what they have in common', async () => {
    const { items } = await open({ code: 'user-gap' })
    expect(items.map((one) => one.leftId).sort()).toEqual(['1', '2'])
    expect((await open({ owner: 'admin' })).items.length).toBeGreaterThanOrEqual(2)
    expect((await open({ owner: 'us' })).items).toEqual([])
    expect((await open({ code: 'no-such-code' })).items).toEqual([])
  })

  it('are shown one by one, by their ids or the beginning of those, with the mapping that they are about', async () => {
    const [first] = (await open({ code: 'user-gap' })).items
    const issueId = first?.id ?? ''
    const shown = await service.call('issue', { params: { id: issueId } })
    expect(shown).toMatchObject({ ...first, linkId: id, linkName: 'Defects' })
    const { items } = await service.call('listVersions', { params: { id } })
    const { fields } = (items[0]?.configuration ?? { fields: [] }) as { fields: { left: string; right: string }[] }
    const { left, right } = fields[Number(shown.pointer?.split('/').at(-1))] ?? {}
    expect(shown.fields).toEqual({ left, right })
    expect(left).toBe('owner')
    expect(await service.call('issue', { params: { id: issueId.slice(0, 8) } })).toEqual(shown)
    for (const nobody of ['00000000', '00000000-0000-4000-8000-000000000000'])
      expect(await service.refused('issue', { params: { id: nobody } })).toMatchObject({ code: 'not-found' })
    for (const odd of ['%', issueId.slice(0, 7), '12345678a', '12345678--'])
      expect(await service.refused('issue', { params: { id: odd } })).toMatchObject({ status: 400 })
  })

  it('are not tried again by a code that none has, which is refused with those that there are', async () => {
    for (const name of ['retryIssues', 'heedIssues'] as const)
      expect(await service.refused(name, { params: { id }, body: { code: 'nope' } })).toMatchObject({
        status: 422,
        code: 'unknown-code',
        remedy: expect.stringContaining('user-gap'),
        errors: [{ pointer: '/code' }],
      })
    expect(await service.refused('retryIssues', { params: { id }, body: { class: 'nope' } })).toMatchObject({
      errors: [{ pointer: '/class', message: expect.stringContaining('mapping') }],
    })
  })

  it('are ignored with a reason, count no more, and count again when somebody heeds them or the time has come', async () => {
    const before = await link()
    const [first] = (await open({ code: 'user-gap' })).items
    const ids = [first?.id ?? '']
    expect(
      await service.call('ignoreIssues', { params: { id }, body: { ids, reason: 'Ivan has left.', until: null } }),
    ).toEqual({ issues: 1 })
    expect((await link()).openWarnings).toBe(before.openWarnings - 1)
    expect((await open({ ignored: 'true' })).items).toMatchObject([
      { id: ids[0], ignored: { by: 'local', reason: 'Ivan has left.', until: null } },
    ])
    // The record is tried as before, and its issue stays ignored.
    service.alm.edit('defect', first?.leftId ?? '', { name: 'changed' })
    await service.runToEnd(id, 'run')
    expect((await open({ ignored: 'true' })).items.map((one) => one.id)).toEqual(ids)
    await service.call('heedIssues', { params: { id }, body: { ids } })
    expect((await link()).openWarnings).toBe(before.openWarnings)
    const until = new Date(Date.now() + 3_600_000).toISOString()
    await service.call('ignoreIssues', { params: { id }, body: { ids, reason: 'For an hour.', until } })
    expect((await link()).openWarnings).toBe(before.openWarnings - 1)
    await service.database.sql`update issues set ignored_until = now() - interval '1 second' where id = ${ids[0] ?? ''}`
    expect((await link()).openWarnings).toBe(before.openWarnings)
    const ledger = await service.call('linkLedger', { params: { id }, query: { limit: '50' } })
    expect(ledger.items.filter((row) => row.action === 'ignore issues')).toMatchObject([
      { actor: 'local', content: { reason: 'For an hour.' } },
      { actor: 'local', content: { reason: 'Ivan has left.' } },
    ])
  })

  it('are tried again at once, and are over when their cause is gone', async () => {
    service.alm.edit('defect', '3', { name: 'waits' })
    service.octane.faults.add({ match: { method: 'PUT', path: '/defects' }, kind: 'error-before', times: 50 })
    await service.runToEnd(id, 'run')
    const stuck = (await open()).items.filter((one) => one.leftId === '3' && one.severity === 'error')
    expect(stuck).not.toEqual([])
    service.octane.faults.clear()
    expect(await service.call('retryIssues', { params: { id }, body: { ids: stuck.map((one) => one.id) } })).toEqual({
      issues: stuck.length,
    })
    await service.runToEnd(id, 'run')
    expect((await open()).items.filter((one) => one.leftId === '3')).toEqual([])
    expect(service.octane.records('defect').some((one) => one.name === 'waits')).toBe(true)
  })

  it('are not chosen by nothing, and not ignored until yesterday or without a reason', async () => {
    const refused = await service.refused('retryIssues', { params: { id }, body: {} })
    expect(refused).toMatchObject({ status: 400 })
    expect(refused.detail).toContain('say which issues')
    const past = { code: 'user-gap', reason: 'It is known.', until: '2020-01-01T00:00:00Z' }
    expect(await service.refused('ignoreIssues', { params: { id }, body: past })).toMatchObject({
      status: 400,
      errors: [{ pointer: '/until' }],
    })
    expect(
      await service.refused('ignoreIssues', { params: { id }, body: { code: 'user-gap', reason: ' ', until: null } }),
    ).toMatchObject({ status: 400, errors: [expect.objectContaining({ pointer: '/reason' })] })
  })
})
