import type { AlmFieldModel, AlmTypeModel } from './model.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmRecord, AlmStored } from './store.ts'
import { parseXml, type XmlContent } from './xml.ts'

function valuesOf(value: AlmStored | undefined): readonly string[] {
  return value === null || value === undefined
    ? []
    : Array.isArray(value)
      ? (value as readonly string[])
      : [value as string]
}

/** Numbers, dates and sets of references without value have no value element, everything else has an empty one. */
function bareWhenEmpty(field: AlmFieldModel): boolean {
  if (field.type === 'Reference') return field.multiple === true
  return field.type === 'Number' || field.type === 'Date' || field.type === 'DateTime'
}

/** Fields come in the order of a hash map: stable, and nobody's. */
function shuffled(fields: readonly AlmFieldModel[]): AlmFieldModel[] {
  const hash = (text: string) => [...text].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) >>> 0, 7)
  return [...fields].sort((a, b) => hash(a.name) - hash(b.name))
}

const orders = new Map<string, AlmFieldModel[]>()

/** Whether the user may not read a field of a record: then it is undefined. One that came after the record is empty. */
export function isWithheld(record: AlmRecord, field: string): boolean {
  return field in record && record[field] === undefined
}

/** The fields of a record that are asked for and may be read. */
function inOrder(model: AlmTypeModel, record: AlmRecord, only: ReadonlySet<string> | null): AlmFieldModel[] {
  const known = orders.get(model.name) ?? shuffled(model.fields.filter((field) => field.internal !== true))
  orders.set(model.name, known)
  return known.filter((field) => !isWithheld(record, field.name) && (only === null || only.has(field.name)))
}

export function jsonEntity(
  model: AlmTypeModel,
  record: AlmRecord,
  only: ReadonlySet<string> | null,
): Record<string, unknown> {
  return {
    Fields: inOrder(model, record, only).map((field) => {
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

/** What a reference shows to people: the name of the record it leads to. */
export type Naming = (field: AlmFieldModel, value: string) => string | undefined

export function xmlEntity(
  model: AlmTypeModel,
  record: AlmRecord,
  only: ReadonlySet<string> | null,
  naming: Naming,
): Record<string, XmlContent> {
  return {
    '@Type': model.name,
    ChildrenCount: { Value: '0' },
    Fields: {
      Field: inOrder(model, record, only).map((field) => {
        const values = valuesOf(record[field.name])
        if (values.length === 0) return { '@Name': field.name, ...(bareWhenEmpty(field) ? {} : { Value: '' }) }
        if (field.type !== 'Reference') return { '@Name': field.name, Value: values }
        return {
          '@Name': field.name,
          Value: values.map((value) => {
            const shown = naming(field, value)
            return shown === undefined ? value : { '@ReferenceValue': shown, '#': value }
          }),
        }
      }),
    },
    RelatedEntities: null,
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

const opaque = (what: string) => new AlmRefusal(500, 'qccore.general-error', what)

/** Parses a body of one or many records. In JSON a body that begins with a parent or type is answered with an opaque 500. */
export function parseEntities(contentType: string, body: string, many: boolean): WrittenEntity[] {
  if (/xml/i.test(contentType)) return parseXmlEntities(body, many)
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    throw new AlmRefusal(400, 'qccore.general-error', 'The body is not valid JSON')
  }
  if (!many) return [jsonWritten(parsed)]
  const entities = propertyOf(parsed, 'entities')
  if (!Array.isArray(entities)) throw new AlmRefusal(400, 'qccore.general-error', 'The body has no entities')
  return entities.map(jsonWritten)
}

function propertyOf(value: unknown, name: string): unknown {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[name] : undefined
}

function jsonWritten(entity: unknown): WrittenEntity {
  const fields = propertyOf(entity, 'Fields')
  if (!Array.isArray(fields))
    throw opaque('Cannot invoke "JsonNode.elements()" because the return value of "JsonNode.get(String)" is null')
  const first = propertyOf(fields[0], 'Name')
  if (first === 'parent-id' || first === 'type-id')
    throw opaque('Cannot invoke "Object.hashCode()" because "key" is null')
  return entityOf(
    fields.map((field: unknown) => {
      const name = propertyOf(field, 'Name')
      if (typeof name !== 'string') throw opaque('Cannot invoke "JsonNode.asText()" because "name" is null')
      const values = propertyOf(field, 'values')
      if (!Array.isArray(values)) throw opaque('Cannot invoke "JsonNode.elements()" because "values" is null')
      return [
        name,
        values.flatMap((one: unknown) => {
          const value = propertyOf(one, 'value')
          return value === undefined || value === null ? [] : [String(value)]
        }),
      ] as const
    }),
  )
}

interface XmlEntity {
  Fields?: { Field?: { '@Name'?: string; '#'?: string; Value?: (string | Readonly<Record<string, unknown>>)[] }[] }
}

function parseXmlEntities(body: string, many: boolean): WrittenEntity[] {
  let parsed: { Entity?: XmlEntity[]; Entities?: { Entity?: XmlEntity[] } }
  try {
    parsed = parseXml(body)
  } catch {
    throw new AlmRefusal(400, 'qccore.general-error', 'The body is not valid XML')
  }
  const entities = many ? parsed.Entities?.Entity : parsed.Entity
  if (entities === undefined) throw new AlmRefusal(400, 'qccore.general-error', 'The body holds no entity')
  return entities.map((entity) =>
    entityOf(
      (entity.Fields?.Field ?? []).map((field) => {
        const name = field['@Name']
        if (name === undefined) throw new AlmRefusal(400, 'qccore.general-error', 'A field has no name')
        if ((field['#'] ?? '').trim() !== '')
          throw new AlmRefusal(400, 'qccore.general-error', `The field '${name}' holds a text outside its values`)
        return [name, (field.Value ?? []).map(textOf)] as const
      }),
    ),
  )
}

/** The text of a value; markup that was not escaped is no text. */
function textOf(value: string | Readonly<Record<string, unknown>>): string {
  if (typeof value === 'string') return value
  if (Object.keys(value).some((key) => key !== '#' && !key.startsWith('@')))
    throw new AlmRefusal(400, 'qccore.general-error', 'A value holds elements instead of text')
  return String(value['#'] ?? '')
}
