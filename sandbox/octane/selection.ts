import type { SandboxRequest } from '../common/http.ts'
import type { TypeModel } from './field-models.ts'
import { modelsUnder } from './model.ts'
import { compare, type Predicate, parseQuery, QueryError, type QueryHints } from './query.ts'
import { Refusal } from './refusal.ts'
import type { OctaneSight } from './sight.ts'
import type { Entity, OctaneStore } from './store.ts'

/** What a request reads from: one type, or all types of an aggregate under its base type's name. */
export interface Selection {
  store: OctaneStore
  models: readonly TypeModel[]
  type: string
  sight: OctaneSight
  currentUser: string
}

/** The matching rows in order; exact ids, lower bounds and user-defined texts come from indexes. */
export function select(request: SandboxRequest, { store, models, type, sight, currentUser }: Selection): Entity[] {
  const raw = request.query.get('query')
  let test: Predicate = () => true
  let hints: QueryHints = {}
  if (raw !== null && raw !== '')
    ({ test, hints } = parseQuery(raw, type, {
      fieldType: (entityType, field) => fieldType(models, entityType, field),
      resolve: (target, id) => store.find(target, id),
      currentUser,
      innerQuote: store.switches.innerQuote === 'error' ? 'error' : 'text',
    }))
  const rows: Entity[] = []
  for (const model of models)
    for (const candidate of candidates(store, model, hints)) {
      if (hints.idAbove !== undefined && Number(candidate.id) <= hints.idAbove) continue
      const entity = sight.shown(candidate)
      if (entity !== undefined && test(entity)) rows.push(entity)
    }
  return sorted(rows, request.query.get('order_by'), models)
}

function candidates(store: OctaneStore, model: TypeModel, { ids, texts }: QueryHints): Iterable<Entity> {
  const all = store.rows(model.name)
  if (ids !== undefined) return ids.flatMap((id) => all.get(id) ?? [])
  const indexed = model.fields.some((field) => field.name === texts?.field && field.userDefined === true)
  if (texts === undefined || !indexed) return all.values()
  return texts.values.flatMap((value) =>
    [...(store.idsByText(model.name, texts.field, value) ?? [])].flatMap((id) => all.get(id) ?? []),
  )
}

function fieldType(models: readonly TypeModel[], entityType: string, field: string) {
  const own = models.filter((model) => model.name === entityType || model.base === entityType)
  const candidates = own.length > 0 ? own : modelsUnder(entityType)
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

function sorted(rows: Entity[], orderBy: string | null, models: readonly TypeModel[]): Entity[] {
  if (orderBy === null || orderBy === '') return rows
  const keys = orderBy
    .split(',')
    .map((key) => ({ name: key.replace(/^-/, '').trim(), descending: key.trim().startsWith('-') }))
  const types = keys.map((key) => {
    const field = fieldType(models, models[0]?.name ?? '', key.name)
    if (field === undefined)
      throw new QueryError(`The entity type '${models[0]?.name}' does not have a field/s by name/s '${key.name}'`)
    return field.type
  })
  const inOrder = rows.every((row, index) => index === 0 || Number(rows[index - 1]?.id) < Number(row.id))
  if (keys.length === 1 && keys[0]?.name === 'id' && !keys[0].descending && inOrder) return rows
  return rows.sort((a, b) => {
    for (const [index, key] of keys.entries()) {
      const order = compare(a[key.name], b[key.name], types[index] ?? 'string')
      if (order !== 0) return key.descending ? -order : order
    }
    return 0
  })
}

export function pageLimit(request: SandboxRequest, store: OctaneStore): number {
  const limit = wholeNumber(request, 'limit', Number(store.switches.defaultLimit))
  const maximum = Number(store.switches.maximumLimit)
  if (limit < 1 || limit > maximum)
    throw new Refusal(400, 'platform.illegal_limit', `The limit must be between 1 and ${maximum}.`, { limit })
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
