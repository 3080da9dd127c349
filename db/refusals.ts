import type postgres from 'postgres'
import type { Refusals, RefusedRecords } from '../core/foresight.ts'
import type { Problem, ProblemClass } from '../core/problems.ts'
import type { Side } from '../core/values.ts'
import type { WorkItem } from '../core/work-items.ts'
import { type Database, named } from './connection.ts'
import { loadItems, loadLinkKeys } from './store-queue.ts'

interface RefusalRow {
  key: string
  class: ProblemClass
  code: string
  side: Side | null
  field: string
  message: string
  remedy: string
}

/**
 * Open issues in an endpoint's own words, of the version: the planner's name the mapping, and are found again by planning.
 * `i` is the table.
 */
const inItsWords = (sql: postgres.ISql, linkId: string, version: number) => sql`
  i.link_id = ${linkId} and i.resolved_at is null and i.severity = 'error' and i.mapping_id is null and i.side is not null
  and i.class in ('refused', 'forbidden', 'schema', 'mapping')
  and exists (select 1 from runs r where r.id = i.last_run_id and r.version = ${version})`

/** What the endpoints of a link refused and have not accepted since, whatever the record. */
export async function refusals(
  { sql }: Database,
  { linkId, version }: { linkId: string; version: number },
): Promise<Refusals> {
  const [forbidden, never, [any]] = await named('refusals', () =>
    Promise.all([
      sql<(RefusalRow & { paired: boolean })[]>`
        select f.* from (
          select distinct on (i.side, i.key like 'pair:%') i.key, i.class, i.code, i.side, i.field, i.message, i.remedy,
            i.last_seen, i.key like 'pair:%' as paired
          from issues i where ${inItsWords(sql, linkId, version)} and i.class = 'forbidden' and i.field = ''
          order by i.side, i.key like 'pair:%', i.last_seen desc) f
        where not exists (select 1 from ledger l where l.link_id = ${linkId} and l.at > f.last_seen and l.side = f.side
          and l.action = any(case when f.paired then '{update,link-back}' else '{create}' end::text[]))`,
      sql<{ code: string }[]>`
        select c ->> 'code' as code from simulations s cross join jsonb_array_elements(s.score -> 'codes') c
        where s.link_id = ${linkId} and c ->> 'class' = 'refused'
        group by 1 having sum((c ->> 'predicted')::int) > 0 and sum((c ->> 'real')::int) = 0`,
      sql<{ some: boolean }[]>`
        select exists (select 1 from issues i where ${inItsWords(sql, linkId, version)}) as some`,
    ]),
  )
  return {
    ofRecords: any?.some === true,
    notEnforced: never.map(({ code }) => code),
    forbidden: forbidden.flatMap((row) =>
      row.side === null
        ? []
        : [{ side: row.side, action: row.paired ? ('update' as const) : ('create' as const), problem: problemOf(row) }],
    ),
  }
}

/** What the endpoints of a link refused of these items the last time, by key. */
export async function refusedRecords(
  { sql }: Database,
  { linkId, version, keys }: { linkId: string; version: number; keys: readonly string[] },
): Promise<RefusedRecords> {
  const rows = await named(
    'refused records',
    () => sql<RefusalRow[]>`
      select i.key, i.class, i.code, i.side, i.field, i.message, i.remedy from issues i
      where ${inItsWords(sql, linkId, version)} and i.key = any(${sql.array([...keys])}::text[])`,
  )
  const records = new Map<string, Problem[]>()
  for (const row of rows) records.set(row.key, [...(records.get(row.key) ?? []), problemOf(row)])
  return records
}

/** Rows of the queue whose records an endpoint refused the last time. */
export async function refusedItems(
  { sql }: Database,
  { linkId, version, limit }: { linkId: string; version: number; limit: number },
): Promise<WorkItem[]> {
  return named('refused items', async () => {
    const keys = await loadLinkKeys(sql, linkId)
    const rows = await sql<{ key: string }[]>`
      select i.key from issues i where ${inItsWords(sql, linkId, version)} and i.class <> 'forbidden' and i.field <> ''
      group by i.key order by max(i.last_seen) desc limit ${limit}`
    return loadItems(
      sql,
      keys,
      rows.map((row) => row.key),
    )
  })
}

function problemOf({ class: of, code, side, field, message, remedy }: RefusalRow): Problem {
  return { class: of, code, message, remedy, ...(side === null ? {} : { side }), ...(field === '' ? {} : { field }) }
}
