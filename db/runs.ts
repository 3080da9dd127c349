import type postgres from 'postgres'
import type { EndpointAddress } from '../core/endpoint.ts'
import {
  type CheckedPart,
  type Finding,
  type PhaseTimes,
  type RunCounters,
  type RunKind,
  type RunStatus,
  type RunSummary,
  type RunTime,
  runTime,
  type WorkTimes,
} from '../core/run.ts'
import type { LogLevel } from '../core/run-log.ts'
import { statusWords } from '../core/run-words.ts'
import { type BeginRun, StoreError } from '../core/store.ts'
import type { ItemOutcome } from '../core/work-items.ts'
import { setRunLimits, tellBrakes } from './brakes.ts'
import { type Database, named } from './connection.ts'
import { notIgnored } from './issues.ts'
import { addLines, beganWords, countOutcomes } from './run-log.ts'
import { followSimulation, scoreSimulation } from './simulations.ts'

export const noCounts: RunCounters = {
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
        with cut as (
          update runs set status = 'interrupted', ended_at = now(), message = ${cutOff}
          where link_id = ${input.linkId} and status = 'running' and id <> ${input.runId} returning id
        )
        insert into run_log (run_id, level, category, message) select id, 'error', 'run', ${cutOff} from cut`
      await tx`
        with begun as (
          insert into runs (id, link_id, kind, trigger, actor, version, despite_blackout, workflow_id, temporal_run_id)
          values (${input.runId}, ${input.linkId}, ${input.kind}, ${input.trigger}, ${input.actor}, ${input.version},
            ${input.despiteBlackout ?? false}, ${input.temporal.workflowId}, ${input.temporal.runId})
          on conflict (id) do nothing returning id
        )
        insert into run_log (run_id, level, category, message) select id, 'info', 'run', ${beganWords(input)} from begun`
      await setRunLimits(tx, input.linkId, input.runId)
      await followSimulation(tx, input)
      await tx`delete from store_calls where created_at < now() - interval '2 days'`
    }),
  )
}

const droppedWords = 'The run was cancelled before it began.'
export const cutOff = 'The run was cut off.'

/** How bad an end is. */
const endLevels: Record<RunStatus, LogLevel> = {
  running: 'info',
  passed: 'info',
  'with-errors': 'warning',
  failed: 'error',
  interrupted: 'warning',
  cancelled: 'warning',
}

/** The row of a run that was cancelled while it was queued: whoever waits for it must see its end. */
export async function recordDroppedRun(
  { sql }: Database,
  input: Omit<BeginRun, 'temporal'> & { workflowId: string },
): Promise<void> {
  await named(
    'record dropped run',
    () => sql`
      with dropped as (
        insert into runs (id, link_id, kind, trigger, actor, version, workflow_id, temporal_run_id, status, message, ended_at,
          history_due_at)
        values (${input.runId}, ${input.linkId}, ${input.kind}, ${input.trigger}, ${input.actor}, ${input.version},
          ${input.workflowId}, '', 'cancelled', ${droppedWords}, now(), null)
        on conflict (id) do nothing returning id
      )
      insert into run_log (run_id, level, category, message) select id, 'warning', 'run', ${droppedWords} from dropped`,
  )
}

function unknownWords(count: number): string | null {
  if (count === 0) return null
  const words =
    count === 1 ? '1 record that it was asked for is unknown' : `${count} records that it was asked for are unknown`
  return `${words}: there is no such record, or it may not be read.`
}

/**
 * Sets a run's final status; one that passed while issues of its records are open, or records it was asked for are unknown,
 * ended with errors.
 */
export async function closeRun(
  database: Database,
  input: { runId: string; status: RunStatus; message: string | null; phases?: PhaseTimes },
): Promise<RunSummary> {
  await scoreSimulation(database, input.runId)
  return named('finish run', () =>
    database.sql.begin(async (tx) => {
      const [ending] = await tx<{ link_id: string }[]>`
        select link_id from runs where id = ${input.runId} and status = 'running' and kind in ('incremental', 'full')`
      const brake =
        ending !== undefined && input.status !== 'cancelled' && input.status !== 'interrupted'
          ? await tellBrakes(tx, ending.link_id, input.runId, input.status === 'passed')
          : null
      const [row] = await tx<
        {
          link_id: string
          kind: RunKind
          status: RunStatus
          counters: Partial<RunCounters>
          open: number
          own: number
          unknown: number
        }[]
      >`
        select link_id, kind, status, counters,
          (select count(*)::int from issues i where i.link_id = r.link_id and i.resolved_at is null
            and i.severity = 'error' and ${notIgnored(tx)}) as open,
          (select count(*)::int from issues i where i.link_id = r.link_id and i.resolved_at is null
            and i.severity = 'error' and i.last_run_id = r.id and ${notIgnored(tx)}) as own,
          (select count(*)::int from requested_records q where q.run_id = r.id and q.outcome = 'unknown') as unknown
        from runs r where id = ${input.runId} for update`
      if (row === undefined) throw new StoreError('run-not-found', `There is no run ${input.runId}.`)
      const message = [input.message, brake, unknownWords(row.unknown)].filter((one) => one !== null).join(' ')
      const withErrors = input.status === 'passed' && row.own + row.unknown > 0
      const status = row.status === 'running' ? (withErrors ? 'with-errors' : input.status) : row.status
      if (row.status === 'running') {
        await tx`update runs set status = ${status}, message = ${message === '' ? null : message}, ended_at = now(),
          phases = ${tx.json({ ...input.phases })} where id = ${input.runId}`
        const words = `The run ${statusWords[status]}.${message === '' ? '' : ` ${message}`}`
        await addLines(tx, input.runId, [{ level: endLevels[status], category: 'run', message: words }])
      }
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
  input: { runId: string; findings: readonly Finding[]; parts: readonly CheckedPart[]; passed: boolean },
): Promise<void> {
  const json = (rows: unknown) => sql.json(rows as postgres.JSONValue)
  const lines = input.findings.map(({ severity, message, remedy }) => ({
    level: severity === 'error' || severity === 'warning' ? severity : ('info' as const),
    category: 'check' as const,
    message: remedy === null ? message : `${message} ${remedy}`,
  }))
  await named('save findings', () =>
    sql.begin(async (tx) => {
      await tx`
        insert into run_findings (run_id, passed, findings, parts)
        values (${input.runId}, ${input.passed ? 1 : 0}, ${json(input.findings)}, ${json(input.parts)})
        on conflict (run_id) do update set passed = excluded.passed, findings = excluded.findings, parts = excluded.parts`
      await tx`delete from run_log where run_id = ${input.runId} and category = 'check'`
      await addLines(tx, input.runId, lines)
    }),
  )
}

/** Parts of a link's last check, each with its findings; those that a run judged longer ago are left out. */
export async function loadLastCheck(
  { sql }: Database,
  input: { linkId: string; withinSeconds: number },
): Promise<{ part: CheckedPart; findings: Finding[] }[]> {
  return named('last check', async () => {
    const [last] = await sql<{ findings: Finding[]; parts: CheckedPart[] }[]>`
      select f.findings, f.parts from run_findings f join runs r on r.id = f.run_id
      where r.link_id = ${input.linkId} order by r.started_at desc, r.id desc limit 1`
    if (last === undefined) return []
    const recent = await sql<{ id: string }[]>`
      select id from runs where id = any(${last.parts.map(({ runId }) => runId)}::uuid[])
        and started_at > now() - make_interval(secs => ${input.withinSeconds})`
    const known = new Set(recent.map(({ id }) => id))
    let at = 0
    return last.parts.flatMap((part) => {
      const findings = last.findings.slice(at, at + part.findings)
      at += part.findings
      return known.has(part.runId) ? [{ part, findings }] : []
    })
  })
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
  time: RunTime
  workflowId: string
}

/** Which runs are meant: all that is given must hold. */
export interface RunFilter {
  linkId?: string | undefined
  runId?: string | undefined
  kind?: RunKind | undefined
  kinds?: readonly RunKind[] | undefined
  /** True: none that is running. */
  ended?: true | undefined
  status?: RunStatus | undefined
  trigger?: string | undefined
  actor?: string | undefined
  /** ISO times: begun not before, and before. */
  from?: string | undefined
  to?: string | undefined
  /** True: only runs in which something happened; false: only synchronizations that found all in step. */
  changed?: boolean | undefined
}

/** A synchronization passed, and all that it looked at was in step: nothing would be known less without it. */
const changedNothing = (sql: postgres.Sql) => sql`(r.status = 'passed' and r.message is null
  and r.kind in ('incremental', 'full', 'records') and not exists (select 1 from jsonb_each_text(r.counters) as c(name, count)
    where c.name not in ('scannedLeft', 'scannedRight', 'examined', 'unchanged') and c.count <> '0'))`

/** Runs, newest first, after a cursor `(startedAt, id)`; or the one with an id. */
export async function listRuns(
  { sql }: Database,
  input: RunFilter & { limit: number; before?: { at: string; id: string } },
): Promise<RunListItem[]> {
  const when = <T>(given: T | undefined, condition: (value: T) => postgres.Fragment) =>
    given === undefined ? sql`true` : condition(given)
  const rows = await named(
    'list runs',
    () => sql<
      (Omit<RunListItem, 'counters' | 'time'> & {
        counters: Partial<RunCounters>
        phases: PhaseTimes
        work: Partial<WorkTimes>
        lasted: number
      })[]
    >`
      select r.id, r.link_id as "linkId", l.name as "linkName", r.kind, r.trigger, r.actor, r.version, r.status, r.message,
        r.counters, to_char(r.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "startedAt",
        to_char(r.ended_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "endedAt", r.workflow_id as "workflowId",
        r.phases, r.work, (extract(epoch from coalesce(r.ended_at, now()) - r.started_at) * 1000)::float8 as lasted
      from runs r join links l on l.id = r.link_id
      where ${when(input.linkId, (id) => sql`r.link_id = ${id}`)} and ${when(input.runId, (id) => sql`r.id = ${id}`)}
        and ${when(input.kinds, (kinds) => sql`r.kind = any(${sql.array([...kinds])}::text[])`)}
        and ${when(input.ended, () => sql`r.status <> 'running'`)}
        and ${when(input.kind, (kind) => sql`r.kind = ${kind}`)} and ${when(input.status, (status) => sql`r.status = ${status}`)}
        and ${when(input.trigger, (trigger) => sql`r.trigger = ${trigger}`)} and ${when(input.actor, (actor) => sql`r.actor = ${actor}`)}
        and ${when(input.from, (time) => sql`r.started_at >= ${time}::text::timestamptz`)}
        and ${when(input.to, (time) => sql`r.started_at < ${time}::text::timestamptz`)}
        and ${when(input.changed, (changed) => (changed ? sql`not ${changedNothing(sql)}` : changedNothing(sql)))}
        and ${input.before === undefined ? sql`true` : sql`(r.started_at, r.id) < (${input.before.at}::text::timestamptz, ${input.before.id}::uuid)`}
      order by r.started_at desc, r.id desc limit ${input.limit}`,
  )
  return rows.map(({ phases, work, lasted, ...row }) => ({
    ...row,
    counters: { ...noCounts, ...row.counters },
    time: runTime({ lasted, ended: row.endedAt !== null }, phases, work),
  }))
}

export async function getRun(database: Database, runId: string): Promise<RunListItem | null> {
  const [run] = await listRuns(database, { runId, limit: 1 })
  return run ?? null
}

type RunEnd = { id: string; name: string; kind: string; address: EndpointAddress }

/** A run with all that a report about it begins with. */
export interface RunReport extends RunListItem {
  left: RunEnd
  right: RunEnd
  statusWords: string
  /** Findings of its integrity check by severity; null: it made none. */
  checks: Record<Finding['severity'], number> | null
  /** Issues last seen in it that are open still. */
  openIssues: number
  outcomes: Partial<Record<ItemOutcome, number>>
}

export async function getRunReport(database: Database, runId: string): Promise<RunReport | null> {
  const { sql } = database
  const run = await getRun(database, runId)
  if (run === null) return null
  const [[row], outcomes] = await Promise.all([
    named(
      'run report',
      () => sql<{ left: RunEnd; right: RunEnd; openIssues: number; findings: Finding[] | null }[]>`
        select jsonb_build_object('id', a.id, 'name', a.name, 'kind', a.kind, 'address', a.address) as left,
          jsonb_build_object('id', b.id, 'name', b.name, 'kind', b.kind, 'address', b.address) as right,
          (select count(*)::int from issues i where i.link_id = l.id and i.last_run_id = r.id and i.resolved_at is null) as "openIssues",
          (select findings from run_findings f where f.run_id = r.id) as findings
        from runs r join links l on l.id = r.link_id join endpoint_pairs p on p.id = l.endpoint_pair_id
        join endpoints a on a.id = p.left_id join endpoints b on b.id = p.right_id where r.id = ${runId}`,
    ),
    countOutcomes(database, runId),
  ])
  if (row === undefined) return null
  const checks = { ok: 0, info: 0, warning: 0, error: 0 }
  for (const { severity } of row.findings ?? []) checks[severity]++
  const { findings, ...rest } = row
  return { ...run, ...rest, statusWords: statusWords[run.status], checks: findings === null ? null : checks, outcomes }
}

export async function getFindings(
  { sql }: Database,
  runId: string,
): Promise<{ passed: boolean; findings: readonly Finding[]; parts: readonly CheckedPart[] } | null> {
  const [row] = await named(
    'get findings',
    () =>
      sql<{ passed: number; findings: Finding[]; parts: CheckedPart[] }[]>`
        select passed, findings, parts from run_findings where run_id = ${runId}`,
  )
  return row === undefined ? null : { passed: row.passed === 1, findings: row.findings, parts: row.parts }
}
