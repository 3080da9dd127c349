import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { isAlive, type ProcessId, processId } from './processes.ts'

/** Where the parts listen; written for the command line, and remembered for the next start. */
export interface Addresses {
  pid: number
  api?: string
  temporal?: string
  temporalUi?: string
  mail?: string
  smtp?: string
}

export class FolderInUse extends Error {
  readonly addresses: Addresses

  constructor(folder: string, addresses: Addresses) {
    const where = addresses.api === undefined ? '' : `, its API at ${addresses.api}`
    super(
      `Tandem runs on ${folder} already (process ${addresses.pid}${where}). Use that one, stop it, or choose another folder with --data.`,
    )
    this.addresses = addresses
  }
}

export interface DataFolder {
  path: string
  /** Tells the command line where everything is. */
  publish(addresses: Omit<Addresses, 'pid'>): void
  /** A port of an earlier start, so that addresses stay the same. */
  rememberedPort(name: string, fallback: number): number
  rememberPorts(ports: Record<string, number>): void
  release(): void
}

/**
 * Takes the one folder in which everything lies. A second start on it is refused with the address of the first; the lock of a
 * process that is gone is taken over. `fresh` throws away what was there.
 */
export function openDataFolder(folder: string, options: { fresh?: boolean } = {}): DataFolder {
  const full = path.resolve(folder)
  const lock = path.join(full, 'lock.json')
  const addresses = path.join(full, 'addresses.json')
  const portsFile = path.join(full, 'ports.json')
  mkdirSync(full, { recursive: true, mode: 0o755 })
  take()
  if (options.fresh === true) {
    for (const name of [
      'postgres',
      'temporal',
      'mail',
      'bridge-key.json',
      'bridge-public-key.json',
      'demo.json',
      'logs',
    ])
      rmSync(path.join(full, name), { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }

  function take(): void {
    // Complete before it is visible: a lock is never seen half-written. Linking fails when there is one.
    const draft = `${lock}.${process.pid}`
    writeFileSync(draft, JSON.stringify(processId(process.pid)), { mode: 0o644 })
    try {
      for (let attempt = 0; attempt < 5; attempt++) {
        try {
          linkSync(draft, lock)
          return
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        }
        const holder = readJson<ProcessId>(lock)
        if (holder !== null && isAlive(holder))
          throw new FolderInUse(full, { ...readJson<Addresses>(addresses), pid: holder.pid })
        takeAway(lock, holder)
      }
    } finally {
      rmSync(draft, { force: true })
    }
    throw new Error(`The lock in ${full} cannot be taken. Is the folder writable?`)
  }

  return {
    path: full,
    publish: (where) => writeFileSync(addresses, `${JSON.stringify({ pid: process.pid, ...where }, null, 2)}\n`),
    rememberedPort: (name, fallback) => readJson<Record<string, number>>(portsFile)?.[name] ?? fallback,
    rememberPorts: (ports) => writeFileSync(portsFile, `${JSON.stringify(ports, null, 2)}\n`),
    release: () => {
      rmSync(addresses, { force: true })
      rmSync(lock, { force: true })
    },
  }
}

/** Writes a file that only its owner may read. */
export function writePrivate(file: string, content: string): void {
  writeFileSync(file, content, { mode: 0o600 })
  chmodSync(file, 0o600)
}

function readJson<T>(file: string): T | null {
  try {
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : null
  } catch {
    return null
  }
}

/** Removes the lock of somebody who is gone, but not one that another start has put there in the meantime. */
function takeAway(lock: string, holder: ProcessId | null): void {
  const aside = `${lock}.stale.${process.pid}`
  try {
    renameSync(lock, aside)
  } catch {
    return
  }
  const moved = readJson<ProcessId>(aside)
  if (moved !== null && (moved.pid !== holder?.pid || moved.started !== holder.started) && isAlive(moved))
    renameSync(aside, lock)
  else rmSync(aside, { force: true })
}
