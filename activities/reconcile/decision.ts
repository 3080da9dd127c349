import type { Base } from '../../core/base.ts'
import type { ItemCommit } from '../../core/commits.ts'
import type { OpenIntent, SettledIntent } from '../../core/intents.ts'
import type { CreatePlan, PairPlan } from '../../core/plan.ts'
import type { Problem } from '../../core/problems.ts'
import type { RecordSnapshot, Side } from '../../core/values.ts'
import type { DeclinedBecause, ItemOutcome, WorkItem } from '../../core/work-items.ts'

/** What looking at a work item led to; carrying it out is execute.ts, showing it is simulate.ts. */
export type Decision = PairDecision | CreateDecision | DeleteDecision | StopDecision

/** Both twins are known: an existing pair, a twin just found, or one adopted on proof. */
export interface PairDecision {
  kind: 'pair'
  item: WorkItem
  /** Null for a pair that this batch makes. */
  pairId: string | null
  left: RecordSnapshot
  right: RecordSnapshot
  /** With what earlier, unsettled writes turned out to have done. */
  base: Base
  baseChanged: boolean
  settled: SettledIntent[]
  plan: PairPlan
  /** Sides whose cross-reference does not name the twin yet. */
  linkBack: Side[]
  /** How a new pair came about. */
  outcome: 'existing' | 'created-earlier' | 'adopted'
  /**
   * True: earlier writes were unsettled. What they did is committed by itself and the record is looked at again, so that
   * two generations of unsettled writes to one record never exist and each is judged by what was there right after it.
   */
  settlesOnly: boolean
  /**
   * Writes to a side whose server compares stamps that nobody answered and that are not there yet. They are sent again from
   * the same state at once, of which only one can come through, and stay open until it is known which. Link-backs that may
   * still come, and creates of which it is not known yet whether they made a record beside the pair, hold nothing up.
   */
  leftOpen: readonly OpenIntent[]
  /** Seconds after which what holds nothing up must be looked at again; 0: there is none. */
  lookAgainWithin: number
  /** The pair's record on this side was created anew by an earlier attempt. */
  rebound?: Side
}

export interface CreateDecision {
  kind: 'create'
  item: WorkItem
  from: Side
  source: RecordSnapshot
  plan: CreatePlan
  settled: SettledIntent[]
  /** Set where a record of an existing pair is gone and created anew: the pair goes on with the new one. */
  repair?: string
}

/** The twin of a record that is surely gone is deleted, as the rule of that direction says. */
export interface DeleteDecision {
  kind: 'delete'
  item: WorkItem
  /** The side that is written: where the survivor is. */
  side: Side
  survivor: RecordSnapshot
  settled: SettledIntent[]
}

/** Nothing is written: done with, declined, waiting, or a problem. */
export interface StopDecision {
  kind: 'stop'
  item: WorkItem
  outcome: ItemOutcome
  /** Null: the item was not judged as a whole; its issues stay as they are. */
  problems: Problem[] | null
  settled: SettledIntent[]
  seen: { side: Side; snapshot: RecordSnapshot } | null
  /** Null: the queue rows are done with. Else seconds to wait, or 'backoff' by the problem's class. */
  again: number | 'backoff' | null
  /** Why it is declined. */
  because?: DeclinedBecause
  tombstone?: ItemCommit['tombstone']
  notMissed?: ItemCommit['notMissed']
}

/** A decision to stop here, with what it tells. */
export function stop(
  item: WorkItem,
  outcome: ItemOutcome,
  problems: Problem[] | null,
  again: StopDecision['again'],
  seen: StopDecision['seen'] = null,
): StopDecision {
  return { kind: 'stop', item, outcome, problems, settled: [], seen, again }
}

/** A record that is left alone, with the reason. */
export function declined(item: WorkItem, because: DeclinedBecause, seen: StopDecision['seen'] = null): StopDecision {
  return { ...stop(item, 'declined', [], null, seen), because }
}
