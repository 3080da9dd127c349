import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { Agent, type Dispatcher, request } from 'undici'
import type { Problem } from '../core/problems.ts'
import { ConnectorError, type ServerDate } from './contract.ts'
import { createLimiter } from './limiter.ts'
import { createDateWatch } from './server-date.ts'

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Path below the base address, beginning with a slash. */
  path: string
  query?: Readonly<Record<string, string>>
  headers?: Readonly<Record<string, string>>
  /** A text; or bytes, made anew for each time that they are sent, with no deadline but one for standing still. */
  body?: string | (() => AsyncIterable<Uint8Array>)
  signal?: AbortSignal
  /** True for reads: repeated with back-off when the answer does not come or is a 5xx. */
  idempotent: boolean
}

export interface HttpAnswer {
  status: number
  text: string
  contentType: string
  setCookies: readonly string[]
  headers: Readonly<Record<string, string | string[] | undefined>>
}

/** An answer whose bytes are still to come; its place among the requests under way is free once they are read or destroyed. */
export interface OpenAnswer extends HttpAnswer {
  body: Readable
}

/** How far a request came before it failed: decides whether a write may be sent again. */
export type FailedAt = 'not-sent' | 'no-answer'

export interface Http {
  readonly baseUrl: string
  /** How many requests run at a time. */
  readonly concurrency: number
  /** The server's clock, by its answers. */
  serverDate(): ServerDate | null
  /** The longest pause that the server has asked for since this was last called, in milliseconds; null: none. */
  takePause(): number | null
  send(request: HttpRequest): Promise<HttpAnswer>
  /** Like send for a read of bytes: an answer of 200 is left open, any other is read as a text. */
  open(request: HttpRequest): Promise<OpenAnswer | HttpAnswer>
  close(): Promise<void>
}

export interface HttpOptions {
  baseUrl: string
  /** For people: "ALM at alm.example.com". */
  name: string
  timeoutMs?: number
  concurrency?: number
  /** Longest wait that an endpoint may ask for before a call gives up. */
  longestWaitMs?: number
}

const readAttempts = 4
const defaultTimeoutMs = 30_000
/** No transfer of bytes may take longer, however well it goes on. */
const longestTransferMs = 6 * 3_600_000

/** A request that failed before an answer came, with how far it came. */
export class RequestFailed extends ConnectorError {
  readonly failedAt: FailedAt

  constructor(problem: Problem, failedAt: FailedAt, cause: unknown) {
    super(problem, { cause })
    this.name = 'RequestFailed'
    this.failedAt = failedAt
  }
}

/**
 * HTTP to one endpoint: limits how many requests run at a time, gives each a deadline, repeats reads, and honours
 * Retry-After for reads and writes alike (429 and 503 mean that nothing was done). Addresses in messages carry no query.
 */
