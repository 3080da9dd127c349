import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkScope } from '../core/check-scope.ts'
import { type LinkConfiguration, linkConfiguration } from '../core/link-config.ts'
import type { RecordScope, ScopeGroup } from '../core/scope.ts'
import { createAlmSandbox } from '../sandbox/alm/server.ts'
import { createOctaneSandbox } from '../sandbox/octane/server.ts'
import { connect } from './connect.ts'
import type { Connector } from './contract.ts'

const alm = createAlmSandbox({ version: '26.1', seed: 1, defects: 0 })
const octane = createOctaneSandbox({ seed: 1, defects: 0 })
let left: Connector
let right: Connector

beforeAll(async () => {
  const [almAt, octaneAt] = await Promise.all([alm.listen(), octane.listen()])
  left = connect(
    { kind: 'alm', url: almAt.url, domain: alm.domain, project: alm.project },
    { kind: 'password', ...alm.credentials.user },
    { writes: 'lock' },
  )
  right = connect(
    { kind: 'octane', url: octaneAt.url, sharedSpace: octane.sharedSpace, workspace: octane.workspace },
    { kind: 'api-key', ...octane.credentials.apiKey },
    { writes: 'lock' },
  )
})
afterAll(async () => {
  await Promise.all([left.close(), right.close()])
  await Promise.all([alm.close(), octane.close()])
})

const scopeOf = (filter: ScopeGroup | null, change: Partial<RecordScope> = {}): RecordScope => ({
  filter,
  favorite: null,
  root: null,
  pastReleases: true,
  types: null,
  zone: 'UTC',
  now: '2026-05-20T12:00:00Z',
  ...change,
})

async function listed(connector: Connector, entityType: string, scope: RecordScope): Promise<string[]> {
  const ids: string[] = []
  for await (const page of connector.inScope(entityType, scope)) ids.push(...page)
  return ids
}

const all = (...conditions: ScopeGroup['conditions']): ScopeGroup => ({ match: 'all', conditions })
const day = (offset: number) => `2026-05-${String(20 + offset).padStart(2, '0')}`

describe('relative values', () => {
  it('"me" is the integration user of each side', async () => {
    const own = { 'detected-by': 'sync', severity: '1-Low', status: 'New', 'creation-time': day(0) }
    const mine = String(alm.create('defect', { name: 'mine', owner: 'sync', ...own }).id)
    alm.create('defect', { name: 'hers', owner: 'ann', ...own })
    const me = all({ field: 'owner', operator: 'in', values: [{ relative: 'me' }] })
    expect(await listed(left, 'defect', scopeOf(me))).toEqual([mine])
    const byKey = octane.create('defect', { name: 'key', owner: { type: 'workspace_user', id: '1001' } }).id
    octane.create('defect', { name: 'person', owner: { type: 'workspace_user', id: '1002' } })
    expect(await listed(right, 'defect', scopeOf(me))).toEqual([byKey])
  })

  it('"current-release" is each release that has begun and not ended, on its first and last day too', async () => {
    const release = (name: string, from: number, to: number) =>
      String(alm.create('release', { name, 'start-date': day(from), 'end-date': day(to), 'parent-id': '1' }).id)
    const [now, past] = [release('Now', 0, 0), release('Past', -9, -1)]
    const own = { 'detected-by': 'sync', severity: '1-Low', status: 'New', 'creation-time': day(0) }
    const found = String(alm.create('defect', { name: 'in', 'target-rel': now, ...own }).id)
    alm.create('defect', { name: 'out', 'target-rel': past, ...own })
    const current = (field: string) => all({ field, operator: 'in', values: [{ relative: 'current-release' }] })
    const inside = await listed(left, 'defect', scopeOf(current('target-rel')))
    expect(inside).toEqual([found])
    const made = (name: string, from: number, to: number) =>
      octane.create('release', { name, start_date: `${day(from)}T12:00:00Z`, end_date: `${day(to)}T12:00:00Z` }).id
    const [here, gone] = [made('Here', 0, 0), made('Gone', -9, -1)]
    const bug = octane.create('defect', { name: 'here', release: { type: 'release', id: here } }).id
    octane.create('defect', { name: 'gone', release: { type: 'release', id: gone } })
    expect(await listed(right, 'defect', scopeOf(current('release')))).toEqual([bug])
  })
})

