import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import type { CommitRequest, ItemCommit } from '../core/commits.ts'
import type { HeldEdit } from '../core/freshness.ts'
import type { IntentField, IntentInput, SettledIntent } from '../core/intents.ts'
import type { RunCounters } from '../core/run.ts'
import { StoreError } from '../core/store.ts'
import { keepableText, type Side, type Stamp, sides } from '../core/values.ts'
import { freeBatchSlot } from './batch-slots.ts'
import { countWithinLimits, createdInRun, heldKeys } from './brakes.ts'
import { saveConflicts } from './conflicts.ts'
import { byIndex, commitWith, type Database, named } from './connection.ts'
import { accountOf, type ClockRow, clockColumns, saveFreshness } from './freshness.ts'
import { chainOf, type LedgerRow, ledgerEntry } from './ledger.ts'
import { guardsOf } from './overwrite-guards.ts'
import { saveWaiting } from './references.ts'
import { answerRequests } from './requests.ts'
import { retireOlderPairs } from './retire-pairs.ts'
import { logBatch } from './run-log.ts'
import { noteReal } from './simulations.ts'
import { type LinkKeys, loadLinkKeys } from './store-queue.ts'

type Tx = postgres.TransactionSql
const json = (tx: Tx, value: unknown) => tx.json(value as postgres.JSONValue)

/** Writes a batch's intents ahead of its writes, while the leases hold and the link's version is the plan's. */
export async function writeIntents(
  { sql }: Database,
  input: {
    token: string
    linkId: string
    runId: string
    version: number
    callId: string
    intents: readonly IntentInput[]
    again?: boolean
  },
): Promise<(string | null)[]> {
  return named('record intents', () =>
    sql.begin(async (tx) => {
      const keys = [...new Set(input.intents.map((one) => one.key))]
      const [before, completed, [state]] = await Promise.all([
        earlierAnswer(tx, input.callId),
        createdInRun(tx, input),
        tx<{ version: number; deleted: boolean; held: number; stopped: string | null }[]>`
        select version, deleted_at is not null as deleted, (select min(restored_message) from scan_positions s where s.link_id = l.id
            and s.restored_at is not null) as stopped, (select count(*)::int from claims c where c.link_id = l.id and c.token = ${input.token}
          and c.lease_until > now() and c.key = any(${tx.array(keys)}::text[])) as held
        from links l where id = ${input.linkId}`,
      ])
      if (before !== undefined) return before as (string | null)[]
      if (state === undefined) throw new StoreError('link-not-found', `There is no link ${input.linkId}.`)
      if (state.stopped !== null) throw new StoreError('link-stopped', state.stopped)
      if (state.deleted)
        throw new StoreError('link-changed', 'The link was deleted; nothing is written for it any more.')
      if (state.version > input.version)
        throw new StoreError('link-changed', 'The link has a newer configuration than the plan was made under.')
      if (state.held < keys.length) throw new StoreError('lease-lost', 'The lease of the batch has run out.')
      const ids = input.intents.map(() => randomUUID())
      const rows = input.intents.map((intent, index) => ({
        id: ids[index],
        key: intent.key,
        action: intent.action,
        side: intent.side,
        target_id: intent.targetId,
        source_id: intent.sourceId,
        stamp_before: intent.stampBefore,
        fields: intent.fields,
      }))
      const insert = tx`
        insert into intents (id, link_id, run_id, token, version, key, action, side, target_id, source_id, stamp_before, fields)
        select r.id, ${input.linkId}, ${input.runId}, ${input.token}, ${input.version}, r.key, r.action, r.side, r.target_id,
          r.source_id, nullif(r.stamp_before, 'null'), r.fields
        from jsonb_to_recordset(${json(tx, rows)}) as r(id uuid, key text, action text, side text, target_id text,
          source_id text, stamp_before jsonb, fields jsonb)`
      const answered = (ids: readonly (string | null)[]) =>
        tx`insert into store_calls (id, answer) values (${input.callId}, ${json(tx, ids)}) returning 1`
      const counting = { ...input, intents: input.intents.filter((intent) => !completed.has(intent.key)) }
      // Every batch of a run counts on the run's row: nobody waits there for our inserts, or for us.
      const results = await commitWith(tx, [
        insert,
        ...(input.again === true ? [answered(ids)] : countWithinLimits(tx, counting, ids)),
      ])
      if (results[results.length - 1]?.length === 1) return ids
      // Written ahead, but not told to anybody yet: what the brake holds goes again.
      const held = await heldKeys(tx, counting)
      const answer = input.intents.map((intent, index) => (held.has(intent.key) ? null : (ids[index] ?? null)))
      const kept = new Set(answer)
      await tx`delete from intents where id = any(${tx.array(ids.filter((id) => !kept.has(id)))}::uuid[])`
      await answered(answer)
      return answer
    }),
  )
}

