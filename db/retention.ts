import type postgres from 'postgres'
import { defaultRetention, type Retention, retentionParts } from '../core/retention.ts'
import { type Database, named } from './connection.ts'
import { defaultEndpointBatches } from './installation.ts'
import { appendLedger, chainOf } from './ledger.ts'

export async function getRetention({ sql }: Pick<Database, 'sql'>): Promise<Retention> {
  const [row] = await named(
    'retention',
    () => sql<{ retention: Partial<Retention> }[]>`select retention from installation`,
  )
  return { ...defaultRetention, ...row?.retention }
}

/** Changes how long some things are kept; the next clean-up goes by it. The change stands in the ledger. */
export async function setRetention({ sql }: Database, change: Partial<Retention>, actor: string): Promise<void> {
  await named('set retention', () =>
    sql.begin(async (tx) => {
      await tx`
        insert into installation (one, endpoint_batches, retention) values (true, ${defaultEndpointBatches}, ${tx.json({ ...change })})
        on conflict (one) do update set retention = installation.retention || excluded.retention`
      await appendLedger(tx, chainOf(null), [
        { kind: 'command', action: 'retention changed', linkId: null, content: { ...change }, actor },
      ])
    }),
  )
}

export interface CleanUp {
  id: string
  at: string
  /** Null: it goes on, or was cut off; the next one does the rest. */
  endedAt: string | null
  actor: string
  days: Retention
  removed: Partial<Record<keyof Retention, number>>
}

/** Rows that one statement takes away: short transactions, so that nobody waits. */
const rowsAtATime = 2_000

/** So many of the newest runs of each kind stay with their link: what comes next is derived from them. */
const newestRuns = 8

/**
 * Takes away what is older than it is kept for, and writes down what was taken away. Open issues stay, with the runs that
 * they were first and last seen in; the ledger stays as a whole.
 *
 * @param input.unlessSince do nothing when there was a clean-up within so many hours. Answers null then.
 */
export async function cleanUp(
  database: Database,
  input: { actor: string; unlessSince?: number },
): Promise<CleanUp | null> {
  const { sql } = database
  const days = await getRetention(database)
  const id = await named('begin clean-up', () =>
    sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(7263003)`
      const [row] = await tx<{ id: string }[]>`
        insert into clean_ups (actor, days) select ${input.actor}, ${tx.json({ ...days })}
        where not exists (select 1 from clean_ups where at > now() - make_interval(hours => ${input.unlessSince ?? 0}))
        returning id`
      return row?.id ?? null
    }),
  )
  if (id === null) return null
  for (const part of retentionParts) {
    const kept = days[part]
    if (kept === null) continue
    for (let removed = rowsAtATime; removed === rowsAtATime; ) {
      removed = await named('clean up', () =>
        sql.begin(async (tx) => {
          const { length } = await takers[part](tx, tx`now() - make_interval(days => ${kept})`)
          if (length > 0)
            await tx`
              update clean_ups set removed = jsonb_set(removed, array[${part}]::text[],
                to_jsonb(coalesce((removed ->> ${part})::bigint, 0) + ${length}::bigint)) where id = ${id}`
          return length
        }),
      )
    }
  }
  await named('end clean-up', () =>
    sql.begin(async (tx) => {
      const [row] = await tx<{ removed: CleanUp['removed'] }[]>`
        update clean_ups set ended_at = clock_timestamp() where id = ${id} returning removed`
      if (Object.keys(row?.removed ?? {}).length === 0) return
      await appendLedger(tx, chainOf(null), [
        {
          kind: 'command',
          action: 'clean-up',
          linkId: null,
          content: { id, days: { ...days }, removed: row?.removed },
          actor: input.actor,
        },
      ])
    }),
  )
  const [done] = await listCleanUps(database, { id, limit: 1 })
  return done ?? null
}

type Taker = (tx: postgres.TransactionSql, before: postgres.Fragment) => postgres.PendingQuery<postgres.Row[]>

/** By part: takes away at most `rowsAtATime` rows, and answers one row for each. */
const takers: Record<keyof Retention, Taker> = {
  runs: (tx, before) => tx`
    with old as materialized (
      select r.id from runs r
      where r.started_at < ${before} and r.ended_at < ${before} and r.status <> 'running'
        and not exists (select 1 from issues i where i.link_id = r.link_id and i.resolved_at is null
          and r.id in (i.first_run_id, i.last_run_id))
        and not exists (select 1 from brakes b where b.run_id = r.id and b.approved_at is null)
        and (select count(*) from (select 1 from runs n where n.link_id = r.link_id and n.kind = r.kind
          and (n.started_at, n.id) > (r.started_at, r.id) limit ${newestRuns}) newer) = ${newestRuns}
      order by r.started_at limit ${rowsAtATime}
    ), findings as (delete from run_findings where run_id in (select id from old)
    ), simulated as (delete from simulated_items where run_id in (select id from old)
    ), requested as (delete from requested_records where run_id in (select id from old)
    ), logged as (delete from run_log where run_id in (select id from old)
    ), histories as (delete from run_histories where run_id in (select id from old))
    delete from runs where id in (select id from old) returning 1`,
  logs: (tx, before) => tx`
    delete from run_log where (run_id, id) in (select run_id, id from run_log where at < ${before} limit ${rowsAtATime}) returning 1`,
  simulations: (tx, before) => tx`
    delete from simulated_items where (run_id, page, position) in (
      select s.run_id, s.page, s.position from simulated_items s join runs r on r.id = s.run_id
      where r.ended_at < ${before} and exists (
        select 1 from runs n where n.link_id = r.link_id and n.kind = 'simulation' and n.started_at > r.started_at)
      limit ${rowsAtATime}) returning 1`,
  histories: (tx, before) => tx`
    update run_histories set content = null where run_id in (
      select run_id from run_histories where stored_at < ${before} and content is not null limit ${rowsAtATime}) returning 1`,
  freshness: (tx, before) => tx`
    delete from freshness where (link_id, visible_at, id) in (
      select link_id, visible_at, id from freshness where visible_at < ${before} limit ${rowsAtATime}) returning 1`,
  hours: (tx, before) => tx`
    delete from watch_hours where (link_id, hour) in (
      select link_id, hour from watch_hours where hour < ${before} limit ${rowsAtATime}) returning 1`,
  issues: (tx, before) => tx`
    delete from issues where id in (select id from issues where resolved_at < ${before} limit ${rowsAtATime}) returning 1`,
}

/** Clean-ups, newest first, after a cursor `(at, id)`. */
export async function listCleanUps(
  { sql }: Pick<Database, 'sql'>,
  input: { id?: string; limit: number; before?: { at: string; id: string } },
): Promise<CleanUp[]> {
  const time = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
  const rows = await named(
    'list clean-ups',
    () => sql<CleanUp[]>`
      select id, to_char(at at time zone 'UTC', ${time}) as at, to_char(ended_at at time zone 'UTC', ${time}) as "endedAt", actor,
        days, removed
      from clean_ups c
      where ${input.id === undefined ? sql`true` : sql`id = ${input.id}`}
        and ${input.before === undefined ? sql`true` : sql`(c.at, c.id) < (${input.before.at}::text::timestamptz, ${input.before.id}::uuid)`}
      order by c.at desc, c.id desc limit ${input.limit}`,
  )
  return rows.map((row) => ({ ...row, days: { ...defaultRetention, ...row.days } }))
}
