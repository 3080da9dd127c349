import { afterEach, describe, expect, it } from 'vitest'
import { fieldByName } from '../../core/metadata.ts'
import { type AlmOptions, createAlmSandbox } from '../../sandbox/alm/server.ts'
import { connect } from '../connect.ts'
import { type Connector, ConnectorError, type RowResult } from '../contract.ts'

type Sandbox = ReturnType<typeof createAlmSandbox>

let open: { sandbox: Sandbox; connector: Connector }[] = []

afterEach(async () => {
  for (const { sandbox, connector } of open) {
    await connector.close()
    await sandbox.close()
  }
  open = []
})

async function start(options: Partial<AlmOptions> = {}, writes: 'lock' | 'bulk' = 'lock') {
  const sandbox = createAlmSandbox({ version: '26.1', seed: 1, defects: 0, ...options })
  const { url } = await sandbox.listen()
  const address = { kind: 'alm' as const, url, domain: sandbox.domain, project: sandbox.project }
  const connector = connect(address, { kind: 'password', ...sandbox.credentials.user }, { writes })
  open.push({ sandbox, connector })
  return { sandbox, connector, address }
}

const needed = { severity: '2-Medium', 'detected-by': 'ann', 'creation-time': '2026-03-01', status: 'New' }

function idOf(result: RowResult | undefined): string {
  if (result?.outcome !== 'done') throw new Error(JSON.stringify(result))
  return result.snapshot.id
}

function requestsTo(sandbox: Sandbox, pattern: RegExp): number {
  return [...sandbox.requests].reduce((sum, [key, times]) => (pattern.test(key) ? sum + times : sum), 0)
}

/** Of rows that were refused, the class of why. */
const outcomesOf = (results: readonly RowResult[]) =>
  results.map((one) => (one.outcome === 'refused' ? one.problem.class : one.outcome))

const problemOf = (error: unknown) => (error instanceof ConnectorError ? error.problem : error)

describe('an ALM session', () => {
  for (const [version, idleStatus, idleId] of [
    ['12.5', '401', 'session-has-expired'],
    ['12.5', '403', 'session-has-expired'],
    ['26.1', '401', 'general-error'],
    ['26.1', '403', 'general-error'],
  ] as const)
    it(`that has idled out is renewed, told by ${idleStatus} ${idleId} on ${version}`, async () => {
      const { sandbox, connector } = await start({ version, defects: 1, switches: { idleStatus, idleId } })
      await connector.testConnection()
      sandbox.expireSessions()
      expect(await connector.read('defect', ['1'], ['name'])).toHaveLength(1)
      sandbox.expireSessions()
      const [result] = await connector.create('defect', [{ fields: { name: 'after', ...needed } }], [])
      expect(result?.outcome).toBe('done')
    })

  it('works while the server replaces its cookie again and again', async () => {
    const { connector } = await start({ defects: 3, switches: { rotateSession: '2' } })
    const reads = await Promise.all(
      Array.from({ length: 20 }, () => connector.read('defect', ['1', '2', '3'], ['name'])),
    )
    expect(reads.every((one) => one.length === 3)).toBe(true)
  })

  it('is one for many calls that come at once, and is closed whole', async () => {
    const { sandbox, connector } = await start({ defects: 2 })
    await Promise.all(Array.from({ length: 10 }, () => connector.read('defect', ['1'], [])))
    await connector.close()
    const count = (pattern: RegExp) => requestsTo(sandbox, pattern)
    expect(count(/POST .*alm-authenticate|POST .*authentication-point\/authenticate/)).toBe(1)
    expect(count(/POST .*site-session/)).toBe(1)
    expect(count(/DELETE .*site-session/)).toBe(1)
    expect(count(/logout/)).toBe(1)
  })

  it('is not asked for again and again with a password that is refused: that locks accounts', async () => {
    const { sandbox, address } = await start({ switches: { loginLockout: '3' } })
    const { user } = sandbox.credentials.user
    const wrong = connect(address, { kind: 'password', user, password: 'wrong' }, { writes: 'lock' })
    const answers = await Promise.all(Array.from({ length: 8 }, () => wrong.read('defect', ['1'], []).catch(problemOf)))
    await wrong.close()
    expect(answers.every((one) => (one as { class?: string }).class === 'auth')).toBe(true)
    const right = connect(address, { kind: 'password', ...sandbox.credentials.user }, { writes: 'lock' })
    expect((await right.testConnection()).user).toBe(user)
    await right.close()
  })
})

