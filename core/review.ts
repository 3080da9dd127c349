import { type ProposedMapping, plainLabel } from './auto-map.ts'
import type { EndpointAddress } from './endpoint.ts'
import { knownFields } from './known-fields.ts'
import type { FieldMapping, LinkConfiguration, LinkKind } from './link-config.ts'
import { type FieldMetadata, fieldByName, type SideMetadata } from './metadata.ts'
import { reviewNames } from './review-names.ts'
import type { Finding } from './run.ts'
import { createTranslator } from './translate.ts'
import { otherSide, type RecordSnapshot, type Side, sides } from './values.ts'

/** What a change is about, in the order in which people go through them. */
export const reviewAreas = [
  'id-fields',
  'permissions',
  'types',
  'required',
  'lists',
  'people',
  'names',
  'fields',
  'records',
  'clocks',
  'reactions',
] as const
export type ReviewArea = (typeof reviewAreas)[number]

/** One thing to adapt before a link is created, or to know. */
export interface ReviewItem {
  area: ReviewArea
  /** `must`: without it records cannot be kept in step; `should`: some would be held; `may`: worth knowing. */
  need: 'must' | 'should' | 'may'
  /** Where the change is made; null: on either side, or in the link. */
  side: Side | null
  /** The field, type, list or person that it is about. */
  subject: string
  message: string
  /** What to do. */
  change: string
  /** Records concerned, where counted. */
  records: number | null
}

export interface ReviewInput {
  kind: LinkKind
  systems: Readonly<Record<Side, EndpointAddress['kind']>>
  metadata: Readonly<Record<Side, SideMetadata>>
  proposed: ProposedMapping
  /** The configuration that the proposal makes; null: it makes none. */
  configuration: LinkConfiguration | null
  /** What the checks of that configuration find. */
  findings: readonly Finding[]
  samples: Readonly<Record<Side, readonly RecordSnapshot[]>>
}

const product: Readonly<Record<EndpointAddress['kind'], string>> = { alm: 'ALM', octane: 'Octane' }

/** Everything that both sides need before they can be kept in step, each with the change to make. */
export function review(input: ReviewInput): ReviewItem[] {
  const items = [
    ...idFields(input),
    ...typeItems(input),
    ...listItems(input),
    ...peopleItems(input),
    ...reviewNames(input),
    ...input.findings.flatMap((finding) => ofFinding(input, finding)),
  ]
  const order = { must: 0, should: 1, may: 2 }
  return items.sort(
    (a, b) => reviewAreas.indexOf(a.area) - reviewAreas.indexOf(b.area) || order[a.need] - order[b.need],
  )
}

/** Records are created exactly once by a field that names the twin; releases are told apart by their values. */
function idFields({ kind, systems, metadata, proposed }: ReviewInput): ReviewItem[] {
  if (kind === 'release') return []
  return sides.flatMap((side): ReviewItem[] => {
    if (proposed.crossReference[side] !== null) return []
    const name = systems[side] === 'alm' ? 'Octane ID' : 'ALM ID'
    const similar = metadata[side].entity.fields.find(
      (field) => field.userDefined && field.label.toLowerCase() === name.toLowerCase(),
    )
    const unfit =
      similar === undefined
        ? ''
        : ` "${similar.label}" (${similar.name}) is there, but must be a writable, filterable text of at least 60 characters.`
    const how =
      systems[side] === 'alm'
        ? 'in Project Customization, as a string of 255 characters, for the types that are kept in step'
        : 'in Settings, Entities, as a string, for the types that are kept in step'
    return [
      {
        area: 'id-fields',
        need: 'must',
        side,
        subject: name,
        message: `${product[systems[side]]} has no field that can name the twin of a record, so nothing can be created there exactly once.${unfit}`,
        change: `Create the text field "${name}" ${how}.`,
        records: null,
      },
    ]
  })
}