describe('a batch', () => {
  it('costs one request, whatever it holds', async () => {
    const ids = Array.from(
      { length: 40 },
      (_, at) => octane.create('defect', { name: at % 2 === 0 ? 'even' : 'odd' }).id,
    )
    const even = scopeOf(all({ field: 'name', operator: 'in', values: ['even'] }))
    await right.matching('defect', ids, even)
    const before = octane.requests.get('GET /defects') ?? 0
    const total = [...octane.requests.values()].reduce((sum, one) => sum + one, 0)
    expect(await right.matching('defect', ids, even)).toHaveLength(20)
    expect((octane.requests.get('GET /defects') ?? 0) - before).toBe(1)
    expect([...octane.requests.values()].reduce((sum, one) => sum + one, 0) - total).toBe(1)
  })
})

describe('folders', () => {
  it('are told with those above them, in a request a level', async () => {
    const folder = (name: string, parent: string) =>
      String(alm.create('requirement', { name, 'type-id': '1', 'parent-id': parent }).id)
    const top = folder('Top', '0')
    const [one, two] = [folder('One', top), folder('Two', top)]
    const below = folder('Below', one)
    const above = await left.foldersAbove('requirement', [below, two, '99999'])
    expect(above.get(below)?.slice(0, 3)).toEqual([below, one, top])
    expect(above.get(two)?.slice(0, 2)).toEqual([two, top])
    expect(above.has('99999')).toBe(false)
    const nested = String(alm.create('release-folder', { name: 'Nested', 'parent-id': '1' }).id)
    expect((await left.foldersAbove('release_plan', [nested])).get(nested)).toEqual([nested, '1'])
  })
})

describe('the check of a filter', () => {
  it('names fields, operators and values that are not there, each where it stands', async () => {
    const side = { entity: await left.describe('defect'), users: await left.users() }
    const conditions: ScopeGroup['conditions'] = [
      { field: 'severity', operator: 'in', values: ['5-Urgent'] },
      { field: 'nowhere', operator: 'empty', values: [] },
      { field: 'description', operator: 'contains', values: ['x'] },
      { field: 'severity', operator: 'before', values: ['5-Urgent'] },
      { field: 'severity', operator: 'in', values: ['Fatal'] },
      { field: 'owner', operator: 'in', values: ['nobody'] },
      { field: 'creation-time', operator: 'from', values: ['yesterday'] },
      { field: 'name', operator: 'in', values: [{ relative: 'me' }] },
      { match: 'any', conditions: [{ field: 'owner', operator: 'in', values: [{ relative: 'me' }] }] },
    ]
    const configuration = { left: { scope: { filter: all(...conditions) } } } as LinkConfiguration
    expect(
      checkScope(configuration, 'left', side).map((one) => one.pointer?.replace('/left/scope/filter', '')),
    ).toEqual([
      '/conditions/1/field',
      '/conditions/2/field',
      '/conditions/3/operator',
      '/conditions/4/values',
      '/conditions/5/values',
      '/conditions/6/values',
      '/conditions/7/values',
    ])
    const invalid = { match: 'all', conditions: [{ field: 'severity', operator: 'in' }] }
    const end = { endpointId: '3f1c1f0e-6a43-4f0e-9a86-0a1f0e6a43f0', entityType: 'defect', crossReference: 'user-01' }
    const parsed = linkConfiguration.safeParse({
      entityType: 'defect',
      left: { ...end, scope: { filter: invalid } },
      right: end,
      fields: [{ id: 'title', left: 'name', right: 'name', direction: 'both' }],
      rules: { toRight: { create: true, update: true }, toLeft: { create: true, update: true } },
    })
    expect(parsed.success).toBe(false)
  })
})
