import type postgres from 'postgres'
import type { Finding, RunCounters, RunKind, RunStatus, RunSummary } from '../core/run.ts'
import { type BeginRun, type SimulatedItem, StoreError } from '../core/store.ts'
import { setRunLimits, tellBrakes } from './brakes.ts'
import { type Database, named } from './connection.ts'
import { notIgnored } from './issues.ts'

const noCounts: RunCounters = {
  scannedLeft: 0,
  scannedRight: 0,
  examined: 0,
  unchanged: 0,
  createdLeft: 0,
  createdRight: 0,
  updatedLeft: 0,
  updatedRight: 0,
  deletedLeft: 0,
  deletedRight: 0,
  linkBacks: 0,
  adopted: 0,
  declined: 0,
  waiting: 0,
  held: 0,
  failed: 0,
  inDoubt: 0,
}

/** Opens a run; closes what a predecessor of the same link left open. A repeat changes nothing. */
export async function openRun({ sql }: Database, input: BeginRun): Promise<void> {
  await named('begin run', () =>
    sql.begin(async (tx) => {
      await tx`
        update runs set status = 'interrupted', ended_at = now(), message = 'The run was cut off.'
        where link_id = ${input.linkId} and status = 'running' and id <> ${input.runId}`
      await tx`
        insert into runs (id, link_id, kind, trigger, actor, version, despite_blackout, workflow_id, temporal_run_id)
        values (${input.runId}, ${input.linkId}, ${input.kind}, ${input.trigger}, ${input.actor}, ${input.version},
          ${input.despiteBlackout ?? false}, ${input.temporal.workflowId}, ${input.temporal.runId})
        on conflict (id) do nothing`
      await setRunLimits(tx, input.linkId, input.runId)
      await tx`delete from store_calls where created_at < now() - interval '2 days'`
    }),
  )
}

/** The row of a run that was cancelled while it was queued: whoever waits for it must see its end. */
export async function recordDroppedRun(
  { sql }: Database,
  input: Omit<BeginRun, 'temporal'> & { workflowId: string },
): Promise<void> {
  await named(
    'record dropped run',
    () => sql`
      insert into runs (id, link_id, kind, trigger, actor, version, workflow_id, temporal_run_id, status, message, ended_at)
      values (${input.runId}, ${input.linkId}, ${input.kind}, ${input.trigger}, ${input.actor}, ${input.version},
        ${input.workflowId}, '', 'cancelled', 'The run was cancelled before it began.', now())
      on conflict (id) do nothing`,
  )
}

/** Sets a run's final status; one that passed while issues of its records are open ended with errors. */
export async function closeRun(
  { sql }: Database,
  input: { runId: string; status: RunStatus; message: string | null },
): Promise<RunSummary> {
  return named('finish run', () =>
    sql.begin(async (tx) => {
      const [ending] = await tx<{ link_id: string }[]>`
        select link_id from runs where id = ${input.runId} and status = 'running' and kind in ('incremental', 'full')`
      const brake =
        ending !== undefined && input.status !== 'cancelled' && input.status !== 'interrupted'
          ? await tellBrakes(tx, ending.link_id, input.runId, input.status === 'passed')
          : null
      const message = [input.message, brake].filter((one) => one !== null).join(' ')
      const [row] = await tx<
        {
          link_id: string
          kind: RunKind
          status: RunStatus
          counters: Partial<RunCounters>
          open: number
          own: number
        }[]
      >`
        select link_id, kind, status, counters,
          (select count(*)::int from issues i where i.link_id = r.link_id and i.resolved_at is null
            and i.severity = 'error' and ${notIgnored(tx)}) as open,
          (select count(*)::int from issues i where i.link_id = r.link_id and i.resolved_at is null
            and i.severity = 'error' and i.last_run_id = r.id and ${notIgnored(tx)}) as own
        from runs r where id = ${input.runId} for update`
      if (row === undefined) throw new StoreError('run-not-found', `There is no run ${input.runId}.`)
      const withErrors = input.status === 'passed' && row.own > 0
      const status = row.status === 'running' ? (withErrors ? 'with-errors' : input.status) : row.status
      if (row.status === 'running')
        await tx`update runs set status = ${status}, message = ${message === '' ? null : message}, ended_at = now() where id = ${input.runId}`
      return {
        runId: input.runId,
        linkId: row.link_id,
        kind: row.kind,
        status,
        counters: { ...noCounts, ...row.counters },
        openIssues: row.open,
      }
    }),
  )
}

