import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadScanPosition, saveScanPosition } from '../db/scan-positions.ts'
import { type Service, startService } from './service.ts'

let service: Service
let id: string
const day = 86_400
const reason = 'looked odd'

beforeAll(async () => {
  service = await startService({ alm: { defects: 6 } })
  id = (await service.addLink()).id
  await service.runToEnd(id, 'check')
  await service.runToEnd(id, 'run')
  // Now that our own writes have been seen, T is of today.
  await service.runToEnd(id, 'run')
})

afterAll(() => service?.close())

const params = () => ({ params: { id } })
const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString()
const position = () => loadScanPosition(service.database, id, 'left')
const alm = (number: string) => service.alm.store.get('defect', number)
const twinOf = (number: string) => {
  const twin = service.octane.records('defect').find((one) => one.alm_id_udf === `DEFAULT/Sync/defect/${number}`)
  if (twin === undefined) throw new Error(`${number} has no twin`)
  return twin
}
const commandsOf = (action: string) =>
  service.database.sql<
    { actor: string; content: { reason: string } & Record<string, unknown> }[]
  >`select actor, content from ledger where link_id = ${id} and action = ${action}`

// covers 134
it('looks again from a chosen time: shown first, and what was missed is found', async () => {
  const late = service.alm.create(
    'defect',
    { name: 'came late', severity: '1-Low', 'detected-by': 'ann', 'creation-time': '2026-11-20' },
    { modifiedSecondsAgo: 3 * day },
  )
  service.alm.edit('defect', '1', { name: 'edited, and not noticed' }, { modifiedSecondsAgo: 3 * day })
  await service.database.sql`
    update records set seen_version = ${Number(alm('1')?.['ver-stamp'])}, seen_modified = ${String(alm('1')?.['last-modified'])}
    where external_id = '1' and entity_type = 'defect' and endpoint_id = (
      select left_id from endpoint_pairs limit 1)`
  await service.runToEnd(id, 'run')
  expect(twinOf('1').name).not.toBe(alm('1')?.name)
  const { overlapSeconds, since } = await position()

  const soon = new Date(Date.now() + 60_000).toISOString()
  expect(await service.refused('resetTime', { ...params(), body: { since: soon, reason } })).toMatchObject({
    code: 'not-passed',
  })
  const moment = ago(4 * day)
  const preview = await service.call('previewTimeReset', { ...params(), query: { since: moment } })
  expect(preview).toMatchObject({ pairs: 6, unpaired: 0, sides: [{ side: 'left', readFrom: since, records: 6 }, {}] })
  expect(preview.words.join('\n')).toContain('6 pairs would be compared again')
  expect(await service.call('previewTimeReset', { ...params(), query: { since: ago(2 * day) } })).toMatchObject({
    sides: [
      { side: 'left', records: 5 },
      { side: 'right', records: 6 },
    ],
  })
  expect(await commandsOf('reset-time')).toEqual([])
  expect(await position()).toMatchObject({ rescanFrom: null })

  const done = await service.call('resetTime', { ...params(), body: { since: moment, reason } })
  expect(done).toEqual(preview)
  // A scan that was under way keeps the wish, and T.
  const { clock: _clock, ...kept } = await position()
  await saveScanPosition(service.database, {
    linkId: id,
    side: 'left',
    ...kept,
    overlapSeconds: kept.overlapSeconds ?? 0,
    clock: null,
    rescanned: null,
  })
  expect(await position()).toMatchObject({ since, rescanFrom: preview.sides[0]?.from })
  const run = await service.runToEnd(id, 'run')
  expect(run).toMatchObject({ status: 'passed', counters: { createdRight: 1, createdLeft: 0, updatedRight: 1 } })
  expect(twinOf('1').name).toBe('edited, and not noticed')
  expect(twinOf(String(late.id))).toMatchObject({ name: 'came late' })
  expect(await position()).toMatchObject({ rescanFrom: null, overlapSeconds })
  expect(await commandsOf('reset-time')).toMatchObject([{ actor: 'local', content: { reason, pairs: 6 } }])
})

