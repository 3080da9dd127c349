import type { Store } from '../core/store.ts'
import { type Database, named } from './connection.ts'
import { loadLinkKeys } from './store-queue.ts'

/** Where the base of a pair tells that it has such. */
const known = { files: '$.*.files[*]', comments: '$.*.comments[*]' } as const

/**
 * Queues records for the sake of what belongs to them: those named, if they are paired, and of a whole look all pairs that have
 * some. Those named are looked at once more where somebody is just looking at them.
 */
export async function queueForParts(
  { sql }: Database,
  { linkId, side, part, ids, all }: Parameters<Store['queueForParts']>[0],
): Promise<number> {
  if (ids.length === 0 && !all) return 0
  const keys = await loadLinkKeys(sql, linkId)
  const own = side === 'left' ? sql`p.left_id` : sql`p.right_id`
  const rows = await named(
    'queue for parts',
    () => sql`
      insert into pending (link_id, side, external_id, reason)
      select ${linkId}::uuid, ${side}, ${own}, 'scan' from pairs p
      where p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = ${keys.entityType} and p.gone_side is null
        and (${own} = any(${sql.array([...ids])}::text[])
          or (${all} and jsonb_path_exists(p.base, ${known[part]}::jsonpath)))
      on conflict (link_id, side, external_id) do update set revision = pending.revision + 1, attempts = 0,
        next_attempt_at = least(pending.next_attempt_at, now())
      where pending.external_id = any(${sql.array([...ids])}::text[]) returning 1`,
  )
  return rows.length
}
