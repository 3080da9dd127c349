import { afterEach, describe, expect, it } from 'vitest'
import { createOctaneSandbox } from '../../sandbox/octane/server.ts'
import { connect } from '../connect.ts'
import type { Connector, RowResult, UpdateRow } from '../contract.ts'

let open: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  for (const one of open) await one.close()
  open = []
})

async function start(switches: Record<string, string>, defects: number) {
  const sandbox = createOctaneSandbox({ seed: 1, defects, switches })
  const { url } = await sandbox.listen()
  const address = { kind: 'octane' as const, url, sharedSpace: sandbox.sharedSpace, workspace: sandbox.workspace }
  const connector = connect(address, { kind: 'api-key', ...sandbox.credentials.apiKey }, { writes: 'lock' })
  open.push(connector, sandbox)
  return { sandbox, connector, ids: sandbox.records('defect').map(({ id }) => id) }
}

async function scanned(connector: Connector): Promise<string[]> {
  const found: string[] = []
  for (let afterId: string | null = null; ; ) {
    const page: Awaited<ReturnType<Connector['scan']>> = await connector.scan({
      entityType: 'defect',
      since: null,
      afterId,
      limit: 50,
    })
    found.push(...page.rows.map((row) => row.id))
    if (page.last) return found
    afterId = page.rows.at(-1)?.id ?? afterId
  }
}

async function planned(connector: Connector, id: string, fields: UpdateRow['fields']): Promise<UpdateRow> {
  const [now] = await connector.read('defect', [id], [])
  if (now === undefined) throw new Error(`no record ${id}`)
  return { id, fields, expected: now.stamp, ...(now.lock === undefined ? {} : { lock: now.lock }), compareAndSet: true }
}

const outcomes = (results: readonly RowResult[]) => results.map(({ outcome }) => outcome)
const refusal = ([result]: readonly RowResult[]) => (result?.outcome === 'refused' ? result.problem : result)

