import type postgres from 'postgres'
import { type LinkConfiguration, linkConfiguration } from '../core/link-config.ts'
import type { OtherLink } from '../core/scope-overlap.ts'
import { otherSide, type Side, sides } from '../core/values.ts'
import { type Database, named } from './connection.ts'
import { appendLedger, chainOf } from './ledger.ts'
import { loadLinkKeys } from './store-queue.ts'

/** How many records of a side are left out because of the scope. */
export async function countLeftOut({ sql }: Database, input: { linkId: string; side: Side }): Promise<number> {
  return named('left out', async () => {
    const { endpointId, entityType } = (await loadLinkKeys(sql, input.linkId))[input.side]
    const [row] = await sql<{ count: number }[]>`
      select count(*)::int as count from records r
      where r.endpoint_id = ${endpointId} and r.entity_type = ${entityType} and r.declined_because = 'scope'`
    return row?.count ?? 0
  })
}

/** Queues those of the records that were left out because of the scope; answers how many. */
export async function queueArrivals(
  { sql }: Database,
  input: { linkId: string; side: Side; ids: readonly string[] },
): Promise<number> {
  return named('queue arrivals', async () => {
    const { endpointId, entityType } = (await loadLinkKeys(sql, input.linkId))[input.side]
    const rows = await sql`
      insert into pending (link_id, side, external_id, reason)
      select ${input.linkId}, ${input.side}, r.external_id, 'full-scan' from records r
      where r.endpoint_id = ${endpointId} and r.entity_type = ${entityType} and r.declined_because = 'scope'
        and r.external_id = any(${sql.array([...input.ids])}::text[])
      on conflict (link_id, side, external_id) do update set revision = pending.revision + 1, attempts = 0,
        next_attempt_at = least(pending.next_attempt_at, now())
      returning 1`
    return rows.length
  })
}

export interface StoppedRecord {
  side: Side
  id: string
  twinId: string | null
  actor: string
  reason: string
  stoppedAt: string
}

/**
 * A person takes a record out of the synchronization: nothing is written to it or its twin any more, and nothing is
 * deleted. Its pair stays. Null: it was stopped already. The ledger holds who and why.
 */
export async function stopRecord(
  { sql }: Database,
  input: { linkId: string; side: Side; id: string; actor: string; reason: string },
): Promise<StoppedRecord | null> {
  return named('stop record', () =>
    sql.begin(async (tx) => {
      const keys = await loadLinkKeys(tx as unknown as typeof sql, input.linkId)
      const twinId = await twinOf(tx, keys, input)
      const rows = await tx<{ stoppedAt: string }[]>`
        insert into stopped_records (endpoint_pair_id, entity_type, side, external_id, twin_id, actor, reason)
        select ${keys.endpointPairId}, ${keys.entityType}, ${input.side}, ${input.id}, ${twinId}, ${input.actor}, ${input.reason}
        where not exists (select 1 from stopped_records s where s.endpoint_pair_id = ${keys.endpointPairId}
          and s.entity_type = ${keys.entityType} and s.side <> ${input.side} and s.external_id = ${twinId})
        on conflict do nothing
        returning to_char(stopped_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "stoppedAt"`
      const [row] = rows
      if (row === undefined) return null
      // Whoever refers to it must not wait for it.
      const { endpointId, entityType } = keys[input.side]
      if (twinId === null)
        await tx`
          insert into records (endpoint_id, entity_type, external_id, decision, declined_because)
          values (${endpointId}, ${entityType}, ${input.id}, 'declined', 'person')
          on conflict (endpoint_id, entity_type, external_id) do update set decision = 'declined', declined_because = 'person'`
      await appendLedger(tx, chainOf(input.linkId), [
        {
          kind: 'command',
          action: 'record stopped',
          linkId: input.linkId,
          content: { side: input.side, record: input.id, twin: twinId, reason: input.reason },
          actor: input.actor,
        },
      ])
      return {
        side: input.side,
        id: input.id,
        twinId,
        actor: input.actor,
        reason: input.reason,
        stoppedAt: row.stoppedAt,
      }
    }),
  )
}

/** The record goes on: it is compared with its twin at once, and what changed meanwhile flows. False: it was not stopped. */
export async function resumeRecord(
  { sql }: Database,
  input: { linkId: string; side: Side; id: string; actor: string; reason: string },
): Promise<boolean> {
  return named('resume record', () =>
    sql.begin(async (tx) => {
      const keys = await loadLinkKeys(tx as unknown as typeof sql, input.linkId)
      const twinId = await twinOf(tx, keys, input)
      const gone = await tx`
        delete from stopped_records s where s.endpoint_pair_id = ${keys.endpointPairId} and s.entity_type = ${keys.entityType}
          and ((s.side = ${input.side} and s.external_id = ${input.id}) or (s.side <> ${input.side} and s.external_id = ${twinId}))
        returning 1`
      if (gone.length === 0) return false
      const { endpointId, entityType } = keys[input.side]
      await tx`
        update records set decision = null, declined_because = null where endpoint_id = ${endpointId}
          and entity_type = ${entityType} and external_id = ${input.id} and declined_because = 'person'`
      await tx`
        insert into pending (link_id, side, external_id, reason) values (${input.linkId}, ${input.side}, ${input.id}, 'person')
        on conflict (link_id, side, external_id) do update set revision = pending.revision + 1, attempts = 0,
          reason = 'person', next_attempt_at = least(pending.next_attempt_at, now())`
      await appendLedger(tx, chainOf(input.linkId), [
        {
          kind: 'command',
          action: 'record resumed',
          linkId: input.linkId,
          content: { side: input.side, record: input.id, twin: twinId, reason: input.reason },
          actor: input.actor,
        },
      ])
      return true
    }),
  )
}

