import type postgres from 'postgres'
import type { Store } from '../core/store.ts'
import { type Database, named } from './connection.ts'
import { loadLinkKeys } from './store-queue.ts'

type Input = Parameters<Store['queueForFiles']>[0]

/** Queues pairs whose files are not those that they know; see `Store`. */
export async function queueForFiles({ sql }: Database, input: Input): Promise<number> {
  const { linkId, side, files, ids, range, all } = input
  const own = side === 'left' ? sql`p.left_id` : sql`p.right_id`
  const path = `$.*.files[*].${side}`
  const numbers = sql.array(files.map(({ entry }) => entry.id))
  // Only what is asked for stands in the statement, so that a few records are found by their ids.
  const which: postgres.PendingQuery<postgres.Row[]>[] = []
  if (ids.length > 0) which.push(sql`${own} = any(${sql.array([...ids])}::text[])`)
  if (files.length > 0) {
    const records = sql.array(files.map((file) => file.recordId))
    // What tells one state of a file from another; see `planAttachments`.
    const states = sql.array(
      files.map(({ entry: { id, name, size, stamp } }) => JSON.stringify({ id, name, size, stamp })),
    )
    which.push(sql`(${own} = any(${records}::text[]) and exists (
      select 1 from unnest(${records}::text[], ${states}::text[]) as f (record, state)
      where f.record = ${own} and not exists (
        select 1 from jsonb_path_query(p.base, ${path}::jsonpath) e where e @> f.state::jsonb)))`)
  }
  if (range !== null)
    which.push(sql`(starts_with(${own}, ${range.prefix}) and exists (
      select 1 from jsonb_path_query(p.base, ${path}::jsonpath) e
      where (e ->> 'id')::numeric > ${range.above ?? '0'}::numeric
        and (${range.upTo}::numeric is null or (e ->> 'id')::numeric <= ${range.upTo}::numeric)
        and not (e ->> 'id' = any(${numbers}::text[]))))`)
  if (all) which.push(sql`jsonb_path_exists(p.base, '$.*.files[*]')`)
  const [first, ...others] = which
  if (first === undefined) return 0
  const any = others.reduce((sum, one) => sql`${sum} or ${one}`, first)
  const keys = await loadLinkKeys(sql, linkId)
  const rows = await named(
    'queue for files',
    () => sql`
      insert into pending (link_id, side, external_id, reason)
      select ${linkId}::uuid, ${side}, ${own}, 'scan' from pairs p
      where p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = ${keys.entityType} and p.gone_side is null
        and (${any})
      on conflict (link_id, side, external_id) do nothing returning 1`,
  )
  return rows.length
}

/**
 * Queues pairs for the sake of their comments: those named, and of a whole look all that have some. Those named are looked at
 * once more where somebody is just looking at them; what is waited for goes on waiting unless there is news.
 */
export async function queueForComments(
  { sql }: Database,
  { linkId, side, ids, all, news }: Parameters<Store['queueForComments']>[0],
): Promise<number> {
  if (ids.length === 0 && !all) return 0
  const keys = await loadLinkKeys(sql, linkId)
  const own = side === 'left' ? sql`p.left_id` : sql`p.right_id`
  const rows = await named(
    'queue for comments',
    () => sql`
      insert into pending (link_id, side, external_id, reason)
      select ${linkId}::uuid, ${side}, ${own}, 'scan' from pairs p
      where p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = ${keys.entityType} and p.gone_side is null
        and (${own} = any(${sql.array([...ids])}::text[])
          or (${all} and jsonb_path_exists(p.base, '$.*.comments[*]')))
      on conflict (link_id, side, external_id) do update set revision = pending.revision + 1,
        attempts = case when ${news} then 0 else pending.attempts end,
        next_attempt_at = case when ${news} then least(pending.next_attempt_at, now()) else pending.next_attempt_at end
      where pending.external_id = any(${sql.array([...ids])}::text[]) returning 1`,
  )
  return rows.length
}

export async function noteFiles({ sql }: Database, input: Parameters<Store['noteFiles']>[0]): Promise<void> {
  const { linkId, side, count, highest } = input
  await named(
    'note files',
    () => sql`
      insert into scan_positions (link_id, side, files_count, files_highest) values (${linkId}, ${side}, ${count}, ${highest})
      on conflict (link_id, side) do update set files_count = excluded.files_count, files_highest = excluded.files_highest`,
  )
}
