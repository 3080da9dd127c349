import type postgres from 'postgres'
import type { IntentInput } from '../core/intents.ts'
import { linkConfiguration } from '../core/link-config.ts'
import type { Side } from '../core/values.ts'
import { type Database, named } from './connection.ts'
import { appendLedger, chainOf } from './ledger.ts'
import { tellBrakeOpened } from './outbox.ts'

/** `look-alikes`: a first run would create records that seem to be there already. */
export type BrakeKind = CountedKind | 'look-alikes'
type CountedKind = 'changes' | 'deletions'
type Tx = postgres.TransactionSql
const kinds: readonly CountedKind[] = ['changes', 'deletions']

/** Opens the brake of a kind, or learns more about the one that is open. */
export async function openBrake(
  tx: Tx,
  input: {
    linkId: string
    kind: BrakeKind
    runId: string | null
    allowed: number
    pairs: number
    absent?: { side: Side; count: number }
    firstRun?: boolean
  },
): Promise<void> {
  const [row] = await tx<{ id: string; fresh: boolean }[]>`
    insert into brakes (link_id, kind, run_id, side, absent, allowed, pairs, first_run)
    values (${input.linkId}, ${input.kind}, ${input.runId}, ${input.absent?.side ?? null}, ${input.absent?.count ?? 0},
      ${input.allowed}, ${input.pairs}, ${input.firstRun ?? false})
    on conflict (link_id, kind) where approved_at is null do update set
      side = coalesce(excluded.side, brakes.side), absent = greatest(excluded.absent, brakes.absent)
    returning id, xmax = 0 as fresh`
  if (row?.fresh === true) await tellBrakeOpened(tx, input.linkId, row.id)
}

/** What was approved and no run has used up yet. */
export async function approvedCount(tx: postgres.ISql, linkId: string, kind: BrakeKind): Promise<number> {
  const [row] = await tx<{ count: number }[]>`
    select coalesce(sum(approved_count), 0)::int as count from brakes
    where link_id = ${linkId} and kind = ${kind} and approved_at is not null and used_up_at is null`
  return row?.count ?? 0
}

/**
 * Sets what a run may write by itself: the link's limits and what was approved. The first run of a link is approved by a
 * simulation of the same version: so many more changes are allowed as that showed, and a brake that waited for it opens.
 */
export async function setRunLimits(tx: Tx, linkId: string, runId: string): Promise<void> {
  const [row] = await tx<{ configuration: unknown; pairs: number; first: boolean; simulated: number | null }[]>`
    select v.configuration,
      (select count(*)::int from pairs p where p.endpoint_pair_id = l.endpoint_pair_id and p.gone_side is null
        and p.entity_type = v.configuration ->> 'entityType') as pairs,
      ${isFirstRun(tx, linkId)} as first,
      (select count(*)::int * coalesce((select (m.summary ->> 'oneIn')::int from simulations m where m.run_id = s.run_id), 1)
        from simulated_items s where s.action like 'create-%' or s.action like 'update-%'
          or jsonb_array_length(coalesce(s.item -> 'sent', '[]')) > 0
        group by s.run_id having s.run_id = (
          select q.id from runs q where q.link_id = l.id and q.kind = 'simulation' and q.status in ('passed', 'with-errors')
            and q.version = r.version order by q.started_at desc limit 1)) as simulated
    from runs r join links l on l.id = r.link_id join link_versions v on v.link_id = l.id and v.version = r.version
    where r.id = ${runId} and r.brake is null and r.kind in ('incremental', 'full')`
  if (row === undefined) return
  const { brake } = linkConfiguration.parse(row.configuration)
  const bySimulation = row.first ? (row.simulated ?? 0) : 0
  if (bySimulation > 0)
    await approve(tx, {
      linkId,
      kind: 'changes',
      count: 0,
      actor: 'tandem',
      reason: `A simulation of this version showed ${bySimulation} changes for the first run.`,
    })
  const limits: Record<string, { limit: number; used: number }> = {}
  for (const kind of kinds) {
    const { count, share } = brake[kind]
    const limit = Math.max(count, Math.floor(share * row.pairs)) + (await approvedCount(tx, linkId, kind))
    limits[kind] = { limit: limit + (kind === 'changes' ? bySimulation : 0), used: 0 }
  }
  await tx`update runs set brake = ${tx.json(limits)} where id = ${runId}`
}

/** No synchronization of the link has ended by itself without having been braked. */
export function isFirstRun(tx: postgres.ISql, linkId: string) {
  return tx`not exists (select 1 from runs f where f.link_id = ${linkId} and f.kind in ('incremental', 'full')
    and f.status in ('passed', 'with-errors') and not exists (
      select 1 from brakes b where b.link_id = f.link_id and b.run_id = f.id and b.first_run))`
}

