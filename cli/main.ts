import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Command, CommanderError } from 'commander'
import { adoptCommand } from './adopt.ts'
import { apiAddress, createApiClient, NotReachable, Refused } from './api-client.ts'
import { conflictCommands } from './conflict.ts'
import type { Context } from './context.ts'
import { definitionCommands } from './definition.ts'
import { endpointCommands } from './endpoint.ts'
import { issueCommands } from './issue.ts'
import { ledgerCommands } from './ledger.ts'
import { linkCommands } from './link.ts'
import { linkStatusCommands } from './link-status.ts'
import { createOutput } from './output.ts'
import { placesCommand } from './places.ts'
import { resetCommands } from './reset.ts'
import { retentionCommands } from './retention.ts'
import { reviewCommands } from './review.ts'
import { runCommands } from './run.ts'
import { runHistoryCommands } from './run-history.ts'
import { scheduleCommand } from './schedule.ts'
import { scopeCommands } from './scope.ts'
import { stopCommands } from './stops.ts'
import { syncCommand } from './sync.ts'
import { userMappingCommands } from './user-mapping.ts'
import { versionCommands } from './versions.ts'
import { webhookCommand } from './webhook.ts'
import { whyCommand } from './why.ts'

/** 0 done; 1 failed or refused; 2 wrong usage; 3 finished with errors; 4 nothing answers. */
let exitCode = 0

const program = new Command('tandem')
  .description('Keeps work items of ALM/Quality Center and ALM Octane in step')
  .option('--api <address>', 'address of the API (or TANDEM_API; else the one that "npm start" runs)')
  .option('--json', 'answer as JSON, for scripts')
  .exitOverride()
  .showHelpAfterError('(tandem --help shows what there is)')
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 finished with errors, 4 nothing answers',
  )

let made: Context | null = null
function context(): Context {
  if (made !== null) return made
  const { api, json } = program.opts<{ api?: string; json?: boolean }>()
  made = {
    api: createApiClient(apiAddress(api ?? process.env.TANDEM_API)),
    output: createOutput(json === true),
    exit: (code) => {
      exitCode = code
    },
  }
  return made
}

endpointCommands(program, context)
placesCommand(program, context)
linkCommands(program, context)
reviewCommands(program, context)
issueCommands(program, context)
runCommands(program, context)
runHistoryCommands(program, context)
linkStatusCommands(program, context)
retentionCommands(program, context)
conflictCommands(program, context)
scopeCommands(program, context)
stopCommands(program, context)
adoptCommand(program, context)
userMappingCommands(program, context)
syncCommand(program, context)
webhookCommand(program, context)
scheduleCommand(program, context)
ledgerCommands(program, context)
whyCommand(program, context)
versionCommands(program, context)
definitionCommands(program, context)
resetCommands(program, context)

program
  .command('health')
  .description('how the parts are')
  .action(async () => {
    const { api, output, exit } = context()
    const health = await api.call('health')
    output.show(
      health,
      (one) =>
        `Tandem ${one.build} at ${api.address}\n  database ${one.database}\n  Temporal ${one.temporal}${one.temporalUi === null ? '' : ` (${one.temporalUi})`}`,
    )
    if (health.database !== 'ok' || health.temporal !== 'ok') exit(1)
  })

/** Commands that are a program of another folder. */
const programs: Record<string, string> = { sandbox: 'sandbox/main', start: 'standalone/start', demo: 'standalone/demo' }
program.command('sandbox').description('ALM and ALM Octane servers to try out (tandem sandbox --help)')
program.command('start').description('start everything on this machine (tandem start --help)')
program.command('demo').description('start everything and show the main job')

function runProgram(entry: string, args: readonly string[]): Promise<number> {
  const source = fileURLToPath(new URL(`../${entry}.ts`, import.meta.url))
  const file = existsSync(source) ? source : fileURLToPath(new URL(`../${entry}.js`, import.meta.url))
  const child = spawn(
    process.execPath,
    [...(file.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : []), file, ...args],
    { stdio: 'inherit' },
  )
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve) => {
    child.once('close', (code) => resolve(code ?? 1))
  })
}

async function main(): Promise<number> {
  const [first, ...rest] = process.argv.slice(2)
  const entry = first === undefined ? undefined : programs[first]
  if (entry !== undefined) return runProgram(entry, rest)
  try {
    await program.parseAsync()
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const json = program.opts<{ json?: boolean }>().json === true
    if (error instanceof Refused) {
      const { problem } = error
      if (json) process.stdout.write(`${JSON.stringify(problem, null, 2)}\n`)
      else {
        // People have typed words and options, not a request with a path and a query.
        if (problem.code === 'invalid-request' && problem.errors.length > 0)
          for (const one of problem.errors) process.stderr.write(`${placeWords(one.pointer)}${one.message}\n`)
        else process.stderr.write(`${problem.detail}\n`)
        for (const one of problem.errors)
          if (!problem.detail.includes(one.message) && !one.message.includes(problem.detail))
            process.stderr.write(`  ${one.pointer === '' ? '' : `${one.pointer}: `}${one.message}\n`)
        if (problem.remedy !== null) process.stderr.write(`${problem.remedy}\n`)
      }
      return 1
    }
    const [code, exit] = error instanceof NotReachable ? ['not-reachable', 4] : ['failed', 1]
    const detail = fileWords(error) ?? (error instanceof Error ? error.message : String(error))
    // Scripts find every failure in the one form of the API.
    if (json) process.stdout.write(`${JSON.stringify({ code, detail, remedy: null, errors: [] }, null, 2)}\n`)
    else process.stderr.write(`${detail}\n`)
    return Number(exit)
  }
}

/** The name of what was typed, before what is wrong with it: `/query/linkId` as `link id: `. */
function placeWords(pointer: string): string {
  const name = pointer.replace(/^\/(query|path|header)\//, '').replace(/^\//, '')
  return name === '' ? '' : `${name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()}: `
}

/** What keeps a file from being read or written, in words; null: it is about no file. */
function fileWords(error: unknown): string | null {
  const { code, path } = error as NodeJS.ErrnoException
  if (path === undefined) return null
  if (code === 'EEXIST') return `The file ${path} is there already and is not written over. Name another one.`
  if (code === 'ENOENT') return `There is no ${path}, or no folder for it. Correct the path.`
  return code === 'EACCES' ? `The file ${path} may not be used. Name another one, or change its permissions.` : null
}

// Whoever reads us may stop before the end, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

main().then((code) => process.exit(code))