async function earlierAnswer(tx: Tx, callId: string): Promise<unknown> {
  const [row] = await tx<{ answer: unknown }[]>`select answer from store_calls where id = ${callId}`
  return row?.answer
}

const beforeAllOthers = '2000-01-01T00:00:00Z'

interface ClaimRow {
  key: string
  /** Milliseconds since 1970. */
  at: number
  due: { side: Side; id: string; revision: number }[]
}

interface IntentRow {
  id: string
  action: IntentInput['action']
  side: Side
  target_id: string | null
  source_id: string
  stamp_before: Stamp | null
  fields: IntentField[]
}

/** One transaction for everything a batch came to; the chain entry is its last statement. */
export async function commitBatch({ sql }: Database, request: CommitRequest): Promise<void> {
  await named('commit', () =>
    sql.begin(async (tx) => {
      const began = performance.now()
      const [before, run, keys, claims] = await Promise.all([
        earlierAnswer(tx, request.callId),
        tx`select 1 from runs where id = ${request.runId}`,
        loadLinkKeys(tx as unknown as postgres.Sql, request.linkId),
        // Ordered by an expression, so that rows are found by their token and not by walking the link's keys, dead ones too.
        tx<ClaimRow[]>`
        select key, due, (extract(epoch from claimed_at) * 1000)::float8 as at from claims where token = ${request.token} order by key || '' for update`,
      ])
      if (before !== undefined) return
      if (run.length === 0) throw new StoreError('run-not-found', `There is no run ${request.runId}.`)
      const claimed = new Map(claims.map((claim) => [claim.key, claim.due]))
      const claimedAt = new Map(claims.map((claim) => [claim.key, claim.at]))
      if (request.items.some((item) => !claimed.has(item.key)))
        throw new StoreError('lease-lost', 'Somebody else has taken over a record of the batch.')

      const retired = await retireOlderPairs(tx, keys, request)
      const pairIds = await savePairs(tx, keys, request.items)
      for (const item of request.items) if (retired.ids.has(item.pair?.id ?? '')) pairIds.delete(item.key)
      const told = request.items.filter((item) => !retired.ids.has(item.pair?.id ?? ''))
      // Statements of one connection are carried out in the order they are given; waiting for each answer only takes time.
      const [ledger, reopened, , , , , accounts] = await Promise.all([
        settle(tx, request, pairIds),
        saveConflicts(tx, request, pairIds),
        saveRecords(tx, keys, request.items, pairIds),
        saveAbsences(tx, request),
        // What was wrong with a pair that is no more is nobody's concern; its other record is looked at anew.
        saveIssues(tx, { ...request, items: told }, pairIds),
        answerRequests(tx, request, claimed),
        saveQueue(tx, request, claimed, claimedAt),
        freeBatchSlot(tx, request.token),
        logBatch(tx, request),
        noteReal(tx, request),
      ])
      await Promise.all([saveFreshness(tx, request, accounts), saveWaiting(tx, keys, request, claimed)])
      const adopted = await adoptedPairs(tx, request, pairIds)
      const seal = await ledgerEntry(tx, chainOf(request.linkId), [
        ...retired.ledger,
        ...adopted,
        ...ledger,
        ...reopened,
      ])
      await commitWith(tx, [
        ...guardsOf(tx, request, ledger),
        countersOf(tx, request, performance.now() - began),
        ...seal,
      ])
    }),
  )
}

