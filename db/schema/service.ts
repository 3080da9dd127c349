import { sql } from 'drizzle-orm'
import { boolean, index, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import type { Problem } from '../../core/problems.ts'
import type { Retention } from '../../core/retention.ts'
import { moment } from './columns.ts'
import { workspaces } from './places.ts'

/** Notices to be sent: ids only, contents are loaded when they are sent. */
export const outbox = pgTable(
  'outbox',
  {
    id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
    kind: text('kind').notNull(),
    linkId: uuid('link_id'),
    runId: uuid('run_id'),
    /** What the notice tells that will not be the same any more when it is sent. */
    data: jsonb('data').$type<Record<string, string | null>>(),
    dedupeKey: text('dedupe_key').notNull().unique(),
    state: text('state', { enum: ['waiting', 'sent', 'given-up'] })
      .notNull()
      .default('waiting'),
    attempts: integer('attempts').notNull().default(0),
    nextAttemptAt: moment('next_attempt_at').notNull().defaultNow(),
    lastError: text('last_error'),
    createdAt: moment('created_at').notNull().defaultNow(),
    sentAt: moment('sent_at'),
  },
  (table) => [index('outbox_due').on(table.nextAttemptAt).where(sql`state = 'waiting'`)],
)

export const notificationSettings = pgTable('notification_settings', {
  workspaceId: uuid('workspace_id')
    .primaryKey()
    .references(() => workspaces.id),
  issueRecipients: jsonb('issue_recipients').$type<string[]>().notNull().default([]),
})

/** Questions to endpoints and their answers; they may hold contents of records, and expire. */
export const answers = pgTable('answers', {
  id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
  bridgeId: text('bridge_id').notNull(),
  question: jsonb('question').$type<unknown>().notNull(),
  answer: jsonb('answer').$type<unknown>(),
  problem: jsonb('problem').$type<Problem>(),
  answeredAt: moment('answered_at'),
  expiresAt: moment('expires_at').notNull(),
})

export const idempotencyKeys = pgTable('idempotency_keys', {
  key: text('key').primaryKey(),
  requestHash: text('request_hash').notNull(),
  status: integer('status'),
  body: jsonb('body').$type<unknown>(),
  expiresAt: moment('expires_at').notNull(),
})

/** Settings of the whole installation: one row, or none as long as nothing was changed. */
export const installation = pgTable('installation', {
  one: boolean('one').primaryKey().default(true),
  /** Batches at a time at an endpoint that has no limit of its own. */
  endpointBatches: integer('endpoint_batches').notNull(),
  /** Batches at a time of all links; null: no limit. */
  maxBatches: integer('max_batches'),
  /** Days for which things are kept, where they differ from the defaults; null: for ever. */
  retention: jsonb('retention').$type<Partial<Retention>>().notNull().default({}),
})

/** Places of batches under way: what the limits of endpoints count. They run out with the leases of the batch. */
export const batchSlots = pgTable('batch_slots', {
  token: uuid('token').primaryKey(),
  linkId: uuid('link_id').notNull(),
  leftId: uuid('left_id').notNull(),
  rightId: uuid('right_id').notNull(),
  until: moment('until').notNull(),
})

/** When a link was last let in, and since when it waits: who goes next is decided by it. */
export const batchTurns = pgTable('batch_turns', {
  linkId: uuid('link_id').primaryKey(),
  leftId: uuid('left_id').notNull(),
  rightId: uuid('right_id').notNull(),
  asked: boolean('asked').notNull().default(false),
  grantedAt: moment('granted_at'),
  waitingSince: moment('waiting_since'),
  seenAt: moment('seen_at').notNull(),
})
