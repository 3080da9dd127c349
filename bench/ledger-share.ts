import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'

const everyMs = 10
const ledgerStatement = 'ledger(_heads|_entries)?\\M'

export interface LedgerShare {
  samples: number
  /** Ledger statements under way at a time on average, those that wait for the chain's head included. */
  underWay: number
  /** Share of the time in which at least one was. */
  ofTime: number
}

/** Looks every few milliseconds which statements the database is busy with, until it is stopped. */
export function watchLedgerStatements(databaseUrl: string): { stop(): Promise<LedgerShare> } {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined })
  let [samples, statements, busy, goesOn] = [0, 0, 0, true]
  const watching = (async () => {
    while (goesOn) {
      const [row] = await sql<{ count: number }[]>`
        select count(*)::int as count from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
          and state = 'active' and query ~ ${ledgerStatement}`
      const count = row?.count ?? 0
      samples++
      statements += count
      if (count > 0) busy++
      await wait(everyMs)
    }
  })()
  return {
    stop: async () => {
      goesOn = false
      await watching
      await sql.end()
      return { samples, underWay: statements / Math.max(1, samples), ofTime: busy / Math.max(1, samples) }
    },
  }
}