export function createHttp(options: HttpOptions): Http {
  const { baseUrl, name, timeoutMs = defaultTimeoutMs, concurrency = 4, longestWaitMs = 30_000 } = options
  const agent = new Agent({ connections: concurrency, keepAliveTimeout: 20_000 })
  const limiter = createLimiter(concurrency)
  const dates = createDateWatch()
  let pausedUntil = 0
  let asked: number | null = null

  async function once(call: HttpRequest, opened = false): Promise<HttpAnswer | OpenAnswer> {
    const url = new URL(`${baseUrl}${call.path}`)
    for (const [key, value] of Object.entries(call.query ?? {})) url.searchParams.set(key, value)
    const bytes = opened || typeof call.body === 'function'
    const deadline = AbortSignal.timeout(bytes ? longestTransferMs : timeoutMs)
    const signal = call.signal === undefined ? deadline : AbortSignal.any([call.signal, deadline])
    let answered: Dispatcher.ResponseData
    const sentAt = performance.now()
    try {
      answered = await request(url, {
        method: call.method,
        dispatcher: agent,
        headers: { 'user-agent': 'Tandem', ...call.headers },
        signal,
        ...(bytes ? { headersTimeout: timeoutMs, bodyTimeout: timeoutMs } : {}),
        ...(call.body === undefined
          ? {}
          : { body: typeof call.body === 'string' ? call.body : Readable.from(call.body()) }),
      })
      dates.take(answered.headers, sentAt)
      const set = answered.headers['set-cookie'] ?? []
      const left = opened && answered.statusCode === 200
      return {
        status: answered.statusCode,
        text: left ? '' : await answered.body.text(),
        ...(left ? { body: answered.body } : {}),
        contentType: String(answered.headers['content-type'] ?? ''),
        setCookies: Array.isArray(set) ? set : [set],
        headers: answered.headers,
      }
    } catch (error) {
      if (call.signal?.aborted === true) throw call.idempotent ? call.signal.reason : givenUp(name, 'no-answer', error)
      throw requestFailed(error, name, url, deadline.aborted, timeoutMs)
    }
  }

  /** A write that its caller gives up while it still waits for its turn was surely not sent; callers rely on the difference. */
  async function send(call: HttpRequest): Promise<HttpAnswer> {
    try {
      return await sendPatiently(call)
    } catch (error) {
      if (call.idempotent || call.signal?.aborted !== true || error instanceof ConnectorError) throw error
      throw givenUp(name, 'not-sent', error)
    }
  }

  /** One request was told to come again later: the others need not be told so, too. */
  async function pauseOver(signal: AbortSignal | undefined): Promise<void> {
    const left = pausedUntil - performance.now()
    if (left > 0) await pause(left, signal)
  }

  /** The body holds its place in the limiter until it has been read, so that transfers count like any request. */
  async function open(call: HttpRequest): Promise<OpenAnswer | HttpAnswer> {
    return sendPatiently(
      call,
      (signal) =>
        new Promise((resolve, reject) => {
          limiter
            .run(async () => {
              await pauseOver(signal)
              const answer = await once(call, true)
              resolve(answer)
              if ('body' in answer) await finished(answer.body).catch(() => undefined)
            }, signal)
            .catch(reject)
        }),
    )
  }

  async function sendPatiently(
    call: HttpRequest,
    attempted: (signal: AbortSignal | undefined) => Promise<HttpAnswer | OpenAnswer> = (signal) =>
      limiter.run(async () => {
        await pauseOver(signal)
        return once(call)
      }, signal),
  ): Promise<HttpAnswer | OpenAnswer> {
    for (let attempt = 1; ; attempt++) {
      const last = attempt >= readAttempts
      try {
        const answer = await attempted(call.signal)
        if (answer.status === 429 || (answer.status === 503 && answer.headers['retry-after'] !== undefined)) {
          const wait = retryAfterMs(answer.headers['retry-after']) ?? 1_000 * 2 ** attempt
          asked = Math.max(asked ?? 0, wait)
          if (last || wait > longestWaitMs) throw throttled(name, wait)
          pausedUntil = Math.max(pausedUntil, performance.now() + wait)
          await pause(wait, call.signal)
          continue
        }
        if (answer.status >= 500 && call.idempotent && !last && !isFinal(answer)) {
          await pause(backoff(attempt), call.signal)
          continue
        }
        return answer
      } catch (error) {
        const repeatable = error instanceof RequestFailed && (call.idempotent || error.failedAt === 'not-sent')
        if (!repeatable || last) throw error
        await pause(backoff(attempt), call.signal)
      }
    }
  }

  function takePause(): number | null {
    const taken = asked
    asked = null
    return taken
  }

  return {
    baseUrl,
    concurrency,
    serverDate: dates.latest,
    takePause,
    send,
    open,
    close: () => (agent.closed ? Promise.resolve() : agent.close()),
  }
}

