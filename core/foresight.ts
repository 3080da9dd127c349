import type { Problem } from './problems.ts'
import type { CanonicalValue, Side } from './values.ts'

/** A planned write as what is known about refusals is held against it. */
export interface ExpectedWrite {
  action: 'create' | 'update' | 'delete'
  side: Side
  fields: readonly { field: string; group: string | null; before: CanonicalValue; sent: CanonicalValue }[]
  /** The record as it was read; empty: of a creation. */
  before: Readonly<Record<string, CanonicalValue>>
}

/** What the sides of a link refused of earlier writes, as its open issues tell it, whatever the record. */
export interface Refusals {
  /** What a side does not let our user do at all, with nothing of the kind accepted since. */
  forbidden: readonly { side: Side; action: 'create' | 'update'; problem: Problem }[]
  /** Codes of rules that were predicted of this link, and never once came: the endpoint does not hold our user to them. */
  notEnforced: readonly string[]
  /** Some of its records were refused under this configuration. */
  ofRecords: boolean
}

/** By key of the item: what was refused of it the last time it was looked at, under the same configuration. */
export type RefusedRecords = ReadonlyMap<string, readonly Problem[]>

/** Fields by whose value both products make others required: Octane's phase, ALM's status. */
const workflowFields = ['phase', 'status']

/**
 * Rules of the endpoints that no API tells, learnt from records that were refused: the same move of a field, or the same
 * field empty in the same phase, will be refused of others too.
 */
export function createLearnt() {
  const known = new Map<string, Problem>()

  /** Takes up what a write to a record, as it is planned again, was refused for. */
  function learn(write: ExpectedWrite, problems: readonly Problem[]): void {
    for (const problem of problems) {
      const key = keyOf(write, problem.field)
      if (key !== null && problem.class !== 'locked' && problem.class !== 'forbidden') known.set(key, problem)
    }
  }

  function recall(write: ExpectedWrite): Problem[] {
    const fields = new Set([...known.values()].flatMap(({ field }) => (field === undefined ? [] : [field])))
    return [...fields].flatMap((field) => {
      const key = keyOf(write, field)
      return (key === null ? undefined : known.get(key)) ?? []
    })
  }

  return { learn, recall, size: () => known.size }
}

/** What a rule about the field would depend on in this write; null: nothing that can be told. */
function keyOf(write: ExpectedWrite, field: string | undefined): string | null {
  if (field === undefined || write.action === 'delete') return null
  const written = write.fields.find((one) => one.field === field)
  // A move between values of a list: texts and numbers are different in every record.
  if (written !== undefined && written.sent !== null)
    return workflowFields.includes(field)
      ? JSON.stringify([write.side, write.action, field, written.before, written.sent])
      : null
  if (written === undefined && write.action === 'update' && (write.before[field] ?? null) !== null) return null
  const phase = workflowFields.map(
    (name) => write.fields.find((one) => one.field === name)?.sent ?? write.before[name] ?? null,
  )
  return phase.every((value) => value === null)
    ? null
    : JSON.stringify([write.side, write.action, field, 'none', phase])
}

export interface Remaining {
  /** Names of the fields that would still be written; empty: nothing. */
  fields: readonly string[]
  /** What the endpoint would answer: only the refusal of the whole row where there is one. */
  problems: readonly Problem[]
}

/**
 * What is left of a write once the endpoint has refused what it is expected to: a refused field goes with its group and the
 * rest is sent again; a problem that names no written field, or one that a new record cannot be without, concerns all of it.
 */
export function remaining(
  write: ExpectedWrite,
  problems: readonly Problem[],
  needed: (field: string) => boolean,
): Remaining {
  const whole = problems.find(({ field }) => {
    const written = write.fields.find((one) => one.field === field)
    if (written === undefined) return true
    const gone = write.fields.filter(
      (one) => one === written || (written.group !== null && one.group === written.group),
    )
    return write.action === 'create' && gone.some((one) => needed(one.field))
  })
  if (whole !== undefined) return { fields: [], problems: [whole] }
  const refused = write.fields.filter((one) => problems.some(({ field }) => field === one.field))
  const left = write.fields.filter(
    (one) => !refused.some((other) => other === one || (one.group !== null && one.group === other.group)),
  )
  return { fields: left.map(({ field }) => field), problems }
}

/** Each problem once a code, field and side, the first one of each. */
export function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>()
  return problems.filter(({ code, field = '', side = '' }) => {
    const key = `${side}|${code}|${field}`
    return seen.has(key) ? false : seen.add(key) !== undefined
  })
}
