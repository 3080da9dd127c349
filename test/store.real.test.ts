import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import type { CommitRequest, ItemCommit } from '../core/commits.ts'
import { openDatabase } from '../db/connection.ts'
import { verifyChain } from '../db/ledger-verify.ts'
import { migrate } from '../db/migrate.ts'
import journal from '../db/migrations/meta/_journal.json' with { type: 'json' }
import { createStore } from '../db/store.ts'
import { createLab, type Lab } from './lab.ts'

let lab: Lab
let runId: string

beforeEach(async () => {
  lab = await createLab()
  runId = randomUUID()
  await lab.store.beginRun({
    runId,
    linkId: lab.linkId,
    kind: 'incremental',
    trigger: 'person',
    actor: 'test',
    version: 1,
    temporal: { workflowId: 'w', runId: 'r' },
  })
})

afterEach(() => lab.close())

function queue(ids: readonly string[], version = 1, side: 'left' | 'right' = 'left') {
  const rows = ids.map((id) => ({ id, stamp: { version, modified: null } }))
  return lab.store.recordScanPage({ linkId: lab.linkId, side, rows, createdFixed: true, reason: 'scan', runId: null })
}

function claim(limit = 100, leaseSeconds = 60, graceSeconds = 15) {
  return lab.store.claim({ linkId: lab.linkId, runId, limit, leaseSeconds, graceSeconds })
}

function commit(token: string, items: ItemCommit[], callId = randomUUID()): CommitRequest {
  return { token, callId, linkId: lab.linkId, runId, version: 1, bridge: 'test', build: 'test', items }
}

/** An item that was looked at, seen in a state, and is done with. */
function done(key: string, changes: Partial<ItemCommit> = {}): ItemCommit {
  return {
    key,
    pair: null,
    base: null,
    seen: {},
    settled: [],
    problems: [],
    conflicts: null,
    outcome: 'declined',
    written: [],
    next: { kind: 'done' },
    followUp: [],
    ...changes,
  }
}

const seen = (id: string, version: number) => ({ left: { id, stamp: { version, modified: null } } })

function createIntent(key: string, sourceId: string) {
  return {
    key,
    action: 'create' as const,
    side: 'right' as const,
    targetId: null,
    sourceId,
    stampBefore: null,
    fields: [{ mappingId: 'name', field: 'name', source: 'a', before: null, sent: 'a', rule: 'create' as const }],
  }
}

function recordIntents(token: string, keys: readonly string[], callId = randomUUID(), version = 1) {
  return lab.store.recordIntents({
    token,
    linkId: lab.linkId,
    runId,
    version,
    callId,
    intents: keys.map((key) => createIntent(key, key.split(':')[1] ?? '')),
  })
}

