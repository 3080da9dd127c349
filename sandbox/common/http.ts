import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Content } from './contents.ts'
import type { FaultRule, Faults } from './faults.ts'
import { type PagingFault, pagingFaults } from './paging.ts'
import { type ReceivedForm, receiveUpload, type UploadRules } from './uploads.ts'

const compress = promisify(gzip)

export interface SandboxRequest {
  method: string
  /** The address as it came. */
  target: string
  /** Path without query, decoded segment by segment where needed by the handler. */
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  cookies: Map<string, string>
  body: string
  /** A form or file whose bytes were written down while they came: `body` is empty then. */
  form?: ReceivedForm
  /** What goes wrong with the page, where the request reads a list. */
  paging?: PagingFault
}

export interface SandboxAnswer {
  status: number
  headers?: Record<string, string | string[]>
  body?: string
  /** Sent instead of a text, in pieces and as it is. */
  content?: Content
}

/** Lets a request in: its session is checked when this returns, its work is done when the result is called. */
export type Admission = (request: SandboxRequest) => () => SandboxAnswer

export interface SandboxServerOptions {
  admit: Admission
  /** The server's clock, for the header `Date`; milliseconds since 1970. */
  now(): number
  faults: Faults
  /** How a path takes uploads; undefined: what comes there is text. */
  uploads(path: string): UploadRules | undefined
  /** Called by the fault `unauthorized`: ends the session that this request belongs to. */
  endSession(request: SandboxRequest): SandboxAnswer
  /** Groups paths for counting: ids become `*`. */
  pattern(path: string): string
}

export interface SandboxServer {
  /** Requests answered so far, by method and path pattern. */
  requests: Map<string, number>
  listen(port: number, host: string): Promise<number>
  close(): Promise<void>
}

const largestBody = 100 * 1024 * 1024
const compressFrom = 2_048
/** Delay of a slow answer, where the fault says nothing else. */
const slowMs = 1_000

/** Cookies as real clients send them: several headers in one, and attributes that belong into Set-Cookie. */
export function parseCookies(header: string | undefined): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const part of (header ?? '').split(/[;,]/)) {
    const equals = part.indexOf('=')
    if (equals <= 0) continue
    const name = part.slice(0, equals).trim()
    if (/^(path|domain|expires|max-age|version|samesite)$/i.test(name)) continue
    const value = part
      .slice(equals + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1')
    if (!cookies.has(name)) cookies.set(name, value)
  }
  return cookies
}

export function createSandboxServer(options: SandboxServerOptions): SandboxServer {
  const { admit, faults, endSession } = options
  const requests = new Map<string, number>()

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = addressOf(incoming.url)
    const method = incoming.method ?? 'GET'
    const key = `${method} ${options.pattern(url.pathname)}`
    requests.set(key, (requests.get(key) ?? 0) + 1)
    const rules = options.uploads(url.pathname)
    const form = rules === undefined ? undefined : await receiveUpload(rules, incoming)
    const body = form === undefined ? await readBody(incoming) : ''
    const request: SandboxRequest = {
      method,
      target: incoming.url ?? '/',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      cookies: parseCookies(incoming.headers.cookie),
      body,
      ...(form === undefined ? {} : { form }),
    }
    const fault = faults.take(request)
    if (fault?.kind === 'commit-late')
      faults.hold({ method, path: request.path, carryOut: admit(request) }, fault.commitAfterMs)
    const wait = faults.latencyMs + (fault?.delayMs ?? (fault?.kind === 'slow' ? slowMs : 0))
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    switch (fault?.kind) {
      case 'commit-late':
        if (fault.hang !== true) incoming.socket.destroy()
        return
      case 'drop':
        incoming.socket.destroy()
        return
      case 'error-before':
        return send(incoming, response, errorPage(request, fault.status ?? 500))
      case 'throttle':
      case 'unavailable':
        return send(incoming, response, refusedForNow(request, fault))
      case 'html':
        return send(incoming, response, {
          status: 200,
          headers: { 'content-type': 'text/html;charset=utf-8' },
          body: '<!DOCTYPE html><html><head><title>Sign in</title></head><body><form method="post"></form></body></html>',
        })
      case 'unauthorized':
        return send(incoming, response, endSession(request))
      default:
    }
    const paging = pagingFaults.find((kind) => kind === fault?.kind)
    const answer = admit(paging === undefined ? request : { ...request, paging })()
    if (fault?.kind === 'drop-after') {
      incoming.socket.destroy()
      return
    }
    return send(incoming, response, fault?.kind === 'error-after' ? errorPage(request, fault.status ?? 500) : answer)
  }

  const server: Server = createServer({ keepAliveTimeout: 30_000 }, (incoming, response) => {
    response.setHeader('date', new Date(options.now()).toUTCString())
    handle(incoming, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else {
        response.writeHead(500, { 'content-type': 'text/plain' })
        response.end(error instanceof Error ? error.message : String(error))
      }
    })
  })

  return {
    requests,
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, () => {
          server.off('error', reject)
          resolve((server.address() as AddressInfo).port)
        })
      }),
    close: () =>
      new Promise((resolve) => {
        faults.dropHeld()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The kind of 500 that says nothing about what was done. */
function errorPage(request: SandboxRequest, status: number): SandboxAnswer {
  const xml = (request.headers.accept ?? '').includes('xml')
  return xml
    ? {
        status,
        headers: { 'content-type': 'application/xml' },
        body: '<QCRestException><Id>qccore.general-error</Id><Title>Internal error</Title><ExceptionProperties/><StackTrace/></QCRestException>',
      }
    : {
        status,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          Id: 'qccore.general-error',
          Title: 'Internal error',
          error_code: 'platform.general_error',
          description: 'Internal error',
          business_error: false,
        }),
      }
}

/** 429 or 503, saying when to come again. */
function refusedForNow(request: SandboxRequest, fault: FaultRule): SandboxAnswer {
  const page = errorPage(request, fault.status ?? (fault.kind === 'throttle' ? 429 : 503))
  return fault.retryAfter === undefined
    ? page
    : { ...page, headers: { ...page.headers, 'retry-after': String(fault.retryAfter) } }
}

/** The address of a request, also where a client sends it whole or with doubled slashes. */
function addressOf(target: string | undefined): URL {
  const path = (target ?? '/').replace(/^https?:\/\/[^/?]*/i, '').replace(/^\/+/, '/')
  return new URL(`http://sandbox${path.startsWith('/') ? path : `/${path}`}`)
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > largestBody) throw new Error('The body is larger than the server takes.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

async function send(incoming: IncomingMessage, response: ServerResponse, answer: SandboxAnswer): Promise<void> {
  const headers: Record<string, string | string[]> = { ...answer.headers }
  if (answer.content !== undefined) {
    response.writeHead(answer.status, { ...headers, 'content-length': String(answer.content.size) })
    // A client that went away is no trouble of the server's.
    await pipeline(answer.content.open(), response).catch(() => response.destroy())
    return
  }
  let body = Buffer.from(answer.body ?? '', 'utf8')
  if (body.length >= compressFrom && /\bgzip\b/.test(String(incoming.headers['accept-encoding'] ?? ''))) {
    body = Buffer.from(await compress(body))
    headers['content-encoding'] = 'gzip'
  }
  headers['content-length'] = String(body.length)
  response.writeHead(answer.status, headers)
  response.end(body)
}
