import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import { type RouteContract, type RouteName, routes } from '../api/contract/routes.ts'
import { type ProblemDocument, problemDocument } from '../api/contract/schemas.ts'
import { generalCodes } from '../api/openapi.ts'

type Answer<N extends RouteName> = (typeof routes)[N]['answer'] extends z.ZodType
  ? z.infer<(typeof routes)[N]['answer']>
  : null

export interface CallInput {
  params?: Record<string, string>
  query?: Record<string, string>
  body?: unknown
  /** Idempotency key. */
  key?: string
}

/**
 * A client of the API that holds every answer against the contract: the status it promises, exactly the fields of its
 * schema, refusals as problem documents with a code that the route names.
 */
export function createContractClient(url: string) {
  /** Texts of all answers so far, headers included. */
  const answers: string[] = []

  async function send(
    name: RouteName,
    input: CallInput,
  ): Promise<{ route: RouteContract; response: Response; text: string }> {
    const route: RouteContract = routes[name]
    const path = route.path.replace(/:(\w+)/g, (_match, key: string) => encodeURIComponent(input.params?.[key] ?? ''))
    const query = new URLSearchParams(input.query)
    const response = await fetch(`${url}/api/v1${path}${query.size > 0 ? `?${query}` : ''}`, {
      method: route.method.toUpperCase(),
      headers: {
        ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(input.key === undefined ? {} : { 'idempotency-key': input.key }),
      },
      ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
    })
    const text = await response.text()
    answers.push(`${JSON.stringify([...response.headers])} ${text}`)
    return { route, response, text }
  }

  /** The answer of a request that is taken; a refusal is thrown with its words. */
  async function call<N extends RouteName>(name: N, input: CallInput = {}): Promise<Answer<N>> {
    const { route, response, text } = await send(name, input)
    if (response.status !== route.status) throw new Error(`${name} answered ${response.status}: ${text}`)
    if (route.answer === null) {
      if (text !== '') throw new Error(`${name} promises no content and answered ${text}`)
      return null as Answer<N>
    }
    const body: unknown = JSON.parse(text)
    const parsed: unknown = route.answer.parse(body)
    if (!isDeepStrictEqual(parsed, body))
      throw new Error(`${name} answered more than its schema names: ${text.slice(0, 2_000)}`)
    return parsed as Answer<N>
  }

  /** The problem of a request that is refused, with a code that its route documents. */
  async function refused(name: RouteName, input: CallInput = {}): Promise<ProblemDocument> {
    const { route, response, text } = await send(name, input)
    if (response.status < 400) throw new Error(`${name} was not refused: ${response.status} ${text}`)
    const problem = problemOf(response, text)
    if (![...generalCodes, ...route.codes].includes(problem.code))
      throw new Error(`${name} does not document the code ${problem.code}: ${text}`)
    return problem
  }

  /** Any request, for what the contract does not foresee. */
  async function raw(path: string, init: RequestInit = {}): Promise<{ response: Response; text: string }> {
    const response = await fetch(`${url}${path}`, init)
    const text = await response.text()
    answers.push(`${JSON.stringify([...response.headers])} ${text}`)
    return { response, text }
  }

  return { call, refused, raw, answers }
}

/** A problem document in its one form. */
export function problemOf(response: { status: number; headers: Headers }, text: string): ProblemDocument {
  const type = response.headers.get('content-type') ?? ''
  if (!type.startsWith('application/problem+json')) throw new Error(`a refusal came as ${type}: ${text}`)
  const problem = problemDocument.strict().parse(JSON.parse(text))
  if (problem.status !== response.status) throw new Error(`status ${response.status}, but the problem says ${text}`)
  return problem
}
