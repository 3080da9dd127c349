import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { defect } from '../sandbox/alm/types/defect.ts'
import { activity, fullRun, restWrites, twinOf, waitOver } from './deletions.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'

/** The one model of all sandboxes of this process; administrators of ALM change it. */
const model = defect as { fields: typeof defect.fields }
const delivered = model.fields
let lab: Lab | null = null

afterEach(async () => {
  model.fields = delivered
  await lab?.close()
  lab = null
})

async function open(options: LabOptions = {}): Promise<Lab> {
  lab = await createLab({ alm: { defects: 3 }, ...options })
  await fullRun(lab)
  await fullRun(lab)
  return lab
}

interface LinkIssue {
  code: string
  key: string
  mappingId: string | null
  message: string
  remedy: string
}

async function issues(here: Lab): Promise<LinkIssue[]> {
  return here.database.sql<LinkIssue[]>`
    select code, key, mapping_id as "mappingId", message, remedy from issues where resolved_at is null order by key, code, field`
}

async function notices(here: Lab): Promise<string[]> {
  const rows = await here.database.sql<{ changes: string }[]>`
    select data ->> 'changes' as changes from outbox where kind = 'schema-changed' order by created_at`
  return rows.map(({ changes }) => changes)
}

/** Reconciles with the descriptions that the first worker keeps for a while. */
async function reconcileWithOldDescriptions(here: Lab): Promise<void> {
  const { linkId } = here
  const runId = randomUUID()
  await here.store.beginRun({
    ...{ runId, linkId, kind: 'incremental', trigger: 'person', actor: 'test', version: 1 },
    temporal: { workflowId: 'w', runId: 'r' },
  })
  for (const side of ['left', 'right'] as const)
    await activity(() => here.activities.scan({ linkId, runId, version: 1, side, extent: 'changes' }))
  await activity(() => here.activities.reconcile({ linkId, runId, version: 1 }))
  await here.store.finishRun({ runId, status: 'passed', message: null })
}

const storyPoints = (here: Lab) => here.configuration.fields.find((field) => field.right === 'story_points')?.id ?? ''

describe('a mapped field that vanishes', () => {
  it.each(['left', 'right'] as const)(
    'on the %s side in mid-work rests with one issue and one notice, and is made up for when it is back',
    async (side) => {
      const here = await open()
      const before = here.octane.store.types.of('defect').fields.find((field) => field.name === 'story_points')
      if (side === 'left') model.fields = delivered.filter((field) => field.name !== 'estimated-fix-time')
      else here.octane.store.types.removeField('defect', 'story_points')
      here.alm.edit('defect', '1', { name: 'from ALM' })
      here.octane.edit('defect', twinOf(here, '2')?.id ?? '', { name: 'from Octane' })
      await reconcileWithOldDescriptions(here)
      expect(twinOf(here, '1')?.name).toBe('from ALM')
      expect(here.alm.store.get('defect', '2')).toMatchObject({ name: 'from Octane' })
      const [issue, ...others] = await issues(here)
      expect(others).toEqual([])
      expect(issue).toMatchObject({ code: 'schema-field-existence', key: 'link', mappingId: storyPoints(here) })
      expect(issue?.message).toContain(side === 'left' ? 'estimated-fix-time' : 'story_points')
      expect(issue?.remedy).toContain('Map another field')
      expect(await notices(here)).toEqual([expect.stringContaining('is gone')])

      // New records go without it.
      here.alm.edit('defect', '3', { name: 'again' })
      here.octane.create('defect', { name: 'new meanwhile' })
      expect(await fullRun(here)).toMatchObject({ counters: { createdLeft: 1 } })
      expect(await issues(here)).toHaveLength(1)
      expect(await notices(here)).toHaveLength(1)

      // What the other side was told meanwhile arrives once there is a place for it again.
      if (side === 'left') {
        here.octane.edit('defect', twinOf(here, '1')?.id ?? '', { story_points: 7 })
        await fullRun(here)
        model.fields = delivered
      } else {
        here.alm.edit('defect', '1', { 'estimated-fix-time': '7' })
        await fullRun(here)
        if (before !== undefined) here.octane.store.setField('defect', before)
      }
      await fullRun(here)
      expect(await issues(here)).toEqual([])
      expect(twinOf(here, '1')?.story_points).toBe(7)
      expect(here.alm.store.get('defect', '1')).toMatchObject({ 'estimated-fix-time': '7' })
      expect(await notices(here)).toHaveLength(2)
      await fullRun(here)
      const writes = restWrites(here)
      await fullRun(here)
      expect(restWrites(here)).toBe(writes)
    },
  )

  it('and names the twin stops the link in words, and doubles nothing', async () => {
    const here = await open()
    const before = here.octane.store.types.of('defect').fields.find((field) => field.name === 'alm_id_udf')
    here.octane.store.types.removeField('defect', 'alm_id_udf')
    here.alm.create('defect', {
      ...{ name: 'new', severity: '2-Medium', 'detected-by': 'ann', 'creation-time': '2026-03-01', status: 'New' },
    })
    const run = await fullRun(here)
    expect(run.status).toBe('failed')
    expect(here.octane.records('defect')).toHaveLength(3)
    expect((await issues(here)).map(({ code }) => code)).toContain('schema-cross-reference')
    if (before !== undefined) here.octane.store.setField('defect', before)
    expect((await fullRun(here)).status).toBe('passed')
    expect(await issues(here)).toEqual([])
  })
})

describe('a list', () => {
  it('with a new value that both sides call the same just works, and is told once', async () => {
    const here = await open()
    const severity = here.alm.store.lists.named('Severity')
    if (severity === undefined) throw new Error('ALM has severities')
    here.alm.store.lists.add(severity.id, 'Unheard-of')
    here.alm.edit('defect', '1', { severity: 'Unheard-of', name: 'goes on' })
    await fullRun(here)
    expect(twinOf(here, '1')?.name).toBe('goes on')
    expect((await issues(here)).map(({ code }) => code)).toEqual(['value-gap'])
    expect(await notices(here)).toEqual([expect.stringContaining('has a new value "Unheard-of"')])
    here.octane.create('list_node', {
      ...{ logical_name: 'list_node.severity.unheard_of', name: 'Unheard-of' },
      list_root: { type: 'list_node', id: 'list_node.severity' },
    })
    await fullRun(here)
    const given = (twinOf(here, '1')?.severity as { id: string } | null)?.id
    expect(here.octane.records('list_node').find(({ id }) => id === given)?.name).toBe('Unheard-of')
    expect(await issues(here)).toEqual([])
    expect(await notices(here)).toHaveLength(2)
    await waitOver(here)
  })
})
