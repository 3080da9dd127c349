import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLogFile } from './log-file.ts'

export interface ChildOptions {
  name: string
  /** Entry file, from the project's root. */
  entry: string
  args?: readonly string[]
  env: Readonly<Record<string, string>>
  logFolder: string
  /** Told about restarts. */
  say(line: string): void
}

export interface ManagedChild {
  name: string
  pid(): number | undefined
  /** What it said about itself when it was ready. */
  ready(): Record<string, unknown>
  /** Waits until it is up again after an end of its own. */
  whenReady(): Promise<void>
  stop(): Promise<void>
}

const root = fileURLToPath(new URL('..', import.meta.url))
const readyMs = 90_000
const graceMs = 40_000
const stableMs = 60_000

/**
 * Runs one of our roles as a process of its own, restarts it with a growing wait when it ends by itself, and says so. It
 * counts as ready when it has printed its line of JSON. It ends when this process does, however that goes.
 */
export async function startChild(options: ChildOptions): Promise<ManagedChild> {
  const log = createLogFile(path.join(options.logFolder, `${options.name}.log`))
  let child: ChildProcess
  let stopping = false
  let failures = 0
  let about: Record<string, unknown> = {}
  let up: Promise<void>

  function launch(): Promise<void> {
    return new Promise((resolve, reject) => {
      let ready = false
      let readyAt = 0
      let lastWords = ''
      child = spawn(
        process.execPath,
        [
          '--import',
          'tsx',
          '--import',
          new URL('./end-with-parent.mjs', import.meta.url).href,
          path.join(root, options.entry),
          ...(options.args ?? []),
        ],
        {
          cwd: root,
          env: { ...process.env, ...options.env },
          stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
          // Ctrl-C in the terminal reaches the parent alone, which stops its children in order.
          detached: true,
        },
      )
      const timer = setTimeout(() => {
        if (!ready) child.kill('SIGKILL')
      }, readyMs)
      let line = ''
      child.stdout?.on('data', (chunk: Buffer) => {
        line += chunk.toString('utf8')
        for (let end = line.indexOf('\n'); end >= 0; end = line.indexOf('\n')) {
          const said = line.slice(0, end)
          line = line.slice(end + 1)
          const parsed = readyLine(said)
          if (parsed === null) log.write(`${said}\n`)
          else {
            ready = true
            readyAt = performance.now()
            about = parsed
            clearTimeout(timer)
            resolve()
          }
        }
      })
      child.stderr?.on('data', (chunk: Buffer) => {
        lastWords = (lastWords + chunk.toString('utf8')).slice(-1_000)
        log.write(chunk)
      })
      child.once('error', (error) => {
        lastWords = error.message
      })
      child.once('close', (code, signal) => {
        clearTimeout(timer)
        if (!ready) {
          reject(
            new Error(
              `The ${options.name} did not start (${signal ?? code}): ${lastWords.trim() || `see ${options.name}.log`}`,
            ),
          )
          return
        }
        if (stopping) return
        // Only one that held for a while was well; else a crash right after each start would never be waited for longer.
        failures = performance.now() - readyAt > stableMs ? 1 : failures + 1
        const wait = Math.min(30_000, 500 * 2 ** Math.min(6, failures - 1))
        options.say(`The ${options.name} ended (${signal ?? code}); it is started again`)
        up = new Promise((done) => setTimeout(done, wait)).then(again)
        up.catch(() => undefined)
      })
    })
  }

  async function again(): Promise<void> {
    for (let attempt = 1; !stopping; attempt++) {
      try {
        await launch()
        options.say(`The ${options.name} is up again`)
        return
      } catch (error) {
        options.say(error instanceof Error ? error.message : String(error))
        await new Promise((done) => setTimeout(done, Math.min(30_000, 1_000 * 2 ** attempt)))
      }
    }
  }

  up = launch()
  await up
  return {
    name: options.name,
    pid: () => child.pid,
    ready: () => about,
    whenReady: () => up,
    stop: async () => {
      stopping = true
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = new Promise<void>((resolve) => {
        child.once('close', () => resolve())
      })
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await ended
      clearTimeout(timer)
    },
  }
}

function readyLine(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null
  try {
    const parsed = JSON.parse(line) as Record<string, unknown>
    return parsed.ready === true ? parsed : null
  } catch {
    return null
  }
}
