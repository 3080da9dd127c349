import { mappingFingerprint } from './hash.ts'
import type { FieldMapping, LinkConfiguration, ValuePair } from './link-config.ts'
import { type Side, sides } from './values.ts'

/** What a new version of a configuration means for records that are in step, held or declined under the old one. */
export interface ConfigurationChange {
  /** Mappings that changed in any way, new ones included: what is held because of them is tried again at once. */
  mappings: readonly string[]
  /** Mappings that are gone: what waits because of them is over. */
  removed: readonly string[]
  /** Mappings whose field is another one, flows another way, or is new: every pair has to be compared again. */
  remapped: readonly string[]
  /** Mappings of which only value pairs changed: the values on each side that may now mean something else. */
  values: readonly { mappingId: string; left: readonly string[]; right: readonly string[] }[]
  /** Sides whose unpaired records are now created on the other side and were not before. */
  creates: readonly Side[]
  /** Sides whose scope is another one: what was left out because of it is looked at again. */
  scopes: readonly Side[]
  /** Sides to which updates now flow and did not before: every pair has to be compared again. */
  updates: readonly Side[]
  /** What becomes of people without twin is something else. */
  standIns: boolean
}

/** Compares two versions of a link's configuration; pure. */
export function configurationChange(before: LinkConfiguration, after: LinkConfiguration): ConfigurationChange {
  const old = new Map(before.fields.map((mapping) => [mapping.id, mapping]))
  const mappings: string[] = []
  const remapped: string[] = []
  const values: { mappingId: string; left: string[]; right: string[] }[] = []
  for (const mapping of after.fields) {
    const known = old.get(mapping.id)
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(mapping)) continue
    mappings.push(mapping.id)
    if (mapping.constant !== undefined && mapping.constant !== null) continue
    if (known === undefined || meaning(known) !== meaning(mapping)) remapped.push(mapping.id)
    else if (mappingFingerprint(known) !== mappingFingerprint(mapping))
      values.push({ mappingId: mapping.id, ...changedValues(known, mapping) })
  }
  const rule = { left: 'toRight', right: 'toLeft' } as const
  const switchedOn = (side: Side, what: 'create' | 'update') =>
    rulesByType(before, after).some(([was, is]) => is[rule[side]][what] && !was[rule[side]][what])
  const kept = new Set(after.fields.map((mapping) => mapping.id))
  return {
    mappings,
    removed: before.fields.flatMap(({ id }) => (kept.has(id) ? [] : [id])),
    remapped,
    values,
    creates: sides.filter((side) => switchedOn(side, 'create')),
    scopes: sides.filter((side) => scopeOf(before, side) !== scopeOf(after, side)),
    updates: sides.filter((side) => switchedOn(side, 'update')),
    standIns:
      JSON.stringify(before.defaultUsers) !== JSON.stringify(after.defaultUsers) ||
      before.unknownUsers !== after.unknownUsers,
  }
}

/** The rules before and after of each type pair that was there, or of the link where it has one type of record. */
function rulesByType(
  before: LinkConfiguration,
  after: LinkConfiguration,
): [LinkConfiguration['rules'], LinkConfiguration['rules']][] {
  if (after.types.length === 0) return [[before.rules, after.rules]]
  const old = new Map(before.types.map((type) => [type.id, type.rules ?? before.rules]))
  return after.types.flatMap((type): [LinkConfiguration['rules'], LinkConfiguration['rules']][] => {
    const was = old.get(type.id)
    return was === undefined ? [] : [[was, type.rules ?? after.rules]]
  })
}

/** What decides whether a record of a side is taken up or rests, in one text. */
function scopeOf(configuration: LinkConfiguration, side: Side): string {
  const { scope, root } = configuration[side]
  const { whenLeaving, pastReleases } = configuration
  return JSON.stringify([scope, root, whenLeaving, configuration.entityType === 'release' && pastReleases])
}

/** The fields and ways of a mapping, its value pairs apart. */
function meaning(mapping: FieldMapping): string {
  return mappingFingerprint({ ...mapping, values: [] })
}

/** Values of pairs that stand in one of the two lists only. */
function changedValues(before: FieldMapping, after: FieldMapping): { left: string[]; right: string[] } {
  const key = (pair: ValuePair) => JSON.stringify([pair.left, pair.right, pair.direction])
  const [earlier, later] = [new Set(before.values.map(key)), new Set(after.values.map(key))]
  const changed = [
    ...before.values.filter((pair) => !later.has(key(pair))),
    ...after.values.filter((pair) => !earlier.has(key(pair))),
  ]
  return {
    left: [...new Set(changed.map((pair) => pair.left))],
    right: [...new Set(changed.map((pair) => pair.right))],
  }
}
