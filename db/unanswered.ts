import type { Side } from '../core/values.ts'
import { decideConflicts, waitsForAnybody } from './conflicts.ts'
import { type Database, named } from './connection.ts'

/** So many are decided in one transaction. */
const atATime = 200

interface Overdue {
  id: string
  linkId: string
  revision: number
  take: Side
  days: number
}

/**
 * Takes the side that each link names for fields about which nobody has decided in time, with a decision like a person's: a
 * ledger row, and the record due at once. What the configuration does not let flow that way waits on. Answers how many were decided.
 */
export async function decideUnanswered(database: Database): Promise<number> {
  const { sql } = database
  let decided = 0
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const rows: Overdue[] = await named(
      'unanswered conflicts',
      () => sql<Overdue[]>`
        select c.id, c.link_id as "linkId", c.revision, u.take, u.days
        from links l join link_versions v on v.link_id = l.id and v.version = l.version
        cross join lateral (
          select v.configuration #>> '{unanswered,take}' as take, (v.configuration #>> '{unanswered,afterDays}')::int as days) u
        join conflicts c on c.link_id = l.id
        where l.deleted_at is null and u.days is not null and ${waitsForAnybody(sql)}
          and c.values_since <= now() - make_interval(days => u.days) and c.id > ${after}::uuid
        order by c.id limit ${atATime}`,
    )
    for (const linkId of new Set(rows.map((row) => row.linkId))) {
      const mine = rows.filter((row) => row.linkId === linkId)
      const [{ take, days } = { take: 'left' as const, days: 0 }] = mine
      const outcomes = await decideConflicts(database, {
        linkId,
        conflicts: mine.map(({ id, revision }) => ({ id, revision })),
        choose: take,
        value: null,
        side: take,
        reason: `Nobody has decided for ${days} ${days === 1 ? 'day' : 'days'}: the link takes the ${take} side then.`,
        actor: 'tandem',
      })
      decided += outcomes.filter((one) => one.state === 'decided').length
    }
    const last = rows[rows.length - 1]
    if (rows.length < atATime || last === undefined) return decided
    after = last.id
  }
}
