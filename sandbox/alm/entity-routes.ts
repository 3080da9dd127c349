import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { bodyType, dataAnswer, type Encoding, methodNotAllowed, noSuchResource } from './answers.ts'
import { type BulkRequest, bulkAnswer } from './bulk.ts'
import { jsonEntity, parseEntities, type WrittenEntity } from './encode.ts'
import { entitiesJson, entitiesXml, entityXml } from './entities.ts'
import { dialectOf } from './filter-dialect.ts'
import { auditsAnswer } from './history.ts'
import { type AlmTypeModel, isGroupable } from './model.ts'
import { AlmRefusal } from './refusal.ts'
import { fieldOf, matching, selectPage } from './selection.ts'
import type { AlmSight } from './sight.ts'
import type { AlmRecord, AlmStore, AlmWriter } from './store.ts'
import { versionRoutes } from './version-routes.ts'

/** A request to one collection, by somebody who may make it. */
export interface EntityRequest {
  store: AlmStore
  model: AlmTypeModel
  request: SandboxRequest
  encoding: Encoding
  writer: AlmWriter
  sight: AlmSight
  modern: boolean
  /** Address of the project, as the client knows the server. */
  address: string
}

/** Everything below a collection: lists, records, bulk, groups, locks and history. */
export function entityRoutes(context: EntityRequest, [first, second, third]: readonly string[]): SandboxAnswer {
  if (context.request.method === 'GET') context.sight.check('read')
  if (first === undefined) return collection(context)
  if (first === 'groups' && second !== undefined) return groups(context, second)
  if (second === undefined) return member(context, first)
  if (second === 'lock') return lock(context, first)
  if (second === 'audits') return audits(context, first)
  if (second === 'versions')
    return versionRoutes(context, first, third, (status, record) =>
      shownRecord(context, status, context.sight.visible(record) ?? record),
    )
  throw noSuchResource()
}

