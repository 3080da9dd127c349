import { type EndpointAddress, referencedId } from './endpoint.ts'
import { valueHash } from './hash.ts'
import type { FieldMapping } from './link-config.ts'
import type { LineError } from './people-csv.ts'
import type { Problem } from './problems.ts'
import { type CanonicalValue, type RecordSnapshot, type Side, sameValue } from './values.ts'

/** How records that exist on both sides are told to be twins. */
export type AdoptionMethod =
  /** A field of one side holds the id of the other side's record. */
  | { method: 'field'; side: Side; field: string }
  /** Mapped fields that hold the same on both sides, by mapping id. */
  | { method: 'keys'; mappings: readonly string[] }
  /** Pairs of ids that somebody gave. */
  | { method: 'csv' }

/** Why two records that look like twins are left alone. */
export const adoptionDoubts = {
  'missing-left': 'There is no such record on the left.',
  'missing-right': 'There is no such record on the right.',
  unreadable: 'What the field holds is no id of a record.',
  'left-paired': 'The left record is paired with another one.',
  'right-paired': 'The right record is paired with another one.',
  several: 'Several records come into question.',
  type: 'Their types are not mapped to each other.',
  stopped: 'A person has taken one of them out of the synchronization.',
  'names-another': 'The cross-reference of one of them names another record.',
  'out-of-scope': "They are out of the link's scope.",
} as const
export type AdoptionDoubt = keyof typeof adoptionDoubts

/** A record of a side as the listing of an adoption keeps it. */
export interface AdoptionRecord {
  id: string
  title: string
  /** Type pair it belongs to; empty where the link has one type; null: of none that the link keeps in step. */
  type: string | null
  /** Id of the twin, as the field says; empty where it holds something else. */
  ref: string | null
  /** What the field holds where that is no id. */
  unreadable: string | null
  /** Hash of what it is told by; null: one of the fields is empty or has no counterpart. */
  key: string | null
  /** Id that its cross-reference names; null: it is empty. */
  names: string | null
  /** Null: its side is not restricted. */
  inScope: boolean | null
}

/** What becomes of a mapped field of two records that are adopted. */
export type AdoptedField = 'equal' | 'filled' | 'differs' | 'kept' | 'waits'

/** A pair of ids as a file tells it. */
export interface IdPair {
  left: string
  right: string
  line: number
}

const recordId = /^([a-z]+-)?\d{1,18}$/

/**
 * Reads pairs of ids, `<left id>,<right id>` a line; semicolons and tabs divide as well. Empty lines, lines that begin with
 * `#` and a first line of words are skipped. Either every pair, or every line that is wrong.
 */
export function parseIdPairs(text: string): { ok: true; pairs: IdPair[] } | { ok: false; errors: LineError[] } {
  const pairs: IdPair[] = []
  const errors: LineError[] = []
  const known = { left: new Map<string, number>(), right: new Map<string, number>() }
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)
  const first = lines.findIndex((line) => line.trim() !== '' && !line.trimStart().startsWith('#'))
  lines.forEach((raw, index) => {
    const line = index + 1
    if (raw.trim() === '' || raw.trimStart().startsWith('#')) return
    const cells = raw.split(/[,;\t]/).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))
    if (index === first && !cells.some((cell) => /\d/.test(cell))) return
    if (cells.length !== 2) {
      errors.push({
        line,
        message: `It has ${cells.length === 1 ? 'one value' : `${cells.length} values`}; it takes two: the id on the left, the id on the right.`,
      })
      return
    }
    const [left = '', right = ''] = cells
    const bad = [left, right].filter((id) => !recordId.test(id))
    if (bad.length > 0) {
      errors.push({
        line,
        message: `${bad.map((id) => `"${id.slice(0, 40)}"`).join(' and ')}: not the id of a record.`,
      })
      return
    }
    for (const [side, id] of [
      ['left', left],
      ['right', right],
    ] as const) {
      const earlier = known[side].get(id)
      if (earlier === undefined) known[side].set(id, line)
      else errors.push({ line, message: `Line ${earlier} names ${id} of the ${side} side already.` })
    }
    pairs.push({ left, right, line })
  })
  return errors.length > 0 ? { ok: false, errors } : { ok: true, pairs }
}

/**
 * The id in a field that names a record of the endpoint: a number, also behind a `#`, a cross-reference of ours, or an address
 * with an `id`. Null: it is empty. Undefined: it holds something else.
 */
export function idInField(
  address: EndpointAddress,
  entityType: string,
  value: CanonicalValue,
): string | null | undefined {
  const text = Array.isArray(value) ? value.join(' ') : String(value ?? '').trim()
  if (text === '' || text === '0') return null
  const named = referencedId(address, entityType, text)
  if (named !== null) return named
  const plain = /^#?(?:([a-z]+-)|0*)(\d{1,18})$/.exec(text)
  if (plain !== null) return `${plain[1] ?? ''}${plain[2]}`
  return /[?&;](?:id|EntityID)=(\d{1,18})(?:$|[&;#])/i.exec(text)?.[1]
}

/** Hash of the values that tell a record apart; null where the first of them is empty. */
export function adoptionKey(type: string, values: readonly CanonicalValue[]): string | null {
  const [first = null] = values
  if (first === null || first === '') return null
  return valueHash([type, ...values.map((value) => JSON.stringify(value))])
}

/** A text of a record as the comparison of look-alikes sees it: without case and repeated blanks. */
export function looseText(value: CanonicalValue): string {
  return String(value ?? '')
    .trim()
    .replace(/\s+/g, ' ')
    .toLowerCase()
}

interface Planned {
  writes: Readonly<Record<Side, readonly { mappingId: string }[]>>
  conflicts: readonly { mappingId: string }[]
  problems: readonly Problem[]
}

/**
 * What becomes of each field of two records: from the plan that asks where values differ, and the one that follows the
 * policy, which also writes where a field flows one way.
 */
export function adoptedFields(
  mappings: readonly Pick<FieldMapping, 'id'>[],
  asking: Planned,
  following: Planned,
): Map<string, AdoptedField> {
  const idsOf = (...lists: readonly (readonly { mappingId?: string }[])[]) =>
    new Set(lists.flatMap((list) => list.flatMap(({ mappingId }) => mappingId ?? [])))
  const filled = idsOf(asking.writes.left, asking.writes.right)
  const differs = idsOf(asking.conflicts)
  const waits = idsOf(asking.problems.filter((problem) => problem.class === 'waiting'))
  const written = idsOf(following.writes.left, following.writes.right)
  return new Map(
    mappings.map(({ id }): [string, AdoptedField] => [
      id,
      differs.has(id)
        ? 'differs'
        : waits.has(id)
          ? 'waits'
          : filled.has(id)
            ? 'filled'
            : written.has(id)
              ? 'kept'
              : 'equal',
    ]),
  )
}

/** How many records have to look like others before a first run stops, of those that were looked at. */
const alikeAtLeast = 3
const alikeShare = 0.1

/** Is so much alike that the records exist on both sides rather than by chance? */
export function isNotable({ looked, alike }: { looked: number; alike: number }): boolean {
  return alike >= Math.min(alikeAtLeast, looked) && alike >= Math.max(1, looked * alikeShare)
}

/**
 * Does a record of the same name look like the one whose values these are? At least one of the fields that hold something on
 * both sides has to hold the same.
 */
export function areAlike(
  target: RecordSnapshot,
  fields: readonly { value: CanonicalValue; target: string }[],
): boolean {
  return fields.some(({ value, target: name }) => {
    const other = target.fields[name]
    return value !== null && other !== undefined && other !== null && sameValue(value, other)
  })
}
