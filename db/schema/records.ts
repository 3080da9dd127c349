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
import type { Base } from '../../core/base.ts'
import type { ConflictKind, FieldConflict } from '../../core/conflicts.ts'
import type { Waited } from '../../core/freshness.ts'
import type { IntentField } from '../../core/intents.ts'
import type { LinkKind } from '../../core/link-config.ts'
import type { CanonicalValue, Stamp } from '../../core/values.ts'
import { moment } from './columns.ts'
import { links } from './links.ts'
import { endpointPairs, endpoints } from './places.ts'

export const pairs = pgTable(
  'pairs',
  {
    id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
    endpointPairId: uuid('endpoint_pair_id')
      .notNull()
      .references(() => endpointPairs.id),
    entityType: text('entity_type').notNull(),
    leftId: text('left_id').notNull(),
    rightId: text('right_id').notNull(),
    base: jsonb('base').$type<Base>().notNull(),
    /** So that pairs whose base says so are found without reading all bases. */
    waitsForPerson: boolean('waits_for_person').generatedAlwaysAs(sql`jsonb_path_exists(base, '$.*.gap')`),
    knowsFiles: boolean('knows_files').generatedAlwaysAs(sql`jsonb_path_exists(base, '$.*.files[*]')`),
    knowsComments: boolean('knows_comments').generatedAlwaysAs(sql`jsonb_path_exists(base, '$.*.listed.*[*]')`),
    /** Tombstone: the side that is gone, and what became of its twin. */
    goneSide: text('gone_side', { enum: ['left', 'right'] }),
    goneAt: moment('gone_at'),
    goneOutcome: text('gone_outcome', { enum: ['kept', 'deleted', 're-created'] }),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('pairs_left').on(table.endpointPairId, table.entityType, table.leftId),
    uniqueIndex('pairs_right').on(table.endpointPairId, table.entityType, table.rightId),
    index('pairs_waiting_for_person').on(table.endpointPairId, table.entityType).where(sql`waits_for_person`),
    index('pairs_knowing_files').on(table.endpointPairId, table.entityType).where(sql`knows_files`),
    index('pairs_knowing_comments').on(table.endpointPairId, table.entityType).where(sql`knows_comments`),
  ],
)

/** Every record of an endpoint that was ever looked at, across links: its seen stamp, its pair, or that it was declined. */
export const records = pgTable(
  'records',
  {
    endpointId: uuid('endpoint_id')
      .notNull()
      .references(() => endpoints.id),
    entityType: text('entity_type').notNull(),
    externalId: text('external_id').notNull(),
    seenVersion: bigint('seen_version', { mode: 'number' }),
    seenModified: text('seen_modified'),
    decision: text('decision', { enum: ['declined'] }),
    /** Why it was declined; of a pair: why it rests. */
    declinedBecause: text('declined_because', { enum: ['rule', 'scope', 'person'] }),
    /** Links that have looked at it in the state seen: it is news to the others while it has no pair. Null: all of them. */
    lookedBy: uuid('looked_by').array(),
    /** When the endpoint says it was created: another time at the same id is another record. */
    created: text('created'),
    pairId: uuid('pair_id').references(() => pairs.id),
    /** The number that its twin had, which a restored endpoint has given to another record. Null: nothing of that kind. */
    undoneTwin: text('undone_twin'),
  },
  (table) => [
    primaryKey({ columns: [table.endpointId, table.entityType, table.externalId] }),
    index('records_pair').on(table.pairId),
    index('records_resting').on(table.pairId).where(sql`decision is not null`),
    index('records_out_of_scope').on(table.endpointId, table.entityType).where(sql`declined_because = 'scope'`),
  ],
)

/** Records that people have taken out of the synchronization; of a pair one of both stands here. They outlive their link. */
export const stoppedRecords = pgTable(
  'stopped_records',
  {
    endpointPairId: uuid('endpoint_pair_id')
      .notNull()
      .references(() => endpointPairs.id),
    entityType: text('entity_type').notNull(),
    side: text('side', { enum: ['left', 'right'] }).notNull(),
    externalId: text('external_id').notNull(),
    twinId: text('twin_id'),
    actor: text('actor').notNull(),
    reason: text('reason').notNull(),
    stoppedAt: moment('stopped_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({
      name: 'stopped_records_pk',
      columns: [table.endpointPairId, table.entityType, table.side, table.externalId],
    }),
  ],
)

