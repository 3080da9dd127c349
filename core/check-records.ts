import type { FieldMapping, LinkConfiguration, LinkKind } from './link-config.ts'
import type { LinkPlanner } from './link-planner.ts'
import { fieldByName, type SideMetadata } from './metadata.ts'
import type { Problem } from './problems.ts'
import type { References } from './references.ts'
import type { Finding } from './run.ts'
import { listsParts, otherSide, type RecordSnapshot, type Side, sameValue, sides } from './values.ts'

export interface RecordsInput {
  configuration: LinkConfiguration
  planner: LinkPlanner
  metadata: Readonly<Record<Side, SideMetadata>>
  /** Kinds of records that links of the endpoint pair keep in step: references to them go by their pairs. */
  kinds: readonly LinkKind[]
  /** The side whose records these are. */
  from: Side
  /** All in scope, or a part of them. */
  records: readonly RecordSnapshot[]
  exact: boolean
}

/** The checks that problems of records belong to, by the code of the problem. */
const checkOf: Readonly<Record<string, string>> = {
  'too-long': 'records-lengths',
  'value-gap': 'records-values',
  'name-not-unique': 'records-values',
  'user-gap': 'records-users',
  'required-field': 'records-required',
  'content-would-be-lost': 'records-text',
  'content-not-carried': 'records-text',
  'unreadable-text': 'records-text',
  'not-convertible': 'records-types',
  'several-values': 'records-types',
}

interface Tally {
  problem: Problem
  ids: string[]
  /** How many records have each of the problem's wordings. */
  words: Map<string, number>
}

/**
 * Plans the twins of real records as a run would, writes nothing, and counts what would be held, left empty or refused: one
 * finding per mapping and kind of problem.
 */
export function checkRecords(input: RecordsInput): Finding[] {
  const { configuration, planner, from, records, exact } = input
  const to = otherSide(from)
  const direction = to === 'right' ? 'toRight' : 'toLeft'
  const references: References = {
    resolve: (_side, { kind }) => (input.kinds.includes(kind) ? { state: 'waits' } : { state: 'no-link' }),
  }
  const tallies = new Map<string, Tally>()
  const changing = new Map<FieldMapping, string[]>()
  let looked = 0
  for (const record of records) {
    const rules = planner.kindOf(from, record)?.rules[direction]
    if (rules === undefined || !(rules.create || rules.update)) continue
    looked++
    for (const problem of planner.planCreate(from, record, references).problems) {
      if (checkOf[problem.code] === undefined || (problem.code === 'required-field' && !rules.create)) continue
      const key = `${problem.code} ${problem.mappingId ?? problem.field}`
      const tally: Tally = tallies.get(key) ?? { problem, ids: [], words: new Map() }
      tally.ids.push(record.id)
      tally.words.set(problem.message, (tally.words.get(problem.message) ?? 0) + 1)
      tallies.set(key, tally)
    }
    for (const mapping of configuration.fields)
      if (comesBackAnother(input, references, mapping, record)) {
        const ids = changing.get(mapping) ?? []
        ids.push(record.id)
        changing.set(mapping, ids)
      }
  }
  if (looked === 0) return []
  const part = `of ${looked} records looked at${exact ? '' : ' (a part of all in scope)'}`
  const found = [...tallies.values()].map((tally) => findingOf(configuration, to, tally, part))
  const others = [...changing].map(
    ([mapping, ids]): Finding => ({
      check: 'records-round-trip',
      severity: 'info',
      side: from,
      message: `${ids.length} ${part} hold values of "${labelOf(input, mapping, from)}" that share a counterpart with another one, such as ${shown(ids)}. They keep them unless the other side changes.`,
      remedy: null,
      pointer: `/fields/${configuration.fields.indexOf(mapping)}/values`,
      records: ids.length,
    }),
  )
  const silent = neverFilled(input, looked)
  if (found.length > 0) return [...found, ...others, ...silent]
  const ok: Finding = {
    check: 'records',
    severity: 'ok',
    side: from,
    message: `${looked} records${exact ? '' : ', a part of all in scope,'} were looked at: each value has a place on the other side.`,
    remedy: null,
    pointer: null,
    records: looked,
  }
  return [ok, ...others, ...silent]
}

function findingOf(configuration: LinkConfiguration, to: Side, { problem, ids, words }: Tally, part: string): Finding {
  const index = configuration.fields.findIndex((mapping) => mapping.id === problem.mappingId)
  const examples = [...words].sort(([, a], [, b]) => b - a).slice(0, 3)
  const more = words.size - examples.length
  const said =
    words.size === 1
      ? (examples[0]?.[0] ?? problem.message)
      : `${examples.map(([message, count]) => `${message} (${count})`).join(' ')}${more > 0 ? ` And ${more} more.` : ''}`
  const setting: Readonly<Record<string, string>> = { 'value-gap': '/values', 'required-field': `/defaults/${to}` }
  return {
    check: checkOf[problem.code] ?? 'records',
    severity: 'warning',
    side: to,
    message: `${ids.length} ${part}, such as ${shown(ids)}: ${said}`,
    remedy: problem.remedy,
    pointer: index < 0 ? '/fields' : `/fields/${index}${setting[problem.code] ?? ''}`,
    records: ids.length,
  }
}

