import type postgres from 'postgres'
import { type DeletionFacts, type HistoryFacts, inServerWords, type SideAgain } from '../core/reset.ts'
import { type Side, sides } from '../core/values.ts'
import { type Database, named } from './connection.ts'
import { appendLedger, chainOf } from './ledger.ts'
import { type LinkKeys, loadLinkKeys } from './store-queue.ts'

type Tx = postgres.TransactionSql

export interface TimeReset {
  sides: Omit<SideAgain, 'endpoint'>[]
  pairs: number
  unpaired: number
}

/** Known records of a side that the link may look at: its own pairs, and what has no twin. */
function knownRecords(sql: Tx, keys: LinkKeys, side: Side) {
  const { endpointId, entityType } = keys[side]
  return sql`
    select ${side}::text as side, r.external_id, r.pair_id, r.seen_modified from records r
    where r.endpoint_id = ${endpointId} and r.entity_type = ${entityType} and (r.pair_id is null or exists (
      select 1 from pairs p where p.id = r.pair_id and p.endpoint_pair_id = ${keys.endpointPairId}
        and p.entity_type = ${keys.entityType} and p.gone_side is null))`
}

/** Makes records due, a pair once: by the side that stands first. */
async function queue(tx: Tx, linkId: string, which: postgres.PendingQuery<postgres.Row[]>, reason: string) {
  await tx`
    insert into pending (link_id, side, external_id, reason)
    select ${linkId}, side, external_id, ${reason} from (
      select distinct on (coalesce(pair_id::text, side || ':' || external_id)) side, external_id from (${which}) known
      order by coalesce(pair_id::text, side || ':' || external_id), side) once
    order by side, external_id
    on conflict (link_id, side, external_id) do update set revision = pending.revision + 1, attempts = 0,
      next_attempt_at = least(pending.next_attempt_at, now())`
}

/** Times are compared as text: all of a side are told in one form, longest unit first. */
function modifiedSince(tx: Tx, keys: LinkKeys, from: Readonly<Record<Side, string | null>>) {
  const of = (side: Side) =>
    tx`select * from (${knownRecords(tx, keys, side)}) k where k.seen_modified >= ${from[side] ?? ''} collate "C" and ${from[side] !== null}`
  return tx`${of('left')} union all ${of('right')}`
}

async function timeFacts(tx: Tx, keys: LinkKeys, moment: string) {
  const rows = await tx<{ side: Side; since: string | null; newest: string | null }[]>`
    select side, since, newest from scan_positions where link_id = ${keys.linkId}`
  const positions = new Map(rows.map((row) => [row.side, row]))
  const fromOf = (side: Side) => {
    const sample = positions.get(side)?.newest ?? null
    return sample === null ? null : inServerWords(moment, sample)
  }
  const from = { left: fromOf('left'), right: fromOf('right') }
  const which = modifiedSince(tx, keys, from)
  const [count] = await tx<{ left: number; right: number; pairs: number; unpaired: number }[]>`
    select count(*) filter (where side = 'left')::int as left, count(*) filter (where side = 'right')::int as right,
      count(distinct pair_id)::int as pairs, count(*) filter (where pair_id is null)::int as unpaired from (${which}) known`
  const { left = 0, right = 0, pairs = 0, unpaired = 0 } = count ?? {}
  const records = { left, right }
  const reset: TimeReset = {
    sides: sides.map((side) => ({
      side,
      readFrom: positions.get(side)?.since ?? null,
      from: from[side],
      records: records[side],
    })),
    pairs,
    unpaired,
  }
  return { reset, which }
}

/** What would be read again if both sides were looked at from a moment (ISO 8601 with a zone) on. */
export async function previewTimeReset({ sql }: Database, linkId: string, moment: string): Promise<TimeReset> {
  return named('preview time reset', () =>
    sql.begin(async (tx) => {
      const keys = await loadLinkKeys(tx as unknown as Database['sql'], linkId)
      return (await timeFacts(tx, keys, moment)).reset
    }),
  )
}

/**
 * Has both sides looked at again from a moment on: known records modified since are due at once, and the next scan lists from
 * there, so that what was never seen is found. T itself stays, so that a scan under way takes nothing back.
 */
export async function resetTime(
  { sql }: Database,
  input: { linkId: string; moment: string; actor: string; reason: string },
): Promise<TimeReset> {
  const { linkId, moment, actor, reason } = input
  return named('reset time', () =>
    sql.begin(async (tx) => {
      const keys = await loadLinkKeys(tx as unknown as Database['sql'], linkId)
      const { reset, which } = await timeFacts(tx, keys, moment)
      await queue(tx, linkId, which, 'retry')
      for (const { side, from } of reset.sides)
        if (from !== null)
          await tx`
            update scan_positions set rescan_from = least(rescan_from collate "C", ${from}::text collate "C")
            where link_id = ${linkId} and side = ${side}`
      const content = { since: moment, ...reset, reason }
      await appendLedger(tx, chainOf(linkId), [{ kind: 'command', action: 'reset-time', linkId, content, actor }])
      return reset
    }),
  )
}

