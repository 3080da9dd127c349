import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import type { Base } from '../core/base.ts'
import type { Decisions } from '../core/conflicts.ts'
import type { OpenIntent } from '../core/intents.ts'
import { type QueuePlace, type RecordedPage, StoreError } from '../core/store.ts'
import { otherSide, type Side, type Stamp } from '../core/values.ts'
import type {
  Claim,
  ClaimRequest,
  PairedRecord,
  PendingReason,
  QueueState,
  TwinState,
  WorkItem,
} from '../core/work-items.ts'
import { extendBatchSlot, freeBatchSlot, takeBatchSlot } from './batch-slots.ts'
import { commitWith, type Database, named } from './connection.ts'

/** What the statements below need to know of a link. */
export interface LinkKeys {
  linkId: string
  endpointPairId: string
  entityType: string
  left: { endpointId: string; entityType: string }
  right: { endpointId: string; entityType: string }
}

export async function loadLinkKeys(sql: postgres.Sql, linkId: string): Promise<LinkKeys> {
  const [row] = await sql<
    { endpoint_pair_id: string; entity_type: string; left: LinkKeys['left']; right: LinkKeys['right'] }[]
  >`
    select l.endpoint_pair_id, v.configuration ->> 'entityType' as entity_type,
      v.configuration -> 'left' as left, v.configuration -> 'right' as right
    from links l join link_versions v on v.link_id = l.id and v.version = l.version where l.id = ${linkId}`
  if (row === undefined) throw new StoreError('link-not-found', `There is no link ${linkId}.`)
  return { linkId, endpointPairId: row.endpoint_pair_id, entityType: row.entity_type, left: row.left, right: row.right }
}

/*
 * The queue's tables grow and shrink so fast that their statistics are always out of date. Look-ups of single rows are
 * therefore laterals with a limit: the planner can't turn these into joins that read a whole table for every batch.
 */

/** Queues rows whose stamp is not the one seen; a row that waits in back-off is due again only with a new stamp. */
export async function queueScanPage(
  { sql }: Database,
  input: {
    linkId: string
    side: Side
    rows: readonly { id: string; stamp: Stamp; created?: string | null; editedAgoMs?: number | null }[]
    createdFixed: boolean
    reason: PendingReason
    runId: string | null
    listingId?: string
  },
): Promise<RecordedPage> {
  return named('record scan page', async () => {
    const keys = await loadLinkKeys(sql, input.linkId)
    const { endpointId, entityType } = keys[input.side]
    const rows = input.rows.map(({ id, stamp, created = null, editedAgoMs = null }) => ({
      id,
      version: stamp.version,
      modified: stamp.modified,
      created,
      edited: editedAgoMs,
    }))
    const counter = input.side === 'left' ? 'scannedLeft' : 'scannedRight'
    return sql.begin(async (tx) => {
      const told = await tx<{ id: string; regressed: boolean; reused: boolean; queued: boolean; announced: boolean }[]>`
        with rows as (
          select * from jsonb_to_recordset(${tx.json(rows)}) as r(id text, version bigint, modified text, created text, edited float)
        ), changed as (
          select r.*, coalesce(s.seen_version > r.version, false) as regressed,
            coalesce(s.created <> r.created and (${input.createdFixed} or s.seen_version is null or s.seen_version >= r.version), false) as reused, q.external_id is not null as announced
          from rows r
          left join lateral (
            select * from records s where s.endpoint_id = ${endpointId} and s.entity_type = ${entityType}
              and s.external_id = r.id limit 1) s on true
          left join lateral (
            select q.external_id from pending q where q.link_id = ${input.linkId} and q.side = ${input.side}
              and q.external_id = r.id limit 1) q on true
          where s.external_id is null or coalesce(s.created <> r.created, false)
            or (s.pair_id is null and not ${input.linkId}::uuid = any(s.looked_by)) or not case
            when s.seen_version is not null and r.version is not null then s.seen_version = r.version
            else s.seen_modified is not null and r.modified is not null and s.seen_modified = r.modified end
        ), queued as (
          insert into pending (link_id, side, external_id, reason, queued_version, queued_modified, edited_at, last_edited_at)
          select ${input.linkId}, ${input.side}, id, ${input.reason}, version, modified, now() - make_interval(secs => edited / 1000),
            now() - make_interval(secs => edited / 1000) from changed
          where not regressed order by id
          on conflict (link_id, side, external_id) do update set
            revision = pending.revision + 1, next_attempt_at = least(pending.next_attempt_at, now()), attempts = 0,
            reason = case when pending.reason = 'person' then pending.reason else excluded.reason end, queued_version = excluded.queued_version,
            queued_modified = excluded.queued_modified, last_edited_at = excluded.last_edited_at,
            edited_at = least(pending.edited_at, excluded.edited_at)
          where (pending.queued_version, pending.queued_modified)
            is distinct from (excluded.queued_version, excluded.queued_modified)
          returning external_id
        )
        select id, regressed, reused, id in (select external_id from queued) as queued, announced from changed`
      if (input.listingId !== undefined)
        await tx`
          insert into scan_listing (listing_id, external_ids)
          values (${input.listingId}, ${tx.array(rows.map(({ id }) => id))}::text[])`
      if (input.runId !== null)
        await tx`
          update runs set counters = jsonb_set(counters, array[${counter}]::text[],
            to_jsonb(coalesce((counters ->> ${counter})::int, 0) + ${rows.length}::int))
          where id = ${input.runId}`
      const idsOf = (wanted: (row: (typeof told)[number]) => boolean) => told.filter(wanted).map((row) => row.id)
      return {
        queued: idsOf((row) => row.queued),
        unannounced: idsOf((row) => row.queued && !row.announced),
        regressed: idsOf((row) => row.regressed),
        reused: idsOf((row) => row.reused),
      }
    })
  })
}

