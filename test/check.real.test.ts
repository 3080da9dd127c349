import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { LinkConfiguration } from '../core/link-config.ts'
import { createLink } from '../db/links.ts'
import { type Service, startService } from './service.ts'

let service: Service
let linkId: string
let saved: LinkConfiguration

beforeAll(async () => {
  service = await startService({ alm: { defects: 12 }, octane: { defects: 8 } })
  linkId = (await service.addLink()).id
  saved = await configuration()
})
afterAll(() => service.close())
afterEach(() => {
  service.alm.permissions.clear()
  service.octane.permissions.clear()
})

async function configuration(): Promise<LinkConfiguration> {
  const { items } = await service.call('listVersions', { params: { id: linkId } })
  return items[0]?.configuration as unknown as LinkConfiguration
}

async function check() {
  const run = await service.runToEnd(linkId, 'check')
  return { run, ...(await service.call('runFindings', { params: { id: run.id } })) }
}

const written = () => service.alm.truth.entries().length + service.octane.truth.entries().length

/** The check that a saved configuration begins by itself; `run` it is as old as nothing else has. */
async function checkedAfter(change: object) {
  const before = await service.call('listRuns', { query: { linkId } })
  await service.configure(linkId, change)
  for (;;) {
    const { items } = await service.call('listRuns', { query: { linkId } })
    const run = items.find((one) => !before.items.some((old) => old.id === one.id))
    if (run !== undefined && run.status !== 'running')
      return { run, ...(await service.call('runFindings', { params: { id: run.id } })) }
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
}

describe('the integrity check', () => {
  // covers 99
  it('looks at everything, part by part, tells each finding with its remedy, and writes nothing', async () => {
    const before = written()
    const { run, passed, findings, parts } = await check()
    expect(run.status).toBe('passed')
    expect(passed).toBe(true)
    expect(new Set(parts.map(({ part }) => part.split(':')[0]))).toEqual(
      new Set([
        ...['connection', 'schema', 'permissions', 'mapping', 'hierarchy', 'scope', 'scope-overlap'],
        ...['records', 'refusals', 'clocks', 'overwriting', 'reactions'],
      ]),
    )
    expect(parts.every(({ runId }) => runId === run.id)).toBe(true)
    for (const [name, side] of [
      ...['connection', 'schema', 'permissions', 'overwriting'].flatMap((one) => [
        [one, 'left'],
        [one, 'right'],
      ]),
      ...['cross-reference', 'field-existence', 'types', 'lengths', 'writable', 'rules'].map((one) => [one, null]),
      ...['values', 'round-trip', 'conflicts', 'constants', 'clocks'].map((one) => [one, null]),
    ])
      expect(findings).toContainEqual(expect.objectContaining({ check: name, side, severity: 'ok' }))
    expect(findings).toContainEqual(expect.objectContaining({ check: 'mails', side: 'right', records: 12 }))
    expect(findings).toContainEqual(expect.objectContaining({ check: 'business-rules', side: 'right' }))
    for (const one of findings)
      if (one.severity === 'warning' || one.severity === 'error') expect(one.remedy).not.toBeNull()
    expect(written()).toBe(before)
  })

  // covers 81, 99
  it('counts on real records what would be held', async () => {
    const severity = { left: 'severity', right: 'severity' }
    const strict = { ...saved, defaultUsers: { left: 'sync', right: null } }
    service.octane.edit('defect', '2001', { name: 'x'.repeat(260) })
    service.alm.edit('defect', '3', { owner: 'ivan' })
    const fields = strict.fields.map((one) =>
      one.left === severity.left && one.right === severity.right
        ? { ...one, values: one.values.filter((pair) => pair.left !== '5-Urgent') }
        : one,
    )
    service.alm.edit('defect', '4', { severity: '5-Urgent' })
    const { run, findings } = await checkedAfter({ ...strict, fields })
    expect(run.status).toBe('passed')
    const urgent = findings.find((one) => one.check === 'records-values' && one.side === 'right')
    expect(urgent).toMatchObject({ severity: 'warning', pointer: expect.stringMatching(/^\/fields\/\d+\/values$/) })
    const holding = [...service.alm.store.rows('defect').values()].filter((one) => one.severity === '5-Urgent')
    expect(urgent?.records).toBe(holding.length)
    expect(urgent?.message).toContain(`${holding.length} of 12 records`)
    const people = findings.filter((one) => one.check === 'records-users' && one.side === 'right')
    expect(people.some((one) => one.message.includes('Ivan Iversen') && (one.records ?? 0) >= 1)).toBe(true)
    const long = findings.find((one) => one.check === 'records-lengths' && one.side === 'left')
    expect(long).toMatchObject({ records: 1, message: expect.stringContaining('2001') })
    await checkedAfter(saved)
  })

  // covers 100
  it('fails for a permission that is missing on either side, and blocks every run until it is given', async () => {
    service.alm.permissions.deny({ type: 'defect', action: 'lock' })
    service.octane.permissions.deny({ type: 'defect', action: 'create' })
    const failed = await check()
    expect(failed.findings.filter((one) => one.severity === 'error')).toMatchObject([
      {
        check: 'permissions',
        side: 'left',
        message: expect.stringContaining('may not lock'),
        pointer: '/left/endpointId',
      },
      { check: 'permissions', side: 'right', message: expect.stringContaining('may not create') },
    ])
    const before = written()
    const refused = await service.runToEnd(linkId, 'run')
    expect(refused).toMatchObject({ status: 'failed', message: expect.stringContaining('nothing was synchronized') })
    expect(written()).toBe(before)
    expect(await service.call('getLink', { params: { id: linkId } })).toMatchObject({ status: 'check-failed' })
    service.alm.permissions.clear()
    service.octane.permissions.clear()
    service.alm.permissions.hideField({ type: 'defect', field: 'severity' })
    const frozen = await check()
    const index = saved.fields.findIndex((one) => one.left === 'severity')
    expect(frozen.findings.filter((one) => one.severity === 'error')).toMatchObject([
      { check: 'permissions', side: 'left', pointer: `/fields/${index}/direction` },
    ])
    service.alm.permissions.clear()
    expect((await check()).passed).toBe(true)
  })

  it('fails where another link takes up the same records, however that came about', async () => {
    const other = await service.call('createEndpoint', {
      body: {
        name: 'elsewhere',
        address: { ...service.octaneAddress, workspace: '1999' },
        secret: service.octaneSecret,
        test: false,
      },
    })
    const { workspaceId } = await service.call('getLink', { params: { id: linkId } })
    const beside = await createLink(service.database, {
      ...{ name: 'Beside', description: '', author: 'test', comment: '', workspaceId, bridgeId: service.bridgeId },
      configuration: { ...saved, right: { ...saved.right, endpointId: other.id } },
    })
    const { findings } = await check()
    expect(findings.filter((one) => one.severity === 'error')).toMatchObject([
      { check: 'scope-overlap', side: 'left', pointer: '/left/scope', message: expect.stringContaining('"Beside"') },
    ])
    await service.database.sql`update links set deleted_at = now() where id = ${beside}`
    expect((await check()).passed).toBe(true)
  })
})

describe('after a configuration was saved', () => {
  // covers 32
  it('what the change affects is checked again by itself, in manual mode too; the rest stands as it was', async () => {
    const whole = await check()
    const scope = {
      filter: { match: 'all', conditions: [{ field: 'severity', operator: 'in', values: ['2-Medium'] }] },
    }
    const after = await checkedAfter({ left: { ...saved.left, scope } })
    expect(after.run).toMatchObject({ kind: 'check', trigger: 'automatic', status: 'passed' })
    const anew = after.parts.filter(({ runId }) => runId === after.run.id).map(({ part }) => part)
    expect(anew.sort()).toEqual([
      ...['clocks', 'connection:left', 'connection:right'],
      ...['reactions:right', 'records:left', 'refusals', 'scope-overlap', 'scope:left'],
    ])
    expect(after.parts.filter(({ runId }) => runId === whole.run.id)).toHaveLength(after.parts.length - anew.length)
    const mapping = (found: typeof whole) => found.findings.filter((one) => one.check === 'values')
    expect(mapping(after)).toEqual(mapping(whole))
    expect(await service.call('getLink', { params: { id: linkId } })).toMatchObject({ check: 'passed', mode: 'manual' })
    // What was judged long ago is judged again, whatever has changed.
    await service.database.sql`update runs set started_at = started_at - interval '2 days' where id = ${whole.run.id}`
    const later = await checkedAfter(saved)
    expect(later.parts.map(({ runId }) => runId)).not.toContain(whole.run.id)
    expect(later.parts.find(({ part }) => part === 'mapping')?.runId).toBe(later.run.id)
  })

  // covers 100
  it('a change that cannot work is told at once and blocks runs; what failed is looked at again whatever changes next', async () => {
    const [first, ...others] = saved.fields
    const broken = await checkedAfter({ fields: [{ ...first, right: 'no_such_field' }, ...others] })
    expect(broken.run.status).toBe('failed')
    expect(broken.findings).toContainEqual(
      expect.objectContaining({ check: 'field-existence', severity: 'error', pointer: '/fields/0/right' }),
    )
    expect((await service.runToEnd(linkId, 'run')).status).toBe('failed')
    service.octane.permissions.deny({ type: 'defect', action: 'update' })
    const forbidden = await checkedAfter(saved)
    expect(forbidden.run.status).toBe('failed')
    service.octane.permissions.clear()
    const again = await service.runToEnd(linkId, 'run')
    expect(again.status).not.toBe('failed')
  })

  it('rules that an endpoint tells only by refusing are told with how many records they hold up', async () => {
    const rule = service.octane.store.businessRules.add({
      ...{ name: 'Agreed texts stay', type: 'defect', refuse: 'the text is agreed.' },
      onChangeOf: ['description'],
    })
    const pairs = service.octane.records('defect').filter((one) => String(one.alm_id_udf ?? '').startsWith('DEFAULT/'))
    for (const one of pairs.slice(0, 3)) {
      const id = String(one.alm_id_udf).split('/').at(-1) ?? ''
      service.alm.edit('defect', id, { description: '<html><body>Another text</body></html>' })
    }
    await service.runToEnd(linkId, 'run')
    const { passed, findings } = await check()
    expect(passed).toBe(true)
    const refused = findings.filter((one) => one.check === 'refusals')
    expect(refused.reduce((sum, one) => sum + (one.records ?? 0), 0)).toBeGreaterThanOrEqual(3)
    expect(refused[0]).toMatchObject({
      severity: 'warning',
      message: expect.stringContaining('Agreed texts stay'),
    })
    service.octane.store.businessRules.clear(rule)
  })
})
