import type { AdoptedField, AdoptionDoubt, AdoptionMethod, AdoptionRecord } from './adoption.ts'
import type { CommitRequest } from './commits.ts'
import type { EndpointAddress } from './endpoint.ts'
import type { Refusals, RefusedRecords } from './foresight.ts'
import type { IntentInput, OpenIntent } from './intents.ts'
import type { AskedType } from './known-fields.ts'
import type { LinkConfiguration, LinkKind } from './link-config.ts'
import type { ListedPart, NotedParts, PartKind, PartsMark, PartsRange } from './parts.ts'
import type { Problem, ProblemClass, ProblemOwner } from './problems.ts'
import type { CheckedPart, Finding, PhaseTimes, RunKind, RunStatus, RunSummary } from './run.ts'
import type { LogLine } from './run-log.ts'
import type { SchemaSnapshot } from './schema-drift.ts'
import type { RecordScope } from './scope.ts'
import type { OtherLink } from './scope-overlap.ts'
import type { ClockMemory } from './server-clock.ts'
import type { SimulationSummary } from './simulation-score.ts'
import type { CanonicalValue, Side, Stamp } from './values.ts'
import type {
  Claim,
  ClaimRequest,
  PendingReason,
  QueueState,
  ReferredState,
  RequestedRecord,
  TwinState,
  WorkItem,
} from './work-items.ts'

/**
 * Everything durable that work near the endpoints needs, as few coarse calls: a bridge far away makes them over HTTPS,
 * the central process directly on PostgreSQL. Times, sequence numbers and hashes come from the store; its clock is the
 * only clock that leases, back-off and in-doubt times are measured with. Every call is idempotent for equal arguments or
 * says how a repeat is recognised. Failures are StoreError with a stable code; anything else is a lost connection.
 */
export interface Store {
  /** A link with its configuration in the version asked for (default: the newest). Throws `link-not-found`. */
  link(linkId: string, version?: number): Promise<LinkContext>
  /** Mode, pause and interval only: what every poll needs to know. */
  watchState(linkId: string): Promise<WatchState>
  /** Counts one look in the hour's row, to prove later that we looked when nothing happened. */
  recordWatch(input: { linkId: string; outcome: 'quiet' | 'changed' | 'failed' }): Promise<void>

  /** Opens a run (a repeat with the same run id answers the same). Closes runs of the link that were left open. */
  beginRun(input: BeginRun): Promise<void>
  /** Sets the final status and answers the counts. A repeat answers the same. */
  finishRun(input: {
    runId: string
    status: RunStatus
    message: string | null
    phases?: PhaseTimes
  }): Promise<RunSummary>
  /** Adds lines to a run's log; a repeat adds them again. */
  logRun(input: { runId: string; lines: readonly LogLine[] }): Promise<void>
  /** What an integrity check found; replaces what an earlier attempt of the same run wrote. */
  saveFindings(input: {
    runId: string
    linkId: string
    findings: readonly Finding[]
    parts: readonly CheckedPart[]
    passed: boolean
  }): Promise<void>
  /** Parts of the link's last integrity check with their findings, those that were judged within so many seconds. */
  lastCheck(input: {
    linkId: string
    withinSeconds: number
  }): Promise<readonly { part: CheckedPart; findings: readonly Finding[] }[]>
  /** What endpoints refuse of the link's records now, by side and words, the most first. */
  refusedNow(input: { linkId: string }): Promise<readonly Refusal[]>
  /** How many records the link's endpoint pair keeps in step, of the link's kind. */
  pairCount(input: { linkId: string }): Promise<number>
  /** Other links that work on one of the ends of this one, with records of the same kind. */
  linksBeside(input: { linkId: string; version: number }): Promise<readonly OtherLink[]>
  /** What a link last saw of its endpoints' fields, lists and types; null: nothing yet. */
  schemaSeen(linkId: string): Promise<SchemaSeen | null>
  /**
   * Keeps what a link sees of them now, where nobody else did since `seen`: what changed is told once, in a notice; problems
   * become issues of the link, and those that are over end; what waited for a mapping that goes again is due at once.
   */
  noteSchema(input: NoteSchema): Promise<void>
  /** Keys of people without twin whose values wait, by side; null: no record of the link waits for anybody. */
  peopleWaitedFor(linkId: string): Promise<readonly { side: Side; key: string }[] | null>
  /** Makes records due that wait for one of these people (keys in lower case), and those that do not say for whom. */
  requeuePeople(input: { linkId: string; keys: readonly string[] }): Promise<void>
  /** Forgets what an earlier attempt of the same simulation saved, and answers how many rows of the queue there are. */
  beginSimulation(input: { runId: string; linkId: string }): Promise<{ due: number }>
  /** A page of a simulation; a repeat of the same page replaces it. */
  saveSimulation(input: { runId: string; page: number; items: readonly SimulatedItem[] }): Promise<void>
  /** Closes a simulation: the next incremental or full run of the same version is compared with it. */
  finishSimulation(input: { runId: string; linkId: string; version: number; summary: SimulationSummary }): Promise<void>
  /** What the endpoints of a link refused and have not accepted since, whatever the record. */
  refusals(input: { linkId: string; version: number }): Promise<Refusals>
  /** What they refused of these items. */
  refusedRecords(input: { linkId: string; version: number; keys: readonly string[] }): Promise<RefusedRecords>
  /** Like `peek`, of rows whose records an endpoint refused the last time they were looked at, under this version. */
  refusedItems(input: { linkId: string; version: number; limit: number }): Promise<readonly WorkItem[]>