function collection(context: EntityRequest): SandboxAnswer {
  const { store, model, request, encoding, sight, modern } = context
  const bulk = (status: number): BulkRequest => ({ store, model, encoding, modern, status, sight })
  switch (request.method) {
    case 'GET': {
      const { only, page, total } = selectPage(
        store,
        model,
        request.query,
        dialectOf(store, modern),
        sight,
        request.paging,
      )
      return dataAnswer(
        200,
        encoding,
        () => entitiesJson(model, page, only, total, modern),
        () => entitiesXml(store, model, page, only, total, modern),
      )
    }
    case 'POST': {
      const type = bodyType(request)
      if (takesMany(store, type))
        return bulkAnswer(bulk(201), parseEntities(type, request.body, true), (entity) => create(context, entity))
      const created = create(context, oneEntity(type, request.body))
      return one(context, 201, created, { location: `${context.address}/${model.collection}/${String(created.id)}` })
    }
    case 'PUT': {
      const type = bodyType(request)
      if (!takesMany(store, type)) {
        // A body of several is refused as such; one record alone has its own address.
        parseEntities(type, request.body, false)
        throw methodNotAllowed()
      }
      return bulkAnswer(bulk(200), parseEntities(type, request.body, true), (entity) => {
        if (entity.id === null) throw new AlmRefusal(400, 'qccore.general-error', 'An entity to update needs an id')
        return update(context, entity.id, entity)
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
        (entity) => remove(context, entity.id ?? ''),
      )
    }
    default:
      throw methodNotAllowed()
  }
}

function oneEntity(type: string, body: string): WrittenEntity {
  return parseEntities(type, body, false)[0] ?? { id: null, fields: {} }
}

function create({ store, model, writer, sight }: EntityRequest, { id, fields }: WrittenEntity): AlmRecord {
  sight.check('create')
  sight.checkFields(Object.keys(fields))
  checkId(store, model, id, null)
  return store.create(model.name, fields, writer)
}

function update({ store, model, writer, sight }: EntityRequest, id: string, written: WrittenEntity): AlmRecord {
  const { fields } = written
  sight.check('update')
  sight.checkRecord(id)
  sight.checkFields(Object.keys(fields))
  checkId(store, model, written.id, id)
  return store.update(model.name, id, fields, writer)
}

/** An id is read-only: a body that brings another one than the record's is refused as any such field is. */
function checkId(store: AlmStore, model: AlmTypeModel, written: string | null, own: string | null): void {
  if (written === null || written === '' || written === own || store.switches.readOnlyFields === 'ignore') return
  throw new AlmRefusal(403, 'qccore.operation-forbidden', `The field '${fieldOf(model, 'id')?.label}' is read-only`)
}

function remove({ store, model, writer, sight, request }: EntityRequest, id: string): AlmRecord {
  sight.check('delete')
  sight.checkRecord(id)
  return store.delete(model.name, id, writer, forcesChildren(request))
}

function takesMany(store: AlmStore, type: string): boolean {
  return /type\s*=\s*"?collection/i.test(type) && store.switches.bulk === 'yes'
}

function forcesChildren(request: SandboxRequest): boolean {
  return request.query.get('force-delete-children') === 'y'
}

function member(context: EntityRequest, id: string): SandboxAnswer {
  const { store, model, request, sight } = context
  switch (request.method) {
    case 'GET':
      sight.checkRecord(id)
      return one(context, 200, store.get(model.name, id))
    case 'PUT': {
      return one(context, 200, update(context, id, oneEntity(bodyType(request), request.body)))
    }
    case 'DELETE':
      return one(context, 200, remove(context, id))
    default:
      throw methodNotAllowed()
  }
}

/** One record, always with all its fields. */
function one(
  context: EntityRequest,
  status: number,
  written: AlmRecord,
  headers: Record<string, string> = {},
): SandboxAnswer {
  return shownRecord(context, status, context.sight.shown(written) ?? written, headers)
}

function shownRecord(
  { store, model, encoding, modern }: EntityRequest,
  status: number,
  record: AlmRecord,
  headers: Record<string, string> = {},
): SandboxAnswer {
  return dataAnswer(
    status,
    encoding,
    () => jsonEntity(model, record, null),
    () => entityXml(store, model, record, modern),
    headers,
  )
}

function groups(context: EntityRequest, name: string): SandboxAnswer {
  const { store, model, request, encoding, sight } = context
  if (request.method !== 'GET') throw methodNotAllowed()
  const field = fieldOf(model, name)
  if (field === undefined || !isGroupable(field))
    throw new AlmRefusal(404, 'qccore.invalid-query-value', `Invalid group field '${name}'`)
  const counted = new Map<string, number>()
  for (const record of matching(store, model, request.query.get('query'), dialectOf(store, context.modern), sight)) {
    // A record with several values is counted with each.
    const values = [record[name] ?? ''].flat()
    for (const value of values) counted.set(value, (counted.get(value) ?? 0) + 1)
  }
  const rows = [...counted].map(([value, size]) => ({
    Name: name,
    Value: value,
    // Of a value that is its own text there is nothing else to show.
    ReferenceValue: field.type === 'Reference' ? (store.nameOf(field, value) ?? null) : null,
    // What finds the group by a filter: texts of several words stand in quotes.
    Expression: /\s/.test(value) ? `"${value}"` : value,
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
          ...(row.ReferenceValue === null ? {} : { '@ReferenceValue': row.ReferenceValue }),
          '@Size': String(row.size),
        })),
      },
    }),
  )
}

function lock(context: EntityRequest, id: string): SandboxAnswer {
  const { store, model, request, encoding, writer, sight } = context
  if (!model.lock) throw noSuchResource()
  sight.checkRecord(id)
  switch (request.method) {
    case 'POST': {
      sight.check('lock')
      return one(context, 200, store.lock(model.name, id, writer))
    }
    case 'DELETE': {
      const record = store.get(model.name, id)
      store.unlock(model.name, id, writer)
      return one(context, 200, record)
    }
    case 'GET': {
      const held = store.locks.of(model.name, id)
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

function audits(context: EntityRequest, id: string): SandboxAnswer {
  const { store, model, request, encoding, sight } = context
  if (!model.history) throw noSuchResource()
  if (request.method !== 'GET') throw methodNotAllowed()
  sight.checkRecord(id)
  return auditsAnswer(
    { store, request, encoding, dialect: dialectOf(store, context.modern), sightOf: () => ({ sight, model }) },
    store.audits.rows.filter((row) => row.type === model.table && row.parentId === id),
  )
}