/** A value that changes by going there and back; texts with formats are judged by their content elsewhere. */
function comesBackAnother(
  { configuration, planner, from, metadata }: RecordsInput,
  references: References,
  mapping: FieldMapping,
  record: RecordSnapshot,
): boolean {
  const name = mapping[from]
  const { toLeft, toRight } = configuration.rules
  if (mapping.direction !== 'both' || name === null || mapping[otherSide(from)] === null) return false
  if (!toLeft.update || !toRight.update) return false
  const type = fieldByName(metadata[from].entity, name)?.type
  const value = record.fields[name]
  if (type === undefined || type === 'memo' || listsParts(type)) return false
  if (value === undefined || value === null) return false
  const there = planner.translate(mapping, from, record, value, references)
  if (!there.ok || there.warning !== undefined || there.value === null) return false
  const back = planner.translate(mapping, otherSide(from), record, there.value, references)
  return back.ok && !sameValue(back.value, value)
}

/** Roles that hide a field make it look empty: a mapped field that no record fills is worth a look. */
function neverFilled({ configuration, metadata, from, records }: RecordsInput, looked: number): Finding[] {
  if (looked < fewestForPattern) return []
  const { entity } = metadata[from]
  const names = configuration.fields.flatMap((mapping, index) => {
    const field = mapping[from] === null ? undefined : fieldByName(entity, mapping[from])
    const flows = mapping.direction !== `to-${from}`
    if (field === undefined || !flows || listsParts(field.type)) return []
    const filled = records.some((record) => isFilled(record, field.name))
    return filled ? [] : [{ label: field.label, index }]
  })
  const [first] = names
  if (first === undefined) return []
  return [
    {
      check: 'records-empty',
      severity: 'info',
      side: from,
      message: `None of ${looked} records looked at has a value in ${names.map((one) => `"${one.label}"`).join(', ')}. That is right where nobody uses them; fields that a role hides look the same.`,
      remedy: 'Look at such a record as the integration user.',
      pointer: `/fields/${first.index}/${from}`,
      records: looked,
    },
  ]
}

/** Fewer records than this prove no pattern. */
const fewestForPattern = 20

/**
 * Rules that require a field in a phase are told by no endpoint. Where every record of a phase has a field that hardly any
 * other record has, there is likely one; a field that is not mapped there would be missing when the phase is written.
 */
export function checkPhases(input: {
  configuration: LinkConfiguration
  side: Side
  metadata: SideMetadata
  records: readonly RecordSnapshot[]
}): Finding[] {
  const { configuration, side, metadata, records } = input
  const phase = metadata.entity.fields.find(
    (field) => (field.name === 'phase' || field.name === 'status') && field.options !== null,
  )
  const index = configuration.fields.findIndex(
    (mapping) => mapping[side] === phase?.name && mapping.direction !== `to-${otherSide(side)}`,
  )
  const { create, update } = configuration.rules[side === 'right' ? 'toRight' : 'toLeft']
  if (phase === undefined || index < 0 || !(create || update)) return []
  const written = new Set(
    configuration.fields.flatMap((mapping) =>
      mapping.direction === `to-${otherSide(side)}` ? [] : (mapping[side] ?? []),
    ),
  )
  const candidates = metadata.entity.fields.filter(
    (field) =>
      field.editable && !field.required && !written.has(field.name) && field.type !== 'memo' && !listsParts(field.type),
  )
  return (phase.options ?? []).flatMap(({ value, label }) => {
    const inside = records.filter((record) => record.fields[phase.name] === value)
    const outside = records.filter((record) => record.fields[phase.name] !== value)
    if (inside.length < fewestForPattern || outside.length < fewestForPattern) return []
    return candidates.flatMap((field): Finding[] => {
      const elsewhere = outside.filter((record) => isFilled(record, field.name)).length
      if (elsewhere > outside.length / 5 || !inside.every((record) => isFilled(record, field.name))) return []
      return [
        {
          check: 'records-phase',
          severity: 'warning',
          side,
          message: `All ${inside.length} records looked at with "${phase.label}" "${label}" have "${field.label}", and only ${elsewhere} of ${outside.length} others: a rule may require it there. It is not mapped.`,
          remedy: `Map "${field.label}", or leave it if nothing requires it.`,
          pointer: '/fields',
          records: inside.length,
        },
      ]
    })
  })
}

/** Fields of a side that the checks of its records read beside the mapped ones. */
export function fieldsOfPattern({ entity }: SideMetadata): string[] {
  return entity.fields
    .filter((field) => field.editable && field.type !== 'memo' && !listsParts(field.type))
    .map((field) => field.name)
    .slice(0, mostPatternFields)
}

const mostPatternFields = 60

function isFilled(record: RecordSnapshot, name: string): boolean {
  const value = record.fields[name]
  return value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)
}

function labelOf({ metadata }: RecordsInput, mapping: FieldMapping, side: Side): string {
  const name = mapping[side] ?? ''
  return fieldByName(metadata[side].entity, name)?.label ?? name
}

function shown(ids: readonly string[]): string {
  return ids.slice(0, 5).join(', ')
}

/** Whether anything of the configuration keeps records from being read: fields that are not there. */
export function isReadable(configuration: LinkConfiguration, metadata: Readonly<Record<Side, SideMetadata>>): boolean {
  return sides.every((side) => {
    const named = [...configuration.fields.map((mapping) => mapping[side]), configuration[side].crossReference]
    return named.every((name) => name === null || fieldByName(metadata[side].entity, name) !== undefined)
  })
}
