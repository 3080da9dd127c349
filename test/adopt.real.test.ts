import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AdoptionView } from '../api/contract/adoptions.ts'
import { type Service, startService } from './service.ts'

let service: Service

beforeEach(async () => {
  service = await startService()
})
afterEach(() => service.close())

const almDefect = (fields: Record<string, string>) =>
  String(
    service.alm.create('defect', {
      severity: '2-Medium',
      'detected-by': 'ann',
      'creation-time': '2026-03-01',
      status: 'New',
      ...fields,
    }).id,
  )

const octaneDefect = (fields: Record<string, unknown>) =>
  String(
    service.octane.create('defect', {
      severity: { type: 'list_node', id: 'list_node.severity.medium' },
      phase: { type: 'phase', id: 'phase.defect.new' },
      ...fields,
    }).id,
  )

const alm = (id: string) => service.alm.records('defect').find((one) => String(one.id) === id)
const octane = (id: string) => service.octane.records('defect').find((one) => String(one.id) === id)
const counts = () => [service.alm.records('defect').length, service.octane.records('defect').length]

async function adopt(linkId: string, body: object): Promise<AdoptionView> {
  const { adoption, runId } = await service.call('askAdoption', { params: { id: linkId }, body })
  const run = await service.ended(runId)
  expect([run.kind, run.message]).toEqual(['adoption', null])
  return service.call('getAdoption', { params: { id: adoption.id } })
}

async function apply(adoption: AdoptionView, more: object = {}) {
  const { runId } = await service.call('applyAdoption', {
    params: { id: adoption.id },
    body: { matched: adoption.summary?.matched, ...more },
  })
  const run = await service.ended(runId)
  return { run, adoption: await service.call('getAdoption', { params: { id: adoption.id } }) }
}

const itemsOf = async (adoption: AdoptionView, state: string) =>
  (await service.call('adoptionItems', { params: { id: adoption.id }, query: { state } })).items

const bin = fileURLToPath(new URL('../cli/bin.js', import.meta.url))

/** What the command line says on its standard output. */
async function tandem(...args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH, TANDEM_API: service.url }
  const { stdout } = await promisify(execFile)(process.execPath, [bin, ...args], { env })
  return stdout
}

