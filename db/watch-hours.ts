import { type Database, named } from './connection.ts'

/** What is known of one hour of a link, by counters that were raised while it lasted. */
export interface WatchedHour {
  /** Its beginning. */
  hour: string
  /** Looks at both sides that found nothing, found something, and did not work. */
  quiet: number
  changed: number
  failed: number
  /** Runs that listed changes or everything and ended in this hour, by whether anything was written or went wrong. */
  quietRuns: number
  changedRuns: number
  /** Writes to both sides, by the ledger. */
  writes: number
}

/**
 * `nothing`: somebody looked, every look worked, and nothing was found or written. `not-looked`: nobody looked. `failed`: no
 * look worked. `changed`: something was found or written, or a look did not work.
 */
export type HourVerdict = 'nothing' | 'changed' | 'failed' | 'not-looked'

export function verdictOf(hour: WatchedHour): HourVerdict {
  const worked = hour.quiet + hour.changed + hour.quietRuns + hour.changedRuns
  if (hour.writes > 0) return 'changed'
  if (worked === 0) return hour.failed > 0 ? 'failed' : 'not-looked'
  return hour.changed + hour.changedRuns + hour.failed === 0 ? 'nothing' : 'changed'
}

/**
 * Every hour from one to another time (ISO) since there is the link, those without a trace, too; the hour that lasts still
 * counts as it is now.
 */
export async function listWatchedHours(
  { sql }: Pick<Database, 'sql'>,
  input: { linkId: string; from: string; to: string },
): Promise<WatchedHour[]> {
  return named(
    'watched hours',
    () => sql<WatchedHour[]>`
      with hours as (
        select generate_series(date_trunc('hour', greatest(${input.from}::text::timestamptz, l.created_at)),
          least(${input.to}::text::timestamptz, now()) - interval '1 microsecond', interval '1 hour') as hour
        from links l where l.id = ${input.linkId}
      ), bounds as (select min(hour) as first, max(hour) + interval '1 hour' as last from hours
      ), written as (
        select date_trunc('hour', l.at) as hour, count(*)::int as writes from ledger l, bounds
        where l.link_id = ${input.linkId} and l.kind = 'write' and l.at >= bounds.first and l.at < bounds.last group by 1
      ), ran as (
        select date_trunc('hour', r.ended_at) as hour, r.status = 'passed' and not exists (
            select 1 from jsonb_each_text(r.counters) as c(name, count)
            where c.name not in ('scannedLeft', 'scannedRight', 'examined', 'unchanged') and c.count <> '0') as quiet
        from runs r, bounds
        where r.link_id = ${input.linkId} and r.kind in ('incremental', 'full') and r.status in ('passed', 'with-errors')
          and r.started_at >= bounds.first - interval '2 days' and r.ended_at >= bounds.first and r.ended_at < bounds.last
      )
      select to_char(h.hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as hour, coalesce(w.quiet, 0) as quiet,
        coalesce(w.changed, 0) as changed, coalesce(w.failed, 0) as failed, coalesce(d.writes, 0) as writes,
        (select count(*)::int from ran where ran.hour = h.hour and ran.quiet) as "quietRuns",
        (select count(*)::int from ran where ran.hour = h.hour and not ran.quiet) as "changedRuns"
      from hours h left join watch_hours w on w.link_id = ${input.linkId} and w.hour = h.hour
      left join written d on d.hour = h.hour order by h.hour`,
  )
}
