import type { SandboxRequest } from '../common/http.ts'
import type { TypeModel } from './field-models.ts'
import { isSortable } from './metadata.ts'
import { compare, type Predicate, parseQuery, QueryError, type QueryHints } from './query.ts'
import { Refusal } from './refusal.ts'
import type { OctaneSight } from './sight.ts'
import type { Entity, OctaneStore, Reference } from './store.ts'

/** What a request reads from: one type, or all types of an aggregate under its base type's name. */
export interface Selection {
  store: OctaneStore
  models: readonly TypeModel[]
  type: string
  sight: OctaneSight
  currentUser: string
}

/** What items of lists are filtered by between braces. */
const listKeys = ['id', 'logical_name']

/** The matching rows in order; exact ids, lower bounds and user-defined texts come from indexes. */
export function select(request: SandboxRequest, { store, models, type, sight, currentUser }: Selection): Entity[] {
  const raw = request.query.get('query')
  let test: Predicate = () => true
  let hints: QueryHints = {}
  if (raw !== null && raw !== '')
    ({ test, hints } = parseQuery(raw, type, {
      fieldType: (entityType, field) => fieldType(store, models, entityType, field),
      resolve: (target, id) => store.find(target, id),
      currentUser,
      token: (word) => (word === '[current_release]' ? currentRelease(store) : undefined),
      innerQuote: store.switches.innerQuote === 'error' ? 'error' : 'text',
      listFields: store.switches.listFields === 'keys' ? listKeys : null,
    }))
  const searched = textSearched(request)
  const rows: Entity[] = []
  for (const model of models)
    for (const candidate of candidates(store, model, hints)) {
      if (hints.idAbove !== undefined && Number(candidate.id) <= hints.idAbove) continue
      const entity = sight.shown(candidate)
      if (entity === undefined || !test(entity)) continue
      if (searched === null || searchResult(entity, searched) !== null) rows.push(entity)
    }
  return sorted(rows, request.query.get('order_by'), { store, models })
}

/** The release that is marked as the default one. */
function currentRelease(store: OctaneStore): string | undefined {
  return [...store.rows('release').values()].find((release) => release.is_default === true)?.id
}

/** What `text_search={"type":"global","text":"..."}` looks for; null: nothing. */
export function textSearched(request: SandboxRequest): string | null {
  const raw = request.query.get('text_search')
  if (raw === null) return null
  let asked: unknown
  try {
    asked = JSON.parse(raw)
  } catch {
    asked = null
  }
  const { type, text } = (asked ?? {}) as { type?: unknown; text?: unknown }
  if (type !== 'global' || typeof text !== 'string' || text.trim() === '')
    throw new Refusal(400, 'platform.illegal_parameter', 'text_search must be {"type":"global","text":"..."}.')
  return text.trim()
}

/** Where a record has the text: its number, name or description, the place marked; null: nowhere. */
export function searchResult(entity: Entity, text: string): Record<string, string> | null {
  const pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gi')
  const marked = ['name', 'description'].flatMap((name) => {
    const value = typeof entity[name] === 'string' ? (entity[name] as string).replace(/<[^>]*>/g, ' ').trim() : ''
    return value.search(pattern) < 0 ? [] : [[name, value.replace(pattern, '<em>$&</em>')] as const]
  })
  return marked.length === 0 && entity.id !== text ? null : Object.fromEntries(marked)
}

function candidates(store: OctaneStore, model: TypeModel, { ids, texts }: QueryHints): Iterable<Entity> {
  const all = store.rows(model.name)
  if (ids !== undefined) return ids.flatMap((id) => all.get(id) ?? [])
  const indexed = model.fields.some(
    (field) => field.name === texts?.field && field.userDefined === true && field.type === 'string',
  )
  if (texts === undefined || !indexed) return all.values()
  return texts.values.flatMap((value) =>
    [...(store.idsByText(model.name, texts.field, value) ?? [])].flatMap((id) => all.get(id) ?? []),
  )
}

function fieldType(store: OctaneStore, models: readonly TypeModel[], entityType: string, field: string) {
  const own = models.filter((model) => model.name === entityType || model.base === entityType)
  const candidates = own.length > 0 ? own : store.types.under(entityType)
  for (const model of candidates) {
    const found = model.fields.find((one) => one.name === field)
    if (found !== undefined)
      return {
        type: field === 'id' ? 'id' : found.type,
        multiple: found.multiple === true,
        target: found.target ?? null,
      }
  }
  return undefined
}

function sorted(
  rows: Entity[],
  orderBy: string | null,
  { store, models }: Pick<Selection, 'store' | 'models'>,
): Entity[] {
  if (orderBy === null || orderBy === '') return rows
  const keys = orderBy.split(',').map((key) => {
    const name = key.replace(/^\s*-/, '').trim()
    const field = models.flatMap((model) => model.fields).find((one) => one.name === name)
    if (field === undefined)
      throw new QueryError(`The entity type '${models[0]?.name}' does not have a field/s by name/s '${name}'`)
    if (!isSortable(field)) throw new QueryError(`Records cannot be ordered by the field '${name}'.`)
    const type = name === 'id' ? 'id' : field.type
    return { name, type, descending: key.trim().startsWith('-') }
  })
  const inOrder = rows.every((row, index) => index === 0 || Number(rows[index - 1]?.id) < Number(row.id))
  if (keys.length === 1 && keys[0]?.name === 'id' && !keys[0].descending && inOrder) return rows
  return rows.sort((a, b) => {
    for (const { name, type, descending } of keys) {
      const order =
        type === 'reference'
          ? compareReferences(store, a[name] as Reference | null, b[name] as Reference | null)
          : compare(a[name], b[name], type)
      if (order !== 0) return descending ? -order : order
    }
    return 0
  })
}

/** List items and phases in their own order, other records by name. */
function compareReferences(store: OctaneStore, a: Reference | null, b: Reference | null): number {
  const [left, right] = [a, b].map((one) => (one === null ? undefined : store.find(one.type, one.id)))
  const byIndex = compare(left?.index, right?.index, 'integer')
  return byIndex === 0 ? compare(left?.name, right?.name, 'string') : byIndex
}

export function pageLimit(request: SandboxRequest, store: OctaneStore): number {
  const maximum = Number(store.switches.maximumLimit)
  const limit = wholeNumber(request, 'limit', Math.min(Number(store.switches.defaultLimit), maximum))
  if (limit < 1 || limit > maximum)
    throw new Refusal(400, store.switches.limitCode, `The limit must be between 1 and ${maximum}.`, { limit })
  return limit
}

export function pageOffset(request: SandboxRequest): number {
  return wholeNumber(request, 'offset', 0)
}

function wholeNumber(request: SandboxRequest, name: string, fallback: number): number {
  const text = request.query.get(name)
  if (text === null) return fallback
  const value = Number(text)
  if (!Number.isInteger(value) || (name === 'offset' && value < 0))
    throw new Refusal(400, 'platform.illegal_parameter', `The parameter ${name} must be a whole number.`)
  return value
}
