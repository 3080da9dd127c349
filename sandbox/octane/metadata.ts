import type { SandboxAnswer } from '../common/http.ts'
import { answer, envelope, notThere } from './answers.ts'
import type { FieldModel, TypeModel } from './field-models.ts'
import { typeModels } from './model.ts'

/** `metadata/entities` and `metadata/fields`. */
export function metadataRoutes(kind: string | undefined, query: string): SandboxAnswer {
  const names = textsAsked(query, kind === 'fields' ? 'entity_name' : 'name')
  const chosen = names === null ? typeModels : typeModels.filter((type) => names.includes(type.name))
  if (kind === 'entities') return answer(200, envelope(chosen.map(entityDescription), chosen.length))
  if (kind !== 'fields') return notThere()
  const fields = textsAsked(query, 'name')
  const rows = chosen.flatMap((type) =>
    type.fields
      .filter((field) => fields === null || fields.includes(field.name))
      .map((field) => fieldDescription(type, field)),
  )
  return answer(200, envelope(rows, rows.length))
}

/** The texts that a query asks one field for (`f EQ 'a'`, `f='a'`, `f IN 'a','b'`); null: it does not ask for that field. */
export function textsAsked(query: string, field: string): string[] | null {
  const phrase = new RegExp(
    `(?<![\\w.])${field}\\s*(?:=|EQ\\s|IN\\s)\\s*((?:(?:'[^']*'|\\^[^^]*\\^)\\s*,?\\s*)+)`,
    'i',
  ).exec(query)
  return phrase?.[1] === undefined
    ? null
    : [...phrase[1].matchAll(/'([^']*)'|\^([^^]*)\^/g)].map((match) => match[1] ?? match[2] ?? '')
}

function entityDescription(type: TypeModel): Record<string, unknown> {
  const features: Record<string, unknown>[] = [
    { name: 'rest', url: type.collection, methods: type.writable ? ['GET', 'POST', 'PUT', 'DELETE'] : ['GET'] },
  ]
  if (type.base !== null)
    features.push(
      { name: 'subtype_of', type: type.base },
      { name: 'has_comments', relation_name: 'comments' },
      { name: 'has_attachments', relation_name: 'attachments' },
      { name: 'business_rules' },
      { name: 'phases' },
      { name: 'user_defined_fields', max_number_of_fields: 300 },
    )
  return { type: 'entity_metadata', name: type.name, label: type.label, can_modify_label: type.base !== null, features }
}

function fieldDescription(type: TypeModel, field: FieldModel): Record<string, unknown> {
  return {
    type: 'field_metadata',
    entity_name: type.name,
    name: field.name,
    label: field.label,
    field_type: field.type,
    ...(field.type === 'reference'
      ? {
          field_type_data: {
            multiple: field.multiple === true,
            targets: [{ type: field.target, ...(field.list === undefined ? {} : { logical_name: field.list }) }],
          },
        }
      : {}),
    required: field.required === true,
    final: field.final === true,
    editable: field.editable !== false,
    filterable: true,
    sortable: field.type !== 'memo' && field.multiple !== true,
    groupable: field.type === 'reference',
    unique: false,
    returned_by_default: ['id', 'name', 'type'].includes(field.name),
    visible_in_ui: !field.name.endsWith('_stamp'),
    is_user_defined: field.userDefined === true,
    auto_generated: ['id', 'creation_time', 'last_modified', 'version_stamp', 'workspace_id', 'logical_name'].includes(
      field.name,
    ),
    max_length: field.maxLength ?? null,
    sanitization: field.type === 'memo' ? 'HTML' : 'NONE',
    inBusinessRule: true,
    description: '',
    field_features: [{ name: 'supports_standard_storage' }],
  }
}
