import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { pageOf } from '../common/paging.ts'
import { answer, bodyOf, dataOf, envelope, errorBody, json } from './answers.ts'
import { projector } from './fields.ts'
import type { TypeModel } from './model.ts'
import { QueryError } from './query.ts'
import { methodNotAllowed, Refusal } from './refusal.ts'
import { pageLimit, pageOffset, type Selection, select } from './selection.ts'
import type { Entity, WriteContext } from './store.ts'

/** A request to a collection, with all that its answer needs. */
export interface EntityCall extends Selection {
  request: SandboxRequest
  context: WriteContext
}

/** Reads and writes records of one collection. */
export function entityRoutes(call: EntityCall, id: string | undefined): SandboxAnswer {
  const { request, models } = call
  const [model] = models
  if (model === undefined) throw methodNotAllowed()
  if (id === 'groups') return groups(call)
  if (request.method !== 'GET' && !model.writable) throw methodNotAllowed()
  if (id !== undefined) return member(call, model, id)
  switch (request.method) {
    case 'GET':
      return list(call)
    case 'POST':
      return createMany(call, model)
    case 'PUT':
      return updateMany(call, model)
    case 'DELETE':
      return deleteMany(call, model)
    default:
      throw methodNotAllowed()
  }
}

/** A page of the matching rows. */
export function list(call: EntityCall): SandboxAnswer {
  const { request, type, store } = call
  const limit = pageLimit(request, store)
  const offset = pageOffset(request)
  const rows = select(request, call)
  const shown = shownBy(call)
  const { page: chosen, total } = pageOf(rows, offset, limit, request.paging)
  const page = chosen.map(
    type === 'work_item' ? (row) => ({ ...shown(row), type: 'work_item', subtype: row.type }) : shown,
  )
  return answer(200, envelope(page, total))
}

function shownBy({ request, store, models, sight }: EntityCall): (entity: Entity) => Record<string, unknown> {
  return projector(request.query.get('fields'), store, models, sight)
}

function member(call: EntityCall, model: TypeModel, id: string): SandboxAnswer {
  const { request, store, sight, context } = call
  const shown = shownBy(call)
  sight.checkRecord(model, id)
  switch (request.method) {
    case 'GET':
      return answer(200, shown(store.rows(model.name).get(id) as Entity))
    case 'PUT':
      return answer(200, shown(update(call, model, id, bodyOf(request))))
    case 'DELETE':
      sight.check(model, 'delete')
      store.delete(model.name, id, context)
      return { status: 200, headers: json, body: '' }
    default:
      throw methodNotAllowed()
  }
}

function update(call: EntityCall, model: TypeModel, id: string, body: Record<string, unknown>): Entity {
  const { sight, store, context } = call
  sight.checkRecord(model, id)
  sight.check(model, 'update')
  sight.checkFields(model, Object.keys(body))
  return store.update(model.name, id, body, context)
}

function createMany(call: EntityCall, model: TypeModel): SandboxAnswer {
  const { request, sight, store, context } = call
  return outcome(
    call,
    201,
    dataOf(request).map((row) => () => {
      sight.check(model, 'create')
      sight.checkFields(model, Object.keys(row))
      return store.create(model.name, row, context)
    }),
  )
}

function updateMany(call: EntityCall, model: TypeModel): SandboxAnswer {
  const { request } = call
  if (request.query.get('query') !== null) {
    const [patch] = dataOf(request)
    const ids = select(request, call).map((entity) => entity.id)
    return outcome(
      call,
      200,
      ids.map((id) => () => update(call, model, id, patch ?? {})),
    )
  }
  return outcome(
    call,
    200,
    dataOf(request).map((row) => () => {
      if (row.id === undefined) throw new Refusal(400, 'platform.missing_id', 'A row to update needs an id.')
      return update(call, model, String(row.id), row)
    }),
  )
}

function deleteMany(call: EntityCall, model: TypeModel): SandboxAnswer {
  const { request, sight, store, context } = call
  if (request.query.get('query') === null) throw new Refusal(400, 'platform.missing_query', 'Deleting needs a query.')
  sight.check(model, 'delete')
  const doomed = select(request, call)
  for (const entity of doomed) store.delete(model.name, entity.id, context)
  return answer(
    200,
    envelope(
      doomed.map(({ type, id }) => ({ type, id })),
      doomed.length,
    ),
  )
}

/** Rows succeed or fail each on its own: all done, 409 with both, or the status of the first error. */
function outcome(call: EntityCall, status: number, writes: readonly (() => Entity)[]): SandboxAnswer {
  const shown = shownBy(call)
  const data: unknown[] = []
  const errors: (Record<string, unknown> & { status: number })[] = []
  writes.forEach((write, index) => {
    try {
      data.push(shown(write()))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      errors.push({ status: error.status, index, ...errorBody(error) })
    }
  })
  if (errors.length === 0) return answer(status, envelope(data, data.length))
  const told = errors.map(({ status: _status, ...error }) => error)
  return answer(data.length > 0 ? 409 : (errors[0]?.status ?? 400), { ...envelope(data, data.length), errors: told })
}

/** How many of the matching rows have each value of a field. */
function groups(call: EntityCall): SandboxAnswer {
  const { request, models, type } = call
  const by = request.query.get('group_by') ?? ''
  if (!models.some((model) => model.fields.some((field) => field.name === by)))
    throw new QueryError(`The entity type '${type}' does not have a field/s by name/s '${by}'`)
  const counted = new Map<string, { count: number; value: unknown }>()
  for (const entity of select(request, call)) {
    const key = JSON.stringify(entity[by])
    const group = counted.get(key)
    if (group === undefined) counted.set(key, { count: 1, value: entity[by] })
    else group.count++
  }
  return answer(200, { groups: [...counted.values()], groupsTotalCount: counted.size })
}
