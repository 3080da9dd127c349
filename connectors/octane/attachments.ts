import { type AttachmentEntry, attachmentsValue } from '../../core/attachments.ts'
import { listedFile } from '../../core/parts.ts'
import type { CanonicalValue } from '../../core/values.ts'
import { confirmGoneBy } from '../confirm-gone.ts'
import {
  type AttachmentResult,
  type CallOptions,
  type CarriesAttachments,
  ConnectorError,
  type NewAttachment,
} from '../contract.ts'
import { type HttpAnswer, isHtml, type OpenAnswer } from '../http.ts'
import { createTransferLimiter } from '../limiter.ts'
import { multipartForm } from '../multipart.ts'
import { inDoubt } from '../row-results.ts'
import { type OctaneEntity, quoted } from './codec.ts'
import type { OctaneCalls } from './connector.ts'
import { assertSuccess, errorsOf, parseJson, problemOf } from './errors.ts'
import { lookUpAt } from './look-up.ts'
import type { ReadPage } from './pages.ts'
import { listsParts } from './parts.ts'
import { failedRow } from './writer.ts'

/** The field of an attachment that names what it is attached to, by entity type; others have none that clients may list. */
const owners: Readonly<Record<string, { field: string; type: string }>> = {
  defect: { field: 'owner_work_item', type: 'work_item' },
  story: { field: 'owner_work_item', type: 'work_item' },
  feature: { field: 'owner_work_item', type: 'work_item' },
  epic: { field: 'owner_work_item', type: 'work_item' },
  release: { field: 'owner_release', type: 'release' },
}

const fields = 'id,name,size,version_stamp'

/** Attached files over Octane's REST API: listed for many records at once, carried one by one as streams. */
export function createAttachments(
  calls: OctaneCalls,
  paged: ReadPage,
): CarriesAttachments & {
  /** What is attached to records, by their ids; undefined: the type carries no files. */
  list(entityType: string, ids: readonly string[], call: CallOptions): Promise<Map<string, CanonicalValue> | undefined>
} {
  async function list(
    entityType: string,
    ids: readonly string[],
    call: CallOptions,
  ): Promise<Map<string, CanonicalValue> | undefined> {
    const owner = owners[entityType]
    if (owner === undefined) return undefined
    const found = new Map<string, AttachmentEntry[]>(ids.map((id) => [id, []]))
    if (ids.length === 0) return new Map()
    const rows = await calls.all(
      '/attachments',
      {
        query: `"${owner.field} EQ {id IN ${ids.map(quoted).join(',')}}"`,
        fields: `${fields},${owner.field}`,
        order_by: 'id',
      },
      call,
    )
    for (const row of rows) {
      const id = (row[owner.field] as { id?: string } | null)?.id
      if (id !== undefined) found.get(String(id))?.push(entryOf(row))
    }
    return new Map([...found].map(([id, entries]) => [id, attachmentsValue(entries)]))
  }

  function settled(answer: HttpAnswer): AttachmentResult {
    if (isHtml(answer) || answer.status >= 500)
      return inDoubt(`${calls.name} answered HTTP ${answer.status} to a file.`, answer.status)
    if (answer.status >= 400)
      return { outcome: 'refused', problem: problemOf(errorsOf(answer)[0] ?? {}, answer.status, undefined) }
    const body = parseJson(answer) as { data?: OctaneEntity[] } | OctaneEntity | undefined
    const row = body !== undefined && 'data' in body && Array.isArray(body.data) ? body.data[0] : body
    return row === undefined || row === null || !('id' in row)
      ? inDoubt(`${calls.name} gave no file in answer to one.`)
      : { outcome: 'done', entry: entryOf(row as OctaneEntity) }
  }

  async function sent(
    method: 'POST' | 'PUT',
    path: string,
    entity: Record<string, unknown> | null,
    file: NewAttachment,
    call: CallOptions,
  ): Promise<AttachmentResult> {
    const form = multipartForm(
      entity === null
        ? []
        : [{ name: 'entity', fileName: 'blob', contentType: 'application/json', value: JSON.stringify(entity) }],
      {
        part: 'content',
        fileName: file.name,
        contentType: 'application/octet-stream',
        size: file.size,
        content: file.content,
      },
    )
    try {
      return settled(await calls.transfer(method, path, { fields }, form, call))
    } catch (error) {
      return failedRow(error)
    }
  }

  async function changed(
    method: 'PUT' | 'DELETE',
    id: string,
    body: unknown,
    call: CallOptions,
  ): Promise<AttachmentResult> {
    try {
      const query: Record<string, string> = method === 'PUT' ? { fields } : {}
      const answer = await calls.send(method, `/attachments/${id}`, query, body, call)
      if (method === 'DELETE' && answer.status < 300 && !isHtml(answer)) return { outcome: 'done', entry: null }
      return settled(answer)
    } catch (error) {
      return failedRow(error)
    }
  }

  return {
    list,
    transfers: createTransferLimiter(calls.concurrency),
    ...listsParts(calls, paged, {
      path: '/attachments',
      fields,
      ownerOf: (entityType) => owners[entityType]?.field,
      partOf: (recordId, row) => listedFile(recordId, entryOf(row)),
    }),
    confirmGone: (_entityType, files, siblings, call = {}) =>
      confirmGoneBy(({ id }) => lookUpAt(calls, `/attachments/${id}`, call), files, siblings, call),
    renames: true,
    address: (_entityType, _recordId, entry) =>
      calls.path(`/attachments/${entry.id}/${encodeURIComponent(entry.name)}`),
    async open(_entityType, _recordId, entry, call = {}) {
      const answer = await calls.open(`/attachments/${entry.id}`, call)
      if (!('body' in answer)) {
        assertSuccess(answer, calls.name)
        throw notBytes(calls.name)
      }
      return (answer as OpenAnswer).body
    },
    add(entityType, recordId, file, call = {}) {
      const owner = owners[entityType]
      if (owner === undefined) throw new Error(`${entityType} carries no files`)
      const entity = { name: file.name, [owner.field]: { type: owner.type, id: recordId } }
      return sent('POST', '/attachments', entity, file, call)
    },
    replace: (_entityType, _recordId, entry, file, call = {}) =>
      sent('PUT', `/attachments/${entry.id}`, null, { ...file, name: entry.name }, call),
    rename: (_entityType, _recordId, entry, name, call = {}) => changed('PUT', entry.id, { name }, call),
    remove: (_entityType, _recordId, entry, call = {}) => changed('DELETE', entry.id, undefined, call),
  }
}

export function carriesFiles(entityType: string): boolean {
  return entityType in owners
}

function notBytes(name: string): ConnectorError {
  return new ConnectorError({
    class: 'unavailable',
    code: 'not-a-file',
    message: `${name} answered a request for a file without one.`,
    remedy: 'Nothing to do: it is tried again.',
  })
}

function entryOf(row: OctaneEntity): AttachmentEntry {
  return {
    id: String(row.id),
    name: String(row.name ?? ''),
    size: typeof row.size === 'number' ? row.size : null,
    stamp: String(row.version_stamp ?? ''),
    kind: 'file',
  }
}
