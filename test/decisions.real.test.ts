import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { decideConflicts, listConflicts } from '../db/conflicts.ts'
import { named } from '../db/connection.ts'
import { verifyChain } from '../db/ledger-verify.ts'
import { addLinkVersion, createLink, setLinkMode } from '../db/links.ts'
import { requestRecords } from '../db/requests.ts'
import { activity, openIssues, restWrites } from './deletions.ts'
import { createLab, type Lab } from './lab.ts'
import { timePasses } from './torture/cycle.ts'
import { mortal } from './torture/mortal.ts'

vi.setConfig({ testTimeout: 120_000 })

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

const twin = (here: Lab, almId: string) =>
  String(here.octane.records('defect').find((one) => String(one.alm_id_udf).endsWith(`/${almId}`))?.id)

/** A lab in which a person decides about names and efforts that both sides changed. */
async function open(defects: number): Promise<Lab> {
  const here = await createLab({
    alm: { defects },
    link: (proposed) => ({
      ...proposed,
      brake: { changes: { count: 10_000, share: 1 }, deletions: { count: 0, share: 0 } },
      fields: proposed.fields.map((field) =>
        field.left === 'name' || field.left === 'estimated-fix-time' ? { ...field, conflict: 'ask' as const } : field,
      ),
    }),
  })
  lab = here
  await look(here)
  return here
}

async function look(here: Lab, version = 1, between: () => Promise<unknown> = async () => undefined): Promise<void> {
  const runId = randomUUID()
  const { linkId, activities } = here
  await here.store.beginRun({
    runId,
    linkId,
    kind: 'incremental',
    trigger: 'person',
    actor: 'test',
    version,
    temporal: { workflowId: 'w', runId: 'r' },
  })
  for (const side of ['left', 'right'] as const)
    await activity(() => activities.scan({ linkId, runId, version, side, extent: 'changes' }))
  await between()
  for (let round = 0; round < 20; round++) {
    const { ended } = await activity(() => activities.reconcile({ linkId, runId, version }))
    if (ended === 'empty') break
  }
  await here.store.finishRun({ runId, status: 'passed', message: null })
}

function bothRename(here: Lab, ids: readonly string[]): void {
  for (const id of ids) {
    here.alm.edit('defect', id, { name: `ALM ${id}` })
    here.octane.edit('defect', twin(here, id), { name: `Octane ${id}` })
  }
}

const openConflicts = (here: Lab) => listConflicts(here.database, { linkId: here.linkId, open: true, limit: 1_000 })
const decide = (
  here: Lab,
  conflicts: readonly { id: string; revision: number }[],
  choice: { choose: 'left' | 'right' | 'value' | 'retry'; value?: string | number; actor?: string },
) =>
  decideConflicts(here.database, {
    linkId: here.linkId,
    conflicts,
    value: null,
    side: 'left',
    reason: 'agreed',
    actor: 'ann',
    ...choice,
  })
function counted(outcomes: readonly { state: string }[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { state } of outcomes) sums[state] = (sums[state] ?? 0) + 1
  return sums
}
const changed = (
  here: Lab,
  expectedVersion: number,
  change: (field: Lab['configuration']['fields'][number]) => object,
) =>
  addLinkVersion(here.database, {
    linkId: here.linkId,
    expectedVersion,
    configuration: {
      ...here.configuration,
      fields: here.configuration.fields.map((field) => ({ ...field, ...change(field) })),
    },
    author: 'test',
    comment: '',
  })

