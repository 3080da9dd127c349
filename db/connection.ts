import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { StoreError } from '../core/store.ts'

/** A pool of connections with both faces: drizzle for plain reads and writes, postgres.js for set-based statements. */
export interface Database {
  orm: ReturnType<typeof drizzle>
  sql: postgres.Sql
  close(): Promise<void>
}

/**
 * What went wrong in the database, without parameter values: they hold contents of records, and messages end up in logs
 * and Temporal histories.
 */
export class DatabaseError extends Error {
  /** SQLSTATE, or a connection code such as ECONNREFUSED. */
  readonly code: string
  /** Name of the constraint that was violated, where one was. */
  readonly constraint: string | undefined

  constructor(statement: string, code: string, constraint?: string) {
    super(`The database refused "${statement}" (${code}${constraint === undefined ? '' : `, ${constraint}`}).`)
    this.name = 'DatabaseError'
    this.code = code
    this.constraint = constraint
  }

  /** True when the database could not be reached or is shutting down; the call may be repeated. */
  get unavailable(): boolean {
    return /^(E[A-Z]+|CONNECT|CONNECTION|08|57P|53)/.test(this.code)
  }
}

export function openDatabase(url: string, options: { max?: number } = {}): Database {
  const sql = postgres(url, {
    max: options.max ?? 12,
    idle_timeout: 60,
    connect_timeout: 10,
    onnotice: () => undefined,
    connection: { application_name: 'tandem' },
  })
  // drizzle changes the parsers of the client it is given, so it gets one of its own.
  const ormClient = postgres(url, { max: 4, idle_timeout: 60, connect_timeout: 10, onnotice: () => undefined })
  return {
    sql,
    orm: drizzle(ormClient),
    close: async () => {
      await Promise.all([sql.end({ timeout: 5 }), ormClient.end({ timeout: 5 })])
    },
  }
}

/**
 * Carries one statement out by index. A table that is small when a statement is first planned looks cheapest read whole, and
 * connections keep such a plan while the table grows. Not for a transaction as a whole: joins of other statements get slower.
 */
export const byIndex = planned('enable_seqscan')

/** Carries one statement out by comparing sets as a whole. One that looks small is else gone through again for each row of the other. */
export const byHash = planned('enable_nestloop')

/** Carries one statement out in any other way than the one of this setting, as far as there is another. */
function planned(way: 'enable_seqscan' | 'enable_nestloop') {
  return async <T extends postgres.Row>(
    tx: postgres.TransactionSql,
    statement: postgres.PendingQuery<T[]>,
  ): Promise<postgres.RowList<T[]>> => {
    const may = (is: 'on' | 'off') => tx`select set_config(${way}, ${is}, true)`
    const [, answer] = await Promise.all([may('off'), statement, may('on')])
    return answer
  }
}

/**
 * Ends a transaction with its last statements, which are sent together with the commit and carried out in their order: what
 * they lock is held while the server works, and not while it waits for us. One that fails takes everything back. What
 * comes afterwards is a transaction of its own, as a rule an empty one. Answers what the statements answered.
 */
export async function commitWith(
  tx: postgres.TransactionSql,
  last: readonly postgres.PendingQuery<postgres.Row[]>[],
): Promise<postgres.RowList<postgres.Row[]>[]> {
  const results = await Promise.all([...last, tx`commit and chain`])
  if (results.pop()?.command !== 'COMMIT') throw new Error('the transaction was taken back')
  return results
}

/** How often a transaction that was chosen to end a deadlock is begun anew. */
const deadlockRounds = 4

/**
 * Runs a statement, or one transaction, under a name and lets only DatabaseError out. Transactions that lock the same rows in
 * different orders are sorted out by the database, which ends one of them: that one has done nothing and is repeated.
 */
export async function named<T>(statement: string, body: () => Promise<T>): Promise<T> {
  for (let round = 1; ; round++)
    try {
      return await body()
    } catch (error) {
      const translated = translate(statement, error)
      const repeatable = translated instanceof DatabaseError && translated.code === deadlockDetected
      if (!repeatable || round === deadlockRounds) throw translated
    }
}

const deadlockDetected = '40P01'

function translate(statement: string, error: unknown): unknown {
  // A refusal of the store's own has a code as well; callers tell it by its class.
  if (error instanceof StoreError) return error
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    const { code, constraint_name: constraint } = at as Error & { code?: unknown; constraint_name?: unknown }
    if (typeof code === 'string')
      return new DatabaseError(statement, code, typeof constraint === 'string' ? constraint : undefined)
  }
  return error instanceof Error && error.name === 'DrizzleQueryError' ? new DatabaseError(statement, 'unknown') : error
}
