import { afterEach, describe, expect, it } from 'vitest'
import { createOctaneSandbox, type OctaneOptions } from '../../sandbox/octane/server.ts'
import { connect } from '../connect.ts'
import { type Connector, ConnectorError, type RowResult, type UpdateRow } from '../contract.ts'

type Sandbox = ReturnType<typeof createOctaneSandbox>

let open: { sandbox: Sandbox; connector: Connector }[] = []

afterEach(async () => {
  for (const { sandbox, connector } of open) {
    await connector.close()
    await sandbox.close()
  }
  open = []
})

async function start(options: Partial<OctaneOptions> = {}) {
  const sandbox = createOctaneSandbox({ seed: 1, defects: 0, ...options })
  const { url } = await sandbox.listen()
  const address = { kind: 'octane' as const, url, sharedSpace: sandbox.sharedSpace, workspace: sandbox.workspace }
  const connector = connect(address, { kind: 'api-key', ...sandbox.credentials.apiKey }, { writes: 'lock' })
  open.push({ sandbox, connector })
  return { sandbox, connector, address }
}

function snapshotOf(result: RowResult | undefined) {
  if (result?.outcome !== 'done') throw new Error(JSON.stringify(result))
  return result.snapshot
}

async function planned(connector: Connector, id: string, fields: UpdateRow['fields']): Promise<UpdateRow> {
  const [now] = await connector.read('defect', [id], ['name', 'phase'])
  if (now === undefined) throw new Error(`no record ${id}`)
  return { id, fields, expected: now.stamp, ...(now.lock === undefined ? {} : { lock: now.lock }), compareAndSet: true }
}

const problemOf = (error: unknown) => (error instanceof ConnectorError ? error.problem : error)

describe('an Octane session', () => {
  it('works while the server replaces its token all the time', async () => {
    let now = Date.parse('2026-03-01T12:00:00Z')
    const { connector } = await start({ defects: 3, now: () => now, switches: { rotationSeconds: '1' } })
    for (let round = 0; round < 10; round++) {
      now += 2_000
      const reads = await Promise.all([1, 2, 3, 4].map(() => connector.count('defect')))
      expect(reads).toEqual([3, 3, 3, 3])
    }
  })

  it('that has come to its end is renewed once for all who find out', async () => {
    let now = Date.parse('2026-03-01T12:00:00Z')
    const { sandbox, connector } = await start({ defects: 2, now: () => now, switches: { globalSeconds: '3600' } })
    await connector.testConnection()
    now += 4_000_000
    const counts = await Promise.all(Array.from({ length: 8 }, () => connector.count('defect')))
    expect(counts.every((count) => count === 2)).toBe(true)
    const signIns = [...sandbox.requests].reduce((sum, [key, times]) => (/sign_in/.test(key) ? sum + times : sum), 0)
    expect(signIns).toBe(2)
  })
})

describe('a lock stamp of Octane', () => {
  for (const lockMismatchCode of ['platform.client_lock_stamp_mismatch', 'platform.general_error'])
    it(`that is out of date is a conflict, although it comes as a 500 (${lockMismatchCode})`, async () => {
      const { sandbox, connector } = await start({ defects: 1, switches: { lockMismatchCode } })
      const [id = ''] = sandbox.records('defect').map((record) => record.id)
      const row = await planned(connector, id, { name: 'ours' })
      sandbox.edit('defect', id, { name: 'theirs' })
      const [result] = await connector.update('defect', [row], [])
      expect(result).toMatchObject({ outcome: 'refused', problem: { class: 'moved' } })
      expect(sandbox.records('defect')[0]?.name).toBe('theirs')
    })

  it('lets one of two writers through, never both', async () => {
    const { sandbox, connector } = await start({ defects: 1 })
    const [id = ''] = sandbox.records('defect').map((record) => record.id)
    const row = await planned(connector, id, { name: 'x' })
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        connector.update('defect', [{ ...row, fields: { name: `writer ${index}` } }], []),
      ),
    )
    expect(results.flat().filter((one) => one.outcome === 'done')).toHaveLength(1)
    expect(results.flat().filter((one) => one.outcome === 'refused' && one.problem.class === 'moved')).toHaveLength(5)
  })

  it('in a bulk refuses the moved rows and carries the others out', async () => {
    const { sandbox, connector } = await start({ defects: 4 })
    const ids = sandbox.records('defect').map((record) => record.id)
    const rows = await Promise.all(ids.map((id) => planned(connector, id, { story_points: 5 })))
    sandbox.edit('defect', ids[1] ?? '', { name: 'moved on' })
    const results = await connector.update('defect', rows, ['story_points'])
    expect(results.map((one) => one.outcome)).toEqual(['done', 'refused', 'done', 'done'])
  })
})

