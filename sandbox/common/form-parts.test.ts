import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { BadMultipart, multipartParts } from './form-parts.ts'

async function* inPieces(body: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size)
}

async function partsOf(body: Buffer, contentType = 'multipart/form-data; boundary=edge', size = 1_000) {
  const parts: { name: string; fileName: string | null; bytes: Buffer }[] = []
  for await (const { name, fileName, body: pieces } of multipartParts(inPieces(body, size), contentType)) {
    const kept: Buffer[] = []
    for await (const piece of pieces) kept.push(Buffer.from(piece))
    parts.push({ name, fileName, bytes: Buffer.concat(kept) })
  }
  return parts
}

const part = (headers: string, content: string | Buffer = 'x') =>
  Buffer.concat([Buffer.from(`--edge\r\n${headers}\r\n\r\n`), Buffer.from(content), Buffer.from('\r\n')])
const form = (...parts: readonly Buffer[]) => Buffer.concat([...parts, Buffer.from('--edge--\r\n')])
const named = 'Content-Disposition: form-data; name="a"'

it('a multipart body is divided right, however it is cut on its way', async () => {
  const contents = [
    Buffer.from('{"a":1}'),
    Buffer.alloc(0),
    Buffer.concat([Buffer.from('\r\n--edg'), randomBytes(5_000), Buffer.from('\r\n')]),
  ]
  const body = Buffer.concat([
    Buffer.from('before all\r\n'),
    ...contents.map((content, index) =>
      part(`X-One: 1\r\nContent-Disposition: form-data; name="${index}"\r\nX-Two: 2`, content),
    ),
    Buffer.from('--edge--\r\nafter all'),
  ])
  for (const size of [1, 2, 3, 7, 64, 1_000, 100_000]) {
    const parts = await partsOf(body, undefined, size)
    expect(parts.map(({ name }) => name)).toEqual(['0', '1', '2'])
    for (const [index, { bytes }] of parts.entries())
      expect(bytes.equals(contents[index] ?? Buffer.alloc(1))).toBe(true)
  }
})

it('parts that nobody reads are passed over, wholly or from where they were left', async () => {
  const body = form(part(named), part('Content-Disposition: form-data; name="b"', randomBytes(5_000)), part(named))
  const names: string[] = []
  for await (const { name, body: pieces } of multipartParts(
    inPieces(body, 100),
    'multipart/form-data; boundary=edge',
  )) {
    names.push(name)
    if (name === 'b') for await (const _piece of pieces) break
  }
  expect(names).toEqual(['a', 'b', 'a'])
})

it('headers are read in any case and order, parameters with or without quotes and whatever else the quotes hold', async () => {
  for (const [headers, name, fileName] of [
    [named, 'a', null],
    ['content-type: text/plain\r\ncontent-disposition:form-data;name=a;filename=b.txt', 'a', 'b.txt'],
    ['CONTENT-DISPOSITION: Form-Data; FileName="größe 1.txt"; NAME="a"', 'a', 'größe 1.txt'],
    ['Content-Disposition: form-data; filename="x; name=b"; name="a"', 'a', 'x; name=b'],
    ['Content-Disposition: form-data; name="a"; filename="x\\"; name=\\"%22"', 'a', 'x\\"; name=\\"%22'],
    ['Content-Disposition: form-data; filename=""; name=""', '', ''],
  ] as const)
    expect(await partsOf(form(part(headers))), headers).toEqual([{ name, fileName, bytes: Buffer.from('x') }])
  for (const type of [
    'multipart/form-data; boundary="edge"',
    'multipart/form-data;charset=utf-8;BOUNDARY=edge; x=y',
    'multipart/form-data; boundary=edge,',
  ])
    expect(await partsOf(form(part(named)), type), type).toHaveLength(1)
  const odd = Buffer.from(`--a b;c\r\n${named}\r\n\r\nx\r\n--a b;c--`)
  expect(await partsOf(odd, 'multipart/form-data; boundary="a b;c"')).toHaveLength(1)
})

it('a body that is none is refused', async () => {
  const whole = form(part(named))
  for (const [why, body, type] of [
    ['there is no boundary', whole, 'multipart/form-data'],
    ['there is no boundary', whole, 'multipart/form-data; boundary='],
    ['it ends in the middle', Buffer.alloc(0)],
    ['it ends in the middle', whole, 'multipart/form-data; boundary=other'],
    ['it ends in the middle', Buffer.concat([Buffer.from('before all'), whole.subarray(0, -10)])],
    ...[1, 20, whole.length - 11, whole.length - 4].map(
      (end) => ['it ends in the middle', whole.subarray(0, end)] as const,
    ),
    ['a boundary is followed by something else', Buffer.from(whole.toString().replaceAll('\r\n', '\n'))],
    ['a boundary is followed by something else', Buffer.from('--edge \r\n--edge--')],
    ['a part has no name', form(part('Content-Type: text/plain'))],
    ['a part has no name', form(part('Content-Disposition: attachment; name="a"'))],
    ['a part has no name', form(part('Content-Disposition: form-data; filename="a"'))],
    ['a part has no name', form(Buffer.from('--edge\r\n\r\nno headers\r\n'), part(named))],
    ['the head of a part is too long', form(part(`X: ${'x'.repeat(20_000)}`))],
  ] as const) {
    const refused = await partsOf(body, type).catch((error: unknown) => error)
    expect(refused, body.toString()).toEqual(new BadMultipart(why))
  }
})
