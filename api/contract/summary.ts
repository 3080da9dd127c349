import { z } from 'zod'
import type { RouteContract } from './routes.ts'
import { counters, link, run } from './schemas.ts'

const time = z.string().meta({ description: 'ISO time in UTC' })
const ms = z.number().meta({ description: 'Milliseconds' })

const parts = {
  total: ms.meta({
    description: 'Milliseconds from the edit until it was visible on the other side: the sum of the rest',
  }),
  poll: ms.meta({ description: 'Until a look noticed it' }),
  queue: ms.meta({ description: 'Due and not yet taken up, also while the link was paused or a blackout was on' }),
  endpoint: ms.meta({ description: 'Reading, deciding and writing' }),
  retry: ms.meta({ description: 'Waiting for the next attempt after a failure' }),
  person: ms.meta({ description: 'Waiting for what only a person can do' }),
}

const freshnessPoint = z
  .object({
    ...parts,
    side: z.enum(['left', 'right']).meta({ description: 'Where the edit was made' }),
    leftId: z.string().nullable(),
    rightId: z.string().nullable(),
    visibleAt: time,
  })
  .meta({ id: 'FreshnessPoint' })
export type FreshnessPointView = z.infer<typeof freshnessPoint>

const freshness = z
  .object({
    edits: z.int().meta({ description: 'Edits that became visible' }),
    p50: freshnessPoint
      .nullable()
      .meta({ description: 'Half of the edits took no longer; the parts are those of that edit' }),
    p95: freshnessPoint.nullable(),
    slowest: freshnessPoint.nullable(),
    mean: z.object(parts).nullable(),
  })
  .meta({ id: 'Freshness', description: 'How long edits took to become visible; first synchronizations do not count' })
export type FreshnessView = z.infer<typeof freshness>

const activitySum = z
  .object({
    runs: z.int(),
    withErrors: z.int(),
    unfinished: z.int().meta({ description: 'Failed, interrupted or cancelled' }),
    counters,
    looks: z
      .object({ quiet: z.int(), changed: z.int(), failed: z.int() })
      .meta({ description: 'Looks at both sides that found nothing, found something, or did not work' }),
    freshness,
  })
  .meta({ id: 'LinkActivity' })

const summary = z
  .object({
    link: link.meta({ description: 'Status in words, mode, and what comes next' }),
    looksEverySeconds: z
      .int()
      .nullable()
      .meta({ description: 'In automatic mode; null: it works at the times of its schedule only, or in manual mode' }),
    lastCheck: run.nullable(),
    lastRun: run.nullable().meta({ description: 'The last synchronization that is over' }),
    day: activitySum.meta({ description: 'The last 24 hours' }),
    week: activitySum.meta({ description: 'The last 168 hours' }),
    issues: z
      .array(
        z.object({
          owner: z.enum(['admin', 'endpoint', 'us']),
          errors: z.int(),
          warnings: z.int(),
          ignored: z.int(),
          since: time,
        }),
      )
      .meta({ description: 'Open issues by whose turn it is' }),
    conflicts: z.int().meta({ description: "Fields that wait for a person's decision" }),
    queue: z.object({ due: z.int(), waiting: z.int() }),
    lookedAt: time.nullable().meta({ description: 'When both sides were last looked at with success' }),
  })
  .meta({ id: 'LinkSummary' })
export type LinkSummaryView = z.infer<typeof summary>

const byId = z.object({ id: z.uuid('must be an id, as lists show it') })

export const summaryRoutes = {
  linkSummary: {
    method: 'get',
    path: '/links/:id/summary',
    summary:
      'How a link is, in one answer: status, last check and run, counts, issues by owner, freshness, what comes next',
    tag: 'links',
    params: byId,
    status: 200,
    answer: summary,
    codes: ['not-found'],
  },
  linkFreshness: {
    method: 'get',
    path: '/links/:id/freshness',
    summary: 'How long edits took until they were visible on the other side, with the slowest of them',
    tag: 'links',
    params: byId,
    query: z.object({
      hours: z.coerce.number().int().min(1).max(8_784).default(24).meta({ description: 'So many hours back' }),
      slowest: z.coerce.number().int().min(0).max(200).default(20),
    }),
    status: 200,
    answer: freshness.extend({ slowestEdits: z.array(freshnessPoint) }).meta({ id: 'FreshnessWithEdits' }),
    codes: ['not-found'],
  },
} as const satisfies Record<string, RouteContract>
