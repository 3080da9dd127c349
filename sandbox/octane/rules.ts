import { checkName } from './attachments.ts'
import type { FieldModel, TypeModel } from './field-models.ts'
import { Refusal } from './refusal.ts'
import type { Entity, Reference, WriteContext } from './store.ts'
import type { OctaneSwitchValues } from './switches.ts'
import { parentsOf, transitions } from './workflow.ts'

/** What the rules need to know of the workspace. */
export interface OctaneWorkspace {
  readonly switches: OctaneSwitchValues
  rows(type: string): ReadonlyMap<string, Entity>
  find(type: string, id: string): Entity | undefined
  model(type: string): TypeModel
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
      if (name === 'type' || (name === 'id' && (before !== null || context.via === 'seed'))) {
        if (context.via === 'rest') this.#checkIdentity(model, name, value, before)
        continue
      }
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

  /** What a body says of itself is what it is sent to. */
  #checkIdentity(model: TypeModel, name: 'type' | 'id', value: unknown, before: Entity | null): void {
    const said = value === 'application_module' ? 'product_area' : value
    const fits = name === 'type' ? said === model.name || said === model.base : String(value) === before?.id
    if (!fits)
      throw new Refusal(
        400,
        'platform.illegal_field_value',
        `The value '${String(value)}' of the field '${name}' is not that of the entity.`,
        { entity_type: model.name, field_name: name },
      )
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
          !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/.test(value) ||
          Number.isNaN(Date.parse(value))
        )
          refuse('a time such as 2026-05-04T09:15:00Z is expected')
        return
      case 'reference': {
        const items = field.multiple === true ? (value as { data?: unknown }).data : [value]
        if (!Array.isArray(items)) refuse('{"data":[...]} is expected')
        for (const item of (items ?? []) as (Partial<Reference> | null)[])
          this.#checkReference(model, field, item, refuse)
        return
      }
      case 'date':
        if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value) || Number.isNaN(Date.parse(value)))
          refuse('a day such as 2026-05-04 is expected')
        return
      default:
    }
  }

  /** A reference names its type, or the base of it, and something there that fits the field. */
  #checkReference(
    model: TypeModel,
    field: FieldModel,
    item: Partial<Reference> | null,
    refuse: (why: string) => never,
  ): void {
    if (item?.id === undefined || item.type === undefined) refuse('{"type":..., "id":...} is expected')
    const id = String(item.id)
    const target = this.#workspace.find(field.target ?? '', id)
    if (target === undefined) refuse(`there is no ${field.target} ${id}`)
    // The name that old clients have for it.
    const type = item.type === 'application_module' ? 'product_area' : item.type
    if (type !== field.target && type !== target.type) refuse(`${id} is no ${item.type}`)
    if (field.targets?.includes(target.type) === false) refuse(`${id} is none of ${field.targets.join(', ')}`)
    const root = field.list === undefined ? undefined : this.#workspace.find('list_node', field.list)?.id
    if (field.list !== undefined && (target.list_root as Reference | null)?.id !== root)
      refuse(`${id} is no item of ${field.list}`)
    if (field.target === 'phase' && target.entity !== model.name) refuse(`${id} is no phase of ${model.name}`)
  }

  /** What must be true of the record as a whole. */
  checkWhole(model: TypeModel, entity: Entity, before: Entity | null = null): void {
    this.#checkRequired(model, entity)
    this.#checkUnique(model, entity)
    this.#checkOwner(model, entity)
    if (model.name === 'attachment' && before !== null)
      checkName(this.#workspace.switches, String(entity.name), String(before.name))
    this.#checkClosed(entity)
  }

  /** Comments and attachments belong to exactly one record. */
  #checkOwner(model: TypeModel, entity: Entity): void {
    const owners = model.fields.filter((field) => field.name.startsWith('owner_'))
    if (owners.length === 0) return
    const given = owners.filter((field) => entity[field.name] !== null)
    if (given.length === 1) return
    throw new Refusal(
      400,
      given.length === 0 ? this.#workspace.switches.requiredCode : 'platform.illegal_field_value',
      `A ${model.label} has exactly one owner: one of ${owners.map((field) => field.name).join(', ')}.`,
      { entity_type: model.name, field_name: (given[1] ?? owners[0])?.name },
    )
  }

  #checkRequired(model: TypeModel, entity: Entity): void {
    for (const field of model.fields) {
      if (field.required !== true || field.editable === false) continue
      const value = entity[field.name]
      if (value === null || value === undefined || value === '')
        throw new Refusal(
          Number(this.#workspace.switches.requiredStatus),
          this.#workspace.switches.requiredCode,
          `The field '${field.label}' is required.`,
          {
            entity_type: model.name,
            field_name: field.name,
          },
        )
    }
  }

  #checkUnique(model: TypeModel, entity: Entity): void {
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

  #checkClosed(entity: Entity): void {
    const closed = this.#phaseName(entity.phase as Reference | null) === 'phase.defect.closed'
    if (this.#workspace.switches.closedNeedsDate === 'yes' && closed && entity.closed_on === null)
      throw new Refusal(
        400,
        'platform.business_rule',
        "Business rule 'Closed needs a date': the field 'Closed on' is required in phase 'Closed'.",
        { field_name: 'closed_on' },
        true,
      )
  }

  /** A record stands below what its type allows, and never below itself. */
  checkParent(entity: Entity): void {
    const parent = entity.parent as Reference | null | undefined
    if (parent === null || parent === undefined) return
    const refuse = (why: string) => {
      throw new Refusal(
        400,
        this.#workspace.switches.parentCode,
        why,
        { entity_type: entity.type, field_name: 'parent' },
        true,
      )
    }
    for (let above = this.#workspace.find(parent.type, parent.id); above !== undefined; ) {
      if (above.id === entity.id && above.type === entity.type) refuse('A record cannot stand below itself.')
      const next = above.parent as Reference | null | undefined
      above = next === null || next === undefined ? undefined : this.#workspace.find(next.type, next.id)
    }
    const allowed = parentsOf[entity.type]
    if (this.#workspace.switches.parentRules === 'no' || allowed === undefined) return
    if (!allowed.includes(parent.type))
      refuse(
        `A ${this.#workspace.model(entity.type).label} can't stand below a ${this.#workspace.model(parent.type).label}.`,
      )
  }

  checkTransition(type: string, from: Reference | null, to: Reference | null): void {
    if (this.#workspace.switches.enforceTransitions === 'no' || from === null || to === null) return
    const short = (phase: Reference) => this.#phaseName(phase)?.split('.').pop() ?? ''
    const allowed = (transitions[type] ?? []).some(([source, target]) => source === short(from) && target === short(to))
    if (!allowed)
      throw new Refusal(
        Number(this.#workspace.switches.transitionStatus),
        this.#workspace.switches.transitionCode,
        `The transition from '${short(from)}' to '${short(to)}' is not allowed.`,
        { entity_type: type, field_name: 'phase' },
        true,
      )
  }

  #phaseName(phase: Reference | null | undefined): string | undefined {
    return phase === null || phase === undefined
      ? undefined
      : (this.#workspace.find('phase', phase.id)?.logical_name as string | undefined)
  }
}
