import { afterEach, describe, expect, it } from 'vitest'
import { addLinkVersion, markChecked } from '../db/links.ts'
import { acceptRestored } from '../db/restored.ts'
import { deletedByUs, deleting, fullRun, openIssues, restWrites, twinOf, waitOver } from './deletions.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

async function open(rule: 'nothing' | 'delete' | 're-create', options: LabOptions = {}): Promise<Lab> {
  const here = await createLab({ alm: { defects: 12 }, ...options, link: (same) => deleting(same, rule) })
  lab = here
  await fullRun(here)
  await fullRun(here)
  return here
}

async function tombstones(here: Lab): Promise<Record<string, unknown>[]> {
  return here.database.sql`
    select left_id, gone_side, gone_outcome from pairs where gone_at is not null order by left_id::int`
}

/** ALM 3 is deleted and created anew from its twin, but the answer is lost. */
async function createdAnewUnanswered(): Promise<{ here: Lab; twin: string }> {
  const here = await open('re-create')
  const twin = twinOf(here, '3')?.id ?? ''
  here.alm.remove('defect', '3')
  await fullRun(here)
  here.alm.faults.add({ match: { method: 'POST', path: '/defects$' }, kind: 'drop-after' })
  await fullRun(here)
  return { here, twin }
}

describe('a deleted record', () => {
  // covers 57, 62
  it('is carried over by rule "delete", once, after two complete listings and the word of the server', async () => {
    const here = await open('delete')
    const twin = twinOf(here, '3')?.id ?? ''
    here.alm.remove('defect', '3')
    await fullRun(here)
    expect(deletedByUs(here)).toEqual([])
    const run = await fullRun(here)
    expect(run.counters).toMatchObject({ deletedRight: 1 })
    expect(deletedByUs(here)).toEqual([`octane ${twin}`])
    expect(await tombstones(here)).toEqual([{ left_id: '3', gone_side: 'left', gone_outcome: 'deleted' }])
    const [row] = await here.database.sql`select action, side, right_id from ledger where action = 'delete'`
    expect(row).toEqual({ action: 'delete', side: 'right', right_id: twin })
    await fullRun(here)
    await fullRun(here)
    expect(deletedByUs(here)).toHaveLength(1)
    expect(here.alm.records('defect')).toHaveLength(11)
  })

  // covers 57
  it('leaves its twin alone by default, says so once, and nothing is written for the twin any more', async () => {
    const here = await open('nothing')
    const twin = twinOf(here, '3')?.id ?? ''
    here.alm.remove('defect', '3')
    await fullRun(here)
    await fullRun(here)
    expect((await openIssues(here)).map((one) => one.code)).toEqual(['twin-deleted'])
    const before = restWrites(here)
    here.octane.edit('defect', twin, { name: 'edited afterwards' })
    await fullRun(here)
    const again = await fullRun(here)
    expect(again).toMatchObject({ status: 'passed' })
    expect(restWrites(here)).toBe(before)
    const [issue] = await here.database.sql`select attempts, resolved_at from issues where code = 'twin-deleted'`
    expect(issue).toEqual({ attempts: 1, resolved_at: null })
    expect(here.alm.records('defect')).toHaveLength(11)
  })

  // covers 57, 63
  it('is created anew by rule "re-create", exactly once although the answer is lost, and its pair goes on', async () => {
    const { here, twin } = await createdAnewUnanswered()
    await waitOver(here)
    await fullRun(here)
    expect(here.alm.records('defect')).toHaveLength(12)
    const [pair] = await here.database.sql<
      { left_id: string; gone_side: string | null }[]
    >`select left_id, gone_side from pairs where right_id = ${twin}`
    expect(pair?.gone_side).toBeNull()
    here.octane.edit('defect', twin, { name: 'still in step' })
    await fullRun(here)
    expect(here.alm.store.get('defect', pair?.left_id ?? '')).toMatchObject({ name: 'still in step' })
  })

  it.each(['nothing', 'delete'] as const)(
    'that was created anew without an answer is the twin of its survivor, though the rule is "%s" by then',
    async (rule) => {
      const { here, twin } = await createdAnewUnanswered()
      expect(await here.database.sql`select action from intents where action = 'create'`).toHaveLength(1)
      const { version } = await here.store.link(here.linkId)
      const { configuration } = here
      const saved = await addLinkVersion(here.database, {
        linkId: here.linkId,
        expectedVersion: version,
        configuration: {
          ...configuration,
          rules: { ...configuration.rules, toRight: { ...configuration.rules.toRight, delete: rule } },
        },
        author: 'admin',
        comment: '',
      })
      await markChecked(here.database, here.linkId, saved ?? 0, true)
      for (let run = 0; run < 3; run++) {
        await waitOver(here)
        await fullRun(here)
      }
      expect(await here.database.sql`select action from intents`).toEqual([])
      expect(deletedByUs(here)).toEqual([])
      expect(await tombstones(here)).toEqual([{ left_id: '13', gone_side: null, gone_outcome: 're-created' }])
      const [pair] = await here.database.sql<{ left_id: string }[]>`select left_id from pairs where right_id = ${twin}`
      here.octane.edit('defect', twin, { name: 'still in step' })
      await fullRun(here)
      expect(here.alm.store.get('defect', pair?.left_id ?? '')).toMatchObject({ name: 'still in step' })
      expect(here.alm.records('defect')).toHaveLength(12)
    },
  )

  it('does not take a twin with it that somebody has edited since', async () => {
    const here = await open('delete')
    const twin = twinOf(here, '3')?.id ?? ''
    here.alm.remove('defect', '3')
    here.octane.edit('defect', twin, { story_points: 5 })
    await fullRun(here)
    await fullRun(here)
    expect(deletedByUs(here)).toEqual([])
    expect((await openIssues(here)).map((one) => one.code)).toContain('twin-edited')
  })

  it('settles a deletion whose answer was lost by looking', async () => {
    const here = await open('delete')
    here.alm.remove('defect', '3')
    await fullRun(here)
    here.octane.faults.add({ match: { method: 'DELETE' }, kind: 'drop-after' })
    await fullRun(here)
    await waitOver(here)
    await fullRun(here)
    expect(deletedByUs(here)).toHaveLength(1)
    expect(await tombstones(here)).toMatchObject([{ gone_side: 'left', gone_outcome: 'deleted' }])
    const rows = await here.database.sql`select found_by_looking from ledger where action = 'delete'`
    expect(rows).toEqual([{ found_by_looking: true }])
  })

  it('revives its pair when it comes back', async () => {
    const here = await open('nothing')
    const record = here.alm.store.get('defect', '3')
    const twin = twinOf(here, '3')?.id ?? ''
    here.alm.remove('defect', '3')
    await fullRun(here)
    await fullRun(here)
    expect(await tombstones(here)).toHaveLength(1)
    here.octane.edit('defect', twin, { name: 'meanwhile' })
    here.alm.store.rows('defect').set(3, record)
    await fullRun(here)
    expect(await tombstones(here)).toEqual([])
    expect(here.alm.store.get('defect', '3')).toMatchObject({ name: 'meanwhile' })
    expect(await openIssues(here)).toEqual([])
  })
})

