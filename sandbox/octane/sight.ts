import type { PermissionAction, Permissions } from '../common/permissions.ts'
import type { TypeModel } from './field-models.ts'
import { notFound, Refusal } from './refusal.ts'
import type { Entity, OctaneStore } from './store.ts'

/** What one user sees of the workspace, and may do in it. */
export interface OctaneSight {
  /** Throws the refusal of an action that the user's roles do not allow. */
  check(model: TypeModel, action: PermissionAction): void
  /** The record as the user sees it, hidden fields left out; undefined: it is not there, or not for this user. */
  find(model: TypeModel, id: string): Entity | undefined
  /** Throws where the record is not there, or not for this user: the two look the same. */
  checkRecord(model: TypeModel, id: string): void
  /** Throws where one of the fields is not for this user. */
  checkFields(model: TypeModel, names: readonly string[]): void
  /** The record as the user sees it; undefined: not at all. */
  shown(entity: Entity): Entity | undefined
}

/** A type that may not be read looks empty: lists have no rows, and no id is found. */
export function sightOf(store: OctaneStore, permissions: Permissions, user: string): OctaneSight {
  const hiddenOf = new Map<string, ReadonlySet<string> | null>()
  const hidden = (type: string) => {
    const known = hiddenOf.get(type)
    if (known !== undefined) return known
    const fields = permissions.hiddenFields(user, type)
    hiddenOf.set(type, fields)
    return fields
  }
  const readable = new Map<string, boolean>()
  const reads = (type: string) => {
    const known = readable.get(type) ?? permissions.may(user, type, 'read')
    readable.set(type, known)
    return known
  }
  const shown = (entity: Entity): Entity | undefined => {
    if (!reads(entity.type) || !permissions.sees(user, entity.type, entity.id)) return undefined
    const fields = hidden(entity.type)
    return fields === null
      ? entity
      : (Object.fromEntries(Object.entries(entity).filter(([name]) => !fields.has(name))) as Entity)
  }
  const find = (model: TypeModel, id: string) => {
    const entity = store.rows(model.name).get(id)
    return entity === undefined ? undefined : shown(entity)
  }
  return {
    check(model, action) {
      if (!permissions.may(user, model.name, action))
        throw new Refusal(
          403,
          store.switches.forbiddenCode,
          `You do not have the permission to ${action} entities of type '${model.name}'.`,
          { entity_type: model.name },
        )
    },
    find,
    checkRecord(model, id) {
      if (find(model, id) === undefined) throw notFound(model.name, id)
    },
    checkFields(model, names) {
      const field = names.find((name) => hidden(model.name)?.has(name) === true)
      if (field !== undefined)
        throw new Refusal(
          403,
          'platform.modify_non_editable_field',
          `The field '${field}' of '${model.name}' cannot be modified.`,
          { entity_type: model.name, field_name: field },
        )
    },
    shown,
  }
}
