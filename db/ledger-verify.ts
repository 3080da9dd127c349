import type postgres from 'postgres'
import { ledgerEntryHash, ledgerOrigin, ledgerRoot, ledgerRowHash, wholeRowMark } from '../core/ledger-hash.ts'
import type { CheckedSeal } from '../core/ledger-seal.ts'
import { type Database, named } from './connection.ts'

/** What is wrong with a chain, or that nothing is; the first break is named. */
export interface ChainReport {
  chain: string
  entries: number
  rows: number
  /** Entries up to here are covered by a seal. */
  sealedUpTo: number
  firstBreak: { seq: number; rowId: string | null; reason: string } | null
}

interface EntryRow {
  seq: number
  id: string
  at: string
  previous_hash: string
  root: string
  rows: number
  hash: string
}

interface VerifiedRow {
  id: string
  entry_id: string
  position: number
  rows_at: string
  kind: string
  action: string
  link_id: string | null
  pair_id: string | null
  key: string | null
  side: string | null
  left_id: string | null
  right_id: string | null
  content: unknown
  actor: string
  bridge: string | null
  build: string | null
  version: number | null
  run_id: string | null
  intent_id: string | null
  workflow_id: string | null
  temporal_run_id: string | null
  found_by_looking: boolean
  possible_overwrite: boolean
  salt: string
  row_hash: string
}

/**
 * Recomputes a chain from its rows and names the first changed, missing or added one. With seals also what a consistent
 * forgery would hide: a tail cut off together with its head, or a chain written anew.
 */
export async function verifyChain(
  { sql }: Pick<Database, 'sql'>,
  chain: string,
  seals: readonly CheckedSeal[] = [],
): Promise<ChainReport> {
  return named('verify ledger', async () => {
    const report: ChainReport = { chain, entries: 0, rows: 0, sealedUpTo: 0, firstBreak: null }
    const fail = (seq: number, rowId: string | null, reason: string) => ({
      ...report,
      firstBreak: { seq, rowId, reason },
    })
    const waiting = [...seals].sort((a, b) => a.seq - b.seq)
    let previous: string = ledgerOrigin
    let expected = 1
    const entries = sql<EntryRow[]>`
      select seq::int, id, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, previous_hash, root, rows, hash
      from ledger_entries where chain = ${chain} order by seq`.cursor(200)
    for await (const batch of entries) {
      const rows = await sql<VerifiedRow[]>`
        select *, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as rows_at
        from ledger where entry_id = any(${sql.array(batch.map((entry) => entry.id))}::uuid[]) order by entry_id, position, id`
      const byEntry = new Map<string, VerifiedRow[]>()
      for (const row of rows) {
        const list = byEntry.get(row.entry_id)
        if (list === undefined) byEntry.set(row.entry_id, [row])
        else list.push(row)
      }
      for (const entry of batch) {
        if (entry.seq !== expected) return fail(expected, null, `entry ${expected} is missing`)
        const broken = brokenEntry(entry, byEntry.get(entry.id) ?? [], previous)
        if (broken !== null) return fail(entry.seq, broken.rowId, broken.reason)
        while (waiting[0] !== undefined && waiting[0].seq <= entry.seq) {
          const seal = waiting.shift()
          if (seal === undefined) break
          const from = Math.min(report.sealedUpTo + 1, entry.seq)
          if (seal.fault !== null) return fail(from, null, seal.fault)
          if (seal.hash !== entry.hash || seal.rows !== report.rows + entry.rows)
            return fail(
              from,
              null,
              `entries ${from} to ${seal.seq} are not those that were sealed on ${seal.day}: the chain was written anew from one of them on`,
            )
          report.sealedUpTo = entry.seq
        }
        report.entries++
        report.rows += entry.rows
        previous = entry.hash
        expected++
      }
    }
    const last = waiting.at(-1)
    if (last !== undefined)
      return fail(
        expected,
        null,
        last.fault ?? `entry ${expected} is missing: the chain was sealed up to entry ${last.seq} on ${last.day}`,
      )
    const [head] = await sql<
      { seq: number; hash: string }[]
    >`select seq::int, hash from ledger_heads where chain = ${chain}`
    if (head === undefined && expected > 1) return fail(expected, null, 'the head of the chain is missing')
    if (head !== undefined && (head.seq !== expected - 1 || head.hash !== previous))
      return fail(expected, null, `the chain ends at ${expected - 1}, its head says ${head.seq}`)
    const stray = await strayRow(sql, chain)
    if (stray !== undefined) return fail(expected, stray, 'the row belongs to no entry of the chain')
    return report
  })
}

