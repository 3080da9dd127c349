import type { IncomingMessage } from 'node:http'
import type { Content, Contents } from './contents.ts'
import { BadMultipart, multipartParts, passOver } from './form-parts.ts'

/** A file that came in, alone or in a form. */
export interface ReceivedForm {
  /** Null: a form without a file. */
  content: Content | null
  /** What the form calls the file; null: nothing. */
  fileName: string | null
  /** Fields of the form, those that are heard. */
  fields: ReadonlyMap<string, string>
  /** Bytes of the whole body, with all that was passed over. */
  size: number
  /** What is wrong with the form; null: nothing. */
  broken: string | null
}

/** What is made of a body. */
type Read = Omit<ReceivedForm, 'size'>

/** How a system takes uploads. */
export interface UploadRules {
  contents: Contents
  /** Largest file in bytes; of a larger one no more than its size is known. */
  limit: number
  /** The part of a form that is the file. */
  filePart: string
  /** Whether another part is read as a field, after those that came before it. */
  hears(name: string, before: Pick<ReceivedForm, 'content' | 'fields'>): boolean
}

const mostFieldBytes = 1024 * 1024

/** Writes the file of an upload down while it comes; undefined: the request is no upload. */
export function receiveUpload(rules: UploadRules, incoming: IncomingMessage): Promise<ReceivedForm> | undefined {
  if (incoming.method !== 'POST' && incoming.method !== 'PUT') return undefined
  const type = incoming.headers['content-type'] ?? ''
  if (/^application\/octet-stream\b/i.test(type)) return receive(incoming, (body) => fileOf(rules, body))
  if (/^multipart\/form-data\b/i.test(type)) return receive(incoming, (body) => formOf(rules, type, body))
  return undefined
}

/** Reads a body to its end, whatever is made of it: a client that is still sending hears no answer. */
async function receive(
  incoming: AsyncIterable<Buffer>,
  read: (body: AsyncIterable<Buffer>) => Promise<Read>,
): Promise<ReceivedForm> {
  let size = 0
  const counted = async function* () {
    for await (const piece of incoming) {
      size += piece.length
      yield piece
    }
  }
  const body = counted()
  const form = await read(body)
  await passOver(body)
  return { ...form, size }
}

async function fileOf({ contents, limit }: UploadRules, body: AsyncIterable<Buffer>): Promise<Read> {
  return { content: await contents.receive(body, limit), fileName: null, fields: new Map(), broken: null }
}

/** The parts of a form; of several files the first one. */
async function formOf(
  { contents, limit, filePart, hears }: UploadRules,
  contentType: string,
  body: AsyncIterable<Buffer>,
): Promise<Read> {
  const fields = new Map<string, string>()
  let content: Content | null = null
  let fileName: string | null = null
  try {
    for await (const part of multipartParts(body, contentType)) {
      if (part.name !== filePart) {
        if (hears(part.name, { content, fields })) fields.set(part.name, await textOf(part.body))
      } else if (content === null) {
        fileName = part.fileName
        content = await contents.receive(part.body, limit)
      }
    }
  } catch (error) {
    if (!(error instanceof BadMultipart)) throw error
    return { content: null, fileName: null, fields, broken: error.message }
  }
  return { content, fileName, fields, broken: null }
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of body) {
    size += piece.length
    if (size > mostFieldBytes) throw new BadMultipart('a field is too long')
    // A piece is a view of a buffer that goes on being used.
    pieces.push(Buffer.from(piece))
  }
  return Buffer.concat(pieces).toString('utf8')
}
