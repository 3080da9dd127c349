import type { AlmFieldModel, AlmTypeModel } from './model.ts'

/** A reference of a type, and the names by which filters reach the records it leads to. */
export interface AlmRelation {
  field: AlmFieldModel
  target: string
  aliases: readonly string[]
}

const known = new Map<string, readonly AlmRelation[]>()

/** Each relation goes by its field's name; one to each type, the target before others, also by the name of that type. */
export function relationsOf(model: AlmTypeModel): readonly AlmRelation[] {
  const before = known.get(model.name)
  if (before !== undefined) return before
  const references = model.fields.flatMap((field) => {
    const target = field.target ?? (field.name === 'parent-id' ? model.parent : undefined)
    return target === undefined ? [] : [{ field, target }]
  })
  const relations = references.map(({ field, target }): AlmRelation => {
    const alike = references.filter((one) => one.target === target).map((one) => one.field.name)
    const own = field.name.replace(/-id$/, '')
    const first = alike.find((name) => name.startsWith('target-')) ?? alike[0]
    return { field, target, aliases: first === field.name && own !== target ? [target, own] : [own] }
  })
  known.set(model.name, relations)
  return relations
}
