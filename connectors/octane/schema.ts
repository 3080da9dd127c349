import {
  type EndpointUser,
  type EntityMetadata,
  type FieldMetadata,
  type FieldOption,
  plainField,
  type RecordReference,
} from '../../core/metadata.ts'
import type { FieldType } from '../../core/values.ts'
import { carriesFiles } from './attachments.ts'
import { carriesComments } from './comments.ts'

/** `metadata/fields` as far as we use it. */
export interface OctaneField {
  name: string
  label: string
  field_type: string
  field_type_data?: { multiple?: boolean; targets?: { type: string; logical_name?: string }[] } | null
  required?: boolean
  final?: boolean
  editable?: boolean
  filterable?: boolean
  max_length?: number | null
  auto_generated?: boolean
  is_user_defined?: boolean
}

export interface OctaneReference {
  type: string
  id: string
  name?: string
}

/** What a field is on the wire, kept beside the canonical description. */
export interface WireField {
  metadata: FieldMetadata
  /** Type written into a reference, such as `list_node` or `workspace_user`. */
  target: string | null
  wire: string
  /** Of the field that names the record above: the id of the workspace's root, which stands for "none". */
  rootId?: string
}

const types: Record<string, FieldType> = {
  string: 'string',
  memo: 'memo',
  integer: 'integer',
  long: 'integer',
  float: 'float',
  boolean: 'boolean',
  date: 'date',
  date_time: 'datetime',
}

/** Referenced types that are short enough to be listed with their names. */
export const listedTargets: Record<string, { collection: string; parent: string | null }> = {
  release: { collection: 'releases', parent: null },
  sprint: { collection: 'sprints', parent: 'release' },
  milestone: { collection: 'milestones', parent: null },
  team: { collection: 'teams', parent: null },
}

/** Never offered for writing, whatever the metadata says. */
const systemOwned = new Set([
  'id',
  'version_stamp',
  'client_lock_stamp',
  'last_modified',
  'creation_time',
  'workspace_id',
  'logical_name',
  'subtype',
  'author',
])

/** Delivered items of lists that are mapped automatically; other items mean that somebody customised the list. */
const delivered: Record<string, readonly string[]> = {
  'list_node.severity': ['low', 'medium', 'high', 'very high', 'urgent'],
  'list_node.priority': ['low', 'medium', 'high', 'very high', 'urgent'],
}

const deliveredPhases = ['new', 'opened', 'fixed', 'proposed closed', 'closed', 'deferred', 'duplicate', 'rejected']

/** Records that fields refer to, where links keep such records in step themselves. */
const recordReferences: Readonly<Record<string, RecordReference>> = {
  release: { kind: 'release', prefix: 'release-' },
  sprint: { kind: 'release', prefix: 'sprint-' },
  work_item: { kind: 'backlog', prefix: '' },
  epic: { kind: 'backlog', prefix: '' },
  feature: { kind: 'backlog', prefix: '' },
  story: { kind: 'backlog', prefix: '' },
}

/** Types whose records stand in the backlog's tree and are kept in step there. */
const backlogTypes = new Set(['epic', 'feature', 'story'])

export function wireField(
  entityType: string,
  field: OctaneField,
  options: readonly FieldOption[] | null,
  rootId: string | null,
): WireField {
  const targets = field.field_type_data?.targets ?? []
  const [first] = targets
  const target = field.field_type === 'reference' ? (first?.type ?? null) : null
  const list = target === 'list_node' || target === 'phase'
  const type: FieldType =
    field.field_type !== 'reference'
      ? (types[field.field_type] ?? 'string')
      : list
        ? 'list'
        : target === 'workspace_user'
          ? 'user'
          : 'reference'
  const readOnly = systemOwned.has(field.name) || field.auto_generated === true
  if (field.name === 'attachments' && carriesFiles(entityType)) return listField(field, 'attachments')
  if (field.name === 'comments' && carriesComments(entityType)) return listField(field, 'comments')
  const refersTo = type === 'reference' && target !== null ? recordReferences[target] : undefined
  const above = field.name === 'parent' && backlogTypes.has(entityType)
  return {
    wire: field.field_type,
    target,
    ...(above && rootId !== null ? { rootId } : {}),
    metadata: {
      name: field.name,
      label: field.label,
      type,
      multiple: field.field_type_data?.multiple === true,
      // A new record gets its start phase from Octane itself.
      required: field.required === true && !readOnly && target !== 'phase',
      creatable: !readOnly && (field.editable !== false || field.final === true),
      editable: !readOnly && field.editable !== false && field.final !== true,
      filterable: field.filterable === true,
      maxLength: field.field_type === 'string' ? (field.max_length ?? null) : null,
      verified: list,
      options,
      target: type === 'reference' ? target : null,
      ...(refersTo === undefined ? {} : { refersTo }),
      ...(above ? { hierarchy: 'typed' as const } : {}),
      userDefined: field.is_user_defined === true,
      customized: isCustomized(first?.logical_name ?? target ?? '', options),
      history: !readOnly,
    },
  }
}

/** A list of what belongs to a record, which other requests than the record's own read and write. */
function listField(field: OctaneField, type: 'attachments' | 'comments'): WireField {
  return {
    wire: type,
    target: null,
    metadata: plainField(field.name, { label: field.label, type, creatable: false, filterable: false }),
  }
}

function isCustomized(list: string, options: readonly FieldOption[] | null): boolean {
  if (options === null) return false
  const known = list === 'phase' ? deliveredPhases : delivered[list]
  if (known === undefined) return false
  const labels = options.map((option) => option.label.toLowerCase())
  return labels.length !== known.length || labels.some((label) => !known.includes(label))
}

export function entityMetadata(entityType: string, label: string, fields: readonly WireField[]): EntityMetadata {
  return { entityType, label, fields: fields.map((field) => field.metadata) }
}

export interface OctaneUser {
  id: string
  name: string
  full_name?: string | null
  first_name?: string | null
  last_name?: string | null
  email?: string | null
  activity_level?: number | null
  is_api_key?: boolean
}

export function endpointUser(user: OctaneUser): EndpointUser {
  const full = user.full_name ?? [user.first_name, user.last_name].filter(Boolean).join(' ')
  return {
    key: user.id,
    login: user.name,
    name: full === '' ? user.name : full,
    emails: user.email === null || user.email === undefined || user.email === '' ? [] : [user.email],
    active: (user.activity_level ?? 0) === 0,
    machine: user.is_api_key === true,
  }
}
