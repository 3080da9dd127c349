import type { PartsPage } from '../contract.ts'
import type { OctaneEntity } from './codec.ts'

/**
 * The owners of a page's rows, each with what tells its rows from those of another time; more pages follow by id. `stampOf`
 * answers null for a row that may still change without another stamp.
 */
export function partsPage(
  page: { data: readonly OctaneEntity[]; total_count?: number },
  owner: string,
  stampOf: (row: OctaneEntity) => string | null,
): PartsPage {
  const marks = new Map<string, string | null>()
  for (const row of page.data) {
    const id = String((row[owner] as { id?: string } | null)?.id ?? '')
    const before = marks.get(id)
    const stamp = stampOf(row)
    marks.set(id, before === null || stamp === null ? null : `${before ?? ''} ${row.id}@${stamp}`)
  }
  const last = page.data[page.data.length - 1]
  const more = (page.total_count ?? 0) > page.data.length && last !== undefined
  return { ids: [...marks.keys()], marks: [...marks.values()], next: more ? String(last.id) : null }
}
