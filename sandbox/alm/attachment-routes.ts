import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { bodyType, dataAnswer, methodNotAllowed, noSuchResource, unsupportedMediaType } from './answers.ts'
import type { AlmAttachments, NewAttachment } from './attachments.ts'
import { jsonEntity, parseEntities } from './encode.ts'
import { entitiesJson, entitiesXml, entityXml } from './entities.ts'
import type { EntityRequest } from './entity-routes.ts'
import { dialectOf } from './filter-dialect.ts'
import { AlmRefusal } from './refusal.ts'
import { selectPage } from './selection.ts'
import type { AlmSight } from './sight.ts'
import type { AlmRecord } from './store.ts'

/** A request to attachments: of one record, or of the project; `model` is the attachment's. */
export interface AttachmentRequest extends EntityRequest {
  attachments: AlmAttachments
  /** What the user sees of another type. */
  sightOf(type: string): AlmSight
}

const types: Record<string, string> = {
  bmp: 'image/bmp',
  csv: 'text/csv',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  gif: 'image/gif',
  htm: 'text/html',
  html: 'text/html',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  log: 'text/plain',
  pdf: 'application/pdf',
  png: 'image/png',
  txt: 'text/plain',
  xml: 'application/xml',
  zip: 'application/zip',
}

/** Everything below `{collection}/{id}/attachments`: by name, or by id with `by-id=true`. */
export function recordAttachments(
  context: AttachmentRequest,
  owner: { type: string; id: string },
  [key]: readonly string[],
): SandboxAnswer {
  const { store, attachments, request } = context
  const model = store.model(owner.type)
  if (model.attachments === undefined) throw noSuchResource()
  context.sightOf(owner.type).check('read')
  context.sightOf(owner.type).checkRecord(owner.id)
  const known = attachments.of(model, owner.id)
  if (key === undefined) {
    if (request.method === 'GET') return listed(context, known)
    if (request.method !== 'POST') throw methodNotAllowed()
    return added(context, owner, wantedAttachment(context))
  }
  const byId = request.query.get('by-id') === 'true'
  const record = byId ? known.find((one) => one.id === key) : attachments.named(model, owner.id, key)
  if (record === undefined) throw new AlmRefusal(404, 'qccore.entity-not-found', `Attachment '${key}' does not exist`)
  return member(context, record)
}

/** The project's list of attachments, and each by its id. */
export function projectAttachments(context: AttachmentRequest, [id, more]: readonly string[]): SandboxAnswer {
  const { store, request, attachments } = context
  if (more !== undefined) throw noSuchResource()
  if (id === undefined && request.method === 'GET' && store.switches.projectAttachments === 'no')
    throw methodNotAllowed()
  const isVisible = (record: AlmRecord) => {
    const [model, parentId] = attachments.parentOf(record)
    const parent = store.rows(model.name).get(Number(parentId))
    return parent !== undefined && context.sightOf(model.name).shown(parent) !== null
  }
  if (id === undefined) {
    if (request.method === 'GET') return listed(context, [...store.rows('attachment').values()].filter(isVisible))
    if (request.method !== 'POST') throw methodNotAllowed()
    const field = (name: string) => request.form?.fields.get(name) ?? ''
    const owner = { type: field('parent-type'), id: field('parent-id') }
    if (store.types.get(owner.type)?.attachments === undefined)
      throw new AlmRefusal(400, 'qccore.required-field-missing', "The field 'Parent Type' is required.")
    context.sightOf(owner.type).checkRecord(owner.id)
    return added(context, owner, wantedAttachment(context))
  }
  const record = store.get('attachment', id)
  if (!isVisible(record)) throw new AlmRefusal(404, 'qccore.entity-not-found', `Entity with ID '${id}' does not exist`)
  return member(context, record)
}

function listed(context: AttachmentRequest, records: readonly AlmRecord[]): SandboxAnswer {
  const { store, model, request, encoding, sight, modern } = context
  sight.check('read')
  const dialect = dialectOf(store, modern)
  const { only, page, total } = selectPage(store, model, request.query, dialect, sight, request.paging, records)
  return dataAnswer(
    200,
    encoding,
    () => entitiesJson(model, page, only, total, modern),
    () => entitiesXml(store, model, page, only, total, modern),
  )
}

