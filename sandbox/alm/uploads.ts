import type { IncomingMessage } from 'node:http'
import type { Content } from '../common/contents.ts'
import { BadMultipart, multipartParts } from '../common/form-parts.ts'
import type { ReceivedForm } from '../common/http.ts'
import type { AlmAttachments } from './attachments.ts'

const mostFieldBytes = 1024 * 1024

/** Writes the file of an upload down while it comes; undefined: the request is no upload. */
export function receiveUpload(
  attachments: AlmAttachments,
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  path: string,
  body: AsyncIterable<Buffer>,
): Promise<ReceivedForm> | undefined {
  if (method !== 'POST' && method !== 'PUT') return undefined
  if (!/\/attachments(\/[^/]*)?$/.test(path)) return undefined
  const type = headers['content-type'] ?? ''
  if (/^application\/octet-stream/i.test(type))
    return receiveContent(attachments, body).then((content) => ({ content, fields: new Map(), broken: null }))
  return /^multipart\/form-data/i.test(type) ? receiveForm(attachments, type, body) : undefined
}

function receiveContent(attachments: AlmAttachments, body: AsyncIterable<Buffer>): Promise<Content> {
  return attachments.contents.receive(body, attachments.limit())
}

/** The parts of a form; what comes behind the file is not heard. */
async function receiveForm(
  attachments: AlmAttachments,
  contentType: string,
  body: AsyncIterable<Buffer>,
): Promise<ReceivedForm> {
  const fields = new Map<string, string>()
  let content: Content | null = null
  try {
    for await (const part of multipartParts(body, contentType)) {
      if (part.name === 'file') content = await receiveContent(attachments, part.body)
      else if (content === null) fields.set(part.name, await textOf(part.body))
    }
  } catch (error) {
    if (!(error instanceof BadMultipart)) throw error
    return { content: null, fields, broken: error.message }
  }
  return { content, fields, broken: null }
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
