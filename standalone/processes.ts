import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

export interface ProcessId {
  pid: number
  /** Start time in the kernel's own ticks; null where that cannot be told. */
  started: string | null
}

/** Process ids are used again: the same one with another start time is somebody else. */
export function processId(pid: number): ProcessId {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return { pid, started: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null }
  } catch {
    return { pid, started: null }
  }
}

export function isAlive(one: ProcessId): boolean {
  try {
    process.kill(one.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const now = processId(one.pid).started
  return now === null || one.started === null || now === one.started
}

/** Remembers a server's process beside its data, so that the next start waits for it instead of failing over it. */
export function rememberProcess(file: string, pid: number): void {
  writeFileSync(file, JSON.stringify(processId(pid)))
}

const earlierMs = 30_000

/**
 * Waits until the server that an earlier start has left behind is gone: its guard is ending it, or else this does. The folder
 * is locked by this process, so nobody uses that server any more.
 */
export async function untilEarlierIsGone(file: string, signal: NodeJS.Signals): Promise<void> {
  const earlier = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ProcessId) : null
  if (earlier === null) return
  for (let waited = 0; isAlive(earlier); waited += 100) {
    if (waited === earlierMs / 3) process.kill(earlier.pid, signal)
    if (waited >= earlierMs) process.kill(earlier.pid, 'SIGKILL')
    await pause(100)
  }
}
