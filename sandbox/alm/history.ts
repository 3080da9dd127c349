import type { SandboxAnswer } from '../common/http.ts'
import { dataAnswer, type Encoding } from './answers.ts'
import type { AuditRow } from './store.ts'

/** Audits of one record or of the project. In JSON a single audit or property is an object instead of a list of one. */
export function auditsAnswer(rows: readonly AuditRow[], encoding: Encoding): SandboxAnswer {
  return dataAnswer(
    200,
    encoding,
    () => ({
      Audits: {
        TotalResults: rows.length,
        ...(rows.length === 0 ? {} : { Audit: single(rows.map(auditJson)) }),
      },
    }),
    () => ({
      Audits: {
        '@TotalResults': String(rows.length),
        Audit: rows.map((row) => ({
          Id: String(row.id),
          Action: 'UPDATE',
          ParentId: row.parentId,
          ParentType: row.type,
          Time: row.time,
          User: row.user,
          Properties: {
            Property: row.changes.map((change) => ({
              '@Name': change.name,
              '@Label': change.label,
              OldValue: change.before,
              NewValue: change.after,
            })),
          },
        })),
      },
    }),
  )
}

function auditJson(row: AuditRow): unknown {
  return {
    Id: row.id,
    ParentId: Number(row.parentId),
    ParentType: row.type,
    Action: 'UPDATE',
    Time: row.time,
    User: row.user,
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
  }
}

function single<T>(items: readonly T[]): T | readonly T[] {
  const [only] = items
  return items.length === 1 && only !== undefined ? only : items
}
