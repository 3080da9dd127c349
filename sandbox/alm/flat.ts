import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { pageOf } from '../common/paging.ts'
import { methodNotAllowed, noSuchResource } from './answers.ts'
import { type AttachmentRequest, contentAnswer, wantsContent } from './attachment-routes.ts'
import { isWithheld } from './encode.ts'
import { dialectOf } from './filter-dialect.ts'
import { flatSelection } from './flat-query.ts'
import type { AlmTypeModel } from './model.ts'
import { AlmRefusal } from './refusal.ts'
import { fieldOf } from './selection.ts'
import type { AlmRecord, AlmStore } from './store.ts'

/**
 * Records in the flat generation of the API (`/qcbin/api/domains/...`), which is read only here: JSON objects with their
 * fields as keys, numbers as numbers, references and the record of an attachment as objects.
 */
export function flatRoutes(context: AttachmentRequest, [id, more]: readonly string[]): SandboxAnswer {
  const { store, model, request, sight, modern, sightOf } = context
  if (more !== undefined) throw noSuchResource()
  if (request.method !== 'GET') throw methodNotAllowed()
  sight.check('read')
  const isVisible = (record: AlmRecord) => {
    if (model.name !== 'attachment') return true
    const [parent, parentId] = context.attachments.parentOf(record)
    return sightOf(parent.name).shown(store.get(parent.name, parentId)) !== null
  }
  if (id !== undefined) {
    sight.checkRecord(id)
    const record = store.get(model.name, id)
    if (!isVisible(record))
      throw new AlmRefusal(404, 'qccore.entity-not-found', `Entity with ID '${id}' does not exist`)
    if (model.name === 'attachment' && wantsContent(request)) return contentAnswer(context.attachments, record)
    return json(flatEntity(model, sight.shown(record) ?? record, null))
  }
  const only = projection(model, request.query.get('fields'))
  const offered = [...store.rows(model.name).values()].filter(isVisible)
  const { page, total } = flatSelection(store, model, request, dialectOf(store, modern), sight, offered)
  return json({ data: page.map((record) => flatEntity(model, record, only)), 'total-results': total })
}

/** `GET locks`: what anybody has open, page by page. */
export function flatLocks(store: AlmStore, request: SandboxRequest): SandboxAnswer {
  if (request.method !== 'GET') throw methodNotAllowed()
  if (store.switches.lockList === 'no') throw noSuchResource()
  const rows = store.locks.list().map(({ type, id, lock }) => ({
    type: 'lock',
    id: lock.id,
    entity: { id: Number(id), type },
    user: lock.user,
    'lock-time': lock.at,
    'session-last-touch': lock.at,
  }))
  const [limit, offset] = [Number(request.query.get('limit') ?? 100), Number(request.query.get('offset') ?? 0)]
  const { page, total } = pageOf(rows, offset, limit, request.paging)
  return json({ data: page, 'total-results': total })
}

function json(body: unknown): SandboxAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json;charset=utf-8' },
    body: JSON.stringify(body),
  }
}

function projection(model: AlmTypeModel, fields: string | null): ReadonlySet<string> | null {
  if (fields === null || fields === '') return null
  const names = fields.split(',')
  for (const name of names)
    if (fieldOf(model, name) === undefined)
      throw new AlmRefusal(400, 'qccore.general-error', `Entity: ${model.name} doesn't have a field named: '${name}'`)
  return new Set(names)
}

function flatEntity(model: AlmTypeModel, record: AlmRecord, only: ReadonlySet<string> | null): Record<string, unknown> {
  const isAttachment = model.name === 'attachment'
  const fields = model.fields.flatMap((field): [string, unknown][] => {
    if (
      field.internal === true ||
      isWithheld(record, field.name) ||
      (only !== null && field.name !== 'id' && !only.has(field.name))
    )
      return []
    if (isAttachment && (field.name === 'parent-id' || field.name === 'parent-type')) return []
    const value = record[field.name] ?? null
    const one = (text: string): unknown => {
      if (field.type === 'Number') return Number(text)
      return field.type === 'Reference' ? { type: field.target, id: Number(text) } : text
    }
    return [[field.name, value === null ? null : typeof value === 'string' ? one(value) : value.map(one)]]
  })
  return {
    type: model.name,
    ...Object.fromEntries(fields),
    ...(isAttachment ? { entity: { id: Number(record['parent-id']), type: record['parent-type'] } } : {}),
  }
}
