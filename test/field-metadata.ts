import type { FieldMetadata } from '../core/metadata.ts'

/** A field as an endpoint may describe it: text of any length that may be empty, unless `changes` say otherwise. */
export function fieldMetadata(name: string, changes: Partial<FieldMetadata> = {}): FieldMetadata {
  return {
    name,
    label: name,
    type: 'string',
    multiple: false,
    required: false,
    creatable: true,
    editable: true,
    filterable: true,
    maxLength: null,
    verified: false,
    options: null,
    target: null,
    userDefined: false,
    customized: false,
    ...changes,
  }
}