  /** Where the next scan of a side starts: T, in the endpoint's own words; null: from the beginning of time. */
  scanPosition(linkId: string, side: Side): Promise<ScanPosition>
  /** Opens a complete listing of a side: evidence for what is gone. One that was left open counts for nothing. */
  beginListing(input: { linkId: string; side: Side; runId: string | null }): Promise<{ listingId: string }>
  /**
   * Closes a complete listing: paired records that it lacks are noted as absent, those that it holds are not absent any
   * more. Those absent in two listings a grace apart are queued, unless they are too many.
   */
  finishListing(input: FinishListing): Promise<ListingResult>
  /**
   * Queues every row whose stamp is not the one we have seen (unknown ones too) and answers how many of them are due.
   * A record that was declined is queued only when its stamp has moved since.
   */
  recordScanPage(input: {
    linkId: string
    side: Side
    /** `editedAgoMs`: since the record was last edited, where that is to be measured. */
    rows: readonly { id: string; stamp: Stamp; created?: string | null; editedAgoMs?: number | null }[]
    /** True: the time of creation is the server's own and never changes. */
    createdFixed: boolean
    reason: PendingReason
    runId: string | null
    /** The complete listing that the page belongs to. */
    listingId?: string
  }): Promise<RecordedPage>
  /**
   * Queues paired records whose files or comments may have changed although their stamps have not: those of `parts` that
   * their pairs do not know in this state; those of `ids` in any case; of a `range` of which `parts` are all, those with a part
   * that is not there any more; `all`: every pair that has some. What waits for another try gets it now if it had not been
   * queued for that state before. Answers how many are due, or looked at once more, because of it.
   */
  queueForParts(input: {
    linkId: string
    side: Side
    kind: PartKind
    parts: readonly ListedPart[]
    ids: readonly string[]
    range: PartsRange | null
    all: boolean
  }): Promise<number>
  /**
   * Queues pairs that something was done with between the last look and this one, and that know a file or comment with a number
   * above the one given which is not among those `listed`: what came and went between two looks is missed by no count.
   * `agoMs`: since this look began. Answers how many are due, or looked at once more, because of it.
   */
  queueLostParts(input: {
    linkId: string
    side: Side
    kind: PartKind
    above: string | null
    listed: readonly string[]
    agoMs: number
  }): Promise<number>
  /** Keeps how many files or comments there are on a side, once what changed is queued. `agoMs`: since the look began. */
  noteParts(input: PartsMark & { linkId: string; side: Side; kind: PartKind; agoMs: number }): Promise<void>
  /** How many records of a side are left out because of the link's scope. */
  leftOut(input: { linkId: string; side: Side }): Promise<number>
  /** Queues those of the records that were left out because of the scope; answers how many. */
  queueArrivals(input: { linkId: string; side: Side; ids: readonly string[] }): Promise<number>
  /** Sets T once everything up to it is queued. */
  finishScan(input: {
    linkId: string
    side: Side
    since: string | null
    newest: string | null
    overlapSeconds: number
    /** Highest number of a record that this scan listed; null: none. */
    highestId: number | null
    /** The wish `rescanFrom` that this scan has fulfilled; null: none. */
    rescanned: string | null
    /** What the side's clock showed; null: as before. */
    clock: (Omit<ClockMemory, 'ageSeconds'> & { agoSeconds: number }) | null
  }): Promise<void>
  /** A write of ours was answered with a time below T: the side's clock went back, to this time or a little less. */
  noteClockStep(input: { linkId: string; side: Side; time: string }): Promise<void>

