import type { PartsPage } from '../contract.ts'
import type { OctaneEntity } from './codec.ts'

/** The owners of a page's rows, each with what tells its rows from those of another time; more pages follow by id. */
export function partsPage(
  page: { data: readonly OctaneEntity[]; total_count?: number },
  owner: string,
  stamp: string,
): PartsPage {
  const marks = new Map<string, string[]>()
  for (const row of page.data) {
    const id = String((row[owner] as { id?: string } | null)?.id ?? '')
    marks.set(id, [...(marks.get(id) ?? []), `${row.id}@${row[stamp] ?? ''}`])
  }
  const last = page.data[page.data.length - 1]
  const more = (page.total_count ?? 0) > page.data.length && last !== undefined
  return {
    ids: [...marks.keys()],
    marks: [...marks.values()].map((one) => one.join(' ')),
    next: more ? String(last.id) : null,
  }
}
