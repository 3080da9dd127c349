import type postgres from 'postgres'
import type { LinkConfiguration } from '../core/link-config.ts'
import type { DefinedPair } from '../core/link-definition.ts'
import { type Database, named } from './connection.ts'

/** Pairs of a link's endpoints for its type, with what they last agreed on. Those with a side that is gone are left out. */
export async function listPairs(
  { sql }: Pick<Database, 'sql'>,
  linkId: string,
  entityType: string,
): Promise<DefinedPair[]> {
  return named(
    'list pairs',
    () => sql<DefinedPair[]>`
      select p.left_id as left, p.right_id as right, p.base from links l
      join pairs p on p.endpoint_pair_id = l.endpoint_pair_id and p.entity_type = ${entityType}
      where l.id = ${linkId} and p.gone_side is null order by p.left_id`,
  )
}

/** Ids of records that are paired with another one than the given pairs say. Both sides are looked at. */
export class PairsClashError extends Error {
  readonly clashes: readonly { side: 'left' | 'right'; id: string }[]

  constructor(clashes: PairsClashError['clashes']) {
    super('Some of the records are paired with others already.')
    this.clashes = clashes
  }
}

/** Takes pairs over, as part of the transaction that creates their link. Known ones stay as they are. */
export async function insertPairs(
  tx: postgres.TransactionSql,
  endpointPairId: string,
  configuration: LinkConfiguration,
  pairs: readonly DefinedPair[],
): Promise<void> {
  const rows = tx.json(pairs as unknown as postgres.JSONValue)
  const { entityType, left, right } = configuration
  const given = tx`jsonb_to_recordset(${rows}) as r("left" text, "right" text, base jsonb)`
  const clashes = await tx<{ side: 'left' | 'right'; id: string }[]>`
    select 'left' as side, r."left" as id from ${given} join pairs p on p.endpoint_pair_id = ${endpointPairId}
      and p.entity_type = ${entityType} and p.left_id = r."left" and p.right_id <> r."right"
    union all
    select 'right', r."right" from ${given} join pairs p on p.endpoint_pair_id = ${endpointPairId}
      and p.entity_type = ${entityType} and p.right_id = r."right" and p.left_id <> r."left"
    limit 100`
  if (clashes.length > 0) throw new PairsClashError(clashes)
  await tx`
    insert into pairs (endpoint_pair_id, entity_type, left_id, right_id, base)
    select ${endpointPairId}, ${entityType}, r."left", r."right", coalesce(r.base, '{}'::jsonb) from ${given} on conflict do nothing`
  for (const [side, one] of [
    ['left', left],
    ['right', right],
  ] as const)
    await tx`
      insert into records (endpoint_id, entity_type, external_id, pair_id)
      select ${one.endpointId}, ${one.entityType}, p.${tx(`${side}_id`)}, p.id from pairs p join ${given} on p.left_id = r."left"
      where p.endpoint_pair_id = ${endpointPairId} and p.entity_type = ${entityType}
      on conflict (endpoint_id, entity_type, external_id) do update set pair_id = excluded.pair_id, decision = null`
}