async function twinOf(
  tx: postgres.TransactionSql,
  keys: Awaited<ReturnType<typeof loadLinkKeys>>,
  { side, id }: { side: Side; id: string },
): Promise<string | null> {
  const [own, twin] = side === 'left' ? [tx`left_id`, tx`right_id`] : [tx`right_id`, tx`left_id`]
  const [row] = await tx<{ twin: string }[]>`
    select ${twin} as twin from pairs where endpoint_pair_id = ${keys.endpointPairId}
      and entity_type = ${keys.entityType} and ${own} = ${id}`
  return row?.twin ?? null
}

/** Records that people have taken out, the latest first. */
export async function listStopped({ sql }: Database, linkId: string): Promise<StoppedRecord[]> {
  return named('list stopped records', async () => stoppedAmong(sql, await loadLinkKeys(sql, linkId), sql`true`))
}

/** Whether people have taken out a record or its twin; null: they have not. */
export async function stoppedRecord(
  { sql }: Pick<Database, 'sql'>,
  { linkId, side, id, twinId }: { linkId: string; side: Side; id: string; twinId: string | null },
): Promise<StoppedRecord | null> {
  const either = sql`(side, external_id) in ((${side}, ${id}), (${otherSide(side)}, ${twinId ?? ''}))`
  return named('stopped record', async () => {
    const [found] = await stoppedAmong(sql, await loadLinkKeys(sql, linkId), either)
    return found ?? null
  })
}

async function stoppedAmong(
  sql: Database['sql'],
  keys: Awaited<ReturnType<typeof loadLinkKeys>>,
  which: postgres.PendingQuery<postgres.Row[]>,
): Promise<StoppedRecord[]> {
  return sql<StoppedRecord[]>`
    select side, external_id as id, twin_id as "twinId", actor, reason,
      to_char(stopped_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "stoppedAt"
    from stopped_records where endpoint_pair_id = ${keys.endpointPairId} and entity_type = ${keys.entityType} and ${which}
    order by stopped_at desc, side, external_id limit 1000`
}

/** What is known about a record of a link, to tell why it is not in step. */
export interface Standing {
  /** `left-alone`: a rule or the scope says so, or a person. `unknown`: it was never looked at. */
  state: 'paired' | 'left-alone' | 'waiting' | 'unknown'
  because: 'rule' | 'scope' | 'person' | 'elsewhere' | null
  twinId: string | null
  stopped: StoppedRecord | null
}

export async function loadStanding(
  database: Database,
  { linkId, side, id }: { linkId: string; side: Side; id: string },
): Promise<Standing> {
  const { sql } = database
  return named('standing', async () => {
    const keys = await loadLinkKeys(sql, linkId)
    const [own, twin] = side === 'left' ? [sql`p.left_id`, sql`p.right_id`] : [sql`p.right_id`, sql`p.left_id`]
    const [row] = await sql<
      { twin: string | null; elsewhere: boolean; decision: string | null; because: Standing['because']; due: boolean }[]
    >`
      select p.id is not null as paired, p.twin, r.decision, r.declined_because as because,
        r.pair_id is not null and p.id is null as elsewhere, q.external_id is not null as due
      from (select 1) one
      left join lateral (
        select p.id, ${twin} as twin from pairs p where p.endpoint_pair_id = ${keys.endpointPairId}
          and p.entity_type = ${keys.entityType} and ${own} = ${id}) p on true
      left join records r on r.endpoint_id = ${keys[side].endpointId} and r.entity_type = ${keys[side].entityType}
        and r.external_id = ${id}
      left join pending q on q.link_id = ${linkId} and q.side = ${side} and q.external_id = ${id}`
    const twinId = row?.twin ?? null
    const stopped = await stoppedRecord(database, { linkId, side, id, twinId })
    const because =
      stopped !== null
        ? 'person'
        : row?.elsewhere === true
          ? 'elsewhere'
          : row?.decision === 'declined'
            ? (row.because ?? 'rule')
            : null
    const state =
      because !== null ? 'left-alone' : twinId !== null ? 'paired' : row?.due === true ? 'waiting' : 'unknown'
    return { state, because, twinId, stopped }
  })
}

/** Other links of the same kind that work on the same ALM project or Octane workspace, whatever endpoint they know it by. */
export async function linksBeside(
  { sql }: Database,
  linkId: string | null,
  configuration: LinkConfiguration,
): Promise<OtherLink[]> {
  const place = sql`jsonb_build_array(lower(e.address ->> 'url'), e.address -> 'domain', e.address -> 'project',
    e.address -> 'sharedSpace', e.address -> 'workspace')`
  const at = (id: ReturnType<typeof sql>) => sql`(select ${place} from endpoints e where e.id = ${id})`
  const rows = await named(
    'links beside',
    () => sql<{ name: string; configuration: unknown; left: boolean; right: boolean }[]>`
      select * from (
        select l.name, v.configuration,
          ${at(sql`p.left_id`)} = ${at(sql`${configuration.left.endpointId}::uuid`)} as left,
          ${at(sql`p.right_id`)} = ${at(sql`${configuration.right.endpointId}::uuid`)} as right
        from links l join link_versions v on v.link_id = l.id and v.version = l.version
        join endpoint_pairs p on p.id = l.endpoint_pair_id
        where l.deleted_at is null and l.id is distinct from ${linkId}
          and v.configuration ->> 'entityType' = ${configuration.entityType}
      ) beside where beside.left or beside.right order by name`,
  )
  return rows.map((row) => ({
    name: row.name,
    configuration: linkConfiguration.parse(row.configuration),
    shared: sides.filter((side) => row[side]),
  }))
}
