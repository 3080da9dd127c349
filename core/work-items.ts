import type { Base } from './base.ts'
import type { Decisions } from './conflicts.ts'
import type { OpenIntent } from './intents.ts'
import type { AdoptedDifferences } from './merge.ts'
import type { Side, Stamp } from './values.ts'

export type PendingReason =
  | 'scan'
  | 'full-scan'
  | 'retry'
  | 'person'
  | 'webhook'
  | 'configuration'
  | 'follow-up'
  | 'absence'

export interface QueueState {
  /** Due now and not leased. */
  due: number
  /** Leased now. */
  leased: number
  /** Waiting for their next attempt. */
  waiting: number
  /** Seconds until the next waiting row is due; null: none waits. */
  nextDueInSeconds: number | null
}

export interface ClaimRequest {
  linkId: string
  runId: string
  limit: number
  /** True: only records that the run was asked for. */
  asked?: boolean
  /** Length of the lease; requests have a deadline well inside it. */
  leaseSeconds: number
  /** Added to the lease before anyone else may take over: the longest time a request of ours may still be on its way. */
  graceSeconds: number
}

export interface Claim {
  token: string
  items: readonly WorkItem[]
  /** True: a blackout is on, so nothing is given out. */
  closed?: boolean
  /**
   * Set: nothing was leased because the endpoints have as many batches under way as they may, or because it is another
   * link's turn. `forMs`: it is no use to ask again before. `working`: the link has other batches under way.
   */
  busy?: { forMs: number; working: boolean }
}

/** A pair or an unpaired record with what is due about it. */
export interface WorkItem {
  /** `pair:<uuid>` or `left:41`. */
  key: string
  pair: PairState | null
  /** Queue rows claimed; one or both sides of a pair, exactly one for an unpaired record. */
  due: readonly DueRow[]
  /** Writes about this item whose outcome was never settled, oldest first. */
  intents: readonly OpenIntent[]
  /** Why nothing is done about it: a person has taken it out, or it is paired through other endpoints. */
  leaveAlone?: 'person' | 'elsewhere'
  /** It had a twin of this number, which a restore of the other endpoint undid; the number is another record's now. */
  undoneTwin?: string
  /** An admin's word that it is to be paired with a record that exists. */
  adopt?: {
    adoptionId: string
    twinId: string
    differences: AdoptedDifferences
    /** True: its twin is what is paired, with this one. */
    waits: boolean
  }
}

export interface DueRow {
  side: Side
  id: string
  /** Raised by every upsert; a commit removes the row only at the revision that was claimed. */
  revision: number
  reason: PendingReason
  attempts: number
}

export interface PairState {
  id: string
  left: PairedRecord
  right: PairedRecord
  base: Base
  /** What people decided about conflicts of the pair, to be carried out. */
  decisions?: Decisions
  /** Tombstone: the side that is gone and what became of its twin; null: both are there as far as we know. */
  gone: { side: Side; outcome: 'kept' | 'deleted' } | null
}

export interface PairedRecord {
  id: string
  seen: Stamp | null
  created: string | null
  /** Complete listings that lack it, and the seconds from the first to the last of them; null: it is not missed. */
  absent: { listings: number; seconds: number } | null
}

export interface TwinState {
  twinId: string
  /** The pair of the record named as twin, whoever its other half is; null: not paired in this endpoint pair. */
  pair: { leftId: string; rightId: string } | null
  /** An unsettled create on `side` for this twin. */
  openCreate: OpenIntent | null
}

/** Paired, not paired (yet), left alone by rule or scope, or of a kind that no link of the endpoint pair keeps in step. */
export type ReferredState = { state: 'paired'; twinId: string } | { state: 'unpaired' | 'declined' | 'no-link' }

export type ItemOutcome =
  | 'unchanged'
  | 'created'
  | 'updated'
  | 'deleted'
  | 'adopted'
  | 'declined'
  | 'waiting'
  | 'held'
  | 'failed'
  | 'in-doubt'

/** By a rule of the link, by its scope, by a person, or because it is paired through other endpoints. */
export type DeclinedBecause = 'rule' | 'scope' | 'person' | 'elsewhere'

/** What became of a record that a person asked for; `unknown`: its side has no such record. */
export type RequestedOutcome = ItemOutcome | 'unknown'

export interface RequestedRecord {
  side: Side
  id: string
  /** The last look's outcome; null: not looked at yet. */
  outcome: RequestedOutcome | null
  /** False: it is going to be looked at again by itself. */
  settled: boolean
}
