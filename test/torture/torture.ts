import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import type { FaultKind } from '../../sandbox/common/faults.ts'
import type { TestDatabase } from '../database.ts'
import { createLab, type Lab, type LabOptions, type Shell } from '../lab.ts'
import { createEditors } from './editors.ts'
import { followHistory, type History } from './history.ts'
import { judgeWorld, type Violation } from './invariants.ts'
import { type DeathPoint, mortal } from './mortal.ts'
import { type Chance, createChance } from './random.ts'

export interface TortureOptions {
  seed: number
  /** Cycles of edits, faults and deaths before everything is left to come to rest. */
  cycles: number
  /** What may go wrong; none: only people who edit at the same time. */
  faults: readonly FaultKind[]
  deaths: boolean
  lab?: LabOptions
  /** A deliberate defect in every worker, which the judge must find. */
  plant?: (lab: Lab) => Shell
  createDatabase?: () => Promise<TestDatabase>
}

export interface TortureReport {
  seed: number
  cycles: number
  edits: number
  deaths: number
  faults: number
  writes: number
  violations: Violation[]
  /** What lay in the database and what was written, when an invariant did not hold. */
  evidence?: string[]
}

/** Faults after which a write may be carried out although its caller was told nothing, or something else. */
export const everyFault: readonly FaultKind[] = [
  'error-before',
  'error-after',
  'slow',
  'drop',
  'drop-after',
  'unauthorized',
  'throttle',
  'unavailable',
]

/** Records in each system at the start: few, so that people meet each other and the worker. */
const startingRecords = 6

/**
 * One world from its first record to rest: people edit both systems while workers synchronize, requests go wrong and
 * workers die; then everything is left alone until nothing is due, and the invariants are judged.
 */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const chance = createChance(options.seed)
  const lab = await createLab({
    ...options.lab,
    ...(options.createDatabase === undefined ? {} : { createDatabase: options.createDatabase }),
    alm: { defects: startingRecords, seed: options.seed, ...options.lab?.alm },
    octane: { defects: startingRecords, seed: options.seed, ...options.lab?.octane },
  })
  try {
    return await inWorld(lab, chance, options)
  } finally {
    await lab.close()
  }
}

async function inWorld(lab: Lab, chance: Chance, options: TortureOptions): Promise<TortureReport> {
  const history = followHistory(lab)
  const editors = createEditors(lab, chance)
  const plant = options.plant?.(lab)
  const report: TortureReport = {
    seed: options.seed,
    cycles: options.cycles,
    edits: 0,
    deaths: 0,
    faults: 0,
    writes: 0,
    violations: [],
  }
  for (let cycle = 0; cycle < options.cycles; cycle++) {
    const planned = chance.below(6) + 1
    for (let index = 0; index < planned; index++) editors.act()
    report.edits += planned
    if (options.faults.length > 0)
      for (let index = chance.below(3); index > 0; index--) {
        report.faults++
        addFault(lab, chance, chance.pick(options.faults))
      }
    const death: DeathPoint | null =
      options.deaths && chance.yes(0.6)
        ? { call: chance.below(24) + 1, when: chance.yes(0.5) ? 'before' : 'after' }
        : null
    const most = chance.below(10)
    let working = true
    const [worker] = await Promise.all([
      work(lab, death, chance.yes(0.3) ? 2 : 1, plant).finally(() => {
        working = false
      }),
      (async () => {
        for (let index = 0; index < most && working; index++) {
          await pause(chance.below(30))
          editors.act()
          report.edits++
        }
      })(),
    ])
    if (worker.isDead()) report.deaths++
    if (chance.yes(0.5)) await timePasses(lab)
  }
  lab.alm.faults.clear()
  lab.octane.faults.clear()
  await untilQuiet(lab, plant)
  report.violations.push(...(await judgeWorld(lab, history)))
  report.violations.push(...(await furtherCycle(lab, history, plant)))
  if (report.violations.length > 0) report.evidence = await evidenceOf(lab, history)
  report.writes = history.entries().filter((entry) => entry.via === 'rest').length
  return report
}