  /** `runId`: only of the records that this run was asked for and that are not answered yet. */
  queueState(linkId: string, runId?: string): Promise<QueueState>
  /** Records that a run was asked for, in their order, and what has become of them. */
  requestedRecords(runId: string): Promise<readonly RequestedRecord[]>
  /** Notes that records of a request do not exist on their side; paired ones are left to the judge. */
  noteUnknown(input: { runId: string; side: Side; ids: readonly string[] }): Promise<void>
  /** False: a blackout is on, and the run was not started in spite of it. */
  mayWork(input: { linkId: string; runId: string }): Promise<boolean>
  /**
   * Leases up to `limit` due pairs or unpaired records to the caller, as one batch that counts against the limits of both
   * endpoints. An empty answer: nothing is due now, a blackout is on, or `busy`.
   */
  claim(input: ClaimRequest): Promise<Claim>
  /**
   * Like a claim without taking one, for simulations: what the next `limit` queue rows are about, in the order of side and id.
   * A pair is shown with its left row. `next`: go on after this row, also when nothing was shown; null: that was all.
   * `oneIn`: a sample of so much, the same records each time.
   */
  peek(input: { linkId: string; after: QueuePlace | null; limit: number; oneIn?: number }): Promise<{
    items: readonly WorkItem[]
    next: QueuePlace | null
  }>
  /**
   * Some records of a side that are paired and not missed: known to exist, to look up beside what seems gone. Where all are
   * missed, some of them all the same: that none of them reads says that nothing does. Empty: nothing was ever paired.
   */
  siblings(input: { linkId: string; side: Side; limit: number }): Promise<readonly string[]>
  /** Some files or comments of a mapping that pairs of the link know on a side, with the records that they belong to. */
  partsKnown(input: {
    linkId: string
    side: Side
    mappingId: string
    part: 'files' | 'comments'
    limit: number
  }): Promise<readonly { recordId: string; id: string }[]>
  /** Stops the link: nothing is written ahead any more until somebody accepts what this side shows now. */
  markRestored(input: { linkId: string; side: Side; runId: string | null; message: string }): Promise<void>
  /** Makes the leases of a token last longer from now on; refused with `lease-lost` when any of them has run out. */
  extendLease(input: { token: string; leaseSeconds: number; graceSeconds: number }): Promise<void>
  /** An endpoint asked for a pause (429 or 503 with Retry-After): all links on it slow down. */
  noteThrottled(input: { endpointId: string; waitMs: number }): Promise<void>
  /** Gives leases back without having done anything; rows are due again at once. */
  release(input: { token: string }): Promise<void>
  /** Who is paired with, or being created for, records that unpaired records of `side` name as their twins. */
  twins(input: { linkId: string; side: Side; twinIds: readonly string[] }): Promise<readonly TwinState[]>
  /** Creates on a side that nobody has settled, whomever they are for. */
  openCreates(input: { linkId: string; side: Side }): Promise<readonly OpenIntent[]>
  /** What is known about records of a side that others refer to, in the order asked. */
  referred(input: {
    linkId: string
    side: Side
    records: readonly { kind: LinkKind; id: string }[]
  }): Promise<readonly ReferredState[]>
  /**
   * Writes ahead what is about to be sent. Refused with `lease-lost` when any lease of the token has run out, and with
   * `link-changed` when the link has a newer version than the plan's, with `link-stopped` when an endpoint was restored.
   * Answers an id per intent, in order; null: the brake holds this item, none of its writes may be sent.
   */
  recordIntents(input: {
    token: string
    linkId: string
    runId: string
    version: number
    /** Makes a repeated call answer as before. */
    callId: string
    intents: readonly IntentInput[]
    /** True: the rest of writes that were counted already. */
    again?: boolean
  }): Promise<readonly (string | null)[]>
  /**
   * One transaction: pairs, base, seen stamps, settled intents with their ledger rows and one chain entry, issues,
   * counters, queue rows, leases. A repeat with the same `callId` changes nothing. Refused with `lease-lost` only when
   * somebody else has taken over an item meanwhile.
   */
  commit(input: CommitRequest): Promise<void>

