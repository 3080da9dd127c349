import type postgres from 'postgres'
import type { CommitRequest } from '../core/commits.ts'
import { type ConflictDecision, type ConflictKind, decisionRefusal, type FieldConflict } from '../core/conflicts.ts'
import { linkConfiguration } from '../core/link-config.ts'
import type { CanonicalValue, Side } from '../core/values.ts'
import { type Database, named } from './connection.ts'
import { appendLedger, chainOf, type LedgerRow } from './ledger.ts'

type Tx = postgres.TransactionSql

/** A field that waits for a person, or has waited. */
export interface ConflictRow {
  id: string
  linkId: string
  mappingId: string
  kind: ConflictKind
  leftId: string
  rightId: string
  base: FieldConflict['base']
  left: CanonicalValue
  right: CanonicalValue
  revision: number
  firstSeen: string
  lastSeen: string
  /** Since when both values are what they are. */
  valuesSince: string
  /** When the link takes the value of a side by itself; null: it does not, or it is decided. */
  decidesItself: { at: string; take: Side } | null
  decision: { choose: string; value: CanonicalValue; side: Side; actor: string; reason: string } | null
  decidedAt: string | null
  resolvedAt: string | null
  resolution: 'decided' | 'over' | null
}

/**
 * Opens, moves on and closes the conflicts of a batch, inside its commit. A decision stands while both values are as the
 * person saw them; otherwise the conflict is open again with the new values. Answers the ledger rows that say so.
 */
export async function saveConflicts(
  tx: Tx,
  request: CommitRequest,
  pairIds: ReadonlyMap<string, string>,
): Promise<LedgerRow[]> {
  const judged = request.items.flatMap((item) => {
    const pairId = pairIds.get(item.key)
    return item.conflicts === null || pairId === undefined ? [] : [{ pairId, item, ...item.conflicts }]
  })
  if (judged.length === 0) return []
  const open = judged.flatMap(({ pairId, open: fields }) =>
    fields.map((field) => ({
      pair_id: pairId,
      mapping_id: field.mappingId,
      kind: field.kind,
      base: field.base,
      left_value: field.left,
      right_value: field.right,
      left_hash: field.leftHash,
      right_hash: field.rightHash,
    })),
  )
  const names = (pick: 'deciding' | 'consumed' | 'decided') =>
    judged.flatMap((one) => one[pick].map((mappingId) => ({ pair_id: one.pairId, mapping_id: mappingId })))
  const rowsOf = (value: unknown) => tx.json(value as postgres.JSONValue)
  const ids = tx.array(judged.map((one) => one.pairId))
  // What is used up, and what is in none of the lists any more, is over; then the rest is opened or moved on.
  await tx`
    update conflicts c set resolved_at = now(), resolution = case when c.decision is not null and (c.pair_id, c.mapping_id) in (
        select pair_id, mapping_id from jsonb_to_recordset(${rowsOf(names('decided'))}) as r(pair_id uuid, mapping_id text))
      then 'decided' else 'over' end
    where c.pair_id = any(${ids}::uuid[]) and c.link_id = ${request.linkId} and c.resolved_at is null and (
      (c.decision is not null and (c.pair_id, c.mapping_id) in (
        select pair_id, mapping_id from jsonb_to_recordset(${rowsOf(names('consumed'))}) as r(pair_id uuid, mapping_id text)))
      or (c.pair_id, c.mapping_id) not in (
        select pair_id, mapping_id
        from jsonb_to_recordset(${rowsOf([...open, ...names('deciding')])}) as r(pair_id uuid, mapping_id text)))`
  if (open.length === 0) return []
  const told = await tx<{ pair_id: string; mapping_id: string; id: string; revision: number; reopened: boolean }[]>`
    with seen as (
      select * from jsonb_to_recordset(${rowsOf(open)}) as r(pair_id uuid, mapping_id text, kind text, base jsonb,
        left_value jsonb, right_value jsonb, left_hash text, right_hash text)
    ), before as (
      select c.id, c.decision is not null and (c.left_hash, c.right_hash) <> (s.left_hash, s.right_hash) as reopened
      from conflicts c join seen s on s.pair_id = c.pair_id and s.mapping_id = c.mapping_id where c.resolved_at is null
    ), saved as (
      insert into conflicts (link_id, pair_id, mapping_id, kind, base, left_value, right_value, left_hash, right_hash)
      select ${request.linkId}, pair_id, mapping_id, kind, base, left_value, right_value, left_hash, right_hash from seen
      on conflict (pair_id, mapping_id) where resolved_at is null do update set
        link_id = excluded.link_id, kind = excluded.kind, base = excluded.base, left_value = excluded.left_value,
        right_value = excluded.right_value, left_hash = excluded.left_hash, right_hash = excluded.right_hash,
        last_seen = now(),
        values_since = case when (conflicts.left_hash, conflicts.right_hash)
          = (excluded.left_hash, excluded.right_hash) then conflicts.values_since else now() end,
        revision = conflicts.revision + case when (conflicts.left_hash, conflicts.right_hash)
          = (excluded.left_hash, excluded.right_hash) then 0 else 1 end,
        decision = case when (conflicts.left_hash, conflicts.right_hash)
          = (excluded.left_hash, excluded.right_hash) then conflicts.decision end,
        decided_at = case when (conflicts.left_hash, conflicts.right_hash)
          = (excluded.left_hash, excluded.right_hash) then conflicts.decided_at end
      returning id, pair_id, mapping_id, revision
    )
    select s.*, coalesce(b.reopened, false) as reopened from saved s left join before b on b.id = s.id`
  return told
    .filter((row) => row.reopened)
    .map((row) => {
      const item = judged.find((one) => one.pairId === row.pair_id)?.item
      return {
        kind: 'decision',
        action: 'conflict-reopened',
        linkId: request.linkId,
        pairId: row.pair_id,
        key: item?.key ?? null,
        leftId: item?.pair?.leftId ?? null,
        rightId: item?.pair?.rightId ?? null,
        content: { conflictId: row.id, mappingId: row.mapping_id, revision: row.revision },
        actor: 'tandem',
        bridge: request.bridge,
        build: request.build,
        version: request.version,
        runId: request.runId,
      }
    })
}

