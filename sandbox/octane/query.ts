/** A query's refusal, as the product words it. */
export class QueryError extends Error {}

/** Looks at one record; `resolve` follows a reference for cross filters. */
export type Predicate = (entity: Record<string, unknown>) => boolean

export interface QueryContext {
  /** The fields of the type that is queried; an unknown name is refused. */
  fieldType(entityType: string, field: string): { type: string; multiple: boolean; target: string | null } | undefined
  resolve(type: string, id: string): Record<string, unknown> | undefined
  currentUser: string
  /** The id that a word in brackets stands for between braces, such as the release of today; undefined: no such word. */
  token?(word: string): string | undefined
  /** The fields that items of lists are filtered by between braces; null or none: all. */
  listFields?: readonly string[] | null
  /** What an unescaped double quote inside carets does. */
  innerQuote: 'text' | 'error'
}

/** What a fast path may use: ids asked for exactly, or a lower bound, or exact texts of one field. */
export interface QueryHints {
  ids?: string[]
  idAbove?: number
  texts?: { field: string; values: string[] }
}

interface Token {
  kind: 'word' | 'text' | 'symbol'
  value: string
}

/**
 * Parses a query as it stands in the address, double quotes around it included.
 * expr = and { "||" and }; and = unary { ";" unary }; unary = ["!"] ( "(" expr ")" | phrase ).
 */
export function parseQuery(
  raw: string,
  entityType: string,
  context: QueryContext,
): { test: Predicate; hints: QueryHints } {
  const trimmed = raw.trim()
  if (!trimmed.startsWith('"') || !trimmed.endsWith('"') || trimmed.length < 2)
    throw new QueryError('The query must stand in double quotes.')
  const tokens = tokenize(trimmed.slice(1, -1), context)
  const hints: QueryHints = {}
  const parser = new Parser(tokens, context, hints)
  const test = parser.expression(entityType, true)
  parser.end()
  return { test, hints }
}

