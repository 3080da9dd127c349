import type { Base } from './base.ts'
import type { FieldConflict } from './conflicts.ts'
import type { SettledIntent } from './intents.ts'
import type { Problem, ProblemClass } from './problems.ts'
import type { WorkTimes } from './run.ts'
import type { Side, Stamp } from './values.ts'
import type { DeclinedBecause, ItemOutcome } from './work-items.ts'

export interface ItemCommit {
  key: string
  /** Stamps of the state that was judged, for whoever compares with a simulation. */
  judged?: Partial<Record<Side, Stamp>>
  /** Existing pair, a new one (id null), or none. */
  pair: { id: string | null; leftId: string; rightId: string } | null
  /** The pair's whole base from now on; null: unchanged. */
  base: Base | null
  /** The adoption by which a new pair came about. */
  adoption?: string
  /** Stamps now remembered as seen. */
  seen: Partial<Record<Side, { id: string; stamp: Stamp; created?: string | null }>>
  /** What is known now about a side that was gone; `null`: it is there again. Left out: as before. */
  tombstone?: { side: Side; outcome: 'kept' | 'deleted' } | null
  /** The pair's record on this side was created anew and has another id from now on. */
  rebound?: Side
  /** Records that were missed and are not any more, or are known to be gone. */
  notMissed?: readonly { side: Side; id: string }[]
  settled: readonly SettledIntent[]
  /**
   * Every problem the item has now. Open issues of the item that are not among them are resolved by this commit. Null: the
   * item was not judged as a whole, its issues stay as they are.
   */
  problems: readonly Problem[] | null
  /**
   * Fields that wait for a person: `open` as seen now, `deciding` whose decision is still being carried out, `consumed`
   * whose decision is used up, `decided` whose decision the plan knew and could follow. Open conflicts of the pair that are
   * named in none of the first three are over. Null: not judged as a whole.
   */
  conflicts: {
    open: readonly FieldConflict[]
    deciding: readonly string[]
    consumed: readonly string[]
    decided: readonly string[]
  } | null
  outcome: ItemOutcome
  /** Why it was declined. */
  because?: DeclinedBecause
  /** The side that was written, where one was. */
  written: readonly Side[]
  /** Windows between reading again and writing, in milliseconds, where a connector measured them. */
  windows?: readonly { side: Side; ms: number }[]
  /** What becomes of the claimed rows: gone (at the claimed revision), or due again after so many seconds. */
  next: { kind: 'done' } | { kind: 'again'; afterSeconds: number; class: ProblemClass }
  /** Records to look at again at once although their row is done. */
  followUp: readonly { side: Side; id: string }[]
}

export interface CommitRequest {
  token: string
  callId: string
  linkId: string
  runId: string
  version: number
  bridge: string
  build: string
  items: readonly ItemCommit[]
  /** How long the batch took up to here, in milliseconds. */
  work?: Omit<WorkTimes, 'store'>
}
