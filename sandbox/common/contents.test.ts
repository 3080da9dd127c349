import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Content, Contents } from './contents.ts'

async function bytesOf(content: Content): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of content.open()) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

async function* inPieces(body: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size)
}

const filesOf = (contents: Contents) => readdirSync(contents.directory ?? '')

it('generated content is the same every time, as long as asked for, with its true hash and beginning', async () => {
  const contents = new Contents()
  for (const size of [0, 1, 7, 65_536, 65_537, 200_000]) {
    const content = contents.generated(5, size)
    const bytes = await bytesOf(content)
    expect([content.size, bytes.length]).toEqual([size, size])
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(content.sha256)
    expect(content.beginning).toEqual(bytes.subarray(0, 8))
    for (const again of [content, new Contents().generated(5, size)])
      expect((await bytesOf(again)).equals(bytes)).toBe(true)
  }
  expect(contents.generated(6, 70_000).sha256).not.toBe(contents.generated(5, 70_000).sha256)
  const long = await bytesOf(contents.generated(5, 131_072))
  expect(long.subarray(0, 65_536).equals(long.subarray(65_536))).toBe(false)
  expect(contents.directory).toBeNull()
})

it('what comes in is kept as it was, once for each content, however it is cut on its way', async () => {
  const contents = new Contents()
  for (const bytes of [Buffer.alloc(0), Buffer.from('short'), randomBytes(5_000)])
    for (const size of [1, 3, 7, 100_000]) {
      const content = await contents.receive(inPieces(bytes, size))
      expect((await bytesOf(content)).equals(bytes)).toBe(true)
      expect(content.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
      expect([content.size, content.beginning]).toEqual([bytes.length, bytes.subarray(0, 8)])
      expect(contents.withHash(content.sha256)).toBe(content)
    }
  expect(filesOf(contents)).toHaveLength(3)
  const made = contents.generated(1, 300)
  expect(await contents.receive(inPieces(await bytesOf(made), 10))).toBe(made)
  expect(filesOf(contents)).toHaveLength(3)
  contents.close()
})

it('nothing stays of what is too large or breaks off, and the directory goes with the last who uses it', async () => {
  const contents = new Contents()
  const receive = (text: string) => contents.receive(inPieces(Buffer.from(text), 10), 20)
  const { sha256 } = await receive('exactly twenty bytes')
  expect((await bytesOf(contents.withHash(sha256))).toString()).toBe('exactly twenty bytes')
  async function* large(): AsyncGenerator<Buffer> {
    yield* inPieces(Buffer.alloc(100), 10)
    const incoming = filesOf(contents).find((file) => file !== sha256) ?? ''
    expect(statSync(join(contents.directory ?? '', incoming)).size).toBe(20)
  }
  const tooLarge = await contents.receive(large(), 20)
  expect(tooLarge.size).toBe(100)
  expect(() => tooLarge.open()).toThrow('100 bytes were too many')
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.from('half')
    expect(filesOf(contents)).toHaveLength(2)
    throw new Error('gone')
  }
  await expect(contents.receive(broken())).rejects.toThrow('gone')
  expect(filesOf(contents)).toEqual([sha256])
  const directory = contents.directory ?? ''
  const other = contents.share()
  contents.close()
  expect(existsSync(directory)).toBe(true)
  other.close()
  expect([existsSync(directory), contents.directory]).toEqual([false, null])
})