describe('deciding about many fields at once', () => {
  it('settles each by itself, whoever decides meanwhile, and writes each once', async () => {
    const here = await open(300)
    const ids = Array.from({ length: 300 }, (_, index) => String(index + 1))
    bothRename(here, ids)
    await look(here)
    const shown = await openConflicts(here)
    expect(shown).toHaveLength(300)
    // One moves on after it was shown.
    here.alm.edit('defect', '7', { name: 'ALM 7, again' })
    await look(here)
    const before = restWrites(here)
    const both = await Promise.all([
      decide(here, [...shown, { id: randomUUID(), revision: 1 }], { choose: 'left', actor: 'ann' }),
      decide(here, [...shown].reverse(), { choose: 'right', actor: 'bob' }),
    ])
    // Both saw the same; whoever came first is followed, for all of them, and the other one is told.
    const [ann, bob] = both.map(counted)
    expect([ann, bob]).toEqual(
      expect.arrayContaining(
        ann?.decided === 299
          ? [{ decided: 299, moved: 1, unknown: 1 }, { moved: 300 }]
          : [
              { moved: 300, unknown: 1 },
              { decided: 299, moved: 1 },
            ],
      ),
    )
    const last = (await openConflicts(here)).flatMap((one) => one.decision?.actor ?? [])
    expect(new Set(last)).toEqual(new Set([ann?.decided === 299 ? 'ann' : 'bob']))
    await look(here)
    expect(restWrites(here) - before).toBe(299)
    const winner = last[0] === 'ann' ? 'ALM' : 'Octane'
    for (const id of ids.filter((one) => one !== '7'))
      expect(here.alm.store.get('defect', id)?.name, id).toBe(`${winner} ${id}`)
    const left = await openConflicts(here)
    expect(left).toMatchObject([{ left: 'ALM 7, again', right: 'Octane 7', decision: null }])
    await look(here)
    expect(restWrites(here) - before).toBe(299)
    expect(await verifyChain(here.database, `link:${here.linkId}`)).toMatchObject({ firstBreak: null })
  })
})

describe('a decision', () => {
  it('that comes while the record is claimed is carried out by the next look, and another one waits for that', async () => {
    const here = await open(1)
    bothRename(here, ['1'])
    await look(here)
    const [conflict] = await openConflicts(here)
    if (conflict === undefined) throw new Error('there is a conflict')
    const claim = () =>
      here.store.claim({ linkId: here.linkId, runId: randomUUID(), limit: 10, leaseSeconds: 60, graceSeconds: 15 })
    await here.database.sql`update pending set next_attempt_at = now()`
    const { token, items } = await claim()
    expect(items[0]?.pair?.decisions).toBeUndefined()
    expect(await decide(here, [conflict], { choose: 'left' })).toMatchObject([{ state: 'decided' }])
    await here.store.release({ token })
    const second = await claim()
    expect(Object.values(second.items[0]?.pair?.decisions ?? {})).toMatchObject([{ choose: 'left' }])
    expect(await decide(here, [{ ...conflict, revision: 2 }], { choose: 'right' })).toMatchObject([{ state: 'busy' }])
    await here.store.release({ token: second.token })
    await look(here)
    expect(here.octane.records('defect')[0]).toMatchObject({ name: 'ALM 1' })
  })

  it('that is being changed just now is left out of a claim, so that never the older one is carried out', async () => {
    const here = await open(1)
    bothRename(here, ['1'])
    await look(here)
    const [conflict] = await openConflicts(here)
    if (conflict === undefined) throw new Error('there is a conflict')
    await decide(here, [conflict], { choose: 'left' })
    await here.database.sql.begin(async (tx) => {
      await tx`select 1 from conflicts where id = ${conflict.id} for update`
      const { items, token } = await here.store.claim({
        linkId: here.linkId,
        runId: randomUUID(),
        limit: 10,
        leaseSeconds: 60,
        graceSeconds: 15,
      })
      expect(items).toHaveLength(1)
      expect(items[0]?.pair?.decisions).toEqual({})
      await here.store.release({ token })
    })
  })

  it('against the direction of the field is refused with words', async () => {
    const here = await open(1)
    bothRename(here, ['1'])
    await look(here)
    await changed(here, 1, (field) => (field.left === 'name' ? { direction: 'to-right' } : {}))
    const [conflict] = await openConflicts(here)
    if (conflict === undefined) throw new Error('there is a conflict')
    const [right] = await decide(here, [conflict], { choose: 'right' })
    expect(right).toMatchObject({ state: 'refused' })
    expect(right?.message).toContain('right side may not be written to the other side')
    const [value] = await decide(here, [conflict], { choose: 'value', value: 'neither' })
    expect(value?.message).toContain('flows one way only: choose the left side')
    expect(await decide(here, [conflict], { choose: 'retry' })).toMatchObject([{ state: 'refused' }])
    expect(await decide(here, [conflict], { choose: 'left' })).toMatchObject([{ state: 'decided', message: null }])
  })

  it('that the mapping does not allow any more when it is due is told to have come to nothing', async () => {
    const here = await open(1)
    bothRename(here, ['1'])
    await look(here)
    await decide(here, await openConflicts(here), { choose: 'right' })
    await changed(here, 1, (field) => (field.left === 'name' ? { direction: 'to-right' } : {}))
    const before = restWrites(here)
    await look(here, 2)
    expect(here.alm.store.get('defect', '1')).toMatchObject({ name: 'ALM 1' })
    expect(here.octane.records('defect')[0]).toMatchObject({ name: 'ALM 1' })
    expect(restWrites(here) - before).toBe(1)
    const closed = await listConflicts(here.database, { linkId: here.linkId, open: false, limit: 10 })
    expect(closed).toMatchObject([{ resolution: 'over' }])
  })

  it('about a mapping that is gone closes by itself, and so does its issue', async () => {
    const here = await open(1)
    bothRename(here, ['1'])
    await look(here)
    expect(await openIssues(here)).toHaveLength(1)
    await addLinkVersion(here.database, {
      linkId: here.linkId,
      expectedVersion: 1,
      configuration: {
        ...here.configuration,
        fields: here.configuration.fields.filter((field) => field.left !== 'name'),
      },
      author: 'test',
      comment: '',
    })
    expect(await decide(here, await openConflicts(here), { choose: 'right' })).toMatchObject([{ state: 'refused' }])
    await look(here, 2)
    expect(await openConflicts(here)).toEqual([])
    // A required field without mapping is an issue of the link; the record has none any more.
    expect((await openIssues(here)).filter((one) => one.key !== 'link')).toEqual([])
  })

  it('in the words of a number or of nothing is taken for what it is', async () => {
    const here = await open(1)
    here.alm.edit('defect', '1', { 'estimated-fix-time': '3' })
    await look(here)
    here.alm.edit('defect', '1', { 'estimated-fix-time': '5' })
    here.octane.edit('defect', twin(here, '1'), { story_points: 8 })
    await look(here)
    const before = restWrites(here)
    await decide(here, await openConflicts(here), { choose: 'value', value: '13' })
    await look(here)
    await look(here)
    expect(here.alm.store.get('defect', '1')).toMatchObject({ 'estimated-fix-time': '13' })
    expect(here.octane.records('defect')[0]).toMatchObject({ story_points: 13 })
    expect(restWrites(here) - before).toBe(2)
    expect(await openIssues(here)).toEqual([])
  })
})

