import { randomBytes, randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { ledgerOrigin, ledgerRoot, ledgerRowHash, wholeRowMark } from '../core/ledger-hash.ts'
import type { Side } from '../core/values.ts'
import { type Database, named } from './connection.ts'

/** One row of the ledger before it is written; `content` is what the salted hash covers and what may be erased later. */
export interface LedgerRow {
  kind: 'write' | 'decision' | 'command'
  action: string
  linkId: string | null
  pairId?: string | null
  key?: string | null
  side?: Side | null
  leftId?: string | null
  rightId?: string | null
  content: Record<string, unknown>
  /** The content is the intent's own fields and stamp before: they are taken from its row, which goes with that. */
  fromIntent?: boolean
  actor: string
  bridge?: string | null
  build?: string | null
  version?: number | null
  runId?: string | null
  intentId?: string | null
  workflowId?: string | null
  temporalRunId?: string | null
  foundByLooking?: boolean
  possibleOverwrite?: boolean
}

/** The chain of a link; what belongs to no link has the site's. */
export function chainOf(linkId: string | null): string {
  return linkId === null ? 'site' : `link:${linkId}`
}

/** Columns that the rows of one entry nearly always share: they are sent once. */
const sharedColumns = [
  'link_id',
  'actor',
  'bridge',
  'build',
  'version',
  'run_id',
  'workflow_id',
  'temporal_run_id',
] as const
type SharedColumn = (typeof sharedColumns)[number]
const saltBytes = 12

/** Appends rows as one entry of a chain. The last thing of a transaction: it locks the chain's head until that ends. */
export async function appendLedger(
  tx: postgres.TransactionSql,
  chain: string,
  rows: readonly LedgerRow[],
): Promise<void> {
  await Promise.all(await ledgerEntry(tx, chain, rows))
}

/**
 * Appends rows as one entry of a chain, but for the statements that seal it: they lock the chain's head until the
 * transaction ends, and are answered to be the last things sent, in this order.
 */
export async function ledgerEntry(
  tx: postgres.TransactionSql,
  chain: string,
  rows: readonly LedgerRow[],
): Promise<postgres.PendingQuery<postgres.Row[]>[]> {
  if (rows.length === 0) return []
  const entryId = randomUUID()
  const random = randomBytes(saltBytes * rows.length)
  const hashes: string[] = []
  const written = rows.map((row, position) => {
    const salt = random.subarray(position * saltBytes, (position + 1) * saltBytes).toString('base64url')
    const hash = ledgerRowHash(salt, hashedContent(row, position))
    hashes.push(hash)
    const own: Record<SharedColumn, string | number | null> = {
      link_id: row.linkId,
      actor: row.actor,
      bridge: row.bridge ?? null,
      build: row.build ?? null,
      version: row.version ?? null,
      run_id: row.runId ?? null,
      workflow_id: row.workflowId ?? null,
      temporal_run_id: row.temporalRunId ?? null,
    }
    return { row, position, salt, hash, own }
  })
  const shared: Partial<Record<SharedColumn, string | number | null>> = {}
  for (const column of sharedColumns) {
    const first = written[0]?.own[column] ?? null
    if (written.every(({ own }) => own[column] === first)) shared[column] = first
  }
  const sent = written.map(({ row, position, salt, hash, own }) => ({
    position,
    kind: row.kind,
    action: row.action,
    pair_id: row.pairId ?? undefined,
    key: row.key ?? undefined,
    side: row.side ?? undefined,
    left_id: row.leftId ?? undefined,
    right_id: row.rightId ?? undefined,
    ...(row.fromIntent === true ? { stamp_after: row.content.stampAfter } : { content: row.content }),
    intent_id: row.intentId ?? undefined,
    found_by_looking: row.foundByLooking ?? undefined,
    possible_overwrite: row.possibleOverwrite ?? undefined,
    salt,
    row_hash: hash,
    ...Object.fromEntries(sharedColumns.flatMap((name) => (name in shared ? [] : [[name, own[name]]]))),
  }))
  const intents = rows.flatMap((row) => (row.fromIntent === true ? (row.intentId ?? []) : []))
  const root = ledgerRoot(hashes)
  // An intent that is not there any more leaves a row without content, which the table refuses.
  await tx`
    with intended as (
      delete from intents where id = any(${tx.array(intents)}::uuid[]) returning id, fields, stamp_before
    )
    insert into ledger (id, entry_id, chain, position, kind, action, link_id, pair_id, key, side, left_id, right_id, content,
      actor, bridge, build, version, run_id, intent_id, workflow_id, temporal_run_id, found_by_looking,
      possible_overwrite, salt, row_hash)
    select gen_random_uuid(), ${entryId}::uuid, ${chain}, r.position, r.kind, r.action, coalesce(r.link_id, ${shared.link_id ?? null}),
      r.pair_id, r.key, r.side, r.left_id, r.right_id,
      case when i.id is null then r.content
        else jsonb_build_object('fields', i.fields, 'stampBefore', i.stamp_before, 'stampAfter', r.stamp_after) end,
      coalesce(r.actor, ${shared.actor ?? null}), coalesce(r.bridge, ${shared.bridge ?? null}),
      coalesce(r.build, ${shared.build ?? null}), coalesce(r.version, ${shared.version ?? null}::int),
      coalesce(r.run_id, ${shared.run_id ?? null}), r.intent_id, coalesce(r.workflow_id, ${shared.workflow_id ?? null}),
      coalesce(r.temporal_run_id, ${shared.temporal_run_id ?? null}), coalesce(r.found_by_looking, false),
      coalesce(r.possible_overwrite, false), r.salt, r.row_hash
    from jsonb_to_recordset(${tx.json(sent as unknown as postgres.JSONValue)}) as r(position int, kind text, action text,
      link_id uuid, pair_id uuid, key text, side text, left_id text, right_id text, content jsonb, stamp_after jsonb,
      actor text, bridge text, build text, version int, run_id uuid, intent_id uuid, workflow_id text,
      temporal_run_id text, found_by_looking boolean, possible_overwrite boolean, salt text, row_hash text)
    left join intended i on i.id = r.intent_id`
  return [
    tx`insert into ledger_heads (chain, seq, hash) values (${chain}, 0, ${ledgerOrigin}) on conflict do nothing`,
    tx`
    with head as (
      select seq, hash from ledger_heads where chain = ${chain} for update
    ), next as (
      select seq + 1 as seq, hash as previous_hash, clock_timestamp() as at from head
    ), entry as (
      select *, ${wholeRowMark}::text || encode(sha256(convert_to(seq || '|' || previous_hash || '|' || ${root}::text || '|' || ${rows.length}::int || '|' ||
        to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '|' ||
        to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8')), 'hex') as hash from next
    ), written as (
      insert into ledger_entries (chain, seq, id, at, previous_hash, root, rows, hash)
      select ${chain}, seq, ${entryId}::uuid, at, previous_hash, ${root}, ${rows.length}, hash from entry
    )
    update ledger_heads h set seq = entry.seq, hash = entry.hash from entry where h.chain = ${chain}`,
  ]
}

function hashedContent(row: LedgerRow, position: number): Record<string, unknown> {
  return {
    position,
    kind: row.kind,
    action: row.action,
    linkId: row.linkId,
    pairId: row.pairId ?? null,
    key: row.key ?? null,
    side: row.side ?? null,
    leftId: row.leftId ?? null,
    rightId: row.rightId ?? null,
    content: row.content,
    actor: row.actor,
    bridge: row.bridge ?? null,
    build: row.build ?? null,
    version: row.version ?? null,
    runId: row.runId ?? null,
    intentId: row.intentId ?? null,
    workflowId: row.workflowId ?? null,
    temporalRunId: row.temporalRunId ?? null,
    foundByLooking: row.foundByLooking ?? false,
    possibleOverwrite: row.possibleOverwrite ?? false,
  }
}

export interface LedgerListItem {
  id: string
  at: string
  kind: LedgerRow['kind']
  action: string
  side: Side | null
  leftId: string | null
  rightId: string | null
  content: Record<string, unknown>
  actor: string
  bridge: string | null
  build: string | null
  version: number | null
  runId: string | null
  foundByLooking: boolean
  possibleOverwrite: boolean
}

/**
 * Ledger rows, newest first, after a cursor `(at, id)`. Times in cursors are sent as text: the client would make dates of
 * them and lose the microseconds, and with them the rest of the rows of that time.
 */
export async function listLedger(
  { sql }: Database,
  input: {
    linkId?: string
    runId?: string
    leftId?: string
    rightId?: string
    limit: number
    before?: { at: string; id: string }
  },
): Promise<LedgerListItem[]> {
  return named(
    'list ledger',
    () => sql<LedgerListItem[]>`
      select id, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, kind, action, side, left_id as "leftId",
        right_id as "rightId", content, actor, bridge, build, version, run_id as "runId",
        found_by_looking as "foundByLooking", possible_overwrite as "possibleOverwrite"
      from ledger
      where ${input.linkId === undefined ? sql`true` : sql`link_id = ${input.linkId}`}
        and ${input.runId === undefined ? sql`true` : sql`run_id = ${input.runId}`}
        and ${input.leftId === undefined ? sql`true` : sql`left_id = ${input.leftId}`}
        and ${input.rightId === undefined ? sql`true` : sql`right_id = ${input.rightId}`}
        and ${input.before === undefined ? sql`true` : sql`(at, id) < (${input.before.at}::text::timestamptz, ${input.before.id}::uuid)`}
      order by ledger.at desc, ledger.id desc limit ${input.limit}`,
  )
}

/** Makes the partitions of this month and the next; called at every start and daily. */
export async function ensurePartitions({ sql }: Database): Promise<void> {
  await named('ensure partitions', () =>
    sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(7263002)`
      for (const ahead of [0, 1]) {
        const [month] = await tx<{ name: string; first: string; next: string; exists: boolean }[]>`
          with m as (select date_trunc('month', now() at time zone 'UTC') + make_interval(months => ${ahead}) as start)
          select 'ledger_' || to_char(start, 'YYYY_MM') as name, to_char(start, 'YYYY-MM-DD') as first,
            to_char(start + interval '1 month', 'YYYY-MM-DD') as next,
            to_regclass('ledger_' || to_char(start, 'YYYY_MM')) is not null as exists from m`
        if (month === undefined || month.exists) continue
        const [misplaced] = await tx<{ any: boolean }[]>`
          select exists (select 1 from ledger_default
            where at >= ${`${month.first} 00:00+00`}::timestamptz and at < ${`${month.next} 00:00+00`}::timestamptz) as any`
        // Rows that fell into the default partition keep their month there: they cannot be moved in an append-only table.
        if (misplaced?.any === true) continue
        await tx.unsafe(
          `create table if not exists ${month.name} partition of ledger for values from ('${month.first} 00:00+00') to ('${month.next} 00:00+00')`,
        )
        // Triggers per row come with the partition, the one against emptying it does not.
        await tx.unsafe(
          `create or replace trigger ledger_no_truncate before truncate on ${month.name} for each statement execute function ledger_is_append_only()`,
        )
        await tx.unsafe(`revoke update, delete, truncate on ${month.name} from current_user`)
      }
    }),
  )
}
