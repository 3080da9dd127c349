import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoredContent } from './content.ts'
import { MultipartScanner, type ScannedPart } from './multipart.ts'

/** One part of an upload; a body that has no parts is one without headers. */
export interface UploadPart {
  headers: Readonly<Record<string, string>>
  content: StoredContent & { kind: 'file' }
}

/** A body that went to a file instead of memory. */
export interface Upload {
  file: string
  size: number
  /** It was larger than the maximum; what is beyond was read and dropped. */
  tooLarge: boolean
  /** What is wrong with the parts, if anything. */
  malformed: string | null
  parts: readonly UploadPart[]
  /** Set by whoever goes on using the file. */
  kept: boolean
}

/** A directory for uploads, there from the first one on and removed at the end. */
export class Spool {
  #directory: string | null = null
  #next = 1
  readonly #atExit = () => this.close()

  /** Writes a body to a file as it comes, and finds its parts on the way. */
  async receive(source: AsyncIterable<Buffer>, contentType: string, maximum: number): Promise<Upload> {
    if (this.#directory === null) {
      this.#directory = mkdtempSync(join(tmpdir(), 'tandem-sandbox-'))
      process.once('exit', this.#atExit)
    }
    const file = join(this.#directory, String(this.#next++))
    const boundary = /^multipart\/.*;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType)
    const delimiter = boundary?.[1] ?? boundary?.[2]
    const scanner = delimiter === undefined ? null : new MultipartScanner(delimiter)
    const hash = createHash('sha256')
    let size = 0
    const handle = await open(file, 'w')
    let whole = false
    try {
      for await (const chunk of source) {
        size += chunk.length
        if (size > maximum) continue
        if (scanner === null) hash.update(chunk)
        else scanner.push(chunk)
        for (let written = 0; written < chunk.length; )
          written += (await handle.write(chunk, written, chunk.length - written)).bytesWritten
      }
      whole = true
    } finally {
      await handle.close()
      // The client went away in the middle.
      if (!whole) await rm(file, { force: true })
    }
    const about = { file, size, tooLarge: size > maximum, kept: false }
    if (scanner === null) {
      const body: ScannedPart = { headers: {}, start: 0, size, sha256: hash.digest('hex') }
      return { ...about, malformed: null, parts: [partOf(file, body)] }
    }
    const { parts, malformed } = scanner.end()
    return { ...about, malformed, parts: parts.map((part) => partOf(file, part)) }
  }

  /** Removes the file of an upload that nobody keeps. */
  async discard(upload: Upload): Promise<void> {
    if (!upload.kept) await rm(upload.file, { force: true })
  }

  /** Removes the directory with all that is in it. */
  close(): void {
    process.off('exit', this.#atExit)
    if (this.#directory !== null) rmSync(this.#directory, { recursive: true, force: true })
    this.#directory = null
  }
}

/** The first bytes of content that lies in a file. */
export function beginning(content: StoredContent & { kind: 'file' }, bytes: number): Buffer {
  const buffer = Buffer.alloc(Math.min(bytes, content.size))
  const file = openSync(content.file, 'r')
  try {
    return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, content.start))
  } finally {
    closeSync(file)
  }
}

function partOf(file: string, { headers, start, size, sha256 }: ScannedPart): UploadPart {
  return { headers, content: { kind: 'file', file, start, size, sha256 } }
}
