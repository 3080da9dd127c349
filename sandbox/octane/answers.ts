import { randomUUID } from 'node:crypto'
import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { QueryError } from './query.ts'
import { Refusal, ServletRefusal, unsupportedType } from './refusal.ts'

export const json = { 'content-type': 'application/json;charset=utf-8' }

export function answer(status: number, body: unknown, headers: Record<string, string | string[]> = {}): SandboxAnswer {
  return { status, headers: { ...json, ...headers }, body: JSON.stringify(body) }
}

export function envelope(data: readonly unknown[], total: number): Record<string, unknown> {
  return { total_count: total, data, exceeds_total_count: false }
}

export function errorBody(error: Refusal): Record<string, unknown> {
  return {
    error_code: error.code,
    correlation_id: randomUUID(),
    description: error.message,
    description_translated: error.message,
    properties: error.properties,
    stack_trace: '',
    business_error: error.business,
  }
}

/** The answer of the work, or of the refusal it ends with. */
export function guarded(work: () => SandboxAnswer): SandboxAnswer {
  try {
    return work()
  } catch (error) {
    const refusal = error instanceof QueryError ? queryRefusal(error) : error
    if (refusal instanceof ServletRefusal) return servletError(refusal)
    if (refusal instanceof Refusal) return answer(refusal.status, errorBody(refusal))
    throw error
  }
}

function queryRefusal(error: QueryError): Refusal {
  const unknown = /does not have a field/.test(error.message)
  return new Refusal(400, unknown ? 'platform.unknown_field' : 'platform.invalid_query', error.message)
}

/** What the servlet refuses: the error stands HTML-escaped inside a text. */
function servletError(refusal: ServletRefusal): SandboxAnswer {
  const { description_translated: _translated, ...inner } = errorBody(refusal)
  const message = JSON.stringify(inner).replace(/&/g, '&amp;').replace(/"/g, '&quot;')
  const { allowed } = refusal
  return answer(refusal.status, { message }, allowed.length === 0 ? {} : { allow: allowed.join(', ') })
}

/** An address that the servlet does not know. */
export function notThere(): SandboxAnswer {
  return servletError(new ServletRefusal(404, 'Not Found'))
}

export function unauthorized(code: string, message: string): SandboxAnswer {
  return answer(401, { errorCode: code, accumulatedMessage: message })
}

export function parseBody(request: SandboxRequest): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(request.body)
    return isRecord(body) ? body : undefined
  } catch {
    return undefined
  }
}

export function bodyOf(request: SandboxRequest): Record<string, unknown> {
  const type = String(request.headers['content-type'] ?? 'application/json')
  if (!/^application\/json\b/i.test(type)) throw unsupportedType()
  const body = parseBody(request)
  if (body === undefined) throw new Refusal(400, 'platform.bad_request', 'The body is not a JSON object.')
  return body
}

/** The rows of `{"data":[...]}`. */
export function dataOf(request: SandboxRequest): Record<string, unknown>[] {
  const { data } = bodyOf(request)
  if (!Array.isArray(data) || !data.every(isRecord))
    throw new Refusal(400, 'platform.bad_request', 'The body must be {"data":[{...},...]}.')
  return data
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
