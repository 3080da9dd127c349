import type { EndpointAddress } from './endpoint.ts'
import { type AskedType, type Known, knownFields, type ProposedTypes, proposeTypes } from './known-fields.ts'
import type { FieldMapping, LinkConfiguration, LinkKind, TypePair, ValuePair } from './link-config.ts'
import { entityOf } from './link-planner.ts'
import { type EntityMetadata, type FieldMetadata, fieldByName } from './metadata.ts'
import type { Side } from './values.ts'

export interface ProposedMapping extends ProposedTypes {
  /** Ids of mappings that tell records apart, where there are no references. */
  matchBy: string[]
  fields: FieldMapping[]
  crossReference: { left: string | null; right: string | null }
  /** What was left out or needs a look, in words. */
  notes: string[]
}

interface Sides {
  kind: LinkKind
  /** Types that somebody wants in step; absent: those whose labels mean the same. */
  askedTypes?: readonly AskedType[]
  left: EntityMetadata
  leftKind: EndpointAddress['kind']
  right: EntityMetadata
  rightKind: EndpointAddress['kind']
}

/**
 * Proposes a link's mapping: the products' own fields that mean the same, then fields with the same label and type. Lists
 * that somebody customised are left alone, with a note, except those whose labels all have a counterpart.
 */
export function proposeMapping(sides: Sides): ProposedMapping {
  const notes: string[] = []
  const almIsLeft = sides.leftKind === 'alm'
  const [alm, octane] = almIsLeft ? [sides.left, sides.right] : [sides.right, sides.left]
  const { types, refused } = proposeTypes(sides, alm, octane)
  const crossReference =
    sides.kind === 'release'
      ? { alm: null, octane: null }
      : {
          alm: referenceField(alm, /octane/i, notes, 'ALM', 'Octane ID'),
          octane: referenceField(octane, /\balm\b|\bqc\b/i, notes, 'Octane', 'ALM ID'),
        }
  const fields: FieldMapping[] = []
  const used = { alm: new Set<string>(), octane: new Set<string>() }

  for (const known of knownFields[sides.kind]) {
    const almField = fieldOfTypes(alm, known.alm, almIsLeft ? 'left' : 'right', typesOf(known))
    const octaneField = fieldOfTypes(octane, known.octane, almIsLeft ? 'right' : 'left', typesOf(known))
    if (almField === undefined || octaneField === undefined) continue
    const mapping = mapKnown(known, almField, octaneField, almIsLeft, notes)
    if (mapping === null) continue
    fields.push(known.types === undefined ? mapping : { ...mapping, types: [...known.types] })
    used.alm.add(known.alm)
    used.octane.add(known.octane)
  }
  for (const octaneField of octane.fields) {
    if (used.octane.has(octaneField.name) || octaneField.name === crossReference.octane || !octaneField.userDefined)
      continue
    const almField = alm.fields.find(
      (candidate) =>
        !used.alm.has(candidate.name) &&
        candidate.name !== crossReference.alm &&
        candidate.userDefined &&
        candidate.label.toLowerCase() === octaneField.label.toLowerCase() &&
        candidate.type === octaneField.type &&
        candidate.multiple === octaneField.multiple,
    )
    if (almField === undefined) continue
    if (almField.type === 'list' && !sameLabels(almField, octaneField)) {
      notes.push(`"${octaneField.label}" was not mapped: its values differ between the two sides. Map them by hand.`)
      continue
    }
    const direction = directionOf(almField, octaneField, 'both')
    if (direction === null) continue
    fields.push(
      mappingOf(almField, octaneField, almIsLeft, {
        direction,
        conflict: 'octane',
        values: valuePairs(almField, octaneField, almIsLeft),
      }),
    )
    used.alm.add(almField.name)
  }
  for (const type of ['attachments', 'comments'] as const) {
    const mapping = partsMapping(type, sides, types, alm, octane)
    if (mapping !== null) fields.push(mapping)
  }
  if (sides.kind === 'release') {
    const folder = { id: 'folder', direction: almIsLeft ? 'to-left' : 'to-right', types: ['release'] } as const
    fields.push({
      ...folder,
      types: [...folder.types],
      left: almIsLeft ? 'parent-id' : null,
      right: almIsLeft ? null : 'parent-id',
      // The folder of all releases; it is the same in every project.
      constant: '1',
      conflict: 'left',
      conflictFallback: 'ask',
      values: [],
      defaults: {},
      createOnly: true,
    })
  }
  return {
    types,
    refused,
    matchBy: sides.kind === 'release' ? ['name', 'start_date', 'end_date', 'release'] : [],
    fields,
    crossReference: almIsLeft
      ? { left: crossReference.alm, right: crossReference.octane }
      : { left: crossReference.octane, right: crossReference.alm },
    notes,
  }

  function typesOf(known: Known): TypePair[] {
    return known.types === undefined ? types : types.filter((type) => known.types?.includes(type.id))
  }
}

