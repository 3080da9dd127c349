import type postgres from 'postgres'
import { type Database, named } from './connection.ts'

export interface OutboxNotice {
  id: string
  kind: string
  linkId: string | null
  runId: string | null
  data: Record<string, string | null> | null
  attempts: number
}

/** Puts a notice into the outbox; one with the same key is there already or was sent. */
export async function enqueueNotice(
  { sql }: Database,
  notice: { kind: string; linkId: string | null; runId: string | null; dedupeKey: string },
): Promise<void> {
  await named(
    'enqueue notice',
    () => sql`
      insert into outbox (kind, link_id, run_id, dedupe_key) values (${notice.kind}, ${notice.linkId}, ${notice.runId}, ${notice.dedupeKey})
      on conflict (dedupe_key) do nothing`,
  )
}

/** Seconds before a notice about what a run holds up is sent: by then it tells most of what the run came upon. */
const brakeNoticeDelay = 60

/** Tells once that a brake waits for somebody; call it in the transaction that opened it. */
export async function tellBrakeOpened(tx: postgres.ISql, linkId: string, brakeId: string): Promise<void> {
  await tx`
    insert into outbox (kind, link_id, dedupe_key, next_attempt_at)
    values ('approval-needed', ${linkId}, ${`brake:${brakeId}`}, now() + make_interval(secs => ${brakeNoticeDelay}))
    on conflict (dedupe_key) do nothing`
}

/** Tells once that a link writes nothing more until somebody does something; call it in the transaction that stopped it. */
export async function tellStopped(
  tx: postgres.ISql,
  notice: { linkId: string; reason: 'restored' | 'check-failed'; key: string },
): Promise<void> {
  await tx`
    insert into outbox (kind, link_id, data, dedupe_key)
    values ('link-stopped', ${notice.linkId}, jsonb_build_object('reason', ${notice.reason}::text, 'since', now()::text),
      ${`${notice.reason}:${notice.linkId}:${notice.key}`})
    on conflict (dedupe_key) do nothing`
}

/** Whether a run's link was told to be stopped since the run began. */
export async function stoppedDuring({ sql }: Database, runId: string): Promise<boolean> {
  const rows = await named(
    'stopped during run',
    () => sql`
      select 1 from outbox o join runs r on r.link_id = o.link_id
      where r.id = ${runId} and o.kind = 'link-stopped' and o.created_at >= r.started_at limit 1`,
  )
  return rows.length > 0
}

/** Trouble that comes back within an hour of the last mail about it is told when that hour is over, if it lasts. */
const toldAgainAfter = '1 hour'

/**
 * Puts the change to trouble, or the change back, into the outbox; call it in the transaction that saves the state. A link
 * that flaps is told of once an hour: what comes and goes in between makes no mail.
 */
export async function tellHealth(
  tx: postgres.ISql,
  notice: { linkId: string; began: boolean; since: string; until: string; health: string; message: string | null },
): Promise<void> {
  const { linkId, began, since, until, health, message } = notice
  const data = tx.json({ since, until, health, message })
  if (began) {
    await tx`
      insert into outbox (kind, link_id, data, dedupe_key, next_attempt_at)
      select 'link-trouble', ${linkId}, ${data}, ${`trouble:${linkId}:${since}`},
        coalesce((select max(o.created_at) + ${toldAgainAfter}::interval from outbox o
          where o.link_id = ${linkId} and o.kind = 'link-trouble' and o.state <> 'given-up'
            and o.created_at > now() - ${toldAgainAfter}::interval), now())
      on conflict (dedupe_key) do nothing`
    return
  }
  // Held back and over before it was told: its end is no news either.
  const untold = await tx`
    update outbox set state = 'given-up' where dedupe_key = ${`trouble:${linkId}:${since}`} and state = 'waiting'
      and next_attempt_at > created_at and attempts = 0 returning id`
  if (untold.length > 0) return
  await tx`
    insert into outbox (kind, link_id, data, dedupe_key)
    values ('link-recovered', ${linkId}, ${data}, ${`recovered:${linkId}:${since}`})
    on conflict (dedupe_key) do nothing`
}

/** Takes due notices for this sender; another one does not see them for a minute. */
export async function takeDueNotices({ sql }: Database, limit: number): Promise<OutboxNotice[]> {
  return named(
    'take due notices',
    () => sql<OutboxNotice[]>`
      update outbox set attempts = attempts + 1, next_attempt_at = now() + interval '1 minute'
      where id in (select id from outbox where state = 'waiting' and next_attempt_at <= now() order by created_at limit ${limit}
        for update skip locked)
      returning id, kind, link_id as "linkId", run_id as "runId", data, attempts`,
  )
}

export async function noticeSent({ sql }: Database, id: string): Promise<void> {
  await named(
    'notice sent',
    () => sql`update outbox set state = 'sent', sent_at = now(), last_error = null where id = ${id}`,
  )
}

/** Keeps a notice for later with a growing wait, at most an hour. */
export async function noticeFailed({ sql }: Database, id: string, error: string): Promise<void> {
  await named(
    'notice failed',
    () => sql`
      update outbox set last_error = ${error.slice(0, 500)},
        next_attempt_at = now() + least(interval '1 hour', make_interval(secs => 15 * power(2, least(attempts, 10))))
      where id = ${id}`,
  )
}
