import { writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { migrate } from '../../db/migrate.ts'
import { removeFolder, startPostgres, temporaryFolder } from '../../standalone/postgres.ts'
import { type RunningTemporal, startTemporal } from '../../standalone/temporal.ts'
import { temporalBinary } from '../../standalone/temporal-binary.ts'
import type { TestDatabase } from '../database.ts'
import { tortureBacklog } from './backlog.ts'
import { planOf } from './plan.ts'
import { shortHistories, stormWorld } from './storm-world.ts'
import { torture } from './torture.ts'
import { invariantNames, invariants, noCases, type Verdict } from './verdict.ts'
import { runVolume } from './volume-main.ts'

const { values } = parseArgs({
  options: {
    /** How long worlds are made; 1 when left out. With numbers: no new world is begun later than this. */
    minutes: { type: 'string' },
    seed: { type: 'string', default: '1' },
    cycles: { type: 'string', default: '8' },
    /** One world or storm, of this seed, with what lay in the database when something was wrong. */
    only: { type: 'boolean', default: false },
    /** A folder for what lay in the databases of worlds in which something was wrong. */
    evidence: { type: 'string' },
    /** The numbers instead: so many creates and so many edits, see volume.ts. */
    creates: { type: 'string', default: '0' },
    edits: { type: 'string', default: '0' },
    /** Storms of commands alone. */
    storm: { type: 'boolean', default: false },
    /** Worlds of a backlog with files and comments instead. */
    backlog: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes ?? 1)
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

const volume = { creates: Number(values.creates), edits: Number(values.edits) }
if (volume.creates + volume.edits > 0) {
  const held = await runVolume({
    seed: firstSeed,
    ...volume,
    createDatabase,
    minutes: values.minutes === undefined ? Number.POSITIVE_INFINITY : minutes,
  })
  await admin.end()
  await database.stop()
  removeFolder(folder)
  process.exit(held ? 0 : 1)
}

let temporal: RunningTemporal | null = null

/** A storm of commands over a whole service, with real processes that are killed. */
async function stormOf(seed: number) {
  temporal ??= await startTemporal({
    binary: await temporalBinary((line) => void process.stdout.write(`${line}\n`)),
    folder,
    port: 0,
    uiPort: null,
    inMemory: true,
    dynamicConfig: shortHistories,
  })
  const { address: temporalAddress } = temporal
  return stormWorld({ seed, steps: 24, kills: true, temporalAddress, folder, createDatabase })
}

/** So much of the time goes to storms; the rest to worlds without Temporal, which are many in the same time. */
const stormShare = 0.25

const started = performance.now()
let storming = 0
const [cases, found] = [noCases(), noCases()]
const total = { worlds: 0, edits: 0, deaths: 0, faults: 0, writes: 0, waiting: 0 }
const storms = { storms: 0, commands: 0, accepted: 0, refused: 0, sentAgain: 0, kills: 0, lives: 0, statuses: 0 }
const disturbed: Record<string, number> = {}
const failed: { seed: number; what: 'world' | 'storm' | 'backlog'; violations: string[] }[] = []

function take(
  verdict: Pick<Verdict, 'cases' | 'violations'>,
  seed: number,
  what: (typeof failed)[number]['what'],
  about: object,
): void {
  for (const name of invariantNames) cases[name] += verdict.cases[name]
  for (const violation of verdict.violations) found[violation.invariant]++
  if (verdict.violations.length === 0) return
  const violations = verdict.violations.map((one) => `${one.invariant} ${one.message}`)
  failed.push({ seed, what, violations })
  process.stdout.write(
    `${what} ${seed} ${JSON.stringify(about)}:\n${violations.map((line) => `  ${line.slice(0, 1_500)}`).join('\n')}\n`,
  )
}

/** What lay in the database of a world in which something was wrong. */
function keep(evidence: readonly string[] | undefined, name: string): void {
  if (evidence === undefined) return
  if (values.evidence !== undefined) writeFileSync(path.join(values.evidence, `${name}.txt`), evidence.join('\n'))
  if (values.only) for (const line of evidence) process.stdout.write(`${line.slice(0, 400)}\n`)
}

for (let seed = firstSeed; performance.now() - started < minutes * 60_000; seed++) {
  if (values.backlog) {
    const { faults, deaths } = planOf(seed)
    const report = await tortureBacklog({ seed, cycles: Number(values.cycles), faults, deaths, createDatabase })
    total.worlds++
    for (const key of ['edits', 'deaths', 'faults', 'writes'] as const) total[key] += report[key]
    take(report, seed, 'backlog', { faults: faults.length, deaths })
    keep(report.evidence, `backlog-${seed}`)
    if (values.only) break
    continue
  }
  if (values.storm || (!values.only && storming < stormShare * (performance.now() - started))) {
    const before = performance.now()
    const { report, verdict } = await stormOf(seed)
    storming += performance.now() - before
    storms.storms++
    for (const key of ['commands', 'accepted', 'refused', 'sentAgain', 'kills', 'lives', 'statuses'] as const)
      storms[key] += report[key]
    take(verdict, seed, 'storm', report)
    if (values.storm) {
      if (values.only) break
      continue
    }
  }
  const plan = planOf(seed)
  const report = await torture({ ...plan, cycles: Number(values.cycles), createDatabase })
  total.worlds++
  for (const key of ['edits', 'deaths', 'faults', 'writes', 'waiting'] as const) total[key] += report[key]
  for (const [kind, count] of Object.entries(report.disturbances)) disturbed[kind] = (disturbed[kind] ?? 0) + count
  take(report, seed, 'world', { rule: report.rule, ...plan })
  keep(report.evidence, `world-${seed}`)
  if (values.only) break
}
await (temporal as RunningTemporal | null)?.stop()
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
    storms,
    cases,
    violations: found,
    failedSeeds: failed.map(({ seed, what }) => ({ seed, what })),
  })}\n`,
)
process.exitCode = failed.length > 0 ? 1 : 0
