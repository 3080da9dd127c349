import type postgres from 'postgres'
import { type Database, named } from './connection.ts'

export type IdempotencyState =
  | { kind: 'first' }
  | { kind: 'repeat'; status: number; body: unknown }
  | { kind: 'running' }
  | { kind: 'other-request' }

/**
 * Reserves a key for a request, or says what became of the first request with it. Answers are kept for a day; a reservation
 * lasts only as long as a request can take, so that a process that ended in mid-request blocks its key no longer.
 */
export async function reserveKey(database: Database, key: string, requestHash: string): Promise<IdempotencyState> {
  const { sql } = database
  return named('reserve key', async () => {
    await sql`delete from idempotency_keys where expires_at < now()`
    const [mine] = await sql`
      insert into idempotency_keys (key, request_hash, expires_at) values (${key}, ${requestHash}, now() + interval '5 minutes')
      on conflict (key) do nothing returning key`
    if (mine !== undefined) return { kind: 'first' }
    const [row] = await sql<{ request_hash: string; status: number | null; body: unknown }[]>`
      select request_hash, status, body from idempotency_keys where key = ${key}`
    // Freed between the two statements.
    if (row === undefined) return reserveKey(database, key, requestHash)
    if (row.request_hash !== requestHash) return { kind: 'other-request' }
    return row.status === null ? { kind: 'running' } : { kind: 'repeat', status: row.status, body: row.body }
  })
}

/** Stores the answer of a key's request; a request that failed on our side gives the key free. */
export async function settleKey(
  { sql }: Database,
  key: string,
  answer: { status: number; body: unknown } | null,
): Promise<void> {
  await named('settle key', () =>
    answer === null
      ? sql`delete from idempotency_keys where key = ${key} and status is null`
      : sql`update idempotency_keys set status = ${answer.status}, expires_at = now() + interval '1 day', body = ${sql.json(answer.body as postgres.JSONValue)} where key = ${key}`,
  )
}
