import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { dataAnswer, type Encoding } from './answers.ts'
import type { AuditRow } from './audits.ts'
import type { AlmFieldModel, AlmTypeModel } from './model.ts'
import type { FilterDialect } from './query.ts'
import { selectPage } from './selection.ts'
import type { AlmSight } from './sight.ts'
import type { AlmRecord, AlmStore } from './store.ts'

const queried = (name: string, type: AlmFieldModel['type']): AlmFieldModel => ({
  name,
  column: '',
  label: name,
  type,
  size: -1,
  filterable: true,
})

/** What audits can be filtered and sorted by; they are no entities. */
const auditModel: AlmTypeModel = {
  name: 'audit',
  collection: 'audits',
  label: 'Audit',
  table: 'AUDIT_LOG',
  fields: [
    queried('id', 'Number'),
    queried('action', 'String'),
    queried('parent-id', 'Number'),
    queried('parent-type', 'String'),
    queried('time', 'DateTime'),
    queried('user', 'String'),
  ],
  modified: false,
  history: false,
  lock: false,
}

export interface AuditsRequest {
  store: AlmStore
  request: SandboxRequest
  encoding: Encoding
  dialect: FilterDialect
  /** What the user sees of the type with this table; undefined: there is no such type. */
  sightOf(table: string): { sight: AlmSight; model: AlmTypeModel } | undefined
}

/**
 * Audits of one record or of the project, paged as other lists. In JSON a single audit or property is an object instead of
 * a list of one. What the user may not see is left out: types, records, fields.
 */
export function auditsAnswer(context: AuditsRequest, rows: readonly AuditRow[]): SandboxAnswer {
  const { store, request, encoding, dialect } = context
  const visible = new Map(
    rows.flatMap((row): [string, AuditRow][] => {
      const shown = shownRow(context, row)
      return shown === null ? [] : [[String(row.id), shown]]
    }),
  )
  const { page, total } = selectPage(
    store,
    auditModel,
    request.query,
    dialect,
    { shown: (record) => record },
    request.paging,
    [...visible.values()].map(asRecord),
  )
  const chosen = page.flatMap((record) => visible.get(String(record.id)) ?? [])
  return dataAnswer(
    200,
    encoding,
    () => ({
      Audits: {
        TotalResults: total,
        ...(chosen.length === 0 ? {} : { Audit: single(chosen.map(auditJson)) }),
      },
    }),
    () => ({
      Audits: {
        '@TotalResults': String(total),
        Audit: chosen.map((row) => ({
          Id: String(row.id),
          Action: row.action,
          ParentId: row.parentId,
          ParentType: row.type,
          Time: row.time,
          User: row.user,
          ...(row.changes.length === 0
            ? {}
            : {
                Properties: {
                  Property: row.changes.map((change) => ({
                    '@Name': change.name,
                    '@Label': change.label,
                    OldValue: change.before,
                    NewValue: change.after,
                  })),
                },
              }),
        })),
      },
    }),
  )
}

function asRecord(row: AuditRow): AlmRecord {
  return {
    id: String(row.id),
    action: row.action,
    'parent-id': row.parentId,
    'parent-type': row.type,
    time: row.time,
    user: row.user,
  }
}

/** A row without the changes of fields that the user is not shown; null: nothing of it is. */
function shownRow({ sightOf, store }: AuditsRequest, row: AuditRow): AuditRow | null {
  const found = sightOf(row.type)
  if (found === undefined) return null
  const record = store.rows(found.model.name).get(Number(row.parentId))
  if (record !== undefined && found.sight.shown(record) === null) return null
  if (row.changes.length === 0) return row
  const changes = row.changes.filter((change) => !found.sight.hides(change.name))
  return changes.length === 0 ? null : { ...row, changes }
}

function auditJson(row: AuditRow): unknown {
  return {
    Id: row.id,
    ParentId: Number(row.parentId),
    ParentType: row.type,
    Action: row.action,
    Time: row.time,
    User: row.user,
    ...(row.changes.length === 0
      ? {}
      : {
          Properties: {
            Property: single(
              row.changes.map((change) => ({
                Name: change.name,
                Label: change.label,
                OldValue: change.before,
                NewValue: change.after,
              })),
            ),
          },
        }),
  }
}

function single<T>(items: readonly T[]): T | readonly T[] {
  const [only] = items
  return items.length === 1 && only !== undefined ? only : items
}
