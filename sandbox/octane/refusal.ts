/** A refusal, with what the product's error body needs. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly properties: Record<string, unknown> | null
  readonly business: boolean

  constructor(
    status: number,
    code: string,
    message: string,
    properties: Record<string, unknown> | null = null,
    business = false,
  ) {
    super(message)
    this.status = status
    this.code = code
    this.properties = properties
    this.business = business
  }
}

/** What the servlet refuses before the application has looked at it: it answers in another form. */
export class ServletRefusal extends Refusal {
  /** Methods that the address knows, where it is about the method. */
  readonly allowed: readonly string[]

  constructor(status: number, reason: string, allowed: readonly string[] = []) {
    super(status, 'platform.web_application', `HTTP ${status} ${reason}`)
    this.allowed = allowed
  }
}

export function notFound(type: string, id: string): Refusal {
  return new Refusal(404, 'platform.entity_not_found', `The entity '${type}' with id '${id}' does not exist.`, {
    entity_type: type,
    entity_id: id,
  })
}

export function methodNotAllowed(...allowed: string[]): ServletRefusal {
  return new ServletRefusal(405, 'Method Not Allowed', allowed)
}

export function unsupportedType(): ServletRefusal {
  return new ServletRefusal(415, 'Unsupported Media Type')
}