describe('pages of Octane', () => {
  for (const [defaultLimit, maximumLimit] of [
    ['2', '3'],
    ['100', '1000'],
  ])
    it(`of ${defaultLimit} by default and ${maximumLimit} at most give complete lists`, async () => {
      const { connector } = await start({
        defects: 12,
        switches: { defaultLimit: String(defaultLimit), maximumLimit: String(maximumLimit) },
      })
      const ids: string[] = []
      for (let afterId: string | null = null; ; ) {
        const page: Awaited<ReturnType<Connector['scan']>> = await connector.scan({
          entityType: 'defect',
          since: null,
          afterId,
          limit: Number(maximumLimit),
        })
        ids.push(...page.rows.map((row) => row.id))
        if (page.last) break
        afterId = page.rows.at(-1)?.id ?? afterId
      }
      expect(new Set(ids).size).toBe(12)
    })
})

describe('phases of Octane', () => {
  for (const transitionCode of ['platform.transition_not_allowed', 'platform.illegal_field_value'])
    it(`that cannot be reached in one step are walked to (${transitionCode})`, async () => {
      const { sandbox, connector } = await start({
        defects: 1,
        switches: { enforceTransitions: 'yes', transitionCode },
      })
      const entity = await connector.describe('defect')
      const phases = entity.fields.find((field) => field.name === 'phase')?.options ?? []
      const by = (label: string) => phases.find((phase) => phase.label === label)?.value ?? ''
      const created = snapshotOf((await connector.create('defect', [{ fields: { name: 'walker' } }], ['phase']))[0])
      expect(created.fields.phase).toBe(by('New'))
      const row = await planned(connector, created.id, { phase: by('Closed'), name: 'walked' })
      const [result] = await connector.update('defect', [row], ['phase', 'name'])
      expect(result).toMatchObject({ outcome: 'done', snapshot: { fields: { phase: by('Closed'), name: 'walked' } } })
      expect(sandbox.truth.entries().filter((entry) => entry.id === created.id).length).toBeGreaterThan(2)
    })
})

describe('what Octane refuses', () => {
  for (const requiredCode of ['platform.required_field_missing', 'platform.missing_required_field'])
    it(`for want of a required field names the field (${requiredCode})`, async () => {
      const { connector } = await start({ switches: { requiredCode } })
      const [result] = await connector.create('defect', [{ fields: { story_points: 3 } }], [])
      expect(result).toMatchObject({ outcome: 'refused', problem: { field: 'name' } })
    })

  // covers 95
  it('by a business rule is told in its own words', async () => {
    const { connector } = await start({ switches: { closedNeedsDate: 'yes' } })
    const entity = await connector.describe('defect')
    const closed = entity.fields
      .find((field) => field.name === 'phase')
      ?.options?.find((phase) => phase.label === 'Closed')?.value
    const created = snapshotOf((await connector.create('defect', [{ fields: { name: 'rule' } }], []))[0])
    const [result] = await connector.update(
      'defect',
      [await planned(connector, created.id, { phase: closed ?? '' })],
      [],
    )
    expect(result).toMatchObject({ outcome: 'refused', problem: { message: expect.stringMatching(/Closed on/i) } })
  })

  it('is not mistaken for a deletion: 404 to a list is trouble', async () => {
    const { sandbox, connector } = await start({ defects: 1 })
    await connector.describe('defect')
    sandbox.faults.add({ match: { method: 'GET', path: '/defects' }, kind: 'error-before', status: 404, times: 10 })
    await expect(connector.read('defect', ['2001'], ['name'])).rejects.toThrow()
  })

  it('with a web page is trouble for reads and doubt for writes', async () => {
    const { sandbox, connector } = await start({ defects: 1 })
    await connector.describe('defect')
    sandbox.faults.add({ match: { method: 'POST', path: '/defects' }, kind: 'html' })
    const [result] = await connector.create('defect', [{ fields: { name: 'x' } }], [])
    expect(result?.outcome).toBe('in-doubt')
    sandbox.faults.add({ match: { method: 'GET', path: '/defects' }, kind: 'html', times: 10 })
    const problem = problemOf(await connector.read('defect', ['2001'], []).catch((error: unknown) => error))
    expect(problem).toMatchObject({ message: expect.stringMatching(/page|HTML/i) })
  })
})

