import { randomUUID } from 'node:crypto'
import { MockActivityEnvironment } from '@temporalio/testing'
import { afterEach, describe, expect, it } from 'vitest'
import type { LinkConfigurationInput } from '../core/link-config.ts'
import { decideConflicts, listConflicts } from '../db/conflicts.ts'
import { verifyChain } from '../db/ledger-verify.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

/** A lab whose fields named by their ALM name have a policy of their own. */
async function open(policies: Record<string, 'merge' | 'ask'>, options: LabOptions = {}): Promise<Lab> {
  lab = await createLab({
    alm: { defects: 1 },
    link: (proposed: LinkConfigurationInput) => ({
      ...proposed,
      fields: proposed.fields.map((field) => ({ ...field, conflict: policies[field.left ?? ''] ?? field.conflict })),
    }),
    ...options,
  })
  await look(lab)
  return lab
}

async function activity<T>(body: () => Promise<T>): Promise<T> {
  return (await new MockActivityEnvironment().run(body)) as T
}

/** One cycle: both sides are scanned, and what is due is reconciled. */
async function look(here: Lab, beforeReconcile: () => void = () => undefined) {
  const runId = randomUUID()
  const { linkId } = here
  await here.store.beginRun({
    runId,
    linkId,
    kind: 'incremental',
    trigger: 'person',
    actor: 'test',
    version: 1,
    temporal: { workflowId: 'w', runId: 'r' },
  })
  for (const side of ['left', 'right'] as const)
    await activity(() => here.activities.scan({ linkId, runId, version: 1, side, extent: 'changes' }))
  beforeReconcile()
  await activity(() => here.activities.reconcile({ linkId, runId, version: 1 }))
  return here.store.finishRun({ runId, status: 'passed', message: null })
}

const octaneDefect = (here: Lab): { id: string; [field: string]: unknown } =>
  here.octane.records('defect')[0] ?? { id: '' }
const almDefect = (here: Lab) => here.alm.store.get('defect', '1')
const conflictsOf = (here: Lab, wanted = true) =>
  listConflicts(here.database, { linkId: here.linkId, open: wanted, limit: 50 })
const restWrites = (here: Lab) =>
  [...here.alm.truth.entries(), ...here.octane.truth.entries()].filter((entry) => entry.via === 'rest').length
const openIssues = (here: Lab) =>
  here.database.sql<
    { code: string; class: string; message: string }[]
  >`select code, class, message from issues where resolved_at is null order by code`

const decide = (
  here: Lab,
  conflict: { id: string; revision: number },
  choice: { choose: 'left' | 'right' | 'value' | 'retry'; value?: string },
) =>
  decideConflicts(here.database, {
    linkId: here.linkId,
    conflicts: [conflict],
    value: null,
    side: 'left',
    reason: 'agreed in the meeting',
    actor: 'ann',
    ...choice,
  })

async function bothRename(here: Lab): Promise<void> {
  here.alm.edit('defect', '1', { name: 'ALM says' })
  here.octane.edit('defect', octaneDefect(here).id, { name: 'Octane says', story_points: 5 })
  await look(here)
}

async function only(here: Lab) {
  const [first, ...more] = await conflictsOf(here)
  expect(more).toEqual([])
  if (first === undefined) throw new Error('there is no open conflict')
  return first
}

describe('a field that both sides changed and a person is asked about', () => {
  it('is held with both values while the rest of the record flows, and is written once when decided', async () => {
    const here = await open({ name: 'ask' })
    await bothRename(here)
    expect(almDefect(here)).toMatchObject({ name: 'ALM says', 'estimated-fix-time': '5' })
    expect(octaneDefect(here)).toMatchObject({ name: 'Octane says' })
    const conflict = await only(here)
    expect(conflict).toMatchObject({ kind: 'both-changed', left: 'ALM says', right: 'Octane says', revision: 1 })
    expect(conflict.base?.left).toEqual(conflict.base?.right)
    expect(await openIssues(here)).toMatchObject([{ code: 'both-changed', class: 'conflict' }])

    const before = restWrites(here)
    expect(await decide(here, conflict, { choose: 'right' })).toMatchObject([{ state: 'decided' }])
    await look(here)
    expect(almDefect(here)).toMatchObject({ name: 'Octane says' })
    expect(restWrites(here) - before).toBe(1)
    await look(here)
    expect(restWrites(here) - before).toBe(1)
    expect(await conflictsOf(here)).toEqual([])
    expect(await openIssues(here)).toEqual([])
    expect((await conflictsOf(here, false))[0]).toMatchObject({ resolution: 'decided' })
    const rows = await here.database.sql<{ kind: string; action: string; actor: string; reason: string }[]>`
      select kind, action, actor, content ->> 'reason' as reason from ledger where action = 'resolve-conflict'`
    expect(rows).toEqual([
      { kind: 'decision', action: 'resolve-conflict', actor: 'ann', reason: 'agreed in the meeting' },
    ])
    expect(await verifyChain(here.database, `link:${here.linkId}`)).toMatchObject({ firstBreak: null })
  })

  it("takes a value that is neither side's: written to each side once", async () => {
    const here = await open({ name: 'ask' })
    await bothRename(here)
    const before = restWrites(here)
    await decide(here, await only(here), { choose: 'value', value: 'both say' })
    await look(here)
    expect(almDefect(here)).toMatchObject({ name: 'both say' })
    expect(octaneDefect(here)).toMatchObject({ name: 'both say' })
    expect(restWrites(here) - before).toBe(2)
    await look(here)
    expect(restWrites(here) - before).toBe(2)
    expect(await conflictsOf(here)).toEqual([])
    expect(await openIssues(here)).toEqual([])
  })

  it('is asked about again when a side moves on after the decision, and a decision about old values is refused', async () => {
    const here = await open({ name: 'ask' })
    await bothRename(here)
    const first = await only(here)
    await decide(here, first, { choose: 'right' })
    here.alm.edit('defect', '1', { name: 'ALM says more' })
    const before = restWrites(here)
    await look(here)
    expect(restWrites(here) - before).toBe(0)
    const second = await only(here)
    expect(second).toMatchObject({ id: first.id, left: 'ALM says more', revision: 3, decision: null })
    expect(await decide(here, first, { choose: 'left' })).toMatchObject([{ state: 'moved', conflict: { revision: 3 } }])
    await decide(here, second, { choose: 'left' })
    await look(here)
    expect(octaneDefect(here)).toMatchObject({ name: 'ALM says more' })
    const [row] = await here.database.sql<
      { n: number }[]
    >`select count(*)::int as n from ledger where action = 'conflict-reopened'`
    expect(row?.n).toBe(1)
  })

  it('is over by itself when the sides come to agree', async () => {
    const here = await open({ name: 'ask' })
    await bothRename(here)
    here.alm.edit('defect', '1', { name: 'Octane says' })
    await look(here)
    expect(await conflictsOf(here)).toEqual([])
    expect((await conflictsOf(here, false))[0]).toMatchObject({ resolution: 'over' })
    expect(await openIssues(here)).toEqual([])
  })

  it('has one open conflict, whoever inserts another', async () => {
    const here = await open({ name: 'ask' })
    await bothRename(here)
    await expect(
      here.database.sql`insert into conflicts (link_id, pair_id, mapping_id, left_hash, right_hash)
        select link_id, pair_id, mapping_id, 'x', 'y' from conflicts`,
    ).rejects.toThrow(/conflicts_open/)
  })
})