/** Files or comments, for the types that have them on both sides; null: none has. */
function partsMapping(
  wanted: 'attachments' | 'comments',
  sides: Sides,
  types: readonly TypePair[],
  alm: EntityMetadata,
  octane: EntityMetadata,
): FieldMapping | null {
  const [left, right] = sides.leftKind === 'alm' ? [alm, octane] : [octane, alm]
  const named = (metadata: EntityMetadata) => metadata.fields.find((field) => field.type === wanted)?.name
  const [leftName, rightName] = [named(left), named(right)]
  if (leftName === undefined || rightName === undefined) return null
  const having = types.filter(
    (type) =>
      fieldByName(entityOf(left, type.left), leftName)?.type === wanted &&
      fieldByName(entityOf(right, type.right), rightName)?.type === wanted,
  )
  if (types.length > 0 && having.length === 0) return null
  return {
    id: wanted,
    left: leftName,
    right: rightName,
    direction: 'both',
    conflict: 'ask',
    conflictFallback: 'ask',
    values: [],
    defaults: {},
    createOnly: false,
    ...(having.length === types.length ? {} : { types: having.map((type) => type.id) }),
  }
}

/** A field as the records of one of the type pairs have it. */
function fieldOfTypes(
  metadata: EntityMetadata,
  name: string,
  side: Side,
  types: readonly TypePair[],
): FieldMetadata | undefined {
  const [first] = types
  return fieldByName(first === undefined ? metadata : entityOf(metadata, first[side]), name)
}

/** The text field in which a side keeps the name of its twin. */
function referenceField(
  metadata: EntityMetadata,
  label: RegExp,
  notes: string[],
  product: string,
  wanted: string,
): string | null {
  const candidates = metadata.fields.filter(
    (field) => field.userDefined && label.test(field.label) && /\bid\b/i.test(field.label),
  )
  const text = candidates.find((field) => field.type === 'string' && field.filterable && (field.maxLength ?? 255) >= 60)
  if (text !== undefined) return text.name
  notes.push(
    candidates.length > 0
      ? `${product}: "${candidates[0]?.label}" holds numbers and cannot name its origin. Create a text field "${wanted}" for the reference to the twin.`
      : `${product}: create a text field "${wanted}" (255 characters) for the reference to the twin; without it nothing can be created there.`,
  )
  return null
}

function mapKnown(
  known: Known,
  almField: FieldMetadata,
  octaneField: FieldMetadata,
  almIsLeft: boolean,
  notes: string[],
): FieldMapping | null {
  const customized = [almField, octaneField].filter((field) => field.customized)
  if (customized.length > 0 && !sameLabels(almField, octaneField)) {
    notes.push(`"${octaneField.label}" was not mapped: the list was customised. Map its values by hand.`)
    return null
  }
  const direction = directionOf(almField, octaneField, known.direction ?? 'both')
  if (direction === null) return null
  const values =
    known.values === undefined
      ? valuePairs(almField, octaneField, almIsLeft)
      : labelledPairs(known.values, almField, octaneField, almIsLeft)
  const octaneDefault = known.octaneDefault === undefined ? undefined : keyOf(octaneField, known.octaneDefault)
  const almDefault = known.almDefault === undefined ? undefined : keyOf(almField, known.almDefault)
  return mappingOf(almField, octaneField, almIsLeft, {
    direction,
    conflict: known.conflict ?? 'octane',
    values,
    createOnly: known.createOnly ?? false,
    ...(known.group === undefined ? {} : { group: known.group }),
    ...(almDefault === undefined ? {} : { almDefault }),
    ...(octaneDefault === undefined ? {} : { octaneDefault }),
  })
}

/** The widest way that both fields can take, within the wanted one. */
function directionOf(
  almField: FieldMetadata,
  octaneField: FieldMetadata,
  wanted: 'both' | 'to-alm' | 'to-octane',
): 'both' | 'to-alm' | 'to-octane' | null {
  const toAlm = wanted !== 'to-octane' && almField.creatable
  const toOctane = wanted !== 'to-alm' && octaneField.creatable
  if (toAlm && toOctane && almField.editable) return 'both'
  if (toOctane) return 'to-octane'
  return toAlm ? 'to-alm' : null
}

