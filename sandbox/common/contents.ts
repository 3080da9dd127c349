import { createCipheriv, createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

/** Bytes of an attachment, which are never held in memory as a whole. */
export interface Content {
  /** SHA-256 in hexadecimal digits. */
  sha256: string
  /** In bytes. */
  size: number
  /** The first bytes, as many as tell what kind of file it is. */
  beginning: Buffer
  open(): Readable
}

const pieceBytes = 64 * 1024
const beginningBytes = 8

/**
 * Contents by their hash: those that came over the wire lie in a temporary directory, which goes with the last sandbox that
 * uses it or with the process; those made from a number are made again whenever they are read.
 */
export class Contents {
  readonly #byHash = new Map<string, Content>()
  readonly #generated = new Map<string, Content>()
  #directory: string | null = null
  #received = 0
  #users = 1
  readonly #remove = () => {
    if (this.#directory !== null) rmSync(this.#directory, { recursive: true, force: true })
    this.#directory = null
  }

  /** Writes a stream down as it comes; of one beyond the limit nothing is kept but the size that tells so. */
  async receive(source: AsyncIterable<Buffer>, limit = Number.POSITIVE_INFINITY): Promise<Content> {
    const path = join(this.#place(), `incoming-${++this.#received}`)
    const file = await open(path, 'w')
    const measured = new Measure()
    let size = 0
    try {
      for await (const piece of source) {
        size += piece.length
        if (size > limit) continue
        measured.take(piece)
        await file.writeFile(piece)
      }
      await file.close()
    } catch (error) {
      await file.close()
      rmSync(path, { force: true })
      throw error
    }
    const about = measured.result()
    const known = this.#byHash.get(about.sha256)
    if (known !== undefined || size > limit) {
      rmSync(path, { force: true })
      return known !== undefined && size <= limit ? known : { ...about, size, open: () => notKept(size) }
    }
    const kept = join(this.#place(), about.sha256)
    renameSync(path, kept)
    return this.#keep({ ...about, open: () => createReadStream(kept, { highWaterMark: pieceBytes }) })
  }

  /** Content of a size in bytes that a number stands for: the same number and size always make the same bytes. */
  generated(seed: number, size: number): Content {
    const key = `${seed}:${size}`
    const known = this.#generated.get(key)
    if (known !== undefined) return known
    const measured = new Measure()
    for (const piece of generatedPieces(seed, size)) measured.take(piece)
    const content = this.#keep({
      ...measured.result(),
      open: () => Readable.from(generatedPieces(seed, size), { objectMode: false }),
    })
    this.#generated.set(key, content)
    return content
  }

  /** A text, such as that of a link. */
  text(text: string): Content {
    const bytes = Buffer.from(text, 'utf8')
    const measured = new Measure()
    measured.take(bytes)
    const about = measured.result()
    return (
      this.#byHash.get(about.sha256) ??
      this.#keep({ ...about, open: () => Readable.from([bytes], { objectMode: false }) })
    )
  }

  /** What has this hash; throws where nothing has. */
  withHash(sha256: string): Content {
    const content = this.#byHash.get(sha256)
    if (content === undefined) throw new Error(`no content has the hash ${sha256}`)
    return content
  }

  /** Where the files lie; null: there are none so far. */
  get directory(): string | null {
    return this.#directory
  }

  /** One more sandbox uses these contents. */
  share(): this {
    this.#users++
    return this
  }

  close(): void {
    if (--this.#users > 0) return
    process.off('exit', this.#remove)
    this.#remove()
  }

  #keep(content: Content): Content {
    this.#byHash.set(content.sha256, content)
    return content
  }

  #place(): string {
    if (this.#directory === null || !existsSync(this.#directory)) {
      this.#directory = mkdtempSync(join(tmpdir(), 'tandem-sandbox-'))
      process.once('exit', this.#remove)
    }
    return this.#directory
  }
}

function notKept(size: number): never {
  throw new Error(`${size} bytes were too many to be kept`)
}

/** Learns of bytes that go by what is to be known of them all. */
class Measure {
  readonly #hash = createHash('sha256')
  #size = 0
  #beginning: Buffer = Buffer.alloc(0)

  take(piece: Buffer): void {
    this.#hash.update(piece)
    this.#size += piece.length
    const missing = beginningBytes - this.#beginning.length
    if (missing > 0) this.#beginning = Buffer.concat([this.#beginning, piece.subarray(0, missing)])
  }

  result(): Omit<Content, 'open'> {
    return { sha256: this.#hash.digest('hex'), size: this.#size, beginning: this.#beginning }
  }
}

/** A cipher over nothing, with the number as its key: fast, and alike on all machines. */
function* generatedPieces(seed: number, size: number): Generator<Buffer> {
  const key = createHash('sha256').update(`content ${seed}`).digest().subarray(0, 16)
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(pieceBytes)
  for (let left = size; left > 0; left -= pieceBytes) yield cipher.update(zeros.subarray(0, Math.min(left, pieceBytes)))
}
