import { type FieldModel, modelOf, parentsOf, type TypeModel, transitions } from './model.ts'
import { Refusal } from './refusal.ts'
import type { Entity, Reference, WriteContext } from './store.ts'
import type { OctaneSwitchValues } from './switches.ts'

/** What the rules need to know of the workspace. */
export interface OctaneWorkspace {
  readonly switches: OctaneSwitchValues
  rows(type: string): ReadonlyMap<string, Entity>
  find(type: string, id: string): Entity | undefined
}

/** What Octane checks before it writes a record. */
export class OctaneRules {
  readonly #workspace: OctaneWorkspace

  constructor(workspace: OctaneWorkspace) {
    this.#workspace = workspace
  }

  /** Unknown, read-only and wrongly typed fields are refused before anything is done. */
  checkBody(model: TypeModel, body: Record<string, unknown>, context: WriteContext, before: Entity | null): void {
    for (const [name, value] of Object.entries(body)) {
      if (name === 'type' || (name === 'id' && (before !== null || context.via === 'seed'))) continue
      const field = model.fields.find((candidate) => candidate.name === name)
      if (field === undefined)
        throw new Refusal(
          400,
          'platform.unknown_field',
          `The entity type '${model.name}' does not have a field/s by name/s '${name}'`,
          {
            entity_type: model.name,
            field_name: name,
          },
        )
      if (context.via !== 'rest') continue
      const frozen = field.editable === false || (field.final === true && before !== null)
      if (frozen)
        throw new Refusal(
          403,
          'platform.modify_non_editable_field',
          `The field '${name}' of '${model.name}' cannot be modified.`,
          {
            entity_type: model.name,
            field_name: name,
          },
        )
      this.#checkValue(model, field, value)
    }
  }

  #checkValue(model: TypeModel, field: FieldModel, value: unknown): void {
    if (value === null || value === undefined) return
    const refuse: (why: string) => never = (why) => {
      throw new Refusal(
        400,
        'platform.illegal_field_value',
        `The value of the field '${field.name}' is illegal: ${why}`,
        {
          entity_type: model.name,
          field_name: field.name,
        },
      )
    }
    switch (field.type) {
      case 'string':
      case 'memo':
        if (typeof value !== 'string') refuse('a text is expected')
        if (field.type === 'string' && field.maxLength !== undefined && String(value).length > field.maxLength)
          throw new Refusal(
            400,
            'platform.field_too_long',
            `The value of the field '${field.name}' exceeds the maximum length of ${field.maxLength}.`,
            {
              entity_type: model.name,
              field_name: field.name,
            },
          )
        return
      case 'integer':
      case 'float':
        if (typeof value !== 'number' || (field.type === 'integer' && !Number.isInteger(value)))
          refuse('a number is expected')
        return
      case 'boolean':
        if (typeof value !== 'boolean') refuse('true or false is expected')
        return
      case 'date_time':
        if (
          typeof value !== 'string' ||
          !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})$/.test(value) ||
          Number.isNaN(Date.parse(value))
        )
          refuse('a time such as 2026-05-04T09:15:00Z is expected')
        return
      case 'reference': {
        const items = field.multiple === true ? (value as { data?: unknown }).data : [value]
        if (!Array.isArray(items)) refuse('{"data":[...]} is expected')
        for (const item of (items ?? []) as (Partial<Reference> | null)[]) {
          const id = item?.id
          if (id === undefined) refuse('{"type":..., "id":...} is expected')
          const target = this.#workspace.find(field.target ?? '', String(id))
          if (target === undefined) refuse(`there is no ${field.target} ${String(id)}`)
          if (field.list !== undefined && (target?.list_root as Reference | null)?.id !== this.#listRoot(field.list))
            refuse(`${String(id)} is no item of ${field.list}`)
          if (field.target === 'phase' && target?.entity !== model.name)
            refuse(`${String(id)} is no phase of ${model.name}`)
        }
        return
      }
      default:
    }
  }

  #listRoot(list: string): string | undefined {
    return this.#workspace.rows('list_node').get(list)?.id
  }

  checkRequired(model: TypeModel, entity: Entity): void {
    for (const field of model.fields) {
      if (field.required !== true || field.editable === false) continue
      const value = entity[field.name]
      if (value === null || value === undefined || value === '')
        throw new Refusal(400, this.#workspace.switches.requiredCode, `The field '${field.label}' is required.`, {
          entity_type: model.name,
          field_name: field.name,
        })
    }
  }

  checkUnique(model: TypeModel, entity: Entity): void {
    if (model.uniqueName !== true) return
    for (const other of this.#workspace.rows(model.name).values())
      if (other.id !== entity.id && String(other.name).toLowerCase() === String(entity.name).toLowerCase())
        throw new Refusal(
          409,
          'platform.duplicate_entity_error',
          `A ${model.label} named '${String(entity.name)}' exists already.`,
          { entity_type: model.name },
          true,
        )
  }

  checkRules(entity: Entity): void {
    const closed = (entity.phase as Reference | null)?.id === 'phase.defect.closed'
    if (this.#workspace.switches.closedNeedsDate === 'yes' && closed && entity.closed_on === null)
      throw new Refusal(
        400,
        'platform.business_rule',
        "Business rule 'Closed needs a date': the field 'Closed on' is required in phase 'Closed'.",
        { field_name: 'closed_on' },
        true,
      )
  }

  checkParent(type: string, parent: Reference | null): void {
    const allowed = parentsOf[type]
    if (this.#workspace.switches.parentRules === 'no' || parent === null || allowed === undefined) return
    if (!allowed.includes(parent.type))
      throw new Refusal(
        400,
        this.#workspace.switches.parentCode,
        `A ${modelOf(type).label} can't stand below a ${modelOf(parent.type).label}.`,
        { entity_type: type, field_name: 'parent' },
        true,
      )
  }

  checkTransition(type: string, from: Reference, to: Reference): void {
    if (this.#workspace.switches.enforceTransitions === 'no') return
    const logical = (phase: Reference) => phase.id.split('.').pop() ?? ''
    const allowed = (transitions[type] ?? []).some(
      ([source, target]) => source === logical(from) && target === logical(to),
    )
    if (!allowed)
      throw new Refusal(
        400,
        this.#workspace.switches.transitionCode,
        `The transition from '${logical(from)}' to '${logical(to)}' is not allowed.`,
        { entity_type: type, field_name: 'phase' },
        true,
      )
  }
}
