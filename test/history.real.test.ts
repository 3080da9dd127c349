import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LinkView } from '../api/contract/schemas.ts'
import { cleanUp } from '../db/retention.ts'
import { tandem as commandLine } from './cli.ts'
import { createContractClient } from './contract-client.ts'
import { type Service, startService } from './service.ts'

let service: Service
let link: LinkView
/** Runs by name, in their order. */
const ids: Record<'check' | 'first' | 'quiet' | 'edits', string> = { check: '', first: '', quiet: '', edits: '' }

beforeAll(async () => {
  service = await startService({ alm: { defects: 12 }, octane: { defects: 3 } })
  link = await service.addLink()
  ids.check = (await service.runToEnd(link.id, 'check')).id
  ids.first = (await service.runToEnd(link.id, 'run')).id
  ids.quiet = (await service.runToEnd(link.id, 'run')).id
})
afterAll(() => service.close())

const tandem = (...args: string[]) => commandLine(service.url, ...args)

/** A text that the API sends piece by piece. */
async function download(path: string): Promise<string> {
  const { response, text } = await createContractClient(service.url).raw(`/api/v1${path}`)
  expect(response.status).toBe(200)
  return text
}

const report = (id: string) => service.call('getRun', { params: { id } })
const log = (id: string, query: Record<string, string> = {}) => service.call('runLog', { params: { id }, query })

describe('what is kept of a run', () => {
  // covers 116, 118
  it('is a report with kind, trigger, person, version, status in words, counts, and time in parts that add up', async () => {
    const first = await report(ids.first)
    expect(first).toMatchObject({ kind: 'incremental', trigger: 'person', actor: 'local', version: 1 })
    expect(first).toMatchObject({ left: { name: 'alm', address: service.almAddress }, right: { name: 'octane' } })
    expect([first.status, first.statusWords]).toEqual(['passed', 'passed'])
    expect(first.counters).toMatchObject({ scannedLeft: 12, scannedRight: 3, createdRight: 12, createdLeft: 3 })
    expect(first.outcomes).toMatchObject({ created: 15 })
    const { total, phases, work } = first.time
    expect(Object.values(phases).reduce((sum, ms) => sum + ms, 0)).toBe(total)
    for (const phase of ['scan', 'reconcile'] as const) expect([phase, phases[phase] > 0]).toEqual([phase, true])
    for (const step of ['claim', 'look', 'write', 'store'] as const)
      expect([step, work[step] > 0]).toEqual([step, true])
    const check = await report(ids.check)
    expect(check).toMatchObject({ kind: 'check', checks: { error: 0 } })
    expect(check.checks?.ok).toBeGreaterThan(0)
    expect(check.time.phases.check).toBeGreaterThan(0)
  })

  // covers 117
  it('is a log with levels and categories, which goes from its beginning to its end', async () => {
    const { items } = await log(ids.first)
    expect(items[0]).toMatchObject({ level: 'info', category: 'run', records: [] })
    expect(items[0]?.message).toBe('Synchronization began by local, with configuration version 1.')
    expect(items.at(-1)).toMatchObject({ category: 'run', message: 'The run passed.' })
    const scans = (await log(ids.first, { category: 'scan' })).items.map(({ message }) => message)
    expect(scans.sort()).toEqual([
      'alm: 12 changed records listed, 12 due.',
      'octane: 3 changed records listed, 3 due.',
    ])
    const findings = (await service.call('runFindings', { params: { id: ids.check } })).findings
    const told = await log(ids.check, { category: 'check' })
    expect(told.items).toHaveLength(findings.length)
    expect((await log(ids.first, { text: 'OCTANE: 3' })).items).toHaveLength(1)
    const [page] = [await log(ids.first, { limit: '1' })]
    const next = await log(ids.first, { limit: '1', cursor: page.next ?? '' })
    expect([page.items[0]?.id, next.items[0]?.id]).toEqual([items[0]?.id, items[1]?.id])
  })

  // covers 116, 120
  it('is what became of each record, with what is wrong; its errors stay with the link', async () => {
    service.alm.edit('defect', '2', { name: 'changed in ALM' })
    service.alm.edit('defect', '3', { owner: 'nobody-knows' })
    const run = await service.runToEnd(link.id, 'run')
    ids.edits = run.id
    const outcomes = (query: Record<string, string>) =>
      service.call('runOutcomes', { params: { id: run.id }, query }).then(({ items }) => items)
    const [changed] = await outcomes({ record: '2' })
    expect(changed).toMatchObject({ leftId: '2', outcome: 'updated', level: 'info', written: ['right'] })
    const bad = await outcomes({ level: 'warning' })
    expect(bad.map(({ leftId }) => leftId)).toEqual(['3'])
    expect(bad[0]?.problems?.[0]).toMatchObject({ code: 'user-gap' })
    const { items } = await log(run.id, { level: 'warning' })
    expect(items.find(({ category }) => category === 'records')).toMatchObject({
      troubled: 1,
      records: [{ leftId: '3' }],
    })
    expect((await log(run.id, { level: 'warning', text: 'no such words' })).items).toEqual([])
  })

  it('is every value before it was overwritten, as CSV', async () => {
    const text = await download(`/runs/${ids.edits}/before-images`)
    const [head, ...lines] = text.trim().split('\r\n')
    expect(head).toBe('at,action,side,recordId,twinId,field,before,after,rule')
    const edit = lines.map((line) => line.split(',')).find((cells) => cells[5] === 'name')
    expect(edit?.slice(1, 5)).toEqual(['update', 'right', expect.any(String), '2'])
    expect(edit?.slice(7)).toEqual(['changed in ALM', 'changed'])
    expect(edit?.[6]).not.toBe('')
    expect(await tandem('run', 'before', ids.edits)).toBe(text)
  })

  it('is found by kind, status, person and time, and without those that found everything in step', async () => {
    const found = async (query: Record<string, string>) =>
      (await service.call('listRuns', { query: { linkId: link.id, ...query } })).items.map(({ id }) => id)
    expect(await found({ kind: 'check' })).toEqual([ids.check])
    expect(await found({ changed: 'false' })).toEqual([ids.quiet])
    expect(await found({ changed: 'true' })).toEqual([ids.edits, ids.first, ids.check])
    expect(await found({ actor: 'nobody' })).toEqual([])
    const { startedAt } = await report(ids.quiet)
    expect(await found({ from: startedAt, status: 'passed' })).toContain(ids.quiet)
    expect(await found({ to: startedAt })).toEqual([ids.first, ids.check])
    expect(await service.refused('listRuns', { query: { from: 'yesterday' } })).toMatchObject({
      code: 'invalid-request',
    })
  })

  it('can be held against another run: counts, time, configuration and records', async () => {
    await service.configure(link.id, { tuning: { parallel: 2 } })
    service.alm.edit('defect', '2', { name: 'changed again' })
    const run = await service.runToEnd(link.id, 'run')
    const compared = await service.call('compareRuns', { params: { id: ids.first, other: run.id } })
    expect(compared.counters).toContainEqual({ name: 'createdRight', a: 12, b: 0 })
    expect(compared.phases.map(({ name }) => name)).toContain('reconcile')
    expect(compared.configuration.map(({ place }) => place)).toContain('/tuning/parallel')
    expect(compared.records).toContainEqual(expect.objectContaining({ leftId: '2', a: 'created', b: 'updated' }))
    expect(compared.outcomes.reduce((sum, { records }) => sum + records, 0)).toBe(15)
    const itself = { params: { id: run.id, other: run.id } }
    expect(await service.refused('compareRuns', itself)).toMatchObject({ status: 422, code: 'same-run' })
    const shown = await tandem('run', 'compare', ids.first, run.id)
    expect(shown).toMatch(/created right +12 +0 +-12/)
  })
})

