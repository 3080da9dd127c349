import type { LinkKind } from './link-config.ts'
import type { Side } from './values.ts'

/** What to do about an endpoint that shows an older state than was seen before. */
export const restoredRemedy =
  'If the project was restored from a backup or cloned, look at both sides, then accept the restored state (tandem link accept-restored <link> --side <side>): what differs is then compared field by field under the brake.'

/**
 * Why something did not work, as a closed list: class decides who must act and how it is retried.
 * Every problem carries words for people: what happened, where, and the remedy.
 */
export const problemClasses = {
  /** Credentials refused. Owner: admin. */
  auth: 'admin',
  /** The integration user may not do this. Owner: admin. */
  forbidden: 'admin',
  /** No value or user mapping, a required field without source, a value outside its list, a text too long. Owner: admin. */
  mapping: 'admin',
  /** A field or type is gone or changed. Owner: admin. */
  schema: 'admin',
  /** The endpoint's own rules refused the record (business rule, workflow). Owner: admin. */
  refused: 'admin',
  /** Somebody has the record open. Retried by itself. Owner: endpoint. */
  locked: 'endpoint',
  /** Changed between our read and our write. Retried at once. Owner: endpoint. */
  moved: 'endpoint',
  /** Asked to slow down. Owner: endpoint. */
  throttled: 'endpoint',
  /** Not reachable, time-out, 5xx. Owner: endpoint. */
  unavailable: 'endpoint',
  /** Refers to a record that is not in step itself yet; goes on by itself as soon as that is. Owner: us. */
  waiting: 'us',
  /** A write whose answer was lost; settled by looking. Owner: us. */
  'in-doubt': 'us',
  /** Both sides changed the field and the policy asks a person. Owner: admin. */
  conflict: 'admin',
  /** The endpoint keeps altering what we write, so the field is frozen. Owner: admin. */
  altered: 'admin',
  /** Several records claim the same twin; none is touched. Owner: admin. */
  ambiguous: 'admin',
  /** The record is gone on one side. Owner: admin. */
  missing: 'admin',
  /** The endpoint shows older states than were seen before: restored from a backup, or cloned. Owner: admin. */
  restored: 'admin',
  /** More than the brake allows: somebody must agree first. Owner: admin. */
  braked: 'admin',
  /** A defect of Tandem. Owner: us. */
  internal: 'us',
} as const satisfies Record<string, 'admin' | 'endpoint' | 'us'>

export type ProblemClass = keyof typeof problemClasses
export type ProblemOwner = (typeof problemClasses)[ProblemClass]

export interface Problem {
  class: ProblemClass
  /** Stable code for programs, kebab-case: `value-gap`, `required-field`, `wrong-password`. */
  code: string
  /** What happened, for people; may hold values of the record, so it lives in the database, never in Temporal. */
  message: string
  /** What to do about it. */
  remedy: string
  /** True: told, but nothing is held up by it. */
  warning?: boolean
  side?: Side
  /** Name of the endpoint's field concerned. */
  field?: string
  /** Id of the field mapping concerned. */
  mappingId?: string
  /** The record that must be in step first, as its own link knows it. */
  waitsFor?: { side: Side; kind: LinkKind; id: string }
}

export function problemOwner(problem: Problem): ProblemOwner {
  return problemClasses[problem.class]
}
