import { checkLink } from './check-link.ts'
import type { LinkConfiguration } from './link-config.ts'
import { type EntityMetadata, type FieldMetadata, requiredByAny, type SideMetadata } from './metadata.ts'
import type { Problem } from './problems.ts'
import type { LinkContext } from './store.ts'
import { type Side, sides } from './values.ts'

/** What a link depends on of one field, as an endpoint described it. */
interface FieldShape {
  label: string
  type: string
  multiple: boolean
  required: boolean
  writable: boolean
  maxLength: number | null
  /** Labels by value, of lists; null: no list. */
  values: Readonly<Record<string, string>> | null
}

/** What a link depends on of one side. */
interface SideShape {
  /** By name: what is mapped (null: it is not there), and what new records require. */
  fields: Readonly<Record<string, FieldShape | null>>
  /** Labels by value, of the types of records; null: there is one type only. */
  types: Readonly<Record<string, string>> | null
}

/** What a link depends on of both endpoints: kept to tell what changed there. */
export type SchemaSnapshot = Readonly<Record<Side, SideShape>>

/** One thing that an endpoint changed. */
export interface SchemaChange {
  side: Side
  /** For people: what changed, with the label and the name of the field. */
  message: string
  /** Mappings whose held records may go on because of it. */
  mappings: readonly string[]
}

type Described = Readonly<Record<Side, SideMetadata>>

/** The part of two descriptions that a link's configuration depends on. */
export function schemaSnapshot(configuration: LinkConfiguration, metadata: Described): SchemaSnapshot {
  const of = (side: Side): SideShape => {
    const { entity } = metadata[side]
    const mapped = new Set(configuration.fields.flatMap((mapping) => mapping[side] ?? []))
    const reference = configuration[side].crossReference
    if (reference !== null) mapped.add(reference)
    const fields: [string, FieldShape | null][] = entity.fields
      .filter((field) => mapped.has(field.name) || (requiredByAny(entity, field.name) && field.creatable))
      .map((field) => [field.name, shapeOf(entity, field, mapped.has(field.name))])
    const there = new Set(fields.map(([name]) => name))
    const gone = [...mapped].filter((name) => !there.has(name)).map((name): [string, null] => [name, null])
    const { recordTypes } = entity
    return {
      fields: Object.fromEntries([...fields, ...gone].sort(([a], [b]) => (a < b ? -1 : 1))),
      types:
        recordTypes === undefined
          ? null
          : Object.fromEntries(recordTypes.types.map((type) => [type.value, type.label]).sort()),
    }
  }
  return { left: of('left'), right: of('right') }
}

function shapeOf(entity: EntityMetadata, field: FieldMetadata, mapped: boolean): FieldShape {
  const { label, type, multiple, maxLength } = field
  // Releases, sprints and the like come and go every day: they are records, and no list that somebody administers.
  const listed = mapped && type === 'list' && field.options !== null
  return {
    label,
    type,
    multiple,
    required: requiredByAny(entity, field.name),
    writable: field.editable || field.creatable,
    maxLength,
    values: listed ? Object.fromEntries((field.options ?? []).map((one) => [one.value, one.label]).sort()) : null,
  }
}

/** What changed between two snapshots of one link. Fields that a configuration began or ceased to map are no change. */
export function schemaChanges(
  before: SchemaSnapshot,
  after: SchemaSnapshot,
  configuration: LinkConfiguration,
): SchemaChange[] {
  return sides.flatMap((side) => {
    const changes: SchemaChange[] = []
    const idsOf = (name: string) => configuration.fields.flatMap((one) => (one[side] === name ? [one.id] : []))
    const tell = (message: string, name?: string) =>
      changes.push({ side, message, mappings: name === undefined ? [] : idsOf(name) })
    for (const [name, now] of Object.entries(after[side].fields)) {
      const old = before[side].fields[name]
      if (old === undefined) {
        const isMapped = idsOf(name).length > 0 || configuration[side].crossReference === name
        if (now?.required === true && !isMapped) tell(`"${now.label}" (${name}) is required from now on.`)
      } else if (old === null && now !== null) tell(`"${now.label}" (${name}) is there again.`, name)
      else if (old !== null && now === null) tell(`"${old.label}" (${name}) is gone.`)
      else if (old !== null && now !== null)
        for (const message of differences(old, now, `"${now.label}" (${name})`)) tell(message, name)
    }
    const [oldTypes, newTypes] = [before[side].types ?? {}, after[side].types ?? {}]
    for (const [value, label] of Object.entries(newTypes))
      if (oldTypes[value] === undefined) tell(`There is a new type "${label}" (${value}).`)
      else if (oldTypes[value] !== label) tell(`The type "${oldTypes[value]}" is called "${label}" now.`)
    for (const [value, label] of Object.entries(oldTypes))
      if (newTypes[value] === undefined) tell(`The type "${label}" (${value}) is gone.`)
    return changes
  })
}

function differences(old: FieldShape, now: FieldShape, name: string): string[] {
  const told: string[] = []
  if (old.label !== now.label) told.push(`${name} was called "${old.label}" before.`)
  if (old.type !== now.type) told.push(`${name} is a ${now.type} now; it was a ${old.type}.`)
  if (old.multiple !== now.multiple) told.push(`${name} holds ${now.multiple ? 'several values' : 'one value'} now.`)
  if (now.maxLength !== null && now.maxLength < (old.maxLength ?? Number.POSITIVE_INFINITY))
    told.push(`${name} takes ${now.maxLength} characters only; before ${old.maxLength ?? 'as many as one likes'}.`)
  else if (now.maxLength !== old.maxLength) told.push(`${name} takes more characters than before.`)
  if (old.required !== now.required) told.push(`${name} is ${now.required ? '' : 'not '}required from now on.`)
  if (old.writable !== now.writable) told.push(`${name} can${now.writable ? '' : 'not'} be written from now on.`)
  const [were, are] = [old.values ?? {}, now.values ?? {}]
  for (const [value, label] of Object.entries(are))
    if (were[value] === undefined) told.push(`${name} has a new value "${label}".`)
    else if (were[value] !== label) told.push(`The value "${were[value]}" of ${name} is called "${label}" now.`)
  for (const [value, label] of Object.entries(were))
    if (are[value] === undefined) told.push(`The value "${label}" of ${name} is gone.`)
  return told
}

/**
 * What of a link's configuration cannot be done with the endpoints as they are now. Each stands for the one mapping that it
 * names, which rests meanwhile; everything else goes on.
 */
export function schemaProblems(
  configuration: LinkConfiguration,
  metadata: Described,
  users: LinkContext['users'],
): Problem[] {
  return checkLink({ configuration, ...metadata, users })
    .filter((finding) => finding.severity === 'error')
    .map((finding) => {
      const index = /^\/fields\/(\d+)/.exec(finding.pointer ?? '')?.[1]
      const mapping = index === undefined ? undefined : configuration.fields[Number(index)]
      return {
        class: 'schema',
        code: `schema-${finding.check}`,
        message: finding.message,
        remedy: finding.remedy ?? 'See the integrity check.',
        field: finding.pointer ?? '',
        ...(finding.side === null ? {} : { side: finding.side }),
        ...(mapping === undefined ? {} : { mappingId: mapping.id }),
      }
    })
}