/** The conflict `c` is one that time may decide: an endpoint that alters what is written would do so again. */
export function waitsForAnybody(sql: postgres.ISql) {
  return sql`c.resolved_at is null and c.decision is null and c.kind <> 'frozen'`
}

const shownTime = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'

function selected(sql: postgres.Sql | Tx) {
  return sql`
    c.id, c.link_id as "linkId", c.mapping_id as "mappingId", c.kind, p.left_id as "leftId", p.right_id as "rightId", c.base,
    c.left_value as left, c.right_value as right, c.revision, c.decision,
    to_char(c.first_seen at time zone 'UTC', ${shownTime}) as "firstSeen",
    to_char(c.last_seen at time zone 'UTC', ${shownTime}) as "lastSeen",
    to_char(c.values_since at time zone 'UTC', ${shownTime}) as "valuesSince",
    case when ${waitsForAnybody(sql)} then (
      select jsonb_build_object('take', v.configuration #> '{unanswered,take}', 'at', to_char(
        (c.values_since + make_interval(days => (v.configuration #>> '{unanswered,afterDays}')::int)) at time zone 'UTC', ${shownTime}))
      from links l join link_versions v on v.link_id = l.id and v.version = l.version
      where l.id = c.link_id and jsonb_typeof(v.configuration -> 'unanswered') = 'object') end as "decidesItself",
    to_char(c.decided_at at time zone 'UTC', ${shownTime}) as "decidedAt",
    to_char(c.resolved_at at time zone 'UTC', ${shownTime}) as "resolvedAt", c.resolution`
}

