import { sql } from 'drizzle-orm'
import { boolean, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import type { AdoptedField, AdoptionDoubt, AdoptionMethod } from '../../core/adoption.ts'
import type { AdoptedDifferences } from '../../core/merge.ts'
import { moment } from './columns.ts'
import { links } from './links.ts'

/** Somebody's wish to pair what exists on both sides: it is shown what would become of it before they agree. */
export const adoptions = pgTable(
  'adoptions',
  {
    id: uuid('id').primaryKey().default(sql`gen_random_uuid()`),
    linkId: uuid('link_id')
      .notNull()
      .references(() => links.id),
    settings: jsonb('settings').$type<AdoptionMethod>().notNull(),
    /** `asked`: not listed yet; `ready`: to be looked at; `accepted`: being paired; `applied`; `discarded`. */
    status: text('status', { enum: ['asked', 'ready', 'accepted', 'applied', 'discarded'] })
      .notNull()
      .default('asked'),
    /** Of the link, when it was listed. */
    version: integer('version'),
    actor: text('actor').notNull(),
    /** The run that listed or pairs. */
    runId: uuid('run_id'),
    differences: text('differences').$type<AdoptedDifferences>(),
    summary: jsonb('summary').$type<Record<string, unknown>>(),
    createdAt: moment('created_at').notNull().defaultNow(),
    readyAt: moment('ready_at'),
    acceptedAt: moment('accepted_at'),
    acceptedBy: text('accepted_by'),
    endedAt: moment('ended_at'),
  },
  (table) => [
    index('adoptions_link').on(table.linkId, table.createdAt, table.id),
    uniqueIndex('adoptions_accepted').on(table.linkId).where(sql`status = 'accepted'`),
  ],
)

/** The records of both sides as an adoption saw them. */
export const adoptionRecords = pgTable(
  'adoption_records',
  {
    adoptionId: uuid('adoption_id')
      .notNull()
      .references(() => adoptions.id, { onDelete: 'cascade' }),
    side: text('side', { enum: ['left', 'right'] }).notNull(),
    externalId: text('external_id').notNull(),
    title: text('title').notNull(),
    /** Type pair; empty: the link has one type; null: of none that it keeps in step. */
    type: text('type'),
    /** Digits of its id. */
    number: text('number').notNull(),
    ref: text('ref'),
    unreadable: text('unreadable'),
    key: text('key'),
    names: text('names'),
    inScope: boolean('in_scope'),
    /** It has a pair, in this link or another. */
    paired: boolean('paired').notNull().default(false),
    /** Some pair of the adoption names it. */
    named: boolean('named').notNull().default(false),
  },
  (table) => [
    primaryKey({ columns: [table.adoptionId, table.side, table.externalId] }),
    index('adoption_records_number').on(table.adoptionId, table.side, table.number),
    index('adoption_records_key').on(table.adoptionId, table.key).where(sql`key is not null`),
  ],
)

/** What an adoption takes for twins, or does not dare to. */
export const adoptionPairs = pgTable(
  'adoption_pairs',
  {
    adoptionId: uuid('adoption_id')
      .notNull()
      .references(() => adoptions.id, { onDelete: 'cascade' }),
    leftId: text('left_id').notNull(),
    rightId: text('right_id').notNull(),
    /** Line of the file. */
    line: integer('line'),
    /** `paired`: with each other already. `missed`: accepted, and not paired in the end. */
    state: text('state', { enum: ['given', 'matched', 'doubtful', 'paired', 'adopted', 'missed'] }).notNull(),
    reason: text('reason').$type<AdoptionDoubt>(),
    /** Mapped fields that are not equal. */
    fields: jsonb('fields').$type<Record<string, AdoptedField>>(),
  },
  (table) => [
    primaryKey({ columns: [table.adoptionId, table.leftId, table.rightId] }),
    index('adoption_pairs_right').on(table.adoptionId, table.rightId),
    index('adoption_pairs_state').on(table.adoptionId, table.state, table.leftId, table.rightId),
  ],
)