describe('a text that both sides changed and that is merged', () => {
  const memo = (...lines: string[]) => `<html><body>\n${lines.map((line) => `<p>${line}</p>`).join('')}\n</body></html>`
  const long = 'a line that is there on both sides '.repeat(200)

  it('keeps both edits on both sides, beyond what base keeps of other fields', async () => {
    const here = await open({ description: 'merge' })
    here.alm.edit('defect', '1', { description: memo('one', long, 'two', 'three', 'four') })
    await look(here)
    here.alm.edit('defect', '1', { description: memo('one of ALM', long, 'two', 'three', 'four') })
    here.octane.edit('defect', octaneDefect(here).id, {
      description: memo('one', long, 'two', 'three', 'four of Octane'),
    })
    const before = restWrites(here)
    await look(here)
    await look(here)
    for (const text of [almDefect(here)?.description, octaneDefect(here).description]) {
      expect(text).toContain('one of ALM')
      expect(text).toContain('four of Octane')
    }
    expect(restWrites(here) - before).toBe(2)
    expect(await conflictsOf(here)).toEqual([])
    await look(here)
    expect(restWrites(here) - before).toBe(2)
  })

  it('asks where both edits are in one place', async () => {
    const here = await open({ description: 'merge' })
    here.alm.edit('defect', '1', { description: memo('one') })
    await look(here)
    here.alm.edit('defect', '1', { description: memo('one of ALM') })
    here.octane.edit('defect', octaneDefect(here).id, { description: memo('one of Octane') })
    const before = restWrites(here)
    await look(here)
    expect(restWrites(here) - before).toBe(0)
    expect(await only(here)).toMatchObject({ left: '<p>one of ALM</p>', right: '<p>one of Octane</p>' })
  })
})

describe('a business rule that puts a value back', () => {
  it('freezes the field alone within three cycles, names both writers, and lets it be tried again', async () => {
    const here = await open({})
    const id = octaneDefect(here).id
    const rule = () => {
      if (octaneDefect(here).story_points !== 1) here.octane.edit('defect', id, { story_points: 1 })
    }
    here.octane.edit('defect', id, { story_points: 1 })
    await look(here)
    here.alm.edit('defect', '1', { 'estimated-fix-time': '8' })
    // The rule acts in the very second, however long this machine takes.
    here.octane.clock.set({ fixedAt: here.octane.clock.now() })
    const before = restWrites(here)
    await look(here)
    for (let cycle = 0; cycle < 3; cycle++) {
      rule()
      await look(here)
    }
    expect(restWrites(here) - before).toBe(1)
    expect(almDefect(here)).toMatchObject({ 'estimated-fix-time': '8' })
    const [issue] = await openIssues(here)
    expect(issue).toMatchObject({ code: 'ping-pong', class: 'altered' })
    expect(issue?.message).toContain('Tandem wrote the value of alm to octane')
    expect(issue?.message).toContain('somebody or a rule at octane')
    expect(await only(here)).toMatchObject({ kind: 'frozen', left: 8, right: 1 })

    here.alm.edit('defect', '1', { name: 'still flows' })
    await look(here)
    expect(octaneDefect(here)).toMatchObject({ name: 'still flows', story_points: 1 })

    await decide(here, await only(here), { choose: 'retry' })
    await look(here)
    await look(here)
    expect(await conflictsOf(here)).toEqual([])
    expect(await openIssues(here)).toEqual([])
    expect(String(octaneDefect(here).story_points)).toBe(String(almDefect(here)?.['estimated-fix-time']))
  })
})
