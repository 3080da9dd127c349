import type { ClockMemory } from '../core/server-clock.ts'
import type { ScanPosition, Store } from '../core/store.ts'
import type { Side } from '../core/values.ts'
import { type Database, named } from './connection.ts'

interface PositionRow extends Omit<ScanPosition, 'clock' | 'parts'> {
  filesCount: number | null
  filesHighest: string | null
  filesAgo: number | null
  commentsCount: number | null
  commentsHighest: string | null
  commentsAgo: number | null
  clockTime: string | null
  clockDate: string | null
  clockAge: number | null
  clockCeiling: string | null
}

export async function loadScanPosition({ sql }: Database, linkId: string, side: Side): Promise<ScanPosition> {
  const [row] = await named(
    'scan position',
    () => sql<PositionRow[]>`
      select since, newest, overlap_seconds as "overlapSeconds", highest_id::float as "highestId",
        case when restored_at is not null then restored_message end as restored, accepted_at is not null as accepted,
        clock_time as "clockTime", clock_ceiling as "clockCeiling", rescan_from as "rescanFrom",
        files_count::float as "filesCount", files_highest as "filesHighest",
        extract(epoch from now() - files_noted_at)::float * 1000 as "filesAgo",
        comments_count::float as "commentsCount", comments_highest as "commentsHighest",
        extract(epoch from now() - comments_noted_at)::float * 1000 as "commentsAgo",
        to_char(clock_date at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "clockDate",
        extract(epoch from now() - clock_at)::float as "clockAge",
        extract(epoch from now() - greatest(updated_at, (
          select max(w.looked_at) from watch_hours w where w.link_id = ${linkId} and w.hour > now() - interval '2 days'
        )))::float * 1000 as "lookedAgoMs"
      from scan_positions where link_id = ${linkId} and side = ${side}`,
  )
  if (row === undefined)
    return {
      since: null,
      newest: null,
      overlapSeconds: null,
      highestId: null,
      restored: null,
      accepted: false,
      clock: null,
      rescanFrom: null,
      lookedAgoMs: null,
      parts: { files: null, comments: null },
    }
  const { clockTime, clockDate, clockAge, clockCeiling, ...rest } = row
  const { filesCount, filesHighest, filesAgo, commentsCount, commentsHighest, commentsAgo, ...position } = rest
  const clock: ClockMemory | null =
    clockTime === null || clockAge === null
      ? null
      : { time: clockTime, date: clockDate, ageSeconds: clockAge, ceiling: clockCeiling }
  const noted = (count: number | null, highest: string | null, agoMs: number | null) =>
    count === null ? null : { count, highest, agoMs }
  const parts = {
    files: noted(filesCount, filesHighest, filesAgo),
    comments: noted(commentsCount, commentsHighest, commentsAgo),
  }
  return { ...position, clock, parts }
}

/** What the clock showed is written anew when anything else is, or after a while: a link that is quiet costs no writes. */
export async function saveScanPosition({ sql }: Database, input: Parameters<Store['finishScan']>[0]): Promise<void> {
  const { linkId, side, since, newest, overlapSeconds, highestId, clock, rescanned } = input
  await named(
    'finish scan',
    () => sql`
      insert into scan_positions (link_id, side, since, newest, overlap_seconds, highest_id,
        clock_time, clock_date, clock_at, clock_ceiling)
      values (${linkId}, ${side}, ${since}, ${newest}, ${overlapSeconds}, ${highestId}, ${clock?.time ?? null},
        ${clock?.date ?? null}, now() - make_interval(secs => ${clock?.agoSeconds ?? 0}), ${clock?.ceiling ?? null})
      on conflict (link_id, side) do update set
        since = excluded.since, newest = excluded.newest, overlap_seconds = excluded.overlap_seconds,
        highest_id = greatest(scan_positions.highest_id, excluded.highest_id), updated_at = now(),
        clock_time = coalesce(excluded.clock_time, scan_positions.clock_time),
        clock_date = case when excluded.clock_time is null then scan_positions.clock_date else excluded.clock_date end,
        clock_at = case when excluded.clock_time is null then scan_positions.clock_at else excluded.clock_at end,
        clock_ceiling = case when excluded.clock_time is null then scan_positions.clock_ceiling else excluded.clock_ceiling end,
        rescan_from = case when scan_positions.rescan_from = ${rescanned} then null else scan_positions.rescan_from end
      where (scan_positions.since, scan_positions.newest, scan_positions.overlap_seconds, scan_positions.clock_ceiling)
        is distinct from (excluded.since, excluded.newest, excluded.overlap_seconds, excluded.clock_ceiling)
        or scan_positions.rescan_from = ${rescanned}
        or excluded.highest_id > coalesce(scan_positions.highest_id, 0)
        or (excluded.clock_date is null) <> (scan_positions.clock_date is null)
        or scan_positions.clock_at is null or scan_positions.clock_at < now() - interval '15 minutes'`,
  )
}

/** From here on nothing but that time is known of the clock; the next scan makes up for what was missed. */
export async function noteClockStep(
  { sql }: Database,
  { linkId, side, time }: { linkId: string; side: Side; time: string },
): Promise<void> {
  await named(
    'note clock step',
    () => sql`
      update scan_positions set clock_time = ${time}, clock_date = null, clock_at = now(), updated_at = now()
      where link_id = ${linkId} and side = ${side}`,
  )
}
