import type postgres from 'postgres'
import type { Store } from '../core/store.ts'
import { type Side, sides } from '../core/values.ts'
import { closeBrake, isFirstRun, openBrake } from './brakes.ts'
import { type Database, named } from './connection.ts'
import { loadLinkKeys } from './store-queue.ts'

/** Records that a first run is about to create, some at random; null where nothing has to be compared. */
export async function sampleFirstRun(
  { sql }: Database,
  { linkId, runId, limit }: Parameters<Store['firstRunSample']>[0],
): Promise<Readonly<Record<Side, string[]>> | null> {
  return named('first run sample', async () => {
    const keys = await loadLinkKeys(sql, linkId)
    const [state] = await sql<{ first: boolean; agreed: boolean }[]>`
      select ${isFirstRun(sql, linkId)} as first, exists (
        select 1 from brakes where link_id = ${linkId} and kind = 'look-alikes' and approved_at is not null
          and used_up_at is null) as agreed
      from runs where id = ${runId}`
    if (state === undefined || !state.first || state.agreed) return null
    const [left, right] = await Promise.all(
      sides.map(
        (side) => sql<{ id: string }[]>`
          select p.external_id as id from pending p
          where p.link_id = ${linkId} and p.side = ${side} and not exists (
              select 1 from records r where r.endpoint_id = ${keys[side].endpointId} and r.entity_type = ${keys[side].entityType}
                and r.external_id = p.external_id and r.pair_id is not null)
          order by random() limit ${limit}`,
      ),
    )
    return { left: (left ?? []).map(({ id }) => id), right: (right ?? []).map(({ id }) => id) }
  })
}

/** Opens the stop, or ends one that is over. While it is open, what would be created rests. */
export async function noteLookAlikes(
  { sql }: Database,
  { linkId, runId, side, looked, alike, stop }: Parameters<Store['noteLookAlikes']>[0],
): Promise<void> {
  await named('note look-alikes', () =>
    sql.begin(async (tx) => {
      if (!stop) {
        await releaseLookAlikes(tx, linkId)
        return
      }
      await openBrake(tx, {
        linkId,
        kind: 'look-alikes',
        runId,
        allowed: 0,
        pairs: looked,
        absent: { side, count: alike },
        firstRun: true,
      })
      await tx`
        update pending set next_attempt_at = now() + interval '1 day', class = 'braked'
        where link_id = ${linkId} and next_attempt_at <= now()`
    }),
  )
}

/** The next run compares again: nothing was agreed to, but much may have been paired. */
export async function releaseLookAlikes(tx: postgres.TransactionSql, linkId: string): Promise<void> {
  await closeBrake(tx, linkId, 'look-alikes')
}
