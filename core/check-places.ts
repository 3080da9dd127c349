import type { RecordsInput } from './check-records.ts'
import type { Finding } from './run.ts'
import { otherSide } from './values.ts'

/**
 * Records that stand where the other side lets no such record stand: told from the records above them, as far as these are
 * among those looked at.
 */
export function checkPlaces({ configuration, planner, metadata, from, records, exact }: RecordsInput): Finding[] {
  const to = otherSide(from)
  const above = metadata[from].entity.fields.find((field) => field.hierarchy !== undefined)
  const isRuled = metadata[to].entity.fields.some((field) => field.hierarchy === 'typed')
  const create = (rules: typeof configuration.rules) => rules[to === 'right' ? 'toRight' : 'toLeft'].create
  if (above === undefined || !isRuled || configuration.types.length === 0) return []
  const types = new Map(records.map((record) => [record.id, planner.kindOf(from, record)?.type ?? null]))
  const counts = new Map<string, { child: string; parent: string | null; allowed: readonly string[]; ids: string[] }>()
  for (const record of records) {
    const kind = planner.kindOf(from, record)
    if (kind === null || kind.type === null || !create(kind.rules)) continue
    const { id: child, parents, underRoot } = kind.type
    const value = record.fields[above.name]
    const parentId = value === null || value === undefined ? null : String(value)
    // What is not among those looked at may be of any type.
    if (parentId !== null && !types.has(parentId) && !exact) continue
    const parent = parentId === null ? null : (types.get(parentId)?.id ?? null)
    if (parent === null ? underRoot : parents.includes(parent)) continue
    const key = `${child} ${parent ?? ''}`
    const count = counts.get(key) ?? { child, parent, allowed: parents, ids: [] }
    count.ids.push(record.id)
    counts.set(key, count)
  }
  return [...counts.values()].map(({ child, parent, allowed, ids }): Finding => {
    const index = configuration.types.findIndex((type) => type.id === child)
    const where = parent === null ? 'below nothing that the link keeps in step' : `below one of "${parent}"`
    const may = allowed.length === 0 ? 'the root' : allowed.map((one) => `"${one}"`).join(' or ')
    return {
      check: 'records-hierarchy',
      severity: 'warning',
      side: from,
      message: `${ids.length} of ${records.length} records looked at, such as ${ids.slice(0, 5).join(', ')}, are of "${child}" and stand ${where}; on the other side such a record stands below ${may}. They are not created there.`,
      remedy: `Move them below ${may}${parent === null ? ', or let records of this type stand below the root' : ', or map their types otherwise'}.`,
      pointer: `/types/${index}/${parent === null ? 'underRoot' : 'parents'}`,
      records: ids.length,
    }
  })
}