describe('the queue', () => {
  it('gives every record to exactly one of many claims at the same time', async () => {
    const ids = Array.from({ length: 200 }, (_, index) => String(index + 1))
    await queue(ids)
    const claims = await Promise.all(Array.from({ length: 8 }, () => claim(40)))
    const taken = claims.flatMap((one) => one.items.map((item) => item.key))
    expect(new Set(taken).size).toBe(taken.length)
    expect(taken.length).toBe(200)
  })

  it('queues a record once per state, and not at all in the state that was seen', async () => {
    const nothing = { queued: [], unannounced: [], regressed: [], reused: [] }
    expect(await queue(['1', '2'])).toEqual({ ...nothing, queued: ['1', '2'], unannounced: ['1', '2'] })
    expect(await queue(['1', '2'])).toEqual(nothing)
    expect(await queue(['2'], 2)).toEqual({ ...nothing, queued: ['2'] })
    const { token } = await claim()
    await lab.store.commit(
      commit(token, [done('left:1', { seen: seen('1', 1) }), done('left:2', { seen: seen('2', 2) })]),
    )
    expect(await queue(['1'])).toEqual(nothing)
    expect(await queue(['2'], 2)).toEqual(nothing)
    expect(await queue(['1'], 2)).toEqual({ ...nothing, queued: ['1'], unannounced: ['1'] })
    // An older version than was seen is told, and not queued: whoever asks must look again.
    expect(await queue(['2'], 1)).toEqual({ ...nothing, regressed: ['2'] })
  })

  it('keeps a record due that changed while it was being worked on', async () => {
    await queue(['1'], 1)
    const { token } = await claim()
    await queue(['1'], 2)
    await lab.store.commit(commit(token, [done('left:1', { seen: seen('1', 1) })]))
    expect(await lab.store.queueState(lab.linkId)).toMatchObject({ due: 1, leased: 0, waiting: 0 })
  })

  it('lets a failed record wait, and makes it due at once when it changes', async () => {
    await queue(['1'], 1)
    const { token } = await claim()
    await lab.store.commit(
      commit(token, [
        done('left:1', { outcome: 'failed', next: { kind: 'again', class: 'mapping', afterSeconds: 500 } }),
      ]),
    )
    expect(await lab.store.queueState(lab.linkId)).toMatchObject({ due: 0, waiting: 1 })
    expect((await claim()).items).toEqual([])
    // The overlap of the next scan sees the same state again: that is no reason to defeat the back-off.
    await queue(['1'], 1)
    expect(await lab.store.queueState(lab.linkId)).toMatchObject({ due: 0, waiting: 1 })
    await queue(['1'], 2)
    expect(await lab.store.queueState(lab.linkId)).toMatchObject({ due: 1, waiting: 0 })
  })

  it('gives a pair out as one item, whichever of its sides is due', async () => {
    await queue(['1'])
    const first = await claim()
    await lab.store.commit(
      commit(first.token, [
        done('left:1', {
          outcome: 'created',
          pair: { id: null, leftId: '1', rightId: '9' },
          base: {},
          seen: { ...seen('1', 1), right: { id: '9', stamp: { version: 5, modified: null } } },
        }),
      ]),
    )
    await queue(['1'], 2)
    await queue(['9'], 6, 'right')
    const { items } = await claim()
    expect(items).toHaveLength(1)
    expect(items[0]?.pair).toMatchObject({ left: { id: '1' }, right: { id: '9', seen: { version: 5 } } })
    expect(items[0]?.due.map((row) => row.side).sort()).toEqual(['left', 'right'])
  })
})

describe('leases', () => {
  it('refuse intents when they have run out, and go to the next who asks after the grace', async () => {
    await queue(['1'])
    const late = await claim(1, 0, 0)
    await expect(recordIntents(late.token, ['left:1'])).rejects.toMatchObject({ code: 'lease-lost' })
    const next = await claim(1)
    expect(next.items.map((item) => item.key)).toEqual(['left:1'])
    await expect(lab.store.commit(commit(late.token, [done('left:1')]))).rejects.toMatchObject({ code: 'lease-lost' })
    await lab.store.commit(commit(next.token, [done('left:1', { seen: seen('1', 1) })]))
    expect(await lab.store.queueState(lab.linkId)).toMatchObject({ due: 0, leased: 0, waiting: 0 })
  })

  it('hold during the grace although the lease itself is over', async () => {
    await queue(['1'])
    await claim(1, 0, 60)
    expect((await claim(1)).items).toEqual([])
  })

  it('show open intents to whoever comes next', async () => {
    await queue(['1'])
    const first = await claim(1, 5, 0)
    await recordIntents(first.token, ['left:1'])
    await lab.database
      .sql`update claims set lease_until = now() - interval '1 second', grace_until = now() - interval '1 second'`
    const next = await claim(1)
    expect(next.items[0]?.intents).toMatchObject([{ action: 'create', side: 'right', sourceId: '1' }])
  })

  it('are given back without a trace', async () => {
    await queue(['1'])
    const { token } = await claim()
    await lab.store.release({ token })
    expect((await claim()).items).toHaveLength(1)
  })
})

