import { XMLBuilder, XMLParser } from 'fast-xml-parser'
import type { AlmFieldModel, AlmTypeModel } from './model.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmRecord, AlmStored } from './store.ts'

/** JSON or XML, by what the client accepts; html: no usable Accept header. */
export type Encoding = 'json' | 'xml' | 'html'

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: '#',
  suppressEmptyNode: true,
})
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: '#',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  isArray: (name) => name === 'Field' || name === 'Value' || name === 'Entity',
})

export const xmlHead = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

export function xml(root: Record<string, unknown>): string {
  return xmlHead + String(builder.build(root))
}

function valuesOf(value: AlmStored | undefined): readonly string[] {
  return value === null || value === undefined
    ? []
    : Array.isArray(value)
      ? (value as readonly string[])
      : [value as string]
}

/** Numbers and dates without value have no value element, everything else has an empty one. */
function bareWhenEmpty(field: AlmFieldModel): boolean {
  return field.type === 'Number' || field.type === 'Date' || field.type === 'DateTime'
}

/** Fields come in the order of a hash map: stable, and nobody's. */
function shuffled(fields: readonly AlmFieldModel[]): AlmFieldModel[] {
  const hash = (text: string) => [...text].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) >>> 0, 7)
  return [...fields].sort((a, b) => hash(a.name) - hash(b.name))
}

const orders = new Map<string, AlmFieldModel[]>()

function inOrder(model: AlmTypeModel, only: ReadonlySet<string> | null): AlmFieldModel[] {
  const known = orders.get(model.name) ?? shuffled(model.fields)
  orders.set(model.name, known)
  return only === null ? known : known.filter((field) => only.has(field.name))
}

export function jsonEntity(
  model: AlmTypeModel,
  record: AlmRecord,
  only: ReadonlySet<string> | null,
): Record<string, unknown> {
  return {
    Fields: inOrder(model, only).map((field) => {
      const values = valuesOf(record[field.name])
      return {
        Name: field.name,
        values: values.length > 0 ? values.map((value) => ({ value })) : bareWhenEmpty(field) ? [] : [{}],
      }
    }),
    Type: model.name,
    'children-count': 0,
  }
}

export function xmlEntity(
  model: AlmTypeModel,
  record: AlmRecord,
  only: ReadonlySet<string> | null,
): Record<string, unknown> {
  return {
    '@Type': model.name,
    ChildrenCount: { Value: '0' },
    Fields: {
      Field: inOrder(model, only).map((field) => {
        const values = valuesOf(record[field.name])
        return {
          '@Name': field.name,
          ...(values.length > 0
            ? { Value: values.map((value) => ({ '#': value })) }
            : bareWhenEmpty(field)
              ? {}
              : { Value: [{ '#': '' }] }),
        }
      }),
    },
    RelatedEntities: '',
  }
}

/** A written record: fields in the order of the body, which JSON cares about. */
export interface WrittenEntity {
  id: string | null
  fields: AlmRecord
}

function entityOf(pairs: readonly (readonly [string, readonly string[]])[]): WrittenEntity {
  const fields: AlmRecord = {}
  let id: string | null = null
  for (const [name, values] of pairs) {
    if (name === 'id') {
      id = values[0] ?? null
      continue
    }
    fields[name] = values.length > 1 ? values : (values[0] ?? null)
  }
  return { id, fields }
}

interface JsonEntity {
  Fields?: { Name: string; values?: { value?: unknown }[] }[]
}

/** Parses a body of one or many records. In JSON a body that begins with a parent or type is answered with an opaque 500. */
export function parseEntities(contentType: string, body: string, many: boolean): WrittenEntity[] {
  if (/xml/i.test(contentType)) return parseXmlEntities(body, many)
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    throw new AlmRefusal(400, 'qccore.general-error', 'The body is not valid JSON')
  }
  const one = (entity: JsonEntity): WrittenEntity => {
    if (!Array.isArray(entity.Fields))
      throw new AlmRefusal(500, 'qccore.general-error', 'Cannot invoke "JsonNode.elements()" because "fields" is null')
    const [first] = entity.Fields
    if (first?.Name === 'parent-id' || first?.Name === 'type-id')
      throw new AlmRefusal(500, 'qccore.general-error', 'Cannot invoke "Object.hashCode()" because "key" is null')
    return entityOf(
      entity.Fields.map(
        (field) =>
          [
            field.Name,
            (field.values ?? []).flatMap((value) =>
              value.value === undefined || value.value === null ? [] : [String(value.value)],
            ),
          ] as const,
      ),
    )
  }
  if (!many) {
    if (parsed !== null && typeof parsed === 'object' && 'entities' in parsed)
      throw new AlmRefusal(
        500,
        'qccore.general-error',
        'Cannot invoke "JsonNode.elements()" because "JsonNode.get(String)" is null',
      )
    return [one(parsed as JsonEntity)]
  }
  const entities = (parsed as { entities?: JsonEntity[] } | null)?.entities
  if (!Array.isArray(entities)) throw new AlmRefusal(400, 'qccore.general-error', 'The body has no entities')
  return entities.map(one)
}

interface XmlEntity {
  Fields?: { Field?: { '@Name': string; Value?: (string | { '#'?: string })[] }[] }
}

function parseXmlEntities(body: string, many: boolean): WrittenEntity[] {
  let parsed: { Entity?: XmlEntity[]; Entities?: { Entity?: XmlEntity[] } }
  try {
    parsed = parser.parse(body)
  } catch {
    throw new AlmRefusal(400, 'qccore.general-error', 'The body is not valid XML')
  }
  const entities = many ? parsed.Entities?.Entity : parsed.Entity
  if (entities === undefined) throw new AlmRefusal(400, 'qccore.general-error', 'The body holds no entity')
  return entities.map((entity) =>
    entityOf(
      (entity.Fields?.Field ?? []).map(
        (field) =>
          [
            field['@Name'],
            (field.Value ?? []).map((value) => (typeof value === 'string' ? value : (value['#'] ?? ''))),
          ] as const,
      ),
    ),
  )
}

/** Parses small XML documents such as the sign-in's. */
export function parseXml(body: string): Record<string, unknown> {
  try {
    return parser.parse(body) as Record<string, unknown>
  } catch {
    return {}
  }
}
