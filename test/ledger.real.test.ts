import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { csvCell } from '../api/ledger-lines.ts'
import { ledgerEntryHash, ledgerOrigin, ledgerRoot } from '../core/ledger-hash.ts'
import { signSeal } from '../core/ledger-seal.ts'
import { openSealFolder, sealLedger } from '../worker/seal-ledger.ts'
import { type Service, startService } from './service.ts'

let service: Service
let linkId: string
const folder = mkdtempSync(path.join(tmpdir(), 'seals-'))

beforeAll(async () => {
  service = await startService({ alm: { defects: 12 }, sealFolder: folder })
  linkId = (await service.addLink()).id
  await service.runToEnd(linkId, 'check')
  await service.runToEnd(linkId, 'run')
})

afterAll(async () => {
  await service?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** As somebody with all rights to the database would; it is taken back by running `undo` with the same rights. */
async function tamper(statements: (sql: Service['database']['sql']) => Promise<unknown>): Promise<void> {
  await service.database.sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await statements(tx as unknown as Service['database']['sql'])
  })
}

async function broken(seals: string[] = []) {
  const report = await service.call('verifyLedger', { body: { link: linkId, seals } })
  return report.chains[0]?.firstBreak ?? null
}

async function snapshot(body: () => Promise<void>): Promise<void> {
  await tamper(async (sql) => {
    for (const table of ['ledger', 'ledger_entries', 'ledger_heads', 'ledger_seals'])
      await sql.unsafe(`create table kept_${table} as select * from ${table}`)
  })
  try {
    await body()
  } finally {
    await tamper(async (sql) => {
      for (const table of ['ledger', 'ledger_entries', 'ledger_heads', 'ledger_seals']) {
        await sql.unsafe(`delete from ${table}`)
        await sql.unsafe(`insert into ${table} select * from kept_${table}`)
        await sql.unsafe(`drop table kept_${table}`)
      }
    })
  }
}

it('seals each chain once a day, in the database and outside of it, and finds all intact', async () => {
  const seals = await openSealFolder(folder)
  expect(await sealLedger(service.database, seals)).toBe(2)
  expect(await sealLedger(service.database, seals)).toBe(0)
  const kept = readFileSync(seals.sealsFile, 'utf8').trim().split('\n')
  const shown = await service.call('ledgerSeals')
  expect([...kept].sort()).toEqual([...shown.seals].sort())
  expect(JSON.stringify(shown.keys)).not.toContain('"d"')
  const report = await service.call('verifyLedger', { body: {} })
  expect(report).toMatchObject({ intact: true, seals: 2, signatures: 'checked', unreadableSeals: 0 })
  expect(report.chains.map((one) => one.chain)).toEqual([`link:${linkId}`, 'site'])
  for (const chain of report.chains) expect(chain.sealedUpTo).toBe(chain.entries)
})

it('names the first row that was changed in any of its columns, moved, dropped or added', async () => {
  const { sql } = service.database
  const rows = await sql<{ id: string; seq: number }[]>`
    select l.id, e.seq::int from ledger l join ledger_entries e on e.id = l.entry_id
    where l.chain = ${`link:${linkId}`} and l.kind = 'write' order by e.seq, l.position`
  const row = rows[Math.floor(rows.length / 2)]
  if (row === undefined) throw new Error('nothing was written')
  for (const change of [
    `actor = 'nobody'`,
    `version = 7`,
    `bridge = 'x'`,
    `build = 'x'`,
    `workflow_id = 'x'`,
    `temporal_run_id = 'x'`,
    `key = 'x'`,
    `possible_overwrite = true`,
    `found_by_looking = true`,
    `content = jsonb_set(content, '{fields,0,sent}', '"x"')`,
    `left_id = 'x'`,
  ])
    await snapshot(async () => {
      await tamper((one) => one.unsafe(`update ledger set ${change} where id = '${row.id}'`))
      expect(await broken(), change).toMatchObject({ seq: row.seq, rowId: row.id, reason: 'the row was changed' })
    })
  await snapshot(async () => {
    await tamper((one) => one.unsafe(`update ledger set at = at - interval '1 second' where id = '${row.id}'`))
    expect(await broken()).toMatchObject({ seq: row.seq })
  })
  await snapshot(async () => {
    await tamper((one) => one.unsafe(`delete from ledger where id = '${row.id}'`))
    expect(await broken()).toMatchObject({ seq: row.seq, reason: expect.stringContaining('is missing') })
  })
  await snapshot(async () => {
    await tamper((one) =>
      one.unsafe(`insert into ledger select gen_random_uuid(), at, gen_random_uuid(), chain, position, kind, action, link_id, pair_id,
        key, side, left_id, right_id, content, actor, bridge, build, version, run_id, intent_id, workflow_id, temporal_run_id,
        found_by_looking, possible_overwrite, salt, row_hash from ledger where id = '${row.id}'`),
    )
    expect(await broken()).toMatchObject({ reason: 'the row belongs to no entry of the chain' })
  })
  expect(await broken()).toBeNull()
})

