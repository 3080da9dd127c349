import {
  type Comment,
  type CommentAction,
  commentsValue,
  inOwnWords,
  readComment,
  renderCopy,
  renderEditedCopy,
} from '../../core/comments.ts'
import { lostInMemo, wrapMemo } from '../../core/memo.ts'
import { listedComment } from '../../core/parts.ts'
import type { Problem } from '../../core/problems.ts'
import { type CanonicalValue, keepableText } from '../../core/values.ts'
import { confirmGoneBy } from '../confirm-gone.ts'
import type { CallOptions, CarriesComments, CommentResult } from '../contract.ts'
import { type HttpAnswer, isHtml } from '../http.ts'
import { inDoubt, movedProblem } from '../row-results.ts'
import { type OctaneEntity, quoted } from './codec.ts'
import type { OctaneCalls } from './connector.ts'
import { errorsOf, parseJson, problemOf } from './errors.ts'
import { lookUpAt } from './look-up.ts'
import type { ReadPage } from './pages.ts'
import { listsParts } from './parts.ts'
import { failedRow } from './writer.ts'

const owner = 'owner_work_item'
const commented = new Set(['defect', 'story', 'feature', 'epic'])
const stampFields = 'id,version_stamp,last_modified'
const fields = `${stampFields},text,author{full_name,name},creation_time`

/** Comments over Octane's REST API: listed for many records at once, written one by one; author and time are the server's. */
export function createComments(
  calls: OctaneCalls,
  paged: ReadPage,
): CarriesComments & {
  /** Comments of records, by their ids; undefined: the type has none. */
  list(entityType: string, ids: readonly string[], call: CallOptions): Promise<Map<string, CanonicalValue> | undefined>
} {
  async function list(
    entityType: string,
    ids: readonly string[],
    call: CallOptions,
  ): Promise<Map<string, CanonicalValue> | undefined> {
    if (!commented.has(entityType)) return undefined
    const found = new Map<string, Comment[]>(ids.map((id) => [id, []]))
    const rows = await calls.all(
      '/comments',
      { query: `"${owner} EQ {id IN ${ids.map(quoted).join(',')}}"`, fields: `${fields},${owner}`, order_by: 'id' },
      call,
    )
    for (const row of rows) found.get(String((row[owner] as { id?: string } | null)?.id))?.push(commentOf(row))
    return new Map([...found].map(([id, comments]) => [id, commentsValue(comments)]))
  }

  function settled(answer: HttpAnswer, action: CommentAction): CommentResult {
    if (isHtml(answer) || answer.status >= 500)
      return inDoubt(`${calls.name} answered HTTP ${answer.status} to a comment.`, answer.status)
    // Somebody was faster: what was to be edited is gone, what was to be taken away is away.
    const problem = answer.status >= 400 ? problemOf(errorsOf(answer)[0] ?? {}, answer.status, undefined) : null
    if (problem?.class === 'missing' && action.kind !== 'add')
      return action.kind === 'delete'
        ? { outcome: 'done', comment: null }
        : { outcome: 'refused', problem: movedProblem() }
    if (problem !== null) return { outcome: 'refused', problem }
    if (action.kind === 'delete') return { outcome: 'done', comment: null }
    const body = parseJson(answer) as { data?: OctaneEntity[] } | OctaneEntity | undefined
    const row = body !== undefined && 'data' in body && Array.isArray(body.data) ? body.data[0] : body
    if (row === undefined || row === null || !('id' in row))
      return inDoubt(`${calls.name} gave no comment in answer to one.`)
    // An answer without the text tells that it was taken as it is.
    const text = 'text' in row ? row : { ...row, text: textOf(action) }
    return { outcome: 'done', comment: meantBy(action, text as OctaneEntity) }
  }

  async function one(recordId: string, action: CommentAction, call: CallOptions): Promise<CommentResult> {
    try {
      if (action.kind === 'add') {
        const row = { text: textOf(action), [owner]: { type: 'work_item', id: recordId } }
        return settled(await calls.send('POST', '/comments', { fields }, { data: [row] }, call), action)
      }
      const path = `/comments/${action.was.id}`
      // Octane has no lock stamp for comments: a look just before the write must do.
      const now = await calls.get(
        '/comments',
        { query: `"id EQ ${quoted(String(action.was.id))}"`, fields, limit: '1' },
        call,
      )
      const [row] = now.data
      if (row !== undefined && meantBy(action, row).text !== action.was.text)
        return { outcome: 'refused', problem: movedProblem() }
      const lost = action.kind === 'edit' && typeof row?.text === 'string' ? lostInMemo(row.text) : []
      if (lost.length > 0) return { outcome: 'refused', problem: heldProblem(lost) }
      return action.kind === 'delete'
        ? settled(await calls.send('DELETE', path, {}, undefined, call), action)
        : settled(await calls.send('PUT', path, { fields }, { text: textOf(action) }, call), action)
    } catch (error) {
      return failedRow(error)
    }
  }

  return {
    list,
    oneText: false,
    confirmGone: (_entityType, gone, siblings, call = {}) =>
      confirmGoneBy(({ id }) => lookUpAt(calls, `/comments/${id}`, call), gone, siblings, call),
    ...listsParts(calls, paged, {
      path: '/comments',
      fields: stampFields,
      ownerOf: (entityType) => (commented.has(entityType) ? owner : undefined),
      partOf: (recordId, row) => listedComment(recordId, { id: String(row.id), stamp: stampOf(row) }),
    }),
    async write(_entityType, recordId, _field, actions, call = {}) {
      const results: CommentResult[] = []
      for (const action of actions) results.push(await one(recordId, action, call))
      return results
    },
  }
}

/** A comment is written as a whole: what we cannot write back is left alone. */
function heldProblem(lost: readonly string[]): Problem {
  return {
    class: 'mapping',
    code: 'comments-held',
    message: `A comment is left alone there: it holds ${lost.join(', ')}, which would be lost if it were edited from the other side.`,
    remedy: 'Take it out of the comment in Octane, or edit the comment there.',
  }
}

export function carriesComments(entityType: string): boolean {
  return commented.has(entityType)
}

function textOf(action: CommentAction): string {
  if (action.kind === 'delete') return ''
  return wrapMemo(action.kind === 'add' ? renderCopy(action) : renderEditedCopy(action.was, action.text))
}

/** A time is of a second, within which a comment may be edited once more; and after a restore a number may be used again. */
function stampOf(row: OctaneEntity): string | null {
  const { version_stamp: version, last_modified: time } = row
  return typeof version === 'number' && typeof time === 'string' ? `${version} ${time}` : null
}

/** The comment that an action is about; what was read as a person's own words stays that, whatever it begins with. */
function meantBy(action: CommentAction, row: OctaneEntity): Comment {
  const comment = commentOf(row)
  return action.kind !== 'add' && action.was.origin === null ? inOwnWords(comment) : comment
}

function commentOf(row: OctaneEntity): Comment {
  const author = row.author as { id?: string; full_name?: string; name?: string } | null | undefined
  const name = author?.full_name ?? author?.name ?? ''
  const stamp = stampOf(row)
  return readComment({
    ...(stamp === null ? {} : { stamp }),
    id: String(row.id),
    author: name === '' ? null : name,
    time: typeof row.creation_time === 'string' ? row.creation_time : null,
    text: typeof row.text === 'string' ? keepableText(row.text) : null,
    writer: author?.id ?? null,
  })
}
