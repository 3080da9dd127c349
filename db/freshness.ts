import type postgres from 'postgres'
import type { CommitRequest, ItemCommit } from '../core/commits.ts'
import { accountFor, type HeldEdit, totalOf, type Waited, waitedParts } from '../core/freshness.ts'
import type { ProblemClass } from '../core/problems.ts'
import { otherSide, type Side } from '../core/values.ts'
import { type Database, named } from './connection.ts'

type Tx = postgres.TransactionSql

/** A queue row of a batch as it was claimed, with times in milliseconds since 1970. */
export interface ClockRow {
  side: Side
  id: string
  edited: number | null
  noticed: number
  waited: Waited | null
  accounted: number | null
  due: number
  class: ProblemClass | null
  now: number
}

/** Columns of ClockRow, of the queue row `p`. Nothing but nulls is sent of a row whose edit is not measured. */
export function clockColumns(sql: postgres.ISql) {
  const ms = (column: postgres.Fragment) => sql`(extract(epoch from ${column}) * 1000)::float8`
  return sql`p.side, p.external_id as id, ${ms(sql`p.edited_at`)} as edited, ${ms(sql`p.first_seen`)} as noticed, p.waited,
    ${ms(sql`p.accounted_to`)} as accounted, ${ms(sql`p.next_attempt_at`)} as due, p.class, ${ms(sql`clock_timestamp()`)} as now`
}

/** The account of a row's edit up to now; null where it is not measured. */
export function accountOf(row: ClockRow, claimedAt: number): HeldEdit | null {
  return accountFor({
    editedAt: row.edited,
    noticedAt: row.noticed,
    waited: row.waited,
    accountedTo: row.accounted,
    dueAt: row.due,
    class: row.class,
    claimedAt,
    now: row.now,
  })
}

/** Notes how long edits took that the batch has made visible. `accounts`: of the claimed rows, by item key, side by side. */
export async function saveFreshness(
  tx: Tx,
  request: CommitRequest,
  accounts: ReadonlyMap<string, Partial<Record<Side, HeldEdit>>>,
): Promise<void> {
  const samples = request.items.flatMap((item) => {
    if (!isVisible(item)) return []
    const written: readonly Side[] =
      item.written.length > 0 ? item.written : [item.key.startsWith('left:') ? 'right' : 'left']
    return [...new Set(written)].flatMap((target) => {
      const side = otherSide(target)
      const held = accounts.get(item.key)?.[side]
      return held === undefined ? [] : [{ side, ...idsOf(item), ...rounded(held) }]
    })
  })
  if (samples.length > 0)
    await tx`
      insert into freshness (link_id, visible_at, run_id, side, left_id, right_id, total, poll, queue, endpoint, retry, person)
      select ${request.linkId}, clock_timestamp(), ${request.runId}, side, left_id, right_id, total, poll, queue, endpoint, retry, person
      from jsonb_to_recordset(${tx.json(samples as unknown as postgres.JSONValue)}) as r(side text, left_id text, right_id text,
        total bigint, poll bigint, queue bigint, endpoint bigint, retry bigint, person bigint)`
}

function isVisible(item: ItemCommit): boolean {
  return (
    item.outcome === 'created' || item.outcome === 'updated' || item.outcome === 'deleted' || item.written.length > 0
  )
}

function idsOf(item: ItemCommit): { left_id: string | null; right_id: string | null } {
  const [side, id = null] = item.key.split(':')
  return {
    left_id: item.pair?.leftId ?? (side === 'left' ? id : null),
    right_id: item.pair?.rightId ?? (side === 'right' ? id : null),
  }
}

/** Whole milliseconds whose sum is the total. */
function rounded({ waited }: HeldEdit): Waited & { total: number } {
  const whole = Object.fromEntries(waitedParts.map((part) => [part, Math.round(waited[part])])) as unknown as Waited
  return { ...whole, total: totalOf(whole) }
}

/** How long a share of the edits took at most, with the parts of the edit that stands just there: they add up to the total. */
export interface FreshnessPoint extends Waited {
  total: number
  side: Side
  leftId: string | null
  rightId: string | null
  visibleAt: string
}

export interface Freshness {
  /** Edits that became visible. */
  edits: number
  /** Half of the edits were visible within this. Null: there were none. */
  p50: FreshnessPoint | null
  p95: FreshnessPoint | null
  slowest: FreshnessPoint | null
  /** Means, which add up to the mean total. */
  mean: (Waited & { total: number }) | null
}

const pointColumns = (sql: postgres.Sql) => sql`
  total::float8 as total, poll::float8 as poll, queue::float8 as queue, endpoint::float8 as endpoint, retry::float8 as retry,
  person::float8 as person, side, left_id as "leftId", right_id as "rightId",
  to_char(visible_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "visibleAt"`

/** Of the edits that became visible within so many hours until now. */
export async function loadFreshness({ sql }: Pick<Database, 'sql'>, linkId: string, hours: number): Promise<Freshness> {
  const rows = await named(
    'freshness',
    () => sql<(FreshnessPoint & { place: number; edits: number; mean: Waited & { total: number } })[]>`
      with told as (
        select *, row_number() over (order by total, visible_at, id) as place from freshness
        where link_id = ${linkId} and visible_at > now() - make_interval(hours => ${hours})
      ), every as (
        select count(*)::int as edits, jsonb_build_object('total', avg(total), 'poll', avg(poll), 'queue', avg(queue),
          'endpoint', avg(endpoint), 'retry', avg(retry), 'person', avg(person)) as mean from told
      )
      select ${pointColumns(sql)}, place::int as place, edits, mean from told, every
      where place in (ceil(edits * 0.5), ceil(edits * 0.95), edits)`,
  )
  const at = (share: number) => {
    const found = rows.find((row) => row.place === Math.ceil(row.edits * share))
    if (found === undefined) return null
    const { place: _place, edits: _edits, mean: _mean, ...point } = found
    return point
  }
  return {
    edits: rows[0]?.edits ?? 0,
    p50: at(0.5),
    p95: at(0.95),
    slowest: at(1),
    mean: rows[0]?.mean ?? null,
  }
}

/** The edits that took longest, slowest first. */
export async function slowestEdits(
  { sql }: Pick<Database, 'sql'>,
  input: { linkId: string; hours: number; limit: number },
): Promise<FreshnessPoint[]> {
  return named(
    'slowest edits',
    () => sql<FreshnessPoint[]>`
      select ${pointColumns(sql)} from freshness
      where link_id = ${input.linkId} and visible_at > now() - make_interval(hours => ${input.hours})
      order by freshness.total desc, freshness.id limit ${input.limit}`,
  )
}
