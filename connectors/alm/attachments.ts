import { type AttachmentEntry, attachmentsValue } from '../../core/attachments.ts'
import { type ListedPart, listedFile } from '../../core/parts.ts'
import type { CanonicalValue } from '../../core/values.ts'
import { confirmGoneBy } from '../confirm-gone.ts'
import {
  type AttachmentResult,
  type CallOptions,
  type CarriesAttachments,
  ConnectorError,
  type NewAttachment,
  noParts,
  type PartsPage,
} from '../contract.ts'
import { type HttpAnswer, isHtml, type OpenAnswer } from '../http.ts'
import { createTransferLimiter, inOrder } from '../limiter.ts'
import { multipartForm } from '../multipart.ts'
import { inDoubt } from '../row-results.ts'
import { type AlmEntity, quoted } from './codec.ts'
import type { AlmCalls } from './connector.ts'
import { assertSuccess, errorOf, parseJson, problemOf } from './errors.ts'
import { lookUpAt } from './look-up.ts'
import { isDefinite, notSent, sent, words } from './row-results.ts'
import { asArray } from './schema.ts'

/** The flag of a record that says whether anything is attached to it, by entity type. */
export const attachmentFlags: Readonly<Record<string, string>> = {
  defect: 'attachment',
  requirement: 'attachment',
  release: 'has-attachments',
  'release-cycle': 'has-attachments',
}

/**
 * Attached files over ALM's REST API: listed record by record, for those whose flag says that there are some, and carried
 * one by one as streams. Which have changed the project's own list of files tells, where the server has one. ALM can't give a
 * file another name.
 */
