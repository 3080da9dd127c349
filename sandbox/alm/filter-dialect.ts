import type { FilterDialect } from './query.ts'
import type { AlmStore } from './store.ts'

/** How filters are read, by the server's version and the switches. */
export function dialectOf(store: AlmStore, modern: boolean): FilterDialect {
  const { filterStatus, emptyFilter, filterQuotes } = store.switches
  return {
    words: modern,
    ignoresCase: modern,
    status: Number(filterStatus),
    empty: emptyFilter as FilterDialect['empty'],
    quotes: filterQuotes as FilterDialect['quotes'],
  }
}
