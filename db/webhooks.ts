import { type Database, named } from './connection.ts'
import { appendLedger, chainOf } from './ledger.ts'

export interface WebhookRow {
  tokenEnd: string
  signed: boolean
  createdBy: string
  createdAt: string
  received: number
  refused: number
  lastReceivedAt: string | null
}

/**
 * Gives a link an address for hints, in place of the one it had. Only the hash of the token is kept. The secret is kept as it
 * is, since an HMAC is verified with the key itself; no read but `findHinted` returns it.
 */
export async function saveWebhook(
  { sql }: Database,
  input: { linkId: string; tokenHash: string; tokenEnd: string; secret: string | null; actor: string },
): Promise<void> {
  const { linkId, tokenHash, tokenEnd, secret, actor } = input
  await named('save webhook', () =>
    sql.begin(async (tx) => {
      const removed = await tx`delete from webhooks where link_id = ${linkId} returning link_id`
      await tx`
        insert into webhooks (link_id, token_hash, token_end, secret, created_by)
        values (${linkId}, ${tokenHash}, ${tokenEnd}, ${secret}, ${actor})
        on conflict (link_id) do update set token_hash = excluded.token_hash, token_end = excluded.token_end,
          secret = excluded.secret, created_by = excluded.created_by, created_at = now(), received = 0, refused = 0,
          last_received_at = null`
      const action = removed.length > 0 ? 'webhook rotated' : 'webhook created'
      await appendLedger(tx, chainOf(linkId), [
        { kind: 'command', action, linkId, content: { signed: secret !== null, addressEnds: tokenEnd }, actor },
      ])
    }),
  )
}

/** Without its secret. */
export async function getWebhook({ sql }: Database, linkId: string): Promise<WebhookRow | null> {
  const [row] = await named(
    'get webhook',
    () => sql<WebhookRow[]>`
      select token_end as "tokenEnd", secret is not null as signed, created_by as "createdBy", received::int, refused::int,
        to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "createdAt",
        to_char(last_received_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "lastReceivedAt"
      from webhooks where link_id = ${linkId}`,
  )
  return row ?? null
}

/** Takes a link's address away; false: it had none. */
export async function removeWebhook({ sql }: Database, linkId: string, actor: string): Promise<boolean> {
  return named('remove webhook', () =>
    sql.begin(async (tx) => {
      const removed = await tx`delete from webhooks where link_id = ${linkId} returning link_id`
      if (removed.length === 0) return false
      await appendLedger(tx, chainOf(linkId), [
        { kind: 'command', action: 'webhook removed', linkId, content: {}, actor },
      ])
      return true
    }),
  )
}

/** What a hint is judged by. */
export interface Hinted {
  linkId: string
  secret: string | null
  /** In automatic mode and not paused. */
  waits: boolean
  /** Octane's type of record, and its workspace: links have Octane on their right. */
  entityType: string
  workspace: string
}

/** The live link that an address belongs to. */
export async function findHinted({ sql }: Database, tokenHash: string): Promise<Hinted | null> {
  const [row] = await named(
    'find hinted link',
    () => sql<Hinted[]>`
      select l.id as "linkId", h.secret, l.mode = 'automatic' and not l.paused as waits,
        v.configuration -> 'right' ->> 'entityType' as "entityType", e.address ->> 'workspace' as workspace
      from webhooks h
      join links l on l.id = h.link_id and l.deleted_at is null
      join link_versions v on v.link_id = l.id and v.version = l.version
      join endpoint_pairs p on p.id = l.endpoint_pair_id
      join endpoints e on e.id = p.right_id
      where h.token_hash = ${tokenHash}`,
  )
  return row ?? null
}

/**
 * Queues a record of the right side that a signed hint names. One that waits already is only marked as changed: whether its
 * back-off ends is for the next scan to say, by its stamp, so that repeated hints can't defeat it.
 */
export async function queueHinted({ sql }: Database, linkId: string, externalId: string): Promise<void> {
  await named(
    'queue hinted record',
    () => sql`
      insert into pending (link_id, side, external_id, reason) values (${linkId}, 'right', ${externalId}, 'webhook')
      on conflict (link_id, side, external_id) do update set revision = pending.revision + 1`,
  )
}

export async function countHint({ sql }: Database, tokenHash: string, outcome: 'received' | 'refused'): Promise<void> {
  await named('count hint', () =>
    outcome === 'received'
      ? sql`update webhooks set received = received + 1, last_received_at = now() where token_hash = ${tokenHash}`
      : sql`update webhooks set refused = refused + 1 where token_hash = ${tokenHash}`,
  )
}
