import type { EndpointAddress } from './endpoint.ts'
import type { LinkKind, TypePair } from './link-config.ts'
import type { EntityMetadata } from './metadata.ts'

export interface ProposedTypes {
  types: TypePair[]
  /** What was asked for and cannot be, by the index of the asked type. */
  refused: { index: number; message: string }[]
}

/** Types of ALM requirements, by label or key, for a type of Octane; the first is the default. */
export interface AskedType {
  alm: readonly string[]
  octane: string
}

export interface Known {
  alm: string
  octane: string
  /** Type pairs that the mapping is for; absent: all. */
  types?: readonly string[]
  direction?: 'both' | 'to-alm' | 'to-octane'
  createOnly?: boolean
  conflict?: 'alm' | 'octane'
  group?: string
  /** Pairs of labels, ALM first; else labels are compared. */
  values?: readonly (readonly [alm: string, octane: string, direction?: 'both' | 'to-alm' | 'to-octane'])[]
  /** ALM's start value where Octane has none: required fields, and a status that REST would leave empty. */
  almDefault?: string
  octaneDefault?: string
}

/** Fields of defects that mean the same in both products as they are delivered. */
const knownDefectFields: readonly Known[] = [
  { alm: 'name', octane: 'name' },
  { alm: 'description', octane: 'description' },
  {
    alm: 'status',
    octane: 'phase',
    conflict: 'octane',
    group: 'status',
    almDefault: 'New',
    octaneDefault: 'New',
    values: [
      ['New', 'New'],
      ['Open', 'Opened', 'to-octane'],
      ['Reopen', 'Opened'],
      ['Fixed', 'Fixed'],
      ['Closed', 'Closed'],
      ['Rejected', 'Rejected'],
      ['Rejected', 'Proposed Closed', 'to-alm'],
      ['New', 'Deferred', 'to-alm'],
      ['Rejected', 'Duplicate', 'to-alm'],
    ],
  },
  { alm: 'closing-date', octane: 'closed_on', group: 'status' },
  { alm: 'severity', octane: 'severity', almDefault: '2-Medium', octaneDefault: 'Medium' },
  { alm: 'priority', octane: 'priority' },
  { alm: 'owner', octane: 'owner' },
  { alm: 'detected-by', octane: 'detected_by' },
  // Octane sets its own time of creation, so what ALM already has must never be replaced by it.
  { alm: 'creation-time', octane: 'creation_time', direction: 'to-alm', createOnly: true },
  { alm: 'target-rel', octane: 'release', group: 'target' },
  { alm: 'target-rcyc', octane: 'sprint', group: 'target' },
  { alm: 'detected-in-rel', octane: 'detected_in_release' },
  { alm: 'estimated-fix-time', octane: 'story_points' },
]

/** Fields that mean the same in both products as they are delivered. */
export const knownFields: Readonly<Record<LinkKind, readonly Known[]>> = {
  defect: knownDefectFields,
  backlog: [
    { alm: 'name', octane: 'name' },
    { alm: 'parent-id', octane: 'parent' },
    { alm: 'description', octane: 'description' },
    { alm: 'owner', octane: 'owner' },
    { alm: 'target-rel', octane: 'release', group: 'target' },
    { alm: 'target-rcyc', octane: 'sprint', group: 'target' },
  ],
  release: [
    { alm: 'name', octane: 'name' },
    { alm: 'start-date', octane: 'start_date', group: 'dates' },
    { alm: 'end-date', octane: 'end_date', group: 'dates' },
    { alm: 'description', octane: 'description', types: ['release'] },
    { alm: 'parent-id', octane: 'release', types: ['sprint'] },
  ],
}

/** How people call the requirement types that mean Octane's. */
const typeLabels: Readonly<Record<string, RegExp>> = {
  epic: /^(epic|theme)s?$/i,
  feature: /^features?$/i,
  story: /^(user )?(story|stories)$/i,
}

/** Where records of Octane's backlog may stand. */
const backlogParents: Readonly<Record<string, readonly string[]>> = { epic: [], feature: ['epic'], story: ['feature'] }

/** The type pairs of a link: those asked for, or those whose labels mean the same; and what was asked for and cannot be. */
export function proposeTypes(
  sides: { kind: LinkKind; leftKind: EndpointAddress['kind']; askedTypes?: readonly AskedType[] },
  alm: EntityMetadata,
  octane: EntityMetadata,
): ProposedTypes {
  const refused: ProposedTypes['refused'] = []
  if (sides.kind === 'defect') return { types: [], refused }
  const pair = (
    id: string,
    almValues: readonly string[],
    octaneValue: string,
  ): Omit<TypePair, 'parents' | 'underRoot'> => {
    const own = { values: [...almValues], default: almValues[0] ?? '' }
    const twin = { values: [octaneValue], default: octaneValue }
    return sides.leftKind === 'alm' ? { id, left: own, right: twin } : { id, left: twin, right: own }
  }
  if (sides.kind === 'release')
    return {
      refused,
      types: [
        { ...pair('release', ['release'], 'release'), parents: [], underRoot: true },
        { ...pair('sprint', ['release-cycle'], 'sprint'), parents: ['release'], underRoot: false },
      ],
    }
  const almTypes = alm.recordTypes?.types ?? []
  const asked =
    sides.askedTypes ??
    Object.entries(typeLabels).flatMap(([type, label]): AskedType[] => {
      const named = almTypes.filter((one) => label.test(one.label))
      return named.length === 0 ? [] : [{ octane: type, alm: named.map((one) => one.value) }]
    })
  const found = asked.flatMap(({ octane: type, alm: wanted }, index) => {
    if (octane.recordTypes?.types.some((one) => one.value === type) !== true) {
      refused.push({ index, message: `Octane has no type "${type}" to keep in step: use epic, feature or story` })
      return []
    }
    const values = wanted.map((name) => {
      const known = almTypes.find((one) => one.value === name || one.label.toLowerCase() === name.toLowerCase())
      if (known === undefined)
        refused.push({
          index,
          message: `ALM has no requirement type "${name}": it has ${almTypes.map((one) => one.label).join(', ')}`,
        })
      return known?.value ?? name
    })
    return [{ type, values }]
  })
  const ids = new Set(found.map((one) => one.type))
  const types = found.map(({ type, values }) => ({
    ...pair(type, values, type),
    parents: (backlogParents[type] ?? []).filter((parent) => ids.has(parent)),
    underRoot: type === 'epic',
  }))
  return { types, refused }
}
