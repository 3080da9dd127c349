import { z } from 'zod'
import type { FieldMetadata } from './metadata.ts'
import { isDay, isoOf, millisecondsOf } from './scope-days.ts'
import type { CanonicalValue, FieldType } from './values.ts'
import { dayMs, firstInstant, wallOf } from './zone.ts'

/**
 * Which records a link takes up, as data: conditions on the endpoint's own fields. Connectors compile it to their server's
 * query language; what that cannot say exactly is evaluated here, on the records' own values.
 */
const relativeValue = z.discriminatedUnion('relative', [
  /** The integration user. */
  z.strictObject({ relative: z.literal('me') }),
  /** The day of the run in the zone of the link's schedule, so many days later (negative: earlier). */
  z.strictObject({ relative: z.literal('today'), days: z.number().int().min(-36_500).max(36_500).default(0) }),
  /** Releases that have begun and not ended on the day of the run. */
  z.strictObject({ relative: z.literal('current-release') }),
])

const scopeOperators = [
  'in',
  'not-in',
  'contains',
  'starts-with',
  'before',
  'after',
  'from',
  'until',
  'last-days',
  'empty',
  'not-empty',
] as const
export type ScopeOperator = (typeof scopeOperators)[number]

const scopeCondition = z
  .strictObject({
    /** Name of the endpoint's field. */
    field: z.string().min(1),
    operator: z.enum(scopeOperators),
    /** In the canonical form of the endpoint: list keys, logins or user ids, ids, days as yyyy-MM-dd. */
    values: z
      .array(z.union([z.string().min(1).max(255), z.number(), z.boolean(), relativeValue]))
      .max(200)
      .default([]),
  })
  .check((context) => {
    const { operator, values } = context.value
    const most = operator === 'empty' || operator === 'not-empty' ? 0 : operator.endsWith('in') ? 200 : 1
    const refuse = (message: string) =>
      context.issues.push({ code: 'custom', input: context.value, path: ['values'], message })
    if (most === 0 && values.length > 0) refuse(`must be left out with ${operator}`)
    if (most > 0 && values.length === 0)
      refuse(`needs ${most === 1 ? 'a value' : 'at least one value'} for ${operator}`)
    if (most === 1 && values.length > 1) refuse(`takes one value for ${operator}`)
    if (
      operator === 'last-days' &&
      !values.every((one) => Number.isInteger(one) && Number(one) > 0 && Number(one) <= 36_500)
    )
      refuse('must be a number of days from 1 to 36500')
  })
export type ScopeCondition = z.infer<typeof scopeCondition>

export interface ScopeGroup {
  match: 'all' | 'any'
  conditions: (ScopeCondition | ScopeGroup)[]
}

/** All or any of some conditions; groups may stand in groups. */
export const scopeFilter: z.ZodType<ScopeGroup> = z.lazy(() =>
  z.strictObject({
    match: z.enum(['all', 'any']),
    conditions: z
      .array(z.union([scopeCondition, scopeFilter]))
      .min(1, 'needs at least one condition')
      .max(50),
  }),
)

/** The scope of one side of a link; nothing set: every record of the mapped types. */
export const sideScope = z.strictObject({
  filter: scopeFilter.nullable().default(null),
  /** A saved filter of the endpoint, read anew by each run; both it and the filter must match. */
  favorite: z
    .strictObject({ id: z.string().regex(/^\d+$/, 'must be the number of a favorite') })
    .nullable()
    .default(null),
})
export type SideScope = z.infer<typeof sideScope>

/** A filter that somebody has saved in the endpoint. */
export interface Favorite {
  id: string
  name: string
  owner: string
  public: boolean
  /** For people, in the endpoint's own words. */
  conditions: readonly string[]
  /** Why it cannot serve as a scope; null: it can. */
  problem: string | null
}

/** A side's scope with everything that decides about its records at one moment. */
export interface RecordScope extends SideScope {
  /** Folder below which records stand; null: the whole tree. */
  root: string | null
  /** True: releases that have ended are in scope, too. Concerns releases only. */
  pastReleases: boolean
  /** Record types; null: all that the entity type holds. */
  types: readonly string[] | null
  /** Zone that tells which day it is. */
  zone: string
  /** The moment, ISO 8601. */
  now: string
  /** Fields that are the same in all records asked about, in place of the endpoint's own. */
  constants?: Readonly<Record<string, string>>
}