function brokenEntry(
  entry: EntryRow,
  own: readonly VerifiedRow[],
  previous: string,
): { rowId: string | null; reason: string } | null {
  if (entry.previous_hash !== previous) return { rowId: null, reason: 'the entry does not follow the one before' }
  for (const [index, row] of own.entries()) {
    if (row.position > index || row.position < 0)
      return { rowId: null, reason: `row ${index + 1} of the ${entry.rows} of the entry is missing` }
    if (row.position < index || index >= entry.rows) return { rowId: row.id, reason: 'the row was added' }
    const mark = row.row_hash.startsWith(wholeRowMark) ? wholeRowMark : ''
    if (ledgerRowHash(row.salt, contentOf(row, mark), mark) !== row.row_hash)
      return { rowId: row.id, reason: 'the row was changed' }
  }
  if (own.length < entry.rows)
    return { rowId: null, reason: `row ${own.length + 1} of the ${entry.rows} of the entry is missing` }
  const rowsAt = entry.hash.startsWith(wholeRowMark) ? (own[0]?.rows_at ?? '') : null
  const moved = rowsAt === null ? undefined : own.find((row) => row.rows_at !== rowsAt)
  if (moved !== undefined) return { rowId: moved.id, reason: 'the time of the row was changed' }
  if (ledgerRoot(own.map((row) => row.row_hash)) !== entry.root)
    return { rowId: null, reason: 'the rows are not those that were written' }
  const { seq, root, rows, at } = entry
  return ledgerEntryHash({ seq, previousHash: previous, root, rows, at, rowsAt }) === entry.hash
    ? null
    : { rowId: null, reason: 'the entry, or the time of its rows, was changed' }
}

function contentOf(row: VerifiedRow, mark: string): Record<string, unknown> {
  const first = {
    kind: row.kind,
    action: row.action,
    linkId: row.link_id,
    pairId: row.pair_id,
    side: row.side,
    leftId: row.left_id,
    rightId: row.right_id,
    content: row.content,
    actor: row.actor,
    runId: row.run_id,
    intentId: row.intent_id,
  }
  if (mark === '') return first
  return {
    ...first,
    position: row.position,
    key: row.key,
    bridge: row.bridge,
    build: row.build,
    version: row.version,
    workflowId: row.workflow_id,
    temporalRunId: row.temporal_run_id,
    foundByLooking: row.found_by_looking,
    possibleOverwrite: row.possible_overwrite,
  }
}

async function strayRow(sql: postgres.Sql, chain: string): Promise<string | undefined> {
  const [, linkId] = chain.split(':')
  const [row] = await sql<{ id: string }[]>`
    select l.id from ledger l left join ledger_entries e on e.id = l.entry_id and e.chain = l.chain
    where ${linkId === undefined ? sql`l.link_id is null` : sql`l.link_id = ${linkId}`} and e.id is null order by l.at, l.id limit 1`
  return row?.id
}

/** Every chain that there is, or that a seal says there was. */
export async function listChains(
  { sql }: Pick<Database, 'sql'>,
  sealed: readonly { chain: string }[],
): Promise<string[]> {
  const rows = await named(
    'list chains',
    () => sql<{ chain: string }[]>`
      select chain from ledger_heads
      union (with recursive known as (
        (select chain from ledger_entries order by chain limit 1)
        union all
        select (select e.chain from ledger_entries e where e.chain > known.chain order by e.chain limit 1) from known where known.chain is not null
      ) select chain from known where chain is not null)`,
  )
  return [...new Set([...rows, ...sealed].map((row) => row.chain))].sort()
}
