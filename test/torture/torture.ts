import { setTimeout as pause } from 'node:timers/promises'
import type { LinkConfigurationInput } from '../../core/link-config.ts'
import { listRestored } from '../../db/restored.ts'
import type { FaultKind } from '../../sandbox/common/faults.ts'
import type { TestDatabase } from '../database.ts'
import { createLab, type Lab, type LabOptions, type Shell } from '../lab.ts'
import { furtherCycle, timePasses, untilQuiet, work } from './cycle.ts'
import { createDisturber, type Disturbance, deletionBrake } from './disturbances.ts'
import { createEditors } from './editors.ts'
import { evidenceOf } from './evidence.ts'
import { followHistory } from './history.ts'
import { judgeWorld } from './invariants.ts'
import { judgeWatermark } from './judge-watermark.ts'
import type { DeathPoint } from './mortal.ts'
import { type Chance, createChance } from './random.ts'
import { createVerdict, type Invariant, type Violation } from './verdict.ts'

export type DeletionRule = 'nothing' | 'delete' | 're-create'

export interface TortureOptions {
  seed: number
  /** Cycles of edits, faults and deaths before everything is left to come to rest. */
  cycles: number
  /** What may go wrong with requests; none: only people who edit at the same time. */
  faults: readonly FaultKind[]
  deaths: boolean
  /** What happens to whole systems. */
  disturbances?: readonly Disturbance[]
  /** What becomes of the twins of deleted records; drawn from the seed when left out. */
  rule?: DeletionRule
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
  disturbances: Partial<Record<Disturbance, number>>
  rule: DeletionRule
  /** Records that wait for a person at the end, by an open issue. */
  waiting: number
  /** Cases judged, by invariant. */
  cases: Record<Invariant, number>
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
  const rule = options.rule ?? chance.pick(['nothing', 'delete', 're-create'] as const)
  const lab = await createLab({
    ...options.lab,
    ...(options.createDatabase === undefined ? {} : { createDatabase: options.createDatabase }),
    alm: { defects: startingRecords, seed: options.seed, ...options.lab?.alm },
    octane: { defects: startingRecords, seed: options.seed, ...options.lab?.octane },
    link: (proposed) => (options.lab?.link ?? ((same) => same))(ruled(proposed, rule)),
  })
  try {
    return await inWorld(lab, chance, options, rule)
  } finally {
    await lab.close()
  }
}

function ruled(proposed: LinkConfigurationInput, rule: DeletionRule): LinkConfigurationInput {
  const { rules } = proposed
  return {
    ...proposed,
    rules: { toRight: { ...rules.toRight, delete: rule }, toLeft: { ...rules.toLeft, delete: rule } },
    brake: { changes: { count: 500, share: 0.2 }, deletions: { count: deletionBrake, share: 0 } },
  }
}

async function inWorld(lab: Lab, chance: Chance, options: TortureOptions, rule: DeletionRule): Promise<TortureReport> {
  const history = followHistory(lab)
  const editors = createEditors(lab, chance)
  const plant = options.plant?.(lab)
  const verdict = createVerdict()
  const kinds = options.disturbances ?? []
  const counts: TortureReport['disturbances'] = {}
  const disturber = createDisturber(
    {
      lab,
      history,
      chance,
      editors,
      verdict,
      plant,
      counted: (kind) => {
        counts[kind] = (counts[kind] ?? 0) + 1
      },
    },
    kinds,
  )
  // Wrong listings hide changes until the next right one; clocks that jump and late edits, until a complete one.
  const exact = !kinds.some((kind) => ['times', 'paging', 'rights', 'restore'].includes(kind))
  let edits = 0
  let deaths = 0
  let faults = 0
  for (let cycle = 0; cycle < options.cycles; cycle++) {
    const planned = chance.below(6) + 1
    for (let index = 0; index < planned; index++) editors.act()
    edits += planned
    if (options.faults.length > 0)
      for (let index = chance.below(3); index > 0; index--) {
        faults++
        addFault(lab, chance, chance.pick(options.faults))
      }
    if (kinds.length > 0) await disturber.before(cycle)
    const death: DeathPoint | null =
      options.deaths && chance.yes(0.6)
        ? { call: chance.below(24) + 1, when: chance.yes(0.5) ? 'before' : 'after' }
        : null
    const most = chance.below(10)
    const extent = kinds.length > 0 && chance.yes(0.4) ? 'all' : 'changes'
    let working = true
    const [worker] = await Promise.all([
      work(lab, history, { death, parallel: chance.yes(0.3) ? 2 : 1, plant, extent }).finally(() => {
        working = false
      }),
      (async () => {
        for (let index = 0; index < most && working; index++) {
          await pause(chance.below(30))
          editors.act()
          edits++
        }
      })(),
    ])
    if (worker.isDead()) deaths++
    if (exact) await judgeWatermark(lab, history, verdict, 'before-T')
    editors.commit()
    if (chance.yes(0.5)) await timePasses(lab, history)
  }
  editors.commit(true)
  for (const system of [lab.alm, lab.octane]) {
    system.faults.clear()
    system.permissions.clear()
  }
  const stops = await listRestored(lab.database, lab.linkId)
  // Most records hidden at once cannot be told from a restore; anything else can.
  for (const { side, message } of kinds.includes('rights') || disturber.wasRestored() ? [] : stops)
    verdict.broken('I4', `the link stopped although no server went back in time: ${side}, ${message}`)
  const extent = kinds.length > 0 ? 'all' : 'changes'
  if (!(await untilQuiet(lab, history, { plant, extent })) && kinds.length > 0)
    verdict.broken('I5', 'the world did not come to rest')
  const { waiting } = await judgeWorld(lab, history, verdict, disturber.undone)
  await furtherCycle(lab, history, verdict, { plant, extent })
  await judgeWatermark(lab, history, verdict, 'everything')
  return {
    seed: options.seed,
    cycles: options.cycles,
    edits,
    deaths,
    faults,
    writes: history.entries().filter((entry) => entry.via === 'rest').length,
    disturbances: counts,
    rule,
    waiting,
    cases: verdict.cases,
    violations: verdict.violations,
    ...(verdict.violations.length > 0 ? { evidence: await evidenceOf(lab, history) } : {}),
  }
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
