import type postgres from 'postgres'
import type { CommitRequest } from '../core/commits.ts'
import { StoreError } from '../core/store.ts'
import type { Side } from '../core/values.ts'
import type { ItemOutcome, RequestedOutcome, RequestedRecord } from '../core/work-items.ts'
import { type Database, named } from './connection.ts'
import { appendLedger, chainOf } from './ledger.ts'
import { loadLinkKeys } from './store-queue.ts'

type Tx = postgres.ISql

/**
 * Queues records that a person asked for, before all others and also out of their back-off, with the command's ledger row in
 * the same transaction. A repeat with the same run id changes nothing.
 */
export async function requestRecords(
  { sql }: Database,
  input: { linkId: string; runId: string; actor: string; records: readonly { side: Side; id: string }[] },
): Promise<void> {
  await named('request records', () =>
    sql.begin(async (tx) => {
      const [known] = await tx`select 1 from requested_records where run_id = ${input.runId} limit 1`
      if (known !== undefined) return
      await queueForPerson(tx, input.linkId, input.runId, input.records)
      await appendLedger(tx, chainOf(input.linkId), [
        {
          kind: 'command',
          action: 'run records',
          linkId: input.linkId,
          content: { records: input.records.map(({ side, id }) => ({ side, id })) },
          actor: input.actor,
        },
      ])
    }),
  )
}

/** What an interrupted run left of its request becomes the request of another run. */
export async function repeatRequest(
  { sql }: Database,
  input: { linkId: string; from: string; runId: string },
): Promise<void> {
  await named('repeat request', () =>
    sql.begin(async (tx) => {
      const [known] = await tx`select 1 from requested_records where run_id = ${input.runId} limit 1`
      if (known !== undefined) return
      const records = await tx<{ side: Side; id: string }[]>`
        select side, external_id as id from requested_records where run_id = ${input.from} and not settled order by position`
      await queueForPerson(tx, input.linkId, input.runId, records)
    }),
  )
}

async function queueForPerson(
  tx: Tx,
  linkId: string,
  runId: string,
  records: readonly { side: Side; id: string }[],
): Promise<void> {
  const rows = records.map(({ side, id }, position) => ({ side, id, position }))
  // Due since the epoch: whichever run claims next takes them first.
  await tx`
    with asked as (
      select * from jsonb_to_recordset(${tx.json(rows)}) as r(side text, id text, position int)
    ), queued as (
      insert into pending (link_id, side, external_id, reason, next_attempt_at)
      select ${linkId}, side, id, 'person', 'epoch' from asked order by side, id
      on conflict (link_id, side, external_id) do update set
        revision = pending.revision + 1, next_attempt_at = 'epoch', attempts = 0, reason = 'person'
      returning side, external_id, revision
    )
    insert into requested_records (run_id, link_id, side, external_id, position, revision)
    select ${runId}, ${linkId}, a.side, a.id, a.position, q.revision
    from asked a join queued q on q.side = a.side and q.external_id = a.id`
}

export async function loadRequestedRecords({ sql }: Database, runId: string): Promise<RequestedRecord[]> {
  return named(
    'load requested records',
    () => sql<RequestedRecord[]>`
      select side, external_id as id, outcome, settled from requested_records where run_id = ${runId} order by position`,
  )
}

/** Takes unknown records out of the queue and says so; what is paired is judged like any other record. */
export async function noteUnknownRecords(
  { sql }: Database,
  input: { runId: string; side: Side; ids: readonly string[] },
): Promise<void> {
  await named('note unknown records', () =>
    sql.begin(async (tx) => {
      const [request] = await tx<{ link_id: string }[]>`
        select link_id from requested_records where run_id = ${input.runId} limit 1`
      if (request === undefined) throw new StoreError('run-not-found', `Nothing was asked of run ${input.runId}.`)
      const keys = await loadLinkKeys(tx as unknown as postgres.Sql, request.link_id)
      const { endpointId, entityType } = keys[input.side]
      // What was being created for a vanished record is still settled by the judge.
      await tx`
        with unknown as (
          update requested_records q set outcome = 'unknown', settled = true
          where q.run_id = ${input.runId} and q.side = ${input.side} and q.external_id = any(${tx.array([...input.ids])}::text[])
            and not exists (
              select 1 from records r where r.endpoint_id = ${endpointId} and r.entity_type = ${entityType}
                and r.external_id = q.external_id and r.pair_id is not null)
          returning q.external_id, q.revision
        )
        delete from pending p using unknown u
        where p.link_id = ${request.link_id} and p.side = ${input.side} and p.external_id = u.external_id
          and p.revision = u.revision
          and not exists (select 1 from claims c where c.link_id = p.link_id and c.key = p.side || ':' || p.external_id)
          and not exists (select 1 from intents i where i.link_id = p.link_id and i.key = p.side || ':' || p.external_id)`
    }),
  )
}

/** Outcomes after which a record is not looked at again within the run that was asked for it. */
const final: ReadonlySet<ItemOutcome> = new Set([
  'unchanged',
  'created',
  'updated',
  'adopted',
  'declined',
  'held',
  'failed',
])

/** Tells everybody who asked for a record of the batch what became of it, whichever run looked. */
export async function answerRequests(
  tx: Tx,
  request: CommitRequest,
  claimed: ReadonlyMap<string, readonly { side: Side; id: string; revision: number }[]>,
): Promise<void> {
  const rows = request.items.flatMap((item) =>
    (claimed.get(item.key) ?? []).map(({ side, id, revision }) => ({
      side,
      id,
      revision,
      outcome: item.outcome satisfies RequestedOutcome,
      // A write that is looked at again, such as one found applied, has more to come.
      settled: final.has(item.outcome) && !(item.next.kind === 'again' && item.next.afterSeconds === 0),
    })),
  )
  if (rows.length === 0) return
  await tx`
    update requested_records q set settled = r.settled, outcome = case
      when r.outcome = 'unchanged' and q.outcome in ('created', 'updated', 'adopted') then q.outcome else r.outcome end
    from jsonb_to_recordset(${tx.json(rows)}) as r(side text, id text, revision bigint, outcome text, settled boolean)
    where q.link_id = ${request.linkId} and not q.settled and q.side = r.side and q.external_id = r.id
      and q.revision <= r.revision`
}

export interface RequestedRecordRow extends RequestedRecord {
  /** The record's twin on the other side; null: not paired. */
  twinId: string | null
  /** Open issues about the record. */
  issueIds: string[]
}

/** What became of each record that a run was asked for, with its twin and its open issues. */
export async function listRequestedRecords({ sql }: Database, runId: string): Promise<RequestedRecordRow[]> {
  return named(
    'list requested records',
    () => sql<RequestedRecordRow[]>`
      select q.side, q.external_id as id, q.outcome, q.settled,
        case q.side when 'left' then p.right_id else p.left_id end as "twinId",
        array(select i.id from issues i where i.link_id = q.link_id and i.resolved_at is null
          and q.external_id = case q.side when 'left' then i.left_id else i.right_id end order by i.last_seen desc) as "issueIds"
      from requested_records q
      join links l on l.id = q.link_id
      join link_versions v on v.link_id = l.id and v.version = l.version
      left join pairs p on p.endpoint_pair_id = l.endpoint_pair_id and p.entity_type = v.configuration ->> 'entityType'
        and q.external_id = case q.side when 'left' then p.left_id else p.right_id end
      where q.run_id = ${runId} order by q.position`,
  )
}