describe('what a run came upon', () => {
  it('is in its log when a step failed, although it was tried again and the run passed', async () => {
    service.octane.faults.add({ match: { method: 'GET', path: '/defects' }, kind: 'error-before', times: 1_000 })
    const { runId } = await service.call('commandLink', { params: { id: link.id }, body: { command: 'run' } })
    const failed = async () => (await log(runId ?? '', { category: 'endpoint' })).items
    await expect.poll(() => failed().catch(() => []), { timeout: 30_000 }).not.toEqual([])
    service.octane.faults.clear()
    expect(await service.ended(runId ?? '')).toMatchObject({ status: 'passed' })
    const [line] = await failed()
    expect(line).toMatchObject({ level: 'warning' })
    expect(line?.message).toMatch(/^Scan of the right side failed at attempt 1: .{20}/)
  })
})

describe('hours in which nothing changed', () => {
  it('are proven by looks that were counted, and hours without any look are told as such', async () => {
    await service.configure(link.id, { schedule: { intervalSeconds: 1, fullScans: [] } })
    await service.runToEnd(link.id, 'check')
    await service.call('commandLink', { params: { id: link.id }, body: { command: 'automatic' } })
    const looks = async () => {
      const { items } = await service.call('linkHours', { params: { id: link.id } })
      return items.reduce((sum, { quiet }) => sum + quiet, 0)
    }
    await expect.poll(looks, { timeout: 30_000 }).toBeGreaterThan(1)
    // An edit on either side, whose way is measured.
    service.alm.edit('defect', '4', { name: 'edited on the left' })
    service.octane.edit('defect', String(service.octane.records('defect')[0]?.id), { name: 'edited on the right' })
    const edits = async () => (await service.call('linkFreshness', { params: { id: link.id } })).edits
    const before = await edits()
    const { looksEverySeconds } = await service.call('linkSummary', { params: { id: link.id } })
    expect(looksEverySeconds).toBe(1)
    await expect.poll(edits, { timeout: 30_000 }).toBeGreaterThanOrEqual(before + 2)
    await service.call('commandLink', { params: { id: link.id }, body: { command: 'manual' } })
    const young = await service.call('linkHours', { params: { id: link.id } })
    expect(young.items.length).toBeLessThan(3)
    expect(young.verdicts).not.toHaveProperty('not-looked')
    await service.database.sql`update links set created_at = created_at - interval '2 days' where id = ${link.id}`
    // The same looks, as if they had been all that happened in an hour of yesterday.
    await service.database.sql`
      insert into watch_hours (link_id, hour, quiet) select link_id, hour - interval '20 hours', quiet from watch_hours
      where link_id = ${link.id} and quiet > 0`
    const { items, verdicts } = await service.call('linkHours', { params: { id: link.id } })
    expect(items.length).toBeGreaterThanOrEqual(24)
    expect(verdicts.nothing).toBeGreaterThanOrEqual(1)
    expect(verdicts['not-looked']).toBeGreaterThan(10)
    expect(items.filter(({ writes }) => writes > 0).every(({ verdict }) => verdict === 'changed')).toBe(true)
    const refused = await service.refused('linkHours', {
      params: { id: link.id },
      query: { from: '2026-01-01T00:00:00Z', to: '2026-06-01T00:00:00Z' },
    })
    expect(refused.errors[0]?.pointer).toBe('/query/from')
  })
})

