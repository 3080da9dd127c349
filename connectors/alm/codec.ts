import { readCommentMemo } from '../../core/comment-memo.ts'
import { commentsValue } from '../../core/comments.ts'
import { canonicalMemo, lostInMemo, unreadableMemo, wrapMemo } from '../../core/memo.ts'
import type { FieldMetadata } from '../../core/metadata.ts'
import { type CanonicalValue, canonicalSet, keepableText, type RecordSnapshot } from '../../core/values.ts'
import { asArray } from './schema.ts'

export interface AlmValue {
  value?: string
}

export interface AlmEntity {
  Type: string
  Fields: { Name: string; values?: AlmValue[] | AlmValue }[]
}

/** The record above all requirements, which stands for "none". */
const rootId = '0'

/** A field's values in canonical form. "No value" has three encodings on the wire and one here. */
export function decode(field: FieldMetadata, values: readonly AlmValue[]): CanonicalValue {
  const texts = values.flatMap((one) =>
    one.value === undefined || one.value === null
      ? []
      : [keepableText(String(one.value))].filter((text) => text !== ''),
  )
  const [first] = texts
  if (field.multiple)
    return canonicalSet(
      texts
        .flatMap((text) => (field.type === 'list' ? text.split(';') : [text]))
        .map((text) => text.trim())
        .filter((text) => text !== ''),
    )
  if (first === undefined || (field.hierarchy !== undefined && first === rootId)) return null
  switch (field.type) {
    case 'memo':
      return canonicalMemo(first)
    case 'comments':
      return commentsValue(readCommentMemo(first))
    case 'integer':
    case 'float': {
      const number = Number(first)
      return Number.isFinite(number) ? number : first
    }
    default:
      return first
  }
}

/** A canonical value as ALM reads it: one object per value, and an empty text to clear. */
export function encode(field: FieldMetadata, value: CanonicalValue): AlmValue[] {
  if (value === null) return [{ value: field.hierarchy === undefined ? '' : rootId }]
  if (Array.isArray(value)) return (value as readonly string[]).map((item) => ({ value: item }))
  if (field.type === 'memo') return [{ value: wrapMemo(String(value)) }]
  return [{ value: String(value) }]
}

/** Fields that come late in a body: one that begins with a reference or a type is answered with an opaque 500. */
function rank(name: string): number {
  if (name === 'id') return 0
  if (name === 'name') return 1
  if (name === 'type-id') return 4
  if (name === 'parent-id') return 3
  return 2
}

export function entityBody(
  entityType: string,
  metadata: ReadonlyMap<string, FieldMetadata>,
  fields: Readonly<Record<string, CanonicalValue>>,
  id?: string,
): AlmEntity {
  const names = Object.keys(fields).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  const encoded = names.map((name) => {
    const field = metadata.get(name)
    const value = fields[name] ?? null
    return {
      Name: name,
      values: field === undefined ? [{ value: value === null ? '' : String(value) }] : encode(field, value),
    }
  })
  return {
    Type: entityType,
    Fields: id === undefined ? encoded : [{ Name: 'id', values: [{ value: id }] }, ...encoded],
  }
}

/** Fields that every read asks for. */
export const stampFields = ['id', 'ver-stamp', 'last-modified'] as const

/** The day of creation, on types that have one; people may change it. */
const creationField: Readonly<Record<string, string>> = { defect: 'creation-time', requirement: 'creation-time' }

/** Stamps, and what tells a record from another one that was given its id. */
export function identityFields(entityType: string): readonly string[] {
  const created = creationField[entityType]
  return created === undefined ? stampFields : [...stampFields, created]
}

export function snapshotOf(
  metadata: ReadonlyMap<string, FieldMetadata>,
  entity: AlmEntity,
  wanted: readonly string[],
): RecordSnapshot {
  const wire = new Map(asArray(entity.Fields).map((field) => [field.Name, asArray(field.values)]))
  const text = (name: string) => wire.get(name)?.[0]?.value
  const values: Record<string, CanonicalValue> = {}
  const lost: Record<string, readonly string[]> = {}
  for (const name of wanted) {
    const field = metadata.get(name)
    const found = wire.get(name)
    if (field === undefined || found === undefined) continue
    const why = field.type === 'comments' ? unreadableMemo(canonicalMemo(found[0]?.value ?? '')) : null
    if (why !== null) {
      // That nobody can tell what is there is not that nothing is there.
      lost[name] = [why]
      continue
    }
    values[name] = decode(field, found)
    const missed = field.type === 'memo' ? lostInMemo(found[0]?.value ?? '') : []
    if (missed.length > 0) lost[name] = missed
  }
  const version = text('ver-stamp')
  const modified = text('last-modified')
  return {
    id: text('id') ?? '',
    stamp: {
      version: version === undefined || version === '' ? null : Number(version),
      modified: modified === undefined || modified === '' ? null : modified,
    },
    ...(wire.has('creation-time') ? { created: text('creation-time') ?? null } : {}),
    fields: values,
    ...(Object.keys(lost).length > 0 ? { lost } : {}),
  }
}

/**
 * A literal inside a filter's brackets. There is no escape: a text with quotes of one kind is put between the other kind;
 * with both, quotes become wildcards, and callers filter the rows exactly themselves. Always quoted: bare words such as
 * NOT or OR would be read as operators.
 */
export function quoted(text: string): string {
  if (!text.includes('"')) return `"${text}"`
  if (!text.includes("'")) return `'${text}'`
  return `"${text.replace(/["']/g, '*')}"`
}
