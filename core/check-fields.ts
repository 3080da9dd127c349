import type { Look } from './check-look.ts'
import { textLoss } from './check-text.ts'
import { checkRoundTrip, checkValues } from './check-values.ts'
import type { FieldMapping } from './link-config.ts'
import { mergeKind } from './merge-values.ts'
import type { FieldMetadata } from './metadata.ts'
import { otherSide, type Side, sides } from './values.ts'

/** Fields whose values belong to the value of another field of the record: cycles of ALM and sprints of Octane to a release. */
const companions: Readonly<Record<string, string>> = {
  'target-rcyc': 'target-rel',
  'detected-in-rcyc': 'detected-in-rel',
  sprint: 'release',
}

/** One mapping: do its fields exist, fit each other, and take what flows to them? */
export function checkMapping(look: Look, mapping: FieldMapping, index: number): void {
  const { add, fieldOf, flowsTo, updates } = look
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
  checkStored(look, mapping, pointer, fields)
  const { left, right } = fields
  if (left === undefined || right === undefined) return
  checkFidelity(look, mapping, pointer, left, right)
  if (mapping.createOnly && left.type === 'comments')
    add(
      'rules',
      'error',
      null,
      `"${left.label}" is mapped for new records only, but comments are carried once their record is there.`,
      'Set createOnly to false; where comments/edits is false, a comment is not changed again.',
      `${pointer}/createOnly`,
    )
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
    checkCompanion(look, pointer, to, target)
    if (why === null && updates(to)) checkValues(look, mapping, pointer, from, source, target)
  }
  if (mapping.direction === 'both' && updates('left') && updates('right')) {
    checkRoundTrip(look, mapping, pointer, fields)
    checkPolicy(look, mapping, pointer, left, right)
  }
}

/** A cycle belongs to a release: written without it, a record would name a release and a cycle of another one. */
function checkCompanion(look: Look, pointer: string, to: Side, target: FieldMetadata): void {
  const { add, configuration, fieldOf, flowsTo } = look
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
function checkFidelity(
  look: Look,
  mapping: FieldMapping,
  pointer: string,
  left: FieldMetadata,
  right: FieldMetadata,
): void {
  const { add, flowsTo, input } = look
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

/** Can the policy tell what to do about these two fields? */
function checkPolicy(
  look: Look,
  mapping: FieldMapping,
  pointer: string,
  left: FieldMetadata,
  right: FieldMetadata,
): void {
  const { add } = look
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

function checkStored(
  look: Look,
  mapping: FieldMapping,
  pointer: string,
  fields: { left: FieldMetadata | undefined; right: FieldMetadata | undefined },
): void {
  const { add } = look
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