describe('what ALM answers', () => {
  it('with 404 to something else than a missing record is not taken for "gone"', async () => {
    const { sandbox, connector } = await start({ defects: 2 })
    await connector.testConnection()
    await connector.describe('defect')
    sandbox.faults.add({ match: { method: 'GET', path: '/defects' }, kind: 'error-before', status: 404, times: 10 })
    await expect(connector.read('defect', ['1', '2'], ['name'])).rejects.toThrow()
  })

  it('with a web page is told as such, and never taken for an empty list', async () => {
    const { sandbox, connector } = await start({ defects: 2 })
    await connector.testConnection()
    await connector.describe('defect')
    sandbox.faults.add({ match: { method: 'GET', path: '/defects' }, kind: 'html', times: 10 })
    const problem = problemOf(await connector.read('defect', ['1'], ['name']).catch((error: unknown) => error))
    expect(problem).toMatchObject({ message: expect.stringMatching(/page|HTML/i) })
  })

  it('with a web page to a write leaves it in doubt', async () => {
    const { sandbox, connector } = await start()
    await connector.describe('defect')
    sandbox.faults.add({ match: { method: 'POST', path: '/defects' }, kind: 'html' })
    const [result] = await connector.create('defect', [{ fields: { name: 'x', ...needed } }], [])
    expect(result?.outcome).toBe('in-doubt')
  })

  for (const singleElement of ['array', 'object'])
    it(`as ${singleElement} where a list has one element is read all the same`, async () => {
      const { connector } = await start({ defects: 1, switches: { singleElement } })
      expect(await connector.read('defect', ['1'], ['name', 'severity'])).toHaveLength(1)
      const { rows } = await connector.scan({ entityType: 'defect', since: null, afterId: null, limit: 100 })
      expect(rows.map((row) => row.id)).toEqual(['1'])
      expect((await connector.describe('defect')).fields.length).toBeGreaterThan(10)
      const [result] = await connector.create('defect', [{ fields: { name: 'one', ...needed } }], ['name'])
      expect(result).toMatchObject({ outcome: 'done', snapshot: { fields: { name: 'one' } } })
    })

  for (const bulk of ['yes', 'no'])
    it(`to several records at once is settled row by row, bulk bodies taken: ${bulk}`, async () => {
      const { connector, sandbox } = await start({ switches: { bulk } }, 'bulk')
      const rows = [1, 2, 3, 4].map((number) => ({
        fields: { name: `row ${number}`, ...needed, ...(number === 3 ? { severity: 'none such' } : {}) },
      }))
      const results = await connector.create('defect', rows, ['name'])
      expect(results.map((one) => one.outcome)).toEqual(['done', 'done', 'refused', 'done'])
      expect(
        sandbox
          .records('defect')
          .map((record) => record.name)
          .sort(),
      ).toEqual(['row 1', 'row 2', 'row 4'])
    })
})

