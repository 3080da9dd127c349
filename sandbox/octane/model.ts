import type { FieldModel, TypeModel } from './field-models.ts'
import { planTypes } from './model-plan.ts'
import { qualityTypes } from './model-quality.ts'
import { workTypes } from './model-work.ts'
import { ServletRefusal } from './refusal.ts'

/** Collections over all types of a base. */
export const aggregates: Readonly<Record<string, string>> = {
  work_items: 'work_item',
  requirements: 'requirement',
  tests: 'test',
  runs: 'run',
}

/** The entity types of one workspace with their fields, which its administrators can add to. */
export class OctaneTypes {
  readonly #byName = new Map([...workTypes, ...planTypes, ...qualityTypes].map((model) => [model.name, model]))
  #byBase = new Map<string, readonly TypeModel[]>()

  constructor() {
    this.#group()
  }

  all(): readonly TypeModel[] {
    return [...this.#byName.values()]
  }

  /** The type of a name; throws the product's refusal where there is none. */
  of(type: string): TypeModel {
    const model = this.#byName.get(type)
    if (model === undefined) throw new ServletRefusal(404, 'Not Found')
    return model
  }

  /** A type, or all types of a base. */
  under(type: string): readonly TypeModel[] {
    const own = this.#byName.get(type)
    return own === undefined ? (this.#byBase.get(type) ?? []) : [own]
  }

  /** The base types as metadata describes them: with every field that one of their types has. */
  bases(): TypeModel[] {
    return Object.entries(aggregates).map(([collection, base]) => ({
      name: base,
      collection,
      label: { work_item: 'Work Item', requirement: 'Requirement', test: 'Test', run: 'Run' }[base] ?? base,
      base: null,
      writable: true,
      fields: [
        ...new Map(this.under(base).flatMap((model) => model.fields.map((field) => [field.name, field]))).values(),
      ],
    }))
  }

  /** Adds a field to a type, or puts another description in the place of one. */
  setField(type: string, field: FieldModel): void {
    const model = this.of(type)
    const known = model.fields.some((one) => one.name === field.name)
    const fields = known ? model.fields.map((one) => (one.name === field.name ? field : one)) : [...model.fields, field]
    this.#byName.set(type, { ...model, fields })
    this.#group()
  }

  /** Takes a field away, as an administrator who deletes it. */
  removeField(type: string, name: string): void {
    const model = this.of(type)
    this.#byName.set(type, { ...model, fields: model.fields.filter((field) => field.name !== name) })
    this.#group()
  }

  /** The same fields as another workspace has. */
  copy(from: OctaneTypes): void {
    for (const model of from.all()) this.#byName.set(model.name, model)
    this.#group()
  }

  #group(): void {
    this.#byBase = new Map(
      Object.values(aggregates).map((base) => [base, this.all().filter((model) => model.base === base)]),
    )
  }
}
