import type { RowResult } from '../../connectors/contract.ts'
import type { CanonicalValue } from '../../core/values.ts'

/**
 * Gives each created row the result that is its own: by the cross-reference that the answer carries, by position only where
 * the answer carries none. A row whose place holds somebody else's record has no result: its create is looked for instead.
 */
export function matchCreated(
  referenceField: string | null,
  rows: readonly { fields: Readonly<Record<string, CanonicalValue>> }[],
  results: readonly RowResult[],
): (RowResult | null)[] {
  const carried = (result: RowResult | undefined): string | null => {
    if (result?.outcome !== 'done' || referenceField === null) return null
    const name = result.snapshot.fields[referenceField]
    return typeof name === 'string' && name !== '' ? name : null
  }
  const byName = new Map<string, RowResult>()
  for (const result of results) {
    const name = carried(result)
    if (name !== null) byName.set(name, result)
  }
  return rows.map((row, index) => {
    const result = results[index]
    const name = referenceField === null ? null : row.fields[referenceField]
    if (typeof name !== 'string') return result ?? null
    return byName.get(name) ?? (carried(result) === null ? (result ?? null) : null)
  })
}
