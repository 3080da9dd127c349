import type { FieldEdit } from '../../core/latest.ts'
import { secondsBetween } from '../../core/server-time.ts'
import type { CanonicalValue } from '../../core/values.ts'
import { type Connector, ConnectorError } from '../contract.ts'
import { isHtml } from '../http.ts'
import type { createStampClock } from '../stamp-clock.ts'
import type { AlmCalls } from './connector.ts'
import { parseJson } from './errors.ts'
import { asArray } from './schema.ts'

interface Audit {
  Id: number | string
  Time?: string
  Properties?: { Property?: AuditProperty[] | AuditProperty }
}

interface AuditProperty {
  Name: string
  NewValue?: string | null
}

/** The record's time and its newest audit are written by one act; they may differ by the turn of a second. */
const oneActSeconds = 2

/**
 * Field times from a record's audits, one request a record. They are told only where the audits surely reach up to the
 * state that was read, and hold its very values: audits leave out texts and fields without history, and their times carry no
 * zone, so that the newest must be the record's own last change.
 */
export function createHistory(
  calls: AlmCalls,
  clock: ReturnType<typeof createStampClock>,
): Pick<Connector, 'lastEdits'> {
  return {
    async lastEdits(entityType, record, fields, call = {}) {
      const edits: Record<string, FieldEdit> = {}
      const audits = await load(calls, `/${calls.collection(entityType)}/${record.id}/audits`, call)
      const newest = audits[0]?.Time
      const { modified } = record.stamp
      if (newest === undefined || modified === null || Math.abs(secondsBetween(newest, modified)) > oneActSeconds)
        return edits
      for (const field of fields) {
        const property = (audit: Audit) => asArray(audit.Properties?.Property).find((one) => one.Name === field)
        const last = audits.find((audit) => property(audit) !== undefined)
        if (last?.Time === undefined || !shows(property(last)?.NewValue, record.fields[field] ?? null)) continue
        const own = clock.toOwn(last.Time)
        if (own !== null) edits[field] = { time: last.Time, ...own }
      }
      return edits
    },
  }
}

/** Newest first; none where the user may not read them, or the project keeps none. */
async function load(calls: AlmCalls, path: string, call: { signal?: AbortSignal }): Promise<Audit[]> {
  try {
    const answer = await calls.send('GET', path, undefined, call)
    if (answer.status !== 200 || isHtml(answer)) return []
    const body = parseJson(answer) as { Audits?: { Audit?: Audit[] | Audit } } | null
    return [...asArray(body?.Audits?.Audit)].sort((a, b) => Number(b.Id) - Number(a.Id))
  } catch (error) {
    if (error instanceof ConnectorError && ['auth', 'forbidden', 'missing'].includes(error.problem.class)) return []
    throw error
  }
}

function shows(text: string | null | undefined, value: CanonicalValue): boolean {
  const told = text ?? ''
  if (Array.isArray(value)) {
    const parts = told.split(';').map((part) => part.trim())
    return parts.length === value.length && parts.every((part) => value.includes(part))
  }
  return told === String(value ?? '')
}
