import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { dataAnswer, type Encoding, methodNotAllowed, noSuchResource } from './answers.ts'
import { type BulkRequest, bulkAnswer } from './bulk.ts'
import { jsonEntity, parseEntities, xmlEntity } from './encode.ts'
import { entitiesJson, entitiesXml } from './entities.ts'
import { auditsAnswer } from './history.ts'
import type { AlmTypeModel } from './model.ts'
import type { FilterDialect } from './query.ts'
import { AlmRefusal } from './refusal.ts'
import { fieldOf, matching, selectPage } from './selection.ts'
import type { AlmRecord, AlmStore, AlmWriter } from './store.ts'

/** A request to one collection, by somebody who may make it. */
export interface EntityRequest {
  store: AlmStore
  model: AlmTypeModel
  request: SandboxRequest
  encoding: Encoding
  writer: AlmWriter
  modern: boolean
  /** Address of the project, as the client knows the server. */
  address: string
}

/** Everything below a collection: lists, records, bulk, groups, locks and history. */
export function entityRoutes(context: EntityRequest, [first, second]: readonly string[]): SandboxAnswer {
  if (first === undefined) return collection(context)
  if (first === 'groups' && second !== undefined) return groups(context, second)
  if (second === undefined) return member(context, first)
  if (second === 'lock') return lock(context, first)
  if (second === 'audits') return audits(context, first)
  throw noSuchResource()
}

function dialectOf({ store, modern }: EntityRequest): FilterDialect {
  const { filterStatus, emptyFilter, filterQuotes } = store.switches
  return {
    words: modern,
    status: Number(filterStatus),
    empty: emptyFilter as FilterDialect['empty'],
    quotes: filterQuotes as FilterDialect['quotes'],
  }
}

function collection(context: EntityRequest): SandboxAnswer {
  const { store, model, request, encoding, writer, modern } = context
  const bulk = (status: number): BulkRequest => ({ store, model, encoding, modern, status })
  switch (request.method) {
    case 'GET': {
      const { only, page, total } = selectPage(store, model, request.query, dialectOf(context))
      return dataAnswer(
        200,
        encoding,
        () => entitiesJson(model, page, only, total),
        () => entitiesXml(store, model, page, only, total, modern),
      )
    }
    case 'POST': {
      const type = contentType(request)
      if (takesMany(store, type))
        return bulkAnswer(bulk(201), parseEntities(type, request.body, true), (entity) =>
          store.create(model.name, entity.fields, writer),
        )
      const [entity] = parseEntities(type, request.body, false)
      const created = store.create(model.name, entity?.fields ?? {}, writer)
      return one(context, 201, created, { location: `${context.address}/${model.collection}/${String(created.id)}` })
    }
    case 'PUT': {
      const type = contentType(request)
      if (!takesMany(store, type)) {
        // A body of several is refused as such; one record alone has its own address.
        parseEntities(type, request.body, false)
        throw methodNotAllowed()
      }
      return bulkAnswer(bulk(200), parseEntities(type, request.body, true), (entity) => {
        if (entity.id === null) throw new AlmRefusal(400, 'qccore.general-error', 'An entity to update needs an id')
        return store.update(model.name, entity.id, entity.fields, writer)
      })
    }
    case 'DELETE': {
      const ids = (request.query.get('ids-to-delete') ?? '')
        .split(',')
        .flatMap((id) => (id.trim() === '' ? [] : id.trim()))
      if (ids.length === 0) throw new AlmRefusal(400, 'qccore.general-error', 'ids-to-delete is missing')
      return bulkAnswer(
        bulk(200),
        ids.map((id) => ({ id, fields: {} })),
        (entity) => store.delete(model.name, entity.id ?? '', writer, forcesChildren(request)),
      )
    }
    default:
      throw methodNotAllowed()
  }
}