/** Has no synchronization of the link ended by itself? */
export async function isFirst({ sql }: Database, linkId: string): Promise<boolean> {
  const [row] = await named('first run', () => sql<{ first: boolean }[]>`select ${isFirstRun(sql, linkId)} as first`)
  return row?.first === true
}

/**
 * Of the pairs that are about to be updated, those whose record this very run has created. It was counted then: what the
 * created record's own server filled in, what flows back because of that, and its files complete the creation.
 */
export async function createdInRun(
  tx: Tx,
  input: { runId: string; intents: readonly IntentInput[] },
): Promise<Set<string>> {
  const ids = input.intents.flatMap(({ key, action }) =>
    (action === 'update' || action === 'attachment' || action === 'comment') && key.startsWith('pair:')
      ? [key.slice('pair:'.length)]
      : [],
  )
  if (ids.length === 0) return new Set()
  // Looked up by pair: by its run, the whole run would be read for every batch.
  const rows = await tx<{ id: string }[]>`
    select k.id from unnest(${tx.array(ids)}::uuid[]) as k(id)
    cross join lateral (
      select 1 from ledger e where e.pair_id = k.id and e.at >= (select started_at from runs where id = ${input.runId})
        and e.action = 'create' and e.run_id::text = ${input.runId}::text limit 1) created`
  return new Set(rows.map((row) => `pair:${row.id}`))
}

/** What counts of a batch's intents: a record's comments on one side are one change, as a text of them would be. */
function countedOf(intents: readonly IntentInput[]): IntentInput[] {
  const commented = new Set<string>()
  return intents.filter(({ action, key, side }) => {
    if (action !== 'comment') return action !== 'link-back'
    if (commented.has(`${side} ${key}`)) return false
    commented.add(`${side} ${key}`)
    return true
  })
}

const kindOf = ({ action }: IntentInput): CountedKind => (action === 'delete' ? 'deletions' : 'changes')

/**
 * Counts what is about to be written, when all of it is within what the run may do and no brake of its kind is open; the
 * second statement answers a row then, and puts down the store's answer to the call. Else nothing is counted, and `heldKeys`
 * tells what must wait. To be sent as the last things of a transaction: the first locks the run's row, the second sees what
 * those did who held it before.
 */
export function countWithinLimits(
  tx: Tx,
  input: { linkId: string; runId: string; intents: readonly IntentInput[]; callId: string },
  answer: readonly string[],
): postgres.PendingQuery<postgres.Row[]>[] {
  const counted = countedOf(input.intents)
  if (counted.length === 0)
    return [tx`insert into store_calls (id, answer) values (${input.callId}, ${tx.json(answer)}) returning 1`]
  const needs = { changes: 0, deletions: 0 }
  for (const intent of counted) needs[kindOf(intent)]++
  const used = (kind: CountedKind) => tx`((brake -> ${kind} ->> 'used')::int + ${needs[kind]}::int)`
  const fits = (kind: CountedKind) =>
    tx`(${needs[kind]}::int = 0 or ${used(kind)} <= (brake -> ${kind} ->> 'limit')::int)`
  return [
    tx`select 1 from runs where id = ${input.runId} for update`,
    tx`
    with counted as (
      update runs set brake = jsonb_set(jsonb_set(brake, '{changes,used}', to_jsonb(${used('changes')})),
        '{deletions,used}', to_jsonb(${used('deletions')}))
      where id = ${input.runId} and (brake is null or (${fits('changes')} and ${fits('deletions')} and not exists (
        select 1 from brakes where link_id = ${input.linkId} and approved_at is null
          and kind = any(${tx.array(kinds.filter((kind) => needs[kind] > 0))}::text[]))))
      returning 1
    )
    insert into store_calls (id, answer) select ${input.callId}, ${tx.json(answer)} from counted returning 1`,
  ]
}

/**
 * Counts what is about to be written against what the run may do. Answers the keys whose writes must wait: of a kind whose
 * brake is open, or beyond the limit, which opens it. Link-backs are not counted; they wait with the rest of their item.
 */
