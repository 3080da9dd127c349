import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import path from 'node:path'

const fullBytes = 10_000_000
const wordsBytes = 1_500

/** Puts a full log aside, over the one put aside before. Called at the start of whoever writes it. */
export function rotate(file: string): void {
  if (existsSync(file) && statSync(file).size > fullBytes) renameSync(file, `${file}.1`)
}

/** The end of a log, for an error message. */
export function lastWords(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').slice(-wordsBytes).trim() : '(nothing)'
}

/** A log that keeps its last ten megabytes or so, and as much of the time before. */
export function createLogFile(file: string): { write(chunk: string | Buffer): void } {
  mkdirSync(path.dirname(file), { recursive: true })
  rotate(file)
  let size = existsSync(file) ? statSync(file).size : 0
  return {
    write(chunk) {
      appendFileSync(file, chunk)
      size += chunk.length
      if (size <= fullBytes) return
      rotate(file)
      size = 0
    },
  }
}
