import { spawn } from 'node:child_process'
import { createWriteStream, mkdirSync } from 'node:fs'
import path from 'node:path'
import { Connection } from '@temporalio/client'
import { guardProcesses } from './guard.ts'
import { freePort, portOr } from './ports.ts'

export interface RunningTemporal {
  address: string
  /** Address of the web UI; null when headless. */
  ui: string | null
  pid: number
  stop(): Promise<void>
}

export interface TemporalOptions {
  binary: string
  /** Where its log and, unless kept in memory, its database lie. */
  folder: string
  port: number
  uiPort: number | null
  inMemory?: boolean
  /** Settings of the server beside its defaults, as JSON values by key. */
  dynamicConfig?: Readonly<Record<string, string>>
}

const startMs = 60_000

/** Starts the Temporal dev server with its SQLite database, and waits until it answers. It ends with this process. */
export async function startTemporal(options: TemporalOptions): Promise<RunningTemporal> {
  mkdirSync(options.folder, { recursive: true })
  const port = options.port === 0 ? await freePort() : await portOr(options.port)
  const uiPort = options.uiPort === null ? null : await portOr(options.uiPort)
  const log = createWriteStream(path.join(options.folder, 'temporal.log'), { flags: 'a' })
  const child = spawn(
    options.binary,
    [
      'server',
      'start-dev',
      ...['--ip', '127.0.0.1', '--port', String(port), '--http-port', String(await freePort())],
      ...['--metrics-port', String(await freePort()), '--log-level', 'warn'],
      ...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort)]),
      ...Object.entries(options.dynamicConfig ?? {}).flatMap(([key, value]) => [
        '--dynamic-config-value',
        `${key}=${value}`,
      ]),
      ...(options.inMemory === true ? [] : ['--db-filename', path.join(options.folder, 'temporal.sqlite')]),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  child.stdout.pipe(log)
  child.stderr.pipe(log)
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`The Temporal server could not be started (${options.binary}).`)
  const callOff = guardProcesses([{ pid, signal: 'SIGTERM' }])
  const address = `127.0.0.1:${port}`
  await answers(address, () => child.exitCode !== null, path.join(options.folder, 'temporal.log'))
  return {
    address,
    ui: uiPort === null ? null : `http://127.0.0.1:${uiPort}`,
    pid,
    stop: async () => {
      if (child.exitCode === null) child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(timer)
      callOff()
      log.end()
    },
  }
}

async function answers(address: string, gone: () => boolean, log: string): Promise<void> {
  const started = performance.now()
  for (;;) {
    if (gone()) throw new Error(`The Temporal server ended right after its start; see ${log}.`)
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1_000 })
      await connection.workflowService.describeNamespace({ namespace: 'default' })
      await connection.close()
      return
    } catch {
      if (performance.now() - started > startMs) throw new Error(`The Temporal server does not answer; see ${log}.`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