describe('what nobody outside has seen of Octane: with either answer', () => {
  for (const switches of [
    { countMaximum: '3' },
    { countMaximum: '3', defaultLimit: '7', maximumLimit: '60' },
    { maximumLimit: '60', limitCode: 'platform.exceeds_max_total_count' },
  ])
    it(`all records are read, page by page and by their ids (${JSON.stringify(switches)})`, async () => {
      const { connector, ids } = await start(switches, 120)
      expect(await scanned(connector)).toEqual(ids)
      expect((await connector.read('defect', ids, ['name'])).map(({ id }) => id)).toEqual(ids)
      const [name] = (await connector.read('defect', ids.slice(-1), ['name'])).map(({ fields }) => String(fields.name))
      expect((await connector.find('defect', 'name', [name ?? ''], [])).map(({ id }) => id)).toContain(ids.at(-1))
      const phase = (await connector.describe('defect')).fields.find((field) => field.name === 'phase')
      expect(phase?.options).toHaveLength(8)
      expect((await connector.users()).length).toBeGreaterThan(5)
    })

  it('values that make an address too long are looked for in several requests', async () => {
    const { connector, sandbox } = await start({ longestAddress: '8192' }, 0)
    const values = Array.from(
      { length: 100 },
      (_, index) => `http://alm.example.com:8443/qcbin/${'ä'.repeat(20)}/${index}`,
    )
    await connector.create(
      'defect',
      values.map((value) => ({ fields: { name: value, alm_id_udf: value } })),
      [],
    )
    expect(await connector.find('defect', 'alm_id_udf', values, [])).toHaveLength(100)
    Object.assign(sandbox.store.switches, { longestAddress: '300' })
    await expect(connector.find('defect', 'alm_id_udf', values, [])).rejects.toMatchObject({
      problem: { code: 'address-too-long' },
    })
  })

  for (const bulkErrorIndex of ['index', 'entity_index', 'several']) {
    it(`what a bulk has created never counts as refused (${bulkErrorIndex})`, async () => {
      const { connector, sandbox } = await start({ bulkErrorIndex }, 0)
      const rows = [{ fields: { name: 'a' } }, { fields: { name: 'x'.repeat(256) } }, { fields: { name: 'c' } }]
      const one = await connector.create('defect', rows, ['name'])
      expect(outcomes(one)).toEqual(
        bulkErrorIndex === 'several' ? ['in-doubt', 'in-doubt', 'in-doubt'] : ['done', 'refused', 'done'],
      )
      const two = await connector.create('defect', [...rows, { fields: { name: '' } }], ['name'])
      expect(outcomes(two)).toEqual(['done', 'refused', 'done', 'refused'])
      expect(sandbox.records('defect').map(({ name }) => name)).toEqual(['a', 'c', 'a', 'c'])
    })

    it(`what a bulk has changed never counts as refused (${bulkErrorIndex})`, async () => {
      const { connector, sandbox, ids } = await start({ bulkErrorIndex }, 3)
      const rows = await Promise.all(ids.map((id) => planned(connector, id, { story_points: 8 })))
      sandbox.edit('defect', ids[1] ?? '', { name: 'moved on' })
      const results = await connector.update('defect', rows, ['story_points'])
      expect(outcomes(results)).toEqual(['done', 'refused', 'done'])
      expect(results[1]).toMatchObject({ problem: { class: 'moved' } })
    })
  }

  for (const lockMismatchStatus of ['500', '409', '400'])
    for (const lockMismatchCode of ['platform.client_lock_stamp_mismatch', 'platform.general_error'])
      it(`an old stamp is a conflict (${lockMismatchStatus} ${lockMismatchCode})`, async () => {
        const { connector, sandbox, ids } = await start({ lockMismatchStatus, lockMismatchCode }, 2)
        const [id = '', other = ''] = ids
        const rows = await Promise.all([id, other].map((one) => planned(connector, one, { story_points: 8 })))
        sandbox.edit('defect', id, { name: 'theirs' })
        expect(await connector.update('defect', rows.slice(0, 1), [])).toMatchObject([{ problem: { class: 'moved' } }])
        expect(outcomes(await connector.update('defect', rows, []))).toEqual(['refused', 'done'])
      })

  for (const transitionStatus of ['400', '403', '409'])
    it(`a refused phase is walked to (${transitionStatus})`, async () => {
      const { connector } = await start({ enforceTransitions: 'yes', transitionStatus }, 0)
      const phases = (await connector.describe('defect')).fields.find(({ name }) => name === 'phase')?.options ?? []
      const closed = phases.find(({ label }) => label === 'Closed')?.value ?? ''
      const [made] = await connector.create('defect', [{ fields: { name: 'x' } }], [])
      const id = made?.outcome === 'done' ? made.snapshot.id : ''
      const [result] = await connector.update('defect', [await planned(connector, id, { phase: closed })], ['phase'])
      expect(result).toMatchObject({ outcome: 'done', snapshot: { fields: { phase: closed } } })
    })

  for (const requiredStatus of ['400', '409'])
    for (const requiredCode of ['platform.required_field_missing', 'platform.missing_required_field'])
      it(`a missing field is named (${requiredStatus} ${requiredCode})`, async () => {
        const { connector } = await start({ requiredStatus, requiredCode }, 0)
        expect(refusal(await connector.create('defect', [{ fields: { story_points: 1 } }], []))).toMatchObject({
          code: 'required-field',
          field: 'name',
        })
      })

  for (const parentCode of ['platform.illegal_field_value', 'platform.general_error'])
    it(`a refused parent is told of its field (${parentCode})`, async () => {
      const { connector, sandbox } = await start({ parentCode }, 0)
      const { id } = sandbox.create('epic', { name: 'e' })
      expect(refusal(await connector.create('defect', [{ fields: { name: 'x', parent: id } }], []))).toMatchObject({
        field: 'parent',
      })
    })

  for (const switches of [{ historyShape: 'field' }, { historyShape: 'change' }, { maximumLimit: '60' }])
    it(`the history tells when a field was edited (${JSON.stringify(switches)})`, async () => {
      const { connector, sandbox, ids } = await start(switches, 1)
      const [id = ''] = ids
      sandbox.edit('defect', id, { story_points: 1, name: 'first' })
      sandbox.edit('defect', id, { name: 'second' })
      const [record] = await connector.read('defect', [id], [])
      if (record === undefined) throw new Error('no record')
      const edits = await connector.lastEdits?.('defect', record, ['name', 'story_points', 'severity'])
      expect(Object.keys(edits ?? {}).sort()).toEqual(['name', 'story_points'])
    })

  for (const throttleHint of ['seconds', 'date', 'none'])
    it(`too many requests are sent again (${throttleHint})`, async () => {
      const { connector } = await start({ requestsPerSecond: '4', throttleHint }, 3)
      expect(await Promise.all([1, 2, 3, 4, 5, 6].map(() => connector.count('defect')))).toEqual([3, 3, 3, 3, 3, 3])
    })

  for (const deleteParent of ['move', 'refuse', 'delete'])
    it(`a parent that is deleted is told as gone or refused (${deleteParent})`, async () => {
      const { connector, sandbox } = await start({ deleteParent }, 0)
      const { id: epic } = sandbox.create('epic', { name: 'e' })
      const { id } = sandbox.create('feature', { name: 'f', parent: { type: 'epic', id: epic } })
      const [record] = await connector.read('epic', [epic], [])
      const expected = record?.stamp ?? { version: null, modified: null }
      const [result] = await connector.delete('epic', [{ id: epic, expected }])
      expect(result).toMatchObject({ outcome: deleteParent === 'refuse' ? 'refused' : 'done' })
      const left = await connector.read('feature', [id], ['parent'])
      expect(left.map(({ fields }) => fields.parent)).toEqual(
        { move: [null], refuse: [epic], delete: [] }[deleteParent],
      )
    })

  for (const switches of [
    { techPreview: 'all' },
    { techPreview: 'none' },
    { listIds: 'numeric', referenceNames: 'yes', legacyDefaultFields: 'yes' },
    { aggregateType: 'concrete', listFields: 'all', metadataAlternatives: 'no' },
    { commentsBumpItem: 'yes', attachmentsBumpItem: 'yes', quietFields: 'no' },
    { memoWrapper: 'no', memoStyles: 'drop', memoTags: 'modern', memoEntities: 'encode', memoDataImages: 'drop' },
  ])
    it(`a record with its comment is described, made, read and changed (${JSON.stringify(switches)})`, async () => {
      const { connector, sandbox } = await start(switches, 0)
      const { fields } = await connector.describe('defect')
      const high = fields.find(({ name }) => name === 'severity')?.options?.find(({ label }) => label === 'High')?.value
      const given = { name: 'x', severity: high ?? '', description: '<p>one</p>' }
      const [made] = await connector.create('defect', [{ fields: given }], ['severity', 'description'])
      if (made?.outcome !== 'done') throw new Error(JSON.stringify(made))
      expect(made.snapshot.fields).toMatchObject({ severity: high, description: expect.stringContaining('one') })
      const { id } = made.snapshot
      sandbox.create('comment', { text: 'two', owner_work_item: { type: 'defect', id } })
      const [read] = await connector.read('defect', [id], ['name', 'comments'])
      expect(JSON.stringify(read?.fields.comments)).toContain('two')
      const row = await planned(connector, id, { story_points: 3 })
      expect(outcomes(await connector.update('defect', [row], ['story_points']))).toEqual(['done'])
      expect((await connector.inspect('defect'))[0]).toMatchObject({ may: { create: 'not-refused' }, visible: 1 })
    })
})
