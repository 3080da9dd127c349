import type { SandboxAnswer } from '../common/http.ts'
import { dataAnswer, type Encoding } from './answers.ts'
import { jsonEntity, type WrittenEntity, xmlEntity } from './encode.ts'
import { entitiesJson, entitiesXml } from './entities.ts'
import type { AlmTypeModel } from './model.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmSight } from './sight.ts'
import type { AlmRecord, AlmStore } from './store.ts'
import type { XmlContent } from './xml.ts'

const largestBulk = 2_000

interface Row {
  record: AlmRecord | null
  id: string | null
  error: AlmRefusal | null
}

export interface BulkRequest {
  store: AlmStore
  model: AlmTypeModel
  encoding: Encoding
  modern: boolean
  /** Status where every row was done. */
  status: number
  sight: AlmSight
}

/** Not transactional: each row on its own. 200 or 201 all done, 409 some failed, 500 all failed. */
export function bulkAnswer(
  request: BulkRequest,
  entities: readonly WrittenEntity[],
  write: (entity: WrittenEntity) => AlmRecord,
): SandboxAnswer {
  const { store, model, encoding, modern, status, sight } = request
  if (entities.length > largestBulk)
    throw new AlmRefusal(400, 'qccore.general-error', `A bulk operation takes at most ${largestBulk} entities`)
  const rows: Row[] = entities.map((entity) => {
    try {
      const written = write(entity)
      const record = sight.shown(written) ?? written
      return { record, id: String(record.id), error: null }
    } catch (error) {
      if (!(error instanceof AlmRefusal)) throw error
      return { record: null, id: entity.id, error }
    }
  })
  const failed = rows.filter((row) => row.error !== null).length
  const done = rows.flatMap((row) => (row.record === null ? [] : [row.record]))
  if (failed === 0)
    return dataAnswer(
      status,
      encoding,
      () => entitiesJson(model, done, null, done.length, modern),
      () => entitiesXml(store, model, done, null, done.length, modern),
    )
  return dataAnswer(
    failed === rows.length ? 500 : 409,
    encoding,
    () => failureJson(model, rows),
    () => failureXml(store, model, rows),
  )
}

function failureJson(model: AlmTypeModel, rows: readonly Row[]): unknown {
  const BulkEntries = rows.map(({ record, id, error }) =>
    error === null && record !== null
      ? { Succeeded: true, EntityId: id, EntityType: model.name, Entity: jsonEntity(model, record, null) }
      : {
          Succeeded: false,
          EntityId: id,
          EntityType: model.name,
          Exception: { Id: error?.id, Title: error?.message, ExceptionProperties: null, StackTrace: null },
        },
  )
  return {
    Id: 'qccore.bulk-operation-failed',
    Title: 'bulk failed. see exception properties.',
    ExceptionProperties: [{ Name: 'qccore.bulk-operation-failed', BulkValue: { BulkEntries } }],
    StackTrace: null,
  }
}

function failureXml(store: AlmStore, model: AlmTypeModel, rows: readonly Row[]): Record<string, XmlContent> {
  const BulkEntry = rows.map(({ record, id, error }) => ({
    '@Successful': String(error === null),
    ...(id === null ? {} : { '@EntityId': id }),
    '@EntityType': model.name,
    ...(error === null && record !== null
      ? { Entity: xmlEntity(model, record, null, (field, value) => store.nameOf(field, value)) }
      : { Id: error?.id, Title: error?.message, StackTrace: null }),
  }))
  return {
    QCRestException: {
      Id: 'qccore.bulk-operation-failed',
      Title: 'bulk failed. see exception properties.',
      ExceptionProperties: {
        ExceptionProperty: { '@name': 'qccore.bulk-operation-failed', value: { BulkOperationFailed: { BulkEntry } } },
      },
      StackTrace: null,
    },
  }
}
