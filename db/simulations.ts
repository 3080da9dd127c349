import type postgres from 'postgres'
import type { CommitRequest } from '../core/commits.ts'
import {
  createScore,
  openOutcomes,
  type RealOutcome,
  rates,
  type ScoredRow,
  type SimulationScore,
  type SimulationSummary,
} from '../core/simulation-score.ts'
import type { BeginRun, SimulatedItem } from '../core/store.ts'
import { type Database, named } from './connection.ts'

type Tx = postgres.TransactionSql

export async function beginSimulation(
  { sql }: Database,
  { runId, linkId }: { runId: string; linkId: string },
): Promise<{ due: number }> {
  return named('begin simulation', async () => {
    await sql`delete from simulated_items where run_id = ${runId}`
    const [row] = await sql<{ due: number }[]>`select count(*)::int as due from pending where link_id = ${linkId}`
    return { due: row?.due ?? 0 }
  })
}

export async function saveSimulationPage(
  { sql }: Database,
  input: { runId: string; page: number; items: readonly SimulatedItem[] },
): Promise<void> {
  if (input.items.length === 0) return
  const rows = input.items.map((item, position) => ({ position, item }))
  // A repeat has the same items: an attempt begins by forgetting what another one saved.
  await named(
    'save simulation',
    () => sql`
      insert into simulated_items (run_id, page, position, action, key, item)
      select ${input.runId}, ${input.page}, position, item ->> 'action', item ->> 'key', item
      from jsonb_to_recordset(${sql.json(rows as unknown as postgres.JSONValue)}) as r(position int, item jsonb)
      on conflict (run_id, page, position) do update
        set action = excluded.action, key = excluded.key, item = excluded.item, real = null`,
  )
}

export async function finishSimulation(
  { sql }: Database,
  input: { runId: string; linkId: string; version: number; summary: SimulationSummary },
): Promise<void> {
  await named(
    'finish simulation',
    () => sql`
      insert into simulations (run_id, link_id, version, summary)
      values (${input.runId}, ${input.linkId}, ${input.version}, ${sql.json({ ...input.summary })})
      on conflict (run_id) do update set summary = excluded.summary, finished_at = now()`,
  )
}

/** The run that begins is the one that the newest simulation of its version is compared with, where none has been yet. */
export async function followSimulation(
  tx: Tx,
  run: Pick<BeginRun, 'linkId' | 'runId' | 'kind' | 'version'>,
): Promise<void> {
  if (run.kind !== 'incremental' && run.kind !== 'full') return
  await tx`
    update simulations set real_run_id = ${run.runId} where real_run_id is null and run_id = (
      select s.run_id from simulations s where s.link_id = ${run.linkId} order by s.finished_at desc limit 1)
      and version = ${run.version} and not exists (select 1 from simulations o where o.real_run_id = ${run.runId})`
}

/** Notes beside simulated records what a batch of the run that followed did with them; the first result stands. */
export function noteReal(tx: Tx, request: CommitRequest): postgres.PendingQuery<postgres.Row[]> {
  const real = Object.fromEntries(
    request.items.flatMap((item): [string, RealOutcome][] =>
      item.problems === null
        ? []
        : [
            [
              item.key,
              {
                outcome: item.outcome,
                written: [...new Set(item.written)],
                problems: item.problems.map(({ class: of, code, field, warning }) => ({
                  class: of,
                  code,
                  ...(field === undefined ? {} : { field }),
                  ...(warning === undefined ? {} : { warning }),
                })),
                stamps: item.judged ?? {},
              },
            ],
          ],
    ),
  )
  return tx`
    update simulated_items s set real = ${tx.json(real as unknown as postgres.JSONValue)}::jsonb -> s.key
    where s.run_id = (select run_id from simulations where real_run_id = ${request.runId})
      and s.key = any(${tx.array(Object.keys(real))}::text[])
      and (s.real is null or s.real ->> 'outcome' = any(${tx.array([...openOutcomes])}::text[]))`
}