it('two fields of a record that wait for a person are two issues', async () => {
  const here = await open(1)
  here.alm.edit('defect', '1', { name: 'ALM', 'estimated-fix-time': '5' })
  here.octane.edit('defect', twin(here, '1'), { name: 'Octane', story_points: 8 })
  await look(here)
  expect(await openConflicts(here)).toHaveLength(2)
  expect(await openIssues(here)).toHaveLength(2)
})

it('what a person asked for is tried although a scan came first and an unanswered write had to be settled before', async () => {
  const here = await open(1)
  const id = twin(here, '1')
  // A rule at Octane that puts the value back at once: the field is frozen.
  here.octane.edit('defect', id, { story_points: 1 })
  await look(here)
  here.alm.edit('defect', '1', { 'estimated-fix-time': '8' })
  here.octane.clock.set({ fixedAt: here.octane.clock.now() })
  await look(here)
  here.octane.edit('defect', id, { story_points: 1 })
  await look(here)
  here.octane.clock.set({ fixedAt: null })
  expect(await openConflicts(here)).toMatchObject([{ kind: 'frozen' }])
  // A write of another field is cut off before its answer.
  here.alm.edit('defect', '1', { name: 'cut off' })
  const runId = randomUUID()
  const { linkId } = here
  const body = mortal(null, {
    store: (store) => ({
      ...store,
      commit: async () => {
        throw new Error('gone')
      },
    }),
    connector: (connector) => connector,
  })
  const { activities } = here.createWorker(body.shell)
  await here.store.beginRun({
    runId,
    linkId,
    kind: 'incremental',
    trigger: 'person',
    actor: 'test',
    version: 1,
    temporal: { workflowId: 'w', runId: 'r' },
  })
  await activity(() => activities.scan({ linkId, runId, version: 1, side: 'left', extent: 'changes' }))
  await activity(() => activities.reconcile({ linkId, runId, version: 1 })).catch(() => undefined)
  await requestRecords(here.database, {
    linkId,
    runId: randomUUID(),
    actor: 'ann',
    records: [{ side: 'left', id: '1' }],
  })
  await timePasses(here)
  here.alm.edit('defect', '1', { name: 'and edited on' })
  await look(here)
  expect(here.octane.records('defect')[0]).toMatchObject({ name: 'and edited on' })
  expect(await openConflicts(here)).toEqual([])
  expect(here.alm.store.get('defect', '1')?.['estimated-fix-time']).toBe(
    String(here.octane.records('defect')[0]?.story_points),
  )
})

