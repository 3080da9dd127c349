import type { Lab } from '../lab.ts'
import type { History } from './history.ts'

/** What lies in the database and what was written, for whoever has to find out why an invariant did not hold. */
export async function evidenceOf(lab: Lab, history: History): Promise<string[]> {
  const { sql } = lab.database
  const rows = [
    ...(await sql`select 'pending' as what, side, external_id, reason, class, attempts, queued_version from pending`),
    ...(await sql`select 'issue' as what, key, left_id, right_id, code, field, message from issues where resolved_at is null`),
    ...(await sql`
      select 'conflict' as what, p.left_id, p.right_id, c.mapping_id, c.kind from conflicts c join pairs p on p.id = c.pair_id
      where c.resolved_at is null`),
    ...(await sql`select 'intent' as what, key, action, side, target_id, stamp_before, answered from intents`),
    ...(await sql`select 'position' as what, side, since, newest, restored_message from scan_positions`),
    ...(await sql`select 'unpaired' as what, external_id, decision, seen_version from records where pair_id is null`),
    ...(await sql`select 'old issue' as what, key, code, message, resolved_at from issues where resolved_at is not null`),
    ...(await sql`select 'absence' as what, side, external_id, listings from absences`),
    ...(await sql`
      select 'ledger' as what, kind, action, side, left_id, right_id, found_by_looking, content -> 'stampAfter' as stamp
      from ledger where link_id = ${lab.linkId}`),
    ...(await sql`
      select 'pair' as what, p.left_id, p.right_id, p.gone_side, p.gone_outcome, l.seen_version as left_seen, r.seen_version as right_seen
      from pairs p left join records l on l.pair_id = p.id and l.external_id = p.left_id
      left join records r on r.pair_id = p.id and r.external_id = p.right_id`),
  ]
  const writes = history
    .entries()
    .map(
      (entry, at) =>
        `${at} (cycle from ${history.cycleStart(at)}${history.isLate(at) ? ', late' : ''}) ${entry.via} ${entry.system} ${entry.action} ${entry.id} v${entry.version} ${entry.changed
          .map((name) => `${name}=${JSON.stringify(entry.after?.[name] ?? null)}`)
          .join(' ')}`,
    )
  return [...rows.map((row) => JSON.stringify(row)), ...writes]
}
