import type { ExportedRow } from '../db/ledger-export.ts'

const columns = [
  'at',
  'link',
  'kind',
  'action',
  'actor',
  'side',
  'leftId',
  'rightId',
  'field',
  'before',
  'source',
  'after',
  'rule',
  'reason',
  'version',
  'runId',
  'workflowId',
  'temporalRunId',
  'bridge',
  'build',
  'foundByLooking',
  'possibleOverwrite',
  'chain',
  'seq',
  'id',
  'content',
] as const

/** One row of the ledger a line, as JSON. */
export async function* jsonLines(pages: AsyncIterable<readonly ExportedRow[]>): AsyncGenerator<string> {
  for await (const rows of pages) yield rows.map((row) => `${JSON.stringify(row)}\n`).join('')
}

/**
 * RFC 4180, with a line for each written field; what is no write has one line, with the rest of it in `content`. A cell that a
 * spreadsheet would take for a formula begins with an apostrophe.
 */
export async function* csvLines(pages: AsyncIterable<readonly ExportedRow[]>): AsyncGenerator<string> {
  yield csvLine(columns)
  for await (const rows of pages) yield rows.flatMap(linesOf).join('')
}

const imageColumns = ['at', 'action', 'side', 'recordId', 'twinId', 'field', 'before', 'after', 'rule'] as const

/**
 * What each written field held before and afterwards, a line for each, as CSV in the form of `csvLines`. A record that was
 * created held nothing before; one that was deleted holds nothing afterwards.
 */
export async function* beforeImages(pages: AsyncIterable<readonly ExportedRow[]>): AsyncGenerator<string> {
  yield csvLine(imageColumns)
  for await (const rows of pages) yield rows.flatMap(imagesOf).join('')
}

function imagesOf(row: ExportedRow): string[] {
  const { fields } = row.content as { fields?: readonly Record<string, unknown>[] }
  const [recordId, twinId] = row.side === 'left' ? [row.leftId, row.rightId] : [row.rightId, row.leftId]
  return (fields ?? []).map((field) => {
    const after = 'after' in field ? field.after : field.sent
    const cells: Record<string, unknown> = { ...row, recordId, twinId, ...field, after }
    return csvLine(imageColumns.map((column) => cells[column]))
  })
}

function linesOf(row: ExportedRow): string[] {
  const { fields, ...rest } = row.content as { fields?: unknown; reason?: unknown }
  const line = (more: Record<string, unknown>) => {
    const cells: Record<string, unknown> = { ...row, reason: rest.reason, content: rest, ...more }
    return csvLine(columns.map((column) => cells[column]))
  }
  if (!Array.isArray(fields) || fields.length === 0) return [line({})]
  return (fields as Record<string, unknown>[]).map((field) =>
    line({
      field: field.field,
      before: field.before,
      source: field.source,
      after: 'after' in field ? field.after : field.sent,
      rule: field.rule,
    }),
  )
}

function csvLine(cells: readonly unknown[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const harmless = typeof value !== 'number' && /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