/** Of a link, or of what one of its runs was asked for. */
export async function loadQueueState({ sql }: Database, linkId: string, runId?: string): Promise<QueueState> {
  const [row] = await named(
    'queue state',
    () =>
      sql<{ due: number; leased: number; waiting: number; next: number | null }[]>`
      with leases as (
        select jsonb_array_elements(due) as row from claims where link_id = ${linkId} and grace_until >= now()
      ), rows as (
        select p.next_attempt_at, exists (
          select 1 from leases where row ->> 'side' = p.side and row ->> 'id' = p.external_id) as leased
        from pending p where p.link_id = ${linkId} and ${runId === undefined ? sql`true` : askedBy(sql, runId)}
      )
      select count(*) filter (where not leased and next_attempt_at <= now())::int as due,
        count(*) filter (where leased)::int as leased,
        count(*) filter (where not leased and next_attempt_at > now())::int as waiting,
        extract(epoch from min(next_attempt_at) filter (where not leased and next_attempt_at > now()) - now())::float as next
      from rows`,
  )
  return {
    due: row?.due ?? 0,
    leased: row?.leased ?? 0,
    waiting: row?.waiting ?? 0,
    nextDueInSeconds: row?.next ?? null,
  }
}

/** The queue row `p` belongs to what the run was asked for and has not answered yet. */
function askedBy(sql: postgres.ISql, runId: string): postgres.PendingQuery<postgres.Row[]> {
  return sql`exists (
    select 1 from requested_records a where a.run_id = ${runId} and not a.settled
      and a.side = p.side and a.external_id = p.external_id)`
}

/** Pairs of a link's endpoint pair and kind whose records are both there as far as we know. */
export async function countPairs({ sql }: Database, linkId: string): Promise<number> {
  const keys = await loadLinkKeys(sql, linkId)
  const [row] = await named(
    'count pairs',
    () => sql<{ count: number }[]>`
      select count(*)::int as count from pairs
      where endpoint_pair_id = ${keys.endpointPairId} and entity_type = ${keys.entityType} and gone_side is null`,
  )
  return row?.count ?? 0
}

