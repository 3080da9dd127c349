import type { AlmFieldModel, AlmTypeModel } from './model.ts'
import type { AlmRecord, AlmStored } from './store.ts'

/** What one write changed in the audited fields of one record. */
export interface AuditRow {
  id: number
  parentId: string
  /** Physical table of the record's type. */
  type: string
  action: 'INSERT' | 'UPDATE' | 'DELETE'
  time: string
  user: string
  changes: { name: string; label: string; before: string; after: string }[]
}

const firstId = 901

/** The project's history: fields with the flag History alone, and, by default, changes alone. */
export class AlmAudits {
  readonly rows: AuditRow[] = []
  #nextId = firstId

  /** Notes a change; without one in an audited field there is nothing to note. */
  changed(
    model: AlmTypeModel,
    who: { id: string; user: string; time: string },
    before: AlmRecord,
    after: AlmRecord,
    fields: readonly AlmFieldModel[],
  ): void {
    if (!model.history) return
    const changes = fields
      .filter((field) => field.history === true)
      .map((field) => ({
        name: field.name,
        label: field.label,
        before: textOf(before[field.name]),
        after: textOf(after[field.name]),
      }))
    if (changes.length > 0) this.#push(model, who, 'UPDATE', changes)
  }

  /** Notes that a record came or went: without properties. */
  cameOrWent(model: AlmTypeModel, who: { id: string; user: string; time: string }, action: 'INSERT' | 'DELETE'): void {
    if (model.history) this.#push(model, who, action, [])
  }

  restore(rows: readonly AuditRow[]): void {
    this.rows.splice(0, this.rows.length, ...rows)
    this.#nextId = (rows.at(-1)?.id ?? firstId - 1) + 1
  }

  #push(
    model: AlmTypeModel,
    { id, user, time }: { id: string; user: string; time: string },
    action: AuditRow['action'],
    changes: AuditRow['changes'],
  ): void {
    this.rows.push({ id: this.#nextId++, parentId: id, type: model.table, action, time, user, changes })
  }
}

/** Sets as the database keeps them: one text. */
function textOf(value: AlmStored | undefined): string {
  return Array.isArray(value) ? value.join(';') : String(value ?? '')
}
