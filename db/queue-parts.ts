import type postgres from 'postgres'
import type { Store } from '../core/store.ts'
import { type Database, named } from './connection.ts'
import { loadLinkKeys } from './store-queue.ts'

/** Where a base keeps what it knows of a side's parts. */
const paths = { files: (side: string) => `$.*.files[*].${side}`, comments: (side: string) => `$.*.listed.${side}[*]` }

/** Queues pairs whose files or comments are not those that they know; see `Store`. */
export async function queueForParts(
  { sql }: Database,
  { linkId, side, kind, parts, ids, range, all }: Parameters<Store['queueForParts']>[0],
): Promise<number> {
  const own = side === 'left' ? sql`p.left_id` : sql`p.right_id`
  const path = paths[kind](side)
  const keys = await loadLinkKeys(sql, linkId)
  const pairs = sql`p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = ${keys.entityType} and p.gone_side is null`
  // Only what is asked for stands in the statement, so that a few records are found by their ids.
  const news: postgres.PendingQuery<postgres.Row[]>[] = []
  if (parts.length > 0)
    news.push(sql`
      select ${own} as record, f.state as part
      from unnest(${sql.array(parts.map((part) => part.recordId))}::text[],
        ${sql.array(parts.map(({ state }) => (state === null ? null : JSON.stringify(state))))}::text[]) as f (record, state)
      join pairs p on ${own} = f.record and ${pairs}
      where not exists (select 1 from jsonb_path_query(p.base, ${path}::jsonpath) e where e @> f.state::jsonb)`)
  if (range !== null)
    news.push(sql`
      select ${own}, 'without ' || (e ->> 'id') from pairs p, jsonb_path_query(p.base, ${path}::jsonpath) e
      where ${pairs} and starts_with(${own}, ${range.prefix}) and (e ->> 'id')::numeric > ${range.above ?? '0'}::numeric
        and (${range.upTo}::numeric is null or (e ->> 'id')::numeric <= ${range.upTo}::numeric)
        and not (e ->> 'id' = any(${sql.array(parts.map(({ id }) => id))}::text[]))`)
  if (ids.length > 0)
    news.push(sql`select ${own}, null from pairs p where ${own} = any(${sql.array([...ids])}::text[]) and ${pairs}`)
  if (all)
    news.push(sql`select ${own}, null from pairs p where ${pairs} and jsonb_path_exists(p.base, ${path}::jsonpath)`)
  const [first, ...others] = news
  if (first === undefined) return 0
  const found = others.reduce((sum, one) => sql`${sum} union all ${one}`, first)
  // Whoever is looking at a record just now may have read it before; a state it was queued for already does not defeat the back-off.
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
  const { linkId, side, kind, count, highest } = input
  const [counted, numbered] = [sql(`${kind}_count`), sql(`${kind}_highest`)]
  await named(
    'note parts',
    () => sql`
      insert into scan_positions (link_id, side, ${counted}, ${numbered}) values (${linkId}, ${side}, ${count}, ${highest})
      on conflict (link_id, side) do update set ${counted} = excluded.${counted}, ${numbered} = excluded.${numbered}`,
  )
}
