import { createHash, createHmac, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import type { Logger } from 'pino'
import swaggerUi from 'swagger-ui-dist'
import { issueWords } from '../core/issue-words.ts'
import { DatabaseError } from '../db/connection.ts'
import { reserveKey, settleKey } from '../db/idempotency.ts'
import { type Download, type RouteContract, type RouteName, routes } from './contract/routes.ts'
import type { ProblemDocument } from './contract/schemas.ts'
import type { Dependencies, Handlers } from './handlers/types.ts'
import { openApiDocument } from './openapi.ts'
import { ApiProblem, pointers, toDocument } from './problem.ts'
import { startPage } from './start-page.ts'
import { unstorable } from './storable.ts'
import { webhookRouter } from './webhooks.ts'

const largestBody = '1mb'

/** Who gives commands until people exist. */
const localActor = 'local'

/** Composes the API: guards, routes from the contract, documentation, and problems in one form. */
export function createApp(
  dependencies: Dependencies & {
    logger: Logger
    build: string
    links: { temporalUi: string | null; mail: string | null }
  },
  handlers: Handlers,
): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  app.use(webhookRouter(dependencies))
  app.use(guard)
  const body = (limit: string) =>
    express.json({ limit, type: ['application/json', 'application/*+json'], strict: false })
  for (const { path, largestBody: limit } of Object.values<RouteContract>(routes))
    if (limit !== undefined) app.use(`/api/v1${path}`, body(limit))
  app.use(body(largestBody))

  const document = openApiDocument(dependencies.build)
  app.get('/openapi.json', (_request, response) => void response.json(document))
  app.get(
    '/',
    (_request, response) => void response.type('html').send(startPage(dependencies.build, dependencies.links)),
  )
  app.get(
    '/docs/setup.js',
    (_request, response) =>
      void response
        .type('js')
        .send(
          "window.onload = () => SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, tryItOutEnabled: true })",
        ),
  )
  app.get('/docs', (_request, response) => void response.type('html').send(docsPage))
  app.use('/docs/assets', express.static(swaggerUi.getAbsoluteFSPath(), { index: false }))

  for (const [name, route] of Object.entries(routes) as [RouteName, RouteContract][]) {
    app[route.method](`/api/v1${route.path}`, (request, response) => serve(name, route, request, response))
  }
  for (const path of new Set(Object.values(routes).map((route) => route.path))) {
    const methods = Object.values(routes).flatMap((route) =>
      route.path !== path ? [] : route.method === 'get' ? ['GET', 'HEAD'] : [route.method.toUpperCase()],
    )
    app.all(`/api/v1${path}`, (request, response) => {
      response.set('allow', methods.join(', '))
      throw new ApiProblem(405, 'method-not-allowed', `${request.path} does not take ${request.method}.`, {
        remedy: `It takes ${methods.join(', ')}.`,
      })
    })
  }
  app.use((request) => {
    throw new ApiProblem(404, 'no-such-route', `There is no ${request.method} ${request.path}.`, {
      remedy: 'See /docs for what there is.',
    })
  })
  app.use(onError)
  return app

  async function serve(name: RouteName, route: RouteContract, request: Request, response: Response): Promise<void> {
    const input = validated(route, request)
    const key = route.creates === true ? request.get('idempotency-key') : undefined
    const requestId =
      key === undefined ? randomUUID() : createHash('sha256').update(`${name}|${key}`).digest('hex').slice(0, 32)
    const run = async () => {
      const body = await (handlers[name] as (input: unknown, context: unknown) => Promise<unknown>)(input, {
        actor: localActor,
        requestId,
      })
      return { status: route.status as number, body: body ?? null }
    }
    if (route.produces !== undefined) return send(response, (await run()).body as Download)
    if (key === undefined) return answer(response, await run())
    // Neither key nor request can be told from what is stored: the request may hold a secret.
    const hash = createHmac('sha256', key)
      .update(`${request.path}|${JSON.stringify(request.body ?? null)}`)
      .digest('hex')
    const state = await reserveKey(dependencies.database, requestId, hash)
    if (state.kind === 'other-request')
      throw new ApiProblem(422, 'idempotency-key-reused', 'This Idempotency-Key was used for another request.', {
        remedy: 'Use a new key for a new request.',
      })
    if (state.kind === 'running')
      throw new ApiProblem(
        409,
        'request-running',
        'The first request with this Idempotency-Key is still being carried out.',
        { remedy: 'Wait a moment and send it again.' },
      )
    if (state.kind === 'repeat') return answer(response, state)
    try {
      const result = await run()
      await settleKey(dependencies.database, requestId, result)
      return answer(response, result)
    } catch (error) {
      // A refusal is an answer to keep; trouble on our side frees the key for another try.
      const kept =
        error instanceof ApiProblem && error.status < 500 ? { status: error.status, body: toDocument(error) } : null
      await settleKey(dependencies.database, requestId, kept).catch(() => undefined)
      throw error
    }
  }

  /** As fast as the caller takes it. Trouble on the way cuts the answer off, so that nobody takes a part for the whole. */
  async function send(response: Response, { type, fileName, chunks }: Download): Promise<void> {
    const rest = chunks[Symbol.asyncIterator]()
    // Whatever is refused at once is answered as a problem.
    const first = await rest.next()
    response.status(200).attachment(fileName).type(type)
    const all = async function* () {
      if (first.done !== true) yield first.value
      yield* { [Symbol.asyncIterator]: () => rest }
    }
    await pipeline(Readable.from(all()), response).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
    })
  }

  function answer(response: Response, { status, body }: { status: number; body: unknown }): void {
    response.status(status)
    if (status === 204 || body === null) response.end()
    else if (status >= 400) response.type('application/problem+json').send(JSON.stringify(body))
    else response.json(body)
  }

  function onErrorOf(error: unknown): ApiProblem {
    if (error instanceof ApiProblem) return error
    if (error instanceof DatabaseError && error.unavailable)
      return new ApiProblem(503, 'database-down', 'The database does not answer.', {
        remedy: 'Start PostgreSQL; nothing is lost meanwhile.',
      })
    const { type, status, limit } = (error ?? {}) as { type?: string; status?: number; limit?: number }
    if (type === 'entity.parse.failed')
      return new ApiProblem(400, 'malformed-json', 'The body is not valid JSON.', {
        remedy: 'Check quotes, commas and braces.',
      })
    if (type === 'entity.too.large')
      return new ApiProblem(413, 'too-large', `The body is larger than ${Math.floor((limit ?? 0) / 1024)} kB.`, {
        remedy: 'Send less at a time.',
      })
    if (status === 415)
      return new ApiProblem(415, 'wrong-content-type', 'The body comes in an encoding that is not known here.', {
        remedy: 'Send it as JSON in UTF-8, plain or compressed with gzip, deflate or br.',
      })
    if (status !== undefined && status >= 400 && status < 500)
      return new ApiProblem(status, 'bad-request', 'The request cannot be read.')
    return new ApiProblem(500, 'internal', 'Something went wrong on our side. It is in the log.', {
      remedy: 'Try again; if it stays, look at the log of the API.',
    })
  }

  // Express knows an error handler by its four parameters.
  function onError(error: unknown, request: Request, response: Response, _next: NextFunction): void {
    const problem = onErrorOf(error)
    if (problem.status >= 500)
      dependencies.logger.error(
        {
          code: problem.code,
          method: request.method,
          path: request.path,
          error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
          stack: error instanceof Error ? error.stack : undefined,
        },
        'Request failed',
      )
    if (response.headersSent) {
      response.end()
      return
    }
    response
      .status(problem.status)
      .type('application/problem+json')
      .send(JSON.stringify(toDocument(problem)))
  }
}

