import type postgres from 'postgres'
import type { AdoptedField, AdoptionMethod, AdoptionRecord, IdPair } from '../core/adoption.ts'
import type { AdoptedDifferences } from '../core/merge.ts'
import type { AdoptionSummary } from '../core/store.ts'
import type { Side } from '../core/values.ts'
import { type Database, named } from './connection.ts'
import { appendLedger, chainOf } from './ledger.ts'
import { releaseLookAlikes } from './look-alikes.ts'
import { loadLinkKeys } from './store-queue.ts'

type Tx = postgres.TransactionSql

/** So many of a link's adoptions are kept with what they listed. */
const keptListings = 2

/** Writes down what somebody wants to have paired; the link's next run of kind `adoption` lists it. */
export async function createAdoption(
  { sql }: Database,
  input: { linkId: string; settings: AdoptionMethod; pairs: readonly IdPair[]; actor: string },
): Promise<string> {
  return named('create adoption', () =>
    sql.begin(async (tx) => {
      await tx`update adoptions set status = 'discarded', ended_at = now()
        where link_id = ${input.linkId} and status in ('asked', 'ready')`
      await forgetListings(tx, input.linkId)
      const [row] = await tx<{ id: string }[]>`
        insert into adoptions (link_id, settings, actor)
        values (${input.linkId}, ${tx.json(input.settings as unknown as postgres.JSONValue)}, ${input.actor}) returning id`
      if (row === undefined) throw new Error('insert answered nothing')
      const chunk = 5_000
      for (let at = 0; at < input.pairs.length; at += chunk)
        await tx`
          insert into adoption_pairs (adoption_id, left_id, right_id, line, state)
          select ${row.id}, r.left, r.right, r.line, 'given'
          from jsonb_to_recordset(${tx.json(input.pairs.slice(at, at + chunk) as unknown as postgres.JSONValue)})
            as r("left" text, "right" text, line int)`
      return row.id
    }),
  )
}

/** Titles of records are not kept for longer than somebody may want to look at them. */
async function forgetListings(tx: Tx, linkId: string): Promise<void> {
  const old = tx`(select id from adoptions where link_id = ${linkId} and status <> 'accepted'
    order by created_at desc offset ${keptListings - 1})`
  await tx`delete from adoption_records where adoption_id in ${old}`
  await tx`delete from adoption_pairs where adoption_id in ${old}`
}

/** What a run of kind `adoption` does next: pair what was accepted, list what was asked, or nothing more. */
export async function nextAdoptionStep(
  { sql }: Database,
  { linkId, runId }: { linkId: string; runId: string },
): Promise<'pair' | 'list' | 'none'> {
  return named('next adoption step', () =>
    sql.begin(async (tx) => {
      const [row] = await tx<{ id: string; status: string }[]>`
        select id, status from adoptions where link_id = ${linkId} and status in ('accepted', 'asked')
        order by status, created_at limit 1 for update`
      if (row === undefined) return 'none'
      await tx`update adoptions set run_id = ${runId} where id = ${row.id}`
      if (row.status === 'asked') return 'list'
      await queueAccepted(tx, row.id, linkId, runId)
      return 'pair'
    }),
  )
}

/**
 * Makes the left record of every accepted pair due, for this run; again for those that an earlier run did not come to, or
 * paired and did not live to look at once more.
 */
async function queueAccepted(tx: Tx, adoptionId: string, linkId: string, runId: string): Promise<void> {
  const { endpointPairId, entityType } = await loadLinkKeys(tx as unknown as postgres.Sql, linkId)
  await tx`
    with asked as (
      select a.left_id, row_number() over (order by a.left_id)::int as position from adoption_pairs a
      where a.adoption_id = ${adoptionId} and a.state = 'matched' and (not exists (
            select 1 from pairs p where p.endpoint_pair_id = ${endpointPairId} and p.entity_type = ${entityType}
              and p.left_id = a.left_id and p.right_id = a.right_id)
          or exists (select 1 from pending q where q.link_id = ${linkId} and q.side = 'left' and q.external_id = a.left_id))
        and not exists (select 1 from requested_records q where q.run_id = ${runId} and q.side = 'left'
          and q.external_id = a.left_id)
    ), queued as (
      insert into pending (link_id, side, external_id, reason)
      select ${linkId}, 'left', left_id, 'person' from asked
      on conflict (link_id, side, external_id) do update set
        revision = pending.revision + 1, next_attempt_at = now(), attempts = 0, class = null
      returning external_id, revision
    )
    insert into requested_records (run_id, link_id, side, external_id, position, revision)
    select ${runId}, ${linkId}, 'left', a.left_id, a.position, q.revision from asked a join queued q on q.external_id = a.left_id`
}

