import type { FieldMetadata } from './metadata.ts'
import type { ReviewInput, ReviewItem } from './review.ts'
import { otherSide, type RecordSnapshot, type Side, sides } from './values.ts'

/** Names that clash: of fields, of values that fields refer to, and of records that are told apart by their names. */
export function reviewNames(input: ReviewInput): ReviewItem[] {
  return [...twiceOnOneSide(input), ...alikeOnBothSides(input), ...repeatedValues(input), ...recordNames(input)]
}

const item = (one: Omit<ReviewItem, 'area' | 'records'> & { records?: number }): ReviewItem => ({
  ...{ area: 'names', records: null },
  ...one,
})

/** Two fields of one label: whoever maps them by their label cannot tell which is which. */
function twiceOnOneSide({ metadata }: ReviewInput): ReviewItem[] {
  return sides.flatMap((side) =>
    groups(metadata[side].entity.fields, (field) => field.label)
      .filter((group) => group.length > 1 && group.some((field) => field.userDefined))
      .map((group) =>
        item({
          need: 'may',
          side,
          subject: group[0]?.label ?? '',
          message: `${group.length} fields are called "${group[0]?.label}": ${group.map((field) => field.name).join(', ')}.`,
          change: 'Give the customised one another label.',
        }),
      ),
  )
}

/** Customised fields of one label on both sides that are of different types, so that they are not mapped by themselves. */
function alikeOnBothSides({ metadata, proposed }: ReviewInput): ReviewItem[] {
  const mapped = new Set(proposed.fields.flatMap((one) => (one.right === null ? [] : [one.right])))
  const byLabel = new Map(
    metadata.left.entity.fields
      .filter((field) => field.userDefined)
      .map((field): [string, FieldMetadata] => [normal(field.label), field]),
  )
  return metadata.right.entity.fields.flatMap((right) => {
    const left = byLabel.get(normal(right.label))
    if (left === undefined || !right.userDefined || mapped.has(right.name)) return []
    if (Object.values(proposed.crossReference).some((name) => name === left.name || name === right.name)) return []
    const isSame = left.type === right.type && left.multiple === right.multiple
    if (isSame) return []
    const kind = (field: FieldMetadata) => `${field.type}${field.multiple ? ' of several values' : ''}`
    return [
      item({
        need: 'should',
        side: null,
        subject: right.label,
        message: `"${right.label}" is a ${kind(left)} on one side and a ${kind(right)} on the other, so it is not mapped by itself.`,
        change: 'Make both of one type, give them different names, or map them by hand once the link is there.',
      }),
    ]
  })
}

/** Releases, sprints, teams and list values that fields name: of two with one name nobody knows which is meant. */
function repeatedValues({ metadata, proposed }: ReviewInput): ReviewItem[] {
  const told = new Set<string>()
  return proposed.fields.flatMap((mapping) =>
    sides.flatMap((side) => {
      const field = metadata[side].entity.fields.find((one) => one.name === mapping[side])
      if (field?.options === null || field === undefined || (field.type !== 'list' && field.type !== 'reference'))
        return []
      const repeated = groups(field.options, (option) => `${option.label} ${option.parentLabel ?? ''}`).filter(
        (group) => group.length > 1,
      )
      const labels = repeated.map((group) => `"${group[0]?.label}"`)
      const key = `${side} ${labels.join()}`
      if (labels.length === 0 || told.has(key)) return []
      told.add(key)
      return [
        item({
          need: 'should',
          side,
          subject: field.label,
          message: `"${field.label}" has several values of one name: ${labels.slice(0, 10).join(', ')}. Where such a value is told by its name, nobody knows which is meant.`,
          change: 'Rename all but one of each.',
        }),
      ]
    }),
  )
}

/** Releases and their cycles are told apart by name and dates, and Octane takes the name of a release once. */
function recordNames(input: ReviewInput): ReviewItem[] {
  const { kind, metadata, samples, systems, configuration } = input
  if (kind !== 'release' || configuration === null) return []
  const typeOf = (side: Side, record: RecordSnapshot) =>
    configuration.types.find((type) =>
      type[side].values.includes(String(record.fields[metadata[side].entity.recordTypes?.field ?? ''] ?? '')),
    )?.id
  const releases = (side: Side) => samples[side].filter((record) => typeOf(side, record) === 'release')
  const nameOf = (record: RecordSnapshot) => String(record.fields.name ?? '')
  const day = (value: unknown) => String(value ?? '').slice(0, 10)
  const dates = (side: Side, record: RecordSnapshot) => {
    const field = (id: string) => configuration.fields.find((mapping) => mapping.id === id)?.[side] ?? ''
    return `${day(record.fields[field('start_date')])} to ${day(record.fields[field('end_date')])}`
  }
  const twice = sides.flatMap((side) =>
    systems[side] === 'octane'
      ? []
      : groups(releases(side), nameOf)
          .filter((group) => group.length > 1)
          .map((group) =>
            item({
              need: 'must',
              side,
              subject: nameOf(group[0] as RecordSnapshot),
              message: `${group.length} releases are called "${nameOf(group[0] as RecordSnapshot)}" (${group.map((one) => one.id).join(', ')}); Octane takes a release name once.`,
              change: 'Rename all but one of them.',
              records: group.length,
            }),
          ),
  )
  const right = new Map(releases('right').map((record) => [normal(nameOf(record)), record]))
  const apart = releases('left').flatMap((record) => {
    const twin = right.get(normal(nameOf(record)))
    if (twin === undefined || dates('left', record) === dates(otherSide('left'), twin)) return []
    return [
      item({
        need: 'must',
        side: null,
        subject: nameOf(record),
        message: `The release "${nameOf(record)}" is on both sides with other dates (${dates('left', record)}, and ${dates('right', twin)}), so the two are not taken for twins, and neither can be created on the other side.`,
        change: 'Give both the same dates, or one of them another name.',
        records: 1,
      }),
    ]
  })
  return [...twice, ...apart]
}

function groups<T>(rows: readonly T[], key: (row: T) => string): T[][] {
  const found = new Map<string, T[]>()
  for (const row of rows) {
    const own = normal(key(row))
    found.set(own, [...(found.get(own) ?? []), row])
  }
  return [...found.values()]
}

function normal(text: string): string {
  return text.trim().replace(/\s+/g, ' ').toLowerCase()
}
