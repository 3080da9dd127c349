import type postgres from 'postgres'
import type { ConfigurationChange } from '../core/config-change.ts'
import type { ProblemClass } from '../core/problems.ts'
import { type Side, sides } from '../core/values.ts'
import { type Database, named } from './connection.ts'
import { loadLinkKeys } from './store-queue.ts'

type Tx = postgres.TransactionSql

/**
 * Makes exactly those records due that a changed configuration concerns: held because of a mapping that changed, paired and
 * to be compared again because a mapping means something else, declined by a rule that now lets them through. Call it in the
 * transaction that saves the version, after the version is the link's newest. Answers how many are due because of it.
 */
export async function requeueForChange(tx: Tx, linkId: string, change: ConfigurationChange): Promise<number> {
  let due = 0
  if (change.standIns) due += await requeuePeople(tx, linkId, null)
  if (change.mappings.length > 0)
    due += await retryNow(
      tx,
      linkId,
      tx`(i.mapping_id = any(${tx.array([...change.mappings])}::text[]) or i.code = 'required-field')`,
    )
  const keys = await loadLinkKeys(tx as unknown as postgres.Sql, linkId)
  const pairs = tx`p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = ${keys.entityType} and p.gone_side is null`
  const queuePairs = async (which: postgres.PendingQuery<postgres.Row[]>): Promise<number> => {
    const rows = await tx`
      insert into pending (link_id, side, external_id, reason)
      select ${linkId}, 'left', p.left_id, 'configuration' from pairs p where ${pairs} and ${which}
      on conflict (link_id, side, external_id) do update set revision = pending.revision + 1, attempts = 0,
        next_attempt_at = least(pending.next_attempt_at, now())
      returning 1`
    return rows.length
  }
  // What waits because of a mapping that is gone is over: the next look says so.
  if (change.removed.length > 0)
    due += await queuePairs(tx`(
      exists (select 1 from conflicts c where c.pair_id = p.id and c.link_id = ${linkId} and c.resolved_at is null
        and c.mapping_id = any(${tx.array([...change.removed])}::text[]))
      or exists (select 1 from issues i where i.link_id = ${linkId} and i.key = 'pair:' || p.id and i.resolved_at is null
        and i.mapping_id = any(${tx.array([...change.removed])}::text[])))`)
  if (change.remapped.length > 0 || change.updates.length > 0) due += await queuePairs(tx`true`)
  else
    for (const { mappingId, left, right } of change.values)
      due += await queuePairs(tx`(
        jsonb_exists_any(p.base -> ${mappingId} -> 'left' -> 'v', ${tx.array([...left])}::text[])
        or jsonb_exists_any(p.base -> ${mappingId} -> 'right' -> 'v', ${tx.array([...right])}::text[]))`)
  for (const side of change.creates) {
    const rows = await tx`
      insert into pending (link_id, side, external_id, reason)
      select ${linkId}, ${side}, r.external_id, 'configuration' from records r
      where r.endpoint_id = ${keys[side].endpointId} and r.entity_type = ${keys[side].entityType}
        and r.decision = 'declined' and r.pair_id is null
      on conflict (link_id, side, external_id) do update set revision = pending.revision + 1, attempts = 0,
        next_attempt_at = least(pending.next_attempt_at, now())
      returning 1`
    due += rows.length
  }
  for (const side of change.scopes) {
    const rows = await tx`
      insert into pending (link_id, side, external_id, reason)
      select ${linkId}, ${side}, r.external_id, 'configuration' from records r
      where r.endpoint_id = ${keys[side].endpointId} and r.entity_type = ${keys[side].entityType}
        and (r.declined_because = 'scope' or (r.decision = 'declined' and r.pair_id is null and cardinality(r.looked_by) > 1))
      on conflict (link_id, side, external_id) do update set revision = pending.revision + 1, attempts = 0,
        next_attempt_at = least(pending.next_attempt_at, now())
      returning 1`
    due += rows.length
  }
  return due
}

/**
 * Pairs of a deleted link are compared by the link that follows it, whether or not their records have changed since they were
 * seen: something of them may never have been carried over, and the mappings may be others.
 */
