import type { Store } from '../core/store.ts'
import { type Database, named } from './connection.ts'
import { loadLinkKeys } from './store-queue.ts'

/** Queues records for the sake of their files: those named, if they are paired, and of a whole look all pairs with files. */
export async function queueForFiles(
  { sql }: Database,
  { linkId, side, ids, all }: Parameters<Store['queueForFiles']>[0],
): Promise<number> {
  if (ids.length === 0 && !all) return 0
  const keys = await loadLinkKeys(sql, linkId)
  const own = side === 'left' ? sql`p.left_id` : sql`p.right_id`
  const rows = await named(
    'queue for files',
    () => sql`
      insert into pending (link_id, side, external_id, reason)
      select ${linkId}::uuid, ${side}, ${own}, 'scan' from pairs p
      where p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = ${keys.entityType} and p.gone_side is null
        and (${own} = any(${sql.array([...ids])}::text[]) or (${all} and jsonb_path_exists(p.base, '$.*.files[*]')))
      on conflict (link_id, side, external_id) do nothing returning 1`,
  )
  return rows.length
}