/** Begins the listing of what was asked, afresh: an earlier one may have been cut off. Null: nothing is to be listed. */
export async function beginAdoptionListing(
  { sql }: Database,
  { linkId, runId }: { linkId: string; runId: string },
): Promise<{ adoptionId: string; settings: AdoptionMethod } | null> {
  return named('begin adoption listing', () =>
    sql.begin(async (tx) => {
      const [row] = await tx<{ id: string; settings: AdoptionMethod }[]>`
        select id, settings from adoptions where link_id = ${linkId} and run_id = ${runId} and status = 'asked'
        order by created_at limit 1 for update`
      if (row === undefined) return null
      await tx`delete from adoption_records where adoption_id = ${row.id}`
      if (row.settings.method === 'csv')
        await tx`update adoption_pairs set state = 'given', reason = null, fields = null where adoption_id = ${row.id}`
      else await tx`delete from adoption_pairs where adoption_id = ${row.id}`
      return { adoptionId: row.id, settings: row.settings }
    }),
  )
}

/** A page of the records of a side; a repeat replaces itself. */
export async function saveAdoptionRecords(
  { sql }: Database,
  { adoptionId, side, records }: { adoptionId: string; side: Side; records: readonly AdoptionRecord[] },
): Promise<void> {
  await named(
    'save adoption records',
    () => sql`
      insert into adoption_records (adoption_id, side, external_id, title, type, number, ref, unreadable, key, names, in_scope)
      select ${adoptionId}, ${side}, id, title, type, substring(id from '[0-9]+$'), ref, unreadable, key, names, "inScope"
      from jsonb_to_recordset(${sql.json(records as unknown as postgres.JSONValue)}) as r(id text, title text, type text,
        ref text, unreadable text, key text, names text, "inScope" boolean)
      on conflict (adoption_id, side, external_id) do nothing`,
  )
}

/** Finds who belongs together among what was listed, and tells what is doubtful. */
export async function matchAdoption({ sql }: Database, { adoptionId }: { adoptionId: string }): Promise<void> {
  await named('match adoption', () =>
    sql.begin(async (tx) => {
      const [row] = await tx<{ linkId: string; settings: AdoptionMethod }[]>`
        select link_id as "linkId", settings from adoptions where id = ${adoptionId}`
      if (row === undefined) return
      const keys = await loadLinkKeys(tx as unknown as postgres.Sql, row.linkId)
      await tx`analyze adoption_records`
      for (const side of ['left', 'right'] as const)
        await tx`
          update adoption_records a set paired = true where a.adoption_id = ${adoptionId} and a.side = ${side} and exists (
            select 1 from records r where r.endpoint_id = ${keys[side].endpointId} and r.entity_type = ${keys[side].entityType}
              and r.external_id = a.external_id and r.pair_id is not null)`
      if (row.settings.method === 'field') await matchByField(tx, adoptionId, row.settings.side)
      else if (row.settings.method === 'keys') await matchByKeys(tx, adoptionId)
      await tx`analyze adoption_pairs`
      await judgePairs(tx, adoptionId, keys)
    }),
  )
}

async function matchByField(tx: Tx, adoptionId: string, side: Side): Promise<void> {
  const other = side === 'left' ? 'right' : 'left'
  const [left, right] = side === 'left' ? [tx`f.external_id`, tx`f.twin`] : [tx`f.twin`, tx`f.external_id`]
  // Where ids begin with their kind, a bare number may mean several records: those of the same type are meant.
  await tx`
    insert into adoption_pairs (adoption_id, left_id, right_id, state)
    select ${adoptionId}::uuid, ${left}, ${right}, 'matched' from (
      select n.external_id, coalesce(t.external_id, n.ref) as twin,
        rank() over (partition by n.external_id order by (t.type is not distinct from n.type) desc) as place
      from adoption_records n
      left join adoption_records t on t.adoption_id = n.adoption_id and t.side = ${other}
        and t.number = substring(n.ref from '[0-9]+$') and (n.ref ~ '^[0-9]+$' or t.external_id = n.ref)
      where n.adoption_id = ${adoptionId} and n.side = ${side} and n.ref is not null) f
    where f.place = 1
    union all
    select ${adoptionId}::uuid, ${side === 'left' ? tx`n.external_id` : tx`n.unreadable`},
      ${side === 'left' ? tx`n.unreadable` : tx`n.external_id`}, 'doubtful'
    from adoption_records n where n.adoption_id = ${adoptionId} and n.side = ${side} and n.unreadable is not null
    on conflict do nothing`
  await tx`update adoption_pairs set reason = 'unreadable' where adoption_id = ${adoptionId} and state = 'doubtful'`
}