describe('records of ALM', () => {
  for (const [lockedStatus, lockedId] of [
    ['403', 'lock-failure'],
    ['409', 'lock-failure'],
    ['403', 'entity-locked'],
    ['409', 'request-conflict'],
  ] as const)
    it(`that somebody has open are told as locked, whatever the status and id (${lockedStatus} ${lockedId})`, async () => {
      const { sandbox, connector } = await start({ defects: 1, switches: { lockedStatus, lockedId } })
      const [before] = await connector.read('defect', ['1'], ['name'])
      sandbox.store.lock('defect', '1', { user: 'bob', session: null, via: 'control' }, 60_000)
      const [result] = await connector.update(
        'defect',
        [
          {
            id: '1',
            fields: { name: 'x' },
            expected: before?.stamp ?? { version: null, modified: null },
            compareAndSet: true,
          },
        ],
        [],
      )
      expect(result).toMatchObject({ outcome: 'refused', problem: { class: 'locked' } })
    })

  it('are unlocked after a write, and after one that was refused', async () => {
    const { sandbox, connector } = await start({ defects: 1 })
    for (const fields of [{ name: 'fine' }, { severity: 'none such' }]) {
      const [before] = await connector.read('defect', ['1'], ['name'])
      await connector.update(
        'defect',
        [{ id: '1', fields, expected: before?.stamp ?? { version: null, modified: null }, compareAndSet: true }],
        [],
      )
      expect(() => sandbox.edit('defect', '1', { 'dev-comments': 'a person' })).not.toThrow()
    }
  })

  it('are written in groups under their locks, each for itself: moved, open, gone and refused ones hold up nobody', async () => {
    const { sandbox, connector } = await start({ defects: 30 })
    const ids = Array.from({ length: 30 }, (_, index) => String(index + 1))
    const read = await connector.read('defect', ids, [])
    const stamps = new Map(read.map(({ id, stamp }) => [id, stamp]))
    sandbox.edit('defect', '2', { name: 'a person' })
    sandbox.store.lock('defect', '3', { user: 'bob', session: null, via: 'control' }, 60_000)
    sandbox.remove('defect', '4')
    const before = requestsTo(sandbox, /defects/)
    const rows = ids.map((id) => ({
      id,
      fields: id === '5' ? { severity: 'none such' } : { name: `written ${id}` },
      expected: stamps.get(id) ?? { version: null, modified: null },
      compareAndSet: true,
    }))
    const results = await connector.update('defect', rows, ['name'])
    expect(outcomesOf(results)).toEqual(
      ids.map((id) => ({ '2': 'moved', '3': 'locked', '4': 'missing', '5': 'mapping' })[id] ?? 'done'),
    )
    for (const [index, one] of results.entries())
      if (one.outcome === 'done') {
        expect(one.snapshot.fields).toEqual({ name: `written ${ids[index]}` })
        expect(one.windowMs).toBeGreaterThanOrEqual(0)
      }
    expect(sandbox.records('defect').find(({ id }) => String(id) === '2')).toMatchObject({ name: 'a person' })
    // Two groups: each record is locked and unlocked by itself, and read and written with its group.
    expect(requestsTo(sandbox, /defects/) - before).toBeLessThanOrEqual(2 * ids.length + 2 * 2)
    for (const id of ids.filter((one) => one !== '4'))
      if (id !== '3') expect(() => sandbox.edit('defect', id, { severity: '1-Low' })).not.toThrow()
  })

  it('are not written under a lock that went with its session', async () => {
    const { sandbox, connector } = await start({ defects: 3 })
    const read = await connector.read('defect', ['1', '2', '3'], [])
    // The server forgets the session, and with it the locks, before it answers the second lock.
    const lock = sandbox.store.lock.bind(sandbox.store)
    let locks = 0
    sandbox.store.lock = (...given) => {
      const held = lock(...given)
      if (++locks === 2) {
        sandbox.expireSessions()
        sandbox.edit('defect', '1', { name: 'a person' })
      }
      return held
    }
    const rows = read.map(({ id, stamp }) => ({ id, fields: { name: 'ours' }, expected: stamp, compareAndSet: true }))
    const results = await connector.update('defect', rows, ['name'])
    expect(outcomesOf(results)).toEqual(['moved', 'done', 'done'])
    expect(sandbox.records('defect').find(({ id }) => String(id) === '1')).toMatchObject({ name: 'a person' })
    expect(locks).toBeGreaterThan(3)
  })

  // covers 96
  it.each(['lock', 'bulk'] as const)(
    'get any status that is sent, created and changed, by %s; where the workflow is enforced its refusal is told',
    async (writes) => {
      for (const workflow of ['bypassed', 'enforced'] as const) {
        const { connector } = await start({ switches: { workflow } }, writes)
        const create = async (status: string) =>
          (await connector.create('defect', [{ fields: { name: 'x', ...needed, status } }], ['status']))[0]
        const id = idOf(await create('New'))
        const [record] = await connector.read('defect', [id], ['status'])
        if (record === undefined) throw new Error('not read')
        const [changed] = await connector.update(
          'defect',
          [{ id, fields: { status: 'Closed' }, expected: record.stamp, compareAndSet: true }],
          ['status'],
        )
        const created = await create('Fixed')
        if (workflow === 'bypassed') {
          expect(created).toMatchObject({ outcome: 'done', snapshot: { fields: { status: 'Fixed' } } })
          expect(changed).toMatchObject({ outcome: 'done', snapshot: { fields: { status: 'Closed' } } })
        } else
          for (const result of [created, changed])
            expect(result).toMatchObject({
              outcome: 'refused',
              problem: { message: expect.stringContaining("transition of field 'Status'") },
            })
      }
    },
  )

  it('are created whatever the order of the values given: a body that begins with the wrong one is answered with a 500', async () => {
    const { connector } = await start()
    const fields = {
      status: 'New',
      severity: '2-Medium',
      'detected-by': 'ann',
      'creation-time': '2026-03-01',
      name: 'last',
    }
    expect(idOf((await connector.create('defect', [{ fields }], []))[0])).not.toBe('')
  })

  it('hold dates as days, whatever the zone of the server', async () => {
    for (const timeZone of ['Pacific/Auckland', 'America/Los_Angeles', 'UTC']) {
      const { connector } = await start({ timeZone })
      const [result] = await connector.create(
        'defect',
        [{ fields: { name: 'x', ...needed, 'closing-date': '2026-01-01' } }],
        [],
      )
      const [read] = await connector.read('defect', [idOf(result)], ['closing-date', 'creation-time'])
      expect(read?.fields).toEqual({ 'closing-date': '2026-01-01', 'creation-time': '2026-03-01' })
    }
  })

  it('that lack a required value are refused with the name of the field', async () => {
    const { connector } = await start()
    const [result] = await connector.create('defect', [{ fields: { name: 'x', severity: '2-Medium' } }], [])
    expect(result).toMatchObject({
      outcome: 'refused',
      problem: { field: expect.any(String), remedy: expect.stringMatching(/./) },
    })
  })

  it('keep a value that is not in an unverified list', async () => {
    const { connector } = await start()
    const entity = await connector.describe('defect')
    const loose = entity.fields.find(
      (field) => field.type === 'list' && !field.verified && field.editable && !field.multiple,
    )
    expect(loose).toBeDefined()
    const name = loose?.name ?? ''
    const [result] = await connector.create('defect', [{ fields: { name: 'x', ...needed, [name]: 'made up' } }], [name])
    expect(result).toMatchObject({ outcome: 'done', snapshot: { fields: { [name]: 'made up' } } })
  })

  it('with longer texts than a field takes are refused, not cut', async () => {
    const { connector } = await start()
    expect(fieldByName(await connector.describe('defect'), 'name')?.maxLength).toBe(255)
    const [result] = await connector.create('defect', [{ fields: { name: 'x'.repeat(300), ...needed } }], [])
    expect(result?.outcome).toBe('refused')
  })
})