/** Leases due pairs and unpaired records. A pair is one item whichever of its sides is due. */
export async function claimItems(database: Database, request: ClaimRequest): Promise<Claim> {
  const { sql } = database
  const { linkId } = request
  return named('claim', async () => {
    const keys = await loadLinkKeys(sql, linkId)
    const token = randomUUID()
    const busy = await takeBatchSlot(database, request, [keys.left.endpointId, keys.right.endpointId], token)
    if (busy !== null) return { token, items: [], busy }
    const leased = sql.begin(async (tx): Promise<WorkItem[]> => {
      const [, claimed] = await Promise.all([
        // Walks the queue in the order of its index and stops at the limit, instead of reading and sorting all of it.
        tx`select set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)`.execute(),
        leaseDue(tx, keys, request, token),
      ])
      if (claimed.length === 0) return []
      const items = await withHeldDecisions(tx, await loadItems(tx, keys, claimed))
      const due = Object.fromEntries(
        items.map((item) => [item.key, item.due.map(({ side, id, revision }) => ({ side, id, revision }))]),
      )
      await commitWith(tx, [
        tx`update claims set due = coalesce(${tx.json(due)}::jsonb -> key, '[]') where token = ${token}`,
      ])
      return items
    })
    let items: WorkItem[] = []
    try {
      items = await leased
    } finally {
      if (items.length === 0) await freeBatchSlot(sql, token)
    }
    return { token, items }
  })
}

/**
 * Decisions that go along with a claim are held until it stands, so that whoever decides otherwise meanwhile either comes
 * first or finds the record claimed. One that is being changed just now stays behind: its record is due again at once.
 */
async function withHeldDecisions(tx: postgres.TransactionSql, items: WorkItem[]): Promise<WorkItem[]> {
  const ids = items.flatMap(({ pair }) => Object.values(pair?.decisions ?? {}).map((one) => one.conflictId))
  if (ids.length === 0) return items
  const rows = await tx<{ id: string; mapping: string; decision: Decisions[string] }[]>`
    select c.id, c.mapping_id as mapping, jsonb_build_object('conflictId', c.id, 'choose', c.decision -> 'choose',
      'value', c.decision -> 'value', 'side', c.decision -> 'side', 'leftHash', c.left_hash, 'rightHash', c.right_hash) as decision
    from conflicts c where c.id = any(${tx.array(ids)}::uuid[]) and c.resolved_at is null and c.decision is not null
    for share skip locked`
  const held = new Map(rows.map((row) => [row.id, row]))
  return items.map((item) => {
    const { pair } = item
    if (pair?.decisions === undefined) return item
    const decisions = Object.values(pair.decisions).flatMap(({ conflictId }) => {
      const row = held.get(conflictId)
      return row === undefined ? [] : [[row.mapping, row.decision] as const]
    })
    return { ...item, pair: { ...pair, decisions: Object.fromEntries(decisions) } }
  })
}

/** How often a claim looks again for rows that nobody holds, when others were faster each time. */
const claimRounds = 20

/**
 * Leases keys of due rows. Others claim at the same time: what they lease between our look and our lease is refused by the
 * row of their claim, and must not be taken for an empty queue, so the look is repeated with fresh eyes.
 */
