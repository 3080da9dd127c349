import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { type NextFunction, type Request, type Response, Router, raw } from 'express'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { Database } from '../db/connection.ts'
import { countHint, findHinted, type Hinted, queueHinted } from '../db/webhooks.ts'

const largestHint = '64kb'
/** At most one signal a link in so long. */
const quietMs = 1_000
/** Hints in hand at a time; more are lost, which the polling makes good. */
const mostAtOnce = 256
const signatureHeader = 'x-tandem-signature'

/** What Octane's rule "Call URL" sends, as far as it is of use: which record. Its contents are never looked at. */
const octaneHint = z.object({
  entityType: z.string(),
  entityId: z.union([z.string().regex(/^\d{1,18}$/), z.int().min(1)]),
  workspaceId: z.union([z.string(), z.number()]).optional(),
  submissionMode: z.string().optional(),
})

/** How an address's token is kept: it is random and long, so a plain hash can't be turned back. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/**
 * `POST /webhooks/<token>`: a hint that something may have changed. It is answered with 202 before anything is looked up (or
 * with 413), so that neither the answer nor its time tells whether there is such a link. A hint wakes the link; one that is
 * signed (`x-tandem-signature: sha256=<HMAC-SHA256 of the raw body in hexadecimal>`, the prefix may be missing) also queues the
 * record that it names. A wrong signature does nothing. Comes before the guards of the API: a relay calls by any name.
 */
export function webhookRouter(dependencies: {
  database: Database
  temporal: { wake(linkId: string): Promise<void> }
  logger: Logger
}): Router {
  const { database, temporal, logger } = dependencies
  const wake = coalesced(async (linkId) => {
    await temporal.wake(linkId).catch((error: unknown) => {
      logger.warn({ linkId, error: nameOf(error) }, 'A hint could not wake its link')
    })
  })
  let inHand = 0

  async function take(token: string, body: Buffer, signature: string | undefined): Promise<void> {
    const tokenHash = hashToken(token)
    const hinted = await findHinted(database, tokenHash)
    if (hinted === null) return
    const signed = hinted.secret !== null && signature !== undefined
    if (signed && !isSignedBy(hinted.secret ?? '', body, signature)) return countHint(database, tokenHash, 'refused')
    const id = signed ? recordOf(hinted, body) : null
    if (id !== null) await queueHinted(database, hinted.linkId, id)
    if (hinted.waits) await wake(hinted.linkId)
    await countHint(database, tokenHash, 'received')
  }

  const router = Router()
  // A pattern instead of a parameter: what can't be decoded is answered like everything else.
  router.post(/^\/webhooks\//, raw({ limit: largestHint, type: () => true }), (request, response) => {
    response.status(202).end()
    const token = request.path.slice('/webhooks/'.length)
    if (!/^[\w-]{43}$/.test(token) || inHand >= mostAtOnce) return
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    inHand++
    take(token, body, request.get(signatureHeader))
      .catch((error: unknown) => logger.warn({ error: nameOf(error) }, 'A hint was lost'))
      .finally(() => {
        inHand--
      })
  })
  router.use('/webhooks', onError)
  return router
}

// Express knows an error handler by its four parameters.
function onError(error: unknown, request: Request, response: Response, next: NextFunction): void {
  if (request.method !== 'POST') next(error)
  else response.status((error as { status?: unknown } | null)?.status === 413 ? 413 : 202).end()
}

/** Our own errors hold no values; of others only the name is told. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return error.name === 'DatabaseError' ? error.message : error.name
}

/** Compares hashes of one length in constant time. */
function isSignedBy(secret: string, body: Buffer, signature: string): boolean {
  const given = signature.trim().replace(/^sha256=/i, '')
  if (!/^[0-9a-f]{64}$/i.test(given)) return false
  return timingSafeEqual(Buffer.from(given, 'hex'), createHmac('sha256', secret).update(body).digest())
}

/** The record that a body names, when the link may have it. What was deleted is left to full scans, which prove it. */
function recordOf(hinted: Hinted, body: Buffer): string | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(body.toString('utf8'))
  } catch {
    return null
  }
  const hint = octaneHint.safeParse(parsed)
  if (!hint.success) return null
  const { entityType, entityId, workspaceId, submissionMode } = hint.data
  if (entityType !== hinted.entityType || submissionMode === 'delete') return null
  if (workspaceId !== undefined && String(workspaceId) !== hinted.workspace) return null
  const id = BigInt(entityId)
  return id > 0n ? id.toString() : null
}

/**
 * Calls for a key at once, and then not before the quiet time has passed: calls that came meanwhile become one at its end, so
 * that the last change is not the one that is lost.
 */
function coalesced(call: (key: string) => Promise<void>): (key: string) => Promise<void> {
  const quiet = new Map<string, { again: boolean }>()

  function begin(key: string): Promise<void> {
    const state = { again: false }
    quiet.set(key, state)
    setTimeout(() => {
      quiet.delete(key)
      if (state.again) void begin(key)
    }, quietMs).unref()
    return call(key)
  }

  return async (key) => {
    const state = quiet.get(key)
    if (state === undefined) await begin(key)
    else state.again = true
  }
}
