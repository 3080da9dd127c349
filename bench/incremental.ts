import { parseArgs } from 'node:util'
import { runBreakdown } from './breakdown.ts'
import { forgetRequests, letPass, rawClients, requestsOf, round, rounded, say, startPaired, totalOf } from './world.ts'

/**
 * E edits of people in ALM spread over N pairs, measured against reading and writing just those records in bulk: the edited
 * records, their twins, and one bulk update of the twins, with the same batches and concurrency and nothing else. Hours lie
 * between the first synchronization and the edits, as in everyday work: right after it every scan would list all pairs.
 */
const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '10000' },
    edits: { type: 'string', default: '1000' },
    latency: { type: 'string', default: '0,20' },
  },
})
const [pairs, edits] = [Number(values.pairs), Number(values.edits)]
const batch = 100
const concurrency = 4

/** Renames every so-manieth defect, as a person would. */
async function edit(control: string, word: string): Promise<string[]> {
  const step = Math.max(1, Math.floor(pairs / edits))
  const ids = Array.from({ length: edits }, (_, index) => String(index * step + 1))
  for (const id of ids) {
    const answer = await fetch(`${control}/edit`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ system: 'alm', type: 'defect', id, fields: { name: `${word} ${id}` } }),
    })
    if (!answer.ok) throw new Error(`edit: ${answer.status} ${await answer.text()}`)
  }
  return ids
}

const results: Record<string, unknown>[] = []
for (const latency of values.latency.split(',').map(Number)) {
  say(`Latency ${latency} ms: ${pairs} pairs are brought in step first`)
  const world = await startPaired(pairs, latency)
  try {
    const { left, right } = await rawClients(world.place, concurrency)
    const twins = new Map(
      (await right.list(['id', 'alm_id_udf'])).map((row) => [String(row.alm_id_udf).split('/').at(-1) ?? '', row.id]),
    )
    await letPass(world.place, 6)
    const ids = await edit(world.place.control, 'changed')
    // The floor's own writes are changes of a run of their own: both together would be as many as the brake lets through.
    await world.tandem.run('run')
    const chunks: string[][] = []
    for (let at = 0; at < ids.length; at += batch) chunks.push(ids.slice(at, at + batch))
    const started = performance.now()
    const worker = async () => {
      for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) {
        const [rows] = await Promise.all([
          left.read(chunk, ['id', 'name', 'ver-stamp', 'last-modified']),
          right.read(
            chunk.map((id) => twins.get(id) ?? ''),
            ['id', 'name', 'version_stamp', 'client_lock_stamp'],
          ),
        ])
        // What is written is what was there, so that Tandem finds the same work to do afterwards.
        await right.update(rows.map((row) => ({ id: twins.get(row.id ?? '') ?? '', story_points: 1 })))
      }
    }
    await Promise.all(Array.from({ length: concurrency }, worker))
    const floor = (performance.now() - started) / 1_000
    await world.tandem.run('run')
    await world.tandem.run('run')
    await edit(world.place.control, 'changed again')
    await forgetRequests(world.place)
    const run = await world.tandem.run('run')
    if (run.counters.updatedRight !== edits)
      throw new Error(`updated ${run.counters.updatedRight} of ${edits}: ${run.message}`)
    say(`  floor ${round(floor)} s, Tandem ${round(run.seconds)} s`)
    results.push({
      latency,
      ratioToFloor: round(floor / run.seconds),
      floorSeconds: round(floor),
      tandemSeconds: run.seconds,
      requests: totalOf(await requestsOf(world.place)),
      scanned: run.counters.scannedLeft + run.counters.scannedRight,
      breakdown: rounded(await runBreakdown(world.tandem.stack.temporalAddress, run.id)),
    })
    await Promise.all([left.close(), right.close()])
  } finally {
    await world.stop()
  }
}
process.stdout.write(`${JSON.stringify({ bench: 'incremental', pairs, edits, concurrency, batch, results })}\n`)
