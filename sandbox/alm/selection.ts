import { type PagingFault, pageOf } from '../common/paging.ts'
import { CrossFilters } from './cross-filter.ts'
import type { AlmFieldModel, AlmTypeModel } from './model.ts'
import { type Clause, comparisonOf, type FilterDialect, parseFilter } from './query.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmSight } from './sight.ts'
import type { AlmRecord, AlmStore } from './store.ts'

const defaultPage = 100
const largestPage = 2_000

/** What a list request asks for: which fields of which rows, and the size of the whole result. */
export interface Selection {
  only: ReadonlySet<string> | null
  page: AlmRecord[]
  total: number
}

/** Answers `fields`, `query`, `order-by`, `page-size` and `start-index`; rows come from the store unless given. */
export function selectPage(
  store: AlmStore,
  model: AlmTypeModel,
  query: URLSearchParams,
  dialect: FilterDialect,
  sight: Pick<AlmSight, 'shown'>,
  paging?: PagingFault,
  source?: Iterable<AlmRecord>,
): Selection {
  const only = projection(model, query.get('fields'))
  const found = matching(store, model, query.get('query'), dialect, sight, source)
  const rows = sorted(store, model, found, query.get('order-by') ?? '', dialect.ignoresCase)
  const size = pageSize(query.get('page-size'))
  const start = startIndex(query.get('start-index'))
  const { page, total } = pageOf(rows, start, size, paging)
  return { only, page, total: size === 0 ? 0 : total }
}

/** Rows that a filter finds among those the user sees, unordered. Ids and user-defined texts come from indexes. */
export function matching(
  store: AlmStore,
  model: AlmTypeModel,
  filter: string | null,
  dialect: FilterDialect,
  sight: Pick<AlmSight, 'shown'>,
  source?: Iterable<AlmRecord>,
): AlmRecord[] {
  const cross = new CrossFilters(store, model)
  const clauses = parseFilter(
    filter ?? '',
    (name) => (name.includes('.') ? cross.comparisonOf(name) : comparisonOf(fieldOf(model, name))),
    dialect,
  )
  const own = clauses.filter((clause) => !clause.field.includes('.'))
  const passes = cross.test(clauses.filter((clause) => clause.field.includes('.')))
  const found: AlmRecord[] = []
  for (const candidate of source ?? candidates(store, model, own)) {
    const record = sight.shown(candidate)
    if (record !== null && own.every((clause) => clause.test(record[clause.field] ?? null)) && passes(record))
      found.push(record)
  }
  return found
}

export function fieldOf(model: AlmTypeModel, name: string): AlmFieldModel | undefined {
  return model.fields.find((field) => field.name === name && field.internal !== true)
}

function projection(model: AlmTypeModel, fields: string | null): ReadonlySet<string> | null {
  if (fields === null || fields === '') return null
  const names = fields.split(',')
  for (const name of names)
    if (fieldOf(model, name) === undefined)
      throw new AlmRefusal(400, 'qccore.general-error', `Entity: ${model.name} doesn't have a field named: '${name}'`)
  return new Set(names)
}

function pageSize(text: string | null): number {
  if (text === null) return defaultPage
  if (text === 'max') return largestPage
  const size = Number(text)
  if (text === '' || !Number.isInteger(size) || size < 0)
    throw new AlmRefusal(
      404,
      'qccore.invalid-query-value',
      'Page size values can be either integer between 0 and 2,000 or "max" to get the maximum available page size.',
    )
  return Math.min(size, largestPage)
}

/** The place of the first row, from 0; on the wire it is counted from 1. */
function startIndex(text: string | null): number {
  if (text === null) return 0
  if (!/^-?\d+$/.test(text))
    throw new AlmRefusal(404, 'qccore.invalid-query-value', `Invalid start index '${text}': it must be a number`)
  return Math.max(1, Number(text)) - 1
}

function candidates(store: AlmStore, model: AlmTypeModel, clauses: readonly Clause[]): Iterable<AlmRecord> {
  const all = store.rows(model.name)
  const byIds = (ids: Iterable<number>): AlmRecord[] => {
    const found: AlmRecord[] = []
    for (const id of ids) {
      const record = all.get(id)
      if (record !== undefined) found.push(record)
    }
    return found
  }
  for (const clause of clauses) {
    if (clause.exact === null) continue
    if (clause.field === 'id') return byIds(new Set(clause.exact.map(Number)))
    if (clause.field === 'parent-id' && model.parent !== undefined)
      return byIds(new Set(clause.exact.flatMap((id) => [...store.indexes.childrenOf(model.name, Number(id))])))
    const field = fieldOf(model, clause.field)
    if (field?.user === true && field.type === 'String')
      return byIds(
        new Set(clause.exact.flatMap((text) => [...(store.indexes.byText(model.name, clause.field, text) ?? [])])),
      )
  }
  return all.values()
}

/** In the order asked for, then by id. A comma is part of a name here, and so an unknown field; newer servers know CI. */
export function sorted(
  store: AlmStore,
  model: AlmTypeModel,
  rows: AlmRecord[],
  orderBy: string,
  knowsCase: boolean,
): AlmRecord[] {
  const keys = orderBy
    .trim()
    .replace(/^\{|\}$/g, '')
    .split(';')
    .flatMap((part) => {
      if (part.trim() === '') return []
      const match = /^\s*([^[\]]+?)\s*(?:\[\s*(ASC|DESC)\s*(?:,\s*CI\s*)?\])?\s*$/i.exec(part)
      const field = fieldOf(model, match?.[1] ?? '')
      const ignoreCase = /,\s*CI\s*\]/i.test(part)
      if (match === null || field === undefined || (ignoreCase && !knowsCase))
        throw new AlmRefusal(404, 'qccore.invalid-query-value', `not existing field: "${match?.[1] ?? part}"`)
      return [{ field, descending: match[2]?.toUpperCase() === 'DESC', ignoreCase }]
    })
  const shown = (field: AlmFieldModel, record: AlmRecord, ignoreCase: boolean): string => {
    const value = String(record[field.name] ?? '')
    // References sort by what they show.
    const text = field.type === 'Reference' ? (store.nameOf(field, value) ?? value) : value
    return ignoreCase ? text.toLowerCase() : text
  }
  return rows.sort((a, b) => {
    for (const { field, descending, ignoreCase } of keys) {
      const [x, y] = [shown(field, a, ignoreCase), shown(field, b, ignoreCase)]
      const order = field.type === 'Number' ? Number(x) - Number(y) : x < y ? -1 : x > y ? 1 : 0
      if (order !== 0) return descending ? -order : order
    }
    return Number(a.id) - Number(b.id)
  })
}