export async function heldKeys(
  tx: Tx,
  input: { linkId: string; runId: string; intents: readonly IntentInput[] },
): Promise<Set<string>> {
  const held = new Set<string>()
  const counted = countedOf(input.intents)
  if (counted.length === 0) return held
  const [run] = await tx<{ brake: Record<CountedKind, { limit: number; used: number }> | null }[]>`
    select brake from runs where id = ${input.runId} for update`
  if (run === undefined || run.brake === null) return held
  const limits = run.brake
  const open = await tx<{ kind: BrakeKind }[]>`
    select kind from brakes where link_id = ${input.linkId} and approved_at is null`
  const closed = new Set(open.map((row) => row.kind))
  const byKey = new Map<string, IntentInput[]>()
  for (const intent of counted) byKey.set(intent.key, [...(byKey.get(intent.key) ?? []), intent])
  for (const [key, intents] of byKey) {
    const needs = { changes: 0, deletions: 0 }
    for (const intent of intents) needs[kindOf(intent)]++
    const beyond = kinds.filter(
      (kind) => needs[kind] > 0 && (closed.has(kind) || limits[kind].used + needs[kind] > limits[kind].limit),
    )
    if (beyond.length > 0) held.add(key)
    else for (const kind of kinds) limits[kind].used += needs[kind]
    for (const kind of beyond) {
      if (closed.has(kind)) continue
      closed.add(kind)
      const [facts] = await tx<{ pairs: number; first: boolean }[]>`
        select (select count(*)::int from pairs p where p.endpoint_pair_id = l.endpoint_pair_id) as pairs,
          ${isFirstRun(tx, input.linkId)} as first from links l where l.id = ${input.linkId}`
      await openBrake(tx, {
        linkId: input.linkId,
        kind,
        runId: input.runId,
        allowed: limits[kind].limit,
        pairs: facts?.pairs ?? 0,
        firstRun: kind === 'changes' && facts?.first === true,
      })
    }
  }
  await tx`update runs set brake = ${tx.json(limits)} where id = ${input.runId}`
  const rows = counted.filter((intent) => held.has(intent.key)).map(({ key, action, side }) => ({ key, action, side }))
  if (rows.length > 0)
    await tx`
      insert into braked_writes (link_id, key, action, side, run_id)
      select distinct ${input.linkId}::uuid, key, action, side, ${input.runId}::uuid
      from jsonb_to_recordset(${tx.json(rows)}) as r(key text, action text, side text)
      on conflict (link_id, key, action, side) do update set run_id = excluded.run_id`
  return held
}

/** A brake that waits for somebody, as people see it. */
export interface OpenBrake {
  id: string
  kind: BrakeKind
  runId: string | null
  openedAt: string
  allowed: number
  pairs: number
  firstRun: boolean
  /** How many writes, or missing records, wait. */
  held: number
  /** By action: `create-right`, `update-left`, `delete-right`, `missing-left`. */
  counts: Record<string, number>
  message: string
  remedy: string
}

/** The open brakes of a link with what they hold. */
export async function listBrakes(sql: postgres.ISql, linkId: string): Promise<OpenBrake[]> {
  const rows = await sql<
    (Omit<OpenBrake, 'held' | 'counts' | 'message' | 'remedy'> & {
      side: Side | null
      absent: number
      writes: Record<string, number> | null
    })[]
  >`
    select b.id, b.kind, b.run_id as "runId", b.allowed, b.pairs, b.first_run as "firstRun", b.side, b.absent,
      to_char(b.opened_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "openedAt",
      (select jsonb_object_agg(w.name, w.count) from (
        select action || '-' || side as name, count(*)::int as count from braked_writes
        where link_id = b.link_id and (action = 'delete') = (b.kind = 'deletions') group by 1) w) as writes
    from brakes b where b.link_id = ${linkId} and b.approved_at is null order by b.kind`
  return rows.map(({ side, absent, writes, ...brake }) => {
    const looksLike = brake.kind === 'look-alikes'
    const found = looksLike ? 'look-alike' : 'missing'
    const counts = { ...(looksLike ? {} : writes), ...(side === null ? {} : { [`${found}-${side}`]: absent }) }
    const held = Object.values(counts).reduce((sum, count) => sum + count, 0)
    return { ...brake, counts, held, ...words(brake, held, counts) }
  })
}

function words(
  brake: { kind: BrakeKind; allowed: number; pairs: number; firstRun: boolean },
  held: number,
  counts: Record<string, number>,
): { message: string; remedy: string } {
  const listed = Object.entries(counts)
    .map(([action, count]) => `${count} ${action}`)
    .join(', ')
  const approve = 'approve them with a reason: tandem link approve <link> --reason "..."'
  if (brake.kind === 'look-alikes')
    return {
      message: `This would be the first run, and of ${brake.pairs} records that it would create ${held} look like records without twin that are there already (${listed}). Nothing is created until somebody has looked.`,
      remedy:
        'Pair what exists on both sides: tandem link adopt <link>. If they are different records, agree to them: tandem link approve <link> --kind look-alikes --reason "...".',
    }
  if (brake.firstRun)
    return {
      message: `The first run may write ${brake.allowed} changes by itself; ${held} more wait (${listed}).`,
      remedy: `A first run is approved by its simulation: tandem link simulate <link>, look at it, and run again; or ${approve}.`,
    }
  return {
    message: `A run may make ${brake.allowed} ${brake.kind} of ${brake.pairs} pairs by itself; ${held} wait for approval (${listed}). Nothing of that kind is done until then; the rest goes on.`,
    remedy:
      brake.kind === 'deletions'
        ? `See whether the project, the rights of the integration user or a filter has changed. If the records were really deleted, ${approve}.`
        : `Look at what changed so much at once. If it is meant, ${approve}.`,
  }
}