interface Choices {
  direction: 'both' | 'to-alm' | 'to-octane'
  conflict: 'alm' | 'octane'
  values: ValuePair[]
  createOnly?: boolean
  group?: string
  almDefault?: string
  octaneDefault?: string
}

function mappingOf(
  almField: FieldMetadata,
  octaneField: FieldMetadata,
  almIsLeft: boolean,
  choices: Choices,
): FieldMapping {
  const sideOf = (product: 'alm' | 'octane') => ((product === 'alm') === almIsLeft ? 'left' : 'right')
  const defaults: { left?: string; right?: string } = {}
  if (choices.almDefault !== undefined) defaults[sideOf('alm')] = choices.almDefault
  if (choices.octaneDefault !== undefined) defaults[sideOf('octane')] = choices.octaneDefault
  return {
    id: octaneField.name,
    left: almIsLeft ? almField.name : octaneField.name,
    right: almIsLeft ? octaneField.name : almField.name,
    direction:
      choices.direction === 'both'
        ? 'both'
        : sideOf(choices.direction === 'to-alm' ? 'alm' : 'octane') === 'left'
          ? 'to-left'
          : 'to-right',
    conflict: sideOf(choices.conflict),
    conflictFallback: 'ask',
    values: choices.values,
    createOnly: choices.createOnly ?? false,
    defaults,
    ...(choices.group === undefined ? {} : { group: choices.group }),
  }
}

/** Labels compare without case, rank numbers ("3-High") and underscores. */
/** A label as the two products have it in common: without the number that ALM sorts by. */
export function plainLabel(label: string): string {
  return label
    .replace(/^\d+\s*-\s*/, '')
    .replace(/_/g, ' ')
    .trim()
    .toLowerCase()
}

function sameLabels(a: FieldMetadata, b: FieldMetadata): boolean {
  if (a.options === null || b.options === null) return false
  const [left, right] = [a.options, b.options].map(
    (options) => new Set(options.map((option) => plainLabel(option.label))),
  )
  return (
    left !== undefined &&
    right !== undefined &&
    left.size === right.size &&
    [...left].every((label) => right.has(label))
  )
}

function keyOf(field: FieldMetadata, label: string): string | undefined {
  return field.options?.find((option) => plainLabel(option.label) === plainLabel(label))?.value
}

/** Pairs of list values whose labels mean the same but are written differently; equal labels need no pair. */
function valuePairs(almField: FieldMetadata, octaneField: FieldMetadata, almIsLeft: boolean): ValuePair[] {
  if (almField.type !== 'list' || octaneField.type !== 'list') return []
  return (almField.options ?? []).flatMap((option) => {
    const key = keyOf(octaneField, option.label)
    if (key === undefined) return []
    return [{ left: almIsLeft ? option.value : key, right: almIsLeft ? key : option.value, direction: 'both' as const }]
  })
}

function labelledPairs(
  pairs: NonNullable<Known['values']>,
  almField: FieldMetadata,
  octaneField: FieldMetadata,
  almIsLeft: boolean,
): ValuePair[] {
  return pairs.flatMap(([almLabel, octaneLabel, direction = 'both']) => {
    const [almKey, octaneKey] = [keyOf(almField, almLabel), keyOf(octaneField, octaneLabel)]
    if (almKey === undefined || octaneKey === undefined) return []
    const towards = direction === 'both' ? 'both' : (direction === 'to-alm') === almIsLeft ? 'to-left' : 'to-right'
    return [
      {
        left: almIsLeft ? almKey : octaneKey,
        right: almIsLeft ? octaneKey : almKey,
        direction: towards as ValuePair['direction'],
      },
    ]
  })
}

/** Adds what is proposed for fields that are not mapped on either side; what is mapped stays as it is. */
export function addUnmapped(
  configuration: LinkConfiguration,
  proposed: readonly FieldMapping[],
): { configuration: LinkConfiguration; added: FieldMapping[] } {
  const types = new Set(configuration.types.map((type) => type.id))
  const free = (side: Side, name: string | null) =>
    name === null ||
    (name !== configuration[side].crossReference && !configuration.fields.some((mapping) => mapping[side] === name))
  const added = proposed
    .filter((mapping) => free('left', mapping.left) && free('right', mapping.right))
    .filter((mapping) => mapping.types?.every((type) => types.has(type)) ?? true)
    .map((mapping) => {
      const taken = configuration.fields.some(({ id }) => id === mapping.id)
      return taken ? { ...mapping, id: `${mapping.id}-${mapping.left ?? mapping.right}` } : mapping
    })
  return { configuration: { ...configuration, fields: [...configuration.fields, ...added] }, added }
}
