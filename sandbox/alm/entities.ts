import { jsonEntity, xmlEntity } from './encode.ts'
import type { AlmTypeModel } from './model.ts'
import type { AlmRecord, AlmStore } from './store.ts'
import type { XmlContent } from './xml.ts'

/** Several records in their envelope, with the size of the whole result. */
export function entitiesJson(
  model: AlmTypeModel,
  records: readonly AlmRecord[],
  only: ReadonlySet<string> | null,
  total: number,
): unknown {
  return {
    entities: records.map((record) => ({
      ...jsonEntity(model, record, only),
      ErrorMessage: '',
      EntityStatus: 'Success',
    })),
    TotalResults: total,
  }
}

/** The same in XML; newer servers say of each row that it is well. */
export function entitiesXml(
  store: AlmStore,
  model: AlmTypeModel,
  records: readonly AlmRecord[],
  only: ReadonlySet<string> | null,
  total: number,
  modern: boolean,
): Record<string, XmlContent> {
  const status = modern ? { '@EntityStatus': 'Success', '@ErrorMessage': '' } : {}
  return {
    Entities: {
      '@TotalResults': String(total),
      Entity: records.map((record) => ({
        ...status,
        ...xmlEntity(model, record, only, (field, value) => store.nameOf(field, value)),
      })),
    },
  }
}
