import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { cpuBetween, cpuSeconds, type RunBreakdown, runBreakdown } from './breakdown.ts'
import { type LedgerShare, watchLedgerStatements } from './ledger-share.ts'
import {
  forgetRequests,
  rawClients,
  requestsOf,
  round,
  rounded,
  say,
  startSandboxes,
  startTandem,
  totalOf,
} from './world.ts'

/**
 * The first synchronization of N new defects from ALM to Octane, measured against (a) the floor: the same requests in bulk
 * over HTTP to the same sandboxes with the same concurrency and nothing else; (b) what people write by hand: read one,
 * create one, link back one. Sandboxes and all parts of Tandem are processes of their own; settings are the defaults.
 */

/** As many requests at a time as a connector of Tandem uses by default. */
const concurrency = 4
const batch = 100

const readFields = [
  'id',
  'ver-stamp',
  'last-modified',
  'name',
  'description',
  'status',
  'severity',
  'priority',
  'owner',
  'detected-by',
  'target-rel',
  'target-rcyc',
  'estimated-fix-time',
  'closing-date',
  'detected-in-rel',
  'user-01',
  'user-04',
  'user-05',
]

const severities: Record<string, string> = {
  '1-Low': 'low',
  '2-Medium': 'medium',
  '3-High': 'high',
  '4-Very High': 'very_high',
  '5-Urgent': 'urgent',
}

function octaneRow(row: Record<string, string>): Record<string, unknown> {
  return {
    name: row.name,
    description: row.description,
    severity: { type: 'list_node', id: `list_node.severity.${severities[row.severity ?? ''] ?? 'medium'}` },
    phase: { type: 'phase', id: 'phase.defect.new' },
    alm_id_udf: `DEFAULT/Sync/defect/${row.id}`,
    ...(row['estimated-fix-time'] === '' || row['estimated-fix-time'] === undefined
      ? {}
      : { story_points: Number(row['estimated-fix-time']) }),
  }
}

/** (a) Nothing but the bulk requests. Records per second. */
async function floor(records: number, latency: number): Promise<number> {
  const { place, stop } = await startSandboxes(records, latency)
  const { left, right } = await rawClients(place, concurrency)
  const started = performance.now()
  const ids = await left.ids()
  const chunks: string[][] = []
  for (let at = 0; at < ids.length; at += batch) chunks.push(ids.slice(at, at + batch))
  const worker = async () => {
    for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) {
      const rows = await left.read(chunk, readFields)
      const created = await right.create(rows.map(octaneRow))
      await left.bulkUpdate(
        rows.map((row, index) => ({
          id: row.id ?? '',
          field: 'user-01',
          value: `1001/1002/defect/${created[index]?.id}`,
        })),
      )
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  const rate = records / ((performance.now() - started) / 1_000)
  await Promise.all([left.close(), right.close()])
  await stop()
  return rate
}

/** (b) One after the other, as a script does it; on fewer records, since each costs the same. Records per second. */
async function byHand(records: number, latency: number): Promise<number> {
  const { place, stop } = await startSandboxes(records, latency)
  const { left, right } = await rawClients(place, concurrency)
  const ids = await left.ids()
  const started = performance.now()
  for (const id of ids) {
    const [row] = await left.read([id], readFields)
    if (row === undefined) continue
    const [created] = await right.create([octaneRow(row)])
    await left.update(id, 'user-01', `1001/1002/defect/${created?.id}`)
  }
  const rate = records / ((performance.now() - started) / 1_000)
  await Promise.all([left.close(), right.close()])
  await stop()
  return rate
}

interface TandemResult {
  rate: number
  seconds: number
  requestsPerRecord: number
  requests: Record<string, number>
  /** The run by its history; the integrity check before it ran on its own. */
  run: RunBreakdown
  checkSeconds: number
  ledger: LedgerShare & { ofBatches: number }
  cpuSeconds: Record<string, number>
  peakMegabytes: { bridge: number; central: number }
}

function peakMegabytes(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_024)
}

async function tandem(records: number, latency: number): Promise<TandemResult> {
  const { place, stop } = await startSandboxes(records, latency)
  const world = await startTandem(place)
  const { run, stack } = world
  try {
    // A first run of this size is approved by its simulation.
    await run('simulate')
    await forgetRequests(place)
    const cpu = cpuSeconds()
    const watched = watchLedgerStatements(stack.databaseUrl)
    const done = await run('run')
    const ledger = await watched.stop()
    const used = cpuBetween(cpu, cpuSeconds())
    if (done.counters.createdRight !== records)
      throw new Error(`created ${done.counters.createdRight} of ${records}: ${done.message ?? done.status}`)
    const counted = await requestsOf(place)
    const breakdown = await runBreakdown(stack.temporalAddress, done.id)
    const batches = (breakdown.activities.reconcile?.seconds ?? 0) / done.seconds
    const requests = { ...prefixed('alm', counted.alm ?? {}), ...prefixed('octane', counted.octane ?? {}) }
    return {
      rate: records / done.seconds,
      seconds: done.seconds,
      requestsPerRecord: totalOf(counted) / records,
      requests,
      run: breakdown,
      ledger: { ...ledger, ofBatches: ledger.underWay / batches },
      checkSeconds: world.checkSeconds,
      cpuSeconds: used,
      peakMegabytes: { bridge: peakMegabytes(stack.bridge.pid()), central: peakMegabytes(stack.central.pid()) },
    }
  } finally {
    await world.stop()
    await stop()
  }
}

function prefixed(name: string, counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([key, count]) => [`${name} ${key}`, count]))
}

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '10000' },
    small: { type: 'string', default: '1000' },
    hand: { type: 'string', default: '300' },
    latency: { type: 'string', default: '0,20' },
  },
})
const records = Number(values.records)
const results: Record<string, unknown>[] = []
for (const latency of values.latency.split(',').map(Number)) {
  say(`Latency ${latency} ms: the floor, ${records} records`)
  const floorRate = await floor(records, latency)
  say(`  ${floorRate.toFixed(0)} records/s`)
  say(`By hand, ${values.hand} records`)
  const handRate = await byHand(Number(values.hand), latency)
  say(`  ${handRate.toFixed(0)} records/s`)
  say(`Tandem, ${values.small} records`)
  const small = await tandem(Number(values.small), latency)
  say(`  ${small.rate.toFixed(0)} records/s, bridge peaks at ${small.peakMegabytes.bridge} MB`)
  say(`Tandem, ${records} records`)
  const large = await tandem(records, latency)
  say(`  ${large.rate.toFixed(0)} records/s, bridge peaks at ${large.peakMegabytes.bridge} MB`)
  results.push({
    latency,
    ratioToFloor: round(large.rate / floorRate),
    ratioToByHand: round(large.rate / handRate),
    /** Of the time of all batches, those statements that write the ledger. */
    ledgerShare: round(large.ledger.ofBatches),
    ratioOfMemory: round(large.peakMegabytes.bridge / small.peakMegabytes.bridge),
    floorPerSecond: round(floorRate),
    byHandPerSecond: round(handRate),
    tandemPerSecond: round(large.rate),
    tandemSeconds: large.seconds,
    requestsPerRecord: round(large.requestsPerRecord),
    requests: large.requests,
    breakdown: rounded({
      checkBefore: large.checkSeconds,
      run: large.run,
      ledger: large.ledger,
      cpuSeconds: large.cpuSeconds,
    }),
    peakMegabytes: { [values.small]: small.peakMegabytes, [values.records]: large.peakMegabytes },
  })
}

process.stdout.write(`${JSON.stringify({ bench: 'initial', records, concurrency, batch, results })}\n`)
