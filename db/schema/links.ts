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
import type { LinkConfiguration } from '../../core/link-config.ts'
import type { CheckState, LinkActivity, LinkHealth } from '../../core/link-state.ts'
import type { SchemaSnapshot } from '../../core/schema-drift.ts'
import { moment } from './columns.ts'
import { bridges, endpointPairs, workspaces } from './places.ts'

/** The row owns mode and pause; activity and health are what the workflow last showed. */
export const links = pgTable(
  'links',
  {
    id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
    workspaceId: uuid('workspace_id')
      .notNull()
      .references(() => workspaces.id),
    endpointPairId: uuid('endpoint_pair_id')
      .notNull()
      .references(() => endpointPairs.id),
    bridgeId: text('bridge_id')
      .notNull()
      .references(() => bridges.id),
    name: text('name').notNull(),
    description: text('description').notNull().default(''),
    mode: text('mode', { enum: ['manual', 'automatic'] })
      .notNull()
      .default('manual'),
    paused: boolean('paused').notNull().default(false),
    version: integer('version').notNull().default(1),
    activity: text('activity').$type<LinkActivity>().notNull().default('idle'),
    health: text('health').$type<LinkHealth>().notNull().default('ok'),
    healthMessage: text('health_message'),
    /** Since when the link's health has not been ok. */
    troubleSince: moment('trouble_since'),
    checkState: text('check_state').$type<CheckState>().notNull().default('needed'),
    checkedVersion: integer('checked_version'),
    currentRun: uuid('current_run'),
    /** When somebody asked for the next automatic run to be a full scan; one that began later has answered it. */
    fullAskedAt: moment('full_asked_at'),
    /** Since when the configuration names its times for runs and for full scans; null: since the link was created. */
    runsSince: moment('runs_since'),
    fullScansSince: moment('full_scans_since'),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    deletedAt: moment('deleted_at'),
  },
  (table) => [
    uniqueIndex('links_name').on(table.name).where(sql`deleted_at is null`),
    index('links_created').on(table.createdAt, table.id),
  ],
)

/** Immutable; a run pins one. */
export const linkVersions = pgTable(
  'link_versions',
  {
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    version: integer('version').notNull(),
    configuration: jsonb('configuration').$type<LinkConfiguration>().notNull(),
    author: text('author').notNull(),
    comment: text('comment').notNull().default(''),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.linkId, table.version] })],
)

/** What a link last saw of its endpoints' fields, lists and types, to tell what changed there. */
export const linkSchemas = pgTable('link_schemas', {
  linkId: uuid('link_id')
    .primaryKey()
    .references(() => links.id),
  version: integer('version').notNull(),
  hash: text('hash').notNull(),
  snapshot: jsonb('snapshot').$type<SchemaSnapshot>().notNull(),
  notedAt: moment('noted_at').notNull().defaultNow(),
})

/** Where a system that knows of a change may say so: at most one address a link. */
export const webhooks = pgTable('webhooks', {
  linkId: uuid('link_id')
    .primaryKey()
    .references(() => links.id),
  /** SHA-256 of the unguessable end of the address, in hexadecimal: a copy of the database gives no address away. */
  tokenHash: text('token_hash').notNull().unique(),
  /** The last characters of the address, so that a person can tell which one is in use. */
  tokenEnd: text('token_end').notNull(),
  /** Key of the signatures as it was given out: an HMAC can't be verified with a hash of it. Null: not signed. */
  secret: text('secret'),
  createdBy: text('created_by').notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
  received: bigint('received', { mode: 'number' }).notNull().default(0),
  refused: bigint('refused', { mode: 'number' }).notNull().default(0),
  lastReceivedAt: moment('last_received_at'),
})