async function leaseDue(
  tx: postgres.TransactionSql,
  keys: LinkKeys,
  { linkId, runId, limit, leaseSeconds, graceSeconds, asked }: ClaimRequest,
  token: string,
): Promise<string[]> {
  for (let round = 0; round < claimRounds; round++) {
    const [answer] = await tx<{ found: number; claimed: string[] }[]>`
      with live as materialized (
        select key from claims where link_id = ${linkId} and grace_until >= now()
      ), due as (
        select coalesce('pair:' || r.pair_id, p.side || ':' || p.external_id) as key, p.next_attempt_at
        from pending p
        left join lateral (
          select r.pair_id from records r where r.external_id = p.external_id
            and r.endpoint_id = case p.side when 'left' then ${keys.left.endpointId}::uuid else ${keys.right.endpointId}::uuid end
            and r.entity_type = case p.side when 'left' then ${keys.left.entityType} else ${keys.right.entityType} end
          limit 1) r on true
        where p.link_id = ${linkId} and p.next_attempt_at <= now()
          and ${asked === true ? askedBy(tx, runId) : tx`true`}
          and coalesce('pair:' || r.pair_id, p.side || ':' || p.external_id) not in (select key from live)
        order by p.next_attempt_at, p.side, p.external_id
        limit ${limit}
        for update of p skip locked
      ), keys as (select distinct key from due
      ), leased as (
        insert into claims (link_id, key, token, run_id, lease_until, grace_until)
        select ${linkId}, key, ${token}, ${runId}, now() + make_interval(secs => ${leaseSeconds}),
          now() + make_interval(secs => ${leaseSeconds + graceSeconds})
        from keys order by key
        on conflict (link_id, key) do update set token = excluded.token, run_id = excluded.run_id, claimed_at = now(),
          lease_until = excluded.lease_until, grace_until = excluded.grace_until, due = '[]'
        where claims.grace_until < now()
        returning key
      )
      select (select count(*)::int from keys) as found, coalesce((select array_agg(key) from leased), '{}') as claimed`
    if (answer === undefined || answer.claimed.length > 0 || answer.found === 0) return answer?.claimed ?? []
  }
  return []
}

/** What queue rows are about, without a lease: what a simulation looks at. Each page is read by the queue's own index. */
export async function peekItems(
  { sql }: Database,
  input: { linkId: string; after: QueuePlace | null; limit: number; oneIn?: number },
): Promise<{ items: WorkItem[]; next: QueuePlace | null }> {
  return named('peek', async () => {
    const keys = await loadLinkKeys(sql, input.linkId)
    const { after, limit, oneIn = 1 } = input
    const rows = await sql<{ side: Side; id: string; key: string; shown: boolean }[]>`
      select p.side, p.external_id as id, coalesce('pair:' || r.pair_id, p.side || ':' || p.external_id) as key,
        p.side = 'right' and exists (
          select 1 from pairs a cross join lateral (
            select 1 from pending q where q.link_id = ${input.linkId} and q.side = 'left' and q.external_id = a.left_id limit 1) q
          where a.id = r.pair_id) as shown
      from (
        select side, external_id from pending where link_id = ${input.linkId}
          and ${after === null ? sql`true` : sql`(side, external_id) > (${after.side}, ${after.id})`}
          and ${oneIn === 1 ? sql`true` : sql`(hashtext(external_id) & 2147483647) % ${oneIn} = 0`}
        order by side, external_id limit ${limit}) p
      left join lateral (
        select r.pair_id from records r where r.external_id = p.external_id
          and r.endpoint_id = case p.side when 'left' then ${keys.left.endpointId}::uuid else ${keys.right.endpointId}::uuid end
          and r.entity_type = case p.side when 'left' then ${keys.left.entityType} else ${keys.right.entityType} end
        limit 1) r on true
      order by p.side, p.external_id`
    const items = await loadItems(
      sql,
      keys,
      rows.filter((row) => !row.shown).map(({ key }) => key),
    )
    const last = rows[rows.length - 1]
    return { items, next: rows.length < limit || last === undefined ? null : { side: last.side, id: last.id } }
  })
}

interface ItemRow {
  key: string
  pair_id: string | null
  left_id: string | null
  right_id: string | null
  base: Base | null
  left_version: number | null
  left_modified: string | null
  left_seen: boolean
  right_version: number | null
  right_modified: string | null
  right_seen: boolean
  decisions: Decisions | null
  elsewhere: boolean
  adopt: WorkItem['adopt'] | null
  stopped: boolean
  undone_twin: string | null
  left_created: string | null
  right_created: string | null
  left_absent: PairedRecord['absent']
  right_absent: PairedRecord['absent']
  gone_side: Side | null
  gone_outcome: 'kept' | 'deleted' | null
  due: WorkItem['due'] | null
  intents: (Omit<OpenIntent, 'ageSeconds'> & { ageSeconds: number })[] | null
}

