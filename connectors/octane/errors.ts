import type { EntityMetadata } from '../../core/metadata.ts'
import type { Problem } from '../../core/problems.ts'
import { ConnectorError } from '../contract.ts'
import { type HttpAnswer, isHtml, jsonOf } from '../http.ts'

/** One error as Octane words it, single or as a row of a bulk answer. */
export interface OctaneError {
  index?: number
  entity_index?: number
  error_code?: string
  description?: string
  description_translated?: string
  properties?: Record<string, unknown> | null
  business_error?: boolean
}

interface ErrorBody extends OctaneError {
  errors?: OctaneError[]
  data?: unknown[]
  errorCode?: string
  accumulatedMessage?: string
  message?: string
}

export function parseJson(answer: HttpAnswer): unknown {
  return jsonOf(answer)
}

/** The errors of an answer, whatever of its four shapes they came in. */
export function errorsOf(answer: HttpAnswer): OctaneError[] {
  const body = parseJson(answer) as ErrorBody | undefined
  if (body === undefined || body === null) return []
  if (Array.isArray(body.errors)) return body.errors
  if (typeof body.error_code === 'string') return [body]
  if (typeof body.errorCode === 'string')
    return [
      {
        error_code: body.errorCode,
        ...(body.accumulatedMessage === undefined ? {} : { description: body.accumulatedMessage }),
      },
    ]
  if (typeof body.message === 'string') {
    // The servlet wraps its error, escaped for HTML, into a string.
    const inner = body.message.replace(/&quot;/g, '"').replace(/&amp;/g, '&')
    try {
      return [JSON.parse(inner) as OctaneError]
    } catch {
      return [{ description: body.message }]
    }
  }
  return []
}

/** The position of the row of a bulk that an error is about, under either of its names; none: the error does not tell. */
export function rowOf({ index, entity_index }: OctaneError): number[] {
  return [index, entity_index].flatMap((row) => (typeof row === 'number' ? [row] : [])).slice(0, 1)
}

/** Whether what does not exist is the workspace itself, or the space: this says nothing about a record in it. */
export function isWorkspaceGone({ error_code, properties }: OctaneError): boolean {
  return (
    error_code === 'platform.entity_not_found' &&
    ['workspace', 'shared_space'].includes(String(properties?.entity_type ?? ''))
  )
}

/** Whether a 401 is about the user's rights: that a session has ended is told in another form, in its own words, or without a body. */
export function refusesUser(answer: HttpAnswer): boolean {
  const body = isHtml(answer) ? undefined : (parseJson(answer) as ErrorBody | null | undefined)
  return typeof body?.error_code === 'string' && !/token|session|expired/i.test(body.error_code)
}

