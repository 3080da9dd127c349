import type { PermissionAction, Permissions } from '../common/permissions.ts'
import type { AlmTypeModel } from './model.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmRecord, AlmStore } from './store.ts'

/** What one user sees of a type, and may do with it. */
export interface AlmSight {
  /** Throws the refusal of an action that the user's groups do not allow. */
  check(action: PermissionAction): void
  /** Throws where the record is not there, or not for this user: the two look the same. */
  checkRecord(id: string): void
  /** Throws where one of the fields is not for this user. */
  checkFields(names: readonly string[]): void
  /** Whether the field is not for this user. */
  hides(field: string): boolean
  /** The record as the user sees it now: without hidden fields (or their values), and their own copy of what they have checked out; null: not at all. */
  shown(record: AlmRecord): AlmRecord | null
  /** The same of one state of a record, whoever has it checked out. */
  visible(record: AlmRecord): AlmRecord | null
}

export function sightOf(store: AlmStore, permissions: Permissions, user: string, model: AlmTypeModel): AlmSight {
  const hidden = permissions.hiddenFields(user, model.name)
  const forbidden = (what: string) =>
    new AlmRefusal(403, 'qccore.operation-forbidden', `User '${user}' does not have the permission to ${what}`)
  const visible = (record: AlmRecord): AlmRecord | null => {
    if (model.owned === true && !isOpen(record, user)) return null
    if (!permissions.sees(user, model.name, String(record.id))) return null
    if (hidden === null) return record
    const shown = store.switches.hiddenFields === 'empty' ? null : undefined
    return { ...record, ...Object.fromEntries([...hidden].map((name) => [name, shown])) } as AlmRecord
  }
  const shown = (record: AlmRecord) => visible(store.versions.seenBy(model, record, user))
  return {
    check(action) {
      if (!permissions.may(user, model.name, action)) throw forbidden(`${action} entities of type '${model.name}'`)
    },
    checkRecord(id) {
      if (shown(store.get(model.name, id)) === null)
        throw new AlmRefusal(404, 'qccore.entity-not-found', `Entity with ID '${id}' does not exist`)
    },
    checkFields(names) {
      const field = model.fields.find((one) => hidden?.has(one.name) === true && names.includes(one.name))
      if (field !== undefined) throw forbidden(`modify the field '${field.label}'`)
    },
    hides: (field) => hidden?.has(field) === true,
    shown,
    visible,
  }
}

/** Public, somebody's own, nobody's, or shared with them. */
function isOpen(record: AlmRecord, user: string): boolean {
  const shared = record['shared-with'] ?? null
  return (
    record['is-public'] === 'Y' ||
    record.owner === user ||
    record.owner === null ||
    (Array.isArray(shared) && shared.includes(user))
  )
}
