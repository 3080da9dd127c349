import type { Look } from './check-look.ts'
import type { FieldMapping } from './link-config.ts'
import type { FieldMetadata } from './metadata.ts'
import { type CanonicalValue, otherSide, type Side, sameValue, sides } from './values.ts'

/** One finding per field and direction, naming every value without counterpart. */
export function checkValues(
  look: Look,
  mapping: FieldMapping,
  pointer: string,
  from: Side,
  source: FieldMetadata,
  target: FieldMetadata,
): void {
  const { add, input } = look
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

/** A value that goes there and back must come to rest: once changed is told, changed for ever is an error. */
export function checkRoundTrip(
  look: Look,
  mapping: FieldMapping,
  pointer: string,
  fields: { left: FieldMetadata | undefined; right: FieldMetadata | undefined },
): void {
  const { add, input } = look
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
