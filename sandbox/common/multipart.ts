import { createHash, type Hash } from 'node:crypto'

/** Where a part of a multipart body lies, with what its headers say; names of headers in lower case. */
export interface ScannedPart {
  headers: Readonly<Record<string, string>>
  start: number
  size: number
  sha256: string
}

const largestHead = 16_384

/** Finds the parts of a multipart body that comes in pieces, keeping no more of it than a boundary needs. */
export class MultipartScanner {
  readonly #delimiter: Buffer
  readonly #parts: ScannedPart[] = []
  // A body begins with a boundary, as if a line had ended before it.
  #window: Buffer = Buffer.from('\r\n')
  #offset = -2
  #state: 'preamble' | 'head' | 'content' | 'end' = 'preamble'
  #headers: Readonly<Record<string, string>> = {}
  #start = 0
  #hash: Hash = createHash('sha256')
  #malformed: string | null = null

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
  }

  push(chunk: Buffer): void {
    if (this.#state === 'end' || this.#malformed !== null) return
    this.#window = Buffer.concat([this.#window, chunk])
    while (this.#step()) {}
  }

  /** The parts found; what is wrong, where the body did not end as it should. */
  end(): { parts: readonly ScannedPart[]; malformed: string | null } {
    const unfinished = this.#state === 'end' ? null : 'The multipart body has no final boundary.'
    return { parts: this.#parts, malformed: this.#malformed ?? unfinished }
  }

  /** Takes one step through the window; false: more bytes are needed, or none at all. */
  #step(): boolean {
    if (this.#state === 'end' || this.#malformed !== null) return false
    if (this.#state === 'head') return this.#head()
    const found = this.#window.indexOf(this.#delimiter)
    if (found < 0) {
      this.#take(Math.max(0, this.#window.length - this.#delimiter.length + 1))
      return false
    }
    this.#take(found)
    const after = this.#delimiter.length
    if (this.#window.length < after + 2) return false
    if (this.#state === 'content')
      this.#parts.push({
        headers: this.#headers,
        start: this.#start,
        size: this.#offset - this.#start,
        sha256: this.#hash.digest('hex'),
      })
    const next = this.#window.toString('latin1', after, after + 2)
    this.#state = next === '--' ? 'end' : 'head'
    if (next !== '--' && next !== '\r\n') this.#malformed = 'A multipart boundary is followed by something else.'
    // The line end stays: a part without headers begins with an empty line.
    this.#drop(after)
    return true
  }

  #head(): boolean {
    const end = this.#window.indexOf('\r\n\r\n')
    if (end < 0) {
      if (this.#window.length > largestHead) this.#malformed = 'The headers of a part are too long.'
      return false
    }
    const lines = this.#window.toString('utf8', 0, end).split('\r\n')
    this.#headers = Object.fromEntries(
      lines.flatMap((line) => {
        const colon = line.indexOf(':')
        return colon < 0 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]]
      }),
    )
    this.#drop(end + 4)
    this.#start = this.#offset
    this.#hash = createHash('sha256')
    this.#state = 'content'
    return true
  }

  /** Goes past bytes that are content, or nothing. */
  #take(bytes: number): void {
    if (this.#state === 'content') this.#hash.update(this.#window.subarray(0, bytes))
    this.#drop(bytes)
  }

  #drop(bytes: number): void {
    this.#window = this.#window.subarray(bytes)
    this.#offset += bytes
  }
}
