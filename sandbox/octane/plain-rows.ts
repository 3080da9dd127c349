import type { SandboxRequest } from '../common/http.ts'
import { pageOf } from '../common/paging.ts'
import { envelope } from './answers.ts'
import { compare, parseQuery, QueryError } from './query.ts'
import { pageLimit, pageOffset } from './selection.ts'
import type { OctaneStore } from './store.ts'

export type PlainRow = Record<string, unknown>

/** Rows that are no records of the workspace, with the types of the fields that they are filtered and ordered by. */
export interface PlainRows {
  store: OctaneStore
  type: string
  rows: readonly PlainRow[]
  types: Readonly<Record<string, string>>
}

/** A page of rows that pass the request's query, in its order, with the fields that it names. */
export function plainPage(request: SandboxRequest, { store, type, rows, types }: PlainRows): PlainRow {
  const raw = request.query.get('query') ?? ''
  const { test } =
    raw === ''
      ? { test: () => true }
      : parseQuery(raw, type, {
          fieldType: (_type, field) => {
            const found = types[field]
            return found === undefined ? undefined : { type: found, multiple: false, target: null }
          },
          resolve: () => undefined,
          currentUser: '',
          innerQuote: store.switches.innerQuote === 'error' ? 'error' : 'text',
        })
  const names = request.query.get('fields')
  for (const name of names === null || names === '' ? [] : names.split(','))
    if (name.trim() !== 'type' && !(name.trim() in types)) throw unknownField(type, name.trim())
  const found = ordered(type, rows.filter(test), request.query.get('order_by'), types)
  const { page, total } = pageOf(found, pageOffset(request), pageLimit(request, store), request.paging)
  return envelope(page.map(chosen(names)), total)
}

/** Rows in the order that is asked for: names of fields separated by commas, those with a minus from high to low. */
export function ordered(
  type: string,
  rows: PlainRow[],
  orderBy: string | null,
  types: Readonly<Record<string, string>>,
): PlainRow[] {
  const keys = (orderBy ?? '').split(',').flatMap((key) => {
    const name = key.trim().replace(/^-/, '')
    if (name !== '' && !(name in types)) throw unknownField(type, name)
    return name === '' ? [] : [{ name, descending: key.trim().startsWith('-') }]
  })
  return rows.sort((a, b) => {
    for (const { name, descending } of keys) {
      const order = compare(a[name], b[name], types[name] ?? 'string')
      if (order !== 0) return descending ? -order : order
    }
    return 0
  })
}

function unknownField(type: string, name: string): QueryError {
  return new QueryError(`The entity type '${type}' does not have a field/s by name/s '${name}'`)
}

/** Shows the fields that are asked for, and what a row is. */
export function chosen(fields: string | null): (row: PlainRow) => PlainRow {
  if (fields === null || fields === '') return (row) => row
  const names = new Set(['type', 'id', ...fields.split(',').map((name) => name.trim())])
  return (row) => Object.fromEntries(Object.entries(row).filter(([name]) => names.has(name)))
}
