import { isDeepStrictEqual } from 'node:util'
import type postgres from 'postgres'
import { type LinkSchedule, linkSchedule } from '../core/link-config.ts'
import { type Agenda, type Attempt, agenda, closedUntil } from '../core/schedule.ts'
import { StoreError } from '../core/store.ts'
import { zonedIso } from '../core/zone.ts'
import { type Database, named } from './connection.ts'

/** Milliseconds since 1970. */
export function epochMs(sql: postgres.Sql, moment: postgres.Fragment): postgres.Fragment {
  return sql`(extract(epoch from ${moment}) * 1000)::float8`
}

/** Parsed again, so that a configuration written by an older release has the defaults of this one. */
export function scheduleOf(stored: unknown): LinkSchedule {
  return linkSchedule.parse(stored ?? {})
}

/** What has happened to a link, as far as its schedule cares. */
export interface AgendaFacts {
  schedule: unknown
  now: number
  runsSince: number
  fullScansSince: number
  fullAsked: number | null
  full: Attempt[]
  any: Attempt[]
}

/** So many attempts tell how often the last ones failed. */
const toldAttempts = 8

/**
 * One column of AgendaFacts, on the database's clock, for a query with the link as `l` and its version as `v`. A full scan
 * counts once it has listed both sides, whatever became of the records after that: they wait in the queue. Runs that were
 * cancelled before they began are none.
 */
export function agendaColumns(sql: postgres.Sql): postgres.Fragment {
  const attempts = (kinds: postgres.Fragment) => sql`
    (select coalesce(jsonb_agg(jsonb_build_object(
        'begun', ${epochMs(sql, sql`a.started_at`)}, 'ended', ${epochMs(sql, sql`a.ended_at`)},
        'outcome', case when a.status in ('passed', 'with-errors', 'cancelled') or a.listed then 'done'
          when a.status = 'failed' then 'failed' else 'unfinished' end) order by a.started_at desc), '[]')
      from (
        select r.started_at, r.ended_at, r.status, (
            select count(distinct e.side) from scan_epochs e
            where r.kind = 'full' and e.link_id = r.link_id and e.side in ('left', 'right') and e.started_at >= r.started_at
              and e.run_id = r.id and e.completed_at is not null) = 2 as listed
        from runs r where r.link_id = l.id and ${kinds} and r.status <> 'running' and r.temporal_run_id <> ''
        order by r.started_at desc limit ${toldAttempts}) a)`
  return sql`jsonb_build_object(
    'schedule', v.configuration -> 'schedule',
    'now', ${epochMs(sql, sql`now()`)},
    'runsSince', ${epochMs(sql, sql`coalesce(l.runs_since, l.created_at)`)},
    'fullScansSince', ${epochMs(sql, sql`coalesce(l.full_scans_since, l.created_at)`)},
    'fullAsked', ${epochMs(sql, sql`l.full_asked_at`)},
    'full', ${attempts(sql`r.kind = 'full'`)},
    'any', ${attempts(sql`r.kind in ('incremental', 'full')`)})`
}

export function agendaOf(facts: AgendaFacts): { schedule: LinkSchedule; agenda: Agenda } {
  const schedule = scheduleOf(facts.schedule)
  const { full, any, fullAsked } = facts
  const since = { full: facts.fullScansSince, run: facts.runsSince }
  return { schedule, agenda: agenda(schedule, { since, full, any, fullAsked }, facts.now) }
}

/** Times are ISO times with the offset of the schedule's zone. */
export interface ScheduleView {
  timeZone: string
  /** Null: not in a blackout. */
  closedUntil: string | null
  /** What happens next by itself; null: nothing is named, or the link is paused or in manual mode. */
  nextRun: string | null
  nextFullScan: string | null
  /** True: the next automatic run is a full scan, as somebody asked. */
  fullNext: boolean
  /** The last full scan that listed everything, or that a person cancelled. */
  lastFullScan: { startedAt: string; endedAt: string } | null
}

/** `active`: the link does things by itself. */
export function shownSchedule(facts: AgendaFacts, active: boolean): ScheduleView {
  const { schedule, agenda } = agendaOf(facts)
  const { timeZone } = schedule
  const shown = (at: number | null) => (at === null ? null : zonedIso(timeZone, at))
  const last = facts.full.find((one) => one.outcome === 'done')
  return {
    timeZone,
    closedUntil: shown(agenda.closedUntil),
    nextRun: active ? shown(agenda.nextRun) : null,
    nextFullScan: active ? shown(agenda.nextFull) : null,
    fullNext: agenda.fullAsked,
    lastFullScan:
      last === undefined
        ? null
        : { startedAt: zonedIso(timeZone, last.begun), endedAt: zonedIso(timeZone, last.ended) },
  }
}

/** Which of a schedule's times differ from those before. */
export function timesChanged(before: LinkSchedule, after: LinkSchedule): { runs: boolean; fullScans: boolean } {
  const moved = before.timeZone !== after.timeZone
  return {
    runs: moved || !isDeepStrictEqual(before.runs, after.runs),
    fullScans: moved || !isDeepStrictEqual(before.fullScans, after.fullScans),
  }
}

/** By the database's clock and the newest configuration, whichever version the run is pinned to. */
export async function mayWork({ sql }: Database, input: { linkId: string; runId: string }): Promise<boolean> {
  const [row] = await named(
    'blackouts',
    () => sql<{ schedule: unknown; now: number; despite: boolean }[]>`
      select v.configuration -> 'schedule' as schedule, ${epochMs(sql, sql`now()`)} as now,
        exists (select 1 from runs r where r.id = ${input.runId} and r.despite_blackout) as despite
      from links l join link_versions v on v.link_id = l.id and v.version = l.version where l.id = ${input.linkId}`,
  )
  if (row === undefined) throw new StoreError('link-not-found', `There is no link ${input.linkId}.`)
  return row.despite || closedUntil(scheduleOf(row.schedule), row.now) === null
}