async function evidenceOf(lab: Lab, history: History): Promise<string[]> {
  const { sql } = lab.database
  const rows = [
    ...(await sql`select 'pending' as what, side, external_id, reason, class, attempts, queued_version from pending`),
    ...(await sql`select 'issue' as what, key, code, field, message from issues where resolved_at is null`),
    ...(await sql`select 'intent' as what, key, action, side, target_id, stamp_before, answered from intents`),
    ...(await sql`
      select 'ledger' as what, kind, action, side, left_id, right_id, found_by_looking, content -> 'stampAfter' as stamp
      from ledger where link_id = ${lab.linkId}`),
    ...(await sql`
      select 'pair' as what, p.left_id, p.right_id, l.seen_version as left_seen, r.seen_version as right_seen
      from pairs p left join records l on l.pair_id = p.id and l.external_id = p.left_id
      left join records r on r.pair_id = p.id and r.external_id = p.right_id`),
  ]
  const writes = history
    .entries()
    .map(
      (entry) =>
        `${entry.via} ${entry.system} ${entry.action} ${entry.id} v${entry.version} ${entry.changed
          .map((name) => `${name}=${JSON.stringify(entry.after?.[name] ?? null)}`)
          .join(' ')}`,
    )
  return [...rows.map((row) => JSON.stringify(row)), ...writes]
}

function addFault(lab: Lab, chance: Chance, kind: FaultKind): void {
  const system = chance.yes(0.5) ? lab.alm : lab.octane
  system.faults.add({
    match: chance.yes(0.5) ? { path: '/defects' } : { path: '/defects', method: chance.pick(['POST', 'PUT', 'GET']) },
    kind,
    skip: chance.below(4),
    times: chance.below(2) + 1,
    ...(kind === 'slow' ? { delayMs: 20 + chance.below(60) } : {}),
    ...(kind === 'throttle' || kind === 'unavailable' ? { retryAfter: 0 } : {}),
  })
}

/** Deaths are what is being tried here, not news. */
const quiet = new DefaultLogger('ERROR')

/** One cycle of one worker process: scan both sides, reconcile until it has nothing to do or dies. */
async function work(lab: Lab, death: DeathPoint | null, parallel: number, plant: Shell | undefined) {
  const body = mortal(death, plant)
  const { activities } = lab.createWorker(body.shell)
  const { linkId } = lab
  const runId = randomUUID()
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
  await Promise.all(
    (['left', 'right'] as const).map((side) =>
      step(() => activities.scan({ linkId, runId, version: 1, side, extent: 'changes' })),
    ),
  )
  await Promise.all(
    Array.from({ length: parallel }, () => step(() => activities.reconcile({ linkId, runId, version: 1 }))),
  )
  return body
}

/**
 * Lets an hour pass in the database: leases run out, waits are over, unanswered creates are old enough. Only called while
 * no worker runs and no request is on its way, as an hour would see to.
 */
export async function timePasses(lab: Lab): Promise<void> {
  // Nobody used the sessions of dead workers meanwhile: they end, and the locks they held with them.
  lab.alm.expireSessions()
  const { sql } = lab.database
  await sql`update claims set lease_until = lease_until - interval '1 hour', grace_until = grace_until - interval '1 hour'`
  await sql`update pending set next_attempt_at = next_attempt_at - interval '1 hour', first_seen = first_seen - interval '1 hour'`
  await sql`update intents set created_at = created_at - interval '1 hour'`
}

export async function untilQuiet(lab: Lab, plant?: Shell): Promise<void> {
  for (let round = 0; round < 30; round++) {
    await timePasses(lab)
    await work(lab, null, 1, plant)
    const queue = await lab.store.queueState(lab.linkId)
    if (queue.due + queue.leased + queue.waiting === 0 && round > 0) return
  }
}

export async function furtherCycle(lab: Lab, history: History, plant?: Shell): Promise<Violation[]> {
  const before = history.length()
  await work(lab, null, 1, plant)
  const written = history.entries(before).filter((entry) => entry.via === 'rest')
  return written.slice(0, 5).map((entry) => ({
    invariant: 'I5' as const,
    message: `a cycle after everything was quiet wrote ${entry.system} ${entry.type} ${entry.id}: ${entry.changed.join(', ')}`,
  }))
}
