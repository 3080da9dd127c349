import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { migrate } from '../../db/migrate.ts'
import { removeFolder, startPostgres, temporaryFolder } from '../../standalone/postgres.ts'
import type { TestDatabase } from '../database.ts'
import { planOf } from './plan.ts'
import { torture } from './torture.ts'
import { invariantNames, invariants, noCases } from './verdict.ts'

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
const [cases, found] = [noCases(), noCases()]
const total = { worlds: 0, edits: 0, deaths: 0, faults: 0, writes: 0, waiting: 0 }
const disturbed: Record<string, number> = {}
const failed: { seed: number; violations: string[] }[] = []
for (let seed = firstSeed; performance.now() - started < minutes * 60_000; seed++) {
  const report = await torture({ ...planOf(seed), cycles: Number(values.cycles), createDatabase })
  total.worlds++
  for (const key of ['edits', 'deaths', 'faults', 'writes', 'waiting'] as const) total[key] += report[key]
  for (const [kind, count] of Object.entries(report.disturbances)) disturbed[kind] = (disturbed[kind] ?? 0) + count
  for (const name of invariantNames) cases[name] += report.cases[name]
  for (const violation of report.violations) found[violation.invariant]++
  if (report.violations.length > 0) {
    failed.push({ seed, violations: report.violations.map((one) => `${one.invariant} ${one.message}`) })
    process.stdout.write(
      `seed ${seed} ${JSON.stringify({ rule: report.rule, ...planOf(seed) })}:\n${failed[failed.length - 1]?.violations.map((line) => `  ${line.slice(0, 300)}`).join('\n')}\n`,
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
for (const name of invariantNames)
  process.stdout.write(`${name.padEnd(4)} ${invariants[name]}: ${found[name]} violations in ${cases[name]} cases\n`)
process.stdout.write(
  `${JSON.stringify({
    firstSeed,
    minutes: Math.round((performance.now() - started) / 6_000) / 10,
    ...total,
    disturbances: disturbed,
    cases,
    violations: found,
    failedSeeds: failed.map((one) => one.seed),
  })}\n`,
)
process.exitCode = failed.length > 0 ? 1 : 0
