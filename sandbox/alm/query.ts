import type { AlmFieldModel } from './model.ts'
import { AlmRefusal } from './refusal.ts'

/** One clause: a field and the test inside its brackets. */
export interface Clause {
  field: string
  test(value: string | readonly string[] | null): boolean
  /** Exact texts asked for, where the clause is nothing but that; for indexes. */
  exact: string[] | null
}

/** How values of a field compare: numbers by value, dates and texts as text, texts without case. */
export type Comparison = 'number' | 'date' | 'text'

/** How a field is compared; undefined: it is not there, or cannot be filtered. */
export function comparisonOf(field: AlmFieldModel | undefined): Comparison | undefined {
  if (field === undefined || field.filterable !== true) return undefined
  if (field.type === 'Number' || field.type === 'Reference') return 'number'
  return field.type === 'Date' || field.type === 'DateTime' ? 'date' : 'text'
}

/** What servers differ in. */
export interface FilterDialect {
  /** GT, LT, EQ, GE and LE beside the signs. */
  words: boolean
  /** CI in order-by. */
  ignoresCase: boolean
  /** Status of bad syntax. */
  status: number
  /** Whether an empty literal finds records without a value. */
  empty: 'matches' | 'nothing' | 'refused'
  /** Whether a doubled quote inside quotes stands for the quote itself. */
  quotes: 'plain' | 'doubled'
}

type ComparisonOf = (field: string) => Comparison | undefined

type Token =
  | { kind: 'bare' | 'quoted'; value: string }
  | { kind: 'operator'; value: string }
  | { kind: 'paren'; value: '(' | ')' }

/** Bad syntax; the status is the dialect's. */
class BadFilter extends Error {}

/**
 * Parses `{field[expr];field[expr]}`. Words AND, OR and NOT are operators wherever they stand outside quotes, also in the
 * middle of what was meant as a value: `{status[Not Completed]}` is NOT "Completed". Other words in a row without quotes
 * are bad syntax: `{status[No Run]}`.
 */
export function parseFilter(text: string, comparisonOf: ComparisonOf, dialect: FilterDialect): Clause[] {
  try {
    return clausesOf(text, comparisonOf, dialect)
  } catch (error) {
    if (!(error instanceof BadFilter)) throw error
    throw new AlmRefusal(
      dialect.status,
      'qccore.invalid-filter-expression',
      `The filter expression is invalid: ${error.message}`,
    )
  }
}

function clausesOf(text: string, comparisonOf: ComparisonOf, dialect: FilterDialect): Clause[] {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed === '{}') return []
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) throw new BadFilter('it must stand in braces')
  return splitClauses(trimmed.slice(1, -1)).map((clause) => parseClause(clause, comparisonOf, dialect))
}

function splitClauses(text: string): string[] {
  const clauses: string[] = []
  let part = ''
  let quote = ''
  let depth = 0
  for (const char of text) {
    if (quote !== '') {
      if (char === quote) quote = ''
    } else if (char === '"' || char === "'") quote = char
    else if (char === '[') depth++
    else if (char === ']') depth--
    if (char === ';' && quote === '' && depth === 0) {
      clauses.push(part)
      part = ''
    } else part += char
  }
  if (part.trim() !== '') clauses.push(part)
  return clauses
}

function parseClause(clause: string, comparisonOf: ComparisonOf, dialect: FilterDialect): Clause {
  const match = /^\s*([\w.-]+)\s*\[([\s\S]*)\]\s*$/.exec(clause)
  if (match?.[1] === undefined || match[2] === undefined) throw new BadFilter(`"${clause}" is no clause`)
  const [, field, inside] = match
  const comparison = comparisonOf(field)
  if (comparison === undefined)
    throw new AlmRefusal(
      404,
      'qccore.invalid-filter-expression',
      `Field '${field}' does not exist or cannot be filtered`,
    )
  const tokens = tokenize(inside, dialect)
  const parser = new ClauseParser(tokens, comparison, dialect)
  const test = parser.expression()
  parser.end()
  const literals = tokens.filter((token) => token.kind === 'bare' || token.kind === 'quoted')
  const onlyOrs = tokens.every(
    (token) => token.kind === 'bare' || token.kind === 'quoted' || (token.kind === 'operator' && token.value === 'OR'),
  )
  return {
    field,
    test: (value) => (Array.isArray(value) ? value.some((one: string) => test(one)) : test(value as string | null)),
    exact:
      onlyOrs && literals.every((token) => token.value !== '' && !token.value.includes('*'))
        ? literals.map((token) => token.value)
        : null,
  }
}

const wordOperators: Record<string, string> = { GT: '>', LT: '<', EQ: '=', GE: '>=', LE: '<=' }

