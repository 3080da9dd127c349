import { afterEach, expect, it } from 'vitest'
import type { LinkConfigurationInput } from '../core/link-config.ts'
import { acceptRestored } from '../db/restored.ts'
import { deleting, fullRun, openIssues, restWrites, twinOf, waitOver } from './deletions.ts'
import { createLab, type Lab } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

const record = (name: string) => ({
  name,
  severity: '2-Medium',
  'detected-by': 'ann',
  'creation-time': '2026-03-01',
  status: 'New',
})

/** ALM restored to a state in which 13 and 14 do not exist; both were paired. */
async function restored(link?: (same: LinkConfigurationInput) => LinkConfigurationInput): Promise<Lab> {
  const here = await createLab({ alm: { defects: 12 }, ...(link === undefined ? {} : { link }) })
  lab = here
  await fullRun(here)
  const backup = here.alm.snapshot()
  for (const name of ['lost one', 'lost two']) here.alm.create('defect', record(name))
  here.alm.edit('defect', '1', { name: 'after the backup' })
  await fullRun(here)
  expect(twinOf(here, '13')).toBeDefined()
  here.alm.restore(backup)
  expect(await fullRun(here)).toMatchObject({ status: 'failed' })
  await acceptRestored(here.database, { linkId: here.linkId, side: 'left', actor: 'ann', reason: 'last night' })
  return here
}

for (const answer of ['comes', 'is lost'] as const)
  it(`a number that a restored endpoint gives to a record of ours belongs to that record alone; the answer ${answer}`, async () => {
    const here = await restored()
    const old = twinOf(here, '13')
    const fresh = here.octane.create('defect', { name: 'new in Octane' })
    here.octane.edit('defect', twinOf(here, '5')?.id ?? '', { name: 'another record of the batch' })
    if (answer === 'is lost') here.alm.faults.add({ match: { method: 'POST', path: '/defects$' }, kind: 'drop-after' })
    for (let round = 0; round < 3; round++) {
      await fullRun(here)
      await waitOver(here)
    }
    expect(here.alm.store.get('defect', '5')).toMatchObject({ name: 'another record of the batch' })
    expect(here.alm.store.get('defect', '13')).toMatchObject({ name: 'new in Octane' })
    const pairs = await here.database.sql`select right_id, gone_side from pairs where left_id = '13'`
    expect(pairs).toEqual([{ right_id: fresh.id, gone_side: null }])
    const rows = await here.database
      .sql`select right_id from ledger where action = 'create' and left_id = '13' and side = 'left'`
    expect(rows).toEqual([{ right_id: fresh.id }])
    const retired = await here.database.sql`select right_id from ledger where action = 'pair-retired'`
    expect(retired).toEqual([{ right_id: old?.id }])

    // The old twin is left as it is and said to need somebody; the new pair lives.
    expect(here.octane.store.rows('defect').get(old?.id ?? '')).toMatchObject({ name: 'lost one' })
    expect((await openIssues(here)).filter((one) => one.key === `right:${old?.id}`)).toMatchObject([
      { code: 'twin-undone' },
    ])
    here.octane.edit('defect', fresh.id, { name: 'goes on' })
    await fullRun(here)
    expect(here.alm.store.get('defect', '13')).toMatchObject({ name: 'goes on' })
    const writes = restWrites(here)
    await fullRun(here)
    expect(restWrites(here)).toBe(writes)
  })

it('a pair that is given up in the batch that looks at it leaves no issue of its own', async () => {
  const here = await restored()
  const old = twinOf(here, '13')?.id ?? ''
  here.octane.create('defect', { name: 'new in Octane' })
  here.octane.edit('defect', old, { name: 'edited too' })
  await fullRun(here)
  expect(await here.database.sql`select 1 from ledger where action = 'pair-retired'`).toHaveLength(1)
  expect(await openIssues(here)).toMatchObject([{ code: 'twin-undone', key: `right:${old}` }])
})

for (const moment of ['writes ahead', 'has written'] as const)
  it(`a pair that is given up while another worker ${moment} leaves nothing of it open`, async () => {
    const here = await restored((same) => deleting(same, 're-create'))
    const old = twinOf(here, '13')?.id ?? ''
    let fresh = ''
    /** Another worker creates a record, whose number is that of the pair's undone one. */
    const meanwhile = async () => {
      if (fresh !== '') return
      fresh = here.octane.create('defect', { name: 'new in Octane' }).id
      await fullRun(here)
    }
    await fullRun(here)
    await fullRun(here, {
      store: (store) => ({
        ...store,
        recordIntents: async (input) => {
          if (moment === 'writes ahead' && input.intents.some(({ action }) => action === 'create')) await meanwhile()
          return store.recordIntents(input)
        },
        commit: async (input) => {
          const creates = input.items.some(({ settled }) => settled.some(({ outcome }) => outcome === 'applied'))
          if (moment === 'has written' && creates) await meanwhile()
          return store.commit(input)
        },
      }),
      connector: (connector) => connector,
    })
    for (let round = 0; round < 3; round++) {
      await waitOver(here)
      await fullRun(here)
    }
    expect(fresh).not.toBe('')
    expect(await here.database.sql`select key, action from intents`).toEqual([])
    const made = here.alm.truth.entries().filter(({ action, via }) => action === 'create' && via === 'rest')
    const rows = await here.database.sql`
      select left_id, right_id from ledger where kind = 'write' and action = 'create' and side = 'left' order by left_id::int`
    expect(rows.map((row) => row.left_id)).toEqual(
      made.map(({ id }) => String(id)).sort((a, b) => Number(a) - Number(b)),
    )
    // What still names the number of another record is not created anew without a person.
    const told = (await openIssues(here)).filter(({ key }) => key === `right:${old}`).map(({ code }) => code)
    expect(told).toEqual(moment === 'writes ahead' ? ['copied-reference'] : [])
    expect(rows.map((row) => row.right_id).includes(old)).toBe(moment === 'has written')
    expect(rows.map((row) => row.right_id)).toContain(fresh)
  })