/** Does the scope of a side leave out anything at all? */
export function restricts(
  scope: SideScope & { root: string | null },
  kind: { releases: boolean; pastReleases: boolean },
): boolean {
  return (
    scope.filter !== null || scope.favorite !== null || scope.root !== null || (kind.releases && !kind.pastReleases)
  )
}

/** May a record come into scope without a change of its own: by time, a favorite, or a move of a folder above it? */
export function movesByItself(scope: SideScope & { root: string | null }, kind: { releases: boolean }): boolean {
  return scope.favorite !== null || scope.root !== null || kind.releases || conditionsOf(scope.filter).some(isRelative)
}

function isRelative({ operator, values }: ScopeCondition): boolean {
  return operator === 'last-days' || values.some((value) => typeof value === 'object')
}

/** All conditions of a filter, in their order. */
export function conditionsOf(filter: ScopeGroup | null): ScopeCondition[] {
  return (filter?.conditions ?? []).flatMap((one) => ('match' in one ? conditionsOf(one) : [one]))
}

/** A filter with everything relative settled, in the endpoint's canonical values. */
export type Resolved =
  | { kind: 'all' | 'any'; of: readonly Resolved[] }
  | { kind: 'values'; field: ScopeField; values: readonly string[]; negated: boolean }
  | { kind: 'text'; field: ScopeField; text: string; anywhere: boolean }
  | { kind: 'compare'; field: ScopeField; sign: '<' | '<=' | '>' | '>='; value: string }
  | { kind: 'empty'; field: ScopeField; negated: boolean }

export interface ScopeField {
  name: string
  type: FieldType
  multiple: boolean
}

export interface ResolveContext {
  /** Undefined: the records have no such field, which is as good as an empty one. */
  field(name: string): FieldMetadata | undefined
  constants: Readonly<Record<string, string>>
  zone: string
  now: string
  /** True: times carry a zone (ISO 8601 in UTC); false: wall time. */
  timesHaveZone: boolean
  me: string
  currentReleases: readonly string[]
}

export const nothing: Resolved = { kind: 'any', of: [] }
export const everything: Resolved = { kind: 'all', of: [] }

/** The day of a moment in a zone, and days around it: `yyyy-MM-dd`. */
export function dayOf(zone: string, now: string, days = 0): string {
  return isoOf(wallOf(zone, millisecondsOf(now)) + days * dayMs).slice(0, 10)
}

/** Settles what is relative; pure. Values that do not fit their field match nothing: the integrity check tells of them. */
export function resolveFilter(filter: ScopeGroup, context: ResolveContext): Resolved {
  return {
    kind: filter.match,
    of: filter.conditions.map((one) => ('match' in one ? resolveFilter(one, context) : resolveCondition(one, context))),
  }
}

function resolveCondition({ field: name, operator, values }: ScopeCondition, context: ResolveContext): Resolved {
  const settled = values.flatMap((value): string[] => {
    if (typeof value !== 'object') return [String(value)]
    if (value.relative === 'me') return [context.me]
    if (value.relative === 'current-release') return [...context.currentReleases]
    return [dayOf(context.zone, context.now, value.days)]
  })
  const constant = context.constants[name]
  if (constant !== undefined) {
    const field = { name, type: 'list' as const, multiple: false }
    const asked = fieldCondition(field, operator, settled, context)
    return matchesScope(asked, { [name]: constant }) ? everything : nothing
  }
  const field = context.field(name)
  if (field === undefined) return operator === 'not-in' || operator === 'empty' ? everything : nothing
  return fieldCondition({ name, type: field.type, multiple: field.multiple }, operator, settled, context)
}

