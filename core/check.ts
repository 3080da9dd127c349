import { textLoss } from './check-text.ts'
import { checkUsers } from './check-users.ts'
import type { FieldMapping, LinkConfiguration } from './link-config.ts'
import { mergeKind } from './merge-values.ts'
import { type FieldMetadata, fieldByName, type SideMetadata } from './metadata.ts'
import type { Finding } from './run.ts'
import type { Translator } from './translate.ts'
import { type CanonicalValue, otherSide, type Side, sameValue, sides } from './values.ts'

export interface CheckInput {
  configuration: LinkConfiguration
  left: SideMetadata
  right: SideMetadata
  translator: Translator
  /** Attachments are carried, and images in texts with them. */
  images?: boolean
}

/** Names of the checks, in the order in which people read them. */
const checks = [
  'cross-reference',
  'field-existence',
  'types',
  'companions',
  'lengths',
  'fidelity',
  'writable',
  'required',
  'rules',
  'values',
  'round-trip',
  'conflicts',
  'users',
  'constants',
] as const
type Check = (typeof checks)[number]

const checkWords: Record<Check, string> = {
  'cross-reference': 'A twin can be found again, by a field that names it or by what tells records apart.',
  'field-existence': 'All mapped fields exist.',
  types: 'Types of mapped fields can be converted.',
  companions: 'Cycles and sprints are mapped together with their releases.',
  lengths: 'Texts fit where they are written.',
  fidelity: 'Formatted text survives the way there and back.',
  writable: 'Fields that are written can be written.',
  required: 'Required fields have a source where records are created.',
  rules: 'Directions of the mapping agree with the rules.',
  values: 'List values have counterparts.',
  'round-trip': 'Values come back as they went.',
  conflicts: 'Conflicts can be settled as they are to be.',
  users: 'People have twins.',
  constants: 'Constants and defaults can be stored.',
}

/** Fields whose values belong to the value of another field of the record: cycles of ALM and sprints of Octane to a release. */
const companions: Readonly<Record<string, string>> = {
  'target-rcyc': 'target-rel',
  'detected-in-rcyc': 'detected-in-rel',
  sprint: 'release',
}

