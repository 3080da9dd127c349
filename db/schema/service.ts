import { sql } from 'drizzle-orm'
import { index, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import type { Problem } from '../../core/problems.ts'
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