async function approve(
  tx: Tx,
  input: { linkId: string; kind: BrakeKind; count: number; actor: string; reason: string; brakeId?: string },
): Promise<boolean> {
  const [row] = await tx<{ id: string; run_id: string | null }[]>`
    update brakes set approved_at = now(), approved_by = ${input.actor}, approval_reason = ${input.reason},
      approved_count = ${input.count}
    where link_id = ${input.linkId} and kind = ${input.kind} and approved_at is null
      and ${input.brakeId === undefined ? tx`true` : tx`id = ${input.brakeId}`} returning id, run_id`
  if (row === undefined) return false
  if (input.kind !== 'look-alikes')
    await tx`delete from braked_writes where link_id = ${input.linkId} and (action = 'delete') = ${input.kind === 'deletions'}`
  await tx`update pending set next_attempt_at = now(), class = null where link_id = ${input.linkId} and class = 'braked'`
  await tx`
    update issues set resolved_at = now() where link_id = ${input.linkId} and key = 'link'
      and code = ${`brake-${input.kind}`} and resolved_at is null`
  await appendLedger(tx, chainOf(input.linkId), [
    {
      kind: 'command',
      action: 'approve',
      linkId: input.linkId,
      content: { brakeId: row.id, kind: input.kind, run: row.run_id, count: input.count, reason: input.reason },
      actor: input.actor,
      runId: row.run_id,
    },
  ])
  return true
}

/** Ends a brake that nobody had to agree to: nothing of it is approved. */
export async function closeBrake(tx: Tx, linkId: string, kind: BrakeKind): Promise<void> {
  const reason = 'It is over by itself.'
  const closed = await approve(tx, { linkId, kind, count: 0, actor: 'tandem', reason })
  if (closed)
    await tx`update brakes set used_up_at = now() where link_id = ${linkId} and kind = ${kind} and used_up_at is null`
}

/** Approves a brake as it was shown; `changed` when it holds more by now, `none` when it is not open any more. */
export async function approveBrake(
  { sql }: Database,
  input: { linkId: string; brakeId: string; held: number; actor: string; reason: string },
): Promise<'approved' | 'changed' | 'none'> {
  return named('approve brake', () =>
    sql.begin(async (tx) => {
      await tx`select 1 from brakes where id = ${input.brakeId} for update`
      const brake = (await listBrakes(tx, input.linkId)).find((one) => one.id === input.brakeId)
      if (brake === undefined) return 'none'
      if (brake.held > input.held) return 'changed'
      await approve(tx, { ...input, kind: brake.kind, count: brake.held })
      return 'approved'
    }),
  )
}

/** Tells the open brakes of a link as issues, at the end of a run that they held something up in; approvals are used up. */
export async function tellBrakes(tx: Tx, linkId: string, runId: string, ended: boolean): Promise<string | null> {
  if (ended)
    await tx`
    update brakes set used_up_at = now() where link_id = ${linkId} and used_up_at is null
      and approved_at < (select started_at from runs where id = ${runId})`
  const messages: string[] = []
  for (const brake of await listBrakes(tx, linkId)) {
    const [fresh] = await tx<{ yes: boolean }[]>`
      select ${brake.runId} is not distinct from ${runId}
        or exists (select 1 from braked_writes where link_id = ${linkId} and run_id = ${runId})
        or not exists (select 1 from issues where link_id = ${linkId} and key = 'link'
          and code = ${`brake-${brake.kind}`} and resolved_at is null) as yes`
    if (fresh?.yes !== true) continue
    messages.push(`${brake.message} ${brake.remedy}`)
    await tellIssue(tx, {
      linkId,
      runId,
      class: 'braked',
      code: `brake-${brake.kind}`,
      message: brake.message,
      remedy: brake.remedy,
    })
  }
  return messages.length === 0 ? null : messages.join(' ')
}

/** An issue of the link as a whole. */
export async function tellIssue(
  tx: postgres.ISql,
  issue: {
    linkId: string
    runId: string
    class: 'braked' | 'restored'
    code: string
    side?: Side
    message: string
    remedy: string
  },
): Promise<void> {
  await tx`
    insert into issues (link_id, key, class, code, side, message, remedy, first_run_id, last_run_id)
    values (${issue.linkId}, 'link', ${issue.class}, ${issue.code}, ${issue.side ?? null}, ${issue.message},
      ${issue.remedy}, ${issue.runId}, ${issue.runId})
    on conflict (link_id, key, code, field) where resolved_at is null do update set message = excluded.message,
      remedy = excluded.remedy, last_seen = now(), last_run_id = excluded.last_run_id, attempts = issues.attempts + 1`
}