it('a record whose twin was undone waits until it can be read, and is told of then', async () => {
  const here = await restored()
  const old = twinOf(here, '13')?.id ?? ''
  const fresh = here.octane.create('defect', { name: 'new in Octane' }).id
  const others = [...here.octane.store.rows('defect').keys()].filter((id) => id !== fresh)
  here.octane.permissions.hideRecords({ type: 'defect', ids: others.slice(1) })
  await fullRun(here)
  expect(await here.database.sql`select 1 from ledger where action = 'pair-retired'`).toHaveLength(1)
  expect((await openIssues(here)).filter(({ key }) => key === `right:${old}`)).toEqual([])
  here.octane.permissions.clear()
  for (let round = 0; round < 2; round++) {
    await waitOver(here)
    await fullRun(here)
  }
  expect((await openIssues(here)).filter(({ key }) => key === `right:${old}`)).toMatchObject([{ code: 'twin-undone' }])
})

it('a create for a record that a restore undid is settled as what it made, and does not hold up the record that has its number now', async () => {
  const here = await createLab({ alm: { defects: 12 } })
  lab = here
  await fullRun(here)
  const backup = here.alm.snapshot()
  here.alm.create('defect', record('undone'))
  here.alm.edit('defect', '1', { name: 'after the backup' })
  here.octane.faults.add({ match: { method: 'POST', path: '/defects$' }, kind: 'drop-after' })
  await fullRun(here)
  const stray = twinOf(here, '13')
  expect(stray).toMatchObject({ name: 'undone' })
  here.alm.restore(backup)
  await fullRun(here)
  await acceptRestored(here.database, { linkId: here.linkId, side: 'left', actor: 'ann', reason: 'last night' })

  const fresh = here.octane.create('defect', { name: 'has the number now' })
  for (let round = 0; round < 3; round++) {
    await fullRun(here)
    await waitOver(here)
  }
  expect(here.alm.store.get('defect', '13')).toMatchObject({ name: 'has the number now' })
  here.octane.edit('defect', fresh.id, { name: 'goes on' })
  await fullRun(here)
  expect(here.alm.store.get('defect', '13')).toMatchObject({ name: 'goes on' })
  const rows = await here.database.sql`
    select side, left_id, right_id from ledger where kind = 'write' and action = 'create' and left_id = '13' order by side`
  expect(rows).toEqual([
    { side: 'left', left_id: '13', right_id: fresh.id },
    { side: 'right', left_id: '13', right_id: stray?.id },
  ])
  expect(await here.database.sql`select 1 from intents`).toEqual([])
  expect((await openIssues(here)).map(({ key, code }) => ({ key, code }))).toEqual([
    { key: `right:${stray?.id}`, code: 'copied-reference' },
  ])
})

it('a record that has the number of an undone one of the same day, and names whom it was made for, does not join the old pair', async () => {
  const here = await createLab({ alm: { defects: 12 } })
  lab = here
  await fullRun(here)
  const backup = here.alm.snapshot()
  const old = here.octane.create('defect', { name: 'undone' })
  here.alm.edit('defect', '1', { name: 'after the backup' })
  await fullRun(here)
  expect(here.alm.store.get('defect', '13')).toMatchObject({ name: 'undone' })
  here.alm.restore(backup)
  await fullRun(here)
  await acceptRestored(here.database, { linkId: here.linkId, side: 'left', actor: 'ann', reason: 'last night' })

  const fresh = here.octane.create('defect', { name: 'has the number now' })
  here.alm.faults.add({ match: { method: 'POST', path: '/defects$' }, kind: 'drop-after' })
  await fullRun(here)
  expect(here.alm.store.get('defect', '13')).toMatchObject({ name: 'has the number now' })
  // The old pair is looked at before the create that made the record is settled.
  await here.database.sql`update pending set next_attempt_at = now() + interval '1 day' where side = 'right'`
  await fullRun(here)
  expect(here.alm.store.get('defect', '13')['user-01']).toBe(`1001/1002/defect/${fresh.id}`)
  for (let round = 0; round < 2; round++) {
    await waitOver(here)
    await fullRun(here)
  }
  expect(here.alm.store.get('defect', '13')).toMatchObject({ name: 'has the number now' })
  expect(here.octane.store.rows('defect').get(old.id)).toMatchObject({ name: 'undone' })
  const pairs = await here.database.sql`select right_id from pairs where left_id = '13'`
  expect(pairs).toEqual([{ right_id: fresh.id }])
})

for (const rule of ['nothing', 're-create'] as const)
  it(`the other record of a pair whose number was given anew follows the rule for deletions though it names nobody: ${rule}`, async () => {
    const here = await restored((same) => deleting(same, rule))
    const old = twinOf(here, '13')
    here.octane.edit('defect', old?.id ?? '', { [here.configuration.right.crossReference ?? '']: null })
    here.octane.create('defect', { name: 'new in Octane' })
    for (let round = 0; round < 3; round++) {
      await fullRun(here)
      await waitOver(here)
    }
    expect(here.alm.store.get('defect', '13')).toMatchObject({ name: 'new in Octane' })
    const anew = [...here.alm.store.rows('defect').values()].filter((one) => one.name === 'lost one')
    expect(anew).toHaveLength(rule === 'nothing' ? 0 : 1)
    const told = (await openIssues(here)).filter((one) => one.code === 'twin-undone')
    expect(told.map((one) => one.key)).toEqual(rule === 'nothing' ? [`right:${old?.id}`] : [])
  })
