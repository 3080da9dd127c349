import { describe, expect, it } from 'vitest'
import { createAlmSandbox } from '../sandbox/alm/server.ts'
import type { TruthEntry } from '../sandbox/common/truth-log.ts'
import { createOctaneSandbox } from '../sandbox/octane/server.ts'
import { followHistory, type History, type Records, type System } from './torture/history.ts'
import { type Hierarchy, judgeOrder } from './torture/judge-order.ts'
import { lineageOf } from './torture/lineage.ts'
import { formsOf, secretIn } from './torture/secrets.ts'
import { planStorm } from './torture/storm.ts'
import { createVerdict } from './torture/verdict.ts'

/** A history of its own making: ALM holds a requirement 1 above 2; what Tandem writes in Octane is given. */
function historyOf(writes: readonly Partial<TruthEntry>[]): History {
  const entries = writes.map(
    (write, index): TruthEntry => ({
      seq: index + 1,
      at: '2026-03-01T10:00:00Z',
      system: 'octane',
      actor: 'sync',
      action: 'create',
      type: 'feature',
      id: '',
      before: null,
      after: null,
      changed: Object.keys(write.after ?? {}),
      version: 1,
      via: 'rest',
      ...write,
    }),
  )
  return {
    entries: (since = 0) => entries.slice(since),
    length: () => entries.length,
    beginCycle: () => undefined,
    cycleStart: () => 0,
    carryingOut: () => undefined,
    isLate: () => false,
    sentAt: (at) => at,
    keep: () => undefined,
    replay: (visit) => {
      const now: Record<System, Records> = {
        alm: new Map([
          ['1', { id: '1', 'parent-id': null }],
          ['2', { id: '2', 'parent-id': '1' }],
        ]),
        octane: new Map(),
      }
      entries.forEach((entry, at) => {
        visit(entry, at, now)
        now.octane.set(entry.id, { ...now.octane.get(entry.id), ...entry.after })
      })
      return now
    },
  }
}

const parents: Hierarchy = {
  field: { alm: 'parent-id', octane: 'parent' },
  named: (_system, value) => (typeof value === 'string' && value !== '' ? value : null),
}

function judged(writes: readonly Partial<TruthEntry>[]): string[] {
  const verdict = createVerdict()
  const namedTwin = (system: System, value: unknown) =>
    typeof value !== 'string' ? null : system === 'octane' ? value.replace('alm ', '') : value.replace('octane ', '')
  judgeOrder(historyOf(writes), { namedTwin, hierarchies: [parents] }, verdict)
  expect(verdict.cases.I7).toBeGreaterThan(0)
  return verdict.violations.map((one) => one.message)
}

describe('I7 between records that lie under one another', () => {
  const parent = { id: '11', after: { alm_id_udf: 'alm 1' } }
  const child = { id: '12', after: { alm_id_udf: 'alm 2', parent: '11' } }

  it('takes a parent and then its child', () => expect(judged([parent, child])).toEqual([]))

  it('finds a child that names a parent before it exists', () =>
    expect(judged([child, parent])).toEqual(['octane 12 lies under 11, which does not exist']))

  it('finds a child that was created without its parent, and moved below it later', () =>
    expect(
      judged([
        { id: '12', after: { alm_id_udf: 'alm 2' } },
        parent,
        { id: '12', action: 'update', after: { parent: '11' } },
      ]),
    ).toEqual(['octane 12 was created before the twin of its parent alm 1']))

  it('finds a link before both of its ends', () =>
    expect(judged([{ id: '13', after: { alm_id_udf: 'alm 9' } }])).toEqual([
      'octane 13 names alm 9, which does not exist yet',
    ]))
})

describe('I4', () => {
  it('does not take the record that had a number before a restore for the one that has it now', () => {
    const places = { alm: { domain: 'D', project: 'P' }, octane: { sharedSpace: '1001', workspace: '1002' } }
    const lineage = lineageOf(
      places,
      historyOf([
        { id: '11', after: { alm_id_udf: 'D/P/defect/1' } },
        { action: 'restore', type: '' },
        { id: '11', after: { alm_id_udf: 'D/P/defect/2' } },
        { system: 'alm', id: '2', action: 'update', after: { 'user-01': '1001/1002/defect/11' }, type: 'feature' },
        { system: 'alm', id: '1', action: 'update', after: { 'user-01': '1001/1002/defect/11' }, changed: ['name'] },
      ]),
      'feature',
    )
    expect(lineage.nameOf('octane', '11', 1)).toBe('octane 11')
    expect([...lineage.family('octane 11').alm]).toEqual(['alm 1'])
    expect([...lineage.family(lineage.nameOf('octane', '11')).alm]).toEqual(['alm 2'])
  })

  it('knows when a request came in that was carried out later', () => {
    const alm = createAlmSandbox({ version: '26.1', seed: 1, defects: 2 })
    const history = followHistory({ alm, octane: createOctaneSandbox({ seed: 1, defects: 0 }) })
    const begin = history.length()
    const carryOut = () => {
      alm.remove('defect', '1')
      return { status: 200 }
    }
    alm.faults.hold({ method: 'DELETE', path: '/defects/1', carryOut })
    alm.edit('defect', '1', { name: 'saved meanwhile' })
    alm.faults.releaseHeld()
    alm.edit('defect', '2', { name: 'later' })
    expect([begin, begin + 1, begin + 2].map(history.sentAt)).toEqual([begin, begin, begin + 2])
  })
})

describe('I11', () => {
  const secret = 's3cret & <safe>'

  it('finds a secret in clear and in every encoding that requests use, wherever it begins', () => {
    for (const text of [
      `password: ${secret}.`,
      `?password=${encodeURIComponent(secret)}&x`,
      JSON.stringify({ password: secret }),
      '<password>s3cret &amp; &lt;safe&gt;</password>',
      Buffer.from(secret).toString('hex'),
      ...['', 'a', 'ab', 'abc', 'sync:'].flatMap((before) => [
        Buffer.from(`${before}${secret}`).toString('base64'),
        Buffer.from(`${before}${secret} and more`).toString('base64url'),
      ]),
    ])
      expect(secretIn(`some words ${text} and others`, [secret]), text).not.toBeNull()
  })

  it('says where without saying it again', () => {
    const found = secretIn(`the header was ${secret}!`, [secret])
    expect(found).toBe('the header was <secret>!')
  })

  it('takes nothing else for a secret', () => {
    expect(secretIn('s3cret & <safer places>, c2VjcmV0, sync:***', [secret])).toBeNull()
    expect(formsOf(secret).every((form) => form.length > 8)).toBe(true)
  })
})

it('a storm is the same for the same seed, and another one for another', () => {
  expect(planStorm(3, 20, true)).toEqual(planStorm(3, 20, true))
  expect(planStorm(3, 20, true)).not.toEqual(planStorm(4, 20, true))
})
