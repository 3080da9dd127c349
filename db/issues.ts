import { problemOwner } from '../core/problems.ts'
import type { IssueRow } from '../core/store.ts'
import { type Database, named } from './connection.ts'

/** Issues, last seen first, after a cursor `(lastSeen, id)`. */
export async function listIssues(
  { sql }: Database,
  input: {
    linkId?: string
    runId?: string
    ids?: readonly string[]
    open?: boolean
    limit: number
    before?: { at: string; id: string }
  },
): Promise<IssueRow[]> {
  const time = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
  const rows = await named(
    'list issues',
    () => sql<Omit<IssueRow, 'owner'>[]>`
      select id, key, left_id as "leftId", right_id as "rightId", class, code, severity, message, remedy, nullif(field, '') as field, attempts,
        to_char(first_seen at time zone 'UTC', ${time}) as "firstSeen", to_char(last_seen at time zone 'UTC', ${time}) as "lastSeen",
        to_char(next_attempt at time zone 'UTC', ${time}) as "nextAttempt", to_char(resolved_at at time zone 'UTC', ${time}) as "resolvedAt"
      from issues
      where ${input.linkId === undefined ? sql`true` : sql`link_id = ${input.linkId}`}
        and ${input.runId === undefined ? sql`true` : sql`last_run_id = ${input.runId}`}
        and ${input.ids === undefined ? sql`true` : sql`id = any(${sql.array([...input.ids])}::uuid[])`}
        and ${input.open === undefined ? sql`true` : input.open ? sql`resolved_at is null` : sql`resolved_at is not null`}
        and ${input.before === undefined ? sql`true` : sql`(last_seen, id) < (${input.before.at}::text::timestamptz, ${input.before.id}::uuid)`}
      order by issues.last_seen desc, issues.id desc limit ${input.limit}`,
  )
  return rows.map((row) => ({ ...row, owner: problemOwner({ ...row, field: row.field ?? '' }) }))
}
