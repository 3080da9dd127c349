import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { migrate } from '../../db/migrate.ts'
import { removeFolder, startPostgres, temporaryFolder } from '../../standalone/postgres.ts'
import type { TestDatabase } from '../database.ts'
import { type Invariant, invariants } from './invariants.ts'
import { everyFault, torture } from './torture.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    cycles: { type: 'string', default: '8' },
    only: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes)
const firstSeed = Number(values.seed)

const folder = temporaryFolder('tandem-torture')
const database = await startPostgres({ folder: path.join(folder, 'postgres'), port: 0, durable: false })
const url = new URL(database.url)
url.pathname = '/postgres'
const admin = postgres(url.href, { max: 1, onnotice: () => undefined })
await admin.unsafe('create database tandem_template')
url.pathname = '/tandem_template'
await migrate(url.href)
let databases = 0

async function createDatabase(): Promise<TestDatabase> {
  const name = `torture_${++databases}`
  await admin.unsafe(`create database ${name} template tandem_template`)
  const own = new URL(url)
  own.pathname = `/${name}`
  return { url: own.href, drop: async () => void (await admin.unsafe(`drop database if exists ${name} with (force)`)) }
}

const started = performance.now()
const found = Object.fromEntries(Object.keys(invariants).map((name) => [name, 0])) as Record<Invariant, number>
const total = { worlds: 0, edits: 0, deaths: 0, faults: 0, writes: 0 }
const failed: { seed: number; violations: string[] }[] = []
for (let seed = firstSeed; performance.now() - started < minutes * 60_000; seed++) {
  const level = seed % 4
  const report = await torture({
    seed,
    cycles: Number(values.cycles),
    faults: level === 0 || level === 3 ? everyFault : [],
    deaths: level >= 2,
    createDatabase,
  })
  total.worlds++
  for (const key of ['edits', 'deaths', 'faults', 'writes'] as const) total[key] += report[key]
  for (const violation of report.violations) found[violation.invariant]++
  if (report.violations.length > 0) {
    failed.push({ seed, violations: report.violations.map((one) => `${one.invariant} ${one.message}`) })
    process.stdout.write(
      `seed ${seed}:\n${failed[failed.length - 1]?.violations.map((line) => `  ${line.slice(0, 300)}`).join('\n')}\n`,
    )
  }
  if (values.only) {
    for (const line of report.evidence ?? []) process.stdout.write(`${line.slice(0, 400)}\n`)
    break
  }
}
await admin.end()
await database.stop()
removeFolder(folder)
for (const [name, words] of Object.entries(invariants))
  process.stdout.write(`${name.padEnd(4)} ${words}: ${found[name as Invariant]} violations in ${total.worlds} worlds\n`)
process.stdout.write(
  `${JSON.stringify({ firstSeed, minutes: Math.round((performance.now() - started) / 6_000) / 10, ...total, violations: found, failedSeeds: failed.map((one) => one.seed) })}\n`,
)
process.exitCode = failed.length > 0 ? 1 : 0
