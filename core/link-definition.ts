import type { Base } from './base.ts'
import type { LinkConfiguration } from './link-config.ts'
import { type EntityMetadata, fieldByName, type SideMetadata } from './metadata.ts'
import { conditionsOf, type ScopeCondition, type ScopeGroup } from './scope.ts'
import { type Side, sides } from './values.ts'

/** A pair of records as it stands in the file of a link, with what both sides last agreed on. */
export interface DefinedPair {
  left: string
  right: string
  base: Base
}

/** What is wrong with a definition for the endpoints that it is to be used with. */
export interface DefinitionProblem {
  pointer: string
  message: string
}

/** Stands before keys that have no name of their own. */
const keyMark = 'key:'

interface Naming {
  name(key: string): string
  /** Null: there is none of that name. */
  key(name: string): string | null
}

function naming(known: readonly { key: string; name: string }[], checked: boolean): Naming {
  const count = new Map<string, number>()
  for (const { name } of known) count.set(name, (count.get(name) ?? 0) + 1)
  const own = known.filter(({ name }) => count.get(name) === 1 && !name.startsWith(keyMark))
  const names = new Map(own.map(({ key, name }) => [key, name]))
  const keys = new Map(own.map(({ key, name }) => [name, key]))
  const all = new Set(known.map(({ key }) => key))
  return {
    name: (key) => names.get(key) ?? `${keyMark}${key}`,
    key: (name) => {
      if (!name.startsWith(keyMark)) return keys.get(name) ?? null
      const key = name.slice(keyMark.length)
      return !checked || all.has(key) ? key : null
    },
  }
}

function namesOf({ entity, users }: SideMetadata) {
  const types = entity.recordTypes?.types ?? []
  const people = naming(
    users.map(({ key, login }) => ({ key, name: login })),
    true,
  )
  return {
    types: naming(
      types.map(({ value, label }) => ({ key: value, name: label })),
      true,
    ),
    users: people,
    /** Of a field whose values are named; null: they are values themselves. */
    options: (field: string | null): Naming | null => {
      const known = field === null ? undefined : anyField(entity, field)
      if (known?.type === 'user') return people
      if (known?.options === null || known?.options === undefined) return null
      return naming(
        known.options.map(({ value, label, parentLabel }) => ({
          key: value,
          name: parentLabel === undefined ? label : `${parentLabel}/${label}`,
        })),
        known.verified,
      )
    },
  }
}

function anyField(entity: EntityMetadata, name: string) {
  return (
    fieldByName(entity, name) ??
    (entity.recordTypes?.types ?? []).flatMap((type) => type.fields).find((field) => field.name === name)
  )
}

type Translate = (side: Side, naming: 'types' | 'users' | { field: string | null }, text: string, at: string) => string

/** Runs over every place of a configuration where a key or a name of an endpoint stands; both ways. */
function translated(configuration: LinkConfiguration, translate: Translate): LinkConfiguration {
  const text = (side: Side, field: string | null, value: string | null | undefined, at: string) =>
    value === null || value === undefined ? value : translate(side, { field }, value, at)
  /** Values of a condition that are asked for as a whole; parts of texts and days mean the same everywhere. */
  const asked = (side: Side, { field, operator, values }: ScopeCondition, at: string) =>
    values.map((value, place) =>
      typeof value === 'string' && (operator === 'in' || operator === 'not-in')
        ? translate(side, { field }, value, `${at}/values/${place}`)
        : value,
    )
  const group = (side: Side, one: ScopeGroup, at: string): ScopeGroup => ({
    ...one,
    conditions: one.conditions.map((inner, index) => {
      const here = `${at}/conditions/${index}`
      return 'match' in inner ? group(side, inner, here) : { ...inner, values: asked(side, inner, here) }
    }),
  })
  const end = (side: Side) => {
    const { scope, ...rest } = configuration[side]
    const filter = scope.filter === null ? null : group(side, scope.filter, `/${side}/scope/filter`)
    return { ...rest, scope: { ...scope, filter } }
  }
  return {
    ...configuration,
    left: end('left'),
    right: end('right'),
    types: configuration.types.map((type, index) => {
      const one = (side: Side) => ({
        values: type[side].values.map((value, place) =>
          translate(side, 'types', value, `/types/${index}/${side}/values/${place}`),
        ),
        default: translate(side, 'types', type[side].default, `/types/${index}/${side}/default`),
      })
      return { ...type, left: one('left'), right: one('right') }
    }),
    fields: configuration.fields.map((mapping, index) => {
      const at = `/fields/${index}`
      const { constant } = mapping
      const target: Side = mapping.left === null ? 'right' : 'left'
      const named = (value: string) => translate(target, { field: mapping[target] }, value, `${at}/constant`)
      return {
        ...mapping,
        ...(typeof constant === 'string' ? { constant: named(constant) } : {}),
        ...(Array.isArray(constant) ? { constant: constant.map(named) } : {}),
        values: mapping.values.map((pair, place) => ({
          ...pair,
          left: translate('left', { field: mapping.left }, pair.left, `${at}/values/${place}/left`),
          right: translate('right', { field: mapping.right }, pair.right, `${at}/values/${place}/right`),
        })),
        defaults: Object.fromEntries(
          Object.entries(mapping.defaults).map(([side, value]) => [
            side,
            text(side as Side, mapping[side as Side], value, `${at}/defaults/${side}`),
          ]),
        ),
      }
    }),
    defaultUsers: {
      left:
        configuration.defaultUsers.left === null
          ? null
          : translate('left', 'users', configuration.defaultUsers.left, '/defaultUsers/left'),
      right:
        configuration.defaultUsers.right === null
          ? null
          : translate('right', 'users', configuration.defaultUsers.right, '/defaultUsers/right'),
    },
  }
}

