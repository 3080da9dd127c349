import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { removeFolder, temporaryFolder } from './postgres.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 })

let data: string
let started: ChildProcess[] = []

beforeEach(() => {
  data = temporaryFolder('tandem-standalone')
})

afterEach(async () => {
  for (const child of started) if (isRunning(child)) child.kill('SIGKILL')
  started = []
  await until(() => leftBehind().length === 0)
  removeFolder(data)
})

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

interface Start {
  child: ChildProcess
  output(): string
  /** Resolves when the output matches; fails when the process ends first. */
  says(pattern: RegExp): Promise<void>
  ended: Promise<number | NodeJS.Signals | null>
}

/** `npm start` without npm, on the data folder of the test, with ports of its own. */
function start(...args: string[]): Start {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', path.join(import.meta.dirname, 'start.ts'), '--data', data, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'], env: withoutTemporal() },
  )
  started.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  )
  return {
    child,
    output: () => output,
    ended,
    says: async (pattern) => {
      await until(() => pattern.test(output) || !isRunning(child))
      if (!pattern.test(output)) throw new Error(`It ended without saying ${pattern}:\n${output}`)
    },
  }
}

function withoutTemporal(): NodeJS.ProcessEnv {
  const { TEMPORAL_ADDRESS: _given, ...rest } = process.env
  return rest
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(50)
}

/** Processes that still name the data folder, in their command line or their settings. */
function leftBehind(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        const settings = readFileSync(`/proc/${pid}/environ`, 'utf8')
        return words !== '' && (words.includes(data) || settings.includes(data)) ? [`${pid} ${words}`] : []
      } catch {
        return []
      }
    })
}

function addresses(): { api: string; temporal: string } {
  return JSON.parse(readFileSync(path.join(data, 'addresses.json'), 'utf8'))
}

async function inDatabase<T>(body: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const password = readFileSync(path.join(data, 'postgres', 'password'), 'utf8')
  const { postgres: port } = JSON.parse(readFileSync(path.join(data, 'ports.json'), 'utf8')) as { postgres: number }
  const sql = postgres(`postgres://tandem:${password}@127.0.0.1:${port}/tandem`, { max: 1, onnotice: () => undefined })
  try {
    return await body(sql)
  } finally {
    await sql.end()
  }
}

async function health(): Promise<unknown> {
  try {
    const answer = await fetch(`${addresses().api}/api/v1/health`, { signal: AbortSignal.timeout(2_000) })
    return await answer.json()
  } catch {
    return null
  }
}

/** Takes a port as a stranger would. */
async function occupy(port: number): Promise<Server> {
  const server = createServer((_request, response) => response.end('somebody else'))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
  return server
}

describe('everything on one machine', () => {
  it('refuses a second start, leaves nothing behind when killed, and goes on with its data, on another port where one is taken', async () => {
    mkdirSync(data, { recursive: true })
    const first = start()
    await first.says(/Stop: {3}Ctrl-C/)
    for (const part of [
      'PostgreSQL',
      'Temporal server and UI',
      'Mail catcher',
      'Central worker',
      'Built-in bridge',
      'API',
    ])
      expect(first.output()).toMatch(new RegExp(`✓ {2}${part} +\\d+\\.\\d s`))
    expect(await health()).toMatchObject({ database: 'ok', temporal: 'ok' })
    await inDatabase((sql) => sql`create table kept (word text)`)

    const second = start()
    expect(await second.ended).toBe(3)
    expect(second.output()).toContain(addresses().api)
    expect(await health()).toMatchObject({ database: 'ok' })

    const { api } = addresses()
    first.child.kill('SIGKILL')
    await first.ended
    // At once: the servers of the first are still ending.
    const again = start()
    await until(() => leftBehind().every((line) => !line.includes(` ${first.child.pid} `)))
    await again.says(/Stop: {3}Ctrl-C/)
    expect(addresses().api).toBe(api)
    expect(
      await inDatabase((sql) => sql`select count(*)::int as tables from pg_tables where tablename = 'kept'`),
    ).toEqual([{ tables: 1 }])
    again.child.kill('SIGTERM')
    expect(await again.ended).toBe(0)
    expect(leftBehind()).toEqual([])

    const stranger = await occupy(Number(new URL(api).port))
    try {
      const third = start('--fresh')
      await third.says(/Stop: {3}Ctrl-C/)
      expect(third.output()).toContain(`Port ${new URL(api).port} is taken`)
      expect(addresses().api).not.toBe(api)
      expect(await health()).toMatchObject({ database: 'ok', temporal: 'ok' })
      expect(
        await inDatabase((sql) => sql`select count(*)::int as tables from pg_tables where tablename = 'kept'`),
      ).toEqual([{ tables: 0 }])

      // The database dies: it is started again, and everybody finds it again.
      const [pid] = readFileSync(path.join(data, 'postgres', 'cluster', 'postmaster.pid'), 'utf8').split('\n')
      process.kill(Number(pid), 'SIGKILL')
      await third.says(/The database is up again/)
      let now: unknown = null
      while ((now as { database?: string } | null)?.database !== 'ok') {
        now = await health()
        await pause(100)
      }
      third.child.kill('SIGINT')
      third.child.kill('SIGINT')
      expect(await third.ended).toBe(0)
      expect(leftBehind()).toEqual([])
      expect(existsSync(path.join(data, 'lock.json'))).toBe(false)
    } finally {
      stranger.close()
    }
  })

  it('stops at once when it is asked to while it starts', async () => {
    const one = start()
    await one.says(/✓ {2}PostgreSQL/)
    one.child.kill('SIGINT')
    expect(await one.ended).toBe(130)
    await until(() => leftBehind().length === 0)
    expect(existsSync(path.join(data, 'lock.json'))).toBe(false)
  })

  it('takes over a lock that was left half-written or belongs to a process that is gone', async () => {
    for (const content of [
      '{"pid":',
      JSON.stringify({ pid: 999_999_999, started: '1' }),
      JSON.stringify({ pid: process.pid, started: '1' }),
    ]) {
      mkdirSync(data, { recursive: true })
      writeFileSync(path.join(data, 'lock.json'), content)
      const one = start()
      await one.says(/✓ {2}PostgreSQL/)
      one.child.kill('SIGTERM')
      expect(await one.ended).toBe(130)
    }
  })
})
