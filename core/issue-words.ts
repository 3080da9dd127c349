import type { z } from 'zod'
import { listed } from './listed.ts'

type Issue = z.core.$ZodRawIssue

/** What a value must be, by the name that zod has for it. */
const kinds: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  bigint: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  set: 'a list',
  object: 'an object in braces',
  record: 'an object in braces',
  map: 'an object in braces',
  date: 'a time such as 2026-11-25T00:00:00Z',
  null: 'null',
}

/** What a text must look like, by zod's name of the format. */
const formats: Record<string, string> = {
  uuid: 'must be an id, as lists show it',
  guid: 'must be an id, as lists show it',
  datetime: 'must be a time such as 2026-11-25T00:00:00Z',
  date: 'must be a day such as 2026-11-25',
  time: 'must be a time of day such as 06:30',
  url: 'must be an address such as https://alm.example.com:8443/qcbin',
  email: 'must be an e-mail address',
}

/**
 * Says what is wrong with a value and what is allowed, to stand behind the name of its field; for `safeParse(value, { error:
 * issueWords })`. The value itself is not repeated: it may be a secret. What a schema says in words of its own stays as it is.
 */
export function issueWords(issue: Issue): string {
  if (issue.input === undefined && issue.code !== 'custom') return `is missing: it ${allowed(issue)}`
  return allowed(issue)
}

function allowed(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'number' || issue.expected === 'int'
        ? numberWords(issue)
        : `must be ${kinds[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return mustBeOneOf(issue.values)
    case 'too_small':
      return limitWords(issue, Number(issue.minimum), issue.inclusive === false ? 'more than' : 'at least')
    case 'too_big':
      return limitWords(issue, Number(issue.maximum), issue.inclusive === false ? 'less than' : 'at most')
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'invalid_format':
      return formatWords(issue)
    case 'unrecognized_keys':
      return `may not hold ${listed(issue.keys.map((key) => `"${key}"`))}`
    case 'invalid_union':
      return unionWords(issue)
    case 'invalid_key':
      return `has a name that does not fit: it ${wordsOf(issue.issues)}`
    case 'invalid_element':
      return `holds something that does not fit: it ${wordsOf(issue.issues)}`
    default:
      return 'does not fit'
  }
}

/** The bounds of a number, from its schema: who sends what is no number wants to know all that is allowed. */
function numberWords(issue: Issue): string {
  const { minValue, maxValue, isInt } = (issue.schema ?? {}) as Partial<z.ZodNumber>
  const bound = (value: number | null | undefined) =>
    value === undefined || value === null || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? null : value
  const [least, most] = [bound(minValue), bound(maxValue)]
  const range =
    least !== null && most !== null
      ? ` from ${least} to ${most}`
      : least !== null
        ? ` from ${least} up`
        : most !== null
          ? ` up to ${most}`
          : ''
  return `must be ${kinds[isInt === true ? 'int' : 'number']}${range}`
}

function limitWords(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>, count: number, most: string): string {
  const how = issue.exact === true ? 'exactly' : most
  const said = (one: string, many: string) => `${how} ${count} ${count === 1 ? one : many}`
  switch (issue.origin) {
    case 'string':
      return count === 1 && how === 'at least' ? 'must not be empty' : `must have ${said('character', 'characters')}`
    case 'array':
    case 'set':
    case 'map':
      return count === 1 && how === 'at least' ? 'must not be empty' : `must hold ${said('entry', 'entries')}`
    case 'number':
    case 'int':
      return issue.inclusive === false ? `must be ${how} ${count}` : numberWords(issue)
    default:
      return `must be ${how} ${count}`
  }
}

function mustBeOneOf(values: readonly unknown[]): string {
  const said = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  return `must be ${said.length > 1 ? `one of ${said.join(', ')}` : said.join('')}`
}

function formatWords(issue: Extract<Issue, { code: 'invalid_format' }>): string {
  const { prefix, suffix, includes } = issue as { prefix?: string; suffix?: string; includes?: string }
  if (prefix !== undefined) return `must begin with "${prefix}"`
  if (suffix !== undefined) return `must end with "${suffix}"`
  if (includes !== undefined) return `must contain "${includes}"`
  return formats[issue.format] ?? 'must have the form that /docs tells of'
}

function unionWords(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  const { options } = issue as { options?: readonly unknown[] }
  if (options !== undefined) return mustBeOneOf(options)
  const ways = issue.errors.map(wordsOf)
  return [...new Set(ways)].join(', or ') || 'does not fit'
}

function wordsOf(issues: readonly { path: readonly PropertyKey[]; message: string }[]): string {
  return issues.map(({ path, message }) => [...path.map(String), message].join(' ')).join(' and ')
}
