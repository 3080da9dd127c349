import { type Database, named } from './connection.ts'

/** A run that is over, whose history is not kept yet. */
export interface DueHistory {
  runId: string
  workflowId: string
  /** Of its first execution: a long run continues as new. */
  temporalRunId: string
}

/** Runs that are over and whose history is due to be kept, those first that wait longest. */
export async function dueHistories({ sql }: Pick<Database, 'sql'>, limit: number): Promise<DueHistory[]> {
  return named(
    'due histories',
    () => sql<DueHistory[]>`
      select id as "runId", workflow_id as "workflowId", temporal_run_id as "temporalRunId" from runs
      where history_due_at <= now() and ended_at is not null order by history_due_at limit ${limit}`,
  )
}

/** Asks for the history of a run again after so many seconds. */
export async function postponeHistory({ sql }: Pick<Database, 'sql'>, runId: string, seconds: number): Promise<void> {
  await named(
    'postpone history',
    () => sql`
      update runs set history_due_at = now() + make_interval(secs => ${seconds}) where id = ${runId} and history_due_at is not null`,
  )
}

/** Keeps the history of a run. `content`: gzip of a KeptHistory; null: Temporal had none any more. */
export async function saveHistory(
  { sql }: Pick<Database, 'sql'>,
  input: { runId: string; content: Uint8Array | null; events: number; size: number },
): Promise<void> {
  const { runId, content, events, size } = input
  await named('save history', () =>
    sql.begin(async (tx) => {
      await tx`
        insert into run_histories (run_id, content, events, size) values (${runId}, ${content}, ${events}, ${size})
        on conflict (run_id) do nothing`
      await tx`update runs set history_due_at = null where id = ${runId}`
      if (content === null)
        await tx`
          insert into run_log (run_id, level, category, message)
          values (${runId}, 'warning', 'run', 'Temporal had forgotten the history of its workflow before it could be kept.')`
    }),
  )
}

/**
 * `due`: it is kept within a minute after the end. `lost`: Temporal had forgotten it. `over`: it was kept as long as it was to
 * be.
 */
export type StoredHistory =
  | { state: 'kept'; content: Uint8Array; storedAt: string; events: number }
  | { state: 'running' | 'due' | 'lost' | 'over' | 'none' }

/** Null: there is no such run. */
export async function loadHistory({ sql }: Pick<Database, 'sql'>, runId: string): Promise<StoredHistory | null> {
  const [row] = await named(
    'load history',
    () => sql<
      {
        running: boolean
        begun: boolean
        stored: boolean
        events: number | null
        content: Uint8Array | null
        storedAt: string | null
      }[]
    >`
      select r.ended_at is null as running, r.temporal_run_id <> '' as begun, h.run_id is not null as stored, h.events, h.content,
        to_char(h.stored_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "storedAt"
      from runs r left join run_histories h on h.run_id = r.id where r.id = ${runId}`,
  )
  if (row === undefined) return null
  const { content, storedAt, events } = row
  if (content !== null && storedAt !== null && events !== null) return { state: 'kept', content, storedAt, events }
  if (row.stored) return { state: events === 0 ? 'lost' : 'over' }
  if (row.running) return { state: 'running' }
  return { state: row.begun ? 'due' : 'none' }
}

/** Runs that go on by their rows, begun more than a minute ago. */
export async function runningRuns({ sql }: Pick<Database, 'sql'>): Promise<DueHistory[]> {
  return named(
    'running runs',
    () => sql<DueHistory[]>`
      select id as "runId", workflow_id as "workflowId", temporal_run_id as "temporalRunId" from runs
      where status = 'running' and started_at < now() - interval '1 minute'`,
  )
}
