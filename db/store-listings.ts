import type postgres from 'postgres'
import type { FinishListing, ListingResult } from '../core/store.ts'
import type { Side } from '../core/values.ts'
import { approvedCount, openBrake } from './brakes.ts'
import { byHash, type Database, named } from './connection.ts'
import { loadLinkKeys } from './store-queue.ts'

/** Opens a complete listing of a side. What an earlier one, cut off, had collected is worth nothing and goes. */
export async function beginListing(
  { sql }: Database,
  input: { linkId: string; side: Side; runId: string | null },
): Promise<{ listingId: string }> {
  return named('begin listing', () =>
    sql.begin(async (tx) => {
      await tx`
        delete from scan_listing where listing_id in (
          select id from scan_epochs where link_id = ${input.linkId} and side = ${input.side} and completed_at is null)`
      const [row] = await tx<{ id: string }[]>`
        insert into scan_epochs (link_id, side, run_id) values (${input.linkId}, ${input.side}, ${input.runId}) returning id`
      return { listingId: row?.id ?? '' }
    }),
  )
}

/**
 * Closes a complete listing and compares it with the pairs: evidence only, nothing is deleted by it. A paired record counts
 * as gone when two listings in a row, the grace apart, lack it. Those that came back are queued, tombstone or not.
 */
export async function finishListing({ sql }: Database, input: FinishListing): Promise<ListingResult> {
  return named('finish listing', async () => {
    const keys = await loadLinkKeys(sql, input.linkId)
    const { linkId, side, listingId } = input
    return sql.begin(async (tx) => {
      const ownId = side === 'left' ? tx`p.left_id` : tx`p.right_id`
      const isListed = (id: postgres.PendingQuery<postgres.Row[]>) => tx`exists (
        select 1 from (select unnest(external_ids) as id from scan_listing where listing_id = ${listingId}) s where s.id = ${id})`
      const listed = isListed(ownId)
      const mine = tx`p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = ${keys.entityType}`
      await byHash(
        tx,
        tx`
        insert into absences (link_id, side, external_id, last_listing)
        select ${linkId}, ${side}, ${ownId}, ${listingId} from pairs p where ${mine} and p.gone_side is null and not ${listed}
        on conflict (link_id, side, external_id) do update set
          listings = absences.listings + 1, last_listing = excluded.last_listing
        where absences.last_listing <> excluded.last_listing`,
      )
      await byHash(
        tx,
        tx`delete from absences a where a.link_id = ${linkId} and a.side = ${side} and ${isListed(tx`a.external_id`)}`,
      )
      // What was taken for gone and is listed again is looked at, whether or not its stamp has moved.
      await byHash(
        tx,
        tx`
        insert into pending (link_id, side, external_id, reason)
        select ${linkId}, ${side}, ${ownId}, 'full-scan' from pairs p where ${mine} and p.gone_side = ${side} and ${listed}
        on conflict (link_id, side, external_id) do update set
          revision = pending.revision + 1, next_attempt_at = least(pending.next_attempt_at, now())`,
      )
      const above =
        input.highestId === null
          ? tx`0`
          : tx`(select count(*)::int from records s where s.endpoint_id = ${keys[side].endpointId}
              and s.entity_type = ${keys[side].entityType} and s.external_id ~ '^[0-9]+$'
              and s.external_id::numeric > ${input.highestId}::bigint)`
      const [count] = await tx<{ absent: number; pairs: number; above: number }[]>`
        select (select count(*)::int from absences where link_id = ${linkId} and side = ${side}) as absent,
          (select count(*)::int from pairs p where ${mine} and p.gone_side is null) as pairs, ${above} as above`
      const absent = count?.absent ?? 0
      const most = Math.max(input.mostAbsent.count, Math.floor(input.mostAbsent.share * (count?.pairs ?? 0)))
      const approved = await approvedCount(tx, linkId, 'deletions')
      const braked = absent > most + approved
      if (braked) {
        const [epoch] = await tx<
          { run: string | null }[]
        >`select run_id as run from scan_epochs where id = ${listingId}`
        await openBrake(tx, {
          linkId,
          kind: 'deletions',
          runId: epoch?.run ?? null,
          allowed: most,
          pairs: count?.pairs ?? 0,
          absent: { side, count: absent },
        })
      }
      const queued = braked ? 0 : await queueAbsences(tx, linkId, side, input.graceSeconds)
      await tx`
        update scan_epochs set completed_at = now(), rows = ${input.rows}, escaped = ${input.escaped}, absent = ${absent},
          braked = ${braked} where id = ${listingId}`
      await tx`delete from scan_listing where listing_id = ${listingId}`
      return { absent, aboveHighest: count?.above ?? 0, queued, braked }
    })
  })
}

type Tx = Parameters<Parameters<Database['sql']['begin']>[1]>[0]

async function queueAbsences(tx: Tx, linkId: string, side: Side, graceSeconds: number): Promise<number> {
  const rows = await tx`
    insert into pending (link_id, side, external_id, reason)
    select a.link_id, a.side, a.external_id, 'absence' from absences a
    where a.link_id = ${linkId} and a.side = ${side} and a.listings >= 2
      and a.first_missing <= now() - make_interval(secs => ${graceSeconds})
    on conflict (link_id, side, external_id) do update set
      reason = 'absence', revision = pending.revision + 1, next_attempt_at = least(pending.next_attempt_at, now())
    returning 1`
  return rows.length
}
