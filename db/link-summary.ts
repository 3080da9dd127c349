import { type ProblemClass, type ProblemOwner, problemClasses } from '../core/problems.ts'
import type { RunCounters } from '../core/run.ts'
import { type Database, named } from './connection.ts'
import { notIgnored } from './issues.ts'
import { listRuns, noCounts, type RunListItem } from './runs.ts'

/** What a link did within some hours until now. */
export interface LinkActivitySum {
  /** Runs that began, of all kinds; those of them with errors; those that failed, were interrupted or cancelled. */
  runs: number
  withErrors: number
  unfinished: number
  counters: RunCounters
  /** Looks at both sides that found nothing, found something, did not work. */
  looks: { quiet: number; changed: number; failed: number }
}

export interface OwnedIssues {
  owner: ProblemOwner
  errors: number
  warnings: number
  /** Of them nobody wants to be told. */
  ignored: number
  /** When the oldest one was first seen. */
  since: string
}

export interface LinkSummary {
  lastCheck: RunListItem | null
  lastRun: RunListItem | null
  day: LinkActivitySum
  week: LinkActivitySum
  /** Open issues by whose turn it is. */
  issues: OwnedIssues[]
  /** Fields that wait for a person's decision. */
  conflicts: number
  queue: { due: number; waiting: number }
  /** When both sides were last looked at with success, by a watch or a run; null: never. */
  lookedAt: string | null
}

/** Everything about a link that people ask first, but for its row and its freshness. */
export async function loadLinkSummary(database: Database, linkId: string): Promise<LinkSummary> {
  const { sql } = database
  const [[lastCheck], [lastRun], day, week, issues, [rest]] = await Promise.all([
    listRuns(database, { linkId, kinds: ['check'], ended: true, limit: 1 }),
    listRuns(database, { linkId, kinds: ['incremental', 'full', 'records'], ended: true, limit: 1 }),
    activityOf(database, linkId, 24),
    activityOf(database, linkId, 168),
    openIssues(database, linkId),
    named(
      'link summary',
      () => sql<{ conflicts: number; due: number; waiting: number; lookedAt: string | null }[]>`
        select (select count(*)::int from conflicts where link_id = ${linkId} and resolved_at is null and decision is null) as conflicts,
          (select count(*)::int from pending where link_id = ${linkId} and next_attempt_at <= now()) as due,
          (select count(*)::int from pending where link_id = ${linkId} and next_attempt_at > now()) as waiting,
          to_char(greatest(
            (select looked_at from watch_hours where link_id = ${linkId} and looked_at is not null order by hour desc limit 1),
            (select min(s.updated_at) from scan_positions s where s.link_id = ${linkId} having count(*) = 2)
          ) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "lookedAt"`,
    ),
  ])
  return {
    lastCheck: lastCheck ?? null,
    lastRun: lastRun ?? null,
    day,
    week,
    issues,
    conflicts: rest?.conflicts ?? 0,
    queue: { due: rest?.due ?? 0, waiting: rest?.waiting ?? 0 },
    lookedAt: rest?.lookedAt ?? null,
  }
}

async function activityOf({ sql }: Database, linkId: string, hours: number): Promise<LinkActivitySum> {
  const [row] = await named(
    'link activity',
    () => sql<(Omit<LinkActivitySum, 'counters'> & { counters: Partial<RunCounters> })[]>`
      with mine as (
        select status, counters from runs where link_id = ${linkId} and started_at > now() - make_interval(hours => ${hours})
      )
      select count(*)::int as runs, count(*) filter (where status = 'with-errors')::int as "withErrors",
        count(*) filter (where status in ('failed', 'interrupted', 'cancelled'))::int as unfinished,
        (select coalesce(jsonb_object_agg(name, total), '{}') from (
          select c.name, sum(c.count::int) as total from mine cross join lateral jsonb_each_text(counters) as c(name, count)
          group by c.name) summed) as counters,
        (select jsonb_build_object('quiet', coalesce(sum(quiet), 0), 'changed', coalesce(sum(changed), 0), 'failed', coalesce(sum(failed), 0))
          from watch_hours where link_id = ${linkId} and hour > now() - make_interval(hours => ${hours})) as looks
      from mine`,
  )
  if (row === undefined) throw new Error('a sum has one row')
  return { ...row, counters: { ...noCounts, ...row.counters } }
}

async function openIssues({ sql }: Database, linkId: string): Promise<OwnedIssues[]> {
  const rows = await named(
    'open issues by class',
    () => sql<(Omit<OwnedIssues, 'owner'> & { class: ProblemClass })[]>`
      select class, count(*) filter (where severity = 'error' and ${notIgnored(sql)})::int as errors,
        count(*) filter (where severity = 'warning' and ${notIgnored(sql)})::int as warnings,
        count(*) filter (where not ${notIgnored(sql)})::int as ignored,
        to_char(min(first_seen) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since
      from issues i where link_id = ${linkId} and resolved_at is null group by class`,
  )
  const owned = new Map<ProblemOwner, OwnedIssues>()
  for (const { class: kind, ...counts } of rows) {
    const owner = problemClasses[kind]
    const sum = owned.get(owner) ?? { owner, errors: 0, warnings: 0, ignored: 0, since: counts.since }
    for (const name of ['errors', 'warnings', 'ignored'] as const) sum[name] += counts[name]
    if (counts.since < sum.since) sum.since = counts.since
    owned.set(owner, sum)
  }
  return (['admin', 'endpoint', 'us'] as const).flatMap((owner) => owned.get(owner) ?? [])
}
