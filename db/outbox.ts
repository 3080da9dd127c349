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