/** Inserts new pairs and updates the base of existing ones; answers each item's pair id by key. */
async function savePairs(tx: Tx, keys: LinkKeys, items: readonly ItemCommit[]): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  const fresh: { id: string; left_id: string; right_id: string; base: unknown }[] = []
  const changed: { id: string; base: unknown }[] = []
  for (const item of items) {
    if (item.pair === null) continue
    const id = item.pair.id ?? randomUUID()
    ids.set(item.key, id)
    if (item.pair.id === null)
      fresh.push({ id, left_id: item.pair.leftId, right_id: item.pair.rightId, base: item.base ?? {} })
    else if (item.base !== null) changed.push({ id, base: item.base })
  }
  if (fresh.length > 0)
    await tx`
      insert into pairs (id, endpoint_pair_id, entity_type, left_id, right_id, base)
      select id, ${keys.endpointPairId}, ${keys.entityType}, left_id, right_id, base
      from jsonb_to_recordset(${json(tx, fresh)}) as r(id uuid, left_id text, right_id text, base jsonb)`
  if (changed.length > 0)
    await tx`
      update pairs p set base = r.base, updated_at = now()
      from jsonb_to_recordset(${json(tx, changed)}) as r(id uuid, base jsonb) where p.id = r.id`
  for (const item of items) {
    if (item.pair === null || item.pair.id === null) continue
    const { id, leftId, rightId } = item.pair
    if (item.rebound !== undefined) {
      // The record that is gone keeps its own row, so that it is never taken for a new one; the pair goes on with another.
      await tx`update records set pair_id = null, decision = 'declined' where pair_id = ${id}
        and external_id = (select ${item.rebound === 'left' ? tx`left_id` : tx`right_id`} from pairs where id = ${id})
        and endpoint_id = ${keys[item.rebound].endpointId}`
      await tx`
        update pairs set left_id = ${leftId}, right_id = ${rightId}, gone_side = null, gone_at = now(),
          gone_outcome = 're-created', updated_at = now() where id = ${id}`
    } else if (item.tombstone !== undefined)
      await tx`
        update pairs set gone_side = ${item.tombstone?.side ?? null}, gone_outcome = ${item.tombstone?.outcome ?? null},
          gone_at = case when ${item.tombstone === null} then null else coalesce(gone_at, now()) end, updated_at = now()
        where id = ${id}`
  }
  return ids
}

/** Records that are not missed any more, and writes that the brake does not hold any more. */
async function saveAbsences(tx: Tx, request: CommitRequest): Promise<void> {
  const found = request.items.flatMap((item) => item.notMissed ?? [])
  if (found.length > 0)
    await tx`
      delete from absences a using jsonb_to_recordset(${json(tx, found)}) as r(side text, id text)
      where a.link_id = ${request.linkId} and a.side = r.side and a.external_id = r.id`
  const free = request.items.filter((item) => item.next.kind === 'done' || item.next.class !== 'braked')
  await tx`delete from braked_writes where link_id = ${request.linkId}
    and key = any(${tx.array(free.map((item) => item.key))}::text[])`
}