export async function queueKnownPairs(
  tx: Tx,
  linkId: string,
  endpointPairId: string | null,
  entityType: string,
): Promise<void> {
  await tx`
    insert into pending (link_id, side, external_id, reason)
    select ${linkId}, 'left', p.left_id, 'configuration' from pairs p
    where p.endpoint_pair_id = ${endpointPairId} and p.entity_type = ${entityType} and p.gone_side is null
    on conflict do nothing`
}

/**
 * Makes records due that wait for a person to have a twin: pairs whose field stayed empty or got the default user, and records
 * held because of it. Keys of the people who may have one now, in lower case; null: anybody.
 */
export async function requeuePeople(tx: Tx, linkId: string, keys: readonly string[] | null): Promise<number> {
  // A field that only stays open keeps nobody waiting: whether its person has a twin now, the base tells.
  const which = keys === null ? tx`true` : tx`i.severity = 'error'`
  const held = await retryNow(tx, linkId, tx`i.code in ('user-gap', 'required-field') and ${which}`)
  if (keys?.length === 0) return held
  const { endpointPairId, entityType } = await loadLinkKeys(tx as unknown as postgres.Sql, linkId)
  const concerned =
    keys === null
      ? tx`true`
      : tx`exists (select 1 from ${peopleOf(tx)} where lower(person.key) = any(${tx.array([...keys])}::text[]))`
  const rows = await tx`
    insert into pending (link_id, side, external_id, reason)
    select ${linkId}, 'left', p.left_id, 'configuration' from pairs p
    where p.endpoint_pair_id = ${endpointPairId} and p.entity_type = ${entityType} and p.gone_side is null
      and p.waits_for_person and ${concerned}
    on conflict (link_id, side, external_id) do update set revision = pending.revision + 1, attempts = 0,
      next_attempt_at = least(pending.next_attempt_at, now())
    returning 1`
  return held + rows.length
}

/** Whom the base of a pair `p` waits for: `field` says on which side, `person.key` who it is. */
function peopleOf(sql: postgres.ISql) {
  return sql`jsonb_path_query(p.base, '$.* ? (exists(@.gap))') field,
    lateral (select field #> array[field ->> 'gap', 'v'] as value) held,
    jsonb_array_elements_text(case jsonb_typeof(value) when 'array' then value else jsonb_build_array(value) end) person (key)`
}

/** Ends the back-off of records that wait for what has just been put right: their problem is of one of the classes. */
export async function requeueClasses(tx: Tx, linkId: string, classes: readonly ProblemClass[]): Promise<number> {
  return retryNow(tx, linkId, tx`i.class = any(${tx.array([...classes])}::text[])`)
}

/** Makes the records of matching open issues due now. */
async function retryNow(tx: Tx, linkId: string, which: postgres.PendingQuery<postgres.Row[]>): Promise<number> {
  let due = 0
  for (const side of sides as readonly Side[]) {
    const id = side === 'left' ? tx`i.left_id` : tx`i.right_id`
    const rows = await tx`
      update pending p set next_attempt_at = now(), attempts = 0, revision = p.revision + 1
      where p.link_id = ${linkId} and p.side = ${side} and p.next_attempt_at > now() and p.external_id in (
        select ${id} from issues i where i.link_id = ${linkId} and i.resolved_at is null and ${which})
      returning 1`
    due += rows.length
  }
  return due
}

/** Whom pairs wait for; null where no open issue says that somebody is missing. */
export async function loadPeopleWaitedFor(
  { sql }: Database,
  linkId: string,
): Promise<{ side: Side; key: string }[] | null> {
  return named('people waited for', async () => {
    const [gap] = await sql`
      select 1 from issues where link_id = ${linkId} and resolved_at is null and code = 'user-gap' limit 1`
    if (gap === undefined) return null
    const { endpointPairId, entityType } = await loadLinkKeys(sql, linkId)
    return sql<{ side: Side; key: string }[]>`
      select distinct field ->> 'gap' as side, person.key from pairs p, ${peopleOf(sql)}
      where p.endpoint_pair_id = ${endpointPairId} and p.entity_type = ${entityType} and p.gone_side is null
        and p.waits_for_person and person.key is not null`
  })
}