function fieldCondition(
  field: ScopeField,
  operator: ScopeOperator,
  values: readonly string[],
  context: Pick<ResolveContext, 'zone' | 'now' | 'timesHaveZone'>,
): Resolved {
  const [first = ''] = values
  /** Where a day begins, as the field's values show it. */
  const begin = (day: string, days = 0): string => {
    if (!isDay(day)) return day
    const at = millisecondsOf(day) + days * dayMs
    if (field.type === 'date') return isoOf(at).slice(0, 10)
    return context.timesHaveZone ? isoOf(firstInstant(context.zone, at)) : isoOf(at).slice(0, 19).replace('T', ' ')
  }
  const compare = (sign: '<' | '<=' | '>' | '>=', value: string): Resolved => ({ kind: 'compare', field, sign, value })
  const isTime = field.type === 'datetime'
  const ordered = (sign: '<' | '<=' | '>' | '>='): Resolved => {
    if (!isTime) return compare(sign, first)
    // A day stands for all of its moments.
    return sign === '<' || sign === '>='
      ? compare(sign, begin(first))
      : compare(sign === '>' ? '>=' : '<', begin(first, 1))
  }
  switch (operator) {
    case 'in':
    case 'not-in': {
      if (!isTime) return { kind: 'values', field, values, negated: operator === 'not-in' }
      const inside = values.map(
        (day): Resolved => ({
          kind: 'all',
          of: [compare('>=', begin(day)), compare('<', begin(day, 1))],
        }),
      )
      if (operator === 'in') return { kind: 'any', of: inside }
      const outside = values.map(
        (day): Resolved => ({
          kind: 'any',
          of: [compare('<', begin(day)), compare('>=', begin(day, 1)), { kind: 'empty', field, negated: false }],
        }),
      )
      return { kind: 'all', of: outside }
    }
    case 'contains':
    case 'starts-with':
      return { kind: 'text', field, text: first, anywhere: operator === 'contains' }
    case 'before':
      return ordered('<')
    case 'after':
      return ordered('>')
    case 'from':
      return ordered('>=')
    case 'until':
      return ordered('<=')
    case 'last-days': {
      const today = dayOf(context.zone, context.now)
      return compare('>=', begin(today, -Number(first)))
    }
    default:
      return { kind: 'empty', field, negated: operator === 'not-empty' }
  }
}

/** Names of the fields that evaluating it needs. */
export function fieldsOfScope(node: Resolved): string[] {
  return 'of' in node ? [...new Set(node.of.flatMap(fieldsOfScope))] : [node.field.name]
}

/** Does a record match? Texts are compared without case, as both servers do; an empty field has no order and no text. */
export function matchesScope(node: Resolved, fields: Readonly<Record<string, CanonicalValue>>): boolean {
  switch (node.kind) {
    case 'all':
      return node.of.every((one) => matchesScope(one, fields))
    case 'any':
      return node.of.some((one) => matchesScope(one, fields))
  }
  const values = elements(fields[node.field.name])
  switch (node.kind) {
    case 'empty':
      return (values.length === 0) !== node.negated
    case 'values':
      return (
        values.some((value) => node.values.some((wanted) => order(node.field, value, wanted) === 0)) !== node.negated
      )
    case 'text': {
      const wanted = node.text.toLowerCase()
      return values.some((value) =>
        node.anywhere ? value.toLowerCase().includes(wanted) : value.toLowerCase().startsWith(wanted),
      )
    }
    case 'compare':
      return values.some((value) => {
        const difference = order(node.field, value, node.value)
        if (node.sign === '<') return difference < 0
        if (node.sign === '>') return difference > 0
        return node.sign === '<=' ? difference <= 0 : difference >= 0
      })
  }
}

function elements(value: CanonicalValue | undefined): string[] {
  if (value === null || value === undefined) return []
  return (Array.isArray(value) ? (value as readonly string[]) : [value]).map(String)
}

/** Numbers by value, times by the moment, everything else as text without case. */
function order(field: ScopeField, a: string, b: string): number {
  const [x, y] =
    field.type === 'integer' || field.type === 'float' || field.type === 'reference'
      ? [Number(a), Number(b)]
      : field.type === 'datetime' && a.endsWith('Z') && b.endsWith('Z')
        ? [millisecondsOf(a), millisecondsOf(b)]
        : [a.toLowerCase(), b.toLowerCase()]
  return x < y ? -1 : x > y ? 1 : x === y ? 0 : Number.NaN
}
