import type { TestDatabase } from '../database.ts'
import { startService } from '../service.ts'
import { startWorkerProcesses } from './service-workers.ts'
import { planStorm, type StormReport, type StormStep, storm } from './storm.ts'
import { createVerdict, type Verdict } from './verdict.ts'

export interface StormOptions {
  seed: number
  steps: number
  kills: boolean
  temporalAddress: string
  /** For files of the worker processes. */
  folder: string
  createDatabase?: () => Promise<TestDatabase>
  /** A planted defect: some commands are answered with yes and not carried out. */
  lose?: boolean
  /** Other steps than the seed's, such as a shorter storm. */
  plan?: readonly StormStep[]
}

/** Server settings under which workflows continue as new after a few commands. */
export const shortHistories = { 'limit.historyCount.suggestContinueAsNew': '40' }

/** A service of its own with a new link, worker processes that may be killed, and a storm over it. */
export async function stormWorld(options: StormOptions): Promise<{ report: StormReport; verdict: Verdict }> {
  const { seed, folder, temporalAddress } = options
  const verdict = createVerdict()
  const service = await startService({
    workers: 'none',
    temporalAddress,
    commandMs: 10_000,
    alm: { defects: 8, seed },
    octane: { defects: 3, seed },
    ...(options.createDatabase === undefined ? {} : { createDatabase: options.createDatabase }),
  })
  try {
    const workers = await startWorkerProcesses(service, folder)
    try {
      const { id } = await service.addLink()
      await service.configure(id, {
        schedule: { intervalSeconds: 1 },
        tuning: { batchSize: 3, parallel: 2, overlapSeconds: 300, inDoubtSeconds: 3, writes: 'lock', batchPauseMs: 20 },
      })
      const plan = options.plan ?? planStorm(seed, options.steps, options.kills)
      const lose = options.lose === true ? { lose: true } : {}
      const report = await storm(service, id, plan, { seed, workers, verdict, ...lose })
      return { report, verdict }
    } finally {
      await workers.close()
    }
  } finally {
    await service.close()
  }
}
