import type { LinkKind } from './link-config.ts'
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
  /** Set where what it points to is kept in step itself by a link of this kind. */
  refersTo?: RecordReference
  /** Names the record above in the tree; `typed`: the endpoint has rules about what stands under what. */
  hierarchy?: 'free' | 'typed'
  userDefined: boolean
  /** True: the list's items differ from the product's delivered ones, so it is not mapped automatically. */
  customized: boolean
  /** True: the endpoint's history tells when the field of a record was last edited. */
  history?: boolean
}

/** How the ids that a field holds are known to the link that keeps their records in step. */
export interface RecordReference {
  /** Kind of that link. */
  kind: LinkKind
  /** What stands before the id there: several of an endpoint's types share one kind (`release-12`, `cycle-12`). */
  prefix: string
}

/** One type of record within an entity type: a requirement type of ALM, a subtype of Octane's work items. */
export interface RecordType {
  value: string
  label: string
  /** The fields that its records have, with what is required of them and the values that they take. */
  fields: readonly FieldMetadata[]
}

export interface EntityMetadata {
  entityType: string
  label: string
  fields: readonly FieldMetadata[]
  /** Set where the entity type holds several types of records. `fields` are then those of any of them. */
  recordTypes?: {
    /** The field that tells a record's type. */
    field: string
    types: readonly RecordType[]
  }
}

/** A field as an endpoint may describe it: text of any length that may be empty, unless `changes` say otherwise. */
export function plainField(name: string, changes: Partial<FieldMetadata> = {}): FieldMetadata {
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

/** Does a record of any type of the entity type require the field? */
export function requiredByAny(metadata: EntityMetadata, name: string): boolean {
  const all = [metadata.fields, ...(metadata.recordTypes?.types ?? []).map((type) => type.fields)]
  return all.some((fields) => fields.some((field) => field.name === name && field.required))
}