it('finds a tail that was cut off together with its head, also where its seal went from the database', async () => {
  await snapshot(async () => {
    const [head] = await service.database.sql<
      { seq: number }[]
    >`select seq::int from ledger_heads where chain = ${`link:${linkId}`}`
    const last = head?.seq ?? 0
    await tamper(async (sql) => {
      await sql`delete from ledger where entry_id in (select id from ledger_entries where chain = ${`link:${linkId}`} and seq = ${last})`
      await sql`delete from ledger_entries where chain = ${`link:${linkId}`} and seq = ${last}`
      await sql`update ledger_heads set seq = ${last - 1}, hash = (select hash from ledger_entries where chain = ${`link:${linkId}`}
        and seq = ${last - 1}) where chain = ${`link:${linkId}`}`
      await sql`delete from ledger_seals`
    })
    expect(await broken()).toMatchObject({ seq: last, reason: expect.stringContaining(`entry ${last} is missing`) })
    // Gone as a whole: the seal outside still tells of it.
    await tamper(async (sql) => {
      for (const table of ['ledger', 'ledger_entries', 'ledger_heads']) await sql.unsafe(`delete from ${table}`)
    })
    const report = await service.call('verifyLedger', { body: {} })
    expect(report.chains.map((one) => [one.chain, one.firstBreak?.seq])).toEqual([
      [`link:${linkId}`, 1],
      ['site', 1],
    ])
  })
})

it('finds a chain that was written anew without a flaw, and one that was sealed with another key', async () => {
  await snapshot(async () => {
    const { sql } = service.database
    const entries = await sql<
      { seq: number; id: string; at: string; rows: number; rowsAt: string; hashes: string[] }[]
    >`
      select seq::int, id, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, rows,
        (select to_char(min(l.at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') from ledger l where l.entry_id = e.id) as "rowsAt",
        (select array_agg(l.row_hash order by l.position) from ledger l where l.entry_id = e.id) as hashes
      from ledger_entries e where chain = ${`link:${linkId}`} order by seq`
    // Takes the second entry out and closes the gap: every hash is right again.
    let previousHash: string = ledgerOrigin
    let [seq, rows] = [0, 0]
    await tamper(async (one) => {
      await one`delete from ledger where entry_id = ${entries[1]?.id ?? ''}`
      await one`delete from ledger_entries where chain = ${`link:${linkId}`}`
      for (const entry of entries) {
        if (entry === entries[1]) continue
        seq++
        rows += entry.rows
        const root = ledgerRoot(entry.hashes)
        const hash = ledgerEntryHash({ seq, previousHash, root, rows: entry.rows, at: entry.at, rowsAt: entry.rowsAt })
        await one`insert into ledger_entries (chain, seq, id, at, previous_hash, root, rows, hash)
          values (${`link:${linkId}`}, ${seq}, ${entry.id}, ${entry.at}::text::timestamptz, ${previousHash}, ${root}, ${entry.rows}, ${hash})`
        previousHash = hash
      }
      await one`update ledger_heads set seq = ${seq}, hash = ${previousHash} where chain = ${`link:${linkId}`}`
    })
    expect(await broken()).toMatchObject({ reason: expect.stringContaining('sealed') })
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
    const content = {
      chain: `link:${linkId}`,
      day: '2026-01-01',
      seq,
      rows,
      hash: previousHash,
      sealedAt: '2026-01-01T00:00:00Z',
    }
    const forged = await signSeal(content, { ...(await exportJWK(privateKey)), kid: 'other', alg: 'EdDSA' })
    expect(await broken([forged])).toMatchObject({ seq: 1, reason: expect.stringContaining('not signed by a key') })
  })
  expect(await broken()).toBeNull()
})

it('refuses changes to what was written, to its partitions, seals and heads', async () => {
  const { sql } = service.database
  const [part] = await sql<{ name: string }[]>`
    select tableoid::regclass::text as name from ledger limit 1`
  for (const statement of [
    `update ${part?.name} set actor = 'x'`,
    `delete from ${part?.name}`,
    `truncate ${part?.name}`,
    'truncate ledger_default',
    'truncate ledger_entries',
    'update ledger_seals set rows = 1',
    'delete from ledger_seals',
    'truncate ledger_seals',
    'delete from ledger_heads',
    'update ledger_heads set seq = seq - 1',
    `update ledger_heads set hash = 'x'`,
  ])
    await expect(sql.unsafe(statement), statement).rejects.toThrow(/append-only|permission denied/)
})

it('exports rows by link, record, period and person, as CSV and JSON lines', async () => {
  const lines = async (query: Record<string, string>) => {
    const { response, text } = await service.client.raw(`/api/v1/ledger/export?${new URLSearchParams(query)}`)
    expect(response.status, text).toBe(200)
    return text
  }
  const all = (await lines({ format: 'jsonl' }))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { link: string })
  const [{ count } = { count: 0 }] = await service.database.sql<
    { count: number }[]
  >`select count(*)::int as count from ledger`
  expect(all).toHaveLength(count)
  const [alm] = service.alm.records('defect')
  const one = (await lines({ format: 'jsonl', link: linkId, left: String(alm?.id) })).trim().split('\n')
  expect(one.map((line) => (JSON.parse(line) as { action: string }).action).sort()).toEqual(['create', 'link-back'])
  expect(await lines({ format: 'jsonl', person: 'nobody' })).toBe('')
  expect(await lines({ format: 'jsonl', to: '2020-01-01T00:00:00Z' })).toBe('')
  const csv = await lines({ link: linkId, action: 'create', left: String(alm?.id) })
  expect(csv.split('\r\n')[0]).toMatch(/^at,link,kind/)
  expect(csv).toContain(String(alm?.name).slice(0, 5))
  const refused = await service.client.refused('exportLedger', { query: { left: '1' } })
  expect(refused).toMatchObject({ code: 'invalid-request' })
})

it('writes cells that no spreadsheet takes for a formula', () => {
  expect(csvCell('=1+1')).toBe("'=1+1")
  expect(csvCell('@x,"y"')).toBe(`"'@x,""y"""`)
  expect(csvCell('\tx')).toBe("'\tx")
  expect(csvCell(-5)).toBe('-5')
  expect(csvCell('-5')).toBe("'-5")
  expect(csvCell('two\nlines')).toBe('"two\nlines"')
})
