import type { AttachmentEntry } from '../core/attachments.ts'
import type { TypeStanding } from '../core/check-standing.ts'
import type { Comment, CommentAction } from '../core/comments.ts'
import type { Place } from '../core/endpoint.ts'
import type { FieldEdit } from '../core/latest.ts'
import type { EndpointUser, EntityMetadata } from '../core/metadata.ts'
import type { CompareAndSet } from '../core/overwrite-guard.ts'
import type { ListedPart, PartsMark, PartsRange } from '../core/parts.ts'
import type { Problem } from '../core/problems.ts'
import type { Favorite, RecordScope } from '../core/scope.ts'
import type { CanonicalValue, RecordSnapshot, Stamp } from '../core/values.ts'
import type { Limiter } from './limiter.ts'

/**
 * The contract between the engine and a system, split by capability. A connector speaks canonical values (core/values.ts),
 * never the wire's; it never retries a write by itself unless it knows that nothing was done (401, 429, 503 with nothing
 * committed, connection refused); reads are retried with back-off.
 *
 * One connector object holds one shared signed-in session of one endpoint (a project or a workspace) with one user. All
 * methods may be called in parallel; the connector limits its own concurrency and renews its session once, under a mutex.
 */
export interface Connector extends Connects, Describes, Inspects, Scans, Scopes, Reads, Histories, Writes, Deletes {
  readonly kind: 'alm' | 'octane' | 'memory'
  readonly capabilities: Capabilities
  /** Files attached to records, where the system has such; listed by `read` as the field `attachments`. */
  readonly attachments?: CarriesAttachments
  /** Comments of records, where the system has such; listed by `read` as a field of type `comments`. */
  readonly comments?: CarriesComments
  /** What is known of writes before they are made; absent: the system tells nothing of that. */
  readonly foresee?: Foresees
  /** Signs out and closes connections; never throws. */
  close(): Promise<void>
}

/** A file about to be attached. */
export interface NewAttachment {
  name: string
  /** In bytes. */
  size: number
  /** The bytes, from the beginning at each call; nothing is held whole. */
  content(): AsyncIterable<Uint8Array>
}

export type AttachmentResult =
  /** Done; the file as it is listed from now on, null of one that was taken away. */
  { outcome: 'done'; entry: AttachmentEntry | null } | Exclude<RowResult, { outcome: 'done' }>

export interface PartsPage {
  parts: readonly ListedPart[]
  /** Records of which is told only that they have parts. */
  ids: readonly string[]
  /** What of all parts this page tells; null: no such thing is known. */
  range: PartsRange | null
  next: string | null
}

/** Nothing is listed. */
export const noParts: PartsPage = { parts: [], ids: [], range: null, next: null }

/** A file or a comment, by its own id. */
export interface PartOfRecord {
  recordId: string
  id: string
}

/** Files or comments of all records of a type, which may change without their records. */
export interface ListsParts {
  /**
   * Those that came or changed since a time of the server's own, or all. Where the server cannot tell by time the answer to
   * a time is empty. Pages by an opaque mark, null from the start.
   */
  listed(entityType: string, since: string | null, after: string | null, options?: CallOptions): Promise<PartsPage>
  /**
   * How many there are, their highest number, and how many have a number above the one given (null: none counted). Null: the
   * server cannot tell.
   */
  totals(
    entityType: string,
    above: string | null,
    options?: CallOptions,
  ): Promise<(PartsMark & { above: number }) | null>
}

/** Files of records, one at a time. Writes never throw for what a file can carry, as `Writes` does not for rows. */
export interface CarriesAttachments extends ListsParts {
  /**
   * Whoever carries a file takes a place here before the first request, on both endpoints in the same order as everybody else.
   * There are fewer places than requests at a time: streams never wait for one another, and other requests go on meanwhile.
   */
  readonly transfers: Limiter
  /**
   * Looks each file up by itself, as `Deletes.confirmGone` does records: a list that lacks it proves nothing. Siblings are
   * files known to exist, of any records. Results in the order of the files; throws only when the call is aborted.
   */
  confirmGone(
    entityType: string,
    files: readonly PartOfRecord[],
    siblings: readonly PartOfRecord[],
    options?: CallOptions,
  ): Promise<readonly GoneEvidence[]>
  /** False: a file keeps its name for ever. */
  readonly renames: boolean
  /** The address by which texts of this endpoint show a file of a record as an image. */
  address(entityType: string, recordId: string, entry: AttachmentEntry): string
  /** A file's bytes. Throws ConnectorError. */
  open(
    entityType: string,
    recordId: string,
    entry: AttachmentEntry,
    options?: CallOptions,
  ): Promise<AsyncIterable<Uint8Array>>
  add(entityType: string, recordId: string, file: NewAttachment, options?: CallOptions): Promise<AttachmentResult>
  /** Other bytes under the same id and name. */
  replace(
    entityType: string,
    recordId: string,
    entry: AttachmentEntry,
    file: NewAttachment,
    options?: CallOptions,
  ): Promise<AttachmentResult>
  rename(
    entityType: string,
    recordId: string,
    entry: AttachmentEntry,
    name: string,
    options?: CallOptions,
  ): Promise<AttachmentResult>
  remove(entityType: string, recordId: string, entry: AttachmentEntry, options?: CallOptions): Promise<AttachmentResult>
}