describe('values of Octane', () => {
  // covers 75
  it('that form a set are compared as one: order and repeats mean nothing', async () => {
    const { connector } = await start()
    const entity = await connector.describe('defect')
    const options = entity.fields.find((field) => field.name === 'browsers_udf')?.options ?? []
    const [first = '', second = ''] = options.map((option) => option.value)
    const write = async (value: string[]) =>
      snapshotOf(
        (await connector.create('defect', [{ fields: { name: 'set', browsers_udf: value } }], ['browsers_udf']))[0],
      )
    const one = await write([second, first])
    const other = await write([first, second])
    expect(one.fields.browsers_udf).toEqual(other.fields.browsers_udf)
    const [empty] = await connector.update(
      'defect',
      [await planned(connector, one.id, { browsers_udf: null })],
      ['browsers_udf'],
    )
    expect(snapshotOf(empty).fields.browsers_udf).toBeNull()
  })

  for (const severityLabels of ['delivered', 'customised'])
    it(`of a list are known by their keys, however they are called (${severityLabels})`, async () => {
      const { connector } = await start({ switches: { severityLabels } })
      const entity = await connector.describe('defect')
      const severity = entity.fields.find((field) => field.name === 'severity')
      expect(severity?.customized).toBe(severityLabels === 'customised')
      for (const option of severity?.options ?? []) {
        const [result] = await connector.create(
          'defect',
          [{ fields: { name: 'x', severity: option.value } }],
          ['severity'],
        )
        expect(option.value).not.toBe(option.label)
        expect(snapshotOf(result).fields.severity).toBe(option.value)
      }
    })

  for (const innerQuote of ['text', 'error'])
    it(`with quotes of every kind are found exactly (${innerQuote})`, async () => {
      const { connector } = await start({ switches: { innerQuote } })
      const names = ['plain', 'with "double"', "with 'single'", 'with ^caret^', 'with \\ back', 'a;b,c||d']
      await connector.create(
        'defect',
        names.map((name) => ({ fields: { name, alm_id_udf: name } })),
        [],
      )
      for (const name of names)
        expect((await connector.find('defect', 'alm_id_udf', [name], ['name'])).map((one) => one.fields.name)).toEqual([
          name,
        ])
    })

  it('that users have are their ids, and keys of programs are no people', async () => {
    const { connector } = await start()
    const users = await connector.users()
    expect(users.filter((user) => user.machine).length).toBeGreaterThan(0)
    const ann = users.find((user) => user.name === 'Ann Archer')
    const [result] = await connector.create('defect', [{ fields: { name: 'x', owner: ann?.key ?? '' } }], ['owner'])
    expect(snapshotOf(result).fields.owner).toBe(ann?.key)
  })

  it('that do not raise the lock stamp raise the version all the same', async () => {
    const { sandbox, connector } = await start({ defects: 1, switches: { quietFields: 'yes' } })
    const [id = ''] = sandbox.records('defect').map((record) => record.id)
    const [before] = await connector.read('defect', [id], [])
    sandbox.edit('defect', id, { rank: 7 })
    const [after] = await connector.read('defect', [id], [])
    expect(after?.lock).toBe(before?.lock)
    expect(after?.stamp.version).toBe((before?.stamp.version ?? 0) + 1)
  })
})