function tokenize(text: string, dialect: FilterDialect): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const char = text[at] ?? ''
    if (/\s/.test(char)) {
      at++
      continue
    }
    if (char === '"' || char === "'") {
      const { value, end } = quotedText(text, at, dialect)
      tokens.push({ kind: 'quoted', value })
      at = end
      continue
    }
    if (char === '(' || char === ')') {
      tokens.push({ kind: 'paren', value: char })
      at++
      continue
    }
    const symbol = /^(<>|<=|>=|<|>|=)/.exec(text.slice(at))?.[0]
    if (symbol !== undefined) {
      tokens.push({ kind: 'operator', value: symbol })
      at += symbol.length
      continue
    }
    const word = /^[^\s"'()<>=]+/.exec(text.slice(at))?.[0] ?? char
    if (/[[\]]/.test(word)) throw new BadFilter('a bracket stands outside quotes')
    const upper = word.toUpperCase()
    const known =
      upper === 'AND' || upper === 'OR' || upper === 'NOT' ? upper : dialect.words ? wordOperators[upper] : undefined
    tokens.push(known === undefined ? { kind: 'bare', value: word } : { kind: 'operator', value: known })
    at += word.length
  }
  return tokens
}

function quotedText(text: string, at: number, dialect: FilterDialect): { value: string; end: number } {
  const quote = text[at] ?? ''
  let value = ''
  for (let place = at + 1; place < text.length; place++) {
    if (text[place] !== quote) value += text[place]
    else if (dialect.quotes === 'doubled' && text[place + 1] === quote) {
      value += quote
      place++
    } else return { value, end: place + 1 }
  }
  throw new BadFilter('a quote does not end')
}

type Test = (value: string | null) => boolean

class ClauseParser {
  #at = 0
  readonly #tokens: readonly Token[]
  readonly #comparison: Comparison
  readonly #dialect: FilterDialect

  constructor(tokens: readonly Token[], comparison: Comparison, dialect: FilterDialect) {
    this.#tokens = tokens
    this.#comparison = comparison
    this.#dialect = dialect
  }

  expression(): Test {
    let test = this.term()
    for (;;) {
      const token = this.#tokens[this.#at]
      if (token?.kind !== 'operator' || (token.value !== 'AND' && token.value !== 'OR')) return test
      this.#at++
      const [left, right] = [test, this.term()]
      test = token.value === 'AND' ? (value) => left(value) && right(value) : (value) => left(value) || right(value)
    }
  }

  term(): Test {
    const token = this.#tokens[this.#at]
    if (token === undefined) throw new BadFilter('a value is missing')
    if (token.kind === 'operator' && token.value === 'NOT') {
      this.#at++
      const term = this.term()
      return (value) => !term(value)
    }
    if (token.kind === 'paren' && token.value === '(') {
      this.#at++
      const inner = this.expression()
      const closing = this.#tokens[this.#at++]
      if (closing?.kind !== 'paren' || closing.value !== ')') throw new BadFilter('a parenthesis does not end')
      return inner
    }
    let operator = '='
    if (token.kind === 'operator' && /[<>=]/.test(token.value)) {
      operator = token.value
      this.#at++
    }
    const literal = this.#tokens[this.#at++]
    if (literal === undefined || (literal.kind !== 'bare' && literal.kind !== 'quoted'))
      throw new BadFilter('a value is missing')
    return this.#compare(operator, literal.value)
  }

  #compare(operator: string, wanted: string): Test {
    const numeric = this.#comparison === 'number'
    if (wanted === '' && this.#dialect.empty === 'refused') throw new BadFilter('a value is empty')
    this.#checkLiteral(wanted)
    if ((operator === '=' || operator === '<>') && wanted.includes('*')) {
      const pattern = new RegExp(
        `^${wanted
          .split('*')
          .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
          .join('.*')}$`,
        'is',
      )
      return operator === '='
        ? (value) => value !== null && pattern.test(value)
        : (value) => value === null || !pattern.test(value)
    }
    const order = (value: string) => {
      if (numeric) return Number(value) - Number(wanted)
      const [a, b] = [value.toLowerCase(), wanted.toLowerCase()]
      return a < b ? -1 : a > b ? 1 : 0
    }
    switch (operator) {
      case '=':
        return (value) =>
          (value ?? '') !== '' ? order(value ?? '') === 0 : wanted === '' && this.#dialect.empty === 'matches'
      case '<>':
        return (value) => ((value ?? '') === '' ? wanted !== '' : wanted === '' || order(value ?? '') !== 0)
      case '<':
        return (value) => (value ?? '') !== '' && order(value ?? '') < 0
      case '<=':
        return (value) => (value ?? '') !== '' && order(value ?? '') <= 0
      case '>':
        return (value) => (value ?? '') !== '' && order(value ?? '') > 0
      default:
        return (value) => (value ?? '') !== '' && order(value ?? '') >= 0
    }
  }

  #checkLiteral(wanted: string): void {
    if (wanted === '' || wanted.includes('*')) return
    const form =
      this.#comparison === 'number'
        ? /^-?\d+$/
        : this.#comparison === 'date'
          ? /^\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}:\d{2})?$/
          : null
    if (form !== null && !form.test(wanted)) throw new BadFilter(`'${wanted}' is no ${this.#comparison}`)
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw new BadFilter('there is more than one expression')
  }
}