/** The durable work queue: a row per record, with a revision raised by every upsert, claimed or not. */
export const pending = pgTable(
  'pending',
  {
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    side: text('side', { enum: ['left', 'right'] }).notNull(),
    externalId: text('external_id').notNull(),
    reason: text('reason').notNull(),
    firstSeen: moment('first_seen').notNull().defaultNow(),
    attempts: integer('attempts').notNull().default(0),
    nextAttemptAt: moment('next_attempt_at').notNull().defaultNow(),
    class: text('class'),
    revision: bigint('revision', { mode: 'number' }).notNull().default(1),
    /** Stamp with which it was last queued: the overlap of the next scan must not defeat the back-off. */
    queuedVersion: bigint('queued_version', { mode: 'number' }),
    queuedModified: text('queued_modified'),
    /** States of files and comments for which it was queued, for the same reason. */
    queuedParts: text('queued_parts').array().notNull().default(sql`'{}'`),
    /** When a person made the oldest edit that waits here, by our clock; null: it is not measured. */
    editedAt: moment('edited_at'),
    /** The same of the newest edit. */
    lastEditedAt: moment('last_edited_at'),
    /** Milliseconds that the edit has waited so far, up to `accountedTo`. */
    waited: jsonb('waited').$type<Waited>(),
    accountedTo: moment('accounted_to'),
  },
  (table) => [
    primaryKey({ columns: [table.linkId, table.side, table.externalId] }),
    index('pending_due').on(table.linkId, table.nextAttemptAt, table.side, table.externalId),
  ],
)

/** Leases on pairs and unpaired records: one live claim a key. */
export const claims = pgTable(
  'claims',
  {
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    key: text('key').notNull(),
    token: uuid('token').notNull(),
    runId: uuid('run_id').notNull(),
    claimedAt: moment('claimed_at').notNull().defaultNow(),
    leaseUntil: moment('lease_until').notNull(),
    graceUntil: moment('grace_until').notNull(),
    /** Queue rows claimed, with the revision at which they may be removed. */
    due: jsonb('due').$type<{ side: 'left' | 'right'; id: string; revision: number }[]>().notNull().default([]),
  },
  (table) => [primaryKey({ columns: [table.linkId, table.key] }), index('claims_token').on(table.token)],
)

/** Written ahead of every write, and taken out when settled: a ledger row is a settled intent that was applied. */
export const intents = pgTable(
  'intents',
  {
    id: uuid('id').primaryKey(),
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    runId: uuid('run_id').notNull(),
    token: uuid('token').notNull(),
    version: integer('version').notNull(),
    key: text('key').notNull(),
    action: text('action', { enum: ['create', 'update', 'link-back', 'delete', 'attachment', 'comment'] }).notNull(),
    side: text('side', { enum: ['left', 'right'] }).notNull(),
    targetId: text('target_id'),
    sourceId: text('source_id').notNull(),
    stampBefore: jsonb('stamp_before').$type<Stamp>(),
    fields: jsonb('fields').$type<IntentField[]>().notNull(),
    /** The server ended the request with an error of its own: it will not be carried out later. */
    answered: boolean('answered').notNull().default(false),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [
    index('intents_key').on(table.linkId, table.key),
    // Of creates only: who looks for a record's intents by key must not be led through all of a link's.
    index('intents_source').on(table.linkId, table.side, table.sourceId).where(sql`action = 'create'`),
  ],
)

/** Calls of the store that were carried out, so that a repeat answers as before. Old ones are cleaned away. */
export const storeCalls = pgTable('store_calls', {
  id: uuid('id').primaryKey(),
  answer: jsonb('answer').$type<unknown>(),
  createdAt: moment('created_at').notNull().defaultNow(),
})

export const scanPositions = pgTable(
  'scan_positions',
  {
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    side: text('side', { enum: ['left', 'right'] }).notNull(),
    since: text('since'),
    newest: text('newest'),
    overlapSeconds: integer('overlap_seconds'),
    /** Highest number that a record of this side was ever seen to have. */
    highestId: bigint('highest_id', { mode: 'number' }),
    /** Since when the endpoint is known to show an older state; nothing is written until somebody accepts it. */
    restoredAt: moment('restored_at'),
    restoredMessage: text('restored_message'),
    acceptedAt: moment('accepted_at'),
    /** The clock of the side showed at least this when its header `Date` said `clockDate`, at `clockAt` by our clock. */
    clockTime: text('clock_time'),
    clockDate: moment('clock_date'),
    clockAt: moment('clock_at'),
    /** The clock went back: until it has passed this, the newest time of the side says nothing about it. */
    clockCeiling: text('clock_ceiling'),
    /** Somebody wants the side read again from this time; empty: from the beginning. The scan that has done so takes it out. */
    rescanFrom: text('rescan_from'),
    /** How many files were attached to records of this side when it was last looked at, and the highest number of one. */
    filesCount: bigint('files_count', { mode: 'number' }),
    filesHighest: text('files_highest'),
    /** When the look began that counted them. */
    filesNotedAt: moment('files_noted_at'),
    /** The same of comments. */
    commentsCount: bigint('comments_count', { mode: 'number' }),
    commentsHighest: text('comments_highest'),
    commentsNotedAt: moment('comments_noted_at'),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.linkId, table.side] })],
)

/** Complete listings of a side: evidence for what is gone, and for what the scans for changes had missed. */
export const scanEpochs = pgTable(
  'scan_epochs',
  {
    id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    side: text('side', { enum: ['left', 'right'] }).notNull(),
    runId: uuid('run_id'),
    startedAt: moment('started_at').notNull().defaultNow(),
    completedAt: moment('completed_at'),
    rows: integer('rows').notNull().default(0),
    escaped: integer('escaped').notNull().default(0),
    absent: integer('absent').notNull().default(0),
    braked: boolean('braked').notNull().default(false),
  },
  (table) => [index('scan_epochs_link').on(table.linkId, table.side, table.startedAt)],
)