  /** Begins the listing of what a run is to adopt, afresh; null: nothing is to be listed. */
  beginAdoptionListing(input: {
    linkId: string
    runId: string
  }): Promise<{ adoptionId: string; settings: AdoptionMethod } | null>
  /** A page of a side's records; a repeat replaces itself. */
  saveAdoptionRecords(input: { adoptionId: string; side: Side; records: readonly AdoptionRecord[] }): Promise<void>
  /** Finds the twins among what was listed. */
  matchAdoption(input: { adoptionId: string }): Promise<void>
  /** Pairs that were matched, after a left id. */
  adoptionMatches(input: {
    adoptionId: string
    after: string | null
    limit: number
  }): Promise<readonly { left: string; right: string }[]>
  /** What would become of the mapped fields of matched pairs. */
  saveAdoptionFields(input: {
    adoptionId: string
    items: readonly { left: string; fields: Record<string, AdoptedField> }[]
  }): Promise<void>
  finishAdoptionListing(input: { adoptionId: string; version: number }): Promise<AdoptionSummary>
  /**
   * Unpaired records that a first run is about to create on the other side, some at random; null: it is none, or somebody
   * has agreed to what they resemble.
   */
  firstRunSample(input: {
    linkId: string
    runId: string
    limit: number
  }): Promise<Readonly<Record<Side, readonly string[]>> | null>
  /**
   * Of the records looked at that would be created on `side`, so many resemble unpaired ones there. With `stop` nothing is
   * looked at any more until somebody has paired them or agrees; without it an earlier stop is over.
   */
  noteLookAlikes(input: {
    linkId: string
    runId: string
    side: Side
    looked: number
    alike: number
    stop: boolean
  }): Promise<void>

  /** A question somebody asked about an endpoint, with what is needed to answer it. Throws `ask-not-found`. */
  question(askId: string): Promise<Question>
  saveAnswer(input: { askId: string; answer: unknown } | { askId: string; problem: Problem }): Promise<void>
}

/** What an adoption found, in numbers, and what came of it. */
export interface AdoptionSummary {
  left: number
  right: number
  /** Twins that can be paired. */
  matched: number
  /** Paired with each other already. */
  paired: number
  doubtful: number
  doubts: Partial<Record<AdoptionDoubt, number>>
  unmatchedLeft: number
  unmatchedRight: number
  /** Matched pairs with a field that holds different values on both sides. */
  differing: number
  /** By mapping id: how many pairs hold what in the field. */
  fields: Record<string, Partial<Record<AdoptedField, number>>>
  adopted: number
  /** Accepted, and not paired in the end. */
  missed: number
}

/** Records that an endpoint refuses in the same words. */
export interface Refusal {
  side: Side | null
  field: string
  message: string
  remedy: string
  records: number
}

/** A row of the queue. */
export interface QueuePlace {
  side: Side
  id: string
}

export interface ScanPosition {
  /** T: where the next scan starts, in the endpoint's own words; null: at the beginning. */
  since: string | null
  /** The newest time of the side when it was last scanned. */
  newest: string | null
  overlapSeconds: number | null
  /** Highest number that a record was ever seen to have. */
  highestId: number | null
  /** Why nothing is written until somebody accepts what the side shows now; null: it may go on. */
  restored: string | null
  /** True: somebody has accepted an older state once. */
  accepted: boolean
  clock: ClockMemory | null
  /** Somebody wants the side read again from this time, in the endpoint's own words; empty: from the beginning. */
  rescanFrom: string | null
  /** Milliseconds since the last look at the link that worked was over; null: there was none. */
  lookedAgoMs: number | null
  /** How many files and comments there were at the last look; null: nobody has counted them yet. */
  parts: Readonly<Record<PartKind, NotedParts | null>>
}

export interface RecordedPage {
  /** Ids that are due because of this page: their stamp is news. */
  queued: readonly string[]
  /** Of those, the ones that nothing had announced: no row of theirs was waiting. */
  unannounced: readonly string[]
  /** Ids whose version stamp lies below the one we have seen: no server does that by itself. */
  regressed: readonly string[]
  /** Ids under which another record was known: created at another time. */
  reused: readonly string[]
}

export interface FinishListing {
  listingId: string
  linkId: string
  side: Side
  rows: number
  /** Highest number listed; null: the side is empty. */
  highestId: number | null
  /** Changes that only this listing found. */
  escaped: number
  /** Time that must lie between two listings without a record before it counts as gone, in seconds. */
  graceSeconds: number
  /** More absent records than this are not queued: that looks like lost permissions or a vanished project. */
  mostAbsent: { count: number; share: number }
}

export interface ListingResult {
  absent: number
  /** Known records with a higher number than any that was listed. */
  aboveHighest: number
  queued: number
  /** True: too many are absent at once; nobody touches anything because of it. */
  braked: boolean
}

