import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { conditionsOf, matchesScope, type RecordScope, resolveFilter, type ScopeGroup } from '../core/scope.ts'
import { createAlmSandbox } from '../sandbox/alm/server.ts'
import { createOctaneSandbox } from '../sandbox/octane/server.ts'
import { connect } from './connect.ts'
import type { Connector } from './contract.ts'

const now = '2026-05-20T12:00:00Z'
const names = [
  `plain`,
  `it's "both"`,
  `a "quoted" one`,
  `don't`,
  `100 * 2`,
  `Not Completed OR so`,
  `caret ^ here`,
  `back\\slash`,
]

const alm = createAlmSandbox({ version: '26.1', seed: 1, defects: 0 })
const octane = createOctaneSandbox({ seed: 1, defects: 0 })
const open: Connector[] = []
let ends: { connector: Connector; values: Record<string, string[]> }[] = []

function scope(filter: ScopeGroup): RecordScope {
  return { filter, favorite: null, root: null, pastReleases: true, types: null, zone: 'UTC', now }
}

beforeAll(async () => {
  const [almAt, octaneAt] = await Promise.all([alm.listen(), octane.listen()])
  const severities = ['1-Low', '3-High', '5-Urgent']
  for (let at = 0; at < 40; at++)
    alm.create('defect', {
      name: names[at % names.length] ?? '',
      severity: severities[at % 3] ?? '',
      status: at % 2 === 0 ? 'New' : 'Open',
      'creation-time': `2026-05-${String(1 + (at % 28)).padStart(2, '0')}`,
      'detected-by': 'sync',
      ...(at % 4 === 0 ? {} : { priority: severities[(at + 1) % 3] ?? '', owner: at % 3 === 0 ? 'sync' : 'ann' }),
    })
  const options = octane
    .records('list_node')
    .filter((one) => String(one.logical_name).startsWith('list_node.severity.'))
  for (let at = 0; at < 40; at++)
    octane.create('defect', {
      name: names[at % names.length] ?? '',
      ...(at % 4 === 0 ? {} : { severity: { type: 'list_node', id: options[at % options.length]?.id ?? '' } }),
      ...(at % 3 === 0 ? {} : { owner: { type: 'workspace_user', id: String(1001 + (at % 3)) } }),
    })
  const left = connect(
    { kind: 'alm', url: almAt.url, domain: alm.domain, project: alm.project },
    { kind: 'password', ...alm.credentials.user },
    { writes: 'lock' },
  )
  const right = connect(
    { kind: 'octane', url: octaneAt.url, sharedSpace: octane.sharedSpace, workspace: octane.workspace },
    { kind: 'api-key', ...octane.credentials.apiKey },
    { writes: 'lock' },
  )
  open.push(left, right)
  ends = [
    {
      connector: left,
      values: {
        name: names,
        severity: severities,
        priority: severities,
        owner: ['sync', 'ann'],
        'creation-time': ['2026-05-01', '2026-05-10', '2026-05-28'],
        'last-modified': ['2026-05-04', '2030-01-01'],
        id: ['1', '7', '20'],
      },
    },
    {
      connector: right,
      values: {
        name: names,
        severity: options.map(({ id }) => id),
        owner: ['1001', '1002'],
        creation_time: ['2026-05-04', '2026-05-05'],
      },
    },
  ]
})

afterAll(async () => {
  await Promise.all(open.map((one) => one.close()))
  await Promise.all([alm.close(), octane.close()])
})

function conditions(values: Record<string, string[]>): fc.Arbitrary<ScopeGroup> {
  const leaf = fc.constantFrom(...Object.keys(values)).chain((field) => {
    const known = fc.constantFrom(...(values[field] ?? []))
    const isTime = /time|modified/.test(field)
    return fc.oneof(
      fc.record({
        field: fc.constant(field),
        operator: fc.constantFrom('in' as const, 'not-in' as const),
        values: fc.uniqueArray(known, { minLength: 1, maxLength: 3 }),
      }),
      fc.record({
        field: fc.constant(field),
        operator: isTime
          ? fc.constantFrom('before' as const, 'after' as const, 'from' as const, 'until' as const)
          : field === 'name'
            ? fc.constantFrom('contains' as const, 'starts-with' as const)
            : fc.constant('in' as const),
        values: known.map((value) => [field === 'name' ? value.slice(0, 7) : value]),
      }),
      fc.record({
        field: fc.constant(field),
        operator: fc.constantFrom('empty' as const, 'not-empty' as const),
        values: fc.constant<string[]>([]),
      }),
      ...(isTime
        ? [
            fc.record({
              field: fc.constant(field),
              operator: fc.constant('last-days' as const),
              values: fc.constant<number[]>([12]),
            }),
          ]
        : []),
    )
  })
  const { group } = fc.letrec<{ group: ScopeGroup; leafOrGroup: ScopeGroup['conditions'][number] }>((tie) => ({
    leafOrGroup: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('group')),
    group: fc.record({
      match: fc.constantFrom('all' as const, 'any' as const),
      conditions: fc.array(tie('leafOrGroup'), { minLength: 1, maxLength: 3 }),
    }),
  }))
  return group
}

describe.each([0, 1])('a scope compiled for %s (0: ALM, 1: Octane)', (which) => {
  it('finds what the evaluator finds, whatever the filter, in listings and in batches of ids', async () => {
    const end = ends[which]
    if (end === undefined) throw new Error('there are two ends')
    const { connector, values } = end
    const entity = await connector.describe('defect')
    const { rows } = await connector.scan({ entityType: 'defect', since: null, afterId: null, limit: 1_000 })
    const ids = rows.map((row) => row.id)
    const records = await connector.read('defect', ids, Object.keys(values))
    expect(records).toHaveLength(40)
    let found = 0
    await fc.assert(
      fc.asyncProperty(conditions(values), async (filter) => {
        const resolved = resolveFilter(filter, {
          field: (name) => entity.fields.find((field) => field.name === name),
          constants: {},
          zone: 'UTC',
          now,
          timesHaveZone: connector.capabilities.timesHaveZone,
          me: '',
          currentReleases: [],
        })
        const expected = records.filter((one) => matchesScope(resolved, one.fields)).map(({ id }) => id)
        if (expected.length > 0 && expected.length < 40) found++
        const listed: string[] = []
        for await (const page of connector.inScope('defect', scope(filter))) listed.push(...page)
        const byNumber = (list: readonly string[]) => [...list].sort((a, b) => Number(a) - Number(b))
        expect(byNumber(listed), JSON.stringify(conditionsOf(filter))).toEqual(byNumber(expected))
        const batch = ids.slice(5, 30)
        const matching = await connector.matching('defect', batch, scope(filter))
        expect(byNumber(matching)).toEqual(byNumber(expected.filter((id) => batch.includes(id))))
      }),
      { numRuns: 120, seed: 7 },
    )
    // The filters tell records apart: all or none alike would prove little.
    expect(found).toBeGreaterThan(30)
  })
})
