import { parseArgs } from 'node:util'
import { forgetRequests, rawClients, requestsOf, round, say, startPaired, totalOf } from './world.ts'

/**
 * A full scan over N pairs in which nothing changed, measured against the bare listing of ids and stamps of both sides with
 * the same page sizes, both sides at a time, and nothing else.
 */
const { values } = parseArgs({
  options: { pairs: { type: 'string', default: '100000' }, latency: { type: 'string', default: '0' } },
})
const [pairs, latency] = [Number(values.pairs), Number(values.latency)]

say(`${pairs} pairs are brought in step first`)
const world = await startPaired(pairs, latency)
try {
  const { left, right } = await rawClients(world.place, 4)
  const lists = async () => {
    const started = performance.now()
    await Promise.all([left.stamps(), right.stamps()])
    return (performance.now() - started) / 1_000
  }
  await lists()
  await forgetRequests(world.place)
  const floor = await lists()
  const floorRequests = totalOf(await requestsOf(world.place))
  say(`The bare listings take ${round(floor)} s`)
  await forgetRequests(world.place)
  const full = await world.tandem.run('full')
  const requests = totalOf(await requestsOf(world.place))
  if (full.status !== 'passed' || full.counters.examined !== 0)
    throw new Error(`the full scan found something to do: ${JSON.stringify(full.counters)}`)
  say(`The full scan takes ${round(full.seconds)} s`)
  await Promise.all([left.close(), right.close()])
  process.stdout.write(
    `${JSON.stringify({
      bench: 'full-scan',
      pairs,
      latency,
      ratioToFloor: round(full.seconds / floor),
      floorSeconds: round(floor),
      tandemSeconds: full.seconds,
      floorRequests,
      requests,
    })}\n`,
  )
} finally {
  await world.stop()
}