async function historyFacts(tx: Tx, keys: LinkKeys): Promise<Omit<HistoryFacts, 'winners'>> {
  const mine = tx`p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = ${keys.entityType}`
  const [facts] = await tx<Omit<HistoryFacts, 'winners'>[]>`
    select
      (select count(*)::int from pairs p where ${mine}) as pairs,
      (select count(*)::int from pairs p cross join lateral jsonb_each(p.base) f
        where ${mine} and p.gone_side is null and not jsonb_exists(f.value, 'files')) as values,
      (select count(*)::int from pairs p cross join lateral jsonb_each(p.base) f
        where ${mine} and p.gone_side is null and jsonb_exists(f.value, 'frozen')) as frozen,
      (select count(*)::int from (${knownRecords(tx, keys, 'left')} union all ${knownRecords(tx, keys, 'right')}) k
        where k.pair_id is null) as unpaired,
      (select count(distinct k.pair_id)::int
        from (${knownRecords(tx, keys, 'left')} union all ${knownRecords(tx, keys, 'right')}) k
        join pending q on q.link_id = ${keys.linkId} and q.side = k.side and q.external_id = k.external_id
        where k.pair_id is not null) as waiting,
      (select count(*)::int from conflicts c where c.link_id = ${keys.linkId} and c.resolved_at is null) as "openConflicts"`
  if (facts === undefined) throw new Error('a count answered nothing')
  return facts
}

/** What would be forgotten, and what would be looked at again. */
export async function previewHistoryReset(
  { sql }: Database,
  linkId: string,
): Promise<Omit<HistoryFacts, 'winners'> & { atRest: boolean }> {
  return named('preview history reset', () =>
    sql.begin(async (tx) => {
      const keys = await loadLinkKeys(tx as unknown as Database['sql'], linkId)
      return { ...(await historyFacts(tx, keys)), atRest: (await unrest(tx, linkId)) === null }
    }),
  )
}

/** Why a link is not at rest; null: it is paused, and nothing it began before is under way any more. */
async function unrest(tx: Tx, linkId: string): Promise<'not-paused' | 'busy' | null> {
  const [row] = await tx<{ paused: boolean; busy: boolean }[]>`
    select l.paused, exists (select 1 from claims c where c.link_id = l.id and c.grace_until >= now())
        or exists (select 1 from runs r where r.id = l.current_run and r.status = 'running'
          and r.kind not in ('check', 'simulation')) as busy
    from links l where l.id = ${linkId}`
  return row?.paused !== true ? 'not-paused' : row.busy ? 'busy' : null
}

export type HistoryReset =
  | { state: 'done'; facts: Omit<HistoryFacts, 'winners'> }
  | { state: 'not-paused' | 'busy' | 'changed' }

/**
 * Forgets what the pairs of a link have agreed on. The pairs stay, and so does which file is which: both tell what belongs
 * together. The link must be paused: a batch under way would write back what it knew, and a resume waits for this.
 */
export async function resetHistory(
  { sql }: Database,
  input: { linkId: string; pairs: number; actor: string; reason: string },
): Promise<HistoryReset> {
  const { linkId, actor, reason } = input
  return named('reset history', () =>
    sql.begin(async (tx): Promise<HistoryReset> => {
      await tx`select 1 from links where id = ${linkId} for update`
      const state = await unrest(tx, linkId)
      if (state !== null) return { state }
      const keys = await loadLinkKeys(tx as unknown as Database['sql'], linkId)
      const facts = await historyFacts(tx, keys)
      if (facts.pairs !== input.pairs) return { state: 'changed' }
      await tx`
        update pairs p set updated_at = now(), base = coalesce(
          (select jsonb_object_agg(f.key, f.value) from jsonb_each(p.base) f where jsonb_exists(f.value, 'files')), '{}')
        where p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = ${keys.entityType}
          and p.gone_side is null and p.base <> '{}'`
      await queue(
        tx,
        linkId,
        tx`${knownRecords(tx, keys, 'left')} union all ${knownRecords(tx, keys, 'right')}`,
        'configuration',
      )
      await tx`update scan_positions set rescan_from = '' where link_id = ${linkId}`
      const content = { ...facts, reason }
      await appendLedger(tx, chainOf(linkId), [{ kind: 'command', action: 'reset-history', linkId, content, actor }])
      return { state: 'done', facts }
    }),
  )
}

/** What deleting a link leaves behind. */
export async function deletionFacts({ sql }: Database, linkId: string): Promise<DeletionFacts> {
  return named('deletion facts', async () => {
    const keys = await loadLinkKeys(sql, linkId)
    const mine = (table: string) =>
      sql`${sql(table)}.endpoint_pair_id = ${keys.endpointPairId} and ${sql(table)}.entity_type = ${keys.entityType}`
    const [facts] = await sql<DeletionFacts[]>`
      select (select count(*)::int from pairs p where ${mine('p')}) as pairs,
        (select count(*)::int from intents i where i.link_id = ${linkId}) as unanswered,
        (select count(*)::int from pending q where q.link_id = ${linkId}) as waiting,
        (select count(*)::int from issues i where i.link_id = ${linkId} and i.resolved_at is null) as "openIssues",
        (select count(*)::int from conflicts c where c.link_id = ${linkId} and c.resolved_at is null) as "openConflicts",
        (select count(*)::int from stopped_records s where ${mine('s')}) as stopped`
    if (facts === undefined) throw new Error('a count answered nothing')
    return facts
  })
}
