import path from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { openDatabase } from '../db/connection.ts'
import { listIssues } from '../db/issues.ts'
import { listLedger } from '../db/ledger.ts'
import { migrate } from '../db/migrate.ts'
import { listOutcomes, listRunLog } from '../db/run-log.ts'
import { getRunReport, listRuns } from '../db/runs.ts'
import { recordStory } from '../db/why.ts'
import { removeFolder, startPostgres, temporaryFolder } from '../standalone/postgres.ts'
import { fillLink } from './ledger-fill.ts'
import { round, say } from './world.ts'

/**
 * What people ask about the past (why, the history of runs, issues, the ledger) on a link with 100,000 pairs and 1,000,000
 * ledger rows, against the same questions on a thousandth of that, by turns on one PostgreSQL. Medians, and their ratio.
 */
const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '100000' },
    rows: { type: 'string', default: '1000000' },
    /** How many times smaller the other one is. */
    share: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '60' },
  },
})
const [pairs, rows, share, rounds] = [values.pairs, values.rows, values.share, values.rounds].map(Number) as [
  number,
  number,
  number,
  number,
]
/** As many as the small one has runs, so that both answer with a full page. */
const limit = 10

const folder = temporaryFolder('tandem-bench')
const server = await startPostgres({ folder: path.join(folder, 'postgres'), port: 0, durable: false })
const admin = postgres(server.url, { max: 1, onnotice: () => undefined })

/** A database of its own with a filled link, and the questions about it. */
async function createPast(name: string, fill: { pairs: number; rows: number }) {
  await admin.unsafe(`create database ${name}`)
  const url = new URL(server.url)
  url.pathname = `/${name}`
  await migrate(url.href)
  const database = openDatabase(url.href)
  say(`${fill.pairs} pairs and ${fill.rows} ledger rows are made`)
  const { linkId, firstRun, runs } = await fillLink(database, fill)
  const someRecord = () => String(1 + Math.floor(Math.random() * fill.pairs))
  const someRun = () => runs[1 + Math.floor(Math.random() * (runs.length - 1))] ?? firstRun
  const questions: Record<string, () => Promise<unknown>> = {
    'why of a record': () =>
      recordStory(database, { linkId, side: 'right', recordId: `${1_000_000 + Number(someRecord())}` }),
    'why of a field': () => recordStory(database, { linkId, side: 'left', recordId: someRecord(), field: 'severity' }),
    'runs of a link': () => listRuns(database, { linkId, limit }),
    'runs of the installation': () => listRuns(database, { limit }),
    'runs that changed something': () => listRuns(database, { linkId, changed: true, limit }),
    'runs with errors': () => listRuns(database, { linkId, status: 'with-errors', limit }),
    'report of a run': () => getRunReport(database, someRun()),
    'log of a run': () => listRunLog(database, { runId: someRun(), limit }),
    'outcomes of a run': () => listOutcomes(database, { runId: someRun(), limit }),
    'ledger of a run': () => listLedger(database, { runId: someRun(), limit }),
    'ledger of the first run': () => listLedger(database, { runId: firstRun, limit }),
    'ledger of a link': () => listLedger(database, { linkId, limit }),
    'ledger of a record': () => listLedger(database, { linkId, leftId: someRecord(), limit }),
    'issues of a link': () => listIssues(database, { linkId, limit }),
    'open issues': () => listIssues(database, { linkId, open: true, limit }),
    'open issues of a code': () => listIssues(database, { linkId, open: true, code: 'user-gap', limit }),
    'issues of a run': () => listIssues(database, { runId: someRun(), limit }),
  }
  return { database, questions }
}

try {
  const small = await createPast('small', { pairs: Math.ceil(pairs / share), rows: Math.ceil(rows / share) })
  const large = await createPast('large', { pairs, rows })
  const timed = async (ask: () => Promise<unknown>) => {
    const started = performance.now()
    await ask()
    return performance.now() - started
  }
  const median = (times: number[]) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
  const calls: Record<string, { ratio: number; smallMs: number; largeMs: number }> = {}
  for (const [name, askSmall] of Object.entries(small.questions)) {
    const askLarge = large.questions[name] ?? askSmall
    const [smalls, larges]: [number[], number[]] = [[], []]
    for (let turn = 0; turn < rounds + 5; turn++) {
      const [one, other] = [await timed(askSmall), await timed(askLarge)]
      // The first ones prepare the statements.
      if (turn >= 5) {
        smalls.push(one)
        larges.push(other)
      }
    }
    const [smallMs, largeMs] = [median(smalls), median(larges)]
    calls[name] = { ratio: round(largeMs / smallMs), smallMs: round(smallMs), largeMs: round(largeMs) }
    say(`  ${name}: ${round(smallMs)} ms, ${round(largeMs)} ms, ratio ${round(largeMs / smallMs)}`)
  }
  await Promise.all([small.database.close(), large.database.close()])
  const worst = Math.max(...Object.values(calls).map(({ ratio }) => ratio))
  process.stdout.write(`${JSON.stringify({ bench: 'ledger', pairs, rows, share, rounds, worstRatio: worst, calls })}\n`)
} finally {
  await admin.end()
  await server.stop()
  removeFolder(folder)
}
