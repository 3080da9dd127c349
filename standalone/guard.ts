import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

let guard: ChildProcess | null = null

/** Says something to the one guard of this process, which runs from the first word on. */
function say(...words: readonly string[]): void {
  if (guard === null) {
    guard = spawn(process.execPath, [fileURLToPath(new URL('./guard.mjs', import.meta.url))], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
    guard.on('error', () => undefined)
    guard.stdin?.on('error', () => undefined)
    guard.unref()
    // Neither the process nor its open pipe may keep this one alive.
    ;(guard.stdin as (NodeJS.WritableStream & { unref?(): void }) | null)?.unref?.()
  }
  guard.stdin?.write(`${words.join('\t')}\n`)
}

export type Ward = { pid: number; signal: 'SIGTERM' | 'SIGINT' } | { folder: string }

/**
 * When this process is gone, however it went, a small process of its own ends the ward with its signal, or removes the folder
 * after all processes are gone. Answers how to call it off.
 */
export function guardWard(ward: Ward): () => void {
  if ('folder' in ward) {
    say('remove', ward.folder)
    return () => say('keep', ward.folder)
  }
  say('watch', String(ward.pid), ward.signal)
  return () => say('forget', String(ward.pid))
}
