import type { SandboxRequest } from '../common/http.ts'
import type { TypeModel } from './field-models.ts'
import { defaultFields } from './metadata.ts'
import { QueryError } from './query.ts'
import { Refusal } from './refusal.ts'
import type { Selection } from './selection.ts'
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

/** References are expanded so many levels deep. */
const deepest = 3

/** Shows a row with exactly the fields asked for, references expanded where braces ask for it. */
export function projector({
  request,
  ...selection
}: Selection & { request: SandboxRequest }): (entity: Entity) => Record<string, unknown> {
  const { store, models } = selection
  const asked = request.query.get('fields')
  const bare = (names: readonly string[]) => names.map((name) => ({ name, inner: [] }))
  if (asked === null || asked === '') {
    if (store.switches.legacyDefaultFields === 'yes')
      return (entity) => project(selection, entity, bare(Object.keys(entity)))
    return (entity) => project(selection, entity, bare(defaultFields.filter((name) => name !== 'id' && name in entity)))
  }
  const fields = parseFields(asked)
  checkNames(store, models, fields)
  const depth = depthOf(fields)
  if (depth > deepest)
    throw new Refusal(400, 'platform.illegal_parameter', `References are expanded ${deepest} levels deep at most.`)
  if (depth > 0 && store.switches.techPreview === 'all' && !isTechPreview(request))
    throw new Refusal(400, 'platform.illegal_parameter', 'Expanding fields is a technical preview.')
  return (entity) => project(selection, entity, fields)
}

/** Throws where a type has no such field, or what stands before braces is no reference. */
function checkNames(store: OctaneStore, models: readonly TypeModel[], fields: readonly AskedField[]): void {
  for (const { name, inner } of fields) {
    if (allowed.has(name)) continue
    const field = models.flatMap((model) => model.fields).find((one) => one.name === name)
    if (field === undefined)
      throw new QueryError(`The entity type '${models[0]?.name}' does not have a field/s by name/s '${name}'`)
    if (inner.length === 0) continue
    if (field.target === undefined) throw new QueryError(`The field '${name}' is no reference and cannot be expanded.`)
    checkNames(store, store.types.under(field.target), inner)
  }
}

/** Names that can be asked for though they are no fields. */
const allowed = new Set(['type', 'global_text_search_result'])

/** Whether the client opted in to technical previews; the header is known in two spellings. */
export function isTechPreview({ headers }: SandboxRequest): boolean {
  return headers.alm_octane_tech_preview === 'true' || headers['alm-octane-tech-preview'] === 'true'
}

function depthOf(fields: readonly AskedField[]): number {
  return Math.max(0, ...fields.map(({ inner }) => (inner.length === 0 ? 0 : 1 + depthOf(inner))))
}

function project(
  selection: Omit<Selection, 'request'>,
  whole: Entity,
  fields: readonly AskedField[],
): Record<string, unknown> {
  const { store, sight } = selection
  const shown: Record<string, unknown> = { type: whole.type, id: whole.id }
  const entity = sight.shown(whole) ?? shown
  const named = store.switches.referenceNames === 'yes'
  for (const { name, inner } of fields) {
    if (!(name in entity)) continue
    const value = entity[name]
    const expand = (item: Reference) => {
      const target = inner.length === 0 && !named ? undefined : store.find(item.type, item.id)
      if (target === undefined) return { type: item.type, id: item.id }
      const add = !named
        ? {}
        : { ...('name' in target ? { name: target.name } : {}), ...('index' in target ? { index: target.index } : {}) }
      return { ...project(selection, target, inner), ...add }
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