describe('a list of ALM records', () => {
  for (const modifiedZone of ['server', 'utc'])
    it(`goes on from the newest time whatever its zone (${modifiedZone})`, async () => {
      let now = Date.parse('2026-03-01T12:00:00Z')
      const { sandbox, connector } = await start({ now: () => now, switches: { modifiedZone } })
      for (let index = 1; index <= 9; index++) sandbox.create('defect', { name: `old ${index}`, ...needed })
      now += 60_000
      sandbox.edit('defect', '3', { name: 'before' })
      const newest = await connector.newest('defect')
      now += 60_000
      sandbox.edit('defect', '7', { name: 'after' })
      const since = { entityType: 'defect', since: newest, afterId: null, limit: 100 }
      expect((await connector.scan(since)).rows.map((row) => row.id).sort()).toEqual(['3', '7'])
    })

  it('is complete although many were saved in the same second', async () => {
    let now = Date.parse('2026-03-01T12:00:00Z')
    const { sandbox, connector } = await start({ now: () => now })
    for (let index = 0; index < 250; index++) sandbox.create('defect', { name: `same ${index}`, ...needed })
    const newest = await connector.newest('defect')
    now += 400
    sandbox.create('defect', { name: 'still the same second', ...needed })
    const ids = new Set<string>()
    for (let afterId: string | null = null; ; ) {
      const page: Awaited<ReturnType<Connector['scan']>> = await connector.scan({
        entityType: 'defect',
        since: newest,
        afterId,
        limit: 100,
      })
      for (const row of page.rows) ids.add(row.id)
      if (page.last) break
      afterId = page.rows.at(-1)?.id ?? afterId
    }
    expect(ids.size).toBe(251)
  })
})