async function saveRecords(
  tx: Tx,
  keys: LinkKeys,
  items: readonly ItemCommit[],
  pairIds: Map<string, string>,
): Promise<void> {
  await forgetVanished(tx, keys, items)
  const rows = items.flatMap((item) => {
    const pairId = pairIds.get(item.key) ?? null
    return sides.flatMap((side) => {
      const seen = item.seen[side]
      const pairedId = item.pair === null ? undefined : item.pair[side === 'left' ? 'leftId' : 'rightId']
      // A new pair binds both records, whether or not a stamp of theirs is known.
      const bound = item.pair?.id === null || item.rebound === side || item.outcome === 'declined'
      const id = seen?.id ?? (bound ? pairedId : undefined)
      if (id === undefined) return []
      return [
        {
          endpoint_id: keys[side].endpointId,
          entity_type: keys[side].entityType,
          external_id: id,
          seen_version: seen?.stamp.version ?? null,
          seen_modified: seen?.stamp.modified ?? null,
          created: seen?.created ?? null,
          decision: item.outcome === 'declined' ? 'declined' : null,
          looked_by: keys.linkId,
          declined_because: item.outcome === 'declined' ? (item.because ?? 'rule') : null,
          pair_id: pairId,
        },
      ]
    })
  })
  const awake = items.flatMap((item) => (item.outcome === 'declined' ? [] : (item.pair?.id ?? [])))
  if (awake.length > 0)
    await tx`update records set decision = null, declined_because = null
      where pair_id = any(${tx.array(awake)}::uuid[]) and decision is not null`
  if (rows.length === 0) return
  // A record created anew may be an item of its own in the same batch: one row each, the paired one.
  const unique = new Map<string, (typeof rows)[number]>()
  for (const row of rows) {
    const key = `${row.endpoint_id}:${row.external_id}`
    if (row.pair_id !== null || !unique.has(key)) unique.set(key, row)
  }
  // The pair of each row is looked up by the database itself, whose plan for that is kept as well.
  await byIndex(
    tx,
    tx`
    insert into records (endpoint_id, entity_type, external_id, seen_version, seen_modified, created, decision, declined_because, looked_by, pair_id)
    select endpoint_id, entity_type, external_id, seen_version, seen_modified, created, decision, declined_because, array[looked_by], pair_id
    from jsonb_to_recordset(${json(tx, [...unique.values()])}) as r(endpoint_id uuid, entity_type text, external_id text, seen_version bigint,
      seen_modified text, created text, decision text, declined_because text, looked_by uuid, pair_id uuid) order by endpoint_id, external_id
    on conflict (endpoint_id, entity_type, external_id) do update set
      seen_version = coalesce(excluded.seen_version, records.seen_version),
      seen_modified = coalesce(excluded.seen_modified, records.seen_modified),
      created = coalesce(excluded.created, records.created),
      decision = excluded.decision, declined_because = excluded.declined_because,
      looked_by = case when (records.seen_version, records.seen_modified)
          is not distinct from (excluded.seen_version, excluded.seen_modified)
        then array(select distinct unnest(records.looked_by || excluded.looked_by)) else excluded.looked_by end, pair_id = coalesce(excluded.pair_id, records.pair_id),
      undone_twin = case when excluded.pair_id is null then records.undone_twin end`,
  )
}

/**
 * Records that were never paired and could not be found leave the queue. What was seen of them is forgotten: should a
 * listing show them again, as after a lost permission, they are as new. Of those whose twin was undone that is all that is
 * forgotten: whoever sees them again must still be told.
 */
async function forgetVanished(tx: Tx, keys: LinkKeys, items: readonly ItemCommit[]): Promise<void> {
  const rows = items.flatMap((item) => {
    const [side, id] = item.key.split(':')
    if (item.pair !== null || item.outcome !== 'unchanged' || (side !== 'left' && side !== 'right')) return []
    return [{ endpoint_id: keys[side].endpointId, entity_type: keys[side].entityType, external_id: id }]
  })
  if (rows.length === 0) return
  const unpaired = tx`s.endpoint_id = r.endpoint_id and s.entity_type = r.entity_type and s.external_id = r.external_id
    and s.pair_id is null`
  const named = tx`jsonb_to_recordset(${json(tx, rows)}) as r(endpoint_id uuid, entity_type text, external_id text)`
  await tx`delete from records s using ${named} where ${unpaired} and s.decision is null`
  await tx`
    update records s set seen_version = null, seen_modified = null from ${named}
    where ${unpaired} and s.undone_twin is not null`
}

/**
 * Takes settled intents out and answers the ledger rows of those that were applied: one write, one row. Where the row says
 * what the intent says, the intent goes when the ledger takes its words over.
 */
async function settle(tx: Tx, request: CommitRequest, pairIds: Map<string, string>): Promise<LedgerRow[]> {
  const settled = request.items.flatMap((item) =>
    item.settled.filter((one) => one.outcome !== 'in-doubt').map((one) => ({ item, one })),
  )
  const ended = request.items.flatMap((item) =>
    item.settled.filter((one) => one.outcome === 'in-doubt' && one.answered === true).map((one) => one.intentId),
  )
  if (ended.length > 0) await tx`update intents set answered = true where id = any(${tx.array(ended)}::uuid[])`
  if (settled.length === 0) return []
  const [rows, [run]] = await Promise.all([
    tx<IntentRow[]>`
    select id, action, side, target_id, source_id, stamp_before, fields from intents
    where id = any(${tx.array(settled.map(({ one }) => one.intentId))}::uuid[])`,
    tx<{ workflow_id: string; temporal_run_id: string; actor: string }[]>`
    select workflow_id, temporal_run_id, actor from runs where id = ${request.runId}`,
  ])
  const found = new Map(rows.map((row) => [row.id, row]))
  const ledger = settled.flatMap(({ item, one }) => {
    const intent = found.get(one.intentId)
    if (intent === undefined || one.outcome === 'not-applied') return []
    return [ledgerRow(request, item, one, intent, pairIds.get(item.key) ?? null, run)]
  })
  const later = new Set(ledger.flatMap((row) => (row.fromIntent === true ? (row.intentId ?? []) : [])))
  const now = rows.flatMap(({ id }) => (later.has(id) ? [] : [id]))
  if (now.length > 0) await tx`delete from intents where id = any(${tx.array(now)}::uuid[])`
  return ledger
}