describe('the summary of a link', () => {
  // covers 35, 120
  it('is one answer: status in words, last check and run, counts, issues by owner, freshness, mode and what comes next', async () => {
    const read = () => service.call('linkSummary', { params: { id: link.id } })
    await expect.poll(async () => (await read()).link.activity, { timeout: 30_000 }).toBe('idle')
    const summary = await read()
    expect(summary.link).toMatchObject({
      name: 'Defects',
      mode: 'manual',
      statusLabel: 'OK',
      schedule: { nextRun: null },
    })
    expect(summary.lastCheck).toMatchObject({ kind: 'check', status: 'passed' })
    expect(summary.lastRun).toMatchObject({ kind: 'incremental', trigger: 'automatic' })
    const { items: runs } = await service.call('listRuns', { query: { linkId: link.id, limit: '200' } })
    expect(summary.day.runs).toBe(runs.length)
    const created = runs.reduce((sum, { counters }) => sum + counters.createdRight + counters.createdLeft, 0)
    expect(summary.week.counters.createdRight + summary.week.counters.createdLeft).toBe(created)
    expect(summary.day.looks.quiet).toBeGreaterThan(1)
    const { items: open } = await service.call('linkIssues', { params: { id: link.id }, query: { open: 'true' } })
    expect(open.length).toBeGreaterThan(0)
    expect(summary.issues).toEqual([
      { owner: 'admin', errors: 0, warnings: open.length, ignored: 0, since: expect.any(String) },
    ])
    const { p95, p50, edits } = summary.day.freshness
    expect(edits).toBeGreaterThanOrEqual(2)
    for (const point of [p50, p95]) {
      const { total, poll, queue, endpoint, retry, person } = point ?? {
        total: -1,
        poll: 0,
        queue: 0,
        endpoint: 0,
        retry: 0,
        person: 0,
      }
      expect(poll + queue + endpoint + retry + person).toBe(total)
    }
    expect(p50?.total).toBeLessThanOrEqual(p95?.total ?? 0)
    expect([summary.lookedAt === null, summary.looksEverySeconds]).toEqual([false, null])
    const shown = await tandem('link', 'status', link.name)
    expect(shown).toMatch(/^Defects: OK\n/)
    expect(shown).toMatch(/half were visible within \S+ m?s = /)
    expect(await tandem('link', 'freshness', link.name)).toContain(`Last 24 h: ${edits} edits`)
  })
})

