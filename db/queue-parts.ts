import type postgres from 'postgres'
import type { PartKind } from '../core/parts.ts'
import type { Store } from '../core/store.ts'
import type { Side } from '../core/values.ts'
import { type Database, named } from './connection.ts'
import { loadLinkKeys } from './store-queue.ts'

/** Where a base keeps what it knows of a side's parts. */
const paths = { files: (side: string) => `$.*.files[*].${side}`, comments: (side: string) => `$.*.listed.${side}[*]` }

type Query = postgres.PendingQuery<postgres.Row[]>

/** What is said of the pairs of a link's side. */
async function pairsOf({ sql }: Database, { linkId, side, kind }: { linkId: string; side: Side; kind: PartKind }) {
  const keys = await loadLinkKeys(sql, linkId)
  const pairs = sql`p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = ${keys.entityType} and p.gone_side is null`
  return {
    own: side === 'left' ? sql`p.left_id` : sql`p.right_id`,
    path: sql`${paths[kind](side)}::jsonpath`,
    pairs,
    /** Those that know any part of the kind, on whatever side. */
    knowing: kind === 'files' ? sql`${pairs} and p.knows_files` : sql`${pairs} and p.knows_comments`,
  }
}

/** Queues pairs whose files or comments are not those that they know; see `Store`. */
export async function queueForParts(database: Database, input: Parameters<Store['queueForParts']>[0]): Promise<number> {
  const { sql } = database
  const { parts, ids, range, all } = input
  const { own, path, pairs, knowing } = await pairsOf(database, input)
  // Only what is asked for stands in the statement, so that a few records are found by their ids.
  const news: Query[] = []
  if (parts.length > 0)
    news.push(sql`
      select ${own} as record, f.state as part
      from unnest(${sql.array(parts.map((part) => part.recordId))}::text[],
        ${sql.array(parts.map(({ state }) => (state === null ? null : JSON.stringify(state))))}::text[]) as f (record, state)
      join pairs p on ${own} = f.record and ${pairs}
      where not exists (select 1 from jsonb_path_query(p.base, ${path}) e where e @> f.state::jsonb)`)
  if (range !== null)
    news.push(sql`
      select ${own}, 'without ' || (e ->> 'id') from pairs p, jsonb_path_query(p.base, ${path}) e
      where ${knowing} and starts_with(${own}, ${range.prefix}) and (e ->> 'id')::numeric > ${range.above ?? '0'}::numeric
        and (${range.upTo}::numeric is null or (e ->> 'id')::numeric <= ${range.upTo}::numeric)
        and e ->> 'id' <> all(${sql.array(parts.map(({ id }) => id))}::text[])`)
  if (ids.length > 0)
    news.push(sql`select ${own}, null from pairs p where ${own} = any(${sql.array([...ids])}::text[]) and ${pairs}`)
  if (all) news.push(sql`select ${own}, null from pairs p where ${knowing} and jsonb_path_exists(p.base, ${path})`)
  return news.length === 0 ? 0 : queue(database, input, news)
}

/** Queues pairs that know a part which came and went between two looks; see `Store`. */
export async function queueLostParts(
  database: Database,
  input: Parameters<Store['queueLostParts']>[0],
): Promise<number> {
  const { sql } = database
  const { linkId, side, kind, above, listed, agoMs } = input
  const { own, path, knowing } = await pairsOf(database, input)
  // A row of the ledger may have been committed a while after its time.
  return queue(database, input, [
    sql`
      select ${own} as record, 'without ' || (e ->> 'id') as part from pairs p, jsonb_path_query(p.base, ${path}) e
      where p.id in (select l.pair_id from scan_positions s join ledger l on l.link_id = s.link_id
          and l.at > s.${sql(`${kind}_noted_at`)} - interval '1 minute' and l.at <= now() - make_interval(secs => ${agoMs / 1000})
          where s.link_id = ${linkId} and s.side = ${side})
        and ${knowing} and (e ->> 'id')::numeric > ${above ?? '0'}::numeric
        and e ->> 'id' <> all(${sql.array([...listed])}::text[])`,
  ])
}

/** Whoever is looking at a record just now may have read it before; a state it was queued for already does not defeat the back-off. */
async function queue(
  { sql }: Database,
  { linkId, side }: { linkId: string; side: Side },
  [first, ...others]: readonly Query[],
): Promise<number> {
  const found = others.reduce((sum, one) => sql`${sum} union all ${one}`, first as Query)
  const rows = await named(
    'queue for parts',
    () => sql`
      insert into pending (link_id, side, external_id, reason, queued_parts)
      select ${linkId}::uuid, ${side}, record, 'scan', coalesce(array_agg(distinct part) filter (where part is not null), '{}')
      from (${found}) as news (record, part) group by record order by record
      on conflict (link_id, side, external_id) do update set revision = pending.revision + 1,
        queued_parts = pending.queued_parts || excluded.queued_parts,
        attempts = case when excluded.queued_parts <@ pending.queued_parts then pending.attempts else 0 end,
        next_attempt_at = case when excluded.queued_parts <@ pending.queued_parts then pending.next_attempt_at
          else least(pending.next_attempt_at, now()) end
      where excluded.queued_parts = '{}' or not excluded.queued_parts <@ pending.queued_parts
      returning 1`,
  )
  return rows.length
}

export async function noteParts({ sql }: Database, input: Parameters<Store['noteParts']>[0]): Promise<void> {
  const { linkId, side, kind, count, highest, agoMs } = input
  const [counted, numbered, noted] = [sql(`${kind}_count`), sql(`${kind}_highest`), sql(`${kind}_noted_at`)]
  await named(
    'note parts',
    () => sql`
      insert into scan_positions (link_id, side, ${counted}, ${numbered}, ${noted})
      values (${linkId}, ${side}, ${count}, ${highest}, now() - make_interval(secs => ${agoMs / 1000}))
      on conflict (link_id, side) do update set
        ${counted} = excluded.${counted}, ${numbered} = excluded.${numbered}, ${noted} = excluded.${noted}`,
  )
}
