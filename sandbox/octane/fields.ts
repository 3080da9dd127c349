import type { TypeModel } from './model.ts'
import { QueryError } from './query.ts'
import type { OctaneSight } from './sight.ts'
import type { Entity, OctaneStore, Reference } from './store.ts'

export interface AskedField {
  name: string
  inner: AskedField[]
}

/** Parses `fields=`: names separated by commas, references expanded in braces. */
export function parseFields(text: string): AskedField[] {
  const fields: AskedField[] = []
  let depth = 0
  let part = ''
  const parts: string[] = []
  for (const char of text) {
    if (char === '{') depth++
    if (char === '}') depth--
    if (char === ',' && depth === 0) {
      parts.push(part)
      part = ''
    } else part += char
  }
  parts.push(part)
  for (const one of parts) {
    const match = /^\s*([\w.]+)\s*(?:\{([\s\S]*)\})?\s*$/.exec(one)
    if (match?.[1] === undefined) throw new QueryError(`The fields clause is wrong at "${one}".`)
    fields.push({ name: match[1], inner: match[2] === undefined ? [] : parseFields(match[2]) })
  }
  return fields
}

/** Shows a row with exactly the fields asked for, references expanded where braces ask for it. */
export function projector(
  asked: string | null,
  store: OctaneStore,
  models: readonly TypeModel[],
  sight: OctaneSight,
): (entity: Entity) => Record<string, unknown> {
  const bare = (names: readonly string[]) => names.map((name) => ({ name, inner: [] }))
  if (asked === null || asked === '') {
    if (store.switches.legacyDefaultFields === 'yes')
      return (entity) => project(store, entity, bare(Object.keys(entity)), sight)
    return (entity) =>
      project(store, entity, bare(['workspace_id', 'logical_name', ...('subtype' in entity ? ['subtype'] : [])]), sight)
  }
  const fields = parseFields(asked)
  for (const { name } of fields)
    if (!models.some((model) => model.fields.some((field) => field.name === name)) && name !== 'type')
      throw new QueryError(`The entity type '${models[0]?.name}' does not have a field/s by name/s '${name}'`)
  return (entity) => project(store, entity, fields, sight)
}

function project(
  store: OctaneStore,
  whole: Entity,
  fields: readonly AskedField[],
  sight: OctaneSight,
): Record<string, unknown> {
  const shown: Record<string, unknown> = { type: whole.type, id: whole.id }
  const entity = sight.shown(whole) ?? shown
  for (const { name, inner } of fields) {
    if (!(name in entity)) continue
    const value = entity[name]
    const expand = (item: Reference) => {
      const target = inner.length === 0 ? undefined : store.find(item.type, item.id)
      return target === undefined ? { type: item.type, id: item.id } : project(store, target, inner, sight)
    }
    if (Array.isArray(value)) shown[name] = { total_count: value.length, data: (value as Reference[]).map(expand) }
    else if (isReference(value)) shown[name] = expand(value)
    else shown[name] = value
  }
  return shown
}

function isReference(value: unknown): value is Reference {
  return value !== null && typeof value === 'object' && 'id' in value && 'type' in value
}