describe('how long things are kept', () => {
  // covers 119
  it('is a setting; a clean-up goes by it, is written down, and leaves open issues with their runs', async () => {
    const { sql } = service.database
    const kept = await service.call('getRetention')
    expect(kept).toMatchObject({ runs: 3_660, histories: 3_660, logs: 1_830 })
    expect(await service.refused('changeRetention', { body: { logs: 0 } })).toMatchObject({
      errors: [{ pointer: '/logs' }],
    })
    const change = { runs: 400, logs: 100, hours: null }
    expect(await service.refused('changeRetention', { body: change })).toMatchObject({
      status: 422,
      code: 'outlives-runs',
      detail: expect.stringContaining('histories cannot be kept for 3660 days'),
      errors: [{ pointer: '/histories' }],
    })
    const changed = await service.call('changeRetention', { body: { ...change, histories: 400 } })
    expect(changed).toEqual({ ...kept, ...change, histories: 400 })

    // Twelve runs of long ago with a line of log each, one of them with an open issue, and what else is old.
    const old = await sql<{ id: string }[]>`
      insert into runs (id, link_id, kind, trigger, actor, version, status, workflow_id, temporal_run_id, started_at, ended_at)
      select gen_random_uuid(), ${link.id}, 'records', 'person', 'ann', 1, 'with-errors', 'w', 'r', t, t
      from generate_series(now() - interval '500 days', now() - interval '489 days', interval '1 day') as t returning id`
    await sql`
      insert into run_log (run_id, at, level, category, message) select id, ended_at, 'error', 'run', 'of long ago' from runs
      where actor = 'ann'`
    const [troubled] = old
    await sql`insert into run_findings (run_id, passed, findings) select id, 1, '[]' from runs where actor = 'ann'`
    await sql`
      insert into issues (link_id, key, class, code, message, remedy, first_run_id, last_run_id, first_seen, last_seen)
      values (${link.id}, 'left:99', 'mapping', 'value-gap', 'It has no value.', 'Map it.', ${troubled?.id ?? null},
        ${troubled?.id ?? null}, now() - interval '500 days', now() - interval '500 days')`
    await sql`
      insert into watch_hours (link_id, hour, quiet) values (${link.id}, date_trunc('hour', now() - interval '5000 days'), 3)`
    await sql`update freshness set visible_at = visible_at - interval '401 days'`

    const done = await service.call('cleanUp')
    // Of twelve the eight newest stay, and the one with an open issue.
    expect(done).toMatchObject({ actor: 'local', days: changed, removed: { runs: 3, logs: 9 } })
    expect(done.removed.freshness).toBeGreaterThan(1)
    expect([done.endedAt === null, 'hours' in done.removed]).toEqual([false, false])
    const left = await sql<{ id: string }[]>`select id from runs where actor = 'ann' order by started_at`
    expect(left.map(({ id }) => id)).toEqual([troubled?.id, ...old.slice(4).map(({ id }) => id)])
    const [{ orphans } = { orphans: -1 }] = await sql<{ orphans: number }[]>`
      select count(*)::int as orphans from run_findings f where not exists (select 1 from runs r where r.id = f.run_id)`
    expect(orphans).toBe(0)
    const { items } = await service.call('linkIssues', { params: { id: link.id }, query: { code: 'value-gap' } })
    expect(items).toMatchObject([{ resolvedAt: null, message: 'It has no value.' }])
    expect((await log(ids.first)).items.length).toBeGreaterThan(3)

    // By itself it happens once a day.
    expect(await cleanUp(service.database, { actor: 'tandem', unlessSince: 23 })).toBeNull()
    const again = await service.call('cleanUp')
    expect(again.removed).toEqual({})
    expect((await service.call('listCleanUps')).items).toEqual([again, done])
    const [row] = await sql<{ content: object }[]>`
      select content from ledger where action = 'clean-up' and link_id is null`
    expect(row?.content).toMatchObject({ id: done.id, removed: done.removed })
    await sql`delete from issues where key = 'left:99'`
    expect(await tandem('retention', '--freshness', 'forever')).toMatch(/freshness +for ever[\s\S]*took away 3 of runs/)
  })
})

describe('the command line', () => {
  // covers 116, 117, 119
  it('shows report, log and outcomes, and one line for runs in a row that found everything in step', async () => {
    const runs = [await service.runToEnd(link.id, 'run'), await service.runToEnd(link.id, 'run')]
    const list = await tandem('run', 'list', '--link', link.name, '--limit', '3')
    expect(runs.map(({ id }) => list.includes(id))).toEqual([false, true])
    expect(list).toMatch(/\d × nothing to do/)
    const [shown, lines, outcomes] = await Promise.all([
      tandem('run', 'show', ids.first),
      tandem('run', 'log', ids.edits, '--level', 'warning'),
      tandem('run', 'outcomes', ids.edits, '--record', '2'),
    ])
    expect(shown).toMatch(/time: .*scan [\d.]+ s.*, reconcile [\d.]+ s/)
    expect(lines).toMatch(/WARNING {2}records .*\n {4}3 \//)
    expect(outcomes).toContain('updated')
  })
})
