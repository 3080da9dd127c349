import type postgres from 'postgres'
import type { CommitRequest } from '../core/commits.ts'
import { type RunKind, runKindWords } from '../core/run.ts'
import {
  batchLine,
  type LogCategory,
  type LogItem,
  type LogLevel,
  type LogLine,
  logItemOf,
  logLevels,
} from '../core/run-log.ts'
import { keepableText } from '../core/values.ts'
import type { ItemOutcome } from '../core/work-items.ts'
import { type Database, named } from './connection.ts'

/** The first line of a run's log. */
export function beganWords(run: { kind: RunKind; trigger: string; actor: string; version: number }): string {
  const by = run.trigger === 'person' ? `by ${run.actor}` : 'by itself'
  return `${runKindWords[run.kind]} began ${by}, with configuration version ${run.version}.`
}

/** Adds lines to the log of a run, in their order. */
export async function logRun(
  { sql }: Pick<Database, 'sql'>,
  input: { runId: string; lines: readonly LogLine[] },
): Promise<void> {
  if (input.lines.length > 0) await named('log run', () => addLines(sql, input.runId, input.lines))
}

/** The statement of `logRun`, for transactions. What servers said may stand in a message. */
export function addLines(sql: postgres.ISql, runId: string, lines: readonly LogLine[]) {
  const rows = lines.map((line) => ({ ...line, message: keepableText(line.message) }))
  return sql`
    insert into run_log (run_id, level, category, message)
    select ${runId}::uuid, level, category, message
    from jsonb_to_recordset(${sql.json(rows as unknown as postgres.JSONValue)}) as r(level text, category text, message text)`
}

/** The line of a batch with what became of each record, and the store's answer to its commit: one statement. */
export function logBatch(tx: postgres.TransactionSql, request: CommitRequest) {
  const items = request.items.map(logItemOf)
  const { level, category, message } = batchLine(items)
  return tx`
    with told as (
      insert into run_log (run_id, level, category, message, items)
      select ${request.runId}, ${level}, ${category}, ${message}, ${tx.json(items as unknown as postgres.JSONValue)}
      where ${items.length > 0}
    )
    insert into store_calls (id, answer) values (${request.callId}, 'true')`
}

export interface LogRow extends LogLine {
  id: number
  at: string
  /** Of a batch: records with problems, the first ones. */
  records: LogItem[]
  /** Of a batch: how many records had problems. */
  troubled: number
}

/** So many records with problems are shown under a line; all of them are among the outcomes. */
const shownRecords = 20

/** Lines of a run's log, oldest first, after the one with the id `after`. */
export async function listRunLog(
  { sql }: Pick<Database, 'sql'>,
  input: { runId: string; level?: LogLevel; category?: LogCategory; text?: string; after?: number; limit: number },
): Promise<LogRow[]> {
  const levels = logLevels.slice(logLevels.indexOf(input.level ?? 'info'))
  return named(
    'list run log',
    () => sql<LogRow[]>`
      select l.id::float8 as id, to_char(l.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, l.level, l.category, l.message,
        coalesce((select jsonb_agg(e.item order by e.place) filter (where e.place <= ${shownRecords}) from (
          select item, row_number() over (order by n) as place from jsonb_array_elements(l.items) with ordinality as i(item, n)
          where item ->> 'level' <> 'info') e), '[]') as records,
        (select count(*)::int from jsonb_array_elements(l.items) as i(item) where item ->> 'level' <> 'info') as troubled
      from run_log l
      where l.run_id = ${input.runId} and l.level = any(${sql.array([...levels])}::text[])
        and ${input.category === undefined ? sql`true` : sql`l.category = ${input.category}`}
        and ${input.text === undefined ? sql`true` : sql`position(lower(${input.text}) in lower(l.message || coalesce(l.items::text, ''))) > 0`}
        and ${input.after === undefined ? sql`true` : sql`l.id > ${input.after}`}
      order by l.id limit ${input.limit}`,
  )
}

export interface OutcomeRow extends LogItem {
  at: string
  /** Line of the log and place in it. */
  line: number
  position: number
}