function typeItems({ kind, systems, metadata, proposed }: ReviewInput): ReviewItem[] {
  if (kind !== 'backlog') return []
  const alm = sides.find((side) => systems[side] === 'alm') ?? 'left'
  const item = (need: ReviewItem['need'], subject: string, message: string, change: string): ReviewItem => ({
    ...{ area: 'types', need, side: alm, subject, message, change, records: null },
  })
  const refused = proposed.refused.map(({ message }) =>
    item('must', 'Types', `${message}.`, 'Name a type that there is, or create it in the project.'),
  )
  if (proposed.types.length === 0)
    return [
      ...refused,
      item(
        'must',
        'Requirement types',
        'No requirement type is named like an epic, feature or story, so that no types are proposed.',
        'Name the requirement types that become epics, features and stories (--type "story=User Story,Functional"), or create such types.',
      ),
    ]
  const mapped = new Set(proposed.types.flatMap((type) => type[alm].values))
  const left = (metadata[alm].entity.recordTypes?.types ?? []).filter((type) => !mapped.has(type.value))
  if (left.length === 0) return refused
  const labels = left.map((type) => `"${type.label}"`).join(', ')
  return [
    ...refused,
    item(
      'may',
      'Requirement types',
      `Records of ${labels} are left alone: no type of Octane is proposed for them. What stands below them stands below the root there.`,
      'Name them for epic, feature or story where they are to be kept in step.',
    ),
  ]
}

/** Values that the other side's verified list lacks, by list; and lists that are not mapped by themselves. */
function listItems(input: ReviewInput): ReviewItem[] {
  const { configuration, metadata, systems, proposed } = input
  const notes = proposed.notes
    .filter((note) => !/^(ALM|Octane): /.test(note))
    .flatMap((note) => unmappedList(input, note, /"([^"]*)"/.exec(note)?.[1] ?? ''))
  if (configuration === null) return notes
  const translator = createTranslator({ configuration, ...metadata, users: [] })
  const told = new Set<string>()
  const gaps = configuration.fields.flatMap((mapping) =>
    sides.flatMap((to): ReviewItem[] => {
      const from = otherSide(to)
      const [source, target] = [fieldOf(metadata, mapping, from), fieldOf(metadata, mapping, to)]
      if (source?.type !== 'list' || target?.type !== 'list' || !target.verified) return []
      if (mapping.direction === `to-${from}`) return []
      const missing = (source.options ?? []).filter(
        (option) => !translator.translate(mapping, from, source.multiple ? [option.value] : option.value).ok,
      )
      const labels = missing.map((option) => `"${option.label}"`).join(', ')
      const key = `${to} ${target.name} ${labels}`
      if (missing.length === 0 || told.has(key)) return []
      told.add(key)
      return [
        {
          area: 'lists',
          need: target.required && (mapping.defaults[to] ?? null) === null ? 'must' : 'should',
          side: to,
          subject: target.label,
          message: `"${target.label}" takes values of its list only and lacks ${labels} of "${source.label}".`,
          change: `Add ${labels} to the list of "${target.label}" in ${product[systems[to]]}, or map these values to others in the link.`,
          records: null,
        },
      ]
    }),
  )
  return [...gaps, ...notes]
}

/** A list that the proposal leaves out, with what each side lacks of the other. */
function unmappedList({ kind, systems, metadata }: ReviewInput, note: string, label: string): ReviewItem[] {
  const listOf = (side: Side, fits: (field: FieldMetadata) => boolean) =>
    metadata[side].entity.fields.find((field) => field.type === 'list' && field.options !== null && fits(field))
  const named = (field: FieldMetadata) => field.label.toLowerCase() === label.toLowerCase()
  const octane = sides.find((side) => systems[side] === 'octane') ?? 'right'
  const alm = otherSide(octane)
  const there = listOf(octane, named)
  const known = knownFields[kind].find((one) => one.octane === there?.name)?.alm
  const here = listOf(alm, (field) => (known === undefined ? named(field) : field.name === known))
  const item = (side: Side | null, message: string, change: string): ReviewItem => ({
    ...{ area: 'lists', need: 'should', side, subject: label, message, change, records: null },
  })
  const whole = item(null, note, 'Give both lists the same values, or map them by hand once the link is there.')
  if (here === undefined || there === undefined) return [whole]
  const fields = { [alm]: here, [octane]: there } as Record<Side, FieldMetadata>
  const lacking = sides.flatMap((to) => {
    const own = new Set((fields[to].options ?? []).map((option) => plainLabel(option.label)))
    const missing = (fields[otherSide(to)].options ?? []).filter((option) => !own.has(plainLabel(option.label)))
    const labels = missing.map((option) => `"${option.label}"`).join(', ')
    return missing.length === 0
      ? []
      : [
          item(
            to,
            `"${fields[to].label}" has no values for ${labels} of "${fields[otherSide(to)].label}", so the two are not mapped by themselves.`,
            `Add them to the list of "${fields[to].label}" in ${product[systems[to]]}, or map the values by hand once the link is there.`,
          ),
        ]
  })
  return lacking.length === 0 ? [whole] : lacking
}

