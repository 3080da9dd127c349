import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { generatedContent, readContent } from './content.ts'

async function bytesOf(content: ReturnType<typeof generatedContent>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of readContent(content)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

it('generated content is the same every time, as long as asked for, with its true hash', async () => {
  for (const size of [0, 1, 7, 65_536, 65_537, 200_000]) {
    const content = generatedContent(5, size)
    const bytes = await bytesOf(content)
    expect(bytes.length).toBe(size)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(content.sha256)
    expect(await bytesOf(generatedContent(5, size))).toEqual(bytes)
  }
  expect(generatedContent(6, 70_000).sha256).not.toBe(generatedContent(5, 70_000).sha256)
  const long = await bytesOf(generatedContent(5, 131_072))
  expect(long.subarray(0, 65_536).equals(long.subarray(65_536))).toBe(false)
})