/** Compares a run that ends with the simulation before it. One that came to no record is left for the next run to compare. */
export async function scoreSimulation({ sql }: Database, runId: string): Promise<void> {
  await named('score simulation', async () => {
    const [simulation] = await sql<{ id: string }[]>`
      select run_id as id from simulations where real_run_id = ${runId} and score is null`
    if (simulation === undefined) return
    const score = createScore()
    const rows = sql<ScoredRow[]>`
      select action, item -> 'problems' as problems, coalesce(item -> 'stamps', '{}') as stamps, real from simulated_items
      where run_id = ${simulation.id} order by page, position`
    for await (const page of rows.cursor(1_000)) for (const row of page) score.add(row)
    const result = score.result()
    if (result.records > result.notReached || result.records === 0)
      await sql`update simulations set score = ${sql.json(result as unknown as postgres.JSONValue)} where run_id = ${simulation.id}`
    else await sql`update simulations set real_run_id = null where run_id = ${simulation.id} and score is null`
  })
}

export interface Comparison {
  simulationId: string
  /** The run that followed; null: none has yet. */
  realRunId: string | null
  version: number
  finishedAt: string
  summary: SimulationSummary
  /** Null: not compared yet. */
  score: SimulationScore | null
}

/** Simulations, newest first: one link's, or the one that is the given run, or that it was compared with. */
export async function listComparisons(
  { sql }: Database,
  input: { linkId?: string; runId?: string; limit: number },
): Promise<Comparison[]> {
  return named(
    'list comparisons',
    () => sql<Comparison[]>`
      select run_id as "simulationId", real_run_id as "realRunId", version, summary, score,
        to_char(finished_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "finishedAt"
      from simulations
      where ${input.linkId === undefined ? sql`true` : sql`link_id = ${input.linkId}`}
        and ${input.runId === undefined ? sql`true` : sql`(run_id = ${input.runId} or real_run_id = ${input.runId})`}
      order by finished_at desc, run_id desc limit ${input.limit}`,
  )
}

/** All comparisons of a link taken together. */
export async function overallScore(
  { sql }: Database,
  linkId: string,
): Promise<{ comparisons: number; precision: number | null; recall: number | null }> {
  const [row] = await named(
    'overall score',
    () => sql<{ comparisons: number; predicted: number; real: number; hits: number }[]>`
      select count(*)::int as comparisons, coalesce(sum((score ->> 'predicted')::int), 0)::int as predicted,
        coalesce(sum((score ->> 'real')::int), 0)::int as real, coalesce(sum((score ->> 'hits')::int), 0)::int as hits
      from simulations where link_id = ${linkId} and score is not null`,
  )
  const { comparisons = 0, ...sums } = row ?? { predicted: 0, real: 0, hits: 0 }
  return { comparisons, ...rates(sums) }
}

/** What somebody looks for among the records of a simulation: all that is given must hold. */
export interface SimulationFilter {
  runId: string
  action?: SimulatedItem['action'] | undefined
  type?: string | undefined
  /** Code of a predicted problem. */
  code?: string | undefined
  class?: string | undefined
  /** Name of a field that would be written or has a problem. */
  field?: string | undefined
  /** Part of the title, or an id. */
  text?: string | undefined
  /** `missed`: errors came that were not predicted; `false-alarm`: predicted ones did not come. */
  compared?: 'missed' | 'false-alarm' | undefined
}

export interface SimulatedRow extends SimulatedItem {
  page: number
  position: number
  real: RealOutcome | null
}

const pageSize = 500