/** How often complete listings lack a paired record, and the seconds between the first and the last of them. */
function absentOf(sql: postgres.ISql, linkId: string, side: Side) {
  return sql`(
    select jsonb_build_object('listings', a.listings,
      'seconds', coalesce(extract(epoch from e.completed_at - a.first_missing)::float, 0))
    from absences a left join scan_epochs e on e.id = a.last_listing
    where a.link_id = ${linkId} and a.side = ${side} and a.external_id = ${side === 'left' ? sql`w.left_id` : sql`w.right_id`})`
}

/** Paired records that nothing says are missing, the last ones looked at first; where all of them are, some of those. */
export async function findSiblings(
  { sql }: Database,
  input: { linkId: string; side: Side; limit: number },
): Promise<string[]> {
  return named('siblings', async () => {
    const keys = await loadLinkKeys(sql, input.linkId)
    const ownId = input.side === 'left' ? sql`p.left_id` : sql`p.right_id`
    const paired = (which: postgres.PendingQuery<postgres.Row[]>) => sql<{ id: string }[]>`
      select ${ownId} as id from pairs p
      where p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = ${keys.entityType} and p.gone_side is null
        and ${which} order by p.updated_at desc limit ${input.limit}`
    const listed = await paired(sql`not exists (
      select 1 from absences a where a.link_id = ${input.linkId} and a.side = ${input.side} and a.external_id = ${ownId})`)
    const rows = listed.length > 0 ? listed : await paired(sql`true`)
    return rows.map((row) => row.id)
  })
}

/** Files or comments that pairs know on a side, of the pairs looked at last. */
export async function findKnownParts(
  { sql }: Database,
  input: { linkId: string; side: Side; mappingId: string; part: 'files' | 'comments'; limit: number },
): Promise<{ recordId: string; id: string }[]> {
  return named('parts known', async () => {
    const keys = await loadLinkKeys(sql, input.linkId)
    const rows = await sql<{ recordId: string; id: string }[]>`
      select ${input.side === 'left' ? sql`p.left_id` : sql`p.right_id`} as "recordId", f -> ${input.side} ->> 'id' as id
      from pairs p cross join lateral jsonb_array_elements(p.base -> ${input.mappingId} -> ${input.part}) f
      where p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = ${keys.entityType} and p.gone_side is null
        and f -> ${input.side} ->> 'id' is not null
      order by p.updated_at desc limit ${input.limit}`
    return [...rows]
  })
}