/** What became of each record a run looked at, look by look, in the order of time. */
export async function listOutcomes(
  { sql }: Pick<Database, 'sql'>,
  input: {
    runId: string
    outcome?: ItemOutcome
    level?: LogLevel
    /** Number of a record, on either side. */
    record?: string
    after?: { line: number; position: number }
    limit: number
  },
): Promise<OutcomeRow[]> {
  const levels = logLevels.slice(logLevels.indexOf(input.level ?? 'info'))
  const { record, outcome, after } = input
  const rows = await named(
    'list outcomes',
    () => sql<{ line: number; position: number; at: string; item: LogItem }[]>`
      select l.id::float8 as line, i.n::int as position, i.item,
        to_char(l.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
      from run_log l cross join lateral jsonb_array_elements(l.items) with ordinality as i(item, n)
      where l.run_id = ${input.runId} and l.items is not null
        and ${outcome === undefined ? sql`true` : sql`i.item ->> 'outcome' = ${outcome}`}
        and i.item ->> 'level' = any(${sql.array([...levels])}::text[])
        and ${record === undefined ? sql`true` : sql`${record} in (i.item ->> 'leftId', i.item ->> 'rightId')`}
        and ${after === undefined ? sql`true` : sql`(l.id, i.n) > (${after.line}::bigint, ${after.position}::bigint)`}
      order by l.id, i.n limit ${input.limit}`,
  )
  return rows.map(({ item, ...place }) => ({ ...item, ...place }))
}

/** How many looks of a run came to what. */
export async function countOutcomes(
  { sql }: Pick<Database, 'sql'>,
  runId: string,
): Promise<Partial<Record<ItemOutcome, number>>> {
  const rows = await named(
    'count outcomes',
    () => sql<{ outcome: ItemOutcome; count: number }[]>`
      select i.item ->> 'outcome' as outcome, count(*)::int as count
      from run_log l cross join lateral jsonb_array_elements(l.items) as i(item) where l.run_id = ${runId} group by 1`,
  )
  return Object.fromEntries(rows.map(({ outcome, count }) => [outcome, count]))
}

/** A record about which two runs came to different ends; null: the run did not look at it. */
export interface OutcomeDifference {
  leftId: string | null
  rightId: string | null
  a: ItemOutcome | null
  b: ItemOutcome | null
}

/** Records by what two runs came to last about them: how many went from what to what, and the first that differ. */
export async function compareOutcomes(
  { sql }: Pick<Database, 'sql'>,
  input: { a: string; b: string; limit: number },
): Promise<{
  moves: { a: ItemOutcome | null; b: ItemOutcome | null; records: number }[]
  records: OutcomeDifference[]
}> {
  // A record that has got its twin meanwhile is known by the pair's left id in both runs.
  const last = (runId: string) => sql`
    select distinct on (identity) * from (
      select coalesce('left:' || coalesce(i.item ->> 'leftId', p.left_id), 'right:' || (i.item ->> 'rightId')) as identity,
        coalesce(i.item ->> 'leftId', p.left_id) as left_id, i.item ->> 'rightId' as right_id, i.item ->> 'outcome' as outcome,
        l.id, i.n
      from runs r join links k on k.id = r.link_id
      join link_versions v on v.link_id = r.link_id and v.version = r.version
      join run_log l on l.run_id = r.id cross join lateral jsonb_array_elements(l.items) with ordinality as i(item, n)
      left join lateral (select p.left_id from pairs p where i.item ->> 'leftId' is null and p.endpoint_pair_id = k.endpoint_pair_id
        and p.entity_type = v.configuration ->> 'entityType' and p.right_id = i.item ->> 'rightId' limit 1) p on true
      where r.id = ${runId}) looks
    order by identity, id desc, n desc`
  return named('compare outcomes', async () => {
    const [row] = await sql<
      {
        moves: { a: ItemOutcome | null; b: ItemOutcome | null; records: number }[]
        records: OutcomeDifference[]
      }[]
    >`
      with a as materialized (${last(input.a)}), b as materialized (${last(input.b)}), both_of as materialized (
        select coalesce(a.left_id, b.left_id) as left_id, coalesce(b.right_id, a.right_id) as right_id, a.outcome as a, b.outcome as b,
          coalesce(a.identity, b.identity) as identity
        from a full join b on b.identity = a.identity
      )
      select coalesce((select jsonb_agg(jsonb_build_object('a', m.a, 'b', m.b, 'records', m.records) order by m.records desc, m.a, m.b)
          from (select a, b, count(*)::int as records from both_of group by a, b) m), '[]') as moves,
        coalesce((select jsonb_agg(jsonb_build_object('leftId', d.left_id, 'rightId', d.right_id, 'a', d.a, 'b', d.b) order by d.a is null or d.b is null, d.identity)
          from (select * from both_of where a is distinct from b order by a is null or b is null, identity limit ${input.limit}) d), '[]') as records`
    return row ?? { moves: [], records: [] }
  })
}
