import { restoredRemedy } from '../core/problems.ts'
import type { Side } from '../core/values.ts'
import { tellIssue } from './brakes.ts'
import { type Database, named } from './connection.ts'
import { appendLedger, chainOf } from './ledger.ts'
import { tellStopped } from './outbox.ts'
import { loadLinkKeys } from './store-queue.ts'

/** Stops the link: from here on nothing is written ahead for it. */
export async function markRestored(
  { sql }: Database,
  input: { linkId: string; side: Side; runId: string | null; message: string },
): Promise<void> {
  await named('mark restored', () =>
    sql.begin(async (tx) => {
      const [row] = await tx<{ at: string; fresh: boolean }[]>`
        insert into scan_positions (link_id, side, restored_at, restored_message)
        values (${input.linkId}, ${input.side}, now(), ${input.message})
        on conflict (link_id, side) do update set restored_at = coalesce(scan_positions.restored_at, now()),
          restored_message = coalesce(scan_positions.restored_message, excluded.restored_message)
        returning restored_at::text as at, restored_at = now() as fresh`
      if (row?.fresh === true)
        await tellStopped(tx, { linkId: input.linkId, reason: 'restored', key: `${input.side}:${row.at}` })
      if (input.runId !== null)
        await tellIssue(tx, {
          ...input,
          runId: input.runId,
          class: 'restored',
          code: 'endpoint-restored',
          remedy: restoredRemedy,
        })
    }),
  )
}

/**
 * Forgets what was seen of a side, so that everything is compared afresh; what pairs last agreed on stays, and so do times
 * of creation: a re-used id must never join an old pair. False: the side is not stopped.
 */
export async function acceptRestored(
  { sql }: Database,
  input: { linkId: string; side: Side; actor: string; reason: string },
): Promise<boolean> {
  return named('accept restored', () =>
    sql.begin(async (tx) => {
      const keys = await loadLinkKeys(tx as unknown as Database['sql'], input.linkId)
      const [row] = await tx<{ message: string | null }[]>`
        update scan_positions s set since = null, newest = null, highest_id = null, restored_at = null,
          restored_message = null, accepted_at = now(), clock_time = null, clock_date = null, clock_at = null,
          clock_ceiling = null
        from (select restored_message as message from scan_positions
          where link_id = ${input.linkId} and side = ${input.side} and restored_at is not null for update) old
        where s.link_id = ${input.linkId} and s.side = ${input.side} returning old.message`
      if (row === undefined) return false
      const { endpointId, entityType } = keys[input.side]
      await tx`
        update records set seen_version = null, seen_modified = null
        where endpoint_id = ${endpointId} and entity_type = ${entityType}`
      await tx`delete from absences where link_id = ${input.linkId} and side = ${input.side}`
      await tx`
        update issues set resolved_at = now()
        where link_id = ${input.linkId} and key = 'link' and code = 'endpoint-restored' and resolved_at is null`
      await appendLedger(tx, chainOf(input.linkId), [
        {
          kind: 'command',
          action: 'accept-restored',
          linkId: input.linkId,
          side: input.side,
          content: { message: row.message, reason: input.reason },
          actor: input.actor,
        },
      ])
      return true
    }),
  )
}

/** Sides of a link that show an older state than was seen, until somebody accepts it. */
export async function listRestored(
  { sql }: Database,
  linkId: string,
): Promise<{ side: Side; since: string; message: string; remedy: string }[]> {
  const rows = await named(
    'list restored',
    () => sql<{ side: Side; since: string; message: string }[]>`
      select side, to_char(restored_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since,
        coalesce(restored_message, '') as message
      from scan_positions where link_id = ${linkId} and restored_at is not null order by side`,
  )
  return rows.map((row) => ({ ...row, remedy: restoredRemedy }))
}
