import { afterAll, beforeAll, expect, it } from 'vitest'
import { recordStory } from '../db/why.ts'
import { type Service, startService } from './service.ts'

let service: Service
let linkId: string

beforeAll(async () => {
  service = await startService({ alm: { defects: 40 }, octane: { defects: 10 } })
  linkId = (await service.addLink()).id
  await service.runToEnd(linkId, 'check')
  await service.runToEnd(linkId, 'simulate')
  await service.runToEnd(linkId, 'run')
})

afterAll(() => service?.close())

const why = async (side: 'left' | 'right', recordId: string, field?: string) =>
  service.call('why', { params: { id: linkId, side, recordId }, query: field === undefined ? {} : { field } })

function almWithTwin() {
  const twin = service.octane.records('defect').find((one) => String(one.alm_id_udf ?? '').includes('/defect/'))
  const almId = String(twin?.alm_id_udf).split('/').at(-1) ?? ''
  return { almId, octaneId: String(twin?.id) }
}

it('every write of the ledger explains itself: with its run, configuration, values and place in the ledger', async () => {
  const rows = await service.database.sql<
    {
      id: string
      side: 'left' | 'right'
      leftId: string
      rightId: string
      runId: string
      content: { fields: { field: string; mappingId: string; sent: unknown; rule: string }[] }
    }[]
  >`select id, side, left_id as "leftId", right_id as "rightId", run_id as "runId", content from ledger where kind = 'write'`
  expect(rows.length).toBeGreaterThan(80)
  for (const row of rows) {
    const recordId = row.side === 'left' ? row.leftId : row.rightId
    const story = await recordStory(service.database, { linkId, side: row.side, recordId })
    for (const field of row.content.fields) {
      const one = story?.fields.find((answer) => answer.mappingId === field.mappingId)
      const words = one?.words.join('\n') ?? ''
      expect(one, `${row.id} ${field.field}`).toMatchObject({ origin: 'written' })
      for (const part of [
        row.id,
        row.runId,
        'configuration version 1, saved by local',
        'Temporal workflow run-',
        'entry ',
      ])
        expect(words, field.field).toContain(part)
      const sent = field.sent === null ? 'sent empty' : `sent ${JSON.stringify(field.sent)}`
      expect(words).toContain(field.rule === 'reference' && field.sent === null ? 'set to "' : sent)
      expect(one?.writes.some((write) => write.ledgerId === row.id)).toBe(true)
    }
  }
})

it('tells a value that people wrote from one of ours, on both sides of the same field', async () => {
  const { almId, octaneId } = almWithTwin()
  service.alm.edit('defect', almId, { name: 'a name that a person gave' })
  const run = await service.runToEnd(linkId, 'run')
  const left = await why('left', almId, 'name')
  expect(left.twinId).toBe(octaneId)
  expect(left.fields).toMatchObject([{ value: 'a name that a person gave', origin: 'endpoint' }])
  expect(left.fields[0]?.words.join(' ')).toContain(`first saw it on`)
  expect(left.fields[0]?.words.join(' ')).toContain(run.id)
  const right = await why('right', octaneId, 'name')
  expect(right.fields).toMatchObject([{ value: 'a name that a person gave', origin: 'written' }])
  const words = right.fields[0]?.words.join(' ') ?? ''
  expect(words).toContain(`in name of ${almId} in alm`)
  expect(words).toContain('only the other side had changed it')
  // Somebody at Octane writes over ours.
  service.octane.edit('defect', octaneId, { name: 'and another one' })
  await service.runToEnd(linkId, 'run')
  expect((await why('right', octaneId, 'name')).fields).toMatchObject([
    { value: 'and another one', origin: 'endpoint' },
  ])
  expect((await why('left', almId, 'name')).fields).toMatchObject([{ value: 'and another one', origin: 'written' }])
})

it('tells of decisions with their reasons, and of what waits for one', async () => {
  const { almId, octaneId } = almWithTwin()
  const { items } = await service.call('listVersions', { params: { id: linkId } })
  const fields = items[0]?.configuration.fields as { id: string; left: string; conflict: string }[]
  const mapping = fields.find((one) => one.left === 'name')
  await service.configure(linkId, {
    fields: fields.map((one) => (one === mapping ? { ...one, conflict: 'ask' } : one)),
  })
  await service.runToEnd(linkId, 'check')
  service.alm.edit('defect', almId, { name: 'left wants this' })
  service.octane.edit('defect', octaneId, { name: 'right wants that' })
  await service.runToEnd(linkId, 'run')
  const waiting = await why('left', almId, 'name')
  expect(waiting.fields[0]?.held).not.toEqual([])
  expect(waiting.fields[0]?.words.join(' ')).toContain('Not carried over since')
  const open = await service.call('listConflicts', { params: { id: linkId }, query: {} })
  const [conflict] = open.items
  await service.call('resolveConflict', {
    params: { id: linkId, conflictId: conflict?.id ?? '' },
    body: { revision: conflict?.revision, choose: 'right', reason: 'the tester knows better' },
  })
  await service.runToEnd(linkId, 'run')
  const done = await why('left', almId, 'name')
  expect(done.fields[0]).toMatchObject({ value: 'right wants that', origin: 'written', held: [] })
  const words = done.fields[0]?.words.join(' ') ?? ''
  expect(words).toContain('the value of the right side, because: the tester knows better')
  expect(words).toContain('configuration version 2')
})

it('answers about fields that are not mapped and records that are not in step', async () => {
  const { almId } = almWithTwin()
  expect((await why('left', almId, 'no-such-field')).fields[0]?.words.join(' ')).toContain('does not map no-such-field')
  const stranger = await why('left', '999999')
  expect(stranger.twinId).toBeNull()
  expect(stranger.fields[0]?.words.join(' ')).toContain('is not in step with any record')
  const nowhere = { id: '00000000-0000-4000-8000-000000000000', side: 'left', recordId: '1' }
  expect(await service.client.refused('why', { params: nowhere })).toMatchObject({ code: 'not-found' })
})

it('says that somebody has taken the record out, on either side', async () => {
  const { almId, octaneId } = almWithTwin()
  await service.call('stopRecord', {
    params: { id: linkId, side: 'left', recordId: almId },
    body: { reason: 'private matter' },
  })
  for (const [side, id] of [
    ['left', almId],
    ['right', octaneId],
  ] as const) {
    const [name] = (await why(side, id, 'name')).fields
    expect(name?.words.join(' ')).toContain(
      'local has taken the record out: "private matter". See: tandem link stopped',
    )
  }
  await service.call('resumeRecord', {
    params: { id: linkId, side: 'left', recordId: almId },
    body: { reason: 'over' },
  })
  expect((await why('left', almId, 'name')).fields[0]?.held).toEqual([])
})
