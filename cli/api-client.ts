import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { z } from 'zod'
import { type RouteContract, type RouteName, routes } from '../api/contract/routes.ts'
import type { ProblemDocument } from '../api/contract/schemas.ts'

/** A refusal of the API, as it worded it. */
export class Refused extends Error {
  readonly problem: ProblemDocument

  constructor(problem: ProblemDocument) {
    super(problem.detail)
    this.problem = problem
  }
}

/** Nobody answers. */
export class NotReachable extends Error {}

type Answer<N extends RouteName> = (typeof routes)[N]['answer'] extends z.ZodType
  ? z.infer<(typeof routes)[N]['answer']>
  : null

export interface CallInput {
  params?: Record<string, string>
  query?: Record<string, string | undefined>
  body?: unknown
}

export interface ApiClient {
  address: string
  call<N extends RouteName>(name: N, input?: CallInput): Promise<Answer<N>>
  /** An answer that is sent piece by piece. */
  download(name: RouteName, input?: CallInput): Promise<ReadableStream<Uint8Array>>
}

/** Address of the API: as given, from TANDEM_API, or from the file that a running `npm start` leaves in its data folder. */
export function apiAddress(given: string | undefined): string {
  if (given !== undefined) return given.replace(/\/+$/, '')
  const file = path.join(process.env.TANDEM_DATA ?? '.tandem', 'addresses.json')
  if (existsSync(file)) {
    const { api } = JSON.parse(readFileSync(file, 'utf8')) as { api?: string }
    if (api !== undefined) return api
  }
  throw new NotReachable('No API is known. Start Tandem with "npm start", or give an address with --api or TANDEM_API.')
}

/** A client typed by the API's own contract. Creating requests carry a key, so that a repeat does nothing twice. */
export function createApiClient(address: string): ApiClient {
  async function send(route: RouteContract, input: CallInput): Promise<Response> {
    const at = route.path.replace(/:(\w+)/g, (_match, key: string) => encodeURIComponent(input.params?.[key] ?? ''))
    const query = new URLSearchParams(
      Object.entries(input.query ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined),
    )
    const url = `${address}/api/v1${at}${query.size > 0 ? `?${query}` : ''}`
    let response: Response
    try {
      response = await fetch(url, {
        method: route.method.toUpperCase(),
        headers: {
          ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(route.creates === true ? { 'idempotency-key': randomUUID() } : {}),
        },
        ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
      })
    } catch {
      throw new NotReachable(`Nothing answers at ${address}. Is Tandem running?`)
    }
    const type = response.headers.get('content-type') ?? ''
    if (!response.ok && type.includes('problem+json'))
      throw new Refused(JSON.parse(await response.text()) as ProblemDocument)
    const expected = route.produces ?? (route.answer === null ? [''] : ['json'])
    if (!response.ok || !expected.some((one) => type.includes(one)))
      throw new NotReachable(`What answers at ${address} is not Tandem (HTTP ${response.status}).`)
    return response
  }

  return {
    address,
    async call<N extends RouteName>(name: N, input: CallInput = {}): Promise<Answer<N>> {
      const text = await (await send(routes[name], input)).text()
      return (text === '' ? null : JSON.parse(text)) as Answer<N>
    },
    async download(name, input = {}) {
      const { body } = await send(routes[name], input)
      if (body === null) throw new NotReachable(`${address} answered nothing.`)
      return body
    },
  }
}

/** Items of all pages, at most so many. */
export async function everyPage<T>(
  pageAt: (cursor: string | undefined) => Promise<{ items: T[]; next: string | null }>,
  limit = Number.POSITIVE_INFINITY,
): Promise<T[]> {
  const items: T[] = []
  let cursor: string | null | undefined
  do {
    const page: { items: T[]; next: string | null } = await pageAt(cursor ?? undefined)
    items.push(...page.items)
    cursor = page.next
  } while (cursor !== null && items.length < limit)
  return items.slice(0, limit)
}