/** What a record comes to that is created on the right, with a problem beside it. */
function createdWithProblem(id: string, intentId: string | null | undefined): ItemCommit {
  return done(`left:${id}`, {
    outcome: 'created',
    pair: { id: null, leftId: id, rightId: `9${id}` },
    base: {},
    written: ['right'],
    problems: [{ class: 'mapping', code: 'no-counterpart', message: 'It has none.', remedy: 'Give it one.' }],
    settled: [
      {
        intentId: intentId ?? '',
        outcome: 'applied',
        targetId: `9${id}`,
        stampAfter: { version: 1, modified: null },
        after: {},
        possibleOverwrite: false,
        foundByLooking: false,
      },
    ],
  })
}

describe('a commit', () => {
  it('reads what its records need and no more, though its plans were made while the tables were empty', async () => {
    const many = 3_000
    const one = openDatabase(lab.databaseUrl, { max: 1 })
    try {
      const store = createStore(one, { bridgeId: 'test' })
      const create = async (id: string) => {
        await queue([id])
        const { token } = await store.claim({ linkId: lab.linkId, runId, limit: 1, leaseSeconds: 60, graceSeconds: 15 })
        const intents = [createIntent(`left:${id}`, id)]
        const call = { token, linkId: lab.linkId, runId, version: 1, callId: randomUUID(), intents }
        const [intentId] = await store.recordIntents(call)
        await store.commit(commit(token, [createdWithProblem(id, intentId)]))
      }
      const rowsRead = async () => {
        await one.sql`select pg_stat_force_next_flush()`
        const rows = await one.sql<{ name: string; count: number }[]>`
          select relname as name, (seq_tup_read + coalesce(idx_tup_fetch, 0))::float as count from pg_stat_user_tables
          where relname in ('pairs', 'issues')`
        return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
      }
      // The database remembers that these are empty, as it does of a link before its first run.
      for (const table of ['pairs', 'issues']) await one.sql.unsafe(`vacuum analyze ${table}`)
      // From the sixth time on a connection keeps the plan that it has made.
      for (let id = 1; id <= 7; id++) await create(String(id))
      await one.sql`
        insert into pairs (endpoint_pair_id, entity_type, left_id, right_id, base)
        select endpoint_pair_id, entity_type, 'a' || n, 'b' || n, '{}' from pairs, generate_series(1, ${many}::int) n where left_id = '1'`
      await one.sql`
        insert into issues (link_id, key, class, code, message, remedy, first_run_id, last_run_id)
        select link_id, 'left:a' || n, class, code, message, remedy, first_run_id, last_run_id
        from issues, generate_series(1, ${many}::int) n where left_id = '1'`
      const before = await rowsRead()
      await create('8')
      const after = await rowsRead()
      for (const table of ['pairs', 'issues'])
        expect((after[table] ?? 0) - (before[table] ?? 0), table).toBeLessThan(100)
    } finally {
      await one.close()
    }
  })
})

it('a complete listing is compared with all pairs at once, though the database takes both for small', async () => {
  const spoken: { query: string; parameters: unknown[] }[] = []
  const debug = (_connection: number, query: string, parameters: unknown[]) => spoken.push({ query, parameters })
  const sql = postgres(lab.databaseUrl, { max: 1, debug })
  try {
    const store = createStore({ ...lab.database, sql }, { bridgeId: 'test' })
    const { linkId } = lab
    await sql`analyze pairs, absences, scan_listing`
    await sql`
      insert into pairs (endpoint_pair_id, entity_type, left_id, right_id, base)
      select endpoint_pair_id, 'defect', n, n, '{}' from links, generate_series(1, 3000) n where id = ${linkId}`
    const listing = await store.beginListing({ linkId, side: 'left', runId })
    const rows = Array.from({ length: 2_990 }, (_, index) => ({
      id: String(index + 1),
      stamp: { version: 1, modified: null },
    }))
    await store.recordScanPage({
      linkId,
      side: 'left',
      rows,
      createdFixed: true,
      reason: 'full-scan',
      runId,
      ...listing,
    })
    spoken.length = 0
    const mostAbsent = { count: 100, share: 1 }
    const ending = { ...listing, linkId, side: 'left', rows: rows.length, highestId: null, escaped: 0 } as const
    expect(await store.finishListing({ ...ending, graceSeconds: 0, mostAbsent })).toMatchObject({ absent: 10 })

    const compared = spoken.filter(({ query }) => query.includes('unnest(external_ids)'))
    expect(compared).toHaveLength(3)
    const plans = await sql.begin(async (tx) => {
      const found: string[] = []
      for (const { query, parameters } of [...spoken]) {
        if (query.includes('set_config')) await tx.unsafe(query, parameters as string[])
        if (!query.includes('unnest(external_ids)')) continue
        const plan = await tx.unsafe(`explain ${query}`, parameters as string[])
        found.push(plan.map((row) => String(row['QUERY PLAN'])).join('\n'))
      }
      return found
    })
    for (const plan of plans) expect(plan).not.toMatch(/Nested Loop|SubPlan/)
  } finally {
    await sql.end()
  }
})