/** A 500 that says something definite in JSON or XML (a lock-stamp mismatch, "logged out") is an answer, not a hiccup. */
function isFinal(answer: HttpAnswer): boolean {
  return /lock_stamp|logged out|qccore\.(?!general-error)/.test(answer.text)
}

function backoff(attempt: number): number {
  return 150 * 2 ** (attempt - 1) * (0.75 + Math.random() * 0.5)
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const timer = setTimeout(done, ms)
    function done() {
      signal?.removeEventListener('abort', aborted)
      resolve()
    }
    function aborted() {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', aborted, { once: true })
  })
}

/** Retry-After in milliseconds: seconds or an HTTP date. */
export function retryAfterMs(header: string | string[] | undefined): number | undefined {
  const value = Array.isArray(header) ? header[0] : header
  if (value === undefined) return undefined
  if (/^\d+$/.test(value.trim())) return Number(value) * 1_000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}

function throttled(name: string, wait: number): ConnectorError {
  return new ConnectorError(
    {
      class: 'throttled',
      code: 'throttled',
      message: `${name} asks for a pause of ${Math.ceil(wait / 1_000)} seconds.`,
      remedy: 'Nothing to do: it is tried again after the pause.',
    },
    { retryAfterMs: wait },
  )
}

function givenUp(name: string, failedAt: FailedAt, cause: unknown): RequestFailed {
  const words =
    failedAt === 'not-sent'
      ? { code: 'not-sent', message: `The time for this batch was over before ${name} could be asked.` }
      : { code: 'given-up', message: `${name} did not answer before the time for this batch was over.` }
  return new RequestFailed(
    { class: 'unavailable', ...words, remedy: 'Nothing to do: it is tried again.' },
    failedAt,
    cause,
  )
}

const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

function requestFailed(error: unknown, name: string, url: URL, timedOut: boolean, timeoutMs: number): RequestFailed {
  const code = codeOf(error)
  const tls = /CERT|TLS|SSL|SELF_SIGNED/i.test(code)
  const failedAt: FailedAt = tls || neverSent.has(code) ? 'not-sent' : 'no-answer'
  const words = tls
    ? {
        code: 'tls-failed',
        message: `The certificate of ${name} is not trusted (${code}).`,
        remedy: 'Add the certificate authority of the server to the bridge.',
      }
    : timedOut
      ? {
          code: 'time-out',
          message: `${name} did not answer within ${timeoutMs / 1_000} seconds.`,
          remedy: 'Check the load of the server; it is tried again.',
        }
      : failedAt === 'not-sent'
        ? {
            code: 'host-unreachable',
            message: `${name} cannot be reached at ${url.host} (${code}).`,
            remedy: 'Check the address, and that the server is up and reachable from the bridge.',
          }
        : {
            code: 'connection-lost',
            message: `The connection to ${name} broke off (${code}).`,
            remedy: 'Nothing to do: it is tried again.',
          }
  return new RequestFailed({ class: 'unavailable', ...words }, failedAt, error)
}

function codeOf(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    const { code } = at as { code?: unknown }
    if (typeof code === 'string') return code
  }
  return error instanceof Error ? error.name : 'unknown'
}

const parsed = new WeakMap<HttpAnswer, { json: unknown }>()

/** The body as JSON, undefined where it is none. An answer is looked at for errors and for rows: it is parsed once. */
export function jsonOf(answer: HttpAnswer): unknown {
  const known = parsed.get(answer)
  if (known !== undefined) return known.json
  let json: unknown
  try {
    json = JSON.parse(answer.text)
  } catch {
    json = undefined
  }
  parsed.set(answer, { json })
  return json
}

/** True for a page meant for people on a path meant for programs: a login form, a proxy's error page. */
export function isHtml(answer: HttpAnswer): boolean {
  return /text\/html|application\/xhtml/i.test(answer.contentType) || /^\s*<(!doctype html|html)/i.test(answer.text)
}