function tokenize(text: string, context: QueryContext): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const char = text[at] ?? ''
    if (/\s/.test(char)) {
      at++
      continue
    }
    if (char === '^') {
      const end = text.indexOf('^', at + 1)
      if (end < 0) throw new QueryError('A text that began with ^ does not end.')
      const value = text.slice(at + 1, end)
      if (value.includes('"') && context.innerQuote === 'error')
        throw new QueryError('A double quote inside ^...^ must be escaped.')
      tokens.push({ kind: 'text', value: value.replace(/\\(["'()\\])/g, '$1') })
      at = end + 1
      continue
    }
    if (char === "'") {
      let value = ''
      at++
      for (;;) {
        const next = text[at]
        if (next === undefined) throw new QueryError("A text that began with ' does not end.")
        if (next === '\\' && at + 1 < text.length) {
          value += text[at + 1]
          at += 2
          continue
        }
        at++
        if (next === "'") break
        value += next
      }
      tokens.push({ kind: 'text', value })
      continue
    }
    const symbol = /^(\|\||<=|>=|\.\.\.|[;!(){}=<>,])/.exec(text.slice(at))?.[0]
    if (symbol !== undefined) {
      tokens.push({ kind: 'symbol', value: symbol })
      at += symbol.length
      continue
    }
    const word = /^\[[^\]]*\]|^[^\s;!(){}=<>,^'|]+?(?=\.\.\.|[\s;!(){}=<>,^'|]|$)/.exec(text.slice(at))?.[0]
    if (word === undefined) throw new QueryError(`Unexpected character "${char}" in the query.`)
    tokens.push({ kind: 'word', value: word })
    at += word.length
  }
  return tokens
}

const operators: Record<string, string> = { EQ: '=', LT: '<', GT: '>', LE: '<=', GE: '>=' }

class Parser {
  #at = 0
  #braces = 0
  readonly #tokens: readonly Token[]
  readonly #context: QueryContext
  readonly #hints: QueryHints

  constructor(tokens: readonly Token[], context: QueryContext, hints: QueryHints) {
    this.#tokens = tokens
    this.#context = context
    this.#hints = hints
  }

  expression(type: string, top: boolean): Predicate {
    const terms = [this.conjunction(type, top)]
    while (this.takeSymbol('||')) terms.push(this.conjunction(type, false))
    const [only] = terms
    if (terms.length > 1) {
      // An alternative makes what was learnt from its first branch no restriction.
      delete this.#hints.ids
      delete this.#hints.idAbove
      delete this.#hints.texts
    }
    return terms.length === 1 && only !== undefined ? only : (entity) => terms.some((term) => term(entity))
  }

  conjunction(type: string, top: boolean): Predicate {
    const terms = [this.unary(type, top)]
    while (this.takeSymbol(';')) terms.push(this.unary(type, top))
    const [only] = terms
    return terms.length === 1 && only !== undefined ? only : (entity) => terms.every((term) => term(entity))
  }

  unary(type: string, top: boolean): Predicate {
    if (this.takeSymbol('!')) {
      const term = this.unary(type, false)
      return (entity) => !term(entity)
    }
    if (this.takeSymbol('(')) {
      const term = this.expression(type, false)
      this.expect(')')
      return term
    }
    return this.phrase(type, top)
  }

  phrase(type: string, top: boolean): Predicate {
    const name = this.word('a field name')
    const field = this.#context.fieldType(type, name)
    if (field === undefined)
      throw new QueryError(`The entity type '${type}' does not have a field/s by name/s '${name}'`)
    if (type === 'list_node' && this.#braces > 0 && this.#context.listFields?.includes(name) === false)
      throw new QueryError(
        `Items of lists are filtered by ${this.#context.listFields.join(' and ')}, not by '${name}'.`,
      )
    const operator = this.operator()
    if (operator === 'IN') return this.list(name, field, top)
    if (operator === 'BTW') {
      const low = this.value()
      this.expect('...')
      const high = this.value()
      for (const one of [low, high]) checkType(name, field.type, one)
      return (entity) => compare(entity[name], low, field.type) >= 0 && compare(entity[name], high, field.type) <= 0
    }
    if (this.takeSymbol('{')) return this.cross(name, field)
    const value = this.value()
    if (field.type === 'reference') throw needsBraces(name)
    checkType(name, field.type, value)
    if (value === null) {
      return (entity) => entity[name] === null || entity[name] === undefined
    }
    if (top && name === 'id') {
      if (operator === '=') this.#hints.ids = [String(value)]
      if (operator === '>') this.#hints.idAbove = Number(value)
    }
    if (top && operator === '=' && typeof value === 'string' && !value.includes('*'))
      this.#hints.texts = { field: name, values: [value] }
    return (entity) => matches(entity[name], operator, value, field.type)
  }

  list(name: string, field: { type: string }, top: boolean): Predicate {
    const values: (string | number | boolean)[] = []
    do {
      const value = this.value()
      if (value === null) throw new QueryError('null cannot stand in a list.')
      if (field.type === 'reference') throw needsBraces(name)
      checkType(name, field.type, value)
      values.push(value)
    } while (this.takeSymbol(','))
    if (top && name === 'id') this.#hints.ids = values.map(String)
    else if (top && values.every((value) => typeof value === 'string' && !value.includes('*')))
      this.#hints.texts = { field: name, values: values.map(String) }
    return (entity) => values.some((value) => matches(entity[name], '=', value, field.type))
  }

  cross(name: string, field: { multiple: boolean; target: string | null; type: string }): Predicate {
    if (field.type !== 'reference') throw new QueryError(`The field '${name}' is no reference.`)
    const next = this.#tokens[this.#at]
    if (next?.kind === 'word' && next.value.toLowerCase() === 'null') {
      this.#at++
      this.expect('}')
      return (entity) => {
        const value = entity[name]
        return value === null || value === undefined || (Array.isArray(value) && value.length === 0)
      }
    }
    const known = next?.kind === 'word' ? this.token(next.value) : undefined
    if (known !== undefined) {
      this.#at++
      this.expect('}')
      return (entity) => {
        const value = entity[name]
        return (Array.isArray(value) ? value : [value]).some((one) => (one as { id?: string } | null)?.id === known)
      }
    }
    this.#braces++
    const inner = this.expression(field.target ?? '', false)
    this.#braces--
    this.expect('}')
    const target = field.target ?? ''
    return (entity) => {
      const value = entity[name]
      const references = (Array.isArray(value) ? value : value === null || value === undefined ? [] : [value]) as {
        type: string
        id: string
      }[]
      return references.some((reference) => {
        const found = this.#context.resolve(reference.type, reference.id) ?? this.#context.resolve(target, reference.id)
        return found !== undefined && inner(found)
      })
    }
  }

  operator(): string {
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw new QueryError('The query ends where an operator is expected.')
    if (token.kind === 'symbol' && ['=', '<', '>', '<=', '>='].includes(token.value)) return token.value
    const word = token.value.toUpperCase()
    if (token.kind === 'word' && (word === 'IN' || word === 'BTW')) return word
    const known = token.kind === 'word' ? operators[word] : undefined
    if (known === undefined) throw new QueryError(`"${token.value}" is no operator.`)
    return known
  }

  value(): string | number | boolean | null {
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw new QueryError('The query ends where a value is expected.')
    if (token.kind === 'text') return token.value
    if (token.kind === 'symbol') throw new QueryError(`"${token.value}" is no value.`)
    const known = this.token(token.value)
    if (known !== undefined) return known
    if (/^-?\d+(\.\d+)?$/.test(token.value)) return Number(token.value)
    if (token.value === 'true') return true
    if (token.value === 'false') return false
    if (token.value.toLowerCase() === 'null') return null
    throw new QueryError(`"${token.value}" is no value: texts stand between ' or ^.`)
  }

  /** What a word in brackets stands for. */
  token(word: string): string | undefined {
    if (word === '[current_user]') return this.#context.currentUser
    return word.startsWith('[') ? this.#context.token?.(word) : undefined
  }

  word(what: string): string {
    const token = this.#tokens[this.#at++]
    if (token?.kind !== 'word') throw new QueryError(`The query lacks ${what}.`)
    return token.value
  }

  takeSymbol(value: string): boolean {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'symbol' || token.value !== value) return false
    this.#at++
    return true
  }

  expect(value: string): void {
    if (!this.takeSymbol(value)) throw new QueryError(`The query lacks "${value}".`)
  }

  end(): void {
    const token = this.#tokens[this.#at]
    if (token !== undefined) throw new QueryError(`Unexpected "${token.value}" in the query.`)
  }
}

function needsBraces(name: string): QueryError {
  return new QueryError(`The field '${name}' is a reference and needs braces.`)
}

/** A value must be one that the field can have; numbers may stand between quotes. */
function checkType(name: string, type: string, value: string | number | boolean | null): void {
  if (value === null) return
  const fits =
    type === 'integer' || type === 'float'
      ? typeof value !== 'boolean' && value !== '' && !Number.isNaN(Number(value))
      : type === 'boolean'
        ? typeof value === 'boolean'
        : type === 'date_time' || type === 'date'
          ? typeof value === 'string' && !Number.isNaN(Date.parse(value))
          : true
  if (!fits) throw new QueryError(`The value '${String(value)}' does not fit the field '${name}' of type ${type}.`)
}

/** -1, 0, 1; texts without case, numbers by value, "no value" below everything. */
export function compare(a: unknown, b: unknown, type: string): number {
  if (a === null || a === undefined) return b === null || b === undefined ? 0 : -1
  if (b === null || b === undefined) return 1
  const numericIds = type === 'id' && /^\d+$/.test(String(a)) && /^\d+$/.test(String(b))
  if (type === 'integer' || type === 'float' || numericIds) {
    const difference = Number(a) - Number(b)
    return difference < 0 ? -1 : difference > 0 ? 1 : 0
  }
  if (type === 'date_time') {
    const difference = Date.parse(String(a)) - Date.parse(String(b))
    return difference < 0 ? -1 : difference > 0 ? 1 : 0
  }
  const [left, right] = [String(a).toLowerCase(), String(b).toLowerCase()]
  return left < right ? -1 : left > right ? 1 : 0
}

function matches(found: unknown, operator: string, wanted: string | number | boolean, type: string): boolean {
  if (found === null || found === undefined) return false
  if (operator === '=') {
    if (typeof wanted === 'string' && wanted.includes('*')) {
      const pattern = wanted.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      return new RegExp(`^${pattern.join('.*')}$`, 'is').test(String(found))
    }
    if (typeof wanted === 'boolean') return found === wanted
    return compare(found, wanted, type) === 0
  }
  const order = compare(found, wanted, type)
  if (operator === '<') return order < 0
  if (operator === '>') return order > 0
  if (operator === '<=') return order <= 0
  return order >= 0
}
