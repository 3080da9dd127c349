import { z } from 'zod'
import type { RouteContract } from './routes.ts'

const byId = z.object({ id: z.uuid('must be an id, as lists show it') })
const reason = z.string().trim().min(3).max(1_000).meta({ description: 'Why; it stays in the ledger' })
const side = z.enum(['left', 'right'])
const words = z.array(z.string()).meta({ description: 'What it means, for people' })

/** A moment that has passed by the server's clock is asked for by the handler. */
const since = z.iso
  .datetime({ offset: true, error: 'must be a moment with its zone, such as 2026-11-20T08:00:00Z' })
  .meta({ description: 'ISO 8601 with a zone' })

const timeReset = z
  .object({
    sides: z.array(
      z.object({
        side,
        readFrom: z.string().nullable().meta({ description: 'Where the next scan would start by itself' }),
        from: z.string().nullable().meta({
          description:
            "In the endpoint's own words; null: never read yet. A server without zones is read up to a day more",
        }),
        records: z.int().meta({ description: 'Known records that were modified since then' }),
      }),
    ),
    pairs: z.int().meta({ description: 'Pairs that are compared again' }),
    unpaired: z.int().meta({ description: 'Records without twin that are judged again' }),
    words,
  })
  .meta({ id: 'TimeReset' })

const historyFacts = {
  pairs: z.int(),
  values: z.int().meta({ description: 'Values that were agreed on and are forgotten' }),
  frozen: z.int().meta({ description: 'Frozen fields that flow again' }),
  unpaired: z.int().meta({ description: 'Records without twin that are judged again' }),
  waiting: z.int().meta({ description: 'Pairs with something that was not carried over yet' }),
  openConflicts: z.int(),
  winners: z
    .object({ left: z.int(), right: z.int(), ask: z.int() })
    .meta({ description: 'How many fields of both directions each side wins where both differ' }),
  words,
}

const historyReset = z.object(historyFacts).meta({ id: 'HistoryReset' })
const historyPreview = z
  .object({ ...historyFacts, atRest: z.boolean().meta({ description: 'The link is paused and can be reset now' }) })
  .meta({ id: 'HistoryResetPreview' })

const deletion = z
  .object({
    pairs: z.int().meta({ description: 'Kept, and found again by a later link of the same endpoints and kind' }),
    unanswered: z.int().meta({ description: 'Writes whose answer never came' }),
    waiting: z.int(),
    openIssues: z.int(),
    openConflicts: z.int(),
    stopped: z.int(),
    words,
  })
  .meta({ id: 'LinkDeletion' })

export const deleteQuery = z.object({ reason: reason.optional() })

/** Ways back to an earlier state of knowledge; each is shown before it is done. */
export const resetRoutes = {
  previewTimeReset: {
    method: 'get',
    path: '/links/:id/reset-time',
    summary: 'What would be read again if the link looked again from a moment on',
    tag: 'links',
    params: byId,
    query: z.object({ since }),
    status: 200,
    answer: timeReset,
    codes: ['not-found', 'not-passed'],
  },
  resetTime: {
    method: 'post',
    path: '/links/:id/reset-time',
    summary: 'Look again from a moment on, with the next run',
    tag: 'links',
    params: byId,
    body: z.strictObject({ since, reason }).meta({ id: 'ResetTime' }),
    status: 202,
    answer: timeReset,
    codes: ['not-found', 'not-passed'],
    creates: true,
  },
  previewHistoryReset: {
    method: 'get',
    path: '/links/:id/reset-history',
    summary: 'What would be forgotten if all pairs of the link were compared as if they were new',
    tag: 'links',
    params: byId,
    status: 200,
    answer: historyPreview,
    codes: ['not-found'],
  },
  resetHistory: {
    method: 'post',
    path: '/links/:id/reset-history',
    summary: 'Forget what the pairs of a paused link have agreed on; the pairs stay',
    tag: 'links',
    params: byId,
    body: z
      .strictObject({ pairs: z.int().min(0).meta({ description: 'How many pairs the preview showed' }), reason })
      .meta({ id: 'ResetHistory' }),
    status: 202,
    answer: historyReset,
    codes: ['not-found', 'link-not-paused', 'link-busy', 'preview-changed'],
    creates: true,
  },
  previewDeletion: {
    method: 'get',
    path: '/links/:id/deletion',
    summary: 'What deleting the link leaves behind, and what becomes of its pairs',
    tag: 'links',
    params: byId,
    status: 200,
    answer: deletion,
    codes: ['not-found'],
  },
} as const satisfies Record<string, RouteContract>
