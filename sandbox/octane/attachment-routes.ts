import { readContent } from '../common/content.ts'
import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { beginning, type Upload, type UploadPart } from '../common/spool.ts'
import { answer, envelope, json } from './answers.ts'
import { checkContent, checkName, checkSize, settledName } from './attachments.ts'
import { type EntityCall, entityRoutes, shownBy } from './entity-routes.ts'
import { methodNotAllowed, notFound, Refusal, unsupportedType } from './refusal.ts'
import type { Entity } from './store.ts'

/** The entity of an upload is read into memory; more than this is no entity. */
const largestEntity = 1_048_576

const uploads = /^(multipart\/form-data|application\/octet-stream)\b/i

/** Whether a request to `attachments` brings bytes. */
export function bringsFile(method: string, contentType: string): boolean {
  return (method === 'POST' || method === 'PUT') && uploads.test(contentType)
}

/** `attachments`: metadata like any collection; bytes in two forms of upload and two of download. */
export function attachmentRoutes(call: EntityCall, id: string | undefined, name: string | undefined): SandboxAnswer {
  const { request } = call
  if (name !== undefined) {
    if (request.method !== 'GET') throw methodNotAllowed('GET')
    return download(call, String(id), name)
  }
  if (request.upload !== undefined) return id === undefined ? upload(call, request.upload) : replace(call, id)
  if (request.method === 'POST') throw unsupportedType()
  const wantsBytes = /^application\/octet-stream\b/i.test(String(request.headers.accept ?? ''))
  if (request.method === 'GET' && id !== undefined && id !== 'groups' && wantsBytes) return download(call, id)
  return entityRoutes(call, id)
}

function download({ store, sight, request }: EntityCall, id: string, name?: string): SandboxAnswer {
  const model = store.model('attachment')
  const row = sight.find(model, id)
  const extra = store.extra(id)
  if (row === undefined || extra === undefined || !('content' in extra)) throw notFound('attachment', id)
  if (name !== undefined && name !== row.name) throw notFound('attachment', `${id}/${name}`)
  const { content } = extra
  const etag = `"${content.sha256.slice(0, 32)}"`
  if (request.headers['if-none-match'] === etag) return { status: 304, headers: { etag } }
  return {
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(String(row.name))}`,
      etag,
    },
    stream: { size: content.size, open: () => readContent(content) },
  }
}

function upload(call: EntityCall, received: Upload): SandboxAnswer {
  const { store, sight, context } = call
  const model = store.model('attachment')
  sight.check(model, 'create')
  checkSize(store.switches, received.tooLarge, 0)
  const { fields, file } = partsOf(call.request, received, true)
  const name = String(fields.name ?? '').trim()
  checkName(store.switches, name, null)
  checkContent(store.switches, name, file.content)
  sight.checkFields(model, Object.keys(fields))
  const row = store.create('attachment', { ...fields, name: settledName(store, name, fields) }, context, {
    extra: { content: file.content },
  })
  received.kept = true
  return answer(201, envelope([shownBy(call)(row)], 1))
}

function replace(call: EntityCall, id: string): SandboxAnswer {
  const { store, sight, context, request } = call
  const received = request.upload as Upload
  const model = store.model('attachment')
  sight.checkRecord(model, id)
  sight.check(model, 'update')
  checkSize(store.switches, received.tooLarge, 0)
  const { fields, file } = partsOf(request, received, false)
  const before = store.rows('attachment').get(id) as Entity
  checkContent(store.switches, String(before.name), file.content)
  sight.checkFields(model, Object.keys(fields))
  if (Object.keys(fields).length > 0) store.update('attachment', id, fields, context)
  const row = store.setExtra('attachment', id, { content: file.content }, context)
  received.kept = true
  return { ...answer(200, shownBy(call)(row)), headers: json }
}

/** The entity and the file of an upload: two parts, or the address and the whole body. */
function partsOf(
  request: SandboxRequest,
  received: Upload,
  isNew: boolean,
): { fields: Record<string, unknown>; file: UploadPart } {
  const bad = (why: string) => new Refusal(400, 'platform.bad_request', why)
  if (received.malformed !== null) throw bad(received.malformed)
  const [whole] = received.parts
  if (!/^multipart/i.test(String(request.headers['content-type'] ?? ''))) {
    if (whole === undefined) throw bad('The body is missing.')
    return { fields: fieldsOfAddress(request), file: whole }
  }
  const entity = received.parts.find((part) => partName(part) === 'entity')
  const file = received.parts.find((part) => partName(part) === 'content')
  if (file === undefined) throw bad('The upload has no part named "content".')
  if (entity === undefined && isNew) throw bad('The upload has no part named "entity".')
  if (entity !== undefined && entity.content.size > largestEntity) throw bad('The part "entity" is too large.')
  let fields: unknown = {}
  try {
    if (entity !== undefined) fields = JSON.parse(beginning(entity.content, largestEntity).toString('utf8'))
  } catch {
    throw bad('The part "entity" is not JSON.')
  }
  if (fields === null || typeof fields !== 'object' || Array.isArray(fields) || 'data' in fields)
    throw bad('The part "entity" is one entity; several at a time are not supported.')
  return { fields: { ...(isNew ? { name: fileName(file) } : {}), ...fields }, file }
}

/** Fields that stand in the address: references as JSON, everything else as text. */
function fieldsOfAddress(request: SandboxRequest): Record<string, unknown> {
  return Object.fromEntries(
    [...request.query]
      .filter(([name]) => name !== 'fields')
      .map(([name, text]) => {
        if (!name.startsWith('owner_')) return [name, text]
        try {
          return [name, JSON.parse(text) as unknown]
        } catch {
          throw new Refusal(400, 'platform.illegal_field_value', `The parameter ${name} is not JSON.`, {
            entity_type: 'attachment',
            field_name: name,
          })
        }
      }),
  )
}

function partName(part: UploadPart): string | undefined {
  return dispositionValue(part, 'name')
}

function fileName(part: UploadPart): string {
  return dispositionValue(part, 'filename') ?? ''
}

function dispositionValue(part: UploadPart, name: string): string | undefined {
  const text = part.headers['content-disposition'] ?? ''
  const found = new RegExp(`[;\\s]${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]+))`, 'i').exec(text)
  return found?.[1] ?? found?.[2]
}
