import { z } from 'zod'
import { type RouteContract, routes } from './contract/routes.ts'
import { problemDocument } from './contract/schemas.ts'

type Json = Record<string, unknown>

/** The OpenAPI 3.1 document, made from the same contract by which the server validates. */
export function openApiDocument(version: string): Json {
  const components: Json = {}
  const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
    const {
      $defs,
      $schema: _schema,
      ...rest
    } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' }) as Json & { $defs?: Json }
    for (const [name, one] of Object.entries($defs ?? {})) components[name] = relocated(one)
    return relocated(rest) as Json
  }
  const problem = schemaOf(problemDocument, 'output')
  const paths: Record<string, Json> = {}
  for (const [operationId, route] of Object.entries(routes) as [string, RouteContract][]) {
    const path = `/api/v1${route.path.replace(/:(\w+)/g, '{$1}')}`
    const parameters = [
      ...parametersOf(route.params, 'path', schemaOf),
      ...parametersOf(route.query, 'query', schemaOf),
    ]
    if (route.creates === true)
      parameters.push({
        name: 'Idempotency-Key',
        in: 'header',
        required: false,
        description: 'The same key with the same body gets the same answer; nothing is done twice.',
        schema: { type: 'string', maxLength: 200 },
      })
    paths[path] = {
      ...paths[path],
      [route.method]: {
        operationId,
        summary: route.summary,
        tags: [route.tag],
        ...(parameters.length === 0 ? {} : { parameters }),
        ...(route.body === undefined
          ? {}
          : {
              requestBody: {
                required: true,
                content: { 'application/json': { schema: schemaOf(route.body, 'input') } },
              },
            }),
        responses: {
          [route.status]: {
            description: 'Done',
            ...(route.produces !== undefined
              ? {
                  content: Object.fromEntries(route.produces.map((type) => [type, { schema: { type: 'string' } }])),
                }
              : route.answer === null
                ? {}
                : { content: { 'application/json': { schema: schemaOf(route.answer, 'output') } } }),
          },
          default: {
            description: `Refused. Codes: ${[...generalCodes, ...route.codes].join(', ')}`,
            content: { 'application/problem+json': { schema: problem } },
          },
        },
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tandem',
      version,
      description:
        'Keeps work items of ALM/Quality Center and ALM Octane in step. Errors are application/problem+json with a stable code.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: { schemas: components },
  }
}

/** Codes that every request may meet. */
export const generalCodes: readonly string[] = [
  'invalid-request',
  'bad-request',
  'method-not-allowed',
  'idempotency-key-reused',
  'request-running',
  'malformed-json',
  'wrong-content-type',
  'too-large',
  'forbidden-host',
  'forbidden-origin',
  'database-down',
  'temporal-down',
  'internal',
]

function parametersOf(
  schema: z.ZodObject | undefined,
  where: 'path' | 'query',
  schemaOf: (schema: z.ZodType, io: 'input') => Json,
): Json[] {
  if (schema === undefined) return []
  return Object.entries(schema.shape).map(([name, one]) => ({
    name,
    in: where,
    required: where === 'path',
    schema: schemaOf(one as z.ZodType, 'input'),
  }))
}

/** Zod's local definitions become components of the document. */
function relocated(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(relocated)
  if (schema === null || typeof schema !== 'object') return schema
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]) => {
      if (key === '$ref' && typeof value === 'string')
        return [[key, value.replace('#/$defs/', '#/components/schemas/')]]
      if (key === 'id' && typeof value === 'string') return []
      return [[key, relocated(value)]]
    }),
  )
}
