/** A body that is no multipart/form-data as the standard has it. */
export class BadMultipart extends Error {}

/** One part of a form; its body must be read before the next part is asked for. */
export interface MultipartPart {
  name: string
  fileName: string | null
  contentType: string | null
  body: AsyncIterable<Buffer>
}

const mostHeaderBytes = 16 * 1024

/** The parts of a form as they come, without holding one in memory; strict in line ends and boundaries. */
export async function* multipartParts(
  source: AsyncIterable<Buffer>,
  contentType: string,
): AsyncGenerator<MultipartPart> {
  const boundary = /boundary="?([^";,]+)"?/i.exec(contentType)?.[1]
  if (boundary === undefined) throw new BadMultipart('there is no boundary')
  const bytes = new ByteReader(source)
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  if ((await bytes.upTo(Buffer.from(`--${boundary}`), mostHeaderBytes)).length > 0)
    throw new BadMultipart('it does not begin with its boundary')
  for (;;) {
    const after = await bytes.exactly(2)
    if (after === '--') break
    if (after !== '\r\n') throw new BadMultipart('lines end otherwise than by CRLF')
    const head = (await bytes.upTo(Buffer.from('\r\n\r\n'), mostHeaderBytes)).toString('utf8')
    const disposition = /^content-disposition:\s*form-data\s*;(.*)$/im.exec(head)?.[1] ?? ''
    const name = parameter(disposition, 'name')
    if (name === null) throw new BadMultipart('a part has no name')
    const body = bytes.until(delimiter)
    yield {
      name,
      fileName: parameter(disposition, 'filename'),
      contentType: /^content-type:\s*(\S.*?)\s*$/im.exec(head)?.[1] ?? null,
      body,
    }
    for await (const _rest of body) {
      // What was not read is passed over.
    }
  }
}

function parameter(disposition: string, name: string): string | null {
  const found = new RegExp(`(?:^|;)\\s*${name}="((?:[^"\\\\]|\\\\.)*)"`, 'i').exec(disposition)?.[1]
  return found === undefined ? null : found.replace(/\\(.)/g, '$1').replace(/%22/g, '"')
}

class ByteReader {
  readonly #source: AsyncIterator<Buffer>
  #held: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Everything before a mark, which is passed over. */
  async upTo(mark: Buffer, most: number): Promise<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(mark)
      if (at >= 0) {
        const before = this.#held.subarray(0, at)
        this.#held = this.#held.subarray(at + mark.length)
        return before
      }
      if (this.#held.length > most) throw new BadMultipart('the head of a part is too long')
      await this.#more()
    }
  }

  async exactly(length: number): Promise<string> {
    while (this.#held.length < length) await this.#more()
    const text = this.#held.toString('latin1', 0, length)
    this.#held = this.#held.subarray(length)
    return text
  }

  /** Everything before a mark in pieces; the mark is passed over. Can be gone through twice: the second time has the rest. */
  until(mark: Buffer): AsyncIterable<Buffer> {
    let ended = false
    const reader = this
    return {
      async *[Symbol.asyncIterator]() {
        while (!ended) {
          const at = reader.#held.indexOf(mark)
          const sure = at >= 0 ? at : Math.max(0, reader.#held.length - mark.length + 1)
          const piece = reader.#held.subarray(0, sure)
          reader.#held = reader.#held.subarray(at >= 0 ? at + mark.length : sure)
          ended = at >= 0
          if (piece.length > 0) yield piece
          if (!ended) await reader.#more()
        }
      },
    }
  }

  async #more(): Promise<void> {
    const next = await this.#source.next()
    if (next.done === true) throw new BadMultipart('it ends in the middle')
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value])
  }
}