/** One row for each pair that somebody had adopted. */
async function adoptedPairs(tx: Tx, request: CommitRequest, pairIds: Map<string, string>): Promise<LedgerRow[]> {
  const items = request.items.filter((item) => item.adoption !== undefined && item.pair?.id === null)
  const [first] = items
  if (first === undefined) return []
  const { adoption = null } = first
  const [by] = await tx<{ actor: string }[]>`
    select coalesce(accepted_by, actor) as actor from adoptions where id = ${adoption}`
  return items.map((item) => ({
    kind: 'decision',
    action: 'adopt',
    linkId: request.linkId,
    pairId: pairIds.get(item.key) ?? null,
    key: item.key,
    leftId: item.pair?.leftId ?? null,
    rightId: item.pair?.rightId ?? null,
    content: { adoptionId: item.adoption ?? null },
    actor: by?.actor ?? 'tandem',
    bridge: request.bridge,
    build: request.build,
    version: request.version,
    runId: request.runId,
  }))
}

function ledgerRow(
  request: CommitRequest,
  item: ItemCommit,
  settled: SettledIntent,
  intent: IntentRow,
  pairId: string | null,
  run: { workflow_id: string; temporal_run_id: string; actor: string } | undefined,
): LedgerRow {
  const written = settled.targetId ?? intent.target_id
  // `after` stands only where the server kept something else than was sent.
  const asIntended = intent.fields.every((field) => !(field.field in settled.after))
  const fields = asIntended
    ? intent.fields
    : intent.fields.map((field) =>
        field.field in settled.after ? { ...field, after: settled.after[field.field] ?? null } : field,
      )
  return {
    kind: settled.outcome === 'unknown' ? 'decision' : 'write',
    action: settled.outcome === 'unknown' ? 'unsettled-write' : intent.action,
    linkId: request.linkId,
    pairId,
    key: item.key,
    side: intent.side,
    leftId: intent.side === 'left' ? written : (item.pair?.leftId ?? intent.source_id),
    rightId: intent.side === 'right' ? written : (item.pair?.rightId ?? intent.source_id),
    content: { fields, stampBefore: intent.stamp_before, stampAfter: settled.stampAfter },
    fromIntent: asIntended,
    actor: run?.actor ?? 'tandem',
    bridge: request.bridge,
    build: request.build,
    version: request.version,
    runId: request.runId,
    intentId: intent.id,
    workflowId: run?.workflow_id ?? null,
    temporalRunId: run?.temporal_run_id ?? null,
    foundByLooking: settled.foundByLooking,
    possibleOverwrite: settled.possibleOverwrite,
  }
}