describe('calls that are repeated because their answer was lost', () => {
  it('answer the same intents', async () => {
    await queue(['1'])
    const { token } = await claim()
    const callId = randomUUID()
    const ids = await recordIntents(token, ['left:1'], callId)
    expect(await recordIntents(token, ['left:1'], callId)).toEqual(ids)
    const [row] = await lab.database.sql<{ count: number }[]>`select count(*)::int from intents`
    expect(row?.count).toBe(1)
  })

  it('commit once', async () => {
    await queue(['1'])
    const { token } = await claim()
    const [intentId = ''] = await recordIntents(token, ['left:1'])
    const request = commit(token, [
      done('left:1', {
        outcome: 'created',
        pair: { id: null, leftId: '1', rightId: '9' },
        base: {},
        written: ['right'],
        settled: [
          {
            intentId: intentId ?? '',
            outcome: 'applied',
            targetId: '9',
            stampAfter: { version: 1, modified: null },
            after: {},
            possibleOverwrite: false,
            foundByLooking: false,
          },
        ],
      }),
    ])
    await lab.store.commit(request)
    await lab.store.commit(request)
    const [row] = await lab.database.sql<{ pairs: number; rows: number; created: number; intents: number }[]>`
      select (select count(*)::int from pairs) as pairs, (select count(*)::int from ledger where kind = 'write') as rows,
        (select (counters ->> 'createdRight')::int from runs where id = ${runId}) as created,
        (select count(*)::int from intents) as intents`
    expect(row).toEqual({ pairs: 1, rows: 1, created: 1, intents: 0 })
    expect(await verifyChain(lab.database, `link:${lab.linkId}`)).toMatchObject({ rows: 2, firstBreak: null })
  })
})

describe('a plan made under an older configuration', () => {
  it('is refused before anything is sent', async () => {
    await queue(['1'])
    const { token } = await claim()
    await lab.database.sql`
      insert into link_versions (link_id, version, configuration, author) select link_id, 2, configuration, 'test' from link_versions`
    await lab.database.sql`update links set version = 2`
    await expect(recordIntents(token, ['left:1'])).rejects.toMatchObject({ code: 'link-changed' })
  })
})

describe('one record in two pairs', () => {
  it('is refused whole, with nothing of the batch kept', async () => {
    await queue(['1', '2'])
    const { token } = await claim()
    const pairing = (leftId: string) =>
      done(`left:${leftId}`, { outcome: 'created', pair: { id: null, leftId, rightId: '9' }, base: {} })
    await expect(lab.store.commit(commit(token, [pairing('1'), pairing('2')]))).rejects.toThrow()
    const [row] = await lab.database.sql<{ count: number }[]>`select count(*)::int from pairs`
    expect(row?.count).toBe(0)
    expect(await lab.store.queueState(lab.linkId)).toMatchObject({ leased: 2 })
  })
})

