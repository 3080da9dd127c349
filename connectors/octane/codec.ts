import { canonicalMemo, lostInMemo, wrapMemo } from '../../core/memo.ts'
import { type CanonicalValue, canonicalSet, keepableText, type RecordSnapshot } from '../../core/values.ts'
import type { OctaneReference, WireField } from './schema.ts'

export type OctaneEntity = Record<string, unknown> & { id: string }

/** A value as Octane writes it, in canonical form. */
export function decode(field: WireField, value: unknown): CanonicalValue {
  if (value === null || value === undefined || value === '') return null
  if (field.wire === 'reference') {
    if (field.metadata.multiple) {
      const items = (value as { data?: OctaneReference[] }).data ?? []
      return canonicalSet(items.map((item) => String(item.id)))
    }
    const { id } = value as OctaneReference
    return String(id) === field.rootId ? null : String(id)
  }
  if (field.metadata.type === 'memo') return canonicalMemo(keepableText(String(value)))
  if (typeof value === 'number' || typeof value === 'boolean') return value
  const text = keepableText(typeof value === 'string' ? value : JSON.stringify(value))
  return text === '' ? null : text
}

/** A canonical value as Octane reads it. */
export function encode(field: WireField, value: CanonicalValue): unknown {
  if (field.wire === 'reference') {
    const reference = (id: string) => ({ type: field.target ?? 'list_node', id })
    if (field.metadata.multiple)
      return {
        data: (Array.isArray(value) ? (value as readonly string[]) : value === null ? [] : [String(value)]).map(
          reference,
        ),
      }
    if (value === null) return field.rootId === undefined ? null : { type: 'work_item_root', id: field.rootId }
    return reference(String(value))
  }
  if (value === null) return null
  if (field.metadata.type === 'memo') return wrapMemo(String(value))
  return value
}

/** Stamps of a record, which every read asks for. */
export const stampFields = ['version_stamp', 'last_modified', 'client_lock_stamp', 'creation_time'] as const

export function snapshotOf(
  fields: ReadonlyMap<string, WireField>,
  entity: OctaneEntity,
  wanted: readonly string[],
): RecordSnapshot {
  const values: Record<string, CanonicalValue> = {}
  const lost: Record<string, readonly string[]> = {}
  for (const name of wanted) {
    const field = fields.get(name)
    if (field === undefined || !(name in entity)) continue
    values[name] = decode(field, entity[name])
    const missed = field.metadata.type === 'memo' ? lostInMemo(String(entity[name] ?? '')) : []
    if (missed.length > 0) lost[name] = missed
  }
  const lock = entity.client_lock_stamp
  return {
    id: String(entity.id),
    stamp: {
      version: typeof entity.version_stamp === 'number' ? entity.version_stamp : null,
      modified: typeof entity.last_modified === 'string' ? entity.last_modified : null,
    },
    created: typeof entity.creation_time === 'string' ? entity.creation_time : null,
    fields: values,
    ...(Object.keys(lost).length > 0 ? { lost } : {}),
    ...(typeof lock === 'number' ? { lock } : {}),
  }
}

/**
 * A text inside a query: between carets everything up to the next caret is text. What cannot stand there (a caret, and a
 * double quote, whose treatment differs between servers) becomes the wildcard; callers filter the rows exactly themselves.
 */
export function quoted(text: string): string {
  return `^${text.replace(/[\^"*\\]/g, '*')}^`
}