/** An Octane error in our words, with the field's name where the error tells it. */
export function problemOf(error: OctaneError, status: number, metadata?: EntityMetadata): Problem {
  const code = error.error_code ?? ''
  const said = error.description_translated ?? error.description ?? `HTTP ${status}`
  const name = error.properties?.field_name ?? error.properties?.fieldName
  const field = typeof name === 'string' ? name : fieldNamedIn(said, metadata)
  const label = metadata?.fields.find((candidate) => candidate.name === field)?.label ?? field
  const at = field === undefined ? {} : { field }
  const about = label === undefined ? '' : ` ("${label}")`
  switch (true) {
    case isWorkspaceGone(error):
      return {
        class: 'forbidden',
        code: 'project-unknown',
        message: said,
        remedy: 'Check the number of the workspace, and that the integration user is a member of it.',
      }
    case code === 'platform.entity_not_found':
      return {
        class: 'missing',
        code: 'gone',
        message: 'The record does not exist any more.',
        remedy: 'Nothing to do, unless it was deleted by mistake.',
      }
    case code === 'platform.unknown_field':
      return {
        class: 'schema',
        code: 'unknown-field',
        message: said,
        remedy: 'Map another field, or remove the mapping.',
        ...at,
      }
    case code === 'platform.modify_non_editable_field' || code === 'platform.final_field':
      return {
        class: 'schema',
        code: 'read-only-field',
        message: `The field${about} cannot be written: ${said}`,
        remedy: 'Map it in the other direction only.',
        ...at,
      }
    case code === 'platform.duplicate_entity_error':
      return {
        class: 'refused',
        code: 'duplicate-name',
        message: said,
        remedy: 'Give the record another name on one side.',
        ...at,
      }
    case /transition/i.test(code) || (field === 'phase' && error.business_error === true):
      return {
        class: 'refused',
        code: 'transition-refused',
        message: `The workflow refuses the phase: ${said}`,
        remedy: 'Move the record by hand, or allow the transition to this user.',
        field: 'phase',
      }
    case /required/i.test(code) || /required/i.test(said):
      return {
        class: 'mapping',
        code: 'required-field',
        message: `A required field${about} has no value: ${said}`,
        remedy: 'Fill in the field the value comes from, or give its mapping a default.',
        ...at,
      }
    case code === 'platform.illegal_field_value':
      return {
        class: 'mapping',
        code: 'value-not-in-list',
        message: `The value of the field${about} is refused: ${said}`,
        remedy: 'Correct the value mapping, or add the value to the list.',
        ...at,
      }
    case code === 'platform.field_too_long' || /too long|max(imum)? length/i.test(said):
      return {
        class: 'mapping',
        code: 'too-long',
        message: said,
        remedy: 'Shorten the text, or map it to a longer field.',
        ...at,
      }
    case status === 403 || code === 'platform.not_authorized':
      return {
        class: 'forbidden',
        code: 'forbidden',
        message: said,
        remedy: 'Give the integration user a role that allows this.',
        ...at,
      }
    case error.business_error === true:
      return {
        class: 'refused',
        code: 'business-rule',
        message: said,
        remedy: 'See the business rules of the workspace; fill in what the rule asks for.',
        ...at,
      }
    default:
      return {
        class: 'refused',
        code: code === '' ? 'refused' : code,
        message: said,
        remedy: 'See the message of the server.',
        ...at,
      }
  }
}

function fieldNamedIn(text: string, metadata: EntityMetadata | undefined): string | undefined {
  if (metadata === undefined) return undefined
  const quoted = [...text.matchAll(/['"]([^'"]+)['"]/g)].map((match) => match[1])
  return metadata.fields.find((field) => quoted.includes(field.name) || quoted.includes(field.label))?.name
}

/** Throws for an answer that is no success, in the class that decides about retries. */
export function assertSuccess(answer: HttpAnswer, name: string, metadata?: EntityMetadata): void {
  if (answer.status === 414 || answer.status === 431)
    throw new ConnectorError({
      class: 'refused',
      code: 'address-too-long',
      message: `${name} or a proxy before it refuses the length of a request's address (HTTP ${answer.status}).`,
      remedy: 'Name fewer values in the filter of the link, or let the server read longer addresses.',
    })
  if (isHtml(answer)) {
    const unavailable = answer.status >= 500
    throw new ConnectorError({
      class: unavailable ? 'unavailable' : 'auth',
      code: 'html-answer',
      message: `${name} answers with a web page where data was expected (HTTP ${answer.status}).`,
      remedy: unavailable
        ? 'The server or a proxy before it is in trouble; it is tried again.'
        : 'Check the address, and whether a login page or proxy stands before the server.',
    })
  }
  if (answer.status >= 200 && answer.status < 300) return
  const [error] = errorsOf(answer)
  if (answer.status >= 500)
    throw new ConnectorError({
      class: 'unavailable',
      code: 'server-error',
      message: `${name} answered HTTP ${answer.status}${error?.error_code === undefined ? '' : ` (${error.error_code})`}.`,
      remedy: 'It is tried again; see the log of the server if it stays.',
    })
  throw new ConnectorError(problemOf(error ?? {}, answer.status, metadata))
}