/** One of each side pairs; of several each is shown once with one of the others, not all with all. */
async function matchByKeys(tx: Tx, adoptionId: string): Promise<void> {
  await tx`
    with keyed as (
      select key, count(*) filter (where side = 'left') as lefts, count(*) filter (where side = 'right') as rights,
        min(external_id) filter (where side = 'left') as left_id, min(external_id) filter (where side = 'right') as right_id
      from adoption_records where adoption_id = ${adoptionId} and key is not null group by key
    )
    insert into adoption_pairs (adoption_id, left_id, right_id, state, reason)
    select ${adoptionId}::uuid, left_id, right_id, 'matched', null::text from keyed where lefts = 1 and rights = 1
    union
    select ${adoptionId}::uuid, case r.side when 'left' then r.external_id else k.left_id end,
      case r.side when 'right' then r.external_id else k.right_id end, 'doubtful', 'several'
    from keyed k join adoption_records r on r.adoption_id = ${adoptionId} and r.key = k.key
    where k.lefts >= 1 and k.rights >= 1 and k.lefts + k.rights > 2
    on conflict do nothing`
}

async function judgePairs(tx: Tx, adoptionId: string, keys: Awaited<ReturnType<typeof loadLinkKeys>>): Promise<void> {
  const stopped = (side: Side) => tx`exists (
    select 1 from stopped_records s where s.endpoint_pair_id = ${keys.endpointPairId} and s.entity_type = ${keys.entityType}
      and s.side = ${side} and s.external_id = ${side === 'left' ? tx`a.left_id` : tx`a.right_id`})`
  await tx`
    update adoption_pairs p set reason = j.reason,
      state = case when j.together then 'paired' when j.reason is null then 'matched' else 'doubtful' end
    from (
      select a.left_id, a.right_id, e.id is not null as together, case
        when e.id is not null then null
        when a.reason is not null then a.reason
        when l.external_id is null then 'missing-left'
        when r.external_id is null then 'missing-right'
        when l.paired then 'left-paired'
        when r.paired then 'right-paired'
        when count(*) over (partition by a.left_id) > 1 or count(*) over (partition by a.right_id) > 1 then 'several'
        when l.type is null or l.type is distinct from r.type then 'type'
        when ${stopped('left')} or ${stopped('right')} then 'stopped'
        when coalesce(l.names <> a.right_id, false) or coalesce(r.names <> a.left_id, false) then 'names-another'
        when coalesce(l.in_scope, r.in_scope) is not null and not (coalesce(l.in_scope, false) or coalesce(r.in_scope, false))
          then 'out-of-scope'
        end as reason
      from adoption_pairs a
      left join adoption_records l on l.adoption_id = a.adoption_id and l.side = 'left' and l.external_id = a.left_id
      left join adoption_records r on r.adoption_id = a.adoption_id and r.side = 'right' and r.external_id = a.right_id
      left join pairs e on e.endpoint_pair_id = ${keys.endpointPairId} and e.entity_type = ${keys.entityType}
        and e.left_id = a.left_id and e.right_id = a.right_id
      where a.adoption_id = ${adoptionId}) j
    where p.adoption_id = ${adoptionId} and p.left_id = j.left_id and p.right_id = j.right_id`
  await tx`
    update adoption_records r set named = true where r.adoption_id = ${adoptionId} and exists (
      select 1 from adoption_pairs p where p.adoption_id = ${adoptionId} and r.side = 'left' and p.left_id = r.external_id
      union all
      select 1 from adoption_pairs p where p.adoption_id = ${adoptionId} and r.side = 'right' and p.right_id = r.external_id)`
}

