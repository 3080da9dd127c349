/** A place where two documents differ; `undefined` values are told as null. */
export interface Difference {
  /** Like a JSON pointer, but entries of lists that have ids are named by them: `/fields/priority/direction`. */
  place: string
  before: unknown
  after: unknown
}

/** Where two JSON documents differ, as deep as both have the same shape. */
export function differences(before: unknown, after: unknown, place = ''): Difference[] {
  const [left, right] = [partsOf(before), partsOf(after)]
  if (left === null || right === null || left.kind !== right.kind)
    return before === after ? [] : [{ place, before: before ?? null, after: after ?? null }]
  const keys = new Set([...Object.keys(left.parts), ...Object.keys(right.parts)])
  return [...keys].flatMap((key) =>
    differences(left.parts[key], right.parts[key], `${place}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  )
}

/** Parts of a document by name; null: it has none. */
function partsOf(value: unknown): { kind: string; parts: Record<string, unknown> } | null {
  if (value === null || typeof value !== 'object') return null
  if (!Array.isArray(value)) return { kind: 'object', parts: { ...value } }
  const ids = value.map((one: unknown) => (one as { id?: unknown } | null)?.id)
  const isNamed = ids.every((id): id is string => typeof id === 'string') && new Set(ids).size === ids.length
  return {
    kind: 'list',
    parts: Object.fromEntries(value.map((one, index) => [isNamed ? String(ids[index]) : index, one])),
  }
}
