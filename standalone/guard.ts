import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Ward {
  pid: number
  /** How it is asked to end. */
  signal: 'SIGTERM' | 'SIGINT'
}

/** Starts a small process that ends the wards when this process is gone, however it went. Answers how to call it off. */
export function guardProcesses(wards: readonly Ward[]): () => void {
  const guard = spawn(
    process.execPath,
    [fileURLToPath(new URL('./guard.mjs', import.meta.url)), ...wards.map(({ pid, signal }) => `${pid}:${signal}`)],
    { stdio: ['pipe', 'ignore', 'ignore'], detached: true },
  )
  guard.stdin?.on('error', () => undefined)
  guard.unref()
  return () => {
    guard.kill('SIGKILL')
  }
}
