import type { CommentEntry } from './comments.ts'
import type { EditTimes } from './latest.ts'
import type { CanonicalValue, Side, Stamp } from './values.ts'

export type IntentAction = 'create' | 'update' | 'link-back' | 'delete' | 'attachment' | 'comment'

/** One field of a write, with everything the ledger will say about it. */
export interface IntentField {
  mappingId: string
  /** Field name on the written side. */
  field: string
  /** The other side's value from which it was made; null for constants and references of ours. */
  source: CanonicalValue
  /** The written side's value as read for the plan; null on creation. */
  before: CanonicalValue
  sent: CanonicalValue
  /** Why: `changed`, `new`, `conflict`, `latest`, `merge`, `decision`, `re-map`, `default`, `constant`, `reference`. */
  rule: string
  /** Of rule `latest`: the times by which it was decided. */
  times?: EditTimes
  /** The source names a person without twin, who was left out or stood in for. */
  gap?: true
  /** Of a comment: which one it is. */
  comment?: Pick<CommentEntry, 'home' | 'ref'>
  /** The value goes to both sides, and this is the first of the two writes. */
  halfway?: 'merge' | 'decision'
}

/** One value about to be written, with what the ledger will say about it. */
export interface PlannedField extends IntentField {
  group: string | null
}

export interface IntentInput {
  /** Work item it belongs to. */
  key: string
  action: IntentAction
  /** The side written. */
  side: Side
  /** Id on the written side; null on creation. */
  targetId: string | null
  /** Id on the other side. */
  sourceId: string
  stampBefore: Stamp | null
  fields: readonly IntentField[]
}

export interface OpenIntent extends IntentInput {
  id: string
  /** Of the link when it was planned. */
  version: number
  /** Seconds since it was written ahead, by the store's clock. */
  ageSeconds: number
  /** The server ended the request with an error of its own: it will not be carried out later. */
  answered: boolean
}

export interface SettledIntent {
  intentId: string
  /**
   * `applied`: it happened, and becomes a ledger row. `not-applied`: surely not. `in-doubt`: stays open. `unknown`: the
   * record was changed again so that nobody can tell any more; the ledger says so.
   */
  outcome: 'applied' | 'not-applied' | 'in-doubt' | 'unknown'
  /** Id on the written side, known after a creation. */
  targetId: string | null
  stampAfter: Stamp | null
  /** What the written side holds afterwards, by field name, as far as the answer told. */
  after: Readonly<Record<string, CanonicalValue>>
  /** Somebody else's edit may lie between our read and our write. */
  possibleOverwrite: boolean
  /** True when found out later by looking, not from the write's own answer. */
  foundByLooking: boolean
  /** Of one that stays in doubt: the server ended the request, so that looking is enough to settle it. */
  answered?: boolean
}
