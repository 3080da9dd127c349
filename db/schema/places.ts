import { sql } from 'drizzle-orm'
import { integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import type { EndpointAddress } from '../../core/endpoint.ts'
import { moment } from './columns.ts'

/** A Tandem workspace stands for one Octane workspace: it has members, links and notices. */
export const workspaces = pgTable('workspaces', {
  id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
  name: text('name').notNull(),
  /** Octane server, shared space and workspace, as one text. */
  place: text('place').notNull().unique(),
  createdAt: moment('created_at').notNull().defaultNow(),
})

export const members = pgTable(
  'members',
  {
    id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
    workspaceId: uuid('workspace_id')
      .notNull()
      .references(() => workspaces.id),
    person: text('person').notNull(),
    role: text('role', { enum: ['synchronizer-admin', 'operator', 'auditor'] }).notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [unique('members_person').on(table.workspaceId, table.person)],
)

export const bridges = pgTable('bridges', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  publicKey: jsonb('public_key').$type<Record<string, unknown>>().notNull(),
  build: text('build'),
  seenAt: moment('seen_at'),
  createdAt: moment('created_at').notNull().defaultNow(),
})

export const credentials = pgTable('credentials', {
  id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
  name: text('name').notNull(),
  /** Compact JWE by bridge id: only that bridge can open it. No read ever returns it. */
  sealed: jsonb('sealed').$type<Record<string, string>>().notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
})

export const endpoints = pgTable('endpoints', {
  id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
  name: text('name').notNull().unique(),
  kind: text('kind', { enum: ['alm', 'octane'] }).notNull(),
  address: jsonb('address').$type<EndpointAddress>().notNull(),
  credentialId: uuid('credential_id')
    .notNull()
    .references(() => credentials.id),
  /** Rises when address or secret change, so that cached sessions are dropped. */
  revision: integer('revision').notNull().default(1),
  testedAt: moment('tested_at'),
  testReport: jsonb('test_report').$type<Record<string, unknown>>(),
  /** Batches at a time, of all links together; null: as the installation says. */
  maxBatches: integer('max_batches'),
  /** The endpoint asked for a pause until then, last at `throttledAt`; its limit was halved so often. */
  throttledUntil: moment('throttled_until'),
  throttledAt: moment('throttled_at'),
  throttleHalvings: integer('throttle_halvings').notNull().default(0),
  createdAt: moment('created_at').notNull().defaultNow(),
})

/** One ALM project and one Octane workspace. Pairs and people belong to it and outlive links. */
export const endpointPairs = pgTable(
  'endpoint_pairs',
  {
    id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
    leftId: uuid('left_id')
      .notNull()
      .references(() => endpoints.id),
    rightId: uuid('right_id')
      .notNull()
      .references(() => endpoints.id),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [unique('endpoint_pairs_ends').on(table.leftId, table.rightId)],
)

export const userMappings = pgTable('user_mappings', {
  id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
  endpointPairId: uuid('endpoint_pair_id')
    .notNull()
    .references(() => endpointPairs.id),
  leftKey: text('left_key'),
  rightKey: text('right_key'),
  direction: text('direction', { enum: ['both', 'to-right', 'to-left'] }).notNull(),
})
