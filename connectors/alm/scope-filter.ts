import type { Resolved } from '../../core/scope.ts'
import { quoted } from './codec.ts'

/** One clause of a Core filter: what stands inside the brackets of a field. */
export interface AlmClause {
  field: string
  expression: string
}

export interface AlmFilter {
  /** Each is one request: ALM has no OR between fields. Clauses of one alternative hold together. */
  alternatives: readonly (readonly AlmClause[])[]
  /** False: the alternatives find more than what is wanted, and the rows have to be evaluated. Never do they find less. */
  exact: boolean
}

/** More requests than this cost more than evaluating every record. */
const mostAlternatives = 12

const unrestricted: AlmFilter = { alternatives: [[]], exact: true }
const vague: AlmFilter = { alternatives: [[]], exact: false }

/**
 * What ALM can say of a filter. Left to evaluation: whatever is about empty values (Core documents no test for them, and
 * what NOT does with them is nowhere said), several conditions on a field of several values, and texts that no quotes hold.
 */
export function almFilter(node: Resolved): AlmFilter {
  switch (node.kind) {
    case 'all':
      return node.of.map(almFilter).reduce(both, unrestricted)
    case 'any':
      return oneFieldAtOnce(
        node.of
          .map(almFilter)
          .reduce<AlmFilter>(
            (a, b) => limited({ alternatives: [...a.alternatives, ...b.alternatives], exact: a.exact && b.exact }),
            { alternatives: [], exact: true },
          ),
      )
    case 'values': {
      if (node.negated) return vague
      if (node.values.length === 0) return { alternatives: [], exact: true }
      const numbers = node.field.type === 'integer' || node.field.type === 'reference'
      const values = numbers ? node.values.filter((value) => /^-?\d+$/.test(value)) : node.values
      if (values.length === 0) return { alternatives: [], exact: true }
      const expression = values.map(quoted).join(' OR ')
      return one(node, expression, values.every(isPlain))
    }
    case 'text':
      return one(node, quoted(`${node.anywhere ? '*' : ''}${node.text}*`), isPlain(node.text))
    case 'compare':
      return one(node, `${node.sign} ${quoted(node.value)}`, isPlain(node.value))
    case 'empty':
      return vague
  }
}

function one(node: Exclude<Resolved, { of: unknown }>, expression: string, exact: boolean): AlmFilter {
  // Only these take wildcards: elsewhere they would be no value at all.
  if (!exact && node.kind === 'compare') return vague
  return { alternatives: [[{ field: node.field.name, expression }]], exact: exact && !node.field.multiple }
}

/** A text that means itself between quotes. */
function isPlain(text: string): boolean {
  return !text.includes('*') && !(text.includes('"') && text.includes("'"))
}

function both(a: AlmFilter, b: AlmFilter): AlmFilter {
  const alternatives = a.alternatives.flatMap((first) => b.alternatives.map((second) => [...first, ...second]))
  return limited({ alternatives, exact: a.exact && b.exact })
}

function limited(filter: AlmFilter): AlmFilter {
  if (filter.alternatives.some((clauses) => clauses.length === 0) && filter.alternatives.length > 1)
    return { alternatives: [[]], exact: filter.exact }
  return filter.alternatives.length > mostAlternatives && !isOneField(filter) ? vague : filter
}

function isOneField({ alternatives }: AlmFilter): boolean {
  const [first] = alternatives
  return alternatives.every((clauses) => clauses.length === 1 && clauses[0]?.field === first?.[0]?.field)
}

/** Alternatives about one field only are one clause. */
function oneFieldAtOnce(filter: AlmFilter): AlmFilter {
  if (filter.alternatives.length < 2 || !isOneField(filter)) return filter
  const clauses = filter.alternatives.flat()
  const expression = clauses.map((clause) => `(${clause.expression})`).join(' OR ')
  return { ...filter, alternatives: [[{ field: clauses[0]?.field ?? '', expression }]] }
}

/**
 * The text of a query: a field stands in it once, since nobody knows what a second clause about it does. On a field of
 * several values only the first clause is sent: each may be fulfilled by another value.
 */
export function almQuery(clauses: readonly AlmClause[], isMultiple: (field: string) => boolean): string {
  const byField = new Map<string, string[]>()
  for (const { field, expression } of clauses) {
    const known = byField.get(field)
    if (known === undefined) byField.set(field, [expression])
    else if (!isMultiple(field)) known.push(expression)
  }
  const texts = [...byField].map(([field, parts]) => {
    const [only = ''] = parts
    return `${field}[${parts.length === 1 ? only : parts.map((part) => `(${part})`).join(' AND ')}]`
  })
  return `{${texts.join(';')}}`
}
