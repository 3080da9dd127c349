import { closeTo } from './close-words.ts'
import type { LinkConfiguration } from './link-config.ts'
import type { EndpointUser, EntityMetadata, FieldMetadata, SideMetadata } from './metadata.ts'
import type { Finding } from './run.ts'
import type { ScopeCondition, ScopeGroup } from './scope.ts'
import { isDay } from './scope-days.ts'
import { listsParts, type Side } from './values.ts'

/** Everything about a side's filter that its endpoint's description tells: fields exist, can be filtered, and take such values. */
export function checkScope(configuration: LinkConfiguration, side: Side, { entity, users }: SideMetadata): Finding[] {
  return conditionsAt(configuration[side].scope.filter, `/${side}/scope/filter`).flatMap(
    ({ one, pointer }): Finding[] => {
      const field = entity.fields.find((candidate) => candidate.name === one.field)
      const wrong = field === undefined ? noField(one, entity) : problemOf(one, field, users)
      if (wrong === null) return []
      return [
        {
          check: 'scope',
          severity: 'error',
          side,
          message: wrong.message,
          remedy: 'Correct the filter in the scope of the link.',
          pointer: `${pointer}/${wrong.at}`,
          records: null,
        },
      ]
    },
  )
}

/** Conditions of a side's filter on fields that the endpoint does not have, each with fields that are named like it. */
export function unknownScopeFields(
  configuration: LinkConfiguration,
  side: Side,
  { entity }: Pick<SideMetadata, 'entity'>,
): { pointer: string; message: string }[] {
  return conditionsAt(configuration[side].scope.filter, `/${side}/scope/filter`).flatMap(({ one, pointer }) => {
    if (entity.fields.some((field) => field.name === one.field)) return []
    const { at, message } = noField(one, entity)
    return [{ pointer: `${pointer}/${at}`, message }]
  })
}

function conditionsAt(filter: ScopeGroup | null, pointer: string): { one: ScopeCondition; pointer: string }[] {
  return (filter?.conditions ?? []).flatMap((one, index) => {
    const at = `${pointer}/conditions/${index}`
    return 'match' in one ? conditionsAt(one, at) : [{ one, pointer: at }]
  })
}

function noField({ field }: ScopeCondition, { fields }: EntityMetadata): { at: 'field'; message: string } {
  const named = fields.find(({ label }) => label.toLowerCase() === field.toLowerCase())
  const close =
    named === undefined
      ? closeTo(
          field,
          fields.map(({ name }) => name),
        )
      : [named.name]
  const meant = close.length === 0 ? '' : ` Did you mean ${close.map((name) => `"${name}"`).join(' or ')}?`
  return { at: 'field', message: `The scope asks for the field "${field}", which does not exist.${meant}` }
}

function problemOf(
  { operator, values }: ScopeCondition,
  field: FieldMetadata,
  users: readonly EndpointUser[],
): { at: 'field' | 'operator' | 'values'; message: string } | null {
  const { label, type } = field
  if (!field.filterable) return { at: 'field', message: `"${label}" cannot be filtered by its endpoint.` }
  const isTime = type === 'date' || type === 'datetime'
  const fits: Record<ScopeCondition['operator'], boolean> = {
    in: type !== 'memo' && !listsParts(type),
    'not-in': type !== 'memo' && !listsParts(type),
    contains: type === 'string',
    'starts-with': type === 'string',
    before: isTime || type === 'integer' || type === 'float',
    after: isTime || type === 'integer' || type === 'float',
    from: isTime || type === 'integer' || type === 'float',
    until: isTime || type === 'integer' || type === 'float',
    'last-days': isTime,
    empty: true,
    'not-empty': true,
  }
  if (!fits[operator])
    return { at: 'operator', message: `"${operator}" does not go with "${label}", which is of type ${type}.` }
  if (operator === 'last-days') return null
  for (const value of values) {
    const bad = (what: string) => ({ at: 'values' as const, message: `The scope asks "${label}" for ${what}.` })
    if (typeof value === 'object') {
      if (value.relative === 'me' && type !== 'user') return bad('"me", but it holds no people')
      if (value.relative === 'today' && !isTime) return bad('a day, but it holds none')
      if (value.relative === 'current-release' && field.target !== 'release')
        return bad('the current release, but it holds none')
      continue
    }
    const text = String(value)
    if (isTime && !isDay(text)) return bad(`"${text}", which is no day such as 2026-05-04`)
    if ((type === 'integer' || type === 'float') && !Number.isFinite(Number(text)))
      return bad(`"${text}", which is no number`)
    if (type === 'boolean' && text !== 'true' && text !== 'false')
      return bad(`"${text}", which is neither true nor false`)
    if (type === 'user' && users.length > 0 && !users.some((user) => user.key === text))
      return bad(`"${text}", whom nobody knows`)
    if ((type === 'list' || type === 'reference') && field.options !== null && field.options.length > 0)
      if (!field.options.some((option) => option.value.toLowerCase() === text.toLowerCase()))
        return bad(`"${text}", which is none of its values`)
  }
  return null
}
