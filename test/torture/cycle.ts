import { randomUUID } from 'node:crypto'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { approveBrake, listBrakes } from '../../db/brakes.ts'
import { acceptRestored, listRestored } from '../../db/restored.ts'
import type { Lab, Shell } from '../lab.ts'
import type { History } from './history.ts'
import { type DeathPoint, type Mortal, mortal } from './mortal.ts'
import type { Verdict } from './verdict.ts'

/** Deaths are what is being tried here, not news. */
const quiet = new DefaultLogger('ERROR')

export interface Work {
  death: DeathPoint | null
  /** Reconciles at the same time. */
  parallel: number
  plant?: Shell | undefined
  /** `all`: complete listings, the evidence for what is gone and for what had escaped. */
  extent?: 'changes' | 'all'
}

/** One cycle of one worker process: scan both sides, reconcile until it has nothing to do or dies. */
export async function work(lab: Lab, history: History, how: Work): Promise<Mortal> {
  const body = mortal(how.death, how.plant)
  const { activities } = lab.createWorker(body.shell)
  const { linkId } = lab
  const runId = randomUUID()
  history.beginCycle()
  await lab.store.beginRun({
    runId,
    linkId,
    kind: 'incremental',
    trigger: 'automatic',
    actor: 'tandem',
    version: 1,
    temporal: { workflowId: `run-${runId}`, runId },
  })
  const step = (call: () => Promise<unknown>) =>
    new MockActivityEnvironment(undefined, { logger: quiet }).run(call).catch(() => undefined)
  const extent = how.extent ?? 'changes'
  await Promise.all(
    (['left', 'right'] as const).map((side) =>
      step(() => activities.scan({ linkId, runId, version: 1, side, extent })),
    ),
  )
  await Promise.all(
    Array.from({ length: how.parallel }, () => step(() => activities.reconcile({ linkId, runId, version: 1 }))),
  )
  return body
}

const hourMs = 3_600_000

/**
 * Lets an hour pass, in the database and on both servers' clocks: leases run out, waits are over, unanswered creates are old
 * enough. Only called while no worker runs; requests that a server still holds are carried out before the hour is over.
 */
export async function timePasses(lab: Lab, history?: History): Promise<void> {
  const carryOut = () => {
    for (const { faults } of [lab.alm, lab.octane]) faults.releaseHeld()
  }
  if (history === undefined) carryOut()
  else history.carryingOut(carryOut)
  // Nobody used the sessions of dead workers meanwhile: they end, and the locks they held with them.
  lab.alm.expireSessions()
  for (const { clock } of [lab.alm, lab.octane]) clock.set({ offsetMs: clock.setting().offsetMs + hourMs })
  const { sql } = lab.database
  await sql`update claims set lease_until = lease_until - interval '1 hour', grace_until = grace_until - interval '1 hour'`
  await sql`update batch_slots set until = until - interval '1 hour'`
  await sql`update pending set next_attempt_at = next_attempt_at - interval '1 hour', first_seen = first_seen - interval '1 hour'`
  await sql`update intents set created_at = created_at - interval '1 hour'`
  await sql`update absences set first_missing = first_missing - interval '1 hour'`
  await sql`update scan_epochs set started_at = started_at - interval '1 hour', completed_at = completed_at - interval '1 hour'`
}

/** What lies in the queue, apart from times: equal twice in a row, nothing moves any more. */
async function standing(lab: Lab): Promise<string> {
  const { sql } = lab.database
  const rows = await sql`
    select 'pending' as what, side, external_id as id from pending
    union all select 'intent', side, id::text from intents
    union all select 'absence', side, external_id || ' ' || least(listings, 3) from absences order by 1, 2, 3`
  return JSON.stringify(rows)
}

/** Somebody looks at what the brake holds, and at a side that seemed to have gone back in time, and agrees. */
async function approveAll(lab: Lab): Promise<void> {
  const { database, linkId } = lab
  for (const { side } of await listRestored(database, linkId))
    await acceptRestored(database, { linkId, side, actor: 'ann', reason: 'records had been hidden' })
  for (const brake of await listBrakes(database.sql, linkId))
    await approveBrake(database, { linkId, brakeId: brake.id, held: brake.held, actor: 'ann', reason: 'all is well' })
}

/** Works on until nothing is due and nothing moves. False: it never came to rest. */
export async function untilQuiet(lab: Lab, history: History, how: Partial<Work> = {}): Promise<boolean> {
  let before = ''
  for (let round = 0; round < 30; round++) {
    if (how.extent === 'all') await approveAll(lab)
    await timePasses(lab, history)
    const length = history.length()
    await work(lab, history, { death: null, parallel: 1, ...how })
    const queue = await lab.store.queueState(lab.linkId)
    // Evidence of a deletion takes listings an hour apart.
    if (how.extent !== 'all' && queue.due + queue.leased + queue.waiting === 0 && round > 0) return true
    const now = await standing(lab)
    if (how.extent === 'all' && round > 2 && history.length() === length && now === before) return true
    before = now
  }
  return false
}

/** I5: one more cycle after everything was quiet. */
export async function furtherCycle(lab: Lab, history: History, verdict: Verdict, how: Partial<Work> = {}) {
  const before = history.length()
  await work(lab, history, { death: null, parallel: 1, ...how })
  const written = history.entries(before).filter((entry) => entry.via === 'rest')
  verdict.tried('I5')
  for (const entry of written.slice(0, 5))
    verdict.broken(
      'I5',
      `a cycle after everything was quiet wrote ${entry.system} ${entry.type} ${entry.id}: ${entry.changed.join(', ')}`,
    )
}