// covers 135
it('forgets what was agreed on: shown first, at rest only, and pairs and their files are kept', async () => {
  const log = (size: number) => ({ name: 'log.txt', content: service.alm.attachments.contents.generated(1, size) })
  service.alm.attach('defect', '2', log(900))
  service.alm.edit('defect', '3', { 'estimated-fix-time': '5' })
  await service.runToEnd(id, 'run')
  const { items } = await service.call('listVersions', params())
  const { fields } = (items[0]?.configuration ?? {}) as { fields: { left: string | null; direction: string }[] }
  const oneWay = fields.map((field) =>
    field.left === 'estimated-fix-time' ? { ...field, direction: 'to-right' } : field,
  )
  await service.configure(id, { fields: oneWay })
  await service.runToEnd(id, 'run')
  service.octane.edit('defect', String(twinOf('3').id), { story_points: 99 })
  expect(await service.runToEnd(id, 'run')).toMatchObject({ counters: { updatedRight: 0, updatedLeft: 0 } })
  await service.database.sql`
    update pairs set base = jsonb_set(base, '{name,frozen}', '"altered"') where left_id = '5' and base ? 'name'`
  const before = await pairs()

  const preview = await service.call('previewHistoryReset', params())
  expect(preview).toMatchObject({ pairs: 7, frozen: 1, waiting: 0, openConflicts: 0, atRest: false })
  expect(preview.values).toBeGreaterThan(7 * 5)
  const body = { pairs: 7, reason }
  expect(await service.refused('resetHistory', { ...params(), body })).toMatchObject({ code: 'link-not-paused' })
  await service.call('commandLink', { ...params(), body: { command: 'pause' } })
  await service.database.sql`
    insert into claims (link_id, key, token, run_id, lease_until, grace_until)
    values (${id}, 'left:999', gen_random_uuid(), gen_random_uuid(), now(), now() + interval '1 minute')`
  expect(await service.refused('resetHistory', { ...params(), body })).toMatchObject({ code: 'link-busy' })
  await service.database.sql`delete from claims where key = 'left:999'`
  expect(await service.refused('resetHistory', { ...params(), body: { ...body, pairs: 6 } })).toMatchObject({
    code: 'preview-changed',
  })
  expect(await pairs()).toEqual(before)
  await service.call('resetHistory', { ...params(), body })
  const after = await pairs()
  expect(after.map(({ id, left, right }) => ({ id, left, right }))).toEqual(
    before.map(({ id, left, right }) => ({ id, left, right })),
  )
  expect(new Set(after.flatMap(({ base }) => Object.values(base).map((field) => field.files !== undefined)))).toEqual(
    new Set([true]),
  )

  // What the next run will write is shown before it is let go.
  const { runId } = await service.call('commandLink', { ...params(), body: { command: 'simulate' } })
  await service.ended(runId ?? '')
  const simulated = await service.call('runSimulation', { params: { id: runId ?? '' } })
  expect(simulated.counts).toMatchObject({ 'update-right': 1 })
  // Of another size: only who still knows which file is which replaces it.
  service.alm.attach('defect', '2', { ...log(1_200), override: true })
  // Where the pause came while the link was still taking up the end of a run, resuming goes on with one of its own.
  const resumed = await service.call('commandLink', { ...params(), body: { command: 'resume' } })
  const run = resumed.runId === null ? await service.runToEnd(id, 'run') : await service.ended(resumed.runId)
  expect(run).toMatchObject({ counters: { createdRight: 0, createdLeft: 0, adopted: 0, updatedRight: 2 } })
  expect(twinOf('3').story_points).toBe(5)
  expect(service.octane.records('attachment')).toHaveLength(1)
  expect(await commandsOf('reset-history')).toMatchObject([{ actor: 'local', content: { reason, pairs: 7 } }])
  expect(await service.runToEnd(id, 'run')).toMatchObject({ counters: { updatedRight: 0, updatedLeft: 0 } })
})

// covers 136
it('says before a link is deleted what becomes of its pairs, and a later link carries over what was left', async () => {
  service.octane.edit('defect', String(twinOf('4').id), { story_points: 42 })
  await service.runToEnd(id, 'run')
  const preview = await service.call('previewDeletion', params())
  expect(preview).toMatchObject({ pairs: 7, unanswered: 0, waiting: 0, openConflicts: 0, stopped: 0 })
  expect(preview.words[0]).toContain('Its 7 pairs are kept: a later defect link of alm and octane finds them again')
  const { left, right } = await service.call('getLink', params())
  await service.call('deleteLink', { ...params(), query: { reason: 'made anew' } })
  expect(await commandsOf('delete')).toMatchObject([{ actor: 'local', content: { reason: 'made anew' } }])
  const { link } = await service.call('createLink', { body: { name: 'Anew', left: left.id, right: right.id } })
  expect(link.pairs).toBe(7)
  const run = await service.runToEnd(link.id, 'run')
  expect(run).toMatchObject({ counters: { createdRight: 0, createdLeft: 0, updatedLeft: 1 } })
  expect(alm('4')).toMatchObject({ 'estimated-fix-time': '42' })
})

const pairs = () =>
  service.database.sql<
    { id: string; left: string; right: string; base: Record<string, { files?: unknown }> }[]
  >`select id, left_id as left, right_id as right, base from pairs order by left_id`
