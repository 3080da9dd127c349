import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import path from 'node:path'
import { Connection } from '@temporalio/client'
import { guardWard } from './guard.ts'
import { lastWords, rotate } from './log-file.ts'
import { freePort, portOr } from './ports.ts'
import { rememberProcess, untilEarlierIsGone } from './processes.ts'

export interface RunningTemporal {
  address: string
  /** Address of the web UI; null when headless. */
  ui: string | null
  pid: number
  /** Resolves when the server has ended, for whatever reason. */
  ended: Promise<void>
  stop(): Promise<void>
}

export interface TemporalOptions {
  binary: string
  /** Where its log and, unless kept in memory, its database lie. */
  folder: string
  /** 0 for any free one. */
  port: number
  /** Null: no web UI. */
  uiPort: number | null
  inMemory?: boolean
  /** Settings of the server beside its defaults, as JSON values by key. */
  dynamicConfig?: Readonly<Record<string, string>>
}

/** Links take turns in the queues of bridges by the keys that their activities carry. */
const ownConfig = { 'matching.enableFairness': 'true' }

const startMs = 60_000
const stopMs = 15_000
const attempts = 3

/**
 * Starts the Temporal dev server with its SQLite database, and waits until it answers. It ends with this process, whatever
 * happens to it. Nobody else may be using the folder.
 */
export async function startTemporal(options: TemporalOptions): Promise<RunningTemporal> {
  mkdirSync(options.folder, { recursive: true })
  const log = path.join(options.folder, 'temporal.log')
  rotate(log)
  await untilEarlierIsGone(path.join(options.folder, 'process.json'), 'SIGTERM')
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch(options, log, options.port === 0 ? await freePort() : await portOr(options.port))
    } catch (error) {
      // Between finding a free port and taking it somebody else may have been faster.
      if (options.port !== 0 || attempt >= attempts) throw error
    }
  }
}

async function launch(options: TemporalOptions, log: string, port: number): Promise<RunningTemporal> {
  const { binary, folder } = options
  const uiPort = options.uiPort === null ? null : await portOr(options.uiPort)
  const output = openSync(log, 'a', 0o644)
  const child = spawn(
    binary,
    [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
      ...['--http-port', String(await freePort()), '--metrics-port', String(await freePort())],
      ...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort)]),
      ...Object.entries({ ...ownConfig, ...options.dynamicConfig }).flatMap(([key, value]) => [
        '--dynamic-config-value',
        `${key}=${value}`,
      ]),
      ...(options.inMemory === true ? [] : ['--db-filename', path.resolve(folder, 'temporal.sqlite')]),
    ],
    // In a session of its own: a terminal's Ctrl-C must not end it before the workers have.
    { stdio: ['ignore', output, output], detached: true, windowsHide: true },
  )
  closeSync(output)
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`The Temporal server cannot be started (${binary}).`)
  const dismiss = guardWard({ pid, signal: 'SIGTERM' })
  rememberProcess(path.join(folder, 'process.json'), pid)
  const stop = async () => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
    await ended
    clearTimeout(timer)
    dismiss()
  }
  const address = `127.0.0.1:${port}`
  try {
    await untilHealthy(address, () => child.exitCode !== null || child.signalCode !== null)
  } catch (error) {
    await stop()
    throw new Error(`The Temporal server did not start on port ${port}; it said:\n${lastWords(log)}`, { cause: error })
  }
  return { address, ui: uiPort === null ? null : `http://127.0.0.1:${uiPort}`, pid, ended, stop }
}

/** It is of use once its namespace answers, a moment after its port does. */
async function untilHealthy(address: string, gone: () => boolean): Promise<void> {
  for (const started = performance.now(); performance.now() - started < startMs; ) {
    if (gone()) throw new Error('It ended right after its start.')
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1_000 })
      try {
        await connection.workflowService.describeNamespace({ namespace: 'default' })
        return
      } finally {
        await connection.close()
      }
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  throw new Error(`It did not answer within ${startMs / 1_000} seconds.`)
}
