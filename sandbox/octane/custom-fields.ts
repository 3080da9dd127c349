import type { FieldModel } from './field-models.ts'
import type { OctaneStore } from './store.ts'

/** A row of `metadata/fields`, as far as it matters here. */
export interface DescribedField {
  entity_name: string
  name: string
  label?: string | undefined
  field_type: string
  field_type_data?: { multiple?: boolean; targets?: { type: string; logical_name?: string }[] } | null
  required?: boolean | undefined
  final?: boolean | undefined
  editable?: boolean | undefined
  filterable?: boolean | undefined
  max_length?: number | null | undefined
  is_user_defined?: boolean | undefined
}

const types: Readonly<Record<string, FieldModel['type']>> = {
  string: 'string',
  memo: 'memo',
  integer: 'integer',
  long: 'integer',
  float: 'float',
  boolean: 'boolean',
  date_time: 'date_time',
  date: 'date',
  object: 'object',
}

/**
 * Takes fields as another server's `metadata/fields` describes them: new ones are added, known ones get the flags and the
 * label given. Lists that are named with items are made. Tells what was left out: types, targets and lists unknown here.
 */
export function takeFields(
  store: OctaneStore,
  rows: readonly DescribedField[],
  lists: Readonly<Record<string, readonly string[]>>,
): { taken: number; left: string[] } {
  for (const [list, items] of Object.entries(lists)) addList(store, list, items)
  const left: string[] = []
  let taken = 0
  for (const row of rows) {
    const field = fieldOf(store, row)
    if (typeof field === 'string') left.push(`${row.entity_name}.${row.name}: ${field}`)
    else {
      store.setField(row.entity_name, field)
      taken++
    }
  }
  return { taken, left }
}

function addList(store: OctaneStore, list: string, items: readonly string[]): void {
  if (store.find('list_node', list) !== undefined) return
  const context = { actor: 'seed', actorId: '1001', via: 'seed' } as const
  store.create('list_node', { id: list, logical_name: list, name: list.replace(/^list_node\./, '') }, context)
  items.forEach((name, index) => {
    const logical = `${list}.${name.toLowerCase().replace(/\s+/g, '_')}`
    const item = { id: logical, logical_name: logical, name, index, list_root: { type: 'list_node', id: list } }
    store.create('list_node', item, context)
  })
}

/** The field as the sandbox keeps it, or why it cannot. */
function fieldOf(store: OctaneStore, row: DescribedField): FieldModel | string {
  const model = store.types.all().find((one) => one.name === row.entity_name)
  if (model === undefined) return 'no such type here'
  const known = model.fields.find((field) => field.name === row.name)
  const flags = {
    label: row.label ?? known?.label ?? row.name,
    required: row.required ?? known?.required ?? false,
    final: row.final ?? known?.final ?? false,
    editable: row.editable ?? known?.editable ?? true,
    filterable: row.filterable ?? known?.filterable ?? true,
    userDefined: known === undefined ? (row.is_user_defined ?? row.name.endsWith('_udf')) : known.userDefined === true,
    ...(row.max_length === undefined || row.max_length === null ? {} : { maxLength: row.max_length }),
  }
  if (known !== undefined) return { ...known, ...flags }
  if (row.field_type !== 'reference') {
    const type = types[row.field_type]
    return type === undefined ? `no field of type ${row.field_type} here` : { name: row.name, type, ...flags }
  }
  const [target] = row.field_type_data?.targets ?? []
  if (target === undefined) return 'a reference without targets'
  if (store.types.under(target.type).length === 0) return `no type ${target.type} here`
  const list = target.type === 'list_node' ? target.logical_name : undefined
  if (list !== undefined && store.find('list_node', list) === undefined) return `no list ${list} here: name it in lists`
  return {
    name: row.name,
    type: 'reference',
    target: target.type,
    multiple: row.field_type_data?.multiple === true,
    ...(list === undefined ? {} : { list }),
    ...flags,
  }
}