/** Simulated records in their order, after a place. */
export async function findSimulated(
  { sql }: Pick<Database, 'sql'>,
  filter: SimulationFilter,
  { limit, after }: { limit: number; after?: { page: number; position: number } | undefined },
): Promise<SimulatedRow[]> {
  const codes = (of: 'item' | 'real') =>
    sql`array(select p ->> 'code' from jsonb_array_elements(coalesce(${sql(of)} -> 'problems', '[]')) p)`
  const rows = await named(
    'find simulated',
    () => sql<{ page: number; position: number; item: SimulatedItem; real: RealOutcome | null }[]>`
      select page, position, item, real from simulated_items where run_id = ${filter.runId}
        and ${filter.action === undefined ? sql`true` : sql`action = ${filter.action}`}
        and ${filter.type === undefined ? sql`true` : sql`item ->> 'type' = ${filter.type}`}
        and ${filter.code === undefined ? sql`true` : sql`item -> 'problems' @> ${sql.json([{ code: filter.code }])}`}
        and ${filter.class === undefined ? sql`true` : sql`item -> 'problems' @> ${sql.json([{ class: filter.class }])}`}
        and ${
          filter.field === undefined
            ? sql`true`
            : sql`(item -> 'fields' @> ${sql.json([{ field: filter.field }])} or item -> 'problems' @> ${sql.json([{ field: filter.field }])})`
        }
        and ${
          filter.text === undefined
            ? sql`true`
            : sql`(item ->> 'leftId' = ${filter.text} or item ->> 'rightId' = ${filter.text} or strpos(lower(item ->> 'title'), lower(${filter.text})) > 0)`
        }
        and ${
          filter.compared === undefined
            ? sql`true`
            : filter.compared === 'missed'
              ? sql`real is not null and not ${codes('real')} <@ ${codes('item')}`
              : sql`real is not null and not ${codes('item')} <@ ${codes('real')}`
        }
        and ${after === undefined ? sql`true` : sql`(page, position) > (${after.page}::int, ${after.position}::int)`}
      order by page, position limit ${limit}`,
  )
  // A simulation of an earlier release knows less.
  return rows.map(({ item, ...row }) => ({
    ...item,
    type: item.type ?? null,
    sent: item.sent ?? [],
    stamps: item.stamps ?? {},
    ...row,
  }))
}

/** All that the filter finds, page by page: nothing is held in between. */
export async function* exportSimulated(
  database: Pick<Database, 'sql'>,
  filter: SimulationFilter,
): AsyncGenerator<readonly SimulatedRow[]> {
  for (let after: SimulatedRow | undefined; ; ) {
    const rows: SimulatedRow[] = await findSimulated(database, filter, { limit: pageSize, after })
    if (rows.length > 0) yield rows
    if (rows.length < pageSize) return
    after = rows.at(-1)
  }
}

export interface SimulationCounts {
  byAction: Record<string, number>
  byType: { type: string | null; action: SimulatedItem['action']; records: number }[]
  problems: { class: string; code: string; side: 'left' | 'right' | null; warning: boolean; records: number }[]
}

/** How many records each action and each predicted problem concerns, by type and side. */
export async function countSimulated({ sql }: Database, runId: string): Promise<SimulationCounts> {
  const [byType, problems] = await named('count simulated', () =>
    Promise.all([
      sql<SimulationCounts['byType']>`
        select item ->> 'type' as type, action, count(*)::int as records from simulated_items
        where run_id = ${runId} group by 1, 2 order by 1 nulls first, 2`,
      sql<SimulationCounts['problems']>`
        select p ->> 'class' as class, p ->> 'code' as code, p ->> 'side' as side, coalesce((p ->> 'warning')::boolean, false) as warning,
          count(distinct (page, position))::int as records
        from simulated_items cross join jsonb_array_elements(item -> 'problems') p
        where run_id = ${runId} group by 1, 2, 3, 4 order by 5 desc, 1, 2, 3`,
    ]),
  )
  const byAction: Record<string, number> = {}
  for (const { action, records } of byType) byAction[action] = (byAction[action] ?? 0) + records
  return { byAction, byType, problems }
}
