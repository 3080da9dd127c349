/** Describes one field as `metadata/fields` does. */
export interface FieldModel {
  name: string
  label: string
  type: 'string' | 'memo' | 'integer' | 'float' | 'boolean' | 'date_time' | 'date' | 'reference' | 'object'
  multiple?: boolean
  /** Type referred to, or the base of several; for lists `list_node` with the list's logical name. */
  target?: string
  /** Where only some types of the base can be referred to. */
  targets?: readonly string[]
  list?: string
  required?: boolean
  final?: boolean
  editable?: boolean
  filterable?: boolean
  /** No two records have the same value. */
  unique?: boolean
  /** Kept by the server: it changes with what it counts, not by being written. */
  served?: boolean
  maxLength?: number
  userDefined?: boolean
}

export interface TypeModel {
  name: string
  collection: string
  label: string
  base: string | null
  fields: readonly FieldModel[]
  /** Creatable and changeable over REST. */
  writable: boolean
  uniqueName?: boolean
  /** Goes when what it belongs to is deleted. */
  dependent?: boolean
}

export const text = (name: string, label: string, more: Partial<FieldModel> = {}): FieldModel => ({
  name,
  label,
  type: 'string',
  maxLength: 255,
  ...more,
})
export const memo = (name: string, label: string, more: Partial<FieldModel> = {}): FieldModel => ({
  name,
  label,
  type: 'memo',
  ...more,
})
export const whole = (name: string, label: string, more: Partial<FieldModel> = {}): FieldModel => ({
  name,
  label,
  type: 'integer',
  ...more,
})
export const flag = (name: string, label: string, more: Partial<FieldModel> = {}): FieldModel => ({
  name,
  label,
  type: 'boolean',
  ...more,
})
export const time = (name: string, label: string, more: Partial<FieldModel> = {}): FieldModel => ({
  name,
  label,
  type: 'date_time',
  ...more,
})
export const reference = (name: string, label: string, target: string, more: Partial<FieldModel> = {}): FieldModel => ({
  name,
  label,
  type: 'reference',
  target,
  ...more,
})
export const listOf = (name: string, label: string, list: string, more: Partial<FieldModel> = {}): FieldModel => ({
  name,
  label,
  type: 'reference',
  target: 'list_node',
  list,
  ...more,
})

/** Fields of every record. */
export const system: readonly FieldModel[] = [
  text('id', 'ID', { editable: false, filterable: true }),
  text('logical_name', 'Logical name', { editable: false }),
  whole('workspace_id', 'Workspace', { editable: false }),
  time('creation_time', 'Creation time', { editable: false }),
  time('last_modified', 'Last modified', { editable: false }),
  whole('version_stamp', 'Version stamp', { editable: false }),
  whole('client_lock_stamp', 'Client lock stamp'),
]

/** Fields of what has a name and no more that all share. */
export const named: readonly FieldModel[] = [...system, text('name', 'Name', { required: true })]
