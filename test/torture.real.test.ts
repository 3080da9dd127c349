import { describe, expect, it } from 'vitest'
import type { FaultKind } from '../sandbox/common/faults.ts'
import { plants } from './torture/plants.ts'
import { everyFault, type TortureReport, torture } from './torture/torture.ts'
import { invariants } from './torture/verdict.ts'

/** Worlds per suite here; `npm run torture` goes on for as long as it is told to. */
const worlds = 6

async function suite(
  name: string,
  options: { faults: readonly FaultKind[]; deaths: boolean; firstSeed: number },
): Promise<void> {
  const total = { edits: 0, writes: 0, deaths: 0, faults: 0 }
  const broken: string[] = []
  for (let seed = options.firstSeed; seed < options.firstSeed + worlds; seed++) {
    const report = await torture({ seed, cycles: 6, faults: options.faults, deaths: options.deaths })
    for (const key of ['edits', 'writes', 'deaths', 'faults'] as const) total[key] += report[key]
    for (const one of report.violations) broken.push(`seed ${seed}: ${one.invariant} ${one.message}`)
  }
  process.stdout.write(
    `${name}: ${broken.length} violations in ${worlds} worlds (seeds from ${options.firstSeed}), ${JSON.stringify(total)}\n`,
  )
  expect(broken).toEqual([])
}

describe('worlds of people, workers and faults come to rest with every invariant whole', () => {
  it('T2: people edit both sides while workers run', () => suite('T2', { faults: [], deaths: false, firstSeed: 1_000 }))

  it('T3: workers die at any call', () => suite('T3', { faults: [], deaths: true, firstSeed: 2_000 }))

  it('T4: writes take effect and their answers are lost', () =>
    suite('T4', { faults: ['error-after', 'drop-after'], deaths: false, firstSeed: 3_000 }))

  it('T7: endpoints misbehave, and workers die meanwhile', () =>
    suite('T7', { faults: everyFault, deaths: true, firstSeed: 4_000 }))
})

describe('the judge of worlds finds a planted defect', () => {
  for (const invariant of Object.keys(plants) as (keyof typeof plants)[]) {
    const { defect, shell, world } = plants[invariant]
    it(`${invariant}, ${invariants[invariant]}: ${defect}`, async () => {
      const found: TortureReport['violations'][number][] = []
      for (let seed = 1; seed <= 12 && !found.some((one) => one.invariant === invariant); seed++) {
        const report = await torture({
          seed,
          cycles: 6,
          faults: ['error-after', 'drop-after'],
          deaths: true,
          ...world,
          plant: shell,
        })
        found.push(...report.violations)
      }
      expect(found.map((one) => one.invariant)).toContain(invariant)
    })
  }
})