export type CommentResult =
  /**
   * Done; the comment as it is listed from now on, null of one that was taken away or that the endpoint does not keep. `stamp`:
   * the record's after the write, where that was one of the record.
   */
  { outcome: 'done'; comment: Comment | null; stamp?: Stamp } | Exclude<RowResult, { outcome: 'done' }>

/** Comments of records. Writes never throw for what a comment can carry, as `Writes` does not for rows. */
export interface CarriesComments extends ListsParts {
  /** True: all comments of a record are one text, so that several actions are one write, and a change of them is one of the record. */
  readonly oneText: boolean
  /** Looks comments up by themselves, as `CarriesAttachments.confirmGone` does files; absent where all are one text. */
  confirmGone?(
    entityType: string,
    comments: readonly PartOfRecord[],
    siblings: readonly PartOfRecord[],
    options?: CallOptions,
  ): Promise<readonly GoneEvidence[]>
  /**
   * Carries out actions on a record's comments; results in their order. What has moved meanwhile is refused as `moved`. Where
   * all are one text, either all are carried out or none: beside one that is refused the others are as `not-sent`.
   */
  write(
    entityType: string,
    recordId: string,
    field: string,
    actions: readonly CommentAction[],
    options?: CallOptions,
  ): Promise<readonly CommentResult[]>
}

export interface Capabilities {
  /**
   * How a write is kept from overwriting somebody's edit made since our read. `native`: the server compares (Octane
   * `client_lock_stamp`); `lock`: lock, re-read the version, write, unlock; `re-read`: look just before writing.
   */
  compareAndSet: CompareAndSet
  maxBulkCreate: number
  maxBulkUpdate: number
  /** Most ids of one bulk read; `read` accepts more and splits. */
  maxReadIds: number
  /** Most rows of one scan page. */
  maxScanPage: number
  /** True: server times carry a zone (Octane); false: server-local without zone (ALM), so clock changes need overlap. */
  timesHaveZone: boolean
  /**
   * What the time of creation proves. `fixed`: set by the server once, another one is another record. `editable`: people may
   * change it like any field (ALM's `creation-time`, a day), so it proves something only where the version has not risen.
   */
  creationTime: 'fixed' | 'editable'
  /** True: a history tells when single fields were last edited (`lastEdits`). */
  fieldHistory: boolean
}

export interface CallOptions {
  /** Aborts the call and everything queued for it. */
  signal?: AbortSignal
}

export interface FindOptions extends CallOptions {
  /** The highest ids come first: an answer that is cut off then lacks other records than in ascending order. */
  descending?: boolean
}

/** A server's clock by the header `Date` of an answer. */
export interface ServerDate {
  /** ISO 8601, to the second. */
  date: string
  /** Milliseconds since that answer came. */
  ageMs: number
  /** By how much the server's clock is ahead of this machine's (negative: behind), in milliseconds, and how far that may be off. */
  offsetMs: number
  uncertaintyMs: number
}

export interface Connects {
  /** Null: no answer has told it so far. */
  serverDate(): ServerDate | null
  /** The longest pause, in milliseconds, that the endpoint has asked for since this was last called; null: none. */
  takePause(): number | null
  /** Signs in and looks at the project or workspace. Throws ConnectorError with class, message and remedy. */
  testConnection(options?: CallOptions): Promise<ConnectionReport>
  /** Projects or workspaces of the server that the user may open, whichever the address names. Throws ConnectorError. */
  places(options?: CallOptions): Promise<readonly Place[]>
}

export interface ConnectionReport {
  product: string
  version: string
  /** Login of the integration user. */
  user: string
  /** For people: "project Sync of domain DEFAULT". */
  place: string
}

export interface Describes {
  /** Fields, lists (with items), phases, and the small reference targets of an entity type. */
  describe(entityType: string, options?: CallOptions): Promise<EntityMetadata>
  users(options?: CallOptions): Promise<readonly EndpointUser[]>
}

