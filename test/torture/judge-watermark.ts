import { type History, type Records, type System, systems, type World } from './history.ts'
import type { Verdict } from './verdict.ts'

interface Marks {
  since: string | null
  restored: boolean
  seen: Map<string, number | null>
  pending: Set<string>
}

/**
 * I8, while no worker runs: whatever a scan for changes will not list any more, because it lies before T, is either seen as
 * it is or waits in the queue. `everything`: a complete listing has just been worked off, so that it holds wherever T lies,
 * also after clocks that jumped and edits that appeared late.
 */
export async function judgeWatermark(
  lab: World,
  history: History,
  verdict: Verdict,
  how: 'before-T' | 'everything',
): Promise<void> {
  const now = history.replay(() => undefined)
  for (const system of systems) {
    const marks = await marksOf(lab, system)
    if (marks.restored) continue
    for (const [id, record] of now[system]) {
      const { modified, version } = stampOf(system, record)
      if (how === 'before-T' && (marks.since === null || modified >= marks.since)) continue
      verdict.tried('I8')
      if (marks.seen.get(id) !== version && !marks.pending.has(id))
        verdict.broken(
          'I8',
          `${system} ${id} is at version ${version} of ${modified}, seen is ${marks.seen.get(id) ?? 'none'}, nothing waits, and T is ${marks.since}`,
        )
    }
  }
}

function stampOf(system: System, record: Records extends Map<string, infer R> ? R : never) {
  return system === 'alm'
    ? { modified: String(record['last-modified']), version: Number(record['ver-stamp']) }
    : { modified: String(record.last_modified), version: Number(record.version_stamp) }
}

async function marksOf(lab: World, system: System): Promise<Marks> {
  const { sql } = lab.database
  const side = system === 'alm' ? 'left' : 'right'
  const [position, seen, pending] = await Promise.all([
    sql<{ since: string | null; restored: boolean }[]>`
      select since, restored_at is not null as restored from scan_positions
      where link_id = ${lab.linkId} and side = ${side}`,
    sql<{ id: string; version: number | null }[]>`
      select external_id as id, seen_version::float as version from records
      where endpoint_id = ${lab.configuration[side].endpointId}`,
    sql<{ id: string }[]>`
      select external_id as id from pending where link_id = ${lab.linkId} and side = ${side}`,
  ])
  return {
    since: position[0]?.since ?? null,
    restored: position[0]?.restored ?? false,
    seen: new Map(seen.map((row) => [row.id, row.version])),
    pending: new Set(pending.map((row) => row.id)),
  }
}
