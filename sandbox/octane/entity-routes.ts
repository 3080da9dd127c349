import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { pageOf } from '../common/paging.ts'
import { answer, bodyOf, dataOf, envelope, errorBody, json } from './answers.ts'
import type { TypeModel } from './field-models.ts'
import { projector } from './fields.ts'
import { QueryError } from './query.ts'
import { methodNotAllowed, notFound, Refusal } from './refusal.ts'
import { pageLimit, pageOffset, type Selection, searchResult, select, textSearched } from './selection.ts'
import type { Entity, Reference, WriteContext } from './store.ts'

/** A request to a collection, with all that its answer needs. */
export interface EntityCall extends Selection {
  request: SandboxRequest
  context: WriteContext
}

const collectionMethods = ['GET', 'POST', 'PUT', 'DELETE']
const memberMethods = ['GET', 'PUT', 'DELETE']

/** Reads and writes records of one collection, or of an aggregate over several types. */
export function entityRoutes(call: EntityCall, id: string | undefined): SandboxAnswer {
  const { request, models } = call
  if (id === 'groups' && request.method === 'GET') return groups(call)
  if (request.method !== 'GET' && !models.some((model) => model.writable)) throw methodNotAllowed('GET')
  if (id !== undefined) return member(call, id)
  switch (request.method) {
    case 'GET':
      return list(call)
    case 'POST':
      return createMany(call)
    case 'PUT':
      return updateMany(call)
    case 'DELETE':
      return deleteMany(call)
    default:
      throw methodNotAllowed(...collectionMethods)
  }
}

/** A page of the matching rows. */
function list(call: EntityCall): SandboxAnswer {
  const { request, store } = call
  const limit = pageLimit(request, store)
  const offset = pageOffset(request)
  const rows = select(request, call)
  const { page, total } = pageOf(rows, offset, limit, request.paging)
  const shown = shownBy(call)
  const searched = textSearched(request)
  const data = page.map((row) =>
    searched === null ? shown(row) : { ...shown(row), global_text_search_result: searchResult(row, searched) },
  )
  // Counting ends somewhere, and the answer says so.
  const most = Number(store.switches.countMaximum)
  const beyond = most > 0 && total > most
  return answer(200, { ...envelope(data, beyond ? most : total), exceeds_total_count: beyond })
}

/** Shows a row as its collection does: those of an aggregate under the base type, or with their own, as the switch says. */
export function shownBy(call: EntityCall): (entity: Entity) => Record<string, unknown> {
  const shown = projector(call)
  if (!isAggregate(call) || call.store.switches.aggregateType === 'concrete') return shown
  return (row) => ({ ...shown(row), type: call.type, subtype: row.type })
}

function isAggregate({ models, type }: EntityCall): boolean {
  return models[0]?.name !== type
}

/** The type of the record with this id; in an aggregate whichever has it. */
function modelWith(call: EntityCall, id: string): TypeModel {
  const found = call.models.find((model) => call.sight.find(model, id) !== undefined)
  if (found === undefined) throw notFound(call.type, id)
  return found
}

function member(call: EntityCall, id: string): SandboxAnswer {
  const { request, store, sight, context } = call
  const shown = shownBy(call)
  const model = modelWith(call, id)
  switch (request.method) {
    case 'GET':
      return answer(200, shown(store.rows(model.name).get(id) as Entity))
    case 'PUT':
      return answer(200, shown(update(call, id, bodyOf(request))))
    case 'DELETE':
      sight.check(model, 'delete')
      if (!model.writable) throw methodNotAllowed('GET')
      store.delete(model.name, id, context)
      return { status: 200, headers: json, body: '' }
    default:
      throw methodNotAllowed(...memberMethods)
  }
}

function update(call: EntityCall, id: string, body: Record<string, unknown>): Entity {
  const { sight, store, context } = call
  const model = modelWith(call, id)
  sight.check(model, 'update')
  if (!model.writable) throw methodNotAllowed('GET')
  sight.checkFields(model, Object.keys(body))
  return store.update(model.name, id, body, context)
}

