import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

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
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        writeFileSync(lock, JSON.stringify({ pid: process.pid, started: processStart(process.pid) }), {
          flag: 'wx',
          mode: 0o644,
        })
        return
      } catch {
        const holder = readJson<{ pid: number; started: string | null }>(lock)
        if (holder !== null && isSame(holder))
          throw new FolderInUse(full, { pid: holder.pid, ...readJson<Addresses>(addresses) })
        rmSync(lock, { force: true })
      }
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

/** Process ids are used again: the same one with another start time is somebody else. */
function isSame(holder: { pid: number; started: string | null }): boolean {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const started = processStart(holder.pid)
  return started === null || holder.started === null || started === holder.started
}

/** Start time of a process in the kernel's own ticks; null where that cannot be told. */
function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