export interface Inspects {
  /**
   * What the signed-in user may do with records of an entity type and what the endpoint does by itself when they are
   * written, as far as it tells without trying: nothing is written. One row for each of the endpoint's own types.
   */
  inspect(entityType: string, options?: CallOptions): Promise<readonly TypeStanding[]>
}

export interface ScanRow {
  id: string
  stamp: Stamp
  /** When it was created, in the server's own words; absent where the type has no such time. */
  created?: string | null
  /** Value of `referenceField`, where asked for: full scans find doubles by it. */
  reference?: string | null
}

export interface ScanQuery {
  entityType: string
  /** Only records with `modified >= since`, in the server's own words; null: all. */
  since: string | null
  /** Continue after this id (key-set paging in id order); null: from the start. */
  afterId: string | null
  limit: number
  /** Also list this field (the cross-reference). */
  referenceField?: string
  /** Only records of these types, where the entity type holds several. */
  types?: readonly string[]
}

export interface Scans {
  /** The side's newest modification time H, in its own words; null when it holds no record of the type. */
  newest(entityType: string, options?: CallOptions): Promise<string | null>
  /** One page in ascending id order. `last` is true when no further page exists. */
  scan(query: ScanQuery, options?: CallOptions): Promise<{ rows: readonly ScanRow[]; last: boolean }>
  /**
   * The time `seconds` before `time`, in the server's own words (no zone arithmetic: wall time for servers without a zone).
   */
  earlier(time: string, seconds: number): string
}

/** Which records are in a scope. Throws ConnectorError where a favorite or folder is gone, or not to be understood. */
export interface Scopes {
  /** Those of the ids that are in scope, in any order. */
  matching(
    entityType: string,
    ids: readonly string[],
    scope: RecordScope,
    options?: CallOptions,
  ): Promise<readonly string[]>
  /** Ids of all records in scope, page by page, each once. */
  inScope(entityType: string, scope: RecordScope, options?: CallOptions): AsyncIterable<readonly string[]>
  /** Of each folder that may be a root: itself and the folders above it. A folder that is not there is left out. */
  foldersAbove(
    entityType: string,
    ids: readonly string[],
    options?: CallOptions,
  ): Promise<ReadonlyMap<string, readonly string[]>>
  /** All that the integration user may see; empty where the endpoint tells none. */
  favorites(entityType: string, options?: CallOptions): Promise<readonly Favorite[]>
}

export interface Reads {
  /** Records by id with the fields named; ids that do not exist (or may not be read) are absent from the answer. */
  read(
    entityType: string,
    ids: readonly string[],
    fields: readonly string[],
    options?: CallOptions,
  ): Promise<readonly RecordSnapshot[]>
  /**
   * Records whose string field holds one of the values exactly (cross-reference look-up), in ascending order of their ids
   * unless asked otherwise. Several may carry the same value.
   */
  find(
    entityType: string,
    field: string,
    values: readonly string[],
    fields: readonly string[],
    options?: FindOptions,
  ): Promise<readonly RecordSnapshot[]>
  /** How many records of the type exist. */
  count(entityType: string, options?: CallOptions): Promise<number>
  /** Where a person opens the record in a browser. */
  recordUrl(entityType: string, id: string): string
}

export interface Histories {
  /**
   * When fields of a record, as it was read, were last edited. Fields of which the history cannot surely tell are absent: it
   * keeps none of them, does not reach up to the state that was read, or may not be read. One request.
   */
  lastEdits(
    entityType: string,
    record: RecordSnapshot,
    fields: readonly string[],
    options?: CallOptions,
  ): Promise<Readonly<Record<string, FieldEdit>>>
}

export interface CreateRow {
  /** Canonical values; the cross-reference field is among them, so that creation and marking are one act. */
  fields: Readonly<Record<string, CanonicalValue>>
}

export interface UpdateRow {
  id: string
  /** The record's type as read, where the entity type holds several. */
  recordType?: string
  fields: Readonly<Record<string, CanonicalValue>>
  /** The state the plan was made from. With compare-and-set, a record that has moved on since is refused as `moved`. */
  expected: Stamp
  /** `lock` of the snapshot the plan was made from, where the endpoint compares natively. */
  lock?: number
  /** False: write only our own bookkeeping field (link-back), nobody else's edit can be lost, so bulk without locks. */
  compareAndSet: boolean
}

