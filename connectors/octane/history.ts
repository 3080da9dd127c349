import type { FieldEdit } from '../../core/latest.ts'
import { secondsBetween } from '../../core/server-time.ts'
import { type Connector, ConnectorError, type ServerDate } from '../contract.ts'
import { isHtml } from '../http.ts'
import { parseJson } from './errors.ts'

interface LogRow {
  timestamp?: string | number
  /** Servers tell each field in a row of its own, or all fields of a change in one. */
  field_name?: string | readonly string[]
}

/** The record's time and its newest row are written by one act; they may differ by the turn of a second. */
const oneActSeconds = 2
const mostRows = 200
/** Versions call it differently. */
const collections = ['history_logs', 'history_records']

/**
 * Field times from the workspace's history, one request a record. They are told only where the history surely reaches up to
 * the state that was read: its newest row must be the record's own last change.
 */
export function createHistory(
  send: (
    path: string,
    query: Record<string, string>,
    call: { signal?: AbortSignal },
  ) => Promise<{
    status: number
    text: string
    contentType: string
  }>,
  serverDate: () => ServerDate | null,
): Pick<Connector, 'lastEdits'> {
  async function load(entityType: string, id: string, call: { signal?: AbortSignal }): Promise<LogRow[]> {
    for (const name of collections) {
      try {
        const query = { query: `"entity_type EQ ^${entityType}^;entity_id EQ ${id}"`, order_by: '-timestamp' }
        const asked = await send(`/${name}`, { ...query, limit: String(mostRows) }, call)
        // So many rows may be more than the server gives: then as many as it does by itself.
        const answer = asked.status === 400 ? await send(`/${name}`, query, call) : asked
        if (answer.status === 404) continue
        if (answer.status !== 200 || isHtml({ ...answer, setCookies: [], headers: {} })) return []
        return (parseJson({ ...answer, setCookies: [], headers: {} }) as { data?: LogRow[] } | null)?.data ?? []
      } catch (error) {
        if (error instanceof ConnectorError && ['auth', 'forbidden', 'missing'].includes(error.problem.class)) return []
        throw error
      }
    }
    return []
  }

  return {
    async lastEdits(entityType, record, fields, call = {}) {
      const edits: Record<string, FieldEdit> = {}
      const rows = (await load(entityType, record.id, call)).flatMap((row) => {
        const time = typeof row.timestamp === 'number' ? new Date(row.timestamp).toISOString() : row.timestamp
        return time === undefined || row.field_name === undefined
          ? []
          : [row.field_name].flat().map((field) => ({ time, field }))
      })
      const { modified } = record.stamp
      const newest = rows[0]?.time
      const clock = serverDate()
      if (newest === undefined || modified === null || clock === null) return edits
      if (Math.abs(secondsBetween(newest, modified)) > oneActSeconds) return edits
      for (const field of fields) {
        const last = rows.find((row) => row.field === field)
        if (last === undefined) continue
        edits[field] = {
          time: last.time,
          atMs: Date.parse(last.time) + 500 - clock.offsetMs,
          uncertaintyMs: clock.uncertaintyMs + 500,
        }
      }
      return edits
    },
  }
}
