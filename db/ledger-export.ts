import type { Side } from '../core/values.ts'
import { type Database, named } from './connection.ts'
import type { LedgerRow } from './ledger.ts'

export interface LedgerFilter {
  link?: string | undefined
  /** ISO times: not before, and before. */
  from?: string | undefined
  to?: string | undefined
  left?: string | undefined
  right?: string | undefined
  person?: string | undefined
  action?: string | undefined
  run?: string | undefined
  kind?: LedgerRow['kind'] | undefined
}

/** A row of the ledger as auditors take it away: with its place in the chain. */
export interface ExportedRow {
  id: string
  at: string
  link: string | null
  kind: LedgerRow['kind']
  action: string
  actor: string
  side: Side | null
  leftId: string | null
  rightId: string | null
  content: Record<string, unknown>
  version: number | null
  runId: string | null
  workflowId: string | null
  temporalRunId: string | null
  bridge: string | null
  build: string | null
  foundByLooking: boolean
  possibleOverwrite: boolean
  chain: string
  seq: number | null
}

const pageSize = 500

/** Rows of the ledger, oldest first, page by page: nothing is held in between, neither here nor in the database. */
export async function* exportLedger(
  { sql }: Pick<Database, 'sql'>,
  filter: LedgerFilter,
): AsyncGenerator<readonly ExportedRow[]> {
  const when = (given: string | undefined, condition: (value: string) => ReturnType<typeof sql>) =>
    given === undefined ? sql`true` : condition(given)
  let after: { at: string; id: string } | null = null
  for (;;) {
    const last: { at: string; id: string } | null = after
    const rows: ExportedRow[] = await named(
      'export ledger',
      () => sql<ExportedRow[]>`
        select l.id, to_char(l.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
          (select n.name from links n where n.id = l.link_id) as link, l.kind, l.action, l.actor, l.side,
          l.left_id as "leftId", l.right_id as "rightId", l.content, l.version, l.run_id as "runId",
          l.workflow_id as "workflowId", l.temporal_run_id as "temporalRunId", l.bridge, l.build,
          l.found_by_looking as "foundByLooking", l.possible_overwrite as "possibleOverwrite", l.chain,
          (select e.seq::int from ledger_entries e where e.id = l.entry_id) as seq
        from ledger l
        where ${when(filter.link, (link) => sql`l.link_id = ${link}`)}
          and ${when(filter.left, (id) => sql`l.left_id = ${id}`)}
          and ${when(filter.right, (id) => sql`l.right_id = ${id}`)}
          and ${when(filter.from, (time) => sql`l.at >= ${time}::text::timestamptz`)}
          and ${when(filter.to, (time) => sql`l.at < ${time}::text::timestamptz`)}
          and ${when(filter.run, (run) => sql`l.run_id = ${run}`)}
          and ${when(filter.kind, (kind) => sql`l.kind = ${kind}`)}
          and ${when(filter.person, (person) => sql`l.actor = ${person}`)}
          and ${when(filter.action, (action) => sql`l.action = ${action}`)}
          and ${last === null ? sql`true` : sql`(l.at, l.id) > (${last.at}::text::timestamptz, ${last.id}::uuid)`}
        order by l.at, l.id limit ${pageSize}`,
    )
    if (rows.length > 0) yield rows
    const end = rows.at(-1)
    if (end === undefined || rows.length < pageSize) return
    after = { at: end.at, id: end.id }
  }
}