export async function replaceFindings(
  { sql }: Database,
  input: { runId: string; findings: readonly Finding[]; passed: boolean },
): Promise<void> {
  await named(
    'save findings',
    () => sql`
      insert into run_findings (run_id, passed, findings)
      values (${input.runId}, ${input.passed ? 1 : 0}, ${sql.json(input.findings as unknown as postgres.JSONValue)})
      on conflict (run_id) do update set passed = excluded.passed, findings = excluded.findings`,
  )
}

export async function replaceSimulationPage(
  { sql }: Database,
  input: { runId: string; page: number; items: readonly SimulatedItem[] },
): Promise<void> {
  await named('save simulation', () =>
    sql.begin(async (tx) => {
      await tx`delete from simulated_items where run_id = ${input.runId} and page >= ${input.page}`
      if (input.items.length === 0) return
      const rows = input.items.map((item, position) => ({ position, action: item.action, item }))
      await tx`
        insert into simulated_items (run_id, page, position, action, item)
        select ${input.runId}, ${input.page}, position, action, item
        from jsonb_to_recordset(${tx.json(rows as unknown as postgres.JSONValue)}) as r(position int, action text, item jsonb)`
    }),
  )
}

export interface RunListItem {
  id: string
  linkId: string
  linkName: string
  kind: RunKind
  trigger: string
  actor: string
  version: number
  status: RunStatus
  message: string | null
  counters: RunCounters
  startedAt: string
  endedAt: string | null
  workflowId: string
}

/** Runs, newest first, after a cursor `(startedAt, id)`; or the one with an id. */
export async function listRuns(
  { sql }: Database,
  input: { linkId?: string; runId?: string; limit: number; before?: { at: string; id: string } },
): Promise<RunListItem[]> {
  const rows = await named(
    'list runs',
    () => sql<(Omit<RunListItem, 'counters'> & { counters: Partial<RunCounters> })[]>`
      select r.id, r.link_id as "linkId", l.name as "linkName", r.kind, r.trigger, r.actor, r.version, r.status, r.message,
        r.counters, to_char(r.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "startedAt",
        to_char(r.ended_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "endedAt", r.workflow_id as "workflowId"
      from runs r join links l on l.id = r.link_id
      where ${input.linkId === undefined ? sql`true` : sql`r.link_id = ${input.linkId}`}
        and ${input.runId === undefined ? sql`true` : sql`r.id = ${input.runId}`}
        and ${input.before === undefined ? sql`true` : sql`(r.started_at, r.id) < (${input.before.at}::text::timestamptz, ${input.before.id}::uuid)`}
      order by r.started_at desc, r.id desc limit ${input.limit}`,
  )
  return rows.map((row) => ({ ...row, counters: { ...noCounts, ...row.counters } }))
}

export async function getRun(database: Database, runId: string): Promise<RunListItem | null> {
  const [run] = await listRuns(database, { runId, limit: 1 })
  return run ?? null
}

export async function getFindings(
  { sql }: Database,
  runId: string,
): Promise<{ passed: boolean; findings: readonly Finding[] } | null> {
  const [row] = await named(
    'get findings',
    () =>
      sql<{ passed: number; findings: Finding[] }[]>`select passed, findings from run_findings where run_id = ${runId}`,
  )
  return row === undefined ? null : { passed: row.passed === 1, findings: row.findings }
}

/** Simulated items in their order, after a cursor; with the counts of all by action. */
export async function listSimulation(
  { sql }: Database,
  input: { runId: string; action?: SimulatedItem['action']; limit: number; after?: { page: number; position: number } },
): Promise<{ counts: Record<string, number>; items: (SimulatedItem & { page: number; position: number })[] }> {
  return named('list simulation', async () => {
    const counts = await sql<{ action: string; count: number }[]>`
      select action, count(*)::int as count from simulated_items where run_id = ${input.runId} group by action`
    const rows = await sql<{ page: number; position: number; item: SimulatedItem }[]>`
      select page, position, item from simulated_items where run_id = ${input.runId}
        and ${input.action === undefined ? sql`true` : sql`action = ${input.action}`}
        and ${input.after === undefined ? sql`true` : sql`(page, position) > (${input.after.page}::int, ${input.after.position}::int)`}
      order by page, position limit ${input.limit}`
    return {
      counts: Object.fromEntries(counts.map((row) => [row.action, row.count])),
      items: rows.map((row) => ({ ...row.item, page: row.page, position: row.position })),
    }
  })
}