/** Matched pairs after a left id, in its order. */
export async function loadAdoptionMatches(
  { sql }: Database,
  { adoptionId, after, limit }: { adoptionId: string; after: string | null; limit: number },
): Promise<{ left: string; right: string }[]> {
  return named(
    'adoption matches',
    () => sql<{ left: string; right: string }[]>`
      select left_id as left, right_id as right from adoption_pairs
      where adoption_id = ${adoptionId} and state = 'matched' and left_id > ${after ?? ''} order by left_id limit ${limit}`,
  )
}

export async function saveAdoptionFields(
  { sql }: Database,
  {
    adoptionId,
    items,
  }: { adoptionId: string; items: readonly { left: string; fields: Record<string, AdoptedField> }[] },
): Promise<void> {
  await named(
    'save adoption fields',
    () => sql`
      update adoption_pairs p set fields = r.fields
      from jsonb_to_recordset(${sql.json(items as unknown as postgres.JSONValue)}) as r("left" text, fields jsonb)
      where p.adoption_id = ${adoptionId} and p.state = 'matched' and p.left_id = r.left`,
  )
}

/** Closes the listing: it can be looked at, and accepted. Answers the counts. */
export async function finishAdoptionListing(
  { sql }: Database,
  { adoptionId, version }: { adoptionId: string; version: number },
): Promise<AdoptionSummary> {
  return named('finish adoption listing', () =>
    sql.begin(async (tx) => {
      const summary = await summarize(tx, adoptionId)
      await tx`
        update adoptions set status = 'ready', version = ${version}, ready_at = now(),
          summary = ${tx.json(summary as unknown as postgres.JSONValue)}
        where id = ${adoptionId} and status = 'asked'`
      return summary
    }),
  )
}

async function summarize(tx: Tx, adoptionId: string): Promise<AdoptionSummary> {
  const [pairs, [records], fields, [differing]] = await Promise.all([
    tx<{ state: string; reason: string | null; count: number }[]>`
      select state, reason, count(*)::int as count from adoption_pairs where adoption_id = ${adoptionId} group by 1, 2`,
    tx<{ left: number; right: number; unmatchedLeft: number; unmatchedRight: number }[]>`
      select count(*) filter (where side = 'left')::int as left, count(*) filter (where side = 'right')::int as right,
        count(*) filter (where side = 'left' and not named and not paired)::int as "unmatchedLeft",
        count(*) filter (where side = 'right' and not named and not paired)::int as "unmatchedRight"
      from adoption_records where adoption_id = ${adoptionId}`,
    tx<{ mapping: string; what: AdoptedField; count: number }[]>`
      select f.key as mapping, f.value as what, count(*)::int as count from adoption_pairs p
      cross join lateral jsonb_each_text(p.fields) f where p.adoption_id = ${adoptionId} and p.state = 'matched' group by 1, 2`,
    tx<{ count: number }[]>`
      select count(*)::int as count from adoption_pairs p where p.adoption_id = ${adoptionId} and p.state = 'matched'
        and exists (select 1 from jsonb_each_text(p.fields) f where f.value in ('differs', 'kept'))`,
  ])
  const of = (state: string) => pairs.reduce((sum, row) => sum + (row.state === state ? row.count : 0), 0)
  const doubts = pairs.flatMap((row) =>
    row.state === 'doubtful' && row.reason !== null ? [[row.reason, row.count] as const] : [],
  )
  const byField: AdoptionSummary['fields'] = {}
  for (const { mapping, what, count } of fields) byField[mapping] = { ...byField[mapping], [what]: count }
  return {
    left: records?.left ?? 0,
    right: records?.right ?? 0,
    matched: of('matched'),
    paired: of('paired'),
    doubtful: of('doubtful'),
    doubts: Object.fromEntries(doubts),
    unmatchedLeft: records?.unmatchedLeft ?? 0,
    unmatchedRight: records?.unmatchedRight ?? 0,
    differing: differing?.count ?? 0,
    fields: byField,
    adopted: of('adopted'),
    missed: of('missed'),
  }
}

/**
 * Somebody agrees to what the listing showed. `changed`: it is not what they say; `other-version`: the link's configuration
 * is another one by now; `other`: another adoption is being paired.
 */
