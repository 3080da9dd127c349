import type { FieldMapping } from './link-config.ts'
import type { FieldMetadata } from './metadata.ts'
import type { Problem } from './problems.ts'
import type { Side } from './values.ts'

export function unreadable(mapping: FieldMapping, side: Side): Problem {
  return {
    class: 'schema',
    code: 'unreadable-field',
    message: `The field "${mapping[side] ?? ''}" is missing in what the endpoint answers.`,
    remedy:
      'Check that the field still exists and that the integration user may read it, then run the integrity check.',
    side,
    field: mapping[side] ?? '',
    mappingId: mapping.id,
  }
}

export function requiredProblem(mapping: FieldMapping | undefined, side: Side, target: FieldMetadata): Problem {
  return {
    class: 'mapping',
    code: 'required-field',
    message: `"${target.label}" is required and there is no value for it.`,
    remedy: `Fill in the field the value comes from, or give the mapping of "${target.label}" a default.`,
    side,
    field: target.name,
    ...(mapping === undefined ? {} : { mappingId: mapping.id }),
  }
}
