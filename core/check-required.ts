import type { Look } from './check-look.ts'
import { otherSide, type Side } from './values.ts'

/** Required fields of a side where records are created: each needs a source, and one that is never empty. */
export function checkRequired(look: Look, side: Side): void {
  const { add, configuration, fieldOf, flowsTo, input } = look
  const from = otherSide(side)
  for (const field of input[side].entity.fields) {
    if (!field.required || !field.creatable || field.name === configuration[side].crossReference) continue
    const index = configuration.fields.findIndex((mapping) => mapping[side] === field.name)
    const mapping = configuration.fields[index]
    if (mapping === undefined) {
      add(
        'required',
        'error',
        side,
        `"${field.label}" is required and not mapped, so no record can be created there.`,
        'Map it, or set a constant.',
        '/fields',
      )
      continue
    }
    const constant = (mapping.constant ?? null) !== null
    const standIn = field.type === 'user' ? look.input.translator.standIn(side) : null
    const fallback = (mapping.defaults[side] ?? standIn) !== null
    if (constant || fallback) continue
    if (!flowsTo(mapping, side))
      add(
        'required',
        'error',
        side,
        `"${field.label}" is required, but mapped in the other direction only.`,
        'Give the mapping a default, or change its direction.',
        `/fields/${index}/direction`,
      )
    else if (fieldOf(from, mapping[from])?.required !== true)
      add(
        'required',
        'warning',
        side,
        `"${field.label}" is required, and what it comes from may be empty. Such records are not created.`,
        'Give the mapping a default.',
        `/fields/${index}/defaults/${side}`,
      )
  }
}
