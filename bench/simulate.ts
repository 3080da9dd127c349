import { parseArgs } from 'node:util'
import { cpuBetween, cpuSeconds, runBreakdown } from './breakdown.ts'
import {
  control,
  forgetRequests,
  letPass,
  rawClients,
  requestsOf,
  round,
  rounded,
  say,
  startPaired,
  totalOf,
} from './world.ts'

/**
 * A simulation of N pairs, all of which people edited in ALM, measured against the bare bulk read of the same fields of both
 * sides: the same records and their twins with the same batches and concurrency, both sides at a time, and nothing else.
 */
const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '10000' },
    latency: { type: 'string', default: '0,20,200' },
    /** Readings and simulations by turns; the fastest of each counts, so that what else the machine does matters less. */
    rounds: { type: 'string', default: '3' },
  },
})
const [pairs, rounds] = [Number(values.pairs), Number(values.rounds)]
const batch = 100
/** Requests at a time on each side, as many as a connector of Tandem has by default. */
const concurrency = 4

const stampFields = {
  left: ['id', 'ver-stamp', 'last-modified'],
  right: ['id', 'version_stamp', 'client_lock_stamp', 'last_modified'],
}

async function inTurn<T>(all: readonly T[], body: (some: T[]) => Promise<unknown>): Promise<void> {
  let at = 0
  const worker = async () => {
    while (at < all.length) {
      const some = all.slice(at, at + batch)
      at += batch
      await body(some)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}

const results: Record<string, unknown>[] = []
say(`${pairs} pairs are brought in step first`)
const world = await startPaired(pairs, 0)
try {
  const { tandem, place } = world
  const { items } = await tandem.api.call('listVersions', { params: { id: tandem.linkId } })
  const mapped = (items[0]?.configuration.fields ?? []) as { left: string | null; right: string | null }[]
  const fieldsOf = (side: 'left' | 'right') => [
    // Files are no field of ALM's: it tells whether there are any.
    ...new Set([
      ...stampFields[side],
      ...mapped.flatMap((one) => (side === 'left' && one.left === 'attachments' ? 'attachment' : (one[side] ?? []))),
    ]),
  ]
  const fields = { left: fieldsOf('left'), right: fieldsOf('right') }
  const { left, right } = await rawClients(place, concurrency)
  const [lefts, rights] = await Promise.all([left.ids(), right.list(['id'])])
  await letPass(place, 6)
  await inTurn(lefts, (some) =>
    left.bulkUpdate(some.map((id) => ({ id, field: 'name', value: `edited by somebody ${id}` }))),
  )
  const readBoth = async () => {
    const started = performance.now()
    await Promise.all([
      inTurn(lefts, (some) => left.read(some, fields.left)),
      inTurn(rights, (some) =>
        right.read(
          some.map(({ id }) => id),
          fields.right,
        ),
      ),
    ])
    return (performance.now() - started) / 1_000
  }
  for (const latency of values.latency.split(',').map(Number)) {
    say(`Latency ${latency} ms`)
    for (const system of ['alm', 'octane']) await control(place, '/latency', { system, ms: latency })
    let [floor, best] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    let detail: Record<string, unknown> = {}
    for (let turn = 0; turn < rounds; turn++) {
      floor = Math.min(floor, await readBoth())
      await forgetRequests(place)
      const cpu = cpuSeconds()
      const simulation = await tandem.run('simulate')
      const used = cpuBetween(cpu, cpuSeconds())
      const { counts } = await tandem.api.call('runSimulation', {
        params: { id: simulation.id },
        query: { limit: '1' },
      })
      if (counts['update-right'] !== pairs) throw new Error(`planned ${JSON.stringify(counts)}, not ${pairs} updates`)
      say(`  floor ${round(floor)} s, simulation ${round(simulation.seconds)} s`)
      if (simulation.seconds >= best) continue
      best = simulation.seconds
      detail = {
        requests: totalOf(await requestsOf(place)),
        breakdown: rounded({ ...(await runBreakdown(tandem.stack.temporalAddress, simulation.id)), cpuSeconds: used }),
      }
    }
    results.push({
      latency,
      ratioToFloor: round(best / floor),
      floorSeconds: round(floor),
      tandemSeconds: best,
      ...detail,
    })
  }
  await Promise.all([left.close(), right.close()])
} finally {
  await world.stop()
}
process.stdout.write(`${JSON.stringify({ bench: 'simulate', pairs, concurrency, batch, results })}\n`)
