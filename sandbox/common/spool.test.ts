import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, it } from 'vitest'
import { readContent } from './content.ts'
import { beginning, Spool } from './spool.ts'

async function* inPieces(body: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size)
}

it('a multipart body is divided right, however it is cut on its way', async () => {
  const spool = new Spool()
  const contents = [
    Buffer.from('{"a":1}'),
    Buffer.alloc(0),
    Buffer.concat([Buffer.from('\r\n--edg'), randomBytes(5_000)]),
  ]
  const body = Buffer.concat([
    Buffer.from('before all\r\n'),
    ...contents.flatMap((content, index) => [
      Buffer.from(`--edge\r\nContent-Disposition: form-data; name="${index}"\r\nX-Two: 2\r\n\r\n`),
      content,
      Buffer.from('\r\n'),
    ]),
    Buffer.from('--edge--\r\nafter all'),
  ])
  for (const size of [1, 2, 3, 7, 64, 1_000, 100_000]) {
    const { parts, malformed } = await spool.receive(inPieces(body, size), 'multipart/form-data; boundary=edge', 1e6)
    expect(malformed).toBeNull()
    expect(parts.map((part) => part.headers['x-two'])).toEqual(['2', '2', '2'])
    for (const [index, part] of parts.entries()) {
      const pieces: Buffer[] = []
      for await (const piece of readContent(part.content)) pieces.push(piece as Buffer)
      expect(Buffer.concat(pieces).equals(contents[index] ?? Buffer.alloc(1))).toBe(true)
      expect(part.content.sha256).toBe(createHash('sha256').update(Buffer.concat(pieces)).digest('hex'))
    }
  }
  spool.close()
})

it('files go when nobody keeps them, and the directory with all of them at the end', async () => {
  const spool = new Spool()
  const receive = (text: string) => spool.receive(inPieces(Buffer.from(text), 10), 'application/octet-stream', 20)
  const [kept, dropped] = [await receive('kept'), await receive('dropped')]
  kept.kept = true
  await Promise.all([spool.discard(kept), spool.discard(dropped)])
  expect([existsSync(kept.file), existsSync(dropped.file)]).toEqual([true, false])
  expect(kept.parts.map((part) => beginning(part.content, 3).toString())).toEqual(['kep'])
  expect((await receive('this is longer than twenty bytes')).tooLarge).toBe(true)
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.from('half')
    throw new Error('gone')
  }
  const before = readdirSync(dirname(kept.file))
  await expect(spool.receive(broken(), 'application/octet-stream', 20)).rejects.toThrow('gone')
  expect(readdirSync(dirname(kept.file))).toEqual(before)
  spool.close()
  expect(existsSync(dirname(kept.file))).toBe(false)
})
