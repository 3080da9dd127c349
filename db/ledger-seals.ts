import type { SealContent } from '../core/ledger-seal.ts'
import { type Database, named } from './connection.ts'

const sealLock = 7_263_003

/**
 * Seals the chains that have grown since their last seal and have none of today (by UTC). Each seal goes out of the database
 * before it goes into it: a crash in between leaves one more true seal outside, never one only inside. Answers how many
 * were made. One process at a time; the others do nothing.
 */
export async function sealChains(
  { sql }: Database,
  out: { sign(content: SealContent): Promise<string>; keep(seals: readonly string[]): Promise<void> },
): Promise<number> {
  return named('seal ledger', () =>
    sql.begin(async (tx) => {
      const [lock] = await tx<{ mine: boolean }[]>`select pg_try_advisory_xact_lock(${sealLock}) as mine`
      if (lock?.mine !== true) return 0
      const due = await tx<SealContent[]>`
        with last as (select distinct on (chain) chain, day, seq, rows from ledger_seals order by chain, day desc)
        select h.chain, to_char(now() at time zone 'UTC', 'YYYY-MM-DD') as day, h.seq::int, h.hash,
          (coalesce(l.rows, 0) + (select sum(e.rows) from ledger_entries e where e.chain = h.chain
            and e.seq > coalesce(l.seq, 0) and e.seq <= h.seq))::int as rows,
          to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "sealedAt"
        from ledger_heads h left join last l on l.chain = h.chain
        where h.seq > coalesce(l.seq, 0) and (l.day is null or l.day < (now() at time zone 'UTC')::date)
        order by h.chain`
      if (due.length === 0) return 0
      const seals = await Promise.all(due.map(out.sign))
      await out.keep(seals)
      const rows = due.map(({ chain, day, seq, rows }, index) => ({ chain, day, seq, rows, seal: seals[index] ?? '' }))
      await tx`insert into ledger_seals ${tx(rows, 'chain', 'day', 'seq', 'rows', 'seal')}`
      return rows.length
    }),
  )
}

/** Seals as they were signed, oldest first. */
export async function listSeals({ sql }: Pick<Database, 'sql'>, chain?: string): Promise<string[]> {
  const rows = await named(
    'list seals',
    () => sql<{ seal: string }[]>`
      select seal from ledger_seals where ${chain === undefined ? sql`true` : sql`chain = ${chain}`} order by day, chain`,
  )
  return rows.map((row) => row.seal)
}
