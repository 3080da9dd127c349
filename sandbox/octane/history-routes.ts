import type { SandboxAnswer } from '../common/http.ts'
import { pageOf } from '../common/paging.ts'
import { answer, envelope, notThere } from './answers.ts'
import type { EntityCall } from './entity-routes.ts'
import { isTechPreview } from './fields.ts'
import { changesOf, type HistoryEntry } from './history.ts'
import { chosen, ordered } from './plain-rows.ts'
import { type Predicate, parseQuery } from './query.ts'
import { methodNotAllowed, Refusal } from './refusal.ts'
import { pageLimit, pageOffset } from './selection.ts'
import type { OctaneStore, Reference } from './store.ts'

/** More rows than these are never answered or counted. */
const mostRows = 10_000

type Row = Record<string, unknown>

const fieldTypes: Record<string, string> = {
  id: 'id',
  timestamp: 'date_time',
  entity_type: 'string',
  entity_id: 'id',
  field_name: 'string',
  action: 'string',
  user: 'reference',
}

/** Where history is read: collections of the workspace, and audits of the space or site, which tell of other types. */
export type HistoryPlace = 'workspace' | 'space' | 'site'

/**
 * Answers `history_logs`, `history_records` and `audits`: technical previews. Their rows are known only by what they can be
 * queried for (timestamp, entity_type, entity_id, field_name, action); the rest of the shape is a switch.
 */
export function historyRoutes(call: EntityCall, collection: string, place: HistoryPlace = 'workspace'): SandboxAnswer {
  const { request, store, context } = call
  if (request.method !== 'GET') throw methodNotAllowed('GET')
  if (store.switches.techPreview !== 'none' && !isTechPreview(request)) return notThere()
  const audit = collection === 'audits'
  if (audit && store.switches.auditAccess === 'no')
    throw new Refusal(403, store.switches.forbiddenCode, `${context.actor} is no administrator and cannot read audits.`)
  const rows = store.history
    .entries()
    .filter((entry) => (entry.type === 'workspace_user') === (place === 'space') && place !== 'site')
    .filter((entry) => isShown(entry, call))
    .flatMap((entry) => (audit ? [auditRow(entry)] : historyRows(entry, store.switches.historyShape)))
  const raw = request.query.get('query') ?? ''
  const test =
    raw === ''
      ? () => true
      : parseQuery(raw, collection, {
          fieldType: (type, field) => (type === collection ? own(field) : ofUser(store, field)),
          resolve: (type, id) => store.find(type, id),
          currentUser: call.currentUser,
          innerQuote: store.switches.innerQuote === 'error' ? 'error' : 'text',
        }).test
  const found = ordered(
    collection,
    rows.filter((row) => passes(row, test)),
    request.query.get('order_by'),
    fieldTypes,
  )
  const limit = pageLimit(request, store)
  const { page, total } = pageOf(found.slice(0, mostRows), pageOffset(request), limit, request.paging)
  const body = envelope(page.map(chosen(request.query.get('fields'))), total)
  return answer(200, { ...body, exceeds_total_count: found.length > mostRows })
}

function own(field: string) {
  const type = fieldTypes[field]
  return type === undefined
    ? undefined
    : { type, multiple: false, target: type === 'reference' ? 'workspace_user' : null }
}

function ofUser(store: OctaneStore, field: string) {
  const found = store.model('workspace_user').fields.find((one) => one.name === field)
  return found === undefined ? undefined : { type: found.type, multiple: false, target: null }
}

/** A row of several fields is found by each of them. */
function passes(row: Row, test: Predicate): boolean {
  const names = row.field_name
  if (!Array.isArray(names)) return test(row)
  if (names.length === 0) return test({ ...row, field_name: null })
  return names.some((name) => test({ ...row, field_name: name }))
}

/** A record that the user is not shown has no history for that user either. */
function isShown(entry: HistoryEntry, { sight }: EntityCall): boolean {
  const record = entry.after ?? entry.before
  return record !== null && sight.shown(record) !== undefined
}

function about(entry: HistoryEntry): Row {
  return {
    timestamp: entry.timestamp,
    entity_type: entry.type,
    entity_id: entry.entityId,
    action: entry.action,
    user: { type: 'workspace_user', id: entry.userId },
  }
}

/** A change of several fields is several rows, or one; a deletion is one. */
function historyRows(entry: HistoryEntry, shape: string): Row[] {
  const changes = changesOf(entry).map(({ field, before, after }) => ({
    field_name: field,
    original_value: wire(before),
    new_value: wire(after),
  }))
  if (shape === 'change' || changes.length === 0)
    return [
      {
        type: 'history_log',
        id: String(entry.id),
        ...about(entry),
        // What a query asks for by field finds every change that has it.
        field_name: changes.map((change) => change.field_name),
        change_set: changes,
      },
    ]
  return changes.map((change, index) => ({
    type: 'history_log',
    id: `${entry.id}_${index + 1}`,
    ...about(entry),
    ...change,
  }))
}

function auditRow(entry: HistoryEntry): Row {
  const action = { create: 'Create', update: 'Update', delete: 'Delete' }[entry.action]
  return { type: 'audit', id: String(entry.id), ...about(entry), action }
}

/** A value as it stands in a record. */
function wire(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return { total_count: value.length, data: value as Reference[] }
}
