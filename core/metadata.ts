import type { FieldType } from './values.ts'

/** One allowed value of a list, phase or short reference field (releases, sprints, cycles, teams). */
export interface FieldOption {
  /** The canonical key, as it appears in snapshots. */
  value: string
  /** What people see. */
  label: string
  /** Label of the record it belongs to, where labels repeat: the release of a sprint or cycle. */
  parentLabel?: string
  active: boolean
}

/** What an endpoint says about one field of one entity type. */
export interface FieldMetadata {
  name: string
  label: string
  type: FieldType
  multiple: boolean
  required: boolean
  /** May be written when a record is created. */
  creatable: boolean
  /** May be written afterwards. */
  editable: boolean
  filterable: boolean
  /** Maximum length in characters of a string; null: none known. */
  maxLength: number | null
  /** True: a value outside `options` is refused by the endpoint. */
  verified: boolean
  /** Present for lists, phases and references that are small enough to be listed. */
  options: readonly FieldOption[] | null
  /** Entity type a reference points to, in the endpoint's own words (`release`, `sprint`); null for other types. */
  target: string | null
  userDefined: boolean
  /** True: the list's items differ from the product's delivered ones, so it is not mapped automatically. */
  customized: boolean
}

export interface EntityMetadata {
  entityType: string
  label: string
  fields: readonly FieldMetadata[]
}

/** A person as an endpoint knows them. `key` is what user fields hold. */
export interface EndpointUser {
  key: string
  login: string
  name: string
  emails: readonly string[]
  active: boolean
  /** API keys are users too; they are never offered as people. */
  machine: boolean
}

/** Everything about one side that translating and checking needs. */
export interface SideMetadata {
  entity: EntityMetadata
  users: readonly EndpointUser[]
}

export function fieldByName(metadata: EntityMetadata, name: string): FieldMetadata | undefined {
  return metadata.fields.find((field) => field.name === name)
}
