import type postgres from 'postgres'
import { admit, halvingsLeft, slowedLimit, type Turn } from '../core/fair-share.ts'
import type { ClaimRequest } from '../core/work-items.ts'
import { commitWith, type Database, named } from './connection.ts'
import { defaultEndpointBatches } from './installation.ts'

/** A link that has not asked again for so long does not wait any more. */
const waitsForSeconds = 5

interface SlotState {
  endpoints: { id: string; limit: number; halvings: number; throttledSeconds: number | null; pauseSeconds: number }[]
  total: number | null
  running: { linkId: string; endpoints: string[] }[]
  turns: (Turn & { waits: boolean })[]
}

/**
 * Takes the place of one batch at both endpoints of a link, under a lock that is held for a few short statements. Answers null when
 * it was taken, else for how many milliseconds it is no use to ask again and whether the link has other batches under way.
 * A place is given back with its claim, or runs out with it.
 */
export async function takeBatchSlot(
  { sql }: Database,
  request: Pick<ClaimRequest, 'linkId' | 'leaseSeconds' | 'graceSeconds' | 'asked'>,
  ends: readonly [string, string],
  token: string,
): Promise<{ forMs: number; working: boolean } | null> {
  const { linkId, leaseSeconds, graceSeconds, asked = false } = request
  return named('take batch slot', () =>
    sql.begin(async (tx) => {
      // Sent together, and so is what follows below: everybody waits for the lock meanwhile, which must not wait for us.
      const lock = tx`select pg_advisory_xact_lock(hashtext('tandem batch slots'))`.execute()
      const clearing = tx`
        delete from batch_slots where token in (
          select token from batch_slots where until < now() for update skip locked)`.execute()
      const [, , state] = await Promise.all([lock, clearing, loadState(tx, linkId, ends)])
      const limits = {
        total: state.total,
        endpoints: new Map(
          state.endpoints.map((one) => [
            one.id,
            slowedLimit(one.limit, halvingsLeft(one.halvings, one.throttledSeconds ?? 0)),
          ]),
        ),
      }
      const known = state.turns.find((one) => one.linkId === linkId)
      const claimant: Turn = {
        linkId,
        endpoints: ends,
        asked,
        idleSeconds: known?.idleSeconds ?? null,
        waitingSeconds: known?.waitingSeconds ?? null,
      }
      const waiting = state.turns.filter((one) => one.waits)
      const pause = Math.max(
        0,
        ...state.endpoints.filter((one) => ends.includes(one.id)).map((one) => one.pauseSeconds),
      )
      const { running } = state
      const admission = pause > 0 ? null : admit({ claimant, waiting, running, limits })
      const granted = admission?.granted === true
      const turn = tx`
        insert into batch_turns (link_id, left_id, right_id, asked, granted_at, waiting_since, seen_at)
        values (${linkId}, ${ends[0]}, ${ends[1]}, ${asked}, ${granted ? tx`now()` : null},
          ${granted ? null : tx`now()`}, now())
        on conflict (link_id) do update set left_id = excluded.left_id, right_id = excluded.right_id,
          asked = excluded.asked, granted_at = coalesce(excluded.granted_at, batch_turns.granted_at),
          waiting_since = case when ${granted} then null
            when batch_turns.seen_at < now() - make_interval(secs => ${waitsForSeconds}) then now()
            else coalesce(batch_turns.waiting_since, now()) end,
          seen_at = now()`
      const slot = tx`
        insert into batch_slots (token, link_id, left_id, right_id, until)
        values (${token}, ${linkId}, ${ends[0]}, ${ends[1]},
          now() + make_interval(secs => ${leaseSeconds + graceSeconds}))`
      await commitWith(tx, granted ? [turn, slot] : [turn])
      if (granted) return null
      return {
        forMs: pause > 0 ? Math.ceil(pause * 1_000) : Math.min(2_000, 200 + 50 * waiting.length),
        working: running.some((one) => one.linkId === linkId),
      }
    }),
  )
}

/** A place lasts as long as the leases that it was taken for. */
export async function extendBatchSlot(
  sql: postgres.ISql,
  token: string,
  { leaseSeconds, graceSeconds }: Pick<ClaimRequest, 'leaseSeconds' | 'graceSeconds'>,
): Promise<void> {
  await sql`
    update batch_slots set until = now() + make_interval(secs => ${leaseSeconds + graceSeconds}) where token = ${token}`
}

