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
  open(): Readable
}

const pieceBytes = 64 * 1024

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

  /** Writes a stream down as it comes; only its first `limit` bytes, so that the size alone tells of one that is too large. */
  async receive(source: AsyncIterable<Buffer>, limit = Number.POSITIVE_INFINITY): Promise<Content> {
    const path = join(this.#place(), `incoming-${++this.#received}`)
    const file = await open(path, 'w')
    const hash = createHash('sha256')
    let size = 0
    try {
      for await (const piece of source) {
        size += piece.length
        if (size > limit) continue
        hash.update(piece)
        await file.writeFile(piece)
      }
      await file.close()
    } catch (error) {
      await file.close()
      rmSync(path, { force: true })
      throw error
    }
    const sha256 = hash.digest('hex')
    const known = this.#byHash.get(sha256)
    if (known !== undefined || size > limit) {
      rmSync(path, { force: true })
      return known !== undefined && size <= limit ? known : { sha256, size, open: () => Readable.from([]) }
    }
    const kept = join(this.#place(), sha256)
    renameSync(path, kept)
    return this.#keep({ sha256, size, open: () => createReadStream(kept, { highWaterMark: pieceBytes }) })
  }

  /** Content of a size in bytes that a number stands for: the same number and size always make the same bytes. */
  generated(seed: number, size: number): Content {
    const key = `${seed}:${size}`
    const known = this.#generated.get(key)
    if (known !== undefined) return known
    const hash = createHash('sha256')
    for (const piece of generatedPieces(seed, size)) hash.update(piece)
    const content = this.#keep({
      sha256: hash.digest('hex'),
      size,
      open: () => Readable.from(generatedPieces(seed, size), { objectMode: false }),
    })
    this.#generated.set(key, content)
    return content
  }

  /** A text, such as that of a link. */
  text(text: string): Content {
    const bytes = Buffer.from(text, 'utf8')
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return (
      this.#byHash.get(sha256) ??
      this.#keep({ sha256, size: bytes.length, open: () => Readable.from([bytes], { objectMode: false }) })
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

/** A cipher over nothing, with the number as its key: fast, and alike on all machines. */
function* generatedPieces(seed: number, size: number): Generator<Buffer> {
  const key = createHash('sha256').update(`content ${seed}`).digest().subarray(0, 16)
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(pieceBytes)
  for (let left = size; left > 0; left -= pieceBytes) yield cipher.update(zeros.subarray(0, Math.min(left, pieceBytes)))
}