/** Keeps one open issue per record and cause, and resolves what is no problem any more. */
async function saveIssues(tx: Tx, request: CommitRequest, pairIds: Map<string, string>): Promise<void> {
  const rows = request.items.flatMap((item) => {
    const pairId = pairIds.get(item.key)
    const key = pairId === undefined ? item.key : `pair:${pairId}`
    const [side = '', id = ''] = item.key.split(':')
    const unique = new Map(
      [...(item.problems ?? [])].reverse().map((problem) => [`${problem.code}|${problem.field ?? ''}`, problem]),
    )
    return [...unique.values()].map((problem) => ({
      key,
      left_id: item.pair?.leftId ?? (side === 'left' ? id : null),
      right_id: item.pair?.rightId ?? (side === 'right' ? id : null),
      class: problem.class,
      code: problem.code,
      severity: problem.warning === true ? 'warning' : 'error',
      side: problem.side ?? null,
      field: problem.field ?? '',
      mapping_id: problem.mappingId ?? null,
      // May repeat what a server said, which may repeat what it was sent.
      message: keepableText(problem.message),
      remedy: keepableText(problem.remedy),
      again: item.next.kind === 'again' ? item.next.afterSeconds : null,
    }))
  })
  const touched = request.items.flatMap((item) =>
    item.problems === null
      ? []
      : [
          item.key,
          ...(item.pair === null ? [] : [`left:${item.pair.leftId}`, `right:${item.pair.rightId}`]),
          ...(pairIds.has(item.key) ? [`pair:${pairIds.get(item.key)}`] : []),
        ],
  )
  if (rows.length > 0)
    await tx`
      insert into issues (link_id, key, left_id, right_id, class, code, severity, side, field, mapping_id, message, remedy,
        first_run_id, last_run_id, next_attempt)
      select ${request.linkId}, key, left_id, right_id, class, code, severity, side, field, mapping_id, message, remedy,
        ${request.runId}, ${request.runId}, now() + make_interval(secs => again)
      from jsonb_to_recordset(${json(tx, rows)}) as r(key text, left_id text, right_id text, class text, code text, severity text, side text,
        field text, mapping_id text, message text, remedy text, again float)
      on conflict (link_id, key, code, field) where resolved_at is null do update set
        left_id = excluded.left_id, right_id = excluded.right_id, class = excluded.class, message = excluded.message,
        remedy = excluded.remedy, last_seen = now(), last_run_id = excluded.last_run_id,
        attempts = issues.attempts + 1, next_attempt = excluded.next_attempt`
  // In the order of the index that has the open issues of a key together: another one has all of the link's.
  await byIndex(
    tx,
    tx`
    update issues i set resolved_at = now()
    where i.id = any(array(
        select o.id from unnest(${tx.array([...new Set(touched)])}::text[]) as k(key)
        cross join lateral (
          select o.id from issues o where o.link_id = ${request.linkId} and o.key = k.key and o.resolved_at is null
          order by o.code, o.field offset 0) o))
      and (i.key, i.code, i.field) not in (
        select key, code, field from jsonb_to_recordset(${json(tx, rows)}) as r(key text, code text, field text))`,
  )
}

/**
 * Removes claimed rows at the revision they were claimed at, or makes them due again; gives the leases back. Answers how long
 * the edits have taken so far, by item and side.
 */
