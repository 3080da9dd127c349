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

export function notFound(type: string, id: string): Refusal {
  return new Refusal(404, 'platform.entity_not_found', `The entity '${type}' with id '${id}' does not exist.`, {
    entity_type: type,
    entity_id: id,
  })
}

export function methodNotAllowed(): Refusal {
  return new Refusal(405, 'platform.method_not_allowed', 'HTTP 405 Method Not Allowed')
}
