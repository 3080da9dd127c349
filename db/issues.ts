import type postgres from 'postgres'
import { type ProblemClass, type ProblemOwner, problemClasses, problemOwner } from '../core/problems.ts'
import type { IssueRow, Refusal } from '../core/store.ts'
import type { Side } from '../core/values.ts'
import { type Database, named } from './connection.ts'
import { appendLedger, chainOf } from './ledger.ts'

/** Which issues of a link are meant: all that are given must hold. */
export interface IssueChoice {
  ids?: readonly string[]
  class?: string
  code?: string
  owner?: ProblemOwner
}

/** Issues of which somebody wants to be told; `i` is the table. */
export const notIgnored = (sql: postgres.ISql) =>
  sql`(i.ignored_at is null or coalesce(i.ignored_until < now(), false))`

/** Issues, last seen first, after a cursor `(lastSeen, id)`. */
export async function listIssues(
  { sql }: Pick<Database, 'sql'>,
  input: IssueChoice & {
    linkId?: string
    runId?: string
    open?: boolean
    /** True: only those that somebody ignores; false: only the others. */
    ignored?: boolean
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
        to_char(next_attempt at time zone 'UTC', ${time}) as "nextAttempt", to_char(resolved_at at time zone 'UTC', ${time}) as "resolvedAt",
        case when not ${notIgnored(sql)} then jsonb_build_object('by', ignored_by, 'reason', ignore_reason,
          'until', to_char(ignored_until at time zone 'UTC', ${time})) end as ignored
      from issues i
      where ${input.linkId === undefined ? sql`true` : sql`link_id = ${input.linkId}`}
        and ${input.runId === undefined ? sql`true` : sql`last_run_id = ${input.runId}`}
        and ${chosen(sql, input)}
        and ${input.open === undefined ? sql`true` : input.open ? sql`resolved_at is null` : sql`resolved_at is not null`}
        and ${input.ignored === undefined ? sql`true` : input.ignored ? sql`not ${notIgnored(sql)}` : notIgnored(sql)}
        and ${input.before === undefined ? sql`true` : sql`(last_seen, id) < (${input.before.at}::text::timestamptz, ${input.before.id}::uuid)`}
      order by i.last_seen desc, i.id desc limit ${input.limit}`,
  )
  return rows.map((row) => ({ ...row, owner: problemOwner({ ...row, field: row.field ?? '' }) }))
}

/** An issue with what only its own page shows. */
export interface IssueDetail extends IssueRow {
  linkId: string
  linkName: string
  /** True: the link has been deleted; what is known of its issues stays. */
  linkDeleted: boolean
  /** Names of both endpoints. */
  endpoints: Readonly<Record<Side, string>>
  /** Side that `field` is of. */
  side: Side | null
  mappingId: string | null
  firstRunId: string
  lastRunId: string
}

/** The beginning of an id is completed with these. */
const [lowestId, highestId] = ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']

/** Issues whose ids begin so: at most two, since one is meant. */
export async function issuesBeginningWith({ sql }: Database, beginning: string): Promise<IssueDetail[]> {
  const [first, last] = [lowestId, highestId].map((id) => beginning + id.slice(beginning.length))
  const rest = await named(
    'issues by id',
    () => sql<(Omit<IssueDetail, keyof IssueRow> & { id: string })[]>`
      select i.id, i.link_id as "linkId", l.name as "linkName", l.deleted_at is not null as "linkDeleted",
        jsonb_build_object('left', a.name, 'right', b.name) as endpoints, i.side, i.mapping_id as "mappingId",
        i.first_run_id as "firstRunId", i.last_run_id as "lastRunId"
      from issues i join links l on l.id = i.link_id join endpoint_pairs p on p.id = l.endpoint_pair_id
      join endpoints a on a.id = p.left_id join endpoints b on b.id = p.right_id
      where i.id between ${first ?? ''}::text::uuid and ${last ?? ''}::text::uuid limit 2`,
  )
  const rows = await listIssues({ sql }, { ids: rest.map(({ id }) => id), limit: 2 })
  return rest.flatMap((one) =>
    rows
      .filter(({ id }) => id === one.id)
      // Nobody tries a record of a deleted link again.
      .map((row) => ({ ...row, ...one, nextAttempt: one.linkDeleted ? null : row.nextAttempt })),
  )
}

/** Codes of all issues that a link has or had, in order. */
export async function issueCodes({ sql }: Database, linkId: string): Promise<string[]> {
  const rows = await named(
    'issue codes',
    () => sql<{ code: string }[]>`select distinct code from issues where link_id = ${linkId} order by code`,
  )
  return rows.map(({ code }) => code)
}

function chosen(sql: postgres.ISql, choice: IssueChoice) {
  const classes = (Object.keys(problemClasses) as ProblemClass[]).filter((one) => problemClasses[one] === choice.owner)
  return sql`${choice.ids === undefined ? sql`true` : sql`i.id = any(${sql.array([...choice.ids])}::uuid[])`}
    and ${choice.class === undefined ? sql`true` : sql`i.class = ${choice.class}`}
    and ${choice.code === undefined ? sql`true` : sql`i.code = ${choice.code}`}
    and ${choice.owner === undefined ? sql`true` : sql`i.class = any(${sql.array(classes)}::text[])`}`
}

/** Makes the records of open issues due at once, out of their back-off; answers how many issues are concerned. */
export async function retryIssues(
  { sql }: Database,
  input: IssueChoice & { linkId: string; actor: string },
): Promise<number> {
  return named('retry issues', () =>
    sql.begin(async (tx) => {
      const rows = await tx<{ id: string; left: string | null; right: string | null }[]>`
        select i.id, i.left_id as left, i.right_id as right from issues i
        where i.link_id = ${input.linkId} and i.resolved_at is null and ${chosen(tx, input)}`
      const records = rows.flatMap((row) => [
        ...(row.left === null ? [] : [{ side: 'left', id: row.left }]),
        ...(row.right === null ? [] : [{ side: 'right', id: row.right }]),
      ])
      if (records.length > 0)
        await tx`
          insert into pending (link_id, side, external_id, reason)
          select distinct ${input.linkId}::uuid, side, id, 'person'
          from jsonb_to_recordset(${tx.json(records)}) as r(side text, id text) order by side, id
          on conflict (link_id, side, external_id) do update set
            revision = pending.revision + 1, next_attempt_at = now(), attempts = 0, reason = 'person'`
      if (rows.length > 0) await tell(tx, input, 'retry issues', { issues: rows.map((row) => row.id) })
      return rows.length
    }),
  )
}

/** Nobody is told of the open issues any more, until a time or ever; their records are tried as before. */
export async function ignoreIssues(
  { sql }: Database,
  input: IssueChoice & { linkId: string; actor: string; reason: string; until: string | null },
): Promise<number> {
  const { reason, until } = input
  return named('ignore issues', () =>
    sql.begin(async (tx) => {
      const rows = await tx<{ id: string }[]>`
        update issues i set ignored_at = now(), ignored_by = ${input.actor}, ignore_reason = ${reason}, ignored_until = ${until}
        where i.link_id = ${input.linkId} and i.resolved_at is null and ${chosen(tx, input)} returning i.id`
      if (rows.length > 0) await tell(tx, input, 'ignore issues', { issues: rows.map((row) => row.id), reason, until })
      return rows.length
    }),
  )
}

/** Takes back that issues are ignored. */
export async function heedIssues(
  { sql }: Database,
  input: IssueChoice & { linkId: string; actor: string },
): Promise<number> {
  return named('heed issues', () =>
    sql.begin(async (tx) => {
      const rows = await tx<{ id: string }[]>`
        update issues i set ignored_at = null, ignored_by = null, ignore_reason = null, ignored_until = null
        where i.link_id = ${input.linkId} and i.ignored_at is not null and ${chosen(tx, input)} returning i.id`
      if (rows.length > 0) await tell(tx, input, 'heed issues', { issues: rows.map((row) => row.id) })
      return rows.length
    }),
  )
}

function tell(
  tx: postgres.TransactionSql,
  input: { linkId: string; actor: string },
  action: string,
  content: Record<string, postgres.JSONValue>,
) {
  return appendLedger(tx, chainOf(input.linkId), [
    { kind: 'command', action, linkId: input.linkId, content, actor: input.actor },
  ])
}

const mostRefusals = 20

/** Open issues about what an endpoint refused of records, those of the same words as one. */
export async function loadRefusals({ sql }: Database, linkId: string): Promise<Refusal[]> {
  return named(
    'load refusals',
    () => sql<Refusal[]>`
      select i.side, i.field, i.message, min(i.remedy) as remedy, count(*)::int as records
      from issues i where i.link_id = ${linkId} and i.resolved_at is null and ${notIgnored(sql)}
        and (i.class in ('refused', 'forbidden') or i.code = 'required-field')
      group by i.side, i.field, i.message order by count(*) desc, i.message limit ${mostRefusals}`,
  )
}
