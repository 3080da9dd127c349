import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import type { ProblemClass } from '../../core/problems.ts'
import type { CheckedPart, Finding, PhaseTimes, RunCounters, RunKind, RunStatus, WorkTimes } from '../../core/run.ts'
import type { RealOutcome, SimulationScore, SimulationSummary } from '../../core/simulation-score.ts'
import type { SimulatedItem } from '../../core/store.ts'
import type { RequestedOutcome } from '../../core/work-items.ts'
import { moment } from './columns.ts'
import { links } from './links.ts'

export const runs = pgTable(
  'runs',
  {
    id: uuid('id').primaryKey(),
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    kind: text('kind').$type<RunKind>().notNull(),
    trigger: text('trigger').notNull(),
    actor: text('actor').notNull(),
    version: integer('version').notNull(),
    status: text('status').$type<RunStatus>().notNull().default('running'),
    counters: jsonb('counters').$type<Partial<RunCounters>>().notNull().default({}),
    /** What this run may write by itself, and what it has. */
    brake: jsonb('brake').$type<Record<'changes' | 'deletions', { limit: number; used: number }>>(),
    message: text('message'),
    /** Milliseconds, as far as the run measured itself. */
    phases: jsonb('phases').$type<PhaseTimes>().notNull().default({}),
    work: jsonb('work').$type<Partial<WorkTimes>>().notNull().default({}),
    /** True: started by a person although a blackout was on, which it ignores. */
    despiteBlackout: boolean('despite_blackout').notNull().default(false),
    workflowId: text('workflow_id').notNull(),
    temporalRunId: text('temporal_run_id').notNull(),
    /** When Temporal is asked for its history, once the run is over; null: it is kept, or there is none. */
    historyDueAt: moment('history_due_at').defaultNow(),
    startedAt: moment('started_at').notNull().defaultNow(),
    endedAt: moment('ended_at'),
  },
  (table) => [
    index('runs_history_due').on(table.historyDueAt).where(sql`ended_at is not null`),
    index('runs_running').on(table.startedAt).where(sql`status = 'running'`),
    index('runs_link').on(table.linkId, table.startedAt, table.id),
    index('runs_status').on(table.linkId, table.status, table.startedAt, table.id),
    index('runs_started').on(table.startedAt, table.id),
    index('runs_full').on(table.linkId, table.startedAt).where(sql`kind = 'full'`),
  ],
)

export const runFindings = pgTable('run_findings', {
  runId: uuid('run_id')
    .primaryKey()
    .references(() => runs.id),
  passed: integer('passed').notNull(),
  findings: jsonb('findings').$type<readonly Finding[]>().notNull(),
  parts: jsonb('parts').$type<readonly CheckedPart[]>().notNull().default([]),
})

export const simulatedItems = pgTable(
  'simulated_items',
  {
    runId: uuid('run_id')
      .notNull()
      .references(() => runs.id),
    page: integer('page').notNull(),
    position: integer('position').notNull(),
    action: text('action').$type<SimulatedItem['action']>().notNull(),
    key: text('key').notNull().default(''),
    item: jsonb('item').$type<SimulatedItem>().notNull(),
    /** What became of it in the run that is compared with the simulation. */
    real: jsonb('real').$type<RealOutcome>(),
  },
  (table) => [
    primaryKey({ columns: [table.runId, table.page, table.position] }),
    index('simulated_items_key').on(table.runId, table.key),
  ],
)

/** What a simulation came to, and how it compares with the run that followed. */
export const simulations = pgTable(
  'simulations',
  {
    /** No reference to the run, nor below: how true simulations came is kept when runs are taken away. */
    runId: uuid('run_id').primaryKey(),
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    version: integer('version').notNull(),
    summary: jsonb('summary').$type<SimulationSummary>().notNull(),
    /** The run it is compared with; null: none has followed yet. */
    realRunId: uuid('real_run_id'),
    score: jsonb('score').$type<SimulationScore>(),
    finishedAt: moment('finished_at').notNull().defaultNow(),
  },
  (table) => [
    index('simulations_link').on(table.linkId, table.finishedAt),
    uniqueIndex('simulations_real').on(table.realRunId),
  ],
)

/** Records that a person asked a run to look at now, and what became of each. */
export const requestedRecords = pgTable(
  'requested_records',
  {
    runId: uuid('run_id').notNull(),
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    side: text('side', { enum: ['left', 'right'] }).notNull(),
    externalId: text('external_id').notNull(),
    position: integer('position').notNull(),
    /** Of the queue row when it was asked for: only a look at this revision or a later one answers the request. */
    revision: bigint('revision', { mode: 'number' }).notNull(),
    outcome: text('outcome').$type<RequestedOutcome>(),
    settled: boolean('settled').notNull().default(false),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.runId, table.side, table.externalId] }),
    index('requested_records_open').on(table.linkId, table.side, table.externalId).where(sql`not settled`),
  ],
)

/** One row per record and cause; known ones are seen again, healed ones resolve by themselves. */
export const issues = pgTable(
  'issues',
  {
    id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    key: text('key').notNull(),
    leftId: text('left_id'),
    rightId: text('right_id'),
    class: text('class').$type<ProblemClass>().notNull(),
    code: text('code').notNull(),
    severity: text('severity', { enum: ['warning', 'error'] })
      .notNull()
      .default('error'),
    side: text('side'),
    field: text('field').notNull().default(''),
    mappingId: text('mapping_id'),
    message: text('message').notNull(),
    remedy: text('remedy').notNull(),
    firstRunId: uuid('first_run_id').notNull(),
    lastRunId: uuid('last_run_id').notNull(),
    firstSeen: moment('first_seen').notNull().defaultNow(),
    lastSeen: moment('last_seen').notNull().defaultNow(),
    attempts: integer('attempts').notNull().default(1),
    nextAttempt: moment('next_attempt'),
    resolvedAt: moment('resolved_at'),
    /** Somebody knows of it and does not want to be told until then (null: ever). */
    ignoredAt: moment('ignored_at'),
    ignoredBy: text('ignored_by'),
    ignoreReason: text('ignore_reason'),
    ignoredUntil: moment('ignored_until'),
  },
  (table) => [
    uniqueIndex('issues_open').on(table.linkId, table.key, table.code, table.field).where(sql`resolved_at is null`),
    index('issues_link').on(table.linkId, table.lastSeen, table.id),
    index('issues_unresolved').on(table.linkId, table.lastSeen, table.id).where(sql`resolved_at is null`),
    index('issues_run').on(table.lastRunId, table.lastSeen, table.id),
  ],
)

/** By side: how long edits could have been missed between reading again and writing, and how often that may have happened. */
export const overwriteGuards = pgTable(
  'overwrite_guards',
  {
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    side: text('side', { enum: ['left', 'right'] }).notNull(),
    /** Counts by the classes of core/overwrite-guard.ts. */
    windows: jsonb('windows').$type<Record<string, number>>().notNull().default({}),
    overwrites: bigint('overwrites', { mode: 'number' }).notNull().default(0),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.linkId, table.side] })],
)

/** Proof that we looked, hour by hour, also when nothing happened. */
export const watchHours = pgTable(
  'watch_hours',
  {
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    hour: moment('hour').notNull(),
    quiet: integer('quiet').notNull().default(0),
    changed: integer('changed').notNull().default(0),
    failed: integer('failed').notNull().default(0),
    /** When the last look that worked was over. */
    lookedAt: moment('looked_at'),
  },
  (table) => [primaryKey({ columns: [table.linkId, table.hour] }), index('watch_hours_hour').using('brin', table.hour)],
)