/** Everything about a link's configuration that can be judged from the endpoints' own descriptions. */
export function checkConfiguration(input: CheckInput): Finding[] {
  const findings: Finding[] = []
  const add = (
    check: Check,
    severity: Finding['severity'],
    side: Side | null,
    message: string,
    remedy: string | null,
    pointer: string | null,
    records: number | null = null,
  ) => findings.push({ check, severity, side, message, remedy, pointer, records })
  const { configuration } = input
  const creates = (side: Side) => configuration.rules[side === 'right' ? 'toRight' : 'toLeft'].create
  const updates = (side: Side) => configuration.rules[side === 'right' ? 'toRight' : 'toLeft'].update
  const flowsTo = (mapping: FieldMapping, side: Side) =>
    mapping.direction === 'both' || mapping.direction === `to-${side}`
  const fieldOf = (side: Side, name: string | null) =>
    name === null ? undefined : fieldByName(input[side].entity, name)

  for (const side of sides) {
    const name = configuration[side].crossReference
    const field = fieldOf(side, name)
    const pointer = `/${side}/crossReference`
    if (name === null) {
      if (creates(side) && configuration.matchBy.length === 0)
        add(
          'cross-reference',
          'error',
          side,
          'No field is set that names the twin, so records cannot be created there exactly once.',
          'Create a text field for it (255 characters) and set it here.',
          pointer,
        )
    } else if (field === undefined)
      add(
        'cross-reference',
        'error',
        side,
        `The field "${name}" that names the twin does not exist.`,
        'Set another field.',
        pointer,
      )
    else if (field.type !== 'string' || !field.filterable || !field.editable || (field.maxLength ?? 255) < 60)
      add(
        'cross-reference',
        'error',
        side,
        `"${field.label}" cannot name the twin: it must be a writable, filterable text of at least 60 characters.`,
        'Set another field, or change its type.',
        pointer,
      )
  }

  configuration.fields.forEach(checkMapping)
  for (const side of sides) if (creates(side)) checkRequired(side)
  findings.push(...checkUsers(input))

  return checks.flatMap((check): Finding[] => {
    const own = findings.filter((finding) => finding.check === check)
    const fine = own.every((finding) => finding.severity === 'info')
    return fine
      ? [
          { check, severity: 'ok', side: null, message: checkWords[check], remedy: null, pointer: null, records: null },
          ...own,
        ]
      : own
  })

  function checkMapping(mapping: FieldMapping, index: number): void {
    const pointer = `/fields/${index}`
    const fields = { left: fieldOf('left', mapping.left), right: fieldOf('right', mapping.right) }
    for (const side of sides)
      if (mapping[side] !== null && fields[side] === undefined)
        add(
          'field-existence',
          'error',
          side,
          `The field "${mapping[side]}" does not exist, or the integration user may not see it.`,
          'Map another field, or remove this mapping.',
          `${pointer}/${side}`,
        )
    checkStored(mapping, pointer, fields)
    const { left, right } = fields
    if (left === undefined || right === undefined) return
    checkFidelity(mapping, pointer, left, right)
    for (const to of sides) {
      if (!flowsTo(mapping, to)) continue
      const from = otherSide(to)
      const [source, target] = [fields[from], fields[to]]
      if (source === undefined || target === undefined) continue
      if (!updates(to) && mapping.direction !== 'both')
        add(
          'rules',
          'warning',
          to,
          `"${target.label}" is mapped in this direction, but no rule writes there.`,
          'Enable the rule, or change the direction of the mapping.',
          `${pointer}/direction`,
        )
      if (updates(to) && !target.creatable && !target.editable)
        add(
          'writable',
          'error',
          to,
          `"${target.label}" is set by the system and cannot be written.`,
          'Map it in the other direction only.',
          `${pointer}/direction`,
        )
      const why = incompatible(source, target)
      if (why !== null)
        add(
          'types',
          'error',
          to,
          `"${source.label}" cannot be written to "${target.label}": ${why}.`,
          'Map fields of matching types.',
          pointer,
        )
      const lengths = [source.type === 'memo' ? null : source.maxLength, target.maxLength]
      if (
        target.type === 'string' &&
        lengths[1] !== null &&
        lengths[1] !== undefined &&
        (lengths[0] ?? Number.POSITIVE_INFINITY) > lengths[1]
      )
        add(
          'lengths',
          'warning',
          to,
          `"${source.label}" may hold ${lengths[0] ?? 'any number of'} characters, "${target.label}" ${lengths[1]}. Longer texts are not cut; their field is held.`,
          'Map it to a longer field.',
          pointer,
        )
      checkCompanion(pointer, to, target)
      if (why === null && updates(to)) checkValues(mapping, pointer, from, source, target)
    }
    if (mapping.direction === 'both' && updates('left') && updates('right')) {
      checkRoundTrip(mapping, pointer, fields)
      checkPolicy(mapping, pointer, left, right)
    }
  }

  /** A cycle belongs to a release: written without it, a record would name a release and a cycle of another one. */
  function checkCompanion(pointer: string, to: Side, target: FieldMetadata): void {
    const companion = fieldOf(to, companions[target.name] ?? null)
    if (companion === undefined || target.type !== 'reference') return
    const isMapped = configuration.fields.some((other) => other[to] === companion.name && flowsTo(other, to))
    if (isMapped) return
    add(
      'companions',
      'error',
      to,
      `"${target.label}" is mapped without "${companion.label}", to which its values belong.`,
      `Map "${companion.label}" in the same direction as well, or remove this mapping.`,
      `${pointer}/${to}`,
    )
  }

  /** Two memos lose the same either way: that is told once. */
  function checkFidelity(mapping: FieldMapping, pointer: string, left: FieldMetadata, right: FieldMetadata): void {
    const ways = [
      { to: 'right', source: left, target: right },
      { to: 'left', source: right, target: left },
    ] as const
    const alike = left.type === right.type
    for (const { to, source, target } of ways) {
      if (!flowsTo(mapping, to)) continue
      const loss = textLoss(source, target, input.images === true)
      if (loss === null) continue
      add('fidelity', 'warning', alike && mapping.direction === 'both' ? null : to, loss.message, loss.remedy, pointer)
      if (alike) return
    }
  }

  /** One finding per field and direction, naming every value without counterpart. */
  function checkValues(
    mapping: FieldMapping,
    pointer: string,
    from: Side,
    source: FieldMetadata,
    target: FieldMetadata,
  ): void {
    const to = otherSide(from)
    for (const [at, pair] of mapping.values.entries()) {
      if (from !== 'left') continue
      for (const side of sides) {
        const field = side === from ? source : target
        if (field.options !== null && field.verified && !field.options.some((option) => option.value === pair[side]))
          add(
            'values',
            'error',
            side,
            `The value mapping names "${pair[side]}", which "${field.label}" does not have.`,
            'Correct or remove the pair.',
            `${pointer}/values/${at}/${side}`,
          )
      }
    }
    if (source.type !== 'list' || source.options === null || source.options.length === 0) return
    const gaps = source.options.filter(
      (option) => !input.translator.translate(mapping, from, source.multiple ? [option.value] : option.value).ok,
    )
    if (gaps.length === 0) return
    const labels = gaps.map((option) => `"${option.label}"`).join(', ')
    const mustHave = target.required && (mapping.defaults[to] ?? null) === null
    add(
      'values',
      mustHave ? 'error' : 'warning',
      to,
      `${gaps.length} of ${source.options.length} values of "${source.label}" have no counterpart in "${target.label}": ${labels}.`,
      'Add value mappings for them, or add them to the list.',
      `${pointer}/values`,
    )
  }

  /** Can the policy tell what to do about these two fields? */
  function checkPolicy(mapping: FieldMapping, pointer: string, left: FieldMetadata, right: FieldMetadata): void {
    const silent = left.history === true ? (right.history === true ? null : 'right') : 'left'
    if (mapping.conflict === 'latest' && silent !== null)
      add(
        'conflicts',
        'error',
        silent,
        `"${left.label}" and "${right.label}" cannot be settled by the later edit: no history tells when "${silent === 'left' ? left.label : right.label}" was edited.`,
        'Let a side win, merge, or ask a person; in ALM, a project administrator may switch History on for the field.',
        `${pointer}/conflict`,
      )
    if (mapping.conflict === 'latest' && silent === null && (mapping.group ?? null) !== null)
      add(
        'conflicts',
        'warning',
        null,
        `"${left.label}" and "${right.label}" are merged together with other fields, so the later edit is not asked for: "${mapping.conflictFallback}" holds.`,
        'Take the field out of its group, or choose that policy.',
        `${pointer}/conflict`,
      )
    if (mapping.conflict === 'merge' && ((mapping.group ?? null) !== null || mergeKind(left, right) === null))
      add(
        'conflicts',
        'error',
        null,
        `"${left.label}" and "${right.label}" cannot be merged: both must be sets, texts or memos alike, outside of a group.`,
        'Let a side win, or ask a person.',
        `${pointer}/conflict`,
      )
  }

  /** A value that goes there and back must come to rest: once changed is told, changed for ever is an error. */
  function checkRoundTrip(
    mapping: FieldMapping,
    pointer: string,
    fields: { left: FieldMetadata | undefined; right: FieldMetadata | undefined },
  ): void {
    const shown = (side: Side, value: CanonicalValue): string =>
      (Array.isArray(value) ? (value as readonly string[]) : [value])
        .map((one) => fields[side]?.options?.find((option) => option.value === one)?.label ?? String(one ?? ''))
        .join(', ')
    for (const from of sides) {
      const source = fields[from]
      if (source?.type !== 'list' || source.options === null) continue
      const to = otherSide(from)
      const lossy: string[] = []
      for (const option of source.options) {
        const value = source.multiple ? [option.value] : option.value
        const there = input.translator.translate(mapping, from, value)
        if (!there.ok) continue
        const back = input.translator.translate(mapping, to, there.value)
        if (!back.ok || sameValue(back.value, value)) continue
        const again = input.translator.translate(mapping, from, back.value)
        if (again.ok && !sameValue(again.value, there.value)) {
          add(
            'round-trip',
            'error',
            from,
            `"${option.label}" of "${source.label}" never comes to rest: it becomes "${shown(to, there.value)}", that comes back as "${shown(from, back.value)}", and that becomes "${shown(to, again.value)}".`,
            'Make one of these value pairs one way.',
            `${pointer}/values`,
          )
          continue
        }
        lossy.push(`"${option.label}"`)
      }
      if (lossy.length > 0)
        add(
          'round-trip',
          'info',
          from,
          `${lossy.join(', ')} of "${source.label}" share a counterpart. They keep their value unless the other side changes it.`,
          null,
          `${pointer}/values`,
        )
    }
  }

  function checkStored(
    mapping: FieldMapping,
    pointer: string,
    fields: { left: FieldMetadata | undefined; right: FieldMetadata | undefined },
  ): void {
    for (const side of sides) {
      const field = fields[side]
      const fallback = mapping.defaults[side] ?? null
      if (field === undefined) continue
      const constant = mapping.constant ?? null
      for (const [value, where] of [
        [fallback, `${pointer}/defaults/${side}`],
        [mapping[otherSide(side)] === null ? constant : null, `${pointer}/constant`],
      ] as const) {
        if (value === null) continue
        const items = Array.isArray(value) ? value : [value]
        const unknown =
          field.options !== null && field.verified
            ? items.filter((item) => !field.options?.some((option) => option.value === String(item)))
            : []
        if (unknown.length > 0)
          add(
            'constants',
            'error',
            side,
            `"${unknown.join(', ')}" is no value of "${field.label}".`,
            'Choose a value of the list.',
            where,
          )
        const long = items.find((item) => field.maxLength !== null && String(item).length > field.maxLength)
        if (long !== undefined)
          add(
            'constants',
            'error',
            side,
            `The value set for "${field.label}" is longer than its ${field.maxLength} characters.`,
            'Shorten it.',
            where,
          )
      }
    }
  }

  function checkRequired(side: Side): void {
    const from = otherSide(side)
    for (const field of input[side].entity.fields) {
      if (!field.required || !field.creatable || field.name === configuration[side].crossReference) continue
      const index = configuration.fields.findIndex((mapping) => mapping[side] === field.name)
      const mapping = configuration.fields[index]
      if (mapping === undefined) {
        add(
          'required',
          'error',
          side,
          `"${field.label}" is required and not mapped, so no record can be created there.`,
          'Map it, or set a constant.',
          '/fields',
        )
        continue
      }
      const constant = (mapping.constant ?? null) !== null
      const standIn = field.type === 'user' ? input.translator.standIn(side) : null
      const fallback = (mapping.defaults[side] ?? standIn) !== null
      if (constant || fallback) continue
      if (!flowsTo(mapping, side))
        add(
          'required',
          'error',
          side,
          `"${field.label}" is required, but mapped in the other direction only.`,
          'Give the mapping a default, or change its direction.',
          `/fields/${index}/direction`,
        )
      else if (fieldOf(from, mapping[from])?.required !== true)
        add(
          'required',
          'warning',
          side,
          `"${field.label}" is required, and what it comes from may be empty. Such records are not created.`,
          'Give the mapping a default.',
          `/fields/${index}/defaults/${side}`,
        )
    }
  }
}

/** Why a value of one type cannot become the other; null: it can. */
function incompatible(source: FieldMetadata, target: FieldMetadata): string | null {
  if (target.type === source.type) return null
  const ways: Record<string, readonly string[]> = {
    string: ['memo', 'list', 'integer', 'float', 'boolean', 'date', 'reference'],
    memo: ['string'],
    integer: ['float', 'string', 'memo', 'list'],
    float: ['integer', 'string', 'memo'],
    boolean: ['string', 'list', 'memo'],
    date: ['datetime', 'string', 'memo'],
    datetime: ['date', 'string', 'memo'],
    list: ['string', 'memo', 'boolean', 'reference', 'integer'],
    user: ['string', 'memo'],
    reference: ['string', 'memo', 'list'],
  }
  return ways[source.type]?.includes(target.type) === true
    ? null
    : `${articled(source.type)} cannot become ${articled(target.type)}`
}

function articled(type: string): string {
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`
}