export function createAttachments(calls: AlmCalls): CarriesAttachments & {
  /** What is attached to records, by their ids. */
  list(entityType: string, ids: readonly string[], call: CallOptions): Promise<Map<string, CanonicalValue>>
} {
  /** False once the server has refused to list the files of all records. */
  let listsAll = true
  const collection = (entityType: string, recordId: string) =>
    `/${calls.collection(entityType)}/${recordId}/attachments`
  const member = (entityType: string, recordId: string, entry: AttachmentEntry) => ({
    path: `${collection(entityType, recordId)}/${entry.id}`,
    query: { 'by-id': 'true' },
  })

  async function list(
    entityType: string,
    ids: readonly string[],
    call: CallOptions,
  ): Promise<Map<string, CanonicalValue>> {
    const found = await inOrder(ids, calls.concurrency, async (id) => {
      const entries: AttachmentEntry[] = []
      for (;;) {
        const body = (await calls.get(
          collection(entityType, id),
          { 'page-size': '100', 'start-index': String(entries.length + 1) },
          call,
        )) as { entities?: AlmEntity[]; TotalResults?: number }
        const page = asArray(body.entities)
        entries.push(...page.map(entryOf))
        if (page.length === 0 || entries.length >= Number(body.TotalResults ?? 0)) break
      }
      return [id, attachmentsValue(entries)] as const
    })
    return new Map(found)
  }

  async function settled(ask: () => Promise<HttpAnswer>): Promise<AttachmentResult> {
    let answer: HttpAnswer
    try {
      answer = await ask()
    } catch (error) {
      return sent(error) ? inDoubt(words(error)) : notSent(error)
    }
    if (isHtml(answer) || (answer.status >= 500 && !isDefinite(answer)))
      return inDoubt(`${calls.name} answered HTTP ${answer.status} to a file.`, answer.status)
    if (answer.status >= 400)
      return { outcome: 'refused', problem: problemOf(errorOf(answer), answer.status, undefined) }
    const body = parseJson(answer) as AlmEntity | { entities?: AlmEntity[] } | undefined
    const entity = body === undefined ? undefined : 'Fields' in body ? body : asArray(body.entities)[0]
    return entity === undefined
      ? inDoubt(`${calls.name} gave no file in answer to one.`)
      : { outcome: 'done', entry: entryOf(entity) }
  }

  function upload(entityType: string, recordId: string, file: NewAttachment, override: boolean, call: CallOptions) {
    const form = multipartForm(
      [
        { name: 'filename', value: file.name },
        { name: 'description', value: '' },
        { name: 'override-existing-attachment', value: override ? 'y' : 'n' },
        { name: 'ref-subtype', value: '0' },
      ],
      {
        part: 'file',
        fileName: file.name,
        contentType: 'application/octet-stream',
        size: file.size,
        content: file.content,
      },
    )
    return settled(() => calls.transfer('POST', collection(entityType, recordId), {}, form, call))
  }

  /** Files of all records of a type; null: this server lists files record by record only. */
  async function listed(
    entityType: string,
    clauses: readonly string[],
    order: Record<string, string>,
    call: CallOptions,
  ): Promise<{ parts: ListedPart[]; total: number } | null> {
    if (!listsAll) return null
    const query = `{${[`parent-type[${quoted(entityType)}]`, ...clauses].join(';')}}`
    try {
      const body = (await calls.get(
        '/attachments',
        { fields: 'id,name,file-size,ref-type,parent-id,last-modified', query, ...order },
        call,
      )) as {
        entities?: AlmEntity[]
        TotalResults?: number
      }
      const parts = asArray(body.entities).map((entity) => listedFile(textOf(entity, 'parent-id'), entryOf(entity)))
      return { parts, total: Number(body.TotalResults ?? 0) }
    } catch (error) {
      const isRefusal =
        error instanceof ConnectorError && ['forbidden', 'schema', 'refused', 'missing'].includes(error.problem.class)
      if (!isRefusal) throw error
      listsAll = false
      return null
    }
  }

  /** Records whose flag says that they have files. */
  async function flagged(entityType: string, after: string | null, call: CallOptions): Promise<PartsPage> {
    const flag = attachmentFlags[entityType] ?? ''
    // The flag of releases and cycles cannot be filtered by; there are few of them.
    const filtered = flag === 'attachment' ? [`${flag}[Y]`] : []
    const clauses = [...filtered, ...(after === null ? [] : [`id[> ${after}]`])]
    const page = await calls.list(
      entityType,
      {
        fields: 'id',
        ...(clauses.length === 0 ? {} : { query: `{${clauses.join(';')}}` }),
        'order-by': '{id[ASC]}',
        'page-size': '2000',
      },
      call,
    )
    const ids = page.entities.map((entity) => textOf(entity, 'id'))
    const last = ids[ids.length - 1]
    const next = page.total > ids.length && last !== undefined ? `${flaggedMark}${last}` : null
    return { ...noParts, ids, next }
  }

  return {
    list,
    transfers: createTransferLimiter(calls.concurrency),
    async listed(entityType, since, after, call = {}) {
      if (attachmentFlags[entityType] === undefined) return noParts
      if (after?.startsWith(flaggedMark) === true) return flagged(entityType, after.slice(flaggedMark.length), call)
      const clauses = [
        ...(since === null ? [] : [`last-modified[>= ${quoted(since)}]`]),
        ...(after === null ? [] : [`id[> ${after}]`]),
      ]
      const page = await listed(entityType, clauses, { 'order-by': '{id[ASC]}', 'page-size': '2000' }, call)
      if (page === null) return since === null ? flagged(entityType, null, call) : noParts
      const last = page.parts[page.parts.length - 1]
      const next = page.total > page.parts.length && last !== undefined ? last.id : null
      return {
        parts: page.parts,
        ids: [],
        range: since === null ? { prefix: '', above: after, upTo: next } : null,
        next,
      }
    },
    async totals(entityType, above, call = {}) {
      if (attachmentFlags[entityType] === undefined) return null
      const last = (clauses: string[]) =>
        listed(entityType, clauses, { 'order-by': '{id[DESC]}', 'page-size': '1' }, call)
      const all = await last([])
      if (all === null) return null
      const highest = all.parts[0]?.id ?? null
      const isMore = above !== null && highest !== null && Number(highest) > Number(above)
      const more = isMore ? ((await last([`id[> ${above}]`]))?.total ?? 0) : 0
      return { count: all.total, highest, above: above === null ? all.total : more }
    },
    confirmGone: (entityType, files, siblings, call = {}) =>
      confirmGoneBy(
        ({ recordId, id }) => lookUpAt(calls, `${collection(entityType, recordId)}/${id}`, call, { 'by-id': 'true' }),
        files,
        siblings,
        call,
      ),
    renames: false,
    // Complete, since ALM drops any other address from a memo; by name, as its own clients write it.
    address: (entityType, recordId, entry) =>
      calls.address(`${collection(entityType, recordId)}/${encodeURIComponent(entry.name)}`),
    async open(entityType, recordId, entry, call = {}) {
      const { path, query } = member(entityType, recordId, entry)
      const answer = await calls.open(path, query, call)
      if (!('body' in answer)) {
        assertSuccess(answer, calls.name)
        throw notBytes(calls.name)
      }
      return (answer as OpenAnswer).body
    },
    add: (entityType, recordId, file, call = {}) => upload(entityType, recordId, file, false, call),
    replace: (entityType, recordId, entry, file, call = {}) =>
      upload(entityType, recordId, { ...file, name: entry.name }, true, call),
    rename: () => Promise.reject(new Error('ALM cannot give a file another name')),
    async remove(entityType, recordId, entry, call = {}) {
      const { path, query } = member(entityType, recordId, entry)
      try {
        const answer = await calls.send('DELETE', path, undefined, call, query)
        if (answer.status < 300 && !isHtml(answer)) return { outcome: 'done', entry: null }
        return settled(() => Promise.resolve(answer))
      } catch (error) {
        return sent(error) ? inDoubt(words(error)) : notSent(error)
      }
    },
  }
}

function notBytes(name: string): ConnectorError {
  return new ConnectorError({
    class: 'unavailable',
    code: 'not-a-file',
    message: `${name} answered a request for a file without one.`,
    remedy: 'Nothing to do: it is tried again.',
  })
}

/** Before a mark in the listing of records instead of files. */
const flaggedMark = 'record-'

function textOf(entity: AlmEntity, name: string): string {
  return asArray(asArray(entity.Fields).find((field) => field.Name === name)?.values)[0]?.value ?? ''
}

function entryOf(entity: AlmEntity): AttachmentEntry {
  const text = (name: string) => textOf(entity, name)
  const size = text('file-size')
  return {
    id: text('id'),
    name: text('name'),
    size: size === '' ? null : Number(size),
    stamp: text('last-modified'),
    kind: text('ref-type').toUpperCase() === 'URL' ? 'link' : 'file',
  }
}
