import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { removeFolder, temporaryFolder } from '../standalone/postgres.ts'
import { type RunningTemporal, startTemporal } from '../standalone/temporal.ts'
import { temporalBinary } from '../standalone/temporal-binary.ts'
import { planStorm } from './torture/storm.ts'
import { shortHistories, stormWorld } from './torture/storm-world.ts'

vi.setConfig({ testTimeout: 300_000 })

/** Steps of the short form; `TORTURE_STEPS` makes it longer, `TORTURE_SEED` another one. */
const steps = Number(process.env.TORTURE_STEPS ?? 14)
const seed = Number(process.env.TORTURE_SEED ?? 8)

const folder = temporaryFolder('tandem-storm')
let temporal: RunningTemporal

beforeAll(async () => {
  temporal = await startTemporal({
    binary: await temporalBinary(() => undefined),
    folder,
    port: 0,
    uiPort: null,
    inMemory: true,
    dynamicConfig: shortHistories,
  })
})
afterAll(async () => {
  await temporal.stop()
  removeFolder(folder)
})

const world = (options: { kills: boolean; lose?: boolean; steps: number }) =>
  stormWorld({ seed, folder, temporalAddress: temporal.address, ...options })

it('T8: commands at random, several at once, around continue-as-new and kills of workers: none is dropped or doubled', async () => {
  const { report, verdict } = await world({ kills: true, steps })
  const { violations } = verdict
  process.stdout.write(
    `T8: ${violations.length} violations, ${report.accepted} accepted and ${report.refused} refused of ${report.commands} commands, ${report.kills} kills, ${report.lives} lives of the link, ${report.statuses} changes of status (seed ${seed})\n`,
  )
  if (violations.length > 0) process.stdout.write(`${JSON.stringify(await shrunk())}\n`)
  expect(violations).toEqual([])
  expect(report.lives).toBeGreaterThan(1)
  expect(report.refused).toBeGreaterThan(0)
})

it('a storm finds commands that were answered and not carried out', async () => {
  const { verdict } = await world({ kills: false, lose: true, steps: 4 })
  expect(verdict.violations.map((one) => one.invariant)).toContain('I9')
})

/** The shortest part of a storm that still goes wrong: halves are left out as long as that is so. */
async function shrunk() {
  let plan = planStorm(seed, steps, true)
  for (let size = Math.ceil(plan.length / 2); size >= 1; size = Math.floor(size / 2))
    for (let from = 0; from < plan.length; ) {
      const shorter = [...plan.slice(0, from), ...plan.slice(from + size)]
      const options = { seed, steps, kills: true, folder, temporalAddress: temporal.address, plan: shorter }
      if ((await stormWorld(options)).verdict.violations.length > 0) plan = shorter
      else from += size
    }
  return plan
}