export async function acceptAdoption(
  { sql }: Database,
  input: { adoptionId: string; matched: number; differences: AdoptedDifferences; actor: string },
): Promise<'accepted' | 'changed' | 'other-version' | 'other' | 'bad-lines' | 'not-ready' | 'nothing'> {
  return named('accept adoption', () =>
    sql.begin(async (tx) => {
      const [row] = await tx<
        {
          link_id: string
          status: string
          settings: AdoptionMethod
          summary: AdoptionSummary | null
          newest: boolean
        }[]
      >`
        select a.link_id, a.status, a.settings, a.summary, a.version = l.version as newest
        from adoptions a join links l on l.id = a.link_id where a.id = ${input.adoptionId} for update of a`
      // What was accepted and cut off goes on.
      if (row?.status === 'accepted') return 'accepted'
      if (row?.status !== 'ready' || row.summary === null) return 'not-ready'
      if (row.settings.method === 'csv' && row.summary.doubtful > 0) return 'bad-lines'
      if (row.summary.matched === 0) return 'nothing'
      if (row.summary.matched !== input.matched) return 'changed'
      // What was shown of their fields is not what would become of them any more.
      if (!row.newest) return 'other-version'
      const [other] = await tx`select 1 from adoptions where link_id = ${row.link_id} and status = 'accepted'`
      if (other !== undefined) return 'other'
      await tx`
        update adoptions set status = 'accepted', accepted_at = now(), accepted_by = ${input.actor},
          differences = ${input.differences} where id = ${input.adoptionId}`
      await appendLedger(tx, chainOf(row.link_id), [
        {
          kind: 'command',
          action: 'adopt',
          linkId: row.link_id,
          content: { adoptionId: input.adoptionId, pairs: input.matched, differences: input.differences },
          actor: input.actor,
        },
      ])
      return 'accepted'
    }),
  )
}

/** Nothing more is paired because of it; pairs that were made stay. False: it has ended already. */
export async function discardAdoption({ sql }: Database, adoptionId: string, actor: string): Promise<boolean> {
  return named('discard adoption', () =>
    sql.begin(async (tx) => {
      const [row] = await tx<{ linkId: string }[]>`
        update adoptions set status = 'discarded', ended_at = now()
        where id = ${adoptionId} and status in ('asked', 'ready', 'accepted') returning link_id as "linkId"`
      if (row === undefined) return false
      await appendLedger(tx, chainOf(row.linkId), [
        { kind: 'command', action: 'discard adoption', linkId: row.linkId, content: { adoptionId }, actor },
      ])
      return true
    }),
  )
}

/** Of a link that is gone nobody looks at what was listed. */
export async function forgetAdoptions(tx: Tx, linkId: string): Promise<void> {
  await tx`update adoptions set status = 'discarded', ended_at = now()
    where link_id = ${linkId} and status in ('asked', 'ready', 'accepted')`
  for (const table of ['adoption_records', 'adoption_pairs'])
    await tx`delete from ${tx(table)} where adoption_id in (select id from adoptions where link_id = ${linkId})`
}

/** Ends the pairing where every record of it has been looked at. False: a run has to go on with it. */
export async function finishPairing(
  { sql }: Database,
  { linkId, runId }: { linkId: string; runId: string },
): Promise<{ done: boolean; adopted: number; missed: number }> {
  return named('finish adoption', () =>
    sql.begin(async (tx) => {
      const [row] = await tx<{ id: string; open: number; summary: AdoptionSummary }[]>`
        select id, summary, (select count(*)::int from requested_records q where q.run_id = ${runId} and not q.settled) as open
        from adoptions where link_id = ${linkId} and status = 'accepted' for update`
      if (row === undefined || row.open > 0) return { done: row === undefined, adopted: 0, missed: 0 }
      const { endpointPairId, entityType } = await loadLinkKeys(tx as unknown as postgres.Sql, linkId)
      await tx`
        update adoption_pairs a set state = case when exists (
          select 1 from pairs p where p.endpoint_pair_id = ${endpointPairId} and p.entity_type = ${entityType}
            and p.left_id = a.left_id and p.right_id = a.right_id) then 'adopted' else 'missed' end
        where a.adoption_id = ${row.id} and a.state = 'matched'`
      const { adopted, missed } = await summarize(tx, row.id)
      const summary = { ...row.summary, adopted, missed }
      await tx`
        update adoptions set status = 'applied', ended_at = now(),
          summary = ${tx.json(summary as unknown as postgres.JSONValue)} where id = ${row.id}`
      await releaseLookAlikes(tx, linkId)
      return { done: true, adopted, missed }
    }),
  )
}