/** People who would be left out or stood in for, and accounts that cannot be told apart. */
function peopleItems({ configuration, metadata, systems }: ReviewInput): ReviewItem[] {
  if (configuration === null) return []
  const user = (side: Side) => metadata[side].entity.fields.find((field) => field.type === 'user')
  const [left, right] = [user('left'), user('right')]
  if (left === undefined || right === undefined) return []
  const mapping: FieldMapping = {
    ...{ id: 'people', left: left.name, right: right.name, direction: 'both', conflict: 'left' },
    ...{ conflictFallback: 'ask', values: [], defaults: {}, createOnly: false },
  }
  const translator = createTranslator({
    configuration: { ...configuration, defaultUsers: { left: null, right: null } },
    ...metadata,
    users: [],
  })
  return sides.flatMap((from): ReviewItem[] => {
    const to = otherSide(from)
    const single = !(fieldByName(metadata[from].entity, mapping[from] ?? '')?.multiple ?? false)
    const without = metadata[from].users.filter((one) => {
      if (!one.active || one.machine) return false
      const translation = translator.translate(mapping, from, single ? one.key : [one.key])
      return !translation.ok || translation.warning !== undefined
    })
    if (without.length === 0) return []
    const names = without.map((one) => `${one.name} (${one.login})`)
    const shown = names.slice(0, 20).join(', ')
    return [
      {
        area: 'people',
        need: 'should',
        side: to,
        subject: `${without.length} people of ${product[systems[from]]}`,
        message: `They have no twin in ${product[systems[to]]}: ${shown}${names.length > 20 ? ` and ${names.length - 20} more` : ''}. Fields that name them stay empty there, or get the link's default user.`,
        change: `Give them accounts in ${product[systems[to]]} with the same e-mail address, or choose a default user for the link.`,
        records: null,
      },
    ]
  })
}

/** Findings of the checks by the area they belong to; the rest is told by items of its own. */
const areaOf: Readonly<Record<string, ReviewArea>> = {
  permissions: 'permissions',
  hierarchy: 'types',
  'record-types': 'types',
  'records-hierarchy': 'types',
  required: 'required',
  'records-required': 'required',
  'records-phase': 'required',
  'records-values': 'lists',
  'records-users': 'people',
  types: 'fields',
  lengths: 'fields',
  fidelity: 'fields',
  companions: 'fields',
  'records-lengths': 'records',
  'records-text': 'records',
  'records-types': 'records',
  'records-empty': 'records',
  clocks: 'clocks',
  mails: 'reactions',
  'business-rules': 'reactions',
  workflow: 'reactions',
}

function ofFinding({ systems }: ReviewInput, finding: Finding): ReviewItem[] {
  const { check, severity, side, message, remedy, records } = finding
  const area = areaOf[check]
  if (area === undefined || severity === 'ok' || (severity === 'info' && remedy === null)) return []
  const where = side === null ? 'there' : `in ${product[systems[side]]}`
  const change =
    check === 'required'
      ? `Make it optional ${where}, map it from a field of the other side that is always filled, or give it a start value in the link.`
      : (remedy ?? '')
  const subject = /"([^"]*)"/.exec(message)?.[1] ?? check
  const need = severity === 'error' ? 'must' : severity === 'warning' ? 'should' : 'may'
  return [{ area, need, side, subject, message, change, records }]
}

function fieldOf(
  metadata: Readonly<Record<Side, SideMetadata>>,
  mapping: FieldMapping,
  side: Side,
): FieldMetadata | undefined {
  const name = mapping[side]
  return name === null ? undefined : fieldByName(metadata[side].entity, name)
}