function contentType(request: SandboxRequest): string {
  const type = String(request.headers['content-type'] ?? '')
  if (!/application\/(json|xml)/i.test(type))
    throw new AlmRefusal(415, 'qccore.general-error', 'Unsupported Media Type')
  return type
}

function takesMany(store: AlmStore, type: string): boolean {
  return /type\s*=\s*"?collection/i.test(type) && store.switches.bulk === 'yes'
}

function forcesChildren(request: SandboxRequest): boolean {
  return request.query.get('force-delete-children') === 'y'
}

function member(context: EntityRequest, id: string): SandboxAnswer {
  const { store, model, request, writer } = context
  switch (request.method) {
    case 'GET':
      return one(context, 200, store.get(model.name, id))
    case 'PUT': {
      const [entity] = parseEntities(contentType(request), request.body, false)
      return one(context, 200, store.update(model.name, id, entity?.fields ?? {}, writer))
    }
    case 'DELETE':
      return one(context, 200, store.delete(model.name, id, writer, forcesChildren(request)))
    default:
      throw methodNotAllowed()
  }
}

/** One record, always with all its fields. */
function one(
  { store, model, encoding }: EntityRequest,
  status: number,
  record: AlmRecord,
  headers: Record<string, string> = {},
): SandboxAnswer {
  return dataAnswer(
    status,
    encoding,
    () => jsonEntity(model, record, null),
    () => ({ Entity: xmlEntity(model, record, null, (field, value) => store.nameOf(field, value)) }),
    headers,
  )
}

function groups(context: EntityRequest, name: string): SandboxAnswer {
  const { store, model, request, encoding } = context
  if (request.method !== 'GET') throw methodNotAllowed()
  const field = fieldOf(model, name)
  if (field === undefined) throw new AlmRefusal(404, 'qccore.invalid-query-value', `Invalid group field '${name}'`)
  const counted = new Map<string, number>()
  for (const record of matching(store, model, request.query.get('query'), dialectOf(context))) {
    const value = String(record[name] ?? '')
    counted.set(value, (counted.get(value) ?? 0) + 1)
  }
  const rows = [...counted].map(([value, size]) => ({
    Name: name,
    Value: value,
    ReferenceValue: (field.type === 'Reference' ? store.nameOf(field, value) : undefined) ?? value,
    Expression: value,
    size,
    subLevel: [],
  }))
  return dataAnswer(
    200,
    encoding,
    () => ({ subLevel: rows }),
    () => ({
      Groups: {
        Group: rows.map((row) => ({
          '@Name': row.Name,
          '@Value': row.Value,
          '@ReferenceValue': row.ReferenceValue,
          '@Size': String(row.size),
        })),
      },
    }),
  )
}

function lock(context: EntityRequest, id: string): SandboxAnswer {
  const { store, model, request, encoding, writer } = context
  if (!model.lock) throw noSuchResource()
  switch (request.method) {
    case 'POST':
      return one(context, 200, store.lock(model.name, id, writer))
    case 'DELETE': {
      const record = store.get(model.name, id)
      store.unlock(model.name, id, writer)
      return one(context, 200, record)
    }
    case 'GET': {
      store.get(model.name, id)
      const held = store.lockOf(model.name, id)
      const status =
        held === undefined ? 'UNLOCKED' : held.session === writer.session ? 'LOCKED_BY_ME' : 'LOCKED_BY_OTHER'
      const answer = { LockStatus: status, LockUser: held?.user ?? '' }
      return dataAnswer(
        200,
        encoding,
        () => answer,
        () => ({ Lock: answer }),
      )
    }
    default:
      throw methodNotAllowed()
  }
}

function audits({ store, model, request, encoding }: EntityRequest, id: string): SandboxAnswer {
  if (!model.history) throw noSuchResource()
  if (request.method !== 'GET') throw methodNotAllowed()
  store.get(model.name, id)
  return auditsAnswer(
    store.audits.filter((row) => row.type === model.table && row.parentId === id),
    encoding,
  )
}
