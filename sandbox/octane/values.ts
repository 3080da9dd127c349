import type { FieldModel } from './field-models.ts'
import { storedMemo } from './memo.ts'
import type { Entity, Reference } from './store.ts'
import type { OctaneSwitchValues } from './switches.ts'

/** Finds what a reference names. */
export interface Lookup {
  readonly switches: OctaneSwitchValues
  find(type: string, id: string): Entity | undefined
}

/** What a field holds where nothing was given. */
export function emptyValue(field: FieldModel): unknown {
  if (field.multiple === true) return []
  return field.type === 'boolean' ? false : null
}

/** A value as it is kept: memos sanitised, times in UTC to the second, references with their concrete type. */
export function storedValue(field: FieldModel, value: unknown, lookup: Lookup): unknown {
  if (value === null || value === undefined || value === '') return field.multiple === true ? [] : null
  if (field.type === 'memo') return storedMemo(String(value), lookup.switches)
  if (field.type === 'date_time') return `${new Date(String(value)).toISOString().slice(0, 19)}Z`
  if (field.type !== 'reference') return value
  const reference = (item: Reference): Reference => {
    const target = lookup.find(field.target ?? '', String(item.id))
    return target === undefined
      ? { type: field.target ?? item.type, id: String(item.id) }
      : { type: target.type, id: target.id }
  }
  if (field.multiple !== true) return reference(value as Reference)
  const data = Array.isArray(value) ? value : ((value as { data?: Reference[] }).data ?? [])
  const unique = new Map((data as Reference[]).map(reference).map((item) => [item.id, item]))
  return [...unique.values()]
}

/** Whether a reference, or one of several, names a record. */
export function namesRecord(value: unknown, type: string, id: string): boolean {
  const named = (Array.isArray(value) ? value : [value]) as (Reference | null | undefined)[]
  return named.some((one) => one?.id === id && one.type === type)
}
