import { AlmRefusal } from './refusal.ts'

/** One clause: a field and the test inside its brackets. */
export interface Clause {
  field: string
  test(value: string | readonly string[] | null): boolean
  /** Exact texts asked for, where the clause is nothing but that; for indexes. */
  exact: string[] | null
  /** Lower bound asked for, where the clause is nothing but that. */
  above: number | null
}

/** How values of a field compare: numbers by value, dates and texts as text, texts without case. */
export type Comparison = 'number' | 'text'

type Token =
  | { kind: 'bare' | 'quoted'; value: string }
  | { kind: 'operator'; value: string }
  | { kind: 'paren'; value: '(' | ')' }

const filterRefused = (detail: string) =>
  new AlmRefusal(400, 'qccore.invalid-filter-expression', `The filter expression is invalid: ${detail}`)

/**
 * Parses `{field[expr];field[expr]}`. Words AND, OR and NOT are operators wherever they stand outside quotes, also in the
 * middle of what was meant as a value: `{status[Not Completed]}` is NOT "Completed".
 */
export function parseFilter(text: string, comparisonOf: (field: string) => Comparison | undefined): Clause[] {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed === '{}') return []
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) throw filterRefused('it must stand in braces')
  return splitClauses(trimmed.slice(1, -1)).map((clause) => parseClause(clause, comparisonOf))
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

function parseClause(clause: string, comparisonOf: (field: string) => Comparison | undefined): Clause {
  const match = /^\s*([\w.-]+)\s*\[([\s\S]*)\]\s*$/.exec(clause)
  if (match?.[1] === undefined || match[2] === undefined) throw filterRefused(`"${clause}" is no clause`)
  const [, field, inside] = match
  const comparison = comparisonOf(field)
  if (comparison === undefined)
    throw new AlmRefusal(
      404,
      'qccore.invalid-filter-expression',
      `Field '${field}' does not exist or cannot be filtered`,
    )
  const tokens = tokenize(inside)
  const parser = new ClauseParser(tokens, comparison)
  const test = parser.expression()
  parser.end()
  const literals = tokens.filter((token) => token.kind === 'bare' || token.kind === 'quoted')
  const onlyOrs = tokens.every(
    (token) => token.kind === 'bare' || token.kind === 'quoted' || (token.kind === 'operator' && token.value === 'OR'),
  )
  const [first, second] = tokens
  return {
    field,
    test: (value) => (Array.isArray(value) ? value.some((one: string) => test(one)) : test(value as string | null)),
    exact:
      onlyOrs && literals.every((token) => !token.value.includes('*')) ? literals.map((token) => token.value) : null,
    above:
      tokens.length === 2 &&
      first?.kind === 'operator' &&
      first.value === '>' &&
      second !== undefined &&
      /^\d+$/.test(second.value)
        ? Number(second.value)
        : null,
  }
}

const wordOperators: Record<string, string> = { GT: '>', LT: '<', EQ: '=', GE: '>=', LE: '<=' }

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const char = text[at] ?? ''
    if (/\s/.test(char)) {
      at++
      continue
    }
    if (char === '"' || char === "'") {
      const end = text.indexOf(char, at + 1)
      if (end < 0) throw filterRefused('a quote does not end')
      tokens.push({ kind: 'quoted', value: text.slice(at + 1, end) })
      at = end + 1
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
    const upper = word.toUpperCase()
    const known = upper === 'AND' || upper === 'OR' || upper === 'NOT' ? upper : wordOperators[upper]
    const before = tokens[tokens.length - 1]
    if (known !== undefined) tokens.push({ kind: 'operator', value: known })
    else if (before?.kind === 'bare') before.value += ` ${word}`
    else tokens.push({ kind: 'bare', value: word })
    at += word.length
  }
  return tokens
}

type Test = (value: string | null) => boolean

class ClauseParser {
  #at = 0
  readonly #tokens: readonly Token[]
  readonly #comparison: Comparison

  constructor(tokens: readonly Token[], comparison: Comparison) {
    this.#tokens = tokens
    this.#comparison = comparison
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
    if (token === undefined) throw filterRefused('a value is missing')
    if (token.kind === 'operator' && token.value === 'NOT') {
      this.#at++
      const term = this.term()
      return (value) => !term(value)
    }
    if (token.kind === 'paren' && token.value === '(') {
      this.#at++
      const inner = this.expression()
      const closing = this.#tokens[this.#at++]
      if (closing?.kind !== 'paren' || closing.value !== ')') throw filterRefused('a parenthesis does not end')
      return inner
    }
    let operator = '='
    if (token.kind === 'operator' && /[<>=]/.test(token.value)) {
      operator = token.value
      this.#at++
    }
    const literal = this.#tokens[this.#at++]
    if (literal === undefined || (literal.kind !== 'bare' && literal.kind !== 'quoted'))
      throw filterRefused('a value is missing')
    return this.#compare(operator, literal.value)
  }

  #compare(operator: string, wanted: string): Test {
    const numeric = this.#comparison === 'number'
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
        return (value) => ((value ?? '') !== '' ? order(value ?? '') === 0 : wanted === '')
      case '<>':
        return (value) => (value ?? '') === '' || order(value ?? '') !== 0
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

  end(): void {
    if (this.#at < this.#tokens.length) throw filterRefused('there is more than one expression')
  }
}