export async function loadItems(sql: postgres.ISql, keys: LinkKeys, wanted: readonly string[]): Promise<WorkItem[]> {
  if (wanted.length === 0) return []
  const rows = await sql<ItemRow[]>`
    with wanted as (
      select w.key, p.id as pair_id, p.left_id, p.right_id, p.base, p.gone_side, p.gone_outcome,
        coalesce(p.endpoint_pair_id <> ${keys.endpointPairId}, false) as elsewhere,
        case when p.id is null then split_part(w.key, ':', 1) end as side,
        case when p.id is null then substr(w.key, strpos(w.key, ':') + 1) end as record_id
      from unnest(${sql.array([...wanted])}::text[]) as w(key)
      left join lateral (
        select * from pairs p where p.id = case when w.key like 'pair:%' then substr(w.key, 6)::uuid end limit 1) p on true
    )
    select w.key, w.pair_id, w.left_id, w.right_id, w.base, w.elsewhere,
      case when adopting.id is not null then (
        select jsonb_build_object('adoptionId', a.adoption_id, 'differences', adopting.differences,
          'twinId', case w.side when 'right' then a.left_id else a.right_id end,
          'waits', coalesce(w.side = 'right', false) and exists (
            select 1 from pending q where q.link_id = ${keys.linkId} and q.side = 'left' and q.external_id = a.left_id))
        from adoption_pairs a where a.adoption_id = adopting.id and a.state = 'matched'
          and case w.side when 'right' then a.right_id = w.record_id else a.left_id = coalesce(w.left_id, w.record_id) end
          and (w.pair_id is null or a.right_id = w.right_id) limit 1) end as adopt,
      exists (select 1 from stopped_records s cross join (values (w.side, w.record_id), ('left', w.left_id), ('right', w.right_id)) as k(side, id)
        where s.endpoint_pair_id = ${keys.endpointPairId} and s.entity_type = ${keys.entityType}
          and s.side = k.side and s.external_id = k.id) as stopped,
      (select u.undone_twin from records u where w.pair_id is null and u.external_id = w.record_id
        and u.endpoint_id = case w.side when 'left' then ${keys.left.endpointId}::uuid else ${keys.right.endpointId}::uuid end
        and u.entity_type = case w.side when 'left' then ${keys.left.entityType} else ${keys.right.entityType} end) as undone_twin,
      l.seen_version::float as left_version, l.seen_modified as left_modified, l.external_id is not null as left_seen,
      r.seen_version::float as right_version, r.seen_modified as right_modified, r.external_id is not null as right_seen,
      l.created as left_created, r.created as right_created, w.gone_side, w.gone_outcome,
      case when missing.listed then ${absentOf(sql, keys.linkId, 'left')} end as left_absent,
      case when missing.listed then ${absentOf(sql, keys.linkId, 'right')} end as right_absent,
      (select jsonb_agg(jsonb_build_object('side', q.side, 'id', q.external_id, 'revision', q.revision,
          'reason', q.reason, 'attempts', q.attempts) order by q.side)
        from (values (w.side, w.record_id), ('left', w.left_id), ('right', w.right_id)) as k(side, id)
        cross join lateral (
          select * from pending q where q.link_id = ${keys.linkId} and q.side = k.side and q.external_id = k.id limit 1) q
      ) as due,
      (select jsonb_agg(jsonb_build_object('id', i.id, 'version', i.version, 'key', i.key, 'action', i.action, 'side', i.side,
          'targetId', i.target_id, 'sourceId', i.source_id, 'stampBefore', i.stamp_before, 'fields', i.fields,
          'ageSeconds', extract(epoch from now() - i.created_at)::float, 'answered', i.answered) order by i.created_at, i.id)
        from intents i where i.link_id = ${keys.linkId}
          and i.key in (w.key, 'left:' || w.left_id, 'right:' || w.right_id)) as intents,
      (select jsonb_object_agg(c.mapping_id, jsonb_build_object('conflictId', c.id, 'choose', c.decision -> 'choose',
          'value', c.decision -> 'value', 'side', c.decision -> 'side', 'leftHash', c.left_hash, 'rightHash', c.right_hash))
        from conflicts c where c.pair_id = w.pair_id and c.link_id = ${keys.linkId} and c.resolved_at is null
          and c.decision is not null) as decisions
    from wanted w
    cross join (select exists (select 1 from absences a where a.link_id = ${keys.linkId}) as listed) missing
    left join (select id, differences from adoptions where link_id = ${keys.linkId} and status = 'accepted') adopting on true
    left join lateral (
      select * from records l where l.endpoint_id = ${keys.left.endpointId} and l.entity_type = ${keys.left.entityType}
        and l.external_id = w.left_id limit 1) l on true
    left join lateral (
      select * from records r where r.endpoint_id = ${keys.right.endpointId} and r.entity_type = ${keys.right.entityType}
        and r.external_id = w.right_id limit 1) r on true
    order by w.key collate "C"`
  return rows.flatMap((row): WorkItem[] => {
    const due = row.due ?? []
    if (due.length === 0) return []
    // The pair of another workspace's link is none of ours.
    if (row.elsewhere) return [{ key: row.key, pair: null, due, intents: [], leaveAlone: 'elsewhere' }]
    const pair =
      row.pair_id === null || row.left_id === null || row.right_id === null
        ? null
        : {
            id: row.pair_id,
            left: {
              id: row.left_id,
              seen: row.left_seen ? { version: row.left_version, modified: row.left_modified } : null,
              created: row.left_created,
              absent: row.left_absent,
            },
            right: {
              id: row.right_id,
              seen: row.right_seen ? { version: row.right_version, modified: row.right_modified } : null,
              created: row.right_created,
              absent: row.right_absent,
            },
            base: row.base ?? {},
            ...(row.decisions === null ? {} : { decisions: row.decisions }),
            gone:
              row.gone_side === null || row.gone_outcome === null
                ? null
                : { side: row.gone_side, outcome: row.gone_outcome },
          }
    const leaveAlone = row.stopped ? { leaveAlone: 'person' as const } : {}
    const adopt = row.adopt === null || row.adopt === undefined ? {} : { adopt: row.adopt }
    const undone = row.undone_twin === null ? {} : { undoneTwin: row.undone_twin }
    return [{ key: row.key, pair, due, intents: row.intents ?? [], ...leaveAlone, ...adopt, ...undone }]
  })
}

