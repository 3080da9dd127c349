import { jsonEntity, xmlEntity } from './encode.ts'
import type { AlmTypeModel } from './model.ts'
import type { AlmRecord, AlmStore } from './store.ts'
import type { XmlContent } from './xml.ts'

/** One record by itself; in JSON it says nothing of its status, on any server. */
export function entityXml(
  store: AlmStore,
  model: AlmTypeModel,
  record: AlmRecord,
  modern: boolean,
): Record<string, XmlContent> {
  return { Entity: rowXml(store, model, record, null, modern) }
}

/** Several records in their envelope, with the size of the whole result; newer servers say of each row that it is well. */
export function entitiesJson(
  model: AlmTypeModel,
  records: readonly AlmRecord[],
  only: ReadonlySet<string> | null,
  total: number,
  modern: boolean,
): unknown {
  const status = modern ? { ErrorMessage: '', EntityStatus: 'Success' } : {}
  return {
    entities: records.map((record) => ({ ...jsonEntity(model, record, only), ...status })),
    TotalResults: total,
  }
}

/** The same in XML. */
export function entitiesXml(
  store: AlmStore,
  model: AlmTypeModel,
  records: readonly AlmRecord[],
  only: ReadonlySet<string> | null,
  total: number,
  modern: boolean,
): Record<string, XmlContent> {
  return {
    Entities: {
      '@TotalResults': String(total),
      Entity: records.map((record) => rowXml(store, model, record, only, modern)),
    },
  }
}

function rowXml(
  store: AlmStore,
  model: AlmTypeModel,
  record: AlmRecord,
  only: ReadonlySet<string> | null,
  modern: boolean,
): Record<string, XmlContent> {
  const status = modern ? { '@EntityStatus': 'Success', '@ErrorMessage': '' } : {}
  return { ...status, ...xmlEntity(model, record, only, (field, value) => store.nameOf(field, value)) }
}
