import { randomUUID } from 'node:crypto'
import { MockActivityEnvironment } from '@temporalio/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LinkConfiguration } from '../core/link-config.ts'
import { updateEndpoint } from '../db/endpoints.ts'
import { addLinkVersion, markChecked } from '../db/links.ts'
import { createLab, type Lab } from './lab.ts'

let lab: Lab
let version = 1

async function synchronize() {
  const runId = randomUUID()
  const { linkId } = lab
  await lab.store.beginRun({
    runId,
    linkId,
    kind: 'incremental',
    trigger: 'person',
    actor: 'test',
    version,
    temporal: { workflowId: `run-${runId}`, runId },
  })
  const step = <T>(call: () => Promise<T>) => new MockActivityEnvironment().run(call) as Promise<T>
  for (const side of ['left', 'right'] as const)
    await step(() => lab.activities.scan({ linkId, runId, version, side, extent: 'changes' }))
  await step(() => lab.activities.reconcile({ linkId, runId, version }))
  return lab.store.finishRun({ runId, status: 'passed', message: null })
}

async function save(change: (configuration: LinkConfiguration) => LinkConfiguration): Promise<void> {
  const saved = await addLinkVersion(lab.database, {
    linkId: lab.linkId,
    expectedVersion: version,
    configuration: change(structuredClone(lab.configuration)),
    author: 'admin',
    comment: '',
  })
  version = saved ?? -1
}

async function due(): Promise<string[]> {
  const rows = await lab.database.sql<{ side: string; id: string }[]>`
    select side, external_id as id from pending where link_id = ${lab.linkId} and next_attempt_at <= now() order by 1, 2`
  return rows.map(({ side, id }) => `${side}:${id}`)
}

const severityOf = (almId: string) =>
  lab.octane.records('defect').find((record) => record.alm_id_udf === `DEFAULT/Sync/defect/${almId}`)?.severity

describe('records that a change of the configuration concerns are due at once', () => {
  beforeEach(async () => {
    version = 1
    lab = await createLab({
      alm: { defects: 0 },
      link: (proposed) => ({
        ...proposed,
        fields: proposed.fields.map((field) =>
          field.left === 'severity'
            ? { ...field, values: (field.values ?? []).filter((pair) => pair.left !== '5-Urgent'), defaults: {} }
            : field,
        ),
      }),
    })
    for (const severity of ['2-Medium', '5-Urgent', '2-Medium'])
      lab.alm.create('defect', {
        name: `with ${severity}`,
        severity,
        'detected-by': 'ann',
        'creation-time': '2026-03-01',
        status: 'New',
      })
  })
  afterEach(() => lab.close())

  // covers 104, 115
  it('a value that had no counterpart, and nothing else', async () => {
    await synchronize()
    await synchronize()
    const held = await lab.database.sql<{ leftId: string; code: string; severity: string }[]>`
      select left_id as "leftId", code, severity from issues where resolved_at is null and code = 'value-gap'`
    const original = lab.proposal.fields.find((field) => field.left === 'severity')
    const mapped = original?.values?.some((pair) => pair.left === '5-Urgent') ?? false
    // Labels that are equal need no pair: then there is nothing to be held, and the test would prove nothing.
    expect(mapped).toBe(true)
    expect(held.map(({ leftId }) => leftId)).toEqual(['2'])
    expect(await due()).toEqual([])

    await save((configuration) => ({
      ...configuration,
      fields: configuration.fields.map((field) =>
        field.left === 'severity' ? { ...field, values: [...(original?.values ?? [])] as typeof field.values } : field,
      ),
    }))
    expect(await due()).toEqual(['left:2'])
    await synchronize()
    expect(JSON.stringify(severityOf('2'))).toContain('urgent')
    const [open] = await lab.database.sql<{ count: number }[]>`
      select count(*)::int from issues where resolved_at is null and code = 'value-gap'`
    expect(open?.count).toBe(0)
  })

  // covers 104
  it('every pair when a field is mapped anew, and no record when nothing about records changed', async () => {
    await synchronize()
    await synchronize()
    await save((configuration) => ({ ...configuration, schedule: { ...configuration.schedule, intervalSeconds: 7 } }))
    expect(await due()).toEqual([])
    await save((configuration) => ({
      ...configuration,
      fields: configuration.fields.map((field) =>
        field.left === 'description' ? { ...field, direction: 'to-right' as const } : field,
      ),
    }))
    // The second one has no twin yet: its severity has no counterpart, and that did not change.
    expect(await due()).toEqual(['left:1', 'left:3'])
  })

  it('what the old account might not do, once the account or its rights changed', async () => {
    await synchronize()
    await lab.database.sql`update issues set class = 'forbidden' where left_id = '2' and resolved_at is null`
    await lab.database.sql`
      insert into pending (link_id, side, external_id, reason, next_attempt_at)
      values (${lab.linkId}, 'left', '2', 'scan', now() + interval '1 hour'), (${lab.linkId}, 'left', '3', 'scan', now() + interval '1 hour')
      on conflict (link_id, side, external_id) do update set next_attempt_at = excluded.next_attempt_at`
    await updateEndpoint(lab.database, lab.configuration.left.endpointId, { sealed: { test: 'alm' } }, 'admin')
    expect(await due()).toEqual(['left:2'])
    await lab.database.sql`update pending set next_attempt_at = now() + interval '1 hour'`
    await markChecked(lab.database, lab.linkId, version, false)
    expect(await due()).toEqual([])
    await markChecked(lab.database, lab.linkId, version, true)
    expect(await due()).toEqual(['left:2'])
  })
})