/** Of all endpoints, or of those that matter to a link: its own, and those of whoever works or waits. */
async function loadState(sql: postgres.ISql, linkId?: string, ends: readonly string[] = []): Promise<SlotState> {
  const [row] = await sql<SlotState[]>`
    with running as (
      select link_id, left_id, right_id from batch_slots where until >= now()
    ), turns as (
      select *, waiting_since is not null and seen_at > now() - make_interval(secs => ${waitsForSeconds}) as waits
      from batch_turns
    ), told as (
      select * from turns where waits or link_id = ${linkId ?? null}
    ), ends as (
      select unnest(${sql.array([...ends])}::uuid[]) as id
      union select unnest(array[left_id, right_id]) from running
      union select unnest(array[left_id, right_id]) from told
    )
    select
      (select coalesce(jsonb_agg(jsonb_build_object('id', e.id,
          'limit', coalesce(e.max_batches, (select endpoint_batches from installation), ${defaultEndpointBatches}),
          'halvings', e.throttle_halvings, 'throttledSeconds', extract(epoch from now() - e.throttled_at)::float,
          'pauseSeconds', greatest(0, coalesce(extract(epoch from e.throttled_until - now())::float, 0)))), '[]')
        from endpoints e where ${linkId === undefined} or e.id in (select id from ends)) as endpoints,
      (select max_batches from installation) as total,
      (select coalesce(jsonb_agg(jsonb_build_object('linkId', link_id, 'endpoints', jsonb_build_array(left_id, right_id))), '[]')
        from running) as running,
      (select coalesce(jsonb_agg(jsonb_build_object('linkId', link_id, 'asked', asked, 'waits', waits,
          'endpoints', jsonb_build_array(left_id, right_id), 'idleSeconds', extract(epoch from now() - granted_at)::float,
          'waitingSeconds', extract(epoch from now() - waiting_since)::float)), '[]')
        from told) as turns`
  if (row === undefined) throw new Error('a select without from answers a row')
  return row
}

/** Gives the place of a batch back; the next link's turn comes with its next question. */
export async function freeBatchSlot(sql: postgres.ISql, token: string): Promise<void> {
  await sql`delete from batch_slots where token = ${token}`
}

/** An endpoint asked for a pause: nobody begins a batch until it is over, and then half as many at a time. */
export async function noteThrottled(
  { sql }: Database,
  { endpointId, waitMs }: { endpointId: string; waitMs: number },
): Promise<void> {
  await named('note throttled', () =>
    sql.begin(async (tx) => {
      const [row] = await tx<{ halvings: number; age: number | null }[]>`
        select throttle_halvings as halvings, extract(epoch from now() - throttled_at)::float as age
        from endpoints where id = ${endpointId} for update`
      if (row === undefined) return
      // Many requests of the same moment are refused together: that is said once.
      const again = row.age === null || row.age > sameMomentSeconds
      await tx`
        update endpoints set throttled_until = greatest(throttled_until, now() + make_interval(secs => ${waitMs / 1_000})),
          throttle_halvings = ${halvingsLeft(row.halvings, row.age ?? 0) + (again ? 1 : 0)},
          throttled_at = case when ${again} then now() else throttled_at end
        where id = ${endpointId}`
    }),
  )
}

const sameMomentSeconds = 5

/** How busy an endpoint is: what its limit comes to now, batches under way, and links that wait for their turn. */
export interface EndpointLoad {
  limit: number
  running: number
  waiting: number
  pausedUntil: string | null
}

export async function loadEndpointLoads({ sql }: Database): Promise<Map<string, EndpointLoad>> {
  const state = await named('endpoint loads', () => loadState(sql))
  const now = Date.now()
  return new Map(
    state.endpoints.map((one) => [
      one.id,
      {
        limit: slowedLimit(one.limit, halvingsLeft(one.halvings, one.throttledSeconds ?? 0)),
        running: state.running.filter((slot) => slot.endpoints.includes(one.id)).length,
        waiting: state.turns.filter((turn) => turn.waits && turn.endpoints.includes(one.id)).length,
        pausedUntil:
          one.pauseSeconds > 0 ? `${new Date(now + one.pauseSeconds * 1_000).toISOString().slice(0, 19)}Z` : null,
      },
    ]),
  )
}
