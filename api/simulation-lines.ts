import type { SimulatedRow } from '../db/simulations.ts'
import { csvCell } from './ledger-lines.ts'

const columns = [
  'leftId',
  'rightId',
  'title',
  'type',
  'action',
  'side',
  'field',
  'before',
  'after',
  'rule',
  'problem',
  'message',
  'remedy',
  'outcome',
  'cameTrue',
] as const

/** One simulated record a line, as JSON. */
export async function* simulationJsonLines(pages: AsyncIterable<readonly SimulatedRow[]>): AsyncGenerator<string> {
  for await (const rows of pages) yield rows.map((row) => `${JSON.stringify(recordOf(row))}\n`).join('')
}

function recordOf({ leftId, rightId, title, type, action, fields, problems, real }: SimulatedRow) {
  const came = real === null ? null : { outcome: real.outcome, written: real.written, problems: real.problems }
  return { leftId, rightId, title, type, action, fields, problems, real: came }
}

/** RFC 4180, with a line for each field that would be written and each predicted problem, and one for a record with neither. */
export async function* simulationCsv(pages: AsyncIterable<readonly SimulatedRow[]>): AsyncGenerator<string> {
  yield csvLine(columns)
  for await (const rows of pages) yield rows.flatMap(linesOf).join('')
}

function linesOf(row: SimulatedRow): string[] {
  const { leftId, rightId, title, type, action, real } = row
  const common = { leftId, rightId, title, type, action, outcome: real?.outcome }
  const line = (more: Partial<Record<(typeof columns)[number], unknown>>) => {
    const cells: Partial<Record<(typeof columns)[number], unknown>> = { ...common, ...more }
    return csvLine(columns.map((column) => cells[column]))
  }
  const fields = row.fields.map(({ side, field, before, after, rule }) => line({ side, field, before, after, rule }))
  const problems = row.problems.map(({ side, field, code, message, remedy }) =>
    line({
      side,
      field,
      problem: code,
      message,
      remedy,
      cameTrue: real === null ? undefined : real.problems.some((one) => one.code === code) ? 'yes' : 'no',
    }),
  )
  const lines = [...fields, ...problems]
  return lines.length === 0 ? [line({})] : lines
}

function csvLine(cells: readonly unknown[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}
