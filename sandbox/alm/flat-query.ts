import type { SandboxRequest } from '../common/http.ts'
import { pageOf } from '../common/paging.ts'
import type { AlmTypeModel } from './model.ts'
import { comparisonOf, type FilterDialect, parseFilter } from './query.ts'
import { AlmRefusal } from './refusal.ts'
import { fieldOf, matching, sorted } from './selection.ts'
import type { AlmSight } from './sight.ts'
import type { AlmRecord, AlmStore } from './store.ts'

const defaultLimit = 100
const largestLimit = 2_000

type Test = (record: AlmRecord) => boolean

/** Field names of the flat generation that stand for others: an attachment's `entity.id` is its `parent-id`. */
const aliases: Record<string, string> = { 'entity.id': 'parent-id', 'entity.type': 'parent-type' }

/** Answers `query`, `order-by`, `limit` and `offset` of the flat generation, over the records that the user sees. */
export function flatSelection(
  store: AlmStore,
  model: AlmTypeModel,
  request: SandboxRequest,
  dialect: FilterDialect,
  sight: AlmSight,
  source?: Iterable<AlmRecord>,
): { page: AlmRecord[]; total: number } {
  const { query } = request
  const test = flatTest(model, unquoted(query.get('query') ?? ''), dialect)
  const found = matching(store, model, null, dialect, sight, source).filter(test)
  const limit = whole(query.get('limit'), defaultLimit, 'limit')
  if (limit > largestLimit)
    throw new AlmRefusal(400, 'qccore.invalid-query-value', `The limit ${limit} is over the maximum of ${largestLimit}`)
  const rows = sorted(store, model, found, coreOrder(unquoted(query.get('order-by') ?? '')), dialect.ignoresCase)
  return pageOf(rows, whole(query.get('offset'), 0, 'offset'), limit, request.paging)
}

function whole(text: string | null, otherwise: number, name: string): number {
  if (text === null) return otherwise
  if (!/^\d+$/.test(text)) throw new AlmRefusal(400, 'qccore.invalid-query-value', `Invalid ${name} '${text}'`)
  return Number(text)
}

/** Whole expressions stand in quotes, or do not. */
function unquoted(text: string): string {
  return text.trim().replace(/^"([\s\S]*)"$/, '$1')
}

/** `-id,name` as the other generation says it. */
function coreOrder(text: string): string {
  const keys = text.split(/[,;]/).flatMap((part) => (part.trim() === '' ? [] : [part.trim()]))
  return `{${keys.map((key) => (key.startsWith('-') ? `${key.slice(1)}[DESC]` : `${key}[ASC]`)).join(';')}}`
}

/** `a > 'x';b='y'||b='z'`: semicolons are AND, double bars OR, also between fields; `field = null` finds no value. */
function flatTest(model: AlmTypeModel, text: string, dialect: FilterDialect): Test {
  const parts = splitOutsideQuotes(text.replace(/^\{|\}$/g, ''), ';')
  const groups = parts.map((part) => splitOutsideQuotes(part, '||').map((one) => comparison(model, one, dialect)))
  return (record) => groups.every((group) => group.some((test) => test(record)))
}

function comparison(model: AlmTypeModel, text: string, dialect: FilterDialect): Test {
  const match = /^\s*([\w.-]+?)\s*(?:(>=|<=|<>|!=|=|>|<)\s*([\s\S]*?)|\[([\s\S]*)\])\s*$/.exec(text)
  if (match?.[1] === undefined)
    throw new AlmRefusal(dialect.status, 'qccore.invalid-filter-expression', `The filter '${text}' is invalid`)
  const name = aliases[match[1]] ?? match[1]
  const operator = match[2] === '!=' ? '<>' : match[2]
  if (match[3] === 'null' && fieldOf(model, name) !== undefined)
    return (record) => ((record[name] ?? null) === null) === (operator === '=')
  const inside = operator === undefined ? match[4] : `${operator} ${match[3]}`
  const [clause] = parseFilter(`{${name}[${inside}]}`, (one) => comparisonOf(fieldOf(model, one)), dialect)
  return (record) => clause?.test(record[name] ?? null) === true
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = []
  let part = ''
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (quote === '' && text.startsWith(separator, at)) {
      parts.push(part)
      part = ''
      at += separator.length - 1
      continue
    }
    if (quote === '') quote = char === '"' || char === "'" ? char : ''
    else if (char === quote) quote = ''
    part += char
  }
  return [...parts, part].filter((one) => one.trim() !== '')
}
