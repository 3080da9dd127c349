import process from 'node:process'
import { openDatabase } from '../db/connection.ts'
import { createStore } from '../db/store.ts'

/** What the parent tells a process that claims batches and holds each for a while, as a worker does while it writes. */
export interface LimitsOrder {
  databaseUrl: string
  runId: string
  links: string[]
  /** Calls side by side for each link. */
  calls: number
  holdMs: number
  leaseSeconds: number
  batchSize: number
}

// A real process of its own, with the Store that workers use: it writes down when it held which batch.
const order = JSON.parse(process.argv[2] ?? '{}') as LimitsOrder
const database = openDatabase(order.databaseUrl)
const store = createStore(database, { bridgeId: 'test' })
const { sql } = database
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function work(linkId: string): Promise<void> {
  for (;;) {
    const { runId, leaseSeconds, batchSize } = order
    const claim = await store.claim({ linkId, runId, limit: batchSize, leaseSeconds, graceSeconds: 0 })
    if (claim.busy !== undefined) {
      await wait(claim.busy.forMs)
      continue
    }
    if (claim.items.length === 0) return
    await sql`insert into held_batches (token, link_id, began) values (${claim.token}, ${linkId}, clock_timestamp())`
    process.stdout.write(`held ${linkId}\n`)
    await wait(order.holdMs)
    const rows = claim.items.flatMap((item) => item.due)
    await sql`delete from pending where link_id = ${linkId} and external_id = any(${sql.array(rows.map((row) => row.id))}::text[])`
    await sql`update held_batches set ended = clock_timestamp() where token = ${claim.token}`
    await store.release({ token: claim.token })
  }
}

await Promise.all(order.links.flatMap((linkId) => Array.from({ length: order.calls }, () => work(linkId))))
await database.close()