const loopbackHost = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i

/** Loopback only: a page of another site must not reach this API through somebody's browser, by whatever name. */
function guard(request: Request, response: Response, next: () => void): void {
  response.set({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    'content-security-policy':
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
  })
  const host = request.get('host') ?? ''
  if (!loopbackHost.test(host))
    throw new ApiProblem(
      403,
      'forbidden-host',
      `This API answers to loopback names only, not to "${host.slice(0, 100)}".`,
      { remedy: 'Call it as http://127.0.0.1:<port>.' },
    )
  const origin = request.get('origin')
  if (origin !== undefined && origin !== `http://${host}` && request.method !== 'GET' && request.method !== 'HEAD')
    throw new ApiProblem(403, 'forbidden-origin', 'Pages of other sites may not use this API.', {
      remedy: 'Call it from its own pages or from a program.',
    })
  next()
}

/** Parameters, query and body by the contract; every problem at once, each with its pointer. */
function validated(route: RouteContract, request: Request): unknown {
  const errors: ProblemDocument['errors'] = []
  const part = (schema: RouteContract['params'] | RouteContract['body'], value: unknown, prefix: string): unknown => {
    if (schema === undefined) return undefined
    const parsed = schema.safeParse(value, { error: issueWords })
    if (parsed.success) return parsed.data
    errors.push(...pointers(parsed.error.issues, prefix))
    return undefined
  }
  const hasBody = Number(request.get('content-length') ?? 0) > 0 || request.get('transfer-encoding') !== undefined
  if (hasBody && !request.is(['application/json', 'application/*+json']))
    throw new ApiProblem(415, 'wrong-content-type', 'The body must be JSON.', {
      remedy: 'Send it with Content-Type: application/json.',
    })
  const key = request.get('idempotency-key')
  if (route.creates === true && key !== undefined && !/^[\x20-\x7e]{1,200}$/.test(key))
    errors.push({ pointer: '/header/Idempotency-Key', message: 'takes 1 to 200 printable ASCII characters' })
  errors.push(...unstorable(request.query, '/query'), ...unstorable(request.body))
  if (errors.length > 0) throw invalidRequest(errors)
  const params = part(route.params, request.params, '/path')
  const query = part(route.query, request.query, '/query')
  const body = part(route.body, request.body ?? {}, '')
  if (errors.length > 0) throw invalidRequest(errors)
  return { params, query, body }
}

function invalidRequest(errors: ProblemDocument['errors']): ApiProblem {
  return new ApiProblem(
    400,
    'invalid-request',
    errors.map((error) => `${error.pointer === '' ? 'body' : error.pointer}: ${error.message}`).join('; '),
    { remedy: 'Correct what is named; everything that is wrong is listed.', errors },
  )
}

const docsPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Tandem API</title><link rel="stylesheet" href="/docs/assets/swagger-ui.css"></head>
<body><div id="swagger-ui"></div><script src="/docs/assets/swagger-ui-bundle.js"></script><script src="/docs/setup.js"></script></body></html>`