export interface ConflictFilter {
  linkId?: string
  open?: boolean
  kind?: ConflictKind
  mappingId?: string
  leftId?: string
  rightId?: string
  /** True: a decision is to be carried out; false: nobody has decided. */
  decided?: boolean
  /** Its values are what they are for at least so many days. */
  waitingDays?: number
}

/** Conflicts, newest first, after a cursor `(firstSeen, id)`. */
export async function listConflicts(
  { sql }: Database,
  input: ConflictFilter & { limit: number; before?: { at: string; id: string } },
): Promise<ConflictRow[]> {
  const { linkId, open, kind, mappingId, leftId, rightId, decided, waitingDays, before } = input
  const all = [
    sql`true`,
    ...(linkId === undefined ? [] : [sql`c.link_id = ${linkId}`]),
    ...(open === undefined ? [] : [open ? sql`c.resolved_at is null` : sql`c.resolved_at is not null`]),
    ...(kind === undefined ? [] : [sql`c.kind = ${kind}`]),
    ...(mappingId === undefined ? [] : [sql`c.mapping_id = ${mappingId}`]),
    ...(leftId === undefined ? [] : [sql`p.left_id = ${leftId}`]),
    ...(rightId === undefined ? [] : [sql`p.right_id = ${rightId}`]),
    ...(decided === undefined ? [] : [decided ? sql`c.decision is not null` : sql`c.decision is null`]),
    ...(waitingDays === undefined ? [] : [sql`c.values_since <= now() - make_interval(days => ${waitingDays})`]),
    ...(before === undefined
      ? []
      : [sql`(c.first_seen, c.id) < (${before.at}::text::timestamptz, ${before.id}::uuid)`]),
  ]
  return named(
    'list conflicts',
    () => sql<ConflictRow[]>`
      select ${selected(sql)} from conflicts c join pairs p on p.id = c.pair_id
      where ${all.map((one, index) => (index === 0 ? one : sql`and ${one}`))}
      order by c.first_seen desc, c.id desc limit ${input.limit}`,
  )
}

export async function getConflict({ sql }: Database, linkId: string, id: string): Promise<ConflictRow | null> {
  const [row] = await named(
    'get conflict',
    () => sql<ConflictRow[]>`
      select ${selected(sql)} from conflicts c join pairs p on p.id = c.pair_id
      where c.link_id = ${linkId} and c.id = ${id}`,
  )
  return row ?? null
}

/** Open conflicts of frozen fields of one record, all or of one mapping. */
export async function frozenConflicts(
  { sql }: Database,
  input: { linkId: string; side: Side; recordId: string; mappingId?: string },
): Promise<{ id: string; revision: number }[]> {
  return named(
    'frozen fields',
    () => sql<{ id: string; revision: number }[]>`
      select c.id, c.revision from conflicts c join pairs p on p.id = c.pair_id
      where c.link_id = ${input.linkId} and c.resolved_at is null and c.kind = 'frozen'
        and ${input.side === 'left' ? sql`p.left_id` : sql`p.right_id`} = ${input.recordId}
        and ${input.mappingId === undefined ? sql`true` : sql`c.mapping_id = ${input.mappingId}`}`,
  )
}

/** What became of one decision. */
export interface DecisionOutcome {
  id: string
  /**
   * `moved`: the values are not those of the revision named, or somebody has decided since. `busy`: an earlier decision is being carried out just now.
   * `refused`: the configuration does not let the field flow that way.
   */
  state: 'decided' | 'moved' | 'closed' | 'busy' | 'refused' | 'unknown'
  /** Why it was refused, for people; null otherwise. */
  message: string | null
  conflict: ConflictRow | null
}

/**
 * Records decisions about conflicts, each on its own: a ledger row with actor and reason, and the record due at once. What
 * is decided is carried out by the next look at the record, while both sides are as the person saw them. A decision raises
 * the revision, so that of two people who saw the same only the first is followed and the other one is told.
 */
