import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, it, vi } from 'vitest'
import { createLab, type Lab } from './lab.ts'
import { furtherCycle, timePasses, untilQuiet } from './torture/cycle.ts'
import { followHistory } from './torture/history.ts'
import { judgeWorld } from './torture/invariants.ts'
import { judgeWatermark } from './torture/judge-watermark.ts'
import { createVerdict } from './torture/verdict.ts'
import type { WorkerOrder } from './torture/worker-process.ts'

const run = promisify(execFile)
const program = path.join(import.meta.dirname, 'torture', 'worker-process.ts')

// Each call is a process of its own to start.
vi.setConfig({ testTimeout: 300_000 })

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

/** Runs one cycle in a process of its own; answers its last line and whether it was killed. */
async function cycle(
  here: Lab,
  point: Pick<WorkerOrder, 'call' | 'of' | 'when'>,
): Promise<{ line: string; killed: boolean }> {
  const order: WorkerOrder = { databaseUrl: here.databaseUrl, linkId: here.linkId, secrets: here.secrets, ...point }
  const ended = await run(process.execPath, ['--import', 'tsx', program, JSON.stringify(order)]).catch(
    (error: { signal?: string; stdout?: string; stderr?: string }) => error,
  )
  const killed = 'signal' in ended && ended.signal === 'SIGKILL'
  const line = (ended.stdout ?? '').trim().split('\n').at(-1) ?? ''
  if (!killed && !line.startsWith('finished')) throw new Error(`the worker ended by itself: ${ended.stderr}`)
  return { line, killed }
}

/** Kinds of calls at which a worker is killed in any case. */
const kinds = [
  'store.claim',
  'store.recordIntents',
  'store.commit',
  'store.finishScan',
  'alm.create',
  'octane.create',
  'alm.update',
  'octane.update',
] as const

/** Something to create and something to change on each side, every time anew. */
function people(here: Lab, round: number): void {
  here.alm.create('defect', {
    name: `from ALM ${round}`,
    severity: '2-Medium',
    'detected-by': 'ann',
    'creation-time': '2026-03-01',
    status: 'New',
  })
  here.octane.create('defect', { name: `from Octane ${round}` })
  const [first, second] = here.alm.records('defect')
  if (first !== undefined && first['user-01'] !== null && first['user-01'] !== '')
    here.alm.edit('defect', String(first.id), { name: `renamed in ALM ${round}` })
  const twin = here.octane.records('defect').find((record) => String(record.alm_id_udf).endsWith(`/${second?.id}`))
  if (twin !== undefined) here.octane.edit('defect', twin.id, { name: `renamed in Octane ${round}` })
}

for (const when of ['before', 'during'] as const)
  it(`T3: a worker process killed ${when} each of its calls loses nothing and doubles nothing`, async () => {
    const here = await createLab({ alm: { defects: 3 }, octane: { defects: 3 } })
    lab = here
    const history = followHistory(here)
    const points: string[] = []
    for (let call = 1; call < 100; call++) {
      people(here, call)
      const { line, killed } = await cycle(here, { call, when })
      if (!killed) break
      points.push(line)
      await timePasses(here)
    }
    // What has which number moves from cycle to cycle: what no number hit is hit by its name.
    for (const [index, of] of kinds.entries()) {
      if (points.some((point) => point.endsWith(of))) continue
      people(here, 100 + index)
      const { line, killed } = await cycle(here, { call: 1, of, when })
      expect(killed, of).toBe(true)
      points.push(line)
      await timePasses(here)
    }
    await untilQuiet(here, history)
    const verdict = createVerdict()
    await judgeWorld(here, history, verdict)
    await furtherCycle(here, history, verdict)
    await judgeWatermark(here, history, verdict, 'everything')
    const { violations } = verdict
    process.stdout.write(
      `T3 killed ${when}: ${points.length} points, ${violations.length} violations, ${here.alm.records('defect').length} records a side\n`,
    )
    expect(violations).toEqual([])
  })
