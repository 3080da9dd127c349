import type postgres from 'postgres'
import type { CommitRequest } from '../core/commits.ts'
import { windowClass, windowClasses, windowPercentile } from '../core/overwrite-guard.ts'
import { type Side, sides } from '../core/values.ts'
import { type Database, named } from './connection.ts'
import type { LedgerRow } from './ledger.ts'

/** Statements that count what a batch measured and noticed. They lock one row a side, so they belong to a transaction's last. */
export function guardsOf(
  tx: postgres.TransactionSql,
  request: CommitRequest,
  ledger: readonly LedgerRow[],
): postgres.PendingQuery<postgres.Row[]>[] {
  return sides.flatMap((side) => {
    const counts: Record<string, number> = {}
    for (const { ms } of request.items.flatMap((item) => item.windows ?? []).filter((one) => one.side === side)) {
      const name = String(windowClass(ms))
      counts[name] = (counts[name] ?? 0) + 1
    }
    const overwrites = ledger.filter((row) => row.side === side && row.possibleOverwrite === true).length
    if (overwrites === 0 && Object.keys(counts).length === 0) return []
    return [
      tx`
      insert into overwrite_guards as g (link_id, side, windows, overwrites)
      values (${request.linkId}, ${side}, ${tx.json(counts)}, ${overwrites})
      on conflict (link_id, side) do update set overwrites = g.overwrites + excluded.overwrites, updated_at = now(),
        windows = g.windows || (
          select coalesce(jsonb_object_agg(name, coalesce((g.windows ->> name)::bigint, 0) + by::bigint), '{}')
          from jsonb_each_text(excluded.windows) as added(name, by))`,
    ]
  })
}

export interface GuardRow {
  /** In milliseconds, as ends of classes; null: none was measured. */
  window: { p50: number; p95: number; measured: number } | null
  /** Writes of ours between which and our reading somebody else may have written. */
  overwrites: number
}

/** What is known of each side of a link. */
export async function loadGuards({ sql }: Database, linkId: string): Promise<Record<Side, GuardRow>> {
  const rows = await named(
    'load guards',
    () => sql<{ side: Side; windows: Record<string, number>; overwrites: number }[]>`
      select side, windows, overwrites::float as overwrites from overwrite_guards where link_id = ${linkId}`,
  )
  const of = (side: Side): GuardRow => {
    const row = rows.find((one) => one.side === side)
    const counts = windowClasses.map((_end, index) => row?.windows[String(index)] ?? 0)
    const [p50, p95] = [windowPercentile(counts, 0.5), windowPercentile(counts, 0.95)]
    return {
      window: p50 === null || p95 === null ? null : { p50, p95, measured: counts.reduce((sum, one) => sum + one, 0) },
      overwrites: row?.overwrites ?? 0,
    }
  }
  return { left: of('left'), right: of('right') }
}
