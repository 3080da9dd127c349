import type { LinkConfiguration } from './link-config.ts'
import type { ScopeCondition, ScopeGroup } from './scope.ts'
import { otherSide, type Side } from './values.ts'

/**
 * May two links of one kind take up the same record of an endpoint that both have on this side? `folders`: it depends on
 * whether one of the two root folders stands below the other, which only the endpoint knows.
 */
export function overlap(a: LinkConfiguration, b: LinkConfiguration, side: Side): 'none' | 'folders' | 'yes' {
  const [mine, theirs] = [a[side], b[side]]
  if (a.entityType !== b.entityType || !takesUp(a, side) || !takesUp(b, side)) return 'none'
  const types = (one: LinkConfiguration) => one.types.flatMap((type) => type[side].values)
  if (a.types.length > 0 && b.types.length > 0 && !types(a).some((type) => types(b).includes(type))) return 'none'
  if (excludeEachOther(mine.scope.filter, theirs.scope.filter)) return 'none'
  return mine.root !== null && theirs.root !== null && mine.root !== theirs.root ? 'folders' : 'yes'
}

/** Does the link create records on the other side from this one's? */
function takesUp(configuration: LinkConfiguration, side: Side): boolean {
  const direction = otherSide(side) === 'right' ? 'toRight' : 'toLeft'
  return [configuration.rules, ...configuration.types.flatMap((type) => type.rules ?? [])].some(
    (rules) => rules[direction].create,
  )
}

/** Proof only: both ask one field for values, and share none. */
function excludeEachOther(a: ScopeGroup | null, b: ScopeGroup | null): boolean {
  const [first, second] = [needed(a), needed(b)]
  return first.some((one) =>
    second.some((other) => one.field === other.field && one.values.every((value) => !other.values.includes(value))),
  )
}

/** Values of which each record that matches has one. */
function needed(filter: ScopeGroup | null): { field: string; values: string[] }[] {
  if (filter === null || (filter.match === 'any' && filter.conditions.length > 1)) return []
  return filter.conditions.flatMap((one) => ('match' in one ? needed(one) : asked(one)))
}

function asked({ field, operator, values }: ScopeCondition): { field: string; values: string[] }[] {
  if (operator !== 'in' || values.some((value) => typeof value === 'object')) return []
  return [{ field, values: values.map((value) => String(value).toLowerCase()) }]
}

export interface OtherLink {
  name: string
  configuration: LinkConfiguration
  /** Sides on which both links have the same project or workspace. */
  shared: readonly Side[]
}