it('a link that follows a deleted one settles what that had sent, and the old one writes nothing more', async () => {
  const here = await createLab({ alm: { defects: 2 } })
  lab = here
  // Dies after its creates and before the twins are linked back.
  const cut = here.createWorker({
    store: (store) => store,
    connector: (connector) => ({
      ...connector,
      update: async () => {
        throw new Error('gone')
      },
    }),
  })
  const runId = randomUUID()
  const run = (linkId: string) =>
    here.store.beginRun({
      runId,
      linkId,
      kind: 'full',
      trigger: 'person',
      actor: 'test',
      version: 1,
      temporal: { workflowId: 'w', runId: 'r' },
    })
  const { linkId } = here
  await run(linkId)
  await activity(() => cut.activities.scan({ linkId, runId, version: 1, side: 'left', extent: 'all' }))
  await activity(() => cut.activities.reconcile({ linkId, runId, version: 1 })).catch(() => undefined)
  expect(here.octane.records('defect')).toHaveLength(2)
  await setLinkMode(here.database, {
    linkId,
    change: { deleted: true },
    actor: 'test',
    command: 'delete',
    callId: randomUUID(),
  })
  // Whatever still runs for it is refused before it writes.
  await timePasses(here)
  expect(await activity(() => here.activities.reconcile({ linkId, runId, version: 1 }))).toMatchObject({
    ended: 'link-changed',
  })
  const [old] = await here.database.sql<{ workspace_id: string }[]>`select workspace_id from links where id = ${linkId}`
  const next = await createLink(here.database, {
    name: 'Defects again',
    description: '',
    workspaceId: old?.workspace_id ?? '',
    bridgeId: 'test',
    configuration: here.configuration,
    author: 'test',
    comment: '',
  })
  here.linkId = next
  await look(here)
  await timePasses(here)
  await look(here)
  expect(here.octane.records('defect')).toHaveLength(2)
  expect(here.alm.records('defect')).toHaveLength(2)
  const [pairs] = await here.database.sql<{ count: number }[]>`select count(*)::int as count from pairs`
  expect(pairs?.count).toBe(2)
  expect(await openIssues(here)).toEqual([])
})

it('transactions that lock the same rows in different orders both end well', async () => {
  const here = await open(2)
  const { sql } = here.database
  await sql`insert into pending (link_id, side, external_id, reason) values (${here.linkId}, 'left', 'a', 'scan'), (${here.linkId}, 'left', 'b', 'scan')`
  let waiting = 0
  let release: () => void = () => undefined
  const together = new Promise<void>((resolve) => {
    release = resolve
  })
  const swap = (first: string, second: string) =>
    named('swap', () =>
      sql.begin(async (tx) => {
        await tx`update pending set attempts = attempts + 1 where external_id = ${first}`
        if (++waiting >= 2) release()
        await together
        await tx`update pending set attempts = attempts + 1 where external_id = ${second}`
      }),
    )
  await Promise.all([swap('a', 'b'), swap('b', 'a')])
  const rows = await sql<{ attempts: number }[]>`select attempts from pending where external_id in ('a', 'b')`
  expect(rows.map((row) => row.attempts)).toEqual([2, 2])
})