function added(context: AttachmentRequest, owner: { type: string; id: string }, wanted: NewAttachment): SandboxAnswer {
  const { store, attachments, sight, writer, address } = context
  sight.check('create')
  const model = store.model(owner.type)
  const record = attachments.add(model, owner.id, wanted, writer)
  return one(context, 201, record, {
    location: `${address}/${model.collection}/${owner.id}/attachments/${encodeURIComponent(String(record.name))}`,
  })
}

/** A file alone with its name in `Slug`, a form with the file last, or an entity that is a link. */
function wantedAttachment({ request, attachments }: AttachmentRequest): NewAttachment {
  const { form: upload } = request
  if (upload === undefined) {
    const type = bodyType(request)
    const fields = parseEntities(type, request.body, false)[0]?.fields ?? {}
    const [name, description] = [String(fields.name ?? ''), fields.description]
    if (String(fields['ref-type'] ?? '').toUpperCase() !== 'URL')
      throw new AlmRefusal(400, 'qccore.general-error', 'An attachment without a file must be of ref-type URL')
    return {
      name,
      content: attachments.contents.text(`[InternetShortcut]\r\nURL=${name}\r\n`),
      refType: 'URL',
      ...(typeof description === 'string' ? { description } : {}),
    }
  }
  if (upload.broken !== null || upload.content === null)
    throw new AlmRefusal(500, 'qccore.general-error', 'begin 0, end -1, length 1')
  if (!isForm(request)) {
    const slug = request.headers.slug
    if (typeof slug !== 'string' || slug === '')
      throw new AlmRefusal(400, 'qccore.general-error', 'The header Slug is missing')
    return { name: slug, content: upload.content }
  }
  const { fields } = upload
  const description = fields.get('description')
  return {
    name: fields.get('filename') ?? '',
    content: upload.content,
    override: fields.get('override-existing-attachment') === 'y',
    subtype: fields.get('ref-subtype') === '1' ? '1' : '0',
    ...(description === undefined ? {} : { description }),
  }
}

function isForm(request: SandboxRequest): boolean {
  return /multipart/i.test(String(request.headers['content-type'] ?? ''))
}

/** Whether the bytes are asked for, and not what is known of them. */
export function wantsContent(request: SandboxRequest): boolean {
  return /application\/octet-stream/i.test(`${request.query.get('alt') ?? ''} ${request.headers.accept ?? ''}`)
}

/** The bytes, with the type that the name's extension tells. */
export function contentAnswer(attachments: AlmAttachments, record: AlmRecord): SandboxAnswer {
  const extension = /\.([^.]+)$/.exec(String(record.name))?.[1]?.toLowerCase() ?? ''
  return {
    status: 200,
    headers: { 'content-type': `${types[extension] ?? 'application/octet-stream'};charset=utf-8` },
    content: attachments.contentOf(record),
  }
}

function member(context: AttachmentRequest, record: AlmRecord): SandboxAnswer {
  const { request, attachments, sight, writer } = context
  sight.checkRecord(String(record.id))
  switch (request.method) {
    case 'GET': {
      sight.check('read')
      return wantsContent(request) ? contentAnswer(attachments, record) : one(context, 200, record)
    }
    case 'PUT': {
      sight.check('update')
      if (request.form !== undefined) {
        if (request.form.content === null || isForm(request)) throw unsupportedMediaType()
        return one(context, 200, attachments.replace(record, request.form.content, writer))
      }
      const fields = parseEntities(bodyType(request), request.body, false)[0]?.fields ?? {}
      return one(context, 200, attachments.describe(record, fields, writer))
    }
    case 'DELETE':
      sight.check('delete')
      return one(context, 200, attachments.remove(record, writer))
    default:
      throw methodNotAllowed()
  }
}

function one(
  { store, model, encoding, sight, modern }: AttachmentRequest,
  status: number,
  written: AlmRecord,
  headers: Record<string, string> = {},
): SandboxAnswer {
  const record = sight.shown(written) ?? written
  return dataAnswer(
    status,
    encoding,
    () => jsonEntity(model, record, null),
    () => entityXml(store, model, record, modern),
    headers,
  )
}