export class StoreError extends Error {
  readonly code:
    | 'link-not-found'
    | 'run-not-found'
    | 'ask-not-found'
    | 'lease-lost'
    | 'link-changed'
    | 'link-stopped'
    | 'unavailable'

  constructor(code: StoreError['code'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
  }
}

export interface EndpointContext {
  id: string
  name: string
  address: EndpointAddress
  /** Compact JWE that only this bridge can open; it holds a CredentialSecret. */
  sealedSecret: string
  /** Rises when address or secret change, so that a cached session is dropped. */
  revision: number
}

export interface LinkContext {
  id: string
  name: string
  version: number
  configuration: LinkConfiguration
  left: EndpointContext
  right: EndpointContext
  /**
   * Pairs of people set by an admin, each by key, login or address; they win over matching by e-mail, login and name. Null
   * stands for everybody else: the other end is the default user, who goes before the one of the configuration.
   */
  users: readonly { left: string | null; right: string | null; direction: 'both' | 'to-right' | 'to-left' }[]
  /** What the links of the endpoint pair keep in step, this one included: references to such records go by their pairs. */
  kinds: readonly LinkKind[]
}

export interface WatchState {
  mode: 'manual' | 'automatic'
  paused: boolean
  /** Seconds between looks. */
  intervalSeconds: number
  /** True: a blackout is on. */
  closed: boolean
  /** Milliseconds until the next blackout; null: none is named. */
  closesInMs: number | null
  /** Rows due now. */
  due: number
}

export interface BeginRun {
  runId: string
  linkId: string
  kind: RunKind
  /** `person`, `automatic`, `first`. */
  trigger: string
  actor: string
  version: number
  temporal: { workflowId: string; runId: string }
  /** True: a person wants it whether or not a blackout is on. */
  despiteBlackout?: boolean
}

/** What one record would become, for people: stored with the run, never in Temporal. */
export interface SimulatedItem {
  key: string
  leftId: string | null
  rightId: string | null
  action:
    | 'create-right'
    | 'create-left'
    | 'update-right'
    | 'update-left'
    | 'update-both'
    | 'delete-right'
    | 'delete-left'
    | 'adopt'
    | 'none'
    | 'problem'
  /** Type pair; null: the link holds one type of record, or the record is of none of its types. */
  type: string | null
  /** Sides that the run would try to write, refused or not. */
  sent: readonly Side[]
  /** Of the states the plan was made from. */
  stamps: Partial<Record<Side, Stamp>>
  /** Name of the record as people know it. */
  title: string
  fields: readonly {
    side: Side
    field: string
    label: string
    before: CanonicalValue
    after: CanonicalValue
    rule: string
  }[]
  problems: readonly Problem[]
}

export type Question =
  | { kind: 'test-connection' | 'places'; endpoint: EndpointContext }
  | { kind: 'describe'; endpoint: EndpointContext; entityType: string }
  | {
      kind: 'propose-mapping' | 'review'
      left: EndpointContext
      right: EndpointContext
      entityType: LinkKind
      types?: readonly AskedType[]
    }
  | { kind: 'record'; endpoint: EndpointContext; entityType: string; id: string; fields: readonly string[] }
  | { kind: 'favorites'; endpoint: EndpointContext; entityType: string }
  | { kind: 'folders-above'; endpoint: EndpointContext; entityType: string; ids: readonly string[] }
  | { kind: 'preview-scope'; endpoint: EndpointContext; entityType: string; scope: Omit<RecordScope, 'now'> }

/** An open or resolved issue about a record, as lists show it. */
export interface IssueRow {
  id: string
  key: string
  leftId: string | null
  rightId: string | null
  class: ProblemClass
  owner: ProblemOwner
  code: string
  severity: 'warning' | 'error'
  message: string
  remedy: string
  field: string | null
  firstSeen: string
  lastSeen: string
  attempts: number
  nextAttempt: string | null
  resolvedAt: string | null
  /** Set where somebody knows of it and does not want to be told, until a time or (null) ever. */
  ignored: { by: string; reason: string; until: string | null } | null
}

export interface SchemaSeen {
  hash: string
  /** Of the link, when it was seen. */
  version: number
  snapshot: SchemaSnapshot
}

export interface NoteSchema extends SchemaSeen {
  linkId: string
  runId: string
  /** Hash of what was seen before; null: nothing. */
  seen: string | null
  /** What changed, for people. */
  changes: readonly string[]
  /** Mappings whose held records are tried again. */
  eased: readonly string[]
  problems: readonly Problem[]
}
