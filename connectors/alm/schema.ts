import {
  type EndpointUser,
  type FieldMetadata,
  type FieldOption,
  plainField,
  type RecordReference,
} from '../../core/metadata.ts'
import type { FieldType } from '../../core/values.ts'

/** One or many: ALM's JSON comes from XML and shows a single element without its array. */
export function asArray<T>(value: T | readonly T[] | null | undefined): readonly T[] {
  if (value === null || value === undefined) return []
  return Array.isArray(value) ? (value as readonly T[]) : [value as T]
}

export interface AlmField {
  name: string
  label: string
  type: string
  size?: number
  listId?: number | string
  required?: boolean
  editable?: boolean
  virtual?: boolean
  active?: boolean
  verify?: boolean
  filterable?: boolean
  history?: boolean
  system?: boolean
  supportsMultivalue?: boolean
  fieldRelationReferences?: {
    references?: { referencedEntityType?: string; ReferencedEntityType?: string }[] | null
  } | null
}

export interface AlmListItem {
  value: string
  Items?: AlmListItem[] | AlmListItem
}

export interface AlmList {
  Id: number | string
  Name: string
  LogicalName?: string
  Items?: AlmListItem[] | AlmListItem
}

const types: Record<string, FieldType> = {
  String: 'string',
  Memo: 'memo',
  Number: 'integer',
  Date: 'date',
  DateTime: 'datetime',
  LookupList: 'list',
  UsersList: 'user',
  Reference: 'reference',
}

/** Standard references whose target the field's own name tells, where the metadata is silent. */
const referenceTargets: Record<string, string> = {
  'detected-in-rel': 'release',
  'target-rel': 'release',
  'detected-in-rcyc': 'release-cycle',
  'target-rcyc': 'release-cycle',
}

/** Records that fields refer to, where links keep such records in step themselves. */
const recordReferences: Readonly<Record<string, RecordReference>> = {
  release: { kind: 'release', prefix: 'release-' },
  'release-cycle': { kind: 'release', prefix: 'cycle-' },
  requirement: { kind: 'backlog', prefix: '' },
}

/** Fields that hold the id of a record above, which the metadata calls a number. */
const parentTargets: Readonly<Record<string, string>> = { requirement: 'requirement', 'release-cycle': 'release' }

const systemOwned = new Set(['id', 'last-modified', 'ver-stamp', 'attachment', 'has-linkage', 'has-change'])

const delivered: Record<string, readonly string[]> = {
  'Bug Status': ['Closed', 'Fixed', 'New', 'Open', 'Rejected', 'Reopen'],
  Severity: ['1-Low', '2-Medium', '3-High', '4-Very High', '5-Urgent'],
  Priority: ['1-Low', '2-Medium', '3-High', '4-Very High', '5-Urgent'],
  YesNo: ['N', 'Y'],
}

/** The memo of a record that holds its comments, by entity type. */
const commentFields: Readonly<Record<string, string>> = { defect: 'dev-comments', requirement: 'comments' }

export function fieldMetadata(
  entityType: string,
  field: AlmField,
  list: AlmList | undefined,
  options: readonly FieldOption[] | null,
): FieldMetadata {
  const above = field.name === 'parent-id' ? parentTargets[entityType] : undefined
  const isComments = field.type === 'Memo' && commentFields[entityType] === field.name
  const plain = isComments ? 'comments' : (types[field.type] ?? 'string')
  const type = above === undefined ? plain : 'reference'
  const readOnly = systemOwned.has(field.name) || field.virtual === true
  const [reference] = asArray(field.fieldRelationReferences?.references)
  const target =
    above ?? reference?.referencedEntityType ?? reference?.ReferencedEntityType ?? referenceTargets[field.name] ?? null
  const refersTo = type === 'reference' && target !== null ? recordReferences[target] : undefined
  return {
    name: field.name,
    label: field.label,
    type,
    multiple: field.supportsMultivalue === true,
    required: field.required === true && !readOnly,
    creatable: !readOnly && !isComments,
    editable: !readOnly && field.editable !== false,
    filterable: field.filterable === true,
    maxLength: type === 'string' && typeof field.size === 'number' && field.size > 0 ? field.size : null,
    verified: type === 'list' && field.verify === true,
    options,
    target: type === 'reference' ? target : null,
    ...(refersTo === undefined ? {} : { refersTo }),
    ...(above === 'requirement' ? { hierarchy: 'free' as const } : {}),
    userDefined: /^user-/.test(field.name),
    customized: list !== undefined && isCustomized(list),
    // Audits leave texts out.
    history: field.history === true && type !== 'memo',
  }
}

/** The list of a record's files, which other requests than the record's own read and write. */
export const attachmentsField = plainField('attachments', {
  label: 'Attachments',
  type: 'attachments',
  creatable: false,
  filterable: false,
})

export function referenceTarget(entityType: string, field: AlmField): string | null {
  return fieldMetadata(entityType, field, undefined, null).target
}

export function listOptions(list: AlmList): FieldOption[] {
  return flattened(asArray(list.Items)).map((value) => ({ value, label: value, active: true }))
}

/** Trees offer each node and leaf by its own text. */
function flattened(items: readonly AlmListItem[]): string[] {
  return items.flatMap((item) => [item.value, ...flattened(asArray(item.Items))])
}

function isCustomized(list: AlmList): boolean {
  const known = delivered[list.Name]
  if (known === undefined) return false
  const values = flattened(asArray(list.Items))
  return values.length !== known.length || values.some((value) => !known.includes(value))
}

/** A requirement type, as `customization/entities/requirement/types` lists it. */
export interface AlmType {
  id: number | string
  name: string
}

export interface AlmUser {
  Name: string
  FullName?: string
  email?: string
  UserActive?: boolean | string
}

export function endpointUser(user: AlmUser): EndpointUser {
  // Several addresses may stand in the one field.
  const emails = (user.email ?? '')
    .split(/[;,\s]+/)
    .map((email) => email.trim())
    .filter((email) => email !== '')
  return {
    key: user.Name,
    login: user.Name,
    name: user.FullName === undefined || user.FullName === '' ? user.Name : user.FullName,
    emails,
    active: user.UserActive === undefined || user.UserActive === true || user.UserActive === 'true',
    machine: false,
  }
}
