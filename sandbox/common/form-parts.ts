/** A body that is no multipart/form-data as the standard has it. */
export class BadMultipart extends Error {}

/** One part of a form; its body must be read before the next part is asked for. */
export interface MultipartPart {
  name: string
  fileName: string | null
  body: AsyncIterable<Buffer>
}

const mostHeaderBytes = 16 * 1024

/** The parts of a form as they come, without holding one in memory; strict in line ends and boundaries. */
export async function* multipartParts(
  source: AsyncIterable<Buffer>,
  contentType: string,
): AsyncGenerator<MultipartPart> {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s";,]+))/i.exec(contentType) ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw new BadMultipart('there is no boundary')
  const bytes = new ByteReader(source)
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  // Before the first boundary may be anything.
  await passOver(bytes.until(delimiter))
  while (!(await bytes.isLast())) {
    const head = (await bytes.upTo(Buffer.from('\r\n\r\n'), mostHeaderBytes)).toString('utf8')
    const disposition = /^content-disposition:\s*form-data\s*;(.*)$/im.exec(head)?.[1] ?? ''
    const name = parameter(disposition, 'name')
    if (name === null) throw new BadMultipart('a part has no name')
    const body = bytes.until(delimiter)
    yield { name, fileName: parameter(disposition, 'filename'), body }
    await passOver(body)
  }
}

/** Reads what nobody asks for. */
export async function passOver(bytes: AsyncIterable<Buffer>): Promise<void> {
  for await (const _piece of bytes) {
    // Nothing is kept of it.
  }
}

/** What a parameter says, in quotes or without them. */
function parameter(disposition: string, name: string): string | null {
  const parameters = disposition.matchAll(/(?:^|;)\s*([^\s=;"]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/g)
  for (const [, key, quoted, plain] of parameters) if (key?.toLowerCase() === name) return quoted ?? plain ?? null
  return null
}

class ByteReader {
  readonly #source: AsyncIterator<Buffer>
  // A form begins with a boundary, as if a line had ended before it.
  #held: Buffer = Buffer.from('\r\n')

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Whether a boundary was the last one; the line end behind another stays, for it may be that of an empty head. */
  async isLast(): Promise<boolean> {
    while (this.#held.length < 2) await this.#more()
    const after = this.#held.toString('latin1', 0, 2)
    if (after !== '--' && after !== '\r\n') throw new BadMultipart('a boundary is followed by something else')
    return after === '--'
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
