import type postgres from 'postgres'
import type { CommitRequest } from '../core/commits.ts'
import type { Store } from '../core/store.ts'
import type { Side } from '../core/values.ts'
import type { ReferredState } from '../core/work-items.ts'
import { type Database, named } from './connection.ts'
import { type LinkKeys, loadLinkKeys } from './store-queue.ts'

type Tx = postgres.TransactionSql

/** What is known about records that others refer to: by the pairs of any link of the same endpoint pair. */
export async function loadReferred(
  { sql }: Database,
  { linkId, side, records }: Parameters<Store['referred']>[0],
): Promise<ReferredState[]> {
  if (records.length === 0) return []
  const keys = await loadLinkKeys(sql, linkId)
  const own = side === 'left' ? sql`left_id` : sql`right_id`
  const twin = side === 'left' ? sql`right_id` : sql`left_id`
  const rows = await named(
    'referred',
    () => sql<{ known: boolean; twin: string | null; decision: string | null }[]>`
      select l.kind is not null as known, p.twin, s.decision
      from unnest(${sql.array(records.map((one) => one.kind))}::text[], ${sql.array(records.map((one) => one.id))}::text[])
        with ordinality as asked(kind, id, position)
      left join lateral (
        select v.configuration ->> 'entityType' as kind, v.configuration -> ${side}::text ->> 'entityType' as entity_type
        from links l join link_versions v on v.link_id = l.id and v.version = l.version
        where l.endpoint_pair_id = ${keys.endpointPairId} and l.deleted_at is null
          and v.configuration ->> 'entityType' = asked.kind limit 1) l on true
      left join lateral (
        select ${twin} as twin from pairs p where p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = asked.kind
          and ${own} = asked.id and p.gone_side is null) p on true
      left join records s on s.endpoint_id = ${keys[side].endpointId} and s.entity_type = l.entity_type
        and s.external_id = asked.id
      order by asked.position`,
  )
  return rows.map((row): ReferredState => {
    if (row.twin !== null) return { state: 'paired', twinId: row.twin }
    if (!row.known) return { state: 'no-link' }
    return { state: row.decision === 'declined' ? 'declined' : 'unpaired' }
  })
}

/**
 * Remembers what the records of a batch wait for, and makes those due that waited for what it has paired. Both happen under
 * one lock of the endpoint pair, so that a record never begins to wait just after what it waits for was paired.
 */
export async function saveWaiting(
  tx: Tx,
  keys: LinkKeys,
  request: CommitRequest,
  claimed: ReadonlyMap<string, readonly { side: Side; id: string }[]>,
): Promise<void> {
  const waiting = request.items.flatMap((item) =>
    (item.problems ?? []).flatMap(({ waitsFor }) =>
      waitsFor === undefined
        ? []
        : (claimed.get(item.key) ?? []).map(({ side, id }) => ({
            side,
            id,
            target_kind: waitsFor.kind,
            target_side: waitsFor.side,
            target_id: waitsFor.id,
          })),
    ),
  )
  const paired = request.items.flatMap((item) =>
    item.pair !== null && (item.pair.id === null || item.rebound !== undefined)
      ? [
          { side: 'left', id: item.pair.leftId },
          { side: 'right', id: item.pair.rightId },
        ]
      : [],
  )
  // Nothing refers to defects.
  if (waiting.length === 0 && (paired.length === 0 || keys.entityType === 'defect')) return
  await tx`select pg_advisory_xact_lock(hashtextextended(${`references:${keys.endpointPairId}`}, 0))`
  if (waiting.length > 0)
    await tx`
      insert into waiting_references (link_id, side, external_id, endpoint_pair_id, target_kind, target_side, target_id)
      select distinct ${keys.linkId}::uuid, side, id, ${keys.endpointPairId}::uuid, target_kind, target_side, target_id
      from jsonb_to_recordset(${tx.json(waiting as postgres.JSONValue)})
        as r(side text, id text, target_kind text, target_side text, target_id text)
      on conflict do nothing`
  const targets = [
    ...paired.map(({ side, id }) => ({ kind: keys.entityType, side, id })),
    ...waiting.map((one) => ({ kind: one.target_kind, side: one.target_side, id: one.target_id })),
  ]
  const found = await tx<{ link_id: string; side: Side; external_id: string }[]>`
    delete from waiting_references w
    where w.endpoint_pair_id = ${keys.endpointPairId} and exists (
      select 1 from pairs p where p.endpoint_pair_id = w.endpoint_pair_id and p.entity_type = w.target_kind
        and p.gone_side is null and ((w.target_side = 'left' and p.left_id = w.target_id)
          or (w.target_side = 'right' and p.right_id = w.target_id)))
      and (w.target_kind, w.target_side, w.target_id) in (
        select kind, side, id from jsonb_to_recordset(${tx.json(targets as postgres.JSONValue)}) as r(kind text, side text, id text))
    returning w.link_id, w.side, w.external_id`
  if (found.length > 0)
    await tx`
      update pending p set next_attempt_at = least(p.next_attempt_at, now()), revision = p.revision + 1
      from jsonb_to_recordset(${tx.json(found as unknown as postgres.JSONValue)}) as r(link_id uuid, side text, external_id text)
      where p.link_id = r.link_id and p.side = r.side and p.external_id = r.external_id`
}
