import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import postgres from 'postgres'
import { guardWard } from './guard.ts'
import { lastWords, rotate } from './log-file.ts'
import { freePort, portOr } from './ports.ts'
import { findPostgres, type PostgresProgram } from './postgres-program.ts'
import { rememberProcess, untilEarlierIsGone } from './processes.ts'

export interface RunningPostgres {
  /** Address of the database `tandem`, with its password. */
  url: string
  port: number
  pid: number
  /** Resolves when the server has ended, for whatever reason. */
  ended: Promise<void>
  /** Cuts connections, writes everything, ends. */
  stop(): Promise<void>
}

export interface PostgresOptions {
  /** Where cluster, password and log lie. */
  folder: string
  /** 0 for any free one; a taken one is replaced. */
  port: number
  /** Tests trade durability for speed. */
  durable?: boolean
}

const startMs = 60_000
/** Fast shutdown writes what is in memory; on a slow disk that takes its time, and killing means recovery at the next start. */
const stopMs = 30_000
const attempts = 3

/**
 * Starts the real PostgreSQL that comes from npm in a folder of its own, making the cluster and the database `tandem` the
 * first time. It ends with this process, whatever happens to it. Nobody else may be using the folder.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const folder = path.resolve(options.folder)
  const durable = options.durable ?? true
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const program = await findPostgres(folder)
  const password = ensurePassword(path.join(folder, 'password'))
  const cluster = path.join(folder, 'cluster')
  const log = path.join(folder, 'postgres.log')
  const processFile = path.join(folder, 'process.json')
  await untilEarlierIsGone(processFile, 'SIGINT')
  rotate(log)
  if (!existsSync(path.join(cluster, 'PG_VERSION'))) await makeCluster({ program, cluster, password, durable, log })

  for (let attempt = 1; ; attempt++) {
    const port = options.port === 0 ? await freePort() : await portOr(options.port)
    try {
      return await launch({ program, cluster, log, processFile, port, password, durable })
    } catch (error) {
      // Between finding a free port and taking it somebody else may have been faster.
      if (options.port !== 0 || attempt >= attempts) throw error
    }
  }
}

interface Launch {
  program: PostgresProgram
  cluster: string
  log: string
  processFile: string
  port: number
  password: string
  durable: boolean
}

async function launch({
  program,
  cluster,
  log,
  processFile,
  port,
  password,
  durable,
}: Launch): Promise<RunningPostgres> {
  const child = run(program, log, program.postgres, [
    ...['-D', cluster, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    ...['-c', 'max_connections=200', '-c', 'lc_messages=C'],
    ...(durable ? [] : ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off']),
  ])
  const { pid, ended, dismiss } = child
  rememberProcess(processFile, pid)
  const stop = async () => {
    // SIGINT is the fast shutdown: connections are cut, the data stays sound.
    child.process.kill('SIGINT')
    const timer = setTimeout(() => child.process.kill('SIGKILL'), stopMs)
    await ended
    clearTimeout(timer)
    dismiss()
  }
  try {
    await untilReady(child.process, pid, path.join(cluster, 'postmaster.pid'))
    const url = (database: string) => `postgres://tandem:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`
    const admin = postgres(url('postgres'), { max: 1, onnotice: () => undefined })
    try {
      const [known] = await admin`select 1 from pg_database where datname = 'tandem'`
      if (known === undefined) await admin`create database tandem`
    } finally {
      await admin.end()
    }
    return { url: url('tandem'), port, pid, ended, stop }
  } catch (error) {
    await stop()
    const words = lastWords(log)
    throw new Error(`PostgreSQL did not start on port ${port}; it said:\n${words}`, { cause: error })
  }
}

/** Starts one of the programs, its words going to the log, under guard from its first moment. */
function run(program: PostgresProgram, log: string, file: string, args: readonly string[]) {
  const { command, args: all, ...user } = program.as(file, args)
  const output = openSync(log, 'a', 0o644)
  // In a session of its own: a terminal's Ctrl-C must not end the database before those who write to it.
  const process_ = spawn(command, all, {
    ...user,
    stdio: ['ignore', output, output],
    detached: true,
    windowsHide: true,
  })
  closeSync(output)
  const ended = new Promise<void>((resolve) => {
    process_.once('error', () => resolve())
    process_.once('exit', () => resolve())
  })
  const { pid } = process_
  if (pid === undefined) throw new Error(`${command} cannot be started.`)
  return { process: process_, pid, ended, dismiss: guardWard({ pid, signal: 'SIGINT' }) }
}

/**
 * Makes the cluster beside its place and moves it there when it is complete: a start that was cut off leaves nothing that
 * looks like one. Sorting follows code points, the same on every machine.
 */
async function makeCluster(options: {
  program: PostgresProgram
  cluster: string
  password: string
  durable: boolean
  log: string
}): Promise<void> {
  const { program, cluster } = options
  const draft = `${cluster}.new`
  const passwordFile = path.join(draft, 'password')
  const data = path.join(draft, 'data')
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(data, { recursive: true, mode: 0o700 })
  writeFileSync(passwordFile, `${options.password}\n`, { mode: 0o600 })
  for (const one of [draft, data, passwordFile]) program.give(one)
  const child = run(program, options.log, program.initdb, [
    ...[`--pgdata=${data}`, '--username=tandem', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
    ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...(options.durable ? [] : ['--no-sync']),
  ])
  await child.ended
  child.dismiss()
  if (child.process.exitCode !== 0)
    throw new Error(`The database cluster could not be made in ${cluster}; initdb said:\n${lastWords(options.log)}`)
  rmSync(cluster, { recursive: true, force: true })
  renameSync(data, cluster)
  rmSync(draft, { recursive: true, force: true })
}

/** The server writes its state into its pid file, which is what its own tools look at. */
async function untilReady(child: ChildProcess, pid: number, pidFile: string): Promise<void> {
  for (const started = performance.now(); performance.now() - started < startMs; ) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('It ended right after its start.')
    const lines = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').split('\n') : []
    if (Number(lines[0]) === pid && lines[7]?.trim() === 'ready') return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`It was not ready within ${startMs / 1_000} seconds.`)
}

function ensurePassword(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(18).toString('base64url'), { mode: 0o600 })
  return readFileSync(file, 'utf8').trim()
}

/** A new folder that nobody keeps; it goes when this process does. */
export function temporaryFolder(name: string): string {
  const folder = path.join(tmpdir(), `${name}-${randomBytes(6).toString('hex')}`)
  mkdirSync(folder, { mode: 0o755 })
  guardWard({ folder })
  return folder
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}
