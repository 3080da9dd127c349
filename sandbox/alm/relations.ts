import type { AlmFieldModel, AlmTypeModel } from './model.ts'

/** A reference of a type, and the names by which filters reach the records it leads to. */
export interface AlmRelation {
  field: AlmFieldModel
  type: 'connection' | 'containment'
  target: string
  /** Those that are not unique are shared with other references to the same type. */
  aliases: readonly { name: string; unique: boolean }[]
}

const known = new Map<string, readonly AlmRelation[]>()

/** Unique names of references beside which there is another one to the same type. */
const mirrors: Readonly<Record<string, string>> = {
  'defect target-rel': 'defect-to-target-release-mirror',
  'defect detected-in-rel': 'defect-to-detected-release-mirror',
  'defect target-rcyc': 'defect-to-target-rcycl-mirror',
  'defect detected-in-rcyc': 'defect-to-detected-rcycl-mirror',
}

/**
 * Each relation goes by the name of the type it leads to, alone and behind `connected-to-` or `contained-in-`. Where several
 * lead to one type those names stand for the one to the target, and each has another one that is its own.
 */
export function relationsOf(model: AlmTypeModel): readonly AlmRelation[] {
  const before = known.get(model.name)
  if (before !== undefined) return before
  const references = model.fields.flatMap((field) => {
    const target = field.target ?? (field.name === 'parent-id' ? model.parent : undefined)
    return target === undefined ? [] : [{ field, target }]
  })
  const relations = references.map(({ field, target }): AlmRelation => {
    const type = field.name === 'parent-id' ? 'containment' : 'connection'
    const alone = references.filter((one) => one.target === target).length === 1
    const shared = [target, type === 'containment' ? `contained-in-${target}` : `connected-to-${target}`]
    const own = mirrors[`${model.name} ${field.name}`] ?? `${model.name}-to-${field.name}-mirror`
    return {
      field,
      type,
      target,
      aliases: [...shared.map((name) => ({ name, unique: alone })), ...(alone ? [] : [{ name: own, unique: true }])],
    }
  })
  // The target before others: a shared name means the first that has it.
  relations.sort((a, b) => Number(b.field.name.startsWith('target-')) - Number(a.field.name.startsWith('target-')))
  known.set(model.name, relations)
  return relations
}