async function saveQueue(
  tx: Tx,
  request: CommitRequest,
  claimed: Map<string, ClaimRow['due']>,
  claimedAt: ReadonlyMap<string, number>,
): Promise<Map<string, Partial<Record<Side, HeldEdit>>>> {
  const accounts = new Map<string, Partial<Record<Side, HeldEdit>>>()
  const rows = request.items.flatMap((item) =>
    (claimed.get(item.key) ?? []).map((row) => ({
      ...row,
      key: item.key,
      again: item.next.kind === 'again' ? item.next.afterSeconds : null,
      class: item.next.kind === 'again' ? item.next.class : null,
      // What a person asked for is done once the record was judged as a whole; before that it must not be forgotten.
      judged: item.problems !== null && item.outcome !== 'in-doubt' && item.outcome !== 'waiting',
    })),
  )
  const keys = new Map(rows.map(({ side, id, key }) => [`${side}:${id}`, key]))
  const account = (clock: ClockRow): HeldEdit | null => {
    const key = keys.get(`${clock.side}:${clock.id}`) ?? ''
    const held = accountOf(clock, claimedAt.get(key) ?? clock.now)
    if (held !== null) accounts.set(key, { ...accounts.get(key), [clock.side]: held })
    return held
  }
  if (rows.length > 0) {
    const done = await tx<ClockRow[]>`
      delete from pending p using (
        select * from jsonb_to_recordset(${json(
          tx,
          rows.filter((row) => row.again === null),
        )}) as r(side text, id text, revision bigint)
        limit ${rows.length}) r
      where p.link_id = ${request.linkId} and p.side = r.side and p.external_id = r.id and p.revision = r.revision
      returning ${clockColumns(tx)}`
    for (const clock of done) account(clock)
    const gone = new Set(done.map(({ side, id }) => `${side}:${id}`))
    const left = rows.filter(({ side, id }) => !gone.has(`${side}:${id}`))
    if (left.length > 0) {
      const clocks = await tx<ClockRow[]>`
        select ${clockColumns(tx)} from pending p
        where p.link_id = ${request.linkId} and p.edited_at is not null
          and (p.side, p.external_id) in (select side, id from jsonb_to_recordset(${json(tx, left)}) as r(side text, id text))
        for update`
      const held = new Map(clocks.map((clock) => [`${clock.side}:${clock.id}`, account(clock)]))
      const accounted = left.map((row) => {
        const edit = held.get(`${row.side}:${row.id}`)
        return { ...row, waited: edit?.waited ?? null, accounted: edit?.accountedTo ?? null }
      })
      // A row that was queued anew meanwhile waits with that edit from now on: the one before it has been dealt with.
      await tx`
        update pending p set
          next_attempt_at = case when p.revision = r.revision then now() + make_interval(secs => r.again) else now() end,
          attempts = case when p.revision = r.revision then p.attempts + 1 else 0 end,
          class = case when p.revision = r.revision then r.class end,
          reason = case when p.revision = r.revision and p.reason = 'person' and r.judged then 'retry' else p.reason end,
          edited_at = case when p.revision <> r.revision and r.again is null then p.last_edited_at else p.edited_at end,
          first_seen = case when p.revision <> r.revision and r.again is null then now() else p.first_seen end,
          waited = case when p.revision = r.revision or r.again is not null then nullif(r.waited, 'null') end,
          accounted_to = case when p.revision = r.revision or r.again is not null then to_timestamp(r.accounted / 1000) end
        from jsonb_to_recordset(${json(tx, accounted)}) as r(side text, id text, revision bigint, again float, class text, judged boolean,
          waited jsonb, accounted float)
        where p.link_id = ${request.linkId} and p.side = r.side and p.external_id = r.id`
    }
  }
  // Followed up before anything new, so that the slow writes among them go on beside the quick ones and not after them.
  const followUps = request.items.flatMap((item) => item.followUp)
  if (followUps.length > 0)
    await tx`
      insert into pending (link_id, side, external_id, reason, next_attempt_at)
      select distinct ${request.linkId}::uuid, side, id, 'follow-up', ${beforeAllOthers}::timestamptz
      from jsonb_to_recordset(${json(tx, followUps)}) as r(side text, id text)
      on conflict (link_id, side, external_id) do update set
        revision = pending.revision + 1, next_attempt_at = least(pending.next_attempt_at, now())`
  await tx`delete from claims where link_id = ${request.linkId} and token = ${request.token}
    and key = any(${tx.array(request.items.map((item) => item.key))}::text[])`
  return accounts
}

/** Adds the batch to the run's counters and times: all batches of a run meet at its row. */
function countersOf(tx: Tx, request: CommitRequest, store: number): postgres.PendingQuery<postgres.Row[]> {
  const counts: Partial<Record<keyof RunCounters, number>> = {}
  const add = (name: keyof RunCounters, by = 1) => {
    counts[name] = (counts[name] ?? 0) + by
  }
  for (const item of request.items) {
    add('examined')
    const applied = item.settled.filter((one) => one.outcome === 'applied')
    if (item.outcome === 'created') {
      const created = item.written[0] ?? (item.key.startsWith('left:') ? 'right' : 'left')
      add(created === 'left' ? 'createdLeft' : 'createdRight')
      if (applied.length > 1) add('linkBacks')
    } else if (item.outcome === 'updated') {
      for (const side of new Set(item.written)) add(side === 'left' ? 'updatedLeft' : 'updatedRight')
    } else if (item.outcome === 'deleted') {
      for (const side of item.written) add(side === 'left' ? 'deletedLeft' : 'deletedRight')
    } else if (item.outcome === 'in-doubt') add('inDoubt')
    else add(item.outcome)
  }
  const work = Object.fromEntries(
    Object.entries({ ...request.work, store }).map(([step, ms]) => [step, Math.round(ms)]),
  )
  return tx`
    update runs set counters = counters || (
        select coalesce(jsonb_object_agg(name, coalesce((counters ->> name)::int, 0) + by::int), '{}')
        from jsonb_each_text(${json(tx, counts)}) as added(name, by)),
      work = work || (
        select coalesce(jsonb_object_agg(step, coalesce((work ->> step)::bigint, 0) + ms::bigint), '{}')
        from jsonb_each_text(${json(tx, work)}) as spent(step, ms))
    where id = ${request.runId}`
}
