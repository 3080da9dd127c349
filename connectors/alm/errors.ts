import type { EntityMetadata } from '../../core/metadata.ts'
import type { Problem } from '../../core/problems.ts'
import { ConnectorError } from '../contract.ts'
import { type HttpAnswer, isHtml, jsonOf } from '../http.ts'

/** An ALM error, from JSON or XML alike. */
export interface AlmError {
  id: string
  title: string
}

export function parseJson(answer: HttpAnswer): unknown {
  return jsonOf(answer)
}

export function errorOf(answer: HttpAnswer): AlmError {
  const body = parseJson(answer) as { Id?: unknown; Title?: unknown } | undefined
  if (body !== undefined && body !== null && typeof body.Id === 'string')
    return { id: body.Id, title: typeof body.Title === 'string' ? body.Title : '' }
  const id = /<Id>([^<]*)<\/Id>/.exec(answer.text)?.[1]
  const title = /<Title>([^<]*)<\/Title>/.exec(answer.text)?.[1]
  return { id: id ?? '', title: unescapeXml(title ?? '') }
}

function unescapeXml(text: string): string {
  return text
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&amp;/g, '&')
}

/** An ALM error in our words. Titles name the field's label; `field` is its name again. */
export function problemOf(error: AlmError, status: number, metadata?: EntityMetadata): Problem {
  const { id, title } = error
  const said = title === '' ? `HTTP ${status}` : title
  const field = fieldNamedIn(said, metadata)
  const at = field === undefined ? {} : { field }
  switch (id) {
    case 'qccore.entity-not-found':
      return {
        class: 'missing',
        code: 'gone',
        message: said,
        remedy: 'Nothing to do, unless it was deleted by mistake.',
      }
    case 'qccore.required-field-missing':
      return {
        class: 'mapping',
        code: 'required-field',
        message: said,
        remedy: 'Fill in the field the value comes from, or give its mapping a default.',
        ...at,
      }
    case 'qccore.unknown-field-name':
      return {
        class: 'schema',
        code: 'unknown-field',
        message: said,
        remedy: 'Map another field, or remove the mapping.',
        ...at,
      }
    case 'qccore.invalid-list-field-value':
      return {
        class: 'mapping',
        code: 'value-not-in-list',
        message: said,
        remedy: 'Correct the value mapping, or add the value to the list in ALM.',
        ...at,
      }
    case 'qccore.invalid-value-type-for-field':
      return { class: 'mapping', code: 'wrong-type', message: said, remedy: 'Map fields of matching types.', ...at }
    case 'qccore.lock-failure':
    case 'qccore.entity-locked':
      return locked(said)
    case 'qccore.request-conflict':
      return {
        class: 'locked',
        code: 'conflict',
        message: said,
        remedy: 'Nothing to do: it is tried again by itself. Another request was at work on the record.',
      }
    case 'qccore.entity-already-exists':
      return {
        class: 'refused',
        code: 'entity-already-exists',
        message: said,
        remedy: 'Rename one of the two.',
        ...at,
      }
    case 'qccore.operation-forbidden':
      if (/\bchecked out by\b/i.test(said)) return locked(said)
      if (/\bchecked out\b/i.test(said))
        return {
          class: 'refused',
          code: 'not-checked-out',
          message: said,
          remedy:
            'The project is under version control, and Tandem checks no record out: leave these records out of the scope, or let them be written without check-out.',
        }
      return /read-?only|transition|status/i.test(said) && field !== undefined
        ? {
            class: 'refused',
            code: 'read-only-field',
            message: said,
            remedy: 'Map the field in the other direction only, or allow this change to the integration user.',
            ...at,
          }
        : {
            class: 'forbidden',
            code: 'forbidden',
            message: said,
            remedy: 'Give the integration user a group that allows this.',
            ...at,
          }
    default:
      // Lists tell it without an id of its own.
      if (/does(n't| not) have a field/i.test(said))
        return {
          class: 'schema',
          code: 'unknown-field',
          message: said,
          remedy: 'Map another field, or remove the mapping.',
          ...at,
        }
      if (/too long|max(imum)? (size|length)|exceeds/i.test(said))
        return {
          class: 'mapping',
          code: 'too-long',
          message: said,
          remedy: 'Shorten the text, or map it to a longer field.',
          ...at,
        }
      if (status === 403)
        return {
          class: 'forbidden',
          code: 'forbidden',
          message: said,
          remedy: 'Give the integration user a group that allows this.',
          ...at,
        }
      return {
        class: 'refused',
        code: id === '' ? 'refused' : id.replace('qccore.', ''),
        message: said,
        remedy: 'See the message of the server.',
        ...at,
      }
  }
}

function locked(message: string): Problem {
  return {
    class: 'locked',
    code: 'locked',
    message,
    remedy: 'Nothing to do: it is tried again by itself. The person named has it open in ALM.',
  }
}

function fieldNamedIn(text: string, metadata: EntityMetadata | undefined): string | undefined {
  if (metadata === undefined) return undefined
  const quoted = [...text.matchAll(/['"]([^'"]+)['"]/g)].map((match) => match[1])
  return metadata.fields.find((field) => quoted.includes(field.label) || quoted.includes(field.name))?.name
}

/** The session is over: 401, 403 that says so, or a 500 that says "logged out". A 401 about XSRF is not. */
export function isSessionOver(answer: HttpAnswer): boolean {
  if (answer.status === 401) return !/XSRF/i.test(answer.text)
  const { id, title } = answer.status === 403 || answer.status === 500 ? errorOf(answer) : { id: '', title: '' }
  if (answer.status === 403) return id === 'qccore.session-has-expired' || /session (has )?expired/i.test(title)
  return answer.status === 500 && /logged out/i.test(title)
}

export function assertSuccess(answer: HttpAnswer, name: string, metadata?: EntityMetadata): void {
  if (isHtml(answer)) {
    const unavailable = answer.status >= 500
    throw new ConnectorError({
      class: unavailable ? 'unavailable' : 'auth',
      code: 'html-answer',
      message: `${name} answers with a web page where data was expected (HTTP ${answer.status}).`,
      remedy: unavailable
        ? 'The server or a proxy before it is in trouble; it is tried again.'
        : 'Check the address (it ends in /qcbin), and whether a login page or proxy stands before the server.',
    })
  }
  if (answer.status >= 200 && answer.status < 300) return
  const error = errorOf(answer)
  if (answer.status >= 500)
    throw new ConnectorError({
      class: 'unavailable',
      code: 'server-error',
      message: `${name} answered HTTP ${answer.status}${error.id === '' ? '' : ` (${error.id})`}.`,
      remedy: 'It is tried again; see the log of the server if it stays.',
    })
  throw new ConnectorError(problemOf(error, answer.status, metadata))
}