export type RowResult =
  /**
   * Done. `snapshot` is the record as the write's answer gave it (fields of `returnFields` that the answer held). `windowMs`:
   * from asking for the stamp again to the write's answer, the longest in which an edit can have been missed; absent where
   * the server compares. `writes`: so many that the connector needed, each directly after the one before; absent: one. `left`:
   * fields that the endpoint did not take while it took the others, and why.
   */
  | {
      outcome: 'done'
      snapshot: RecordSnapshot
      windowMs?: number
      writes?: number
      left?: { fields: readonly string[]; problem: Problem }
    }
  /** Surely not done: the endpoint refused this row. */
  | { outcome: 'refused'; problem: Problem }
  /**
   * Unknown: answer lost, time-out, 5xx on a write. Must be settled by looking. `answered` tells that the server itself has
   * ended the request (HTTP 500): it will not be carried out later, as one that nobody answered still may.
   */
  | { outcome: 'in-doubt'; problem: Problem; answered: boolean }

export interface Writes {
  /**
   * Creates rows; results in the order of the rows, each settled on its own. Never throws for what a row can carry: an
   * unreachable server makes rows `refused` (class unavailable) when nothing was sent and `in-doubt` when it may have arrived.
   * When the signal aborts, rows not yet sent are `refused` with code `not-sent`, rows on their way become `in-doubt`.
   */
  create(
    entityType: string,
    rows: readonly CreateRow[],
    returnFields: readonly string[],
    options?: CallOptions,
  ): Promise<readonly RowResult[]>
  /** Like create, for existing records. A record that is gone is refused with class `missing`. */
  update(
    entityType: string,
    rows: readonly UpdateRow[],
    returnFields: readonly string[],
    options?: CallOptions,
  ): Promise<readonly RowResult[]>
}

/** What looking a record up by its id says about its existence. */
export interface GoneEvidence {
  id: string
  /**
   * `gone`: the server says in its own words that there is no such record, while a known sibling of the same type reads.
   * `there`: it answers. `unknown`: neither was said; a refusal, a web page, an error, or no sibling reads either.
   */
  outcome: 'gone' | 'there' | 'unknown'
  /** Why it is unknown, for people; null otherwise. */
  reason: string | null
}

export interface DeleteRow {
  id: string
  /** The record's type as read, where the entity type holds several. */
  recordType?: string
  /** The state on which the deletion was decided: a record that has moved on since is refused as `moved`. */
  expected: Stamp
}

export type DeleteResult =
  | { outcome: 'done' }
  /** Surely not deleted; class `missing` when it was gone already. */
  | { outcome: 'refused'; problem: Problem }
  | { outcome: 'in-doubt'; problem: Problem; answered: boolean }

export interface Deletes {
  /**
   * Looks each id up by itself: an empty list proves nothing. Siblings are records known to exist; one of them must read
   * before and after the look-ups, else everything that seemed gone is `unknown`. Results in the order of the ids; throws
   * only when the call is aborted.
   */
  confirmGone(
    entityType: string,
    ids: readonly string[],
    siblings: readonly string[],
    options?: CallOptions,
  ): Promise<readonly GoneEvidence[]>
  /** Deletes records that have not changed since `expected`; results in the order of the rows, as for `update`. */
  delete(entityType: string, rows: readonly DeleteRow[], options?: CallOptions): Promise<readonly DeleteResult[]>
}

/** A write that is planned and not made. */
export interface ForeseenWrite {
  action: 'create' | 'update' | 'delete'
  /** True: only our own bookkeeping field, which comes along with another write. */
  alongside?: boolean
  /** Null: of a creation. */
  id: string | null
  /** The record's type as read, where the entity type holds several. */
  recordType?: string
  fields: Readonly<Record<string, CanonicalValue>>
  /** The record as it was read; empty: of a creation. */
  before: Readonly<Record<string, CanonicalValue>>
}

/**
 * What the endpoint would refuse of these writes, as far as it tells without being written to: a problem with a field concerns
 * that field alone, one without a field the whole row. In the order of the rows; reads only. Throws ConnectorError.
 */
export type Foresees = (
  entityType: string,
  rows: readonly ForeseenWrite[],
  options?: CallOptions,
) => Promise<readonly (readonly Problem[])[]>

/** Thrown by everything but per-row results. `problem.message` never holds a secret. */
export class ConnectorError extends Error {
  readonly problem: Problem
  /** Wait asked for by the endpoint (Retry-After), in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(problem: Problem, options?: { cause?: unknown; retryAfterMs?: number }) {
    super(problem.message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ConnectorError'
    this.problem = problem
    this.retryAfterMs = options?.retryAfterMs
  }
}