describe('the ledger', () => {
  async function written(): Promise<void> {
    await queue(['1', '2', '3'])
    for (let round = 0; round < 3; round++) {
      const { token, items } = await claim(1)
      const key = items[0]?.key ?? ''
      const id = key.split(':')[1] ?? ''
      const [intentId = ''] = await recordIntents(token, [key])
      await lab.store.commit(
        commit(token, [
          done(key, {
            outcome: 'created',
            pair: { id: null, leftId: id, rightId: `9${id}` },
            base: {},
            settled: [
              {
                intentId: intentId ?? '',
                outcome: 'applied',
                targetId: `9${id}`,
                stampAfter: null,
                after: {},
                possibleOverwrite: false,
                foundByLooking: false,
              },
            ],
          }),
        ]),
      )
    }
  }

  it('cannot be changed or shortened', async () => {
    await written()
    for (const statement of [
      `update ledger set actor = 'nobody'`,
      'delete from ledger',
      'truncate ledger',
      'delete from ledger_entries',
      `update ledger_entries set hash = 'x'`,
    ])
      await expect(lab.database.sql.unsafe(statement), statement).rejects.toThrow(/append-only/i)
  })

  it('names the first row that somebody with all rights changed or took away, the last included', async () => {
    await written()
    const chain = `link:${lab.linkId}`
    const { sql } = lab.database
    // The first entry is the link's creation.
    expect(await verifyChain(lab.database, chain)).toMatchObject({ entries: 4, rows: 4, firstBreak: null })
    const tampered = async (statement: string) => {
      const seen: unknown[] = []
      await sql
        .begin(async (tx) => {
          await tx.unsafe(`set local session_replication_role = replica; ${statement}`)
          seen.push(await verifyChain({ ...lab.database, sql: tx as unknown as postgres.Sql }, chain))
          throw new Error('undo')
        })
        .catch((error: Error) => {
          if (error.message !== 'undo') throw error
        })
      return (seen[0] as { firstBreak: { seq: number } | null }).firstBreak?.seq ?? null
    }
    const row = (seq: number) =>
      `(select l.id from ledger l join ledger_entries e on e.id = l.entry_id where e.chain = '${chain}' and e.seq = ${seq})`
    expect(await tampered(`update ledger set actor = 'nobody' where id = ${row(2)}`)).toBe(2)
    expect(await tampered(`delete from ledger where id = ${row(4)}`)).toBe(4)
    expect(
      await tampered(
        `delete from ledger where id = ${row(4)}; delete from ledger_entries where chain = '${chain}' and seq = 4`,
      ),
    ).toBe(4)
    expect(
      await tampered(`update ledger_entries set at = at + interval '1 hour' where chain = '${chain}' and seq = 1`),
    ).toBe(1)
  })
})

describe('the database', () => {
  it('is migrated by three processes at the same time without harm', async () => {
    const name = `test_${randomUUID().slice(0, 8)}`
    const admin = postgres(inject('postgresUrl'), { max: 1, onnotice: () => undefined })
    const url = new URL(inject('postgresUrl'))
    url.pathname = `/${name}`
    try {
      await admin.unsafe(`create database ${name}`)
      await Promise.all([migrate(url.href), migrate(url.href), migrate(url.href)])
      const database = openDatabase(url.href)
      const [row] = await database.sql<{ count: number }[]>`select count(*)::int from drizzle.__drizzle_migrations`
      await database.close()
      expect(row?.count).toBe(journal.entries.length)
    } finally {
      await admin.unsafe(`drop database if exists ${name} with (force)`)
      await admin.end()
    }
  })

  it('is called unavailable when it is away, without its address or password', async () => {
    const away = openDatabase('postgres://tandem:hunter2@127.0.0.1:1/tandem')
    const store = createStore(away, { bridgeId: 'test' })
    const error = await store.queueState(lab.linkId).catch((one: unknown) => one)
    await away.close()
    expect(error).toMatchObject({ name: 'StoreError', code: 'unavailable' })
    expect(`${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`).not.toContain('hunter2')
  })

  it('puts no value of a record into its errors', async () => {
    await queue(['1'])
    const { token } = await claim()
    const secret = 'a very private title'
    const error = await lab.store
      .recordIntents({
        token,
        linkId: lab.linkId,
        runId,
        version: 1,
        callId: 'not a uuid',
        intents: [{ ...createIntent('left:1', '1'), sourceId: secret }],
      })
      .catch((one: unknown) => one)
    expect(error).toBeInstanceOf(Error)
    const told = `${String(error)} ${JSON.stringify(error)} ${(error as Error).stack} ${String((error as Error).cause)}`
    expect(told).not.toContain(secret)
  })
})