function createMany(call: EntityCall): SandboxAnswer {
  const { request, sight, store, context } = call
  return outcome(
    call,
    201,
    dataOf(request).map((row) => () => {
      const { model, body } = newRow(call, row)
      sight.check(model, 'create')
      sight.checkFields(model, Object.keys(body))
      return store.create(model.name, body, context)
    }),
  )
}

/** What a new row is and says; in an aggregate its subtype tells which type it is. */
function newRow(call: EntityCall, row: Record<string, unknown>): { model: TypeModel; body: Record<string, unknown> } {
  const [first] = call.models
  if (!isAggregate(call) && first !== undefined) return { model: first, body: row }
  const { subtype, ...body } = row
  const model = call.models.find((one) => one.name === (subtype ?? row.type))
  if (model === undefined)
    throw new Refusal(
      400,
      'platform.illegal_field_value',
      `The subtype of a new ${call.type} is one of ${call.models.map((one) => one.name).join(', ')}.`,
      { entity_type: call.type, field_name: 'subtype' },
    )
  if (!model.writable) throw methodNotAllowed('GET')
  return { model, body }
}

function updateMany(call: EntityCall): SandboxAnswer {
  const { request } = call
  if (request.query.get('query') !== null) {
    const [patch, ...others] = dataOf(request)
    if (patch === undefined || others.length > 0)
      throw new Refusal(400, 'platform.bad_request', 'An update by query has one row, which holds for all.')
    const ids = select(request, call).map((entity) => entity.id)
    return outcome(
      call,
      200,
      ids.map((id) => () => update(call, id, patch)),
    )
  }
  return outcome(
    call,
    200,
    dataOf(request).map((row) => () => {
      if (row.id === undefined) throw new Refusal(400, 'platform.missing_id', 'A row to update needs an id.')
      return update(call, String(row.id), row)
    }),
  )
}

function deleteMany(call: EntityCall): SandboxAnswer {
  const { request, sight, store, context, models } = call
  if (request.query.get('query') === null) throw new Refusal(400, 'platform.missing_query', 'Deleting needs a query.')
  const doomed = select(request, call)
  for (const model of models) if (!isAggregate(call)) sight.check(model, 'delete')
  return outcome(
    call,
    200,
    doomed.map(({ type, id }) => () => {
      const model = store.model(type)
      sight.check(model, 'delete')
      if (!model.writable) throw methodNotAllowed('GET')
      // One that went with an earlier one of them is gone as asked.
      const gone = store.rows(type).get(id)
      return gone === undefined ? { type, id } : store.delete(type, id, context)
    }),
    ({ type, id }) => ({ type, id }),
  )
}

/** Rows succeed or fail each on its own: all done, 409 with both, or the status of the first error. */
function outcome(
  call: EntityCall,
  status: number,
  writes: readonly (() => Entity)[],
  shown = shownBy(call),
): SandboxAnswer {
  const data: unknown[] = []
  const errors: { status: number; index: number; error: Refusal }[] = []
  writes.forEach((write, index) => {
    try {
      data.push(shown(write()))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      errors.push({ status: error.status, index, error })
    }
  })
  if (errors.length === 0) return answer(status, envelope(data, data.length))
  const place = call.store.switches.bulkErrorIndex
  const told = errors.map(({ index, error }) => ({
    ...(place === 'several' && errors.length === 1 ? {} : { [place === 'index' ? 'index' : 'entity_index']: index }),
    ...errorBody(error),
  }))
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
    if (group === undefined) counted.set(key, { count: 1, value: groupValue(call, entity[by]) })
    else group.count++
  }
  return answer(200, { groups: [...counted.values()], groupsTotalCount: counted.size })
}

/** What a group has in common; of a record its names as well. */
function groupValue({ store }: EntityCall, value: unknown): unknown {
  const { type, id } = (value ?? {}) as Partial<Reference>
  const named = type === undefined || id === undefined ? undefined : store.find(type, id)
  return named === undefined ? value : { type, id, name: named.name, logical_name: named.logical_name }
}