describe('records that exist on both sides before the link does', () => {
  // covers 138, 139
  it('are paired by the ids that another product left, shown first, and nothing is overwritten or created', async () => {
    const [same, renamed, filled, copied, other] = [
      octaneDefect({ name: 'same' }),
      octaneDefect({ name: 'renamed in Octane' }),
      octaneDefect({ name: 'filled', description: '<html><body>only here</body></html>' }),
      octaneDefect({ name: 'copied' }),
      octaneDefect({ name: 'nobody names it' }),
    ]
    const [left1, left2, left3] = [
      almDefect({ name: 'same', 'user-01': same }),
      almDefect({ name: 'renamed in ALM', 'user-01': `#${renamed}` }),
      almDefect({ name: 'filled', 'user-01': filled }),
    ]
    const doubtful = [
      almDefect({ name: 'copied', 'user-01': copied }),
      almDefect({ name: 'copied once more', 'user-01': copied }),
      almDefect({ name: 'names nobody', 'user-01': '999999' }),
      almDefect({ name: 'holds something else', 'user-01': 'see the wiki' }),
    ]
    const alone = almDefect({ name: 'alone' })
    const link = await service.addLink()
    const before = counts()
    const adoption = await adopt(link.id, { method: 'field', side: 'left', field: 'user-01' })
    expect(adoption).toMatchObject({
      status: 'ready',
      summary: {
        left: 8,
        right: 5,
        matched: 3,
        paired: 0,
        doubtful: 4,
        doubts: { several: 2, 'missing-right': 1, unreadable: 1 },
        unmatchedLeft: 1,
        unmatchedRight: 1,
        differing: 1,
      },
    })
    expect(adoption.summary?.fields.name).toEqual({ differs: 1 })
    expect(adoption.summary?.fields.description).toEqual({ filled: 1 })
    expect((await itemsOf(adoption, 'matched')).map((one) => [one.leftId, one.rightId, one.rightTitle])).toEqual([
      [left1, same, 'same'],
      [left2, renamed, 'renamed in Octane'],
      [left3, filled, 'filled'],
    ])
    expect((await itemsOf(adoption, 'doubtful')).map((one) => one.leftId)).toEqual(doubtful)
    expect((await itemsOf(adoption, 'unmatched-left')).map((one) => one.leftId)).toEqual([alone])
    expect((await itemsOf(adoption, 'unmatched-right')).map((one) => one.rightId)).toEqual([other])
    const { text } = await service.client.raw(`/api/v1/adoptions/${adoption.id}/export`)
    expect(text.trim().split('\r\n')).toHaveLength(1 + 3 + 4 + 2)
    expect(text).toContain(`matched,,${left2},renamed in ALM,${renamed},renamed in Octane,,`)
    // Nothing has been written so far.
    expect(alm(left1)?.['user-01']).toBe(same)
    expect(await service.database.sql`select 1 from pairs`).toHaveLength(0)
    expect(await service.refused('applyAdoption', { params: { id: adoption.id }, body: { matched: 7 } })).toMatchObject(
      {
        code: 'adoption-changed',
      },
    )

    const applied = await apply(adoption)
    expect(applied.adoption).toMatchObject({ status: 'applied', summary: { adopted: 3, missed: 0 } })
    expect(applied.run).toMatchObject({ counters: { createdLeft: 0, createdRight: 0 } })
    expect(applied.run.message).toContain('3 pairs were adopted')
    expect(counts()).toEqual(before)
    expect([alm(left2)?.name, octane(renamed ?? '')?.name]).toEqual(['renamed in ALM', 'renamed in Octane'])
    expect(JSON.stringify(alm(left3)?.description)).toContain('only here')
    expect(octane(same ?? '')?.alm_id_udf).toBe(`DEFAULT/Sync/defect/${left1}`)
    expect(alm(left1)?.['user-01']).toContain(`/defect/${same}`)
    const ledger = await service.database.sql<{ left: string; actor: string }[]>`
      select left_id as left, actor from ledger where action = 'adopt' and kind = 'decision' order by 1`
    expect(ledger.map((row) => row.left)).toEqual([left1, left2, left3])
    const { items } = await service.call('listConflicts', { params: { id: link.id } })
    expect(items).toMatchObject([{ kind: 'adopted', left: 'renamed in ALM', right: 'renamed in Octane', base: null }])

    // Twice looked at, it stays asked, and no twin is created for any of them.
    for (const adopted of [left1, left2, left3]) service.alm.edit('defect', adopted, { priority: '3-High' })
    const synced = await service.call('syncRecords', {
      params: { id: link.id },
      body: { left: [left1, left2, left3].map(String) },
    })
    await service.ended(synced.runId)
    const again = await adopt(link.id, { method: 'field', side: 'right', field: 'alm_id_udf' })
    expect(again.summary).toMatchObject({ matched: 0, paired: 3, unmatchedLeft: 5, unmatchedRight: 2 })
    expect(counts()).toEqual(before)
    expect([alm(left2)?.name, octane(renamed ?? '')?.name]).toEqual(['renamed in ALM', 'renamed in Octane'])
  })

  it('are not paired by a field that is not there, which is no trouble of the link', async () => {
    const link = await service.addLink()
    const body = { method: 'field', side: 'left', field: 'nope' }
    const { runId } = await service.call('askAdoption', { params: { id: link.id }, body })
    const run = await service.ended(runId)
    expect(run.status).toBe('failed')
    expect(run.message).toContain('nope')
    // The next run begins after the link has taken up how this one ended.
    await service.runToEnd(link.id, 'check')
    const told = await service.database.sql`select 1 from outbox where dedupe_key like 'trouble:%'`
    expect(told).toHaveLength(0)
  })

  it('are paired by a file, of which nothing is taken while a line is wrong', async () => {
    const [one, two] = [octaneDefect({ name: 'one' }), octaneDefect({ name: 'two' })]
    const [left1, left2] = [almDefect({ name: 'eins' }), almDefect({ name: 'two' })]
    const link = await service.addLink()
    const params = { id: link.id }
    const wrong = await service.refused('askAdoption', {
      params,
      body: { method: 'csv', csv: `left,right\n${left1},${one}\nx,1\n${left1},${two}\n7\n` },
    })
    expect(wrong).toMatchObject({ code: 'bad-lines' })
    expect(wrong.errors.map(({ message }) => message.split(':')[0])).toEqual(['line 3', 'line 4', 'line 5'])
    expect((await service.call('listAdoptions', { params })).items).toEqual([])

    const unknown = await adopt(link.id, { method: 'csv', csv: `${left1},${one}\n${left2},888888\n` })
    expect(unknown.summary).toMatchObject({ matched: 1, doubtful: 1 })
    expect(await itemsOf(unknown, 'doubtful')).toMatchObject([{ line: 2, reason: 'missing-right' }])
    expect(await service.refused('applyAdoption', { params: { id: unknown.id }, body: { matched: 1 } })).toMatchObject({
      code: 'bad-lines',
    })

    const csv = `${left1};${one}\r\n${left2};${two}\r\n`
    const early = await adopt(link.id, { method: 'csv', csv })
    await service.configure(link.id, { pastReleases: true })
    expect(await service.refused('applyAdoption', { params: { id: early.id }, body: { matched: 2 } })).toMatchObject({
      code: 'adoption-changed',
      detail: expect.stringContaining('configuration has changed'),
    })
    // A hundred thousand lines are more than other requests may hold.
    const long = await service.refused('askAdoption', {
      params,
      body: { method: 'csv', csv: `${csv}x,y\r\n${'#'.repeat(2_000_000)}` },
    })
    expect(long).toMatchObject({ code: 'bad-lines' })

    const good = await adopt(link.id, { method: 'csv', csv })
    expect(good.summary).toMatchObject({ matched: 2, differing: 1 })
    await apply(good, { differences: 'left' })
    expect(octane(one ?? '')?.name).toBe('eins')
    const run = await service.runToEnd(link.id, 'full')
    expect(run.counters).toMatchObject({ createdLeft: 0, createdRight: 0 })
    expect(counts()).toEqual([2, 2])
  })

  it('stop a first run that would double them, until they are paired or somebody agrees', async () => {
    for (const name of ['login fails', 'crash on save', 'wrong total', 'slow list'])
      for (const create of [almDefect, octaneDefect]) create({ name })
    almDefect({ name: 'only in ALM' })
    const link = await service.addLink()
    const params = { id: link.id }
    const simulated = await service.runToEnd(link.id, 'simulate')
    expect(simulated.message).toContain('4 look like records that are there already')
    const stopped = await service.runToEnd(link.id, 'run')
    expect([stopped.status, counts()]).toEqual(['failed', [5, 4]])
    expect(stopped.message).toContain('Nothing was written')
    const stops = await service.call('linkStops', { params })
    expect(stops.brakes).toMatchObject([{ kind: 'look-alikes', held: 4, firstRun: true }])
    expect(stops.brakes[0]?.remedy).toContain('tandem link adopt')
    // Asked again it is the same: a run that was stopped is no first one.
    expect((await service.runToEnd(link.id, 'full')).status).toBe('failed')
    expect(counts()).toEqual([5, 4])
    // Told once, however many runs end at it.
    expect(await service.database.sql`select kind from outbox`).toEqual([{ kind: 'approval-needed' }])

    const adoption = await adopt(link.id, { method: 'keys', mappings: ['name'] })
    expect(adoption.summary).toMatchObject({ matched: 4, unmatchedLeft: 1, unmatchedRight: 0 })
    expect((await apply(adoption)).adoption.summary).toMatchObject({ adopted: 4 })
    expect((await service.call('linkStops', { params })).brakes).toEqual([])
    const run = await service.runToEnd(link.id, 'run')
    expect(run.counters).toMatchObject({ createdLeft: 0, createdRight: 1 })
    expect(counts()).toEqual([5, 5])
  })

  it('are created nevertheless where somebody agrees with a reason', async () => {
    for (const name of ['login fails', 'crash on save', 'wrong total'])
      for (const create of [almDefect, octaneDefect]) create({ name })
    const link = await service.addLink()
    const params = { id: link.id }
    await service.runToEnd(link.id, 'run')
    const { brakes } = await service.call('linkStops', { params })
    await service.call('approveBrake', {
      params: { id: link.id, brakeId: brakes[0]?.id ?? '' },
      body: { held: brakes[0]?.held, reason: 'they are different' },
    })
    const run = await service.runToEnd(link.id, 'run')
    expect(run.counters).toMatchObject({ createdLeft: 3, createdRight: 3 })
  })

  // covers 136, 138, 139
  it('are paired from the command line, which proves that nothing is created, and found again by a later link', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tandem-adopt-'))
    try {
      const pairs = ['one', 'two', 'three'].map((name) => [almDefect({ name }), octaneDefect({ name })])
      const link = await service.addLink()
      const params = { id: link.id }
      const unwanted = await adopt(link.id, { method: 'keys', mappings: ['name'] })
      await service.call('discardAdoption', { params: { id: unwanted.id } })
      const file = path.join(folder, 'pairs.csv')
      writeFileSync(file, pairs.map(([left, right]) => `${left},${right}\n`).join(''))
      const found = await tandem('link', 'adopt', 'Defects', '--csv', file)
      expect(found).toContain('3 pairs match; in 0 of them a field holds different values.')
      const [shown] = await Promise.all([
        tandem('link', 'adopt', 'Defects', '--show', 'matched'),
        tandem('link', 'adopt', 'Defects', '--export', path.join(folder, 'found.csv')),
      ])
      expect(shown).toContain(pairs[1]?.[0])
      expect(readFileSync(path.join(folder, 'found.csv'), 'utf8').trim().split('\r\n')).toHaveLength(4)
      const applied = await tandem('link', 'adopt', 'Defects', '--yes')
      expect(applied).toContain('3 pairs were made, 0 were not.')
      expect(applied).toContain('Simulated: a run would create 0 records on either side now.')
      const actions = await service.database.sql<{ action: string }[]>`
        select action from ledger where kind = 'command' and action in ('adopt', 'discard adoption') order by 1 desc`
      expect(actions.map((row) => row.action)).toEqual(['discard adoption', 'adopt'])

      await tandem('link', 'delete', 'Defects', '--yes', '--reason', 'made anew')
      expect(await service.database.sql`select 1 from adoption_records`).toHaveLength(0)
      const { link: again } = await service.call('createLink', {
        body: { name: 'Again', left: link.left.id, right: link.right.id },
      })
      const run = await service.runToEnd(again.id, 'run')
      expect(run).toMatchObject({ status: 'passed', counters: { createdLeft: 0, createdRight: 0 } })
      expect(await service.refused('listAdoptions', { params })).toMatchObject({ code: 'not-found' })
      expect(counts()).toEqual([3, 3])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