export async function decideConflicts(
  { sql }: Database,
  input: {
    linkId: string
    conflicts: readonly { id: string; revision: number }[]
    choose: ConflictDecision['choose']
    value: CanonicalValue
    side: Side
    reason: string
    actor: string
  },
): Promise<DecisionOutcome[]> {
  const { linkId, choose, value, side, reason, actor } = input
  return named('decide conflicts', () =>
    sql.begin(async (tx) => {
      const ids = tx.array(input.conflicts.map((one) => one.id))
      const rows = await tx<(ConflictRow & { pairId: string })[]>`
        select ${selected(tx)}, c.pair_id as "pairId"
        from conflicts c join pairs p on p.id = c.pair_id
        where c.link_id = ${linkId} and c.id = any(${ids}::uuid[]) order by c.id for update of c`
      const found = new Map(rows.map((row) => [row.id, row]))
      // Asked once the conflicts are locked: a claim that took an earlier decision along holds them as well, and is seen now.
      const claims = await tx<{ pairId: string }[]>`
        select p.id as "pairId" from unnest(${tx.array([...new Set(rows.map((row) => row.pairId))])}::uuid[]) as p(id)
        where exists (
          select 1 from claims l where l.link_id = ${linkId} and l.key = 'pair:' || p.id and l.grace_until >= now())`
      const claimed = new Set(claims.map((row) => row.pairId))
      const [newest] = await tx<{ configuration: unknown }[]>`
        select v.configuration from links l join link_versions v on v.link_id = l.id and v.version = l.version
        where l.id = ${linkId}`
      const configuration = linkConfiguration.parse(newest?.configuration)
      const outcomes = input.conflicts.map(({ id, revision }): DecisionOutcome & { pairId: string | null } => {
        const row = found.get(id)
        if (row === undefined) return { id, state: 'unknown', message: null, conflict: null, pairId: null }
        const { pairId, ...conflict } = row
        const message = decisionRefusal(configuration, conflict, { choose, value, side })
        const state =
          conflict.resolvedAt !== null
            ? 'closed'
            : conflict.revision !== revision
              ? 'moved'
              : conflict.decision !== null && claimed.has(pairId)
                ? 'busy'
                : message !== null
                  ? 'refused'
                  : 'decided'
        return { id, state, message: state === 'refused' ? message : null, conflict, pairId }
      })
      const decided = outcomes.filter((one) => one.state === 'decided')
      if (decided.length > 0) {
        const decision = { choose, value: choose === 'value' ? value : null, side, actor, reason }
        await tx`
          update conflicts set decision = ${tx.json(decision as unknown as postgres.JSONValue)}, decided_at = now(),
            revision = revision + 1
          where id = any(${tx.array(decided.map((one) => one.id))}::uuid[])`
        await tx`
          insert into pending (link_id, side, external_id, reason)
          select ${linkId}::uuid, 'left', p.left_id, 'retry' from pairs p
          where p.id = any(${tx.array(decided.map((one) => one.pairId ?? ''))}::uuid[]) order by p.left_id
          on conflict (link_id, side, external_id) do update set
            revision = pending.revision + 1, next_attempt_at = least(pending.next_attempt_at, now()), attempts = 0`
        await appendLedger(
          tx,
          chainOf(linkId),
          decided.map(({ id, pairId, conflict }) => ({
            kind: 'decision',
            action: 'resolve-conflict',
            linkId,
            pairId,
            leftId: conflict?.leftId ?? null,
            rightId: conflict?.rightId ?? null,
            content: {
              conflictId: id,
              mappingId: conflict?.mappingId,
              revision: conflict?.revision,
              choose,
              ...(choose === 'value' ? { value, side } : {}),
              left: conflict?.left,
              right: conflict?.right,
              reason,
            },
            actor,
          })),
        )
      }
      return outcomes.map(({ pairId: _pairId, ...one }) => one)
    }),
  )
}
