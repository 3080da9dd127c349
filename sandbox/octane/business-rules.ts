import { randomUUID } from 'node:crypto'
import type { TypeModel } from './field-models.ts'
import { Refusal } from './refusal.ts'
import type { Entity } from './store.ts'

/** A rule that an administrator made for a type; what is left out asks for nothing. */
export interface BusinessRule {
  name: string
  type: string
  /** Holds only where each of these fields has this value: the id of a reference, or the value itself. */
  when?: Readonly<Record<string, string | number | boolean | null>>
  /** Holds only where one of these fields changes. */
  onChangeOf?: readonly string[]
  /** Fields that must not be empty. */
  require?: readonly string[]
  /** Fields that must not change. */
  readOnly?: readonly string[]
  /** Values that are set along with the change. */
  set?: Readonly<Record<string, unknown>>
  /** Refuses the change in these words. */
  refuse?: string
}

/** Business rules of the workspace; they hold for programs and for people in the browser alike. */
export class BusinessRules {
  readonly #rules = new Map<string, BusinessRule>()

  add(rule: BusinessRule): string {
    const id = randomUUID()
    this.#rules.set(id, rule)
    return id
  }

  /** Ends one rule, or all of them. */
  clear(id?: string): void {
    if (id === undefined) this.#rules.clear()
    else this.#rules.delete(id)
  }

  list(): (BusinessRule & { id: string })[] {
    return [...this.#rules].map(([id, rule]) => ({ id, ...rule }))
  }

  /** What rules set along with a change. */
  effects(type: string, after: Entity, changed: readonly string[]): Record<string, unknown> {
    return Object.assign({}, ...this.#holding(type, after, changed).map((rule) => rule.set ?? {}))
  }

  /** Throws the refusal of the first rule that the change breaks. */
  check(model: TypeModel, after: Entity, changed: readonly string[]): void {
    for (const rule of this.#holding(model.name, after, changed)) {
      const refuse = (why: string, field?: string): never => {
        throw new Refusal(
          400,
          'platform.business_rule',
          `Business rule '${rule.name}': ${why}`,
          { entity_type: model.name, ...(field === undefined ? {} : { field_name: field }) },
          true,
        )
      }
      const label = (name: string) => model.fields.find((field) => field.name === name)?.label ?? name
      if (rule.refuse !== undefined) refuse(rule.refuse)
      const missing = rule.require?.find((name) => isEmpty(after[name]))
      if (missing !== undefined) refuse(`the field '${label(missing)}' is required.`, missing)
      const frozen = rule.readOnly?.find((name) => changed.includes(name))
      if (frozen !== undefined) refuse(`the field '${label(frozen)}' is read-only.`, frozen)
    }
  }

  #holding(type: string, after: Entity, changed: readonly string[]): BusinessRule[] {
    return [...this.#rules.values()].filter(
      (rule) =>
        rule.type === type &&
        (rule.onChangeOf?.some((name) => changed.includes(name)) ?? true) &&
        Object.entries(rule.when ?? {}).every(([name, value]) => keyOf(after[name]) === value),
    )
  }
}

function keyOf(value: unknown): unknown {
  return value !== null && typeof value === 'object' && 'id' in value ? value.id : (value ?? null)
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
}
