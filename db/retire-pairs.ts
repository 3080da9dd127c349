import type postgres from 'postgres'
import type { CommitRequest } from '../core/commits.ts'
import { otherSide, type Side, sides } from '../core/values.ts'
import { byIndex } from './connection.ts'
import type { LedgerRow } from './ledger.ts'
import type { LinkKeys } from './store-queue.ts'

type Tx = postgres.TransactionSql

export interface RetiredPairs {
  ids: ReadonlySet<string>
  ledger: readonly LedgerRow[]
}

interface OldPair {
  id: string
  leftId: string
  rightId: string
  /** Whose number belongs to another record. */
  side: Side
}

/**
 * Gives up pairs whose record's number now belongs to a record that we have created ourselves: an endpoint that was restored
 * to an earlier state uses numbers again, and its own answer to our create proves that the record of the old pair is not
 * there any more. The old twin is left as it is and looked at anew, as one whose twin is gone; nothing joins it to the new record.
 */
export async function retireOlderPairs(tx: Tx, keys: LinkKeys, request: CommitRequest): Promise<RetiredPairs> {
  const created = request.items.flatMap((item) => {
    if (item.pair === null) return []
    const own: Side = item.key.startsWith('left:') ? 'left' : 'right'
    const side = item.rebound ?? (item.pair.id === null ? otherSide(own) : null)
    const id = side === 'left' ? item.pair.leftId : item.pair.rightId
    const proven = item.settled.some((one) => one.outcome === 'applied' && one.targetId === id)
    return side === null || !proven ? [] : [{ side, id, pair_id: item.pair.id }]
  })
  if (created.length === 0) return { ids: new Set(), ledger: [] }
  const addressed = tx`
    s.external_id = r.id
      and s.endpoint_id = case r.side when 'left' then ${keys.left.endpointId}::uuid else ${keys.right.endpointId}::uuid end
      and s.entity_type = case r.side when 'left' then ${keys.left.entityType} else ${keys.right.entityType} end`
  const known = await tx`
    select 1 from jsonb_to_recordset(${tx.json(created)}) as r(side text, id text)
    cross join lateral (
      select 1 from records s where ${addressed} and (s.seen_version, s.seen_modified, s.created) is distinct from (null, null, null)
      limit 1) known limit 1`
  // What was known of these numbers was about other records, paired or not.
  if (known.length > 0)
    await tx`
      update records s set seen_version = null, seen_modified = null, created = null
      from jsonb_to_recordset(${tx.json(created)}) as r(side text, id text) where ${addressed}`
  const heldOn = async (side: Side, forGood: boolean): Promise<OldPair[]> => {
    const mine = created.filter((one) => one.side === side)
    if (mine.length === 0) return []
    const own = side === 'left' ? tx`p.left_id` : tx`p.right_id`
    // As a range in its order, so that the index of the other side's ids, which begins with the same columns, never looks as good.
    const rows = await byIndex(
      tx,
      tx<{ id: string; leftId: string; rightId: string }[]>`
      select p.id, p.left_id as "leftId", p.right_id as "rightId"
      from jsonb_to_recordset(${tx.json(mine)}) as r(id text, pair_id uuid)
      cross join lateral (
        select * from pairs p where p.endpoint_pair_id = ${keys.endpointPairId} and p.entity_type = ${keys.entityType}
          and ${own} between r.id and r.id and p.id is distinct from r.pair_id
        order by ${own} limit 1 ${forGood ? tx`for update` : tx``}) p`,
    )
    return rows.map((row) => ({ ...row, side }))
  }
  const held = async (forGood: boolean) => (await Promise.all(sides.map((side) => heldOn(side, forGood)))).flat()
  const perhaps = await held(false)
  if (perhaps.length === 0) return { ids: new Set(), ledger: [] }
  // Whoever works on one of them just now has lost it: what was written ahead under the pair's name is looked for under that
  // of its survivor, and nothing more is written under a name that nobody looks for any more. Taken before the pairs, as by
  // every commit; one that comes first may have bound its pair to another record.
  await tx`
    delete from claims where link_id = ${keys.linkId} and token <> ${request.token}
      and key in (select 'pair:' || id from unnest(${tx.array(perhaps.map((one) => one.id))}::uuid[]) as o(id))`
  const old = await held(true)
  if (old.length === 0) return { ids: new Set(), ledger: [] }
  const ids = tx.array(old.map((one) => one.id))
  const survivors = old.map(({ id, side, leftId, rightId }) => ({
    pair: id,
    side: otherSide(side),
    id: side === 'left' ? rightId : leftId,
    twin: side === 'left' ? leftId : rightId,
  }))
  await tx`update records set pair_id = null where pair_id = any(${ids}::uuid[])`
  await tx`
    update records s set undone_twin = r.twin, decision = 'declined', declined_because = 'rule'
    from jsonb_to_recordset(${tx.json(survivors)}) as r(side text, id text, twin text) where ${addressed}`
  await tx`delete from conflicts where pair_id = any(${ids}::uuid[])`
  await tx`
    update issues set resolved_at = now() where link_id = ${keys.linkId} and resolved_at is null
      and key in (select 'pair:' || id from unnest(${ids}::uuid[]) as o(id))`
  await tx`
    update intents i set key = r.side || ':' || r.id from jsonb_to_recordset(${tx.json(survivors)}) as r(pair uuid, side text, id text)
    where i.link_id = ${keys.linkId} and i.key = 'pair:' || r.pair`
  await tx`delete from pairs where id = any(${ids}::uuid[])`
  await tx`
    insert into pending (link_id, side, external_id, reason)
    select ${keys.linkId}::uuid, side, id, 'follow-up'
    from jsonb_to_recordset(${tx.json(survivors)}) as r(pair uuid, side text, id text)
    on conflict (link_id, side, external_id) do update set
      revision = pending.revision + 1, next_attempt_at = least(pending.next_attempt_at, now())`
  return {
    ids: new Set(old.map((one) => one.id)),
    ledger: old.map(({ id, leftId, rightId, side }) => ({
      kind: 'decision',
      action: 'pair-retired',
      linkId: keys.linkId,
      pairId: id,
      side,
      leftId,
      rightId,
      content: { reason: 'The number belongs to a record that was created anew after the endpoint had been restored.' },
      actor: 'tandem',
      bridge: request.bridge,
      build: request.build,
      version: request.version,
      runId: request.runId,
    })),
  }
}