export async function extendClaim(
  { sql }: Database,
  { token, leaseSeconds, graceSeconds }: { token: string; leaseSeconds: number; graceSeconds: number },
): Promise<void> {
  await named('extend lease', () =>
    sql.begin(async (tx) => {
      const [row] = await tx<{ lost: number; held: number }[]>`
        select count(*) filter (where lease_until <= now())::int as lost, count(*)::int as held
        from (select lease_until from claims where token = ${token} for update) held`
      if (row === undefined || row.held === 0 || row.lost > 0)
        throw new StoreError('lease-lost', 'The lease of the batch has run out.')
      await tx`
        update claims set lease_until = now() + make_interval(secs => ${leaseSeconds}),
          grace_until = now() + make_interval(secs => ${leaseSeconds + graceSeconds}) where token = ${token}`
      await extendBatchSlot(tx, token, { leaseSeconds, graceSeconds })
    }),
  )
}

export async function releaseClaim({ sql }: Database, token: string): Promise<void> {
  await named('release', async () => {
    await sql`delete from claims where token = ${token}`
    await freeBatchSlot(sql, token)
  })
}

/** Who is paired with, or being created for, the other-side records that unpaired records of `side` name. */
export async function findTwins(
  { sql }: Database,
  input: { linkId: string; side: Side; twinIds: readonly string[] },
): Promise<TwinState[]> {
  return named('twins', async () => {
    const keys = await loadLinkKeys(sql, input.linkId)
    const twinSide = otherSide(input.side)
    const rows = await sql<
      { twin_id: string; left_id: string | null; right_id: string | null; intent: OpenIntent | null }[]
    >`
      select w.id as twin_id, p.left_id, p.right_id,
        (select jsonb_build_object('id', i.id, 'version', i.version, 'key', i.key, 'action', i.action, 'side', i.side, 'targetId', i.target_id,
            'sourceId', i.source_id, 'stampBefore', i.stamp_before, 'fields', i.fields,
            'ageSeconds', extract(epoch from now() - i.created_at)::float, 'answered', i.answered)
          from intents i where i.link_id = ${input.linkId} and i.action = 'create'
            and i.side = ${input.side} and i.source_id = w.id limit 1) as intent
      from unnest(${sql.array([...input.twinIds])}::text[]) as w(id)
      left join pairs p on p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = ${keys.entityType}
        and ${twinSide === 'left' ? sql`p.left_id` : sql`p.right_id`} = w.id`
    return rows.map((row) => ({
      twinId: row.twin_id,
      pair: row.left_id === null || row.right_id === null ? null : { leftId: row.left_id, rightId: row.right_id },
      openCreate: row.intent,
    }))
  })
}

/** Creates on a side that are open, the oldest first. */
export async function findOpenCreates(
  { sql }: Database,
  { linkId, side }: { linkId: string; side: Side },
): Promise<OpenIntent[]> {
  return named(
    'open creates',
    () => sql<OpenIntent[]>`
      select id, version, key, action, side, target_id as "targetId", source_id as "sourceId", stamp_before as "stampBefore", fields,
        extract(epoch from now() - created_at)::float as "ageSeconds", answered
      from intents where link_id = ${linkId} and action = 'create' and side = ${side} order by created_at, id`,
  )
}
