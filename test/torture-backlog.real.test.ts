import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Lab } from './lab.ts'
import { createBacklogEditors, createBacklogLab, tortureBacklog } from './torture/backlog.ts'
import { furtherCycle, timePasses, untilQuiet, work } from './torture/cycle.ts'
import { followHistory } from './torture/history.ts'
import { judgeBacklog } from './torture/judge-backlog.ts'
import { createChance } from './torture/random.ts'
import { createVerdict } from './torture/verdict.ts'

vi.setConfig({ testTimeout: 300_000 })

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

describe('worlds of a backlog with files come to rest with every invariant whole', () => {
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

for (const when of ['before', 'after'] as const)
  it(`a worker that dies ${when} any of its calls doubles no record and no file of a backlog`, async () => {
    const here = await createBacklogLab(1, false)
    lab = here
    const history = followHistory(here)
    const editors = createBacklogEditors(here, createChance(when === 'before' ? 7 : 8))
    editors.plant()
    const died: string[] = []
    for (let call = 1; call < 90; call++) {
      for (let index = 0; index < 3; index++) editors.act()
      const worker = await work(here, history, { death: { call, when }, parallel: 1, extent: 'all' })
      if (worker.isDead()) died.push(worker.trail()[call - 1] ?? '')
      await timePasses(here, history)
    }
    const verdict = createVerdict()
    expect(await untilQuiet(here, history, { extent: 'all' })).toBe(true)
    await judgeBacklog(here, history, verdict)
    await furtherCycle(here, history, verdict, { extent: 'all' })
    expect(verdict.violations.map((one) => `${one.invariant} ${one.message}`)).toEqual([])
    process.stdout.write(`died ${when}: ${died.length} points, ${JSON.stringify(verdict.cases)}\n`)
    for (const name of [
      'store.claim',
      'store.recordIntents',
      'store.commit',
      'octane.files.add',
      'alm.files.add',
      'alm.files.open',
    ])
      expect(died, name).toContain(name)
  })
