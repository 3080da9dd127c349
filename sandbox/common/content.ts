import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { createRandom } from '../seed/random.ts'

/** Bytes that do not lie in memory: a part of a file, or what a number stands for. */
export type StoredContent = { size: number; sha256: string } & (
  | { kind: 'file'; file: string; start: number }
  | { kind: 'generated'; seed: number }
)

const pieceSize = 65_536

/** Bytes made from a number: the same every time, with their hash, of any size; they take no memory. */
export function generatedContent(seed: number, size: number): StoredContent {
  const hash = createHash('sha256')
  for (const piece of pieces(seed, size)) hash.update(piece)
  return { kind: 'generated', seed, size, sha256: hash.digest('hex') }
}

/** The bytes, piece by piece. */
export function readContent(content: StoredContent): Readable {
  if (content.kind === 'generated') return Readable.from(pieces(content.seed, content.size), { objectMode: false })
  if (content.size === 0) return Readable.from([])
  return createReadStream(content.file, { start: content.start, end: content.start + content.size - 1 })
}

/** A block from the number, again and again with the number of the piece at its beginning: quick, and no two pieces alike. */
function* pieces(seed: number, size: number): Generator<Buffer> {
  const random = createRandom(seed)
  const block = Buffer.from(Array.from({ length: Math.min(pieceSize, size) }, () => Math.floor(random.next() * 256)))
  for (let at = 0; at < size; at += pieceSize) {
    const piece = Buffer.from(block.subarray(0, Math.min(pieceSize, size - at)))
    if (piece.length >= 8) piece.writeDoubleBE(at, 0)
    yield piece
  }
}
