import { parseArgs } from 'node:util'
import { openDatabase } from '../db/connection.ts'
import { recordStory } from '../db/why.ts'
import { round, say, startSandboxes, startTandem } from './world.ts'

/**
 * A run of N writes (a create in Octane and a link-back in ALM for each record), after which every field of every write is
 * asked why it has its value: the answer must name the very write, its run and its configuration, and what was sent.
 */
const { values } = parseArgs({ options: { writes: { type: 'string', default: '10000' } } })
const records = Math.ceil(Number(values.writes) / 2)
const atATime = 4

interface Written {
  id: string
  side: 'left' | 'right'
  recordId: string
  runId: string
  fields: { mappingId: string; field: string; sent: unknown; rule: string }[]
}

const { place, stop } = await startSandboxes(records, 0)
const world = await startTandem(place)
const database = openDatabase(world.stack.databaseUrl)
try {
  await world.run('simulate')
  const done = await world.run('run')
  if (done.counters.createdRight !== records)
    throw new Error(`created ${done.counters.createdRight} of ${records}: ${done.message ?? done.status}`)
  const rows = await database.sql<Written[]>`
    select id, side, case side when 'left' then left_id else right_id end as "recordId", run_id as "runId", content -> 'fields' as fields
    from ledger where kind = 'write' and run_id = ${done.id} order by side, left_id`
  say(`${rows.length} writes are asked about`)
  let fields = 0
  const unexplained: string[] = []
  const started = performance.now()
  let at = 0
  const worker = async () => {
    for (let row = rows[at++]; row !== undefined; row = rows[at++]) {
      const story = await recordStory(database, { linkId: world.linkId, side: row.side, recordId: row.recordId })
      for (const { mappingId, field, sent, rule } of row.fields) {
        fields++
        const answer = story?.fields.find((one) => one.mappingId === mappingId)
        const words = answer?.words.join('\n') ?? ''
        const says = [
          row.id,
          row.runId,
          'configuration version',
          rule === 'reference' && sent === null ? 'set to "' : `sent ${sent === null ? 'empty' : JSON.stringify(sent)}`,
        ]
        if (answer?.origin !== 'written' || !says.every((part) => words.includes(part)))
          unexplained.push(`${row.side} ${row.recordId} ${field}`)
      }
    }
  }
  await Promise.all(Array.from({ length: atATime }, worker))
  const seconds = (performance.now() - started) / 1_000
  process.stdout.write(
    `${JSON.stringify({
      bench: 'why',
      writes: rows.length,
      fields,
      explained: fields - unexplained.length,
      millisecondsPerWrite: round((seconds * 1_000 * atATime) / rows.length),
      unexplained: unexplained.slice(0, 10),
    })}\n`,
  )
  if (unexplained.length > 0 || rows.length < 2 * records) process.exitCode = 1
} finally {
  await database.close()
  await world.stop()
  await stop()
}