describe('an endpoint that went back in time', () => {
  it('stops the link before any write when versions lie below those seen, until somebody accepts it', async () => {
    const here = await open('nothing')
    const backup = new Map([...here.alm.store.rows('defect')].map(([id, record]) => [id, { ...record }]))
    for (const id of ['1', '2', '3', '4']) here.alm.edit('defect', id, { name: `after the backup ${id}` })
    await fullRun(here)
    for (const [id, record] of backup) here.alm.store.rows('defect').set(id, record)
    here.octane.edit('defect', twinOf(here, '5')?.id ?? '', { name: 'edited in Octane' })
    const before = restWrites(here)
    const stopped = await fullRun(here)
    expect(stopped).toMatchObject({ status: 'failed' })
    expect((await openIssues(here)).map((one) => one.code)).toContain('endpoint-restored')
    // Also by a reconcile that had begun before: nothing is written ahead for a stopped link.
    expect(await fullRun(here, undefined, 'changes')).toMatchObject({ status: 'failed' })
    await waitOver(here)
    expect(restWrites(here)).toBe(before)
    expect(await acceptRestored(here.database, { linkId: here.linkId, side: 'left', actor: 'ann', reason: 'ok' })).toBe(
      true,
    )
    expect(await fullRun(here)).toMatchObject({ status: 'passed' })
    expect(here.alm.store.get('defect', '5')).toMatchObject({ name: 'edited in Octane' })
    expect(twinOf(here, '1')?.name).toBe(here.alm.store.get('defect', '1').name)
  })

  it('refuses to write ahead for a stopped link in a batch that was claimed before', async () => {
    const here = await open('nothing')
    here.octane.edit('defect', twinOf(here, '5')?.id ?? '', { name: 'edited in Octane' })
    const before = restWrites(here)
    const mark = { linkId: here.linkId, side: 'left' as const, runId: null, message: 'restored' }
    const run = await fullRun(
      here,
      {
        connector: (connector) => connector,
        store: (store) => ({
          ...store,
          claim: async (request) => {
            const claimed = await store.claim(request)
            await store.markRestored(mark)
            return claimed
          },
        }),
      },
      'changes',
    )
    expect(run.status).toBe('failed')
    expect(restWrites(here)).toBe(before)
  })

  it('is known by several of the highest numbers gone together with the newest change', async () => {
    const here = await open('delete')
    for (const id of ['9', '10', '11', '12']) here.alm.edit('defect', id, { name: `late ${id}` })
    await here.database.sql`update scan_positions set newest = '2999-01-01 00:00:00' where side = 'left'`
    for (const id of ['10', '11', '12']) here.alm.remove('defect', id)
    const before = restWrites(here)
    const run = await fullRun(here)
    expect(run.status).toBe('failed')
    expect(restWrites(here)).toBe(before)
  })

  it('never joins a re-used id to an old pair', async () => {
    const here = await open('delete')
    const twin = twinOf(here, '3')
    const record = here.alm.store.get('defect', '3')
    here.alm.store.rows('defect').set(3, { ...record, 'creation-time': '2001-01-01', name: 'another one' })
    const before = restWrites(here)
    expect(await fullRun(here)).toMatchObject({ status: 'failed' })
    await acceptRestored(here.database, { linkId: here.linkId, side: 'left', actor: 'ann', reason: 'ok' })
    await fullRun(here)
    expect(restWrites(here)).toBe(before)
    expect(twinOf(here, '3')?.name).toBe(twin?.name)
  })
})
