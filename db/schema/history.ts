import { sql } from 'drizzle-orm'
import { bigint, customType, index, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import type { Retention } from '../../core/retention.ts'
import type { LogCategory, LogItem, LogLevel } from '../../core/run-log.ts'
import { moment } from './columns.ts'
import { links } from './links.ts'

const bytes = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' })

/** What a run tells of itself, line by line; the line of a batch carries what became of each of its records. */
export const runLog = pgTable(
  'run_log',
  {
    runId: uuid('run_id').notNull(),
    id: bigint('id', { mode: 'number' }).generatedAlwaysAsIdentity(),
    at: moment('at').notNull().default(sql`clock_timestamp()`),
    level: text('level').$type<LogLevel>().notNull(),
    category: text('category').$type<LogCategory>().notNull(),
    message: text('message').notNull(),
    items: jsonb('items').$type<readonly LogItem[]>(),
  },
  (table) => [primaryKey({ columns: [table.runId, table.id] }), index('run_log_at').on(table.at)],
)

/** How long each edit took to become visible on the other side, in milliseconds by what it waited for. */
export const freshness = pgTable(
  'freshness',
  {
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    visibleAt: moment('visible_at').notNull(),
    id: uuid('id').notNull().default(sql`gen_random_uuid()`),
    runId: uuid('run_id').notNull(),
    /** The side on which the edit was made. */
    side: text('side', { enum: ['left', 'right'] }).notNull(),
    leftId: text('left_id'),
    rightId: text('right_id'),
    total: bigint('total', { mode: 'number' }).notNull(),
    poll: bigint('poll', { mode: 'number' }).notNull(),
    queue: bigint('queue', { mode: 'number' }).notNull(),
    endpoint: bigint('endpoint', { mode: 'number' }).notNull(),
    retry: bigint('retry', { mode: 'number' }).notNull(),
    person: bigint('person', { mode: 'number' }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.linkId, table.visibleAt, table.id] }),
    index('freshness_visible').on(table.visibleAt),
  ],
)

/** Temporal's own account of a run that is over: it is kept when Temporal forgets it. */
export const runHistories = pgTable(
  'run_histories',
  {
    runId: uuid('run_id').primaryKey(),
    /**
     * Gzip of a JSON list: each execution of the run with its history, first one first. Null: Temporal had none any more, or it
     * was kept as long as it was to be.
     */
    content: bytes('content'),
    events: integer('events').notNull(),
    /** Of the JSON, in bytes. */
    size: integer('size').notNull(),
    storedAt: moment('stored_at').notNull().defaultNow(),
  },
  (table) => [index('run_histories_stored').on(table.storedAt)],
)

/** Each clean-up, with the days that were set and what was taken away. */
export const cleanUps = pgTable(
  'clean_ups',
  {
    id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
    at: moment('at').notNull().defaultNow(),
    /** Null: it goes on, or was cut off; the next one does the rest. */
    endedAt: moment('ended_at'),
    actor: text('actor').notNull(),
    days: jsonb('days').$type<Retention>().notNull(),
    /** Rows so far. */
    removed: jsonb('removed').$type<Partial<Record<keyof Retention, number>>>().notNull().default({}),
  },
  (table) => [index('clean_ups_at').on(table.at, table.id)],
)
