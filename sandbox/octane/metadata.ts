import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { answer, envelope, notThere } from './answers.ts'
import type { FieldModel, TypeModel } from './field-models.ts'
import type { OctaneTypes } from './model.ts'
import { parseQuery, QueryError } from './query.ts'
import { methodNotAllowed } from './refusal.ts'
import type { OctaneStore } from './store.ts'
import { parentsOf, phases, roots } from './workflow.ts'

type Row = Record<string, unknown>

/** What rows have without being asked, beside their type. */
export const defaultFields: readonly string[] = ['id', 'workspace_id', 'logical_name', 'subtype']

/** `metadata/entities` and `metadata/fields`, the latter with `||` in queries where a switch says so; pages and orders mean nothing here. */
export function metadataRoutes(request: SandboxRequest, store: OctaneStore, kind: string | undefined): SandboxAnswer {
  const { types } = store
  const described = [...types.all(), ...types.bases()]
  const query = request.query.get('query') ?? ''
  if (kind !== 'entities' && kind !== 'fields') return notThere()
  if (request.method !== 'GET') throw methodNotAllowed('GET')
  if (kind === 'entities')
    return page(
      described.map((type) => entityDescription(types, type)),
      query,
      kind,
    )
  const alternatives = query.replace(/'[^']*'|\^[^^]*\^/g, '').includes('||')
  if (alternatives && store.switches.metadataAlternatives === 'no')
    throw new QueryError('Queries of the metadata of fields know no alternatives.')
  const all = store.switches.legacyDefaultFields === 'yes'
  return page(
    described.flatMap((type) => type.fields.map((field) => fieldDescription(type, field, all))),
    query,
    kind,
  )
}

function page(rows: Row[], query: string, kind: string): SandboxAnswer {
  if (query === '') return answer(200, envelope(rows, rows.length))
  const { test } = parseQuery(query, kind, {
    fieldType: (_type, name) => {
      const sample = rows.find((row) => row[name] !== undefined && row[name] !== null)?.[name]
      const type = typeof sample === 'boolean' ? 'boolean' : typeof sample === 'number' ? 'integer' : 'string'
      return sample === undefined || typeof sample === 'object' ? undefined : { type, multiple: false, target: null }
    },
    resolve: () => undefined,
    currentUser: '',
    innerQuote: 'text',
  })
  const found = rows.filter(test)
  return answer(200, envelope(found, found.length))
}

/** How deep requirement folders and application modules go. */
const deepest = 10

function entityDescription(types: OctaneTypes, type: TypeModel): Row {
  const has = (name: string) => type.fields.some((field) => field.name === name)
  const methods = type.writable ? ['GET', 'POST', 'PUT', 'DELETE'] : ['GET']
  const features: Row[] = [{ name: 'rest', url: type.collection, methods }]
  if (type.base !== null) features.push({ name: 'subtype_of', type: type.base })
  if (has('parent')) features.push(hierarchy(types, type))
  if (has('comments')) features.push({ name: 'has_comments', relation_name: `comments_to_${type.name}` })
  if (has('attachments')) features.push({ name: 'has_attachments', relation_name: `attachments_to_${type.name}` })
  if (phases[type.name] !== undefined) features.push({ name: 'phases' }, { name: 'business_rules' })
  if (type.base === 'work_item') features.push({ name: 'mailing', url: 'mails' })
  if (type.fields.some((field) => field.userDefined === true))
    features.push({ name: 'user_defined_fields', max_number_of_fields: 300 })
  if (type.writable) features.push({ name: 'history' })
  return { type: 'entity_metadata', name: type.name, label: type.label, can_modify_label: type.base !== null, features }
}

function hierarchy(types: OctaneTypes, type: TypeModel): Row {
  const own = types.under(type.name).map((model) => model.name)
  const parents = [...new Set(own.flatMap((name) => parentsOf[name] ?? []))]
  const children = Object.entries(parentsOf).flatMap(([child, above]) =>
    above.some((name) => own.includes(name)) ? [child] : [],
  )
  const root = roots[type.name] ?? (type.name === 'product_area' ? 'product_area' : undefined)
  return {
    name: 'hierarchical_entity',
    parent_types: parents,
    child_types: children,
    root: root === undefined ? null : { type: root, id: '1001' },
    max_depth: deepest,
  }
}

function fieldDescription(type: TypeModel, field: FieldModel, allByDefault: boolean): Row {
  const targets = (field.targets ?? [field.target]).map((target) => ({
    type: target,
    ...(field.list === undefined ? {} : { logical_name: field.list }),
  }))
  const generated = ['id', 'creation_time', 'last_modified', 'version_stamp', 'workspace_id', 'logical_name']
  return {
    type: 'field_metadata',
    entity_name: type.name,
    name: field.name,
    label: field.label,
    field_type: field.type,
    ...(field.type === 'reference' ? { field_type_data: { multiple: field.multiple === true, targets } } : {}),
    required: field.required === true,
    final: field.final === true,
    editable: field.editable !== false,
    filterable: field.filterable !== false,
    sortable: isSortable(field),
    groupable: field.type === 'reference',
    unique: field.name === 'id' || (type.uniqueName === true && field.name === 'name'),
    returned_by_default: defaultFields.includes(field.name) || (allByDefault && field.multiple !== true),
    visible_in_ui: !field.name.endsWith('_stamp'),
    is_user_defined: field.userDefined === true,
    auto_generated: generated.includes(field.name) || field.served === true,
    access_level: 'PUBLIC',
    max_length: field.maxLength ?? null,
    ...(field.type === 'integer' ? { min_value: Number.MIN_SAFE_INTEGER, max_value: Number.MAX_SAFE_INTEGER } : {}),
    sanitization: field.type === 'memo' ? 'HTML' : 'NONE',
    inBusinessRule: true,
    description: '',
    field_features: [{ name: 'supports_standard_storage' }],
  }
}

/** Whether records can be ordered by a field. */
export function isSortable(field: FieldModel): boolean {
  return field.type !== 'memo' && field.multiple !== true
}