/** The configuration of a link as it stands in a file. */
export function configurationToFile(
  configuration: LinkConfiguration,
  metadata: Readonly<Record<Side, SideMetadata>>,
): Record<string, unknown> {
  const names = { left: namesOf(metadata.left), right: namesOf(metadata.right) }
  const { left, right, ...rest } = translated(configuration, (side, what, key) =>
    typeof what === 'string' ? names[side][what].name(key) : (names[side].options(what.field)?.name(key) ?? key),
  )
  const { endpointId: _left, ...leftRest } = left
  const { endpointId: _right, ...rightRest } = right
  return { ...rest, left: leftRest, right: rightRest }
}

/**
 * The configuration of a file for two endpoints, and everything that they do not have. Pointers are those within the
 * configuration.
 */
export function configurationFromFile(
  configuration: LinkConfiguration,
  metadata: Readonly<Record<Side, SideMetadata>>,
): { configuration: LinkConfiguration; problems: DefinitionProblem[] } {
  const names = { left: namesOf(metadata.left), right: namesOf(metadata.right) }
  const problems: DefinitionProblem[] = []
  for (const side of sides) {
    const { entity } = metadata[side]
    const reference = configuration[side].crossReference
    if (reference !== null && anyField(entity, reference) === undefined)
      problems.push({ pointer: `/${side}/crossReference`, message: `there is no field ${reference}` })
    for (const { field } of conditionsOf(configuration[side].scope.filter))
      if (anyField(entity, field) === undefined)
        problems.push({ pointer: `/${side}/scope/filter`, message: `there is no field ${field}` })
    for (const [index, mapping] of configuration.fields.entries()) {
      const field = mapping[side]
      if (field !== null && anyField(entity, field) === undefined)
        problems.push({ pointer: `/fields/${index}/${side}`, message: `there is no field ${field}` })
    }
  }
  const result = translated(configuration, (side, what, name, pointer) => {
    const known = typeof what === 'string' ? names[side][what] : names[side].options(what.field)
    if (known === null) return name
    const key = known.key(name)
    if (key !== null) return key
    const kind = what === 'types' ? 'record type' : what === 'users' ? 'person' : `value of ${what.field}`
    problems.push({ pointer, message: `there is no ${kind} "${name}"` })
    return name
  })
  return { configuration: result, problems }
}

/** What a side's scope names that only the project has which it was made for: a saved filter, and ids of records. */
export function keptByPlace(
  configuration: LinkConfiguration,
  metadata: Readonly<Record<Side, SideMetadata>>,
  side: Side,
): DefinitionProblem[] {
  const { favorite, filter } = configuration[side].scope
  const problems: DefinitionProblem[] =
    favorite === null ? [] : [{ pointer: `/${side}/scope/favorite`, message: `favorite ${favorite.id}` }]
  for (const { field, values } of conditionsOf(filter)) {
    const known = anyField(metadata[side].entity, field)
    const ids = values.filter((value) => typeof value !== 'object')
    if (known?.type === 'reference' && known.options === null && ids.length > 0)
      problems.push({ pointer: `/${side}/scope/filter`, message: `${field} ${ids.join(', ')}` })
  }
  return problems
}
