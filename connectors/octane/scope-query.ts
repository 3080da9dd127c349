import type { Resolved, ScopeField } from '../../core/scope.ts'
import { quoted } from './codec.ts'
import type { WireField } from './schema.ts'

export interface OctaneQuery {
  /** Without the double quotes around it; null: no restriction. */
  text: string | null
  /** False: it finds more than what is wanted, and the rows have to be evaluated. Never does it find less. */
  exact: boolean
}

const never = '(id EQ 0;id EQ 1)'

/**
 * What Octane can say of a filter. Left to evaluation: texts with characters that stand for others between carets, and what
 * is not so of a field of several values.
 */
export function octaneQuery(node: Resolved, fields: ReadonlyMap<string, WireField>): OctaneQuery {
  switch (node.kind) {
    case 'all': {
      const parts = node.of.map((one) => octaneQuery(one, fields))
      const texts = parts.flatMap(({ text }) => text ?? [])
      return { text: texts.length === 0 ? null : texts.join(';'), exact: parts.every(({ exact }) => exact) }
    }
    case 'any': {
      const parts = node.of.map((one) => octaneQuery(one, fields))
      const exact = parts.every((one) => one.exact)
      const texts = parts.map(({ text }) => text)
      if (texts.length === 0) return { text: never, exact: true }
      if (texts.includes(null)) return { text: null, exact }
      return {
        text: texts.length === 1 ? (texts[0] ?? null) : `(${texts.map((text) => `(${text})`).join('||')})`,
        exact,
      }
    }
    case 'empty':
      return { text: node.negated ? `!${isNull(node.field, fields)}` : isNull(node.field, fields), exact: true }
    case 'values': {
      if (node.values.length === 0) return { text: node.negated ? null : never, exact: true }
      const exact = node.values.every((value) => isPlain(node.field, fields, value))
      const text = isOneOf(node.field, fields, node.values)
      if (!node.negated) return { text, exact }
      // What is turned round must be exact, or it would find less.
      if (!exact || node.field.multiple) return { text: null, exact: false }
      return { text: `(!${text}||${isNull(node.field, fields)})`, exact: true }
    }
    case 'text': {
      const text = `${node.field.name} EQ ${pattern(`${node.anywhere ? '*' : ''}${escaped(node.text)}*`)}`
      return { text, exact: escaped(node.text) === node.text && !node.text.includes('*') }
    }
    case 'compare': {
      const signs = { '<': 'LT', '<=': 'LE', '>': 'GT', '>=': 'GE' } as const
      return { text: `${node.field.name} ${signs[node.sign]} ${literal(node.field, node.value)}`, exact: true }
    }
  }
}

function isNull(field: ScopeField, fields: ReadonlyMap<string, WireField>): string {
  return `${field.name} EQ ${fields.get(field.name)?.wire === 'reference' ? '{null}' : 'null'}`
}

function isOneOf(field: ScopeField, fields: ReadonlyMap<string, WireField>, values: readonly string[]): string {
  if (fields.get(field.name)?.wire === 'reference') return `${field.name} EQ {id IN ${values.map(quoted).join(',')}}`
  return field.type === 'boolean'
    ? `(${values.map((value) => `${field.name} EQ ${value === 'true'}`).join('||')})`
    : `${field.name} IN ${values.map((value) => literal(field, value)).join(',')}`
}

function literal({ type }: ScopeField, value: string): string {
  return type === 'integer' || type === 'float' ? String(Number(value)) : quoted(value)
}

function isPlain(field: ScopeField, fields: ReadonlyMap<string, WireField>, value: string): boolean {
  return fields.get(field.name)?.wire === 'reference' || !/[\^"*\\]/.test(value)
}

function escaped(text: string): string {
  return text.replace(/[\^"*\\]/g, '*')
}

function pattern(text: string): string {
  return `^${text}^`
}
