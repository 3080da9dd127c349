import type { TypeModel } from './field-models.ts'
import { planTypes } from './model-plan.ts'
import { qualityTypes } from './model-quality.ts'
import { workTypes } from './model-work.ts'
import { Refusal } from './refusal.ts'

/** Every entity type of the workspace. */
export const typeModels: readonly TypeModel[] = [...workTypes, ...planTypes, ...qualityTypes]

/** Collections over all types of a base. */
export const aggregates: Readonly<Record<string, string>> = {
  work_items: 'work_item',
  requirements: 'requirement',
  tests: 'test',
}

const byName = new Map(typeModels.map((model) => [model.name, model]))

/** The type of a name; throws the product's refusal where there is none. */
export function modelOf(type: string): TypeModel {
  const model = byName.get(type)
  if (model === undefined) throw new Refusal(404, 'platform.web_application', 'HTTP 404 Not Found')
  return model
}

const byBase = new Map(
  Object.values(aggregates).map((base) => [base, typeModels.filter((model) => model.base === base)]),
)

/** A type, or all types of a base. */
export function modelsUnder(type: string): readonly TypeModel[] {
  const own = byName.get(type)
  return own === undefined ? (byBase.get(type) ?? []) : [own]
}

/** The base types as metadata describes them: with every field that one of their types has. */
export const baseModels: readonly TypeModel[] = Object.entries(aggregates).map(([collection, base]) => ({
  name: base,
  collection,
  label: { work_item: 'Work Item', requirement: 'Requirement', test: 'Test' }[base] ?? base,
  base: null,
  writable: true,
  fields: [...new Map(modelsUnder(base).flatMap((model) => model.fields.map((field) => [field.name, field]))).values()],
}))