/** Ids of the complete listing under way, a row a page; unlogged, since a crash makes the listing worthless anyway. */
export const scanListing = pgTable(
  'scan_listing',
  { listingId: uuid('listing_id').notNull(), externalIds: text('external_ids').array().notNull() },
  (table) => [index('scan_listing_of').on(table.listingId)],
)

/** Paired records that complete listings lack. */
export const absences = pgTable(
  'absences',
  {
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    side: text('side', { enum: ['left', 'right'] }).notNull(),
    externalId: text('external_id').notNull(),
    lastListing: uuid('last_listing').notNull(),
    listings: integer('listings').notNull().default(1),
    firstMissing: moment('first_missing').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.linkId, table.side, table.externalId] })],
)

/** More than a run may do by itself: what is beyond waits until somebody agrees, with what they were shown. */
export const brakes = pgTable(
  'brakes',
  {
    id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    kind: text('kind', { enum: ['changes', 'deletions', 'look-alikes'] }).notNull(),
    /** The run that was about to do too much; null: a look outside of a run. */
    runId: uuid('run_id'),
    /** The side that lacks too many records, and how many; null: a run was about to write too much. */
    side: text('side', { enum: ['left', 'right'] }),
    absent: integer('absent').notNull().default(0),
    allowed: integer('allowed').notNull(),
    pairs: integer('pairs').notNull(),
    firstRun: boolean('first_run').notNull().default(false),
    openedAt: moment('opened_at').notNull().defaultNow(),
    approvedAt: moment('approved_at'),
    approvedBy: text('approved_by'),
    approvalReason: text('approval_reason'),
    /** How many were approved; the runs until one ends may do so many more. */
    approvedCount: integer('approved_count'),
    usedUpAt: moment('used_up_at'),
  },
  (table) => [uniqueIndex('brakes_open').on(table.linkId, table.kind).where(sql`approved_at is null`)],
)

/** What an open brake holds. */
export const brakedWrites = pgTable(
  'braked_writes',
  {
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    key: text('key').notNull(),
    action: text('action').notNull(),
    side: text('side', { enum: ['left', 'right'] }).notNull(),
    runId: uuid('run_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.linkId, table.key, table.action, table.side] })],
)

/** Records that wait for another one to be paired: they are due as soon as it is. */
export const waitingReferences = pgTable(
  'waiting_references',
  {
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    /** The record that waits. */
    side: text('side', { enum: ['left', 'right'] }).notNull(),
    externalId: text('external_id').notNull(),
    endpointPairId: uuid('endpoint_pair_id')
      .notNull()
      .references(() => endpointPairs.id),
    /** The record that is waited for, as the link of its kind knows it. */
    targetKind: text('target_kind').$type<LinkKind>().notNull(),
    targetSide: text('target_side', { enum: ['left', 'right'] }).notNull(),
    targetId: text('target_id').notNull(),
  },
  (table) => [
    primaryKey({
      name: 'waiting_references_pk',
      columns: [table.linkId, table.side, table.externalId, table.targetKind, table.targetSide, table.targetId],
    }),
    index('waiting_references_target').on(table.endpointPairId, table.targetKind, table.targetSide, table.targetId),
  ],
)

/** Fields that wait for a person's choice, with the values as seen: they live here only. One open row a pair and field. */
export const conflicts = pgTable(
  'conflicts',
  {
    id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    pairId: uuid('pair_id')
      .notNull()
      .references(() => pairs.id),
    mappingId: text('mapping_id').notNull(),
    kind: text('kind').$type<ConflictKind>().notNull().default('both-changed'),
    base: jsonb('base').$type<FieldConflict['base']>(),
    leftValue: jsonb('left_value').$type<CanonicalValue>(),
    rightValue: jsonb('right_value').$type<CanonicalValue>(),
    leftHash: text('left_hash').notNull(),
    rightHash: text('right_hash').notNull(),
    /** Raised whenever a value moves on and by each decision: a decision names the revision that the person saw. */
    revision: integer('revision').notNull().default(1),
    firstSeen: moment('first_seen').notNull().defaultNow(),
    lastSeen: moment('last_seen').notNull().defaultNow(),
    /** Since when both values are what they are: nobody has had longer to decide about them. */
    valuesSince: moment('values_since').notNull().defaultNow(),
    /** What was decided and is to be carried out: choice, value, actor, reason. */
    decision: jsonb('decision').$type<Record<string, unknown>>(),
    decidedAt: moment('decided_at'),
    resolvedAt: moment('resolved_at'),
    /** How it ended: carried out, or over by itself. */
    resolution: text('resolution', { enum: ['decided', 'over'] }),
  },
  (table) => [
    uniqueIndex('conflicts_open').on(table.pairId, table.mappingId).where(sql`resolved_at is null`),
    index('conflicts_link').on(table.linkId, table.firstSeen, table.id),
  ],
)
