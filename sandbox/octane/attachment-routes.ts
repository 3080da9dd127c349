import type { Content, Contents } from '../common/contents.ts'
import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import type { ReceivedForm, UploadRules } from '../common/uploads.ts'
import { answer, envelope, json } from './answers.ts'
import { checkContent, checkName, checkSize, settledName } from './attachments.ts'
import { type EntityCall, entityRoutes, shownBy } from './entity-routes.ts'
import { methodNotAllowed, notFound, Refusal, unsupportedType } from './refusal.ts'
import type { Entity, OctaneStore } from './store.ts'

/** Around the file there may be an entity and what holds the parts together. */
const mostAround = 2 * 1_048_576

/** The parts of a form come in any order; of each the first one counts. */
export function uploadRules(store: OctaneStore, contents: Contents): UploadRules {
  const hears: UploadRules['hears'] = (name, { fields }) => name === 'entity' && !fields.has(name)
  return { contents, limit: Number(store.switches.attachmentMaximum), filePart: 'content', hears }
}

/** `attachments`: metadata like any collection; bytes in two forms of upload and two of download. */
export function attachmentRoutes(call: EntityCall, id: string | undefined, name: string | undefined): SandboxAnswer {
  const { request } = call
  if (name !== undefined) {
    if (request.method !== 'GET') throw methodNotAllowed('GET')
    return download(call, String(id), name)
  }
  if (request.form !== undefined) return id === undefined ? upload(call, request.form) : replace(call, id, request.form)
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
    content,
  }
}

function upload(call: EntityCall, form: ReceivedForm): SandboxAnswer {
  const { store, sight, context } = call
  const model = store.model('attachment')
  sight.check(model, 'create')
  const { fields, content } = partsOf(call, form, true)
  const name = String(fields.name ?? '').trim()
  checkName(store.switches, name, null)
  checkContent(store.switches, name, content)
  sight.checkFields(model, Object.keys(fields))
  const row = store.create('attachment', { ...fields, name: settledName(store, name, fields) }, context, {
    extra: { content },
  })
  return answer(201, envelope([shownBy(call)(row)], 1))
}

function replace(call: EntityCall, id: string, form: ReceivedForm): SandboxAnswer {
  const { store, sight, context } = call
  const model = store.model('attachment')
  sight.checkRecord(model, id)
  sight.check(model, 'update')
  const { fields, content } = partsOf(call, form, false)
  const before = store.rows('attachment').get(id) as Entity
  checkContent(store.switches, String(before.name), content)
  sight.checkFields(model, Object.keys(fields))
  if (Object.keys(fields).length > 0) store.update('attachment', id, fields, context)
  const row = store.setExtra('attachment', id, { content }, context)
  return { ...answer(200, shownBy(call)(row)), headers: json }
}

/** The entity and the file of an upload: two parts, or the address and the whole body. */
function partsOf(
  { request, store }: EntityCall,
  { content, fileName, fields: texts, size, broken }: ReceivedForm,
  isNew: boolean,
): { fields: Record<string, unknown>; content: Content } {
  const bad = (why: string) => new Refusal(400, 'platform.bad_request', why)
  checkSize(store.switches, size - mostAround)
  if (broken !== null) throw bad(`The multipart body is malformed: ${broken}.`)
  if (content === null) throw bad('The upload has no part named "content".')
  if (!/^multipart/i.test(String(request.headers['content-type'] ?? '')))
    return { fields: fieldsOfAddress(request), content }
  const entity = texts.get('entity')
  if (entity === undefined && isNew) throw bad('The upload has no part named "entity".')
  let fields: unknown = {}
  try {
    if (entity !== undefined) fields = JSON.parse(entity)
  } catch {
    throw bad('The part "entity" is not JSON.')
  }
  if (fields === null || typeof fields !== 'object' || Array.isArray(fields) || 'data' in fields)
    throw bad('The part "entity" is one entity; several at a time are not supported.')
  return { fields: { ...(isNew ? { name: fileName ?? '' } : {}), ...fields }, content }
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
