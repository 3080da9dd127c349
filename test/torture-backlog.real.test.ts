import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Lab } from './lab.ts'
import { createBacklogEditors, createBacklogLab, tortureBacklog } from './torture/backlog.ts'
import { furtherCycle, timePasses, untilQuiet, work } from './torture/cycle.ts'
import { followHistory } from './torture/history.ts'
import { judgeBacklog } from './torture/judge-backlog.ts'
import { backlogPlants } from './torture/plants-backlog.ts'
import { createChance } from './torture/random.ts'
import { createVerdict, invariants } from './torture/verdict.ts'

vi.setConfig({ testTimeout: 300_000 })

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

describe('worlds of a backlog with files and comments come to rest with every invariant whole', () => {
  for (const [name, firstSeed, options] of [
    ['people at both sides', 100, { faults: [], deaths: false }],
    ['workers that die, and answers that are lost', 200, { faults: ['drop-after', 'error-after'], deaths: true }],
  ] as const)
    it(name, async () => {
      const broken: string[] = []
      for (let seed = firstSeed; seed < firstSeed + 2; seed++) {
        const report = await tortureBacklog({ seed, cycles: 4, ...options })
        for (const one of report.violations) broken.push(`seed ${seed}: ${one.invariant} ${one.message}`)
      }
      expect(broken).toEqual([])
    })
})

describe('the judge of a backlog finds a planted defect', () => {
  for (const { invariant, defect, shell } of backlogPlants)
    it(`${invariant}, ${invariants[invariant]}: ${defect}`, async () => {
      const found: string[] = []
      for (let seed = 1; seed <= 10 && !found.includes(invariant); seed++) {
        const options = { seed, cycles: 2, faults: [], deaths: false, deleteParts: true, plant: shell }
        found.push(...(await tortureBacklog(options)).violations.map((one) => one.invariant))
      }
      expect(found).toContain(invariant)
    })
})

/** Where workers die: at the first call of each kind, and then at the second. */
const points = [
  'store.claim',
  'alm.read',
  'octane.read',
  'store.recordIntents',
  'alm.create',
  'octane.create',
  'alm.update',
  'octane.update',
  'alm.files.open',
  'octane.files.open',
  'alm.files.add',
  'octane.files.add',
  'octane.files.replace',
  'octane.files.rename',
  'alm.files.remove',
  'octane.files.remove',
  'alm.comments.write',
  'octane.comments.write',
  'store.commit',
]

for (const when of ['before', 'after'] as const)
  it(`a worker that dies ${when} each of its calls doubles no record, file or comment of a backlog`, async () => {
    const here = await createBacklogLab(1, true)
    lab = here
    const history = followHistory(here)
    const editors = createBacklogEditors(here, createChance(when === 'before' ? 7 : 8))
    editors.plant()
    const died: Record<string, number> = Object.fromEntries(points.map((name) => [name, 0]))
    for (let round = 0; round < 6; round++)
      for (const of of points) {
        if ((died[of] ?? 0) >= 2) continue
        // What others left open is done, so that this one comes to its point.
        await work(here, history, { death: null, parallel: 1, extent: 'changes' })
        editors.actOfEachKind()
        const worker = await work(here, history, {
          death: { call: (died[of] ?? 0) + 1, of, when },
          parallel: 1,
          extent: 'all',
        })
        if (worker.isDead()) died[of] = (died[of] ?? 0) + 1
        await timePasses(here, history)
      }
    const verdict = createVerdict()
    expect(await untilQuiet(here, history, { extent: 'all' })).toBe(true)
    await judgeBacklog(here, history, verdict)
    await furtherCycle(here, history, verdict, { extent: 'all' })
    expect(verdict.violations.map((one) => `${one.invariant} ${one.message}`)).toEqual([])
    process.stdout.write(`died ${when}: ${JSON.stringify(died)}, ${JSON.stringify(verdict.cases)}\n`)
    for (const name of points) expect(died[name], name).toBeGreaterThan(0)
  })
