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

/** The end of trouble is told once in so long; what flaps is in trouble for people until it has stayed well for the rest of it. */
const wellAgainOnceIn = '1 hour'

/**
 * Puts the change to trouble, or the change back, into the outbox; call it in the transaction that saves the state. Trouble is
 * told at once, unless people hold the link to be in trouble still. Its end is told at once, too, but once an hour: of a link
 * that flaps it waits for the end of that hour, and is dropped when trouble is back by then. So nobody takes a link for well
 * while it is not, and what comes and goes makes no mails.
 */
export async function tellHealth(
  tx: postgres.ISql,
  notice: { linkId: string; began: boolean; since: string; until: string; health: string; message: string | null },
): Promise<void> {
  const { linkId, began, since, until, health, message } = notice
  const [told] = await tx<{ since: string; state: string }[]>`
    select data ->> 'since' as since, state from outbox where link_id = ${linkId} and kind = 'link-trouble'
    order by created_at desc, id desc limit 1`
  if (began) {
    const untold = await tx`
      update outbox set state = 'given-up' where link_id = ${linkId} and kind = 'link-recovered' and state = 'waiting'
        and next_attempt_at > created_at and attempts = 0 returning id`
    await tx`
      insert into outbox (kind, link_id, data, dedupe_key)
      select 'link-trouble', ${linkId}, ${tx.json({ since, until, health, message })}, ${`trouble:${linkId}:${since}`}
      where ${untold.length === 0} or ${told?.state ?? 'given-up'}::text = 'given-up'
      on conflict (dedupe_key) do nothing`
    return
  }
  // What people were told began with the first of several times.
  const data = tx.json({ since: told?.since ?? since, until, health, message })
  await tx`
    insert into outbox (kind, link_id, data, dedupe_key, next_attempt_at)
    select 'link-recovered', ${linkId}, ${data}, ${`recovered:${linkId}:${since}`},
      greatest(now(), (select max(coalesce(o.sent_at, o.created_at)) + ${wellAgainOnceIn}::interval from outbox o
        where o.link_id = ${linkId} and o.kind = 'link-recovered' and o.state <> 'given-up'))
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

/** There was nothing to say any more, or nobody to say it to. */
export async function noticeDropped({ sql }: Database, id: string): Promise<void> {
  await named('notice dropped', () => sql`update outbox set state = 'given-up', last_error = null where id = ${id}`)
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
