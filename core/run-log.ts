import type { ItemCommit } from './commits.ts'
import { keepableText, type Side } from './values.ts'
import type { DeclinedBecause, ItemOutcome } from './work-items.ts'

/** Mildest first. */
export const logLevels = ['info', 'warning', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** What lines of a run's log are about. */
export const logCategories = ['run', 'check', 'scan', 'records', 'endpoint'] as const
export type LogCategory = (typeof logCategories)[number]

export interface LogLine {
  level: LogLevel
  category: LogCategory
  message: string
}

/** What became of one record in one batch. */
export interface LogItem {
  key: string
  leftId: string | null
  rightId: string | null
  outcome: ItemOutcome
  level: LogLevel
  /** Sides that were written. */
  written: Side[]
  /** Why it was declined. */
  because?: DeclinedBecause
  problems?: LogProblem[]
  /** Seconds until it is looked at again. */
  againIn?: number
}

export interface LogProblem {
  code: string
  /** True: told, but nothing is held up by it. */
  warning?: true
  field?: string
  message: string
}

/** What a run's log keeps of a record that a batch settled. */
export function logItemOf(item: ItemCommit): LogItem {
  const [side, id = null] = item.key.split(':')
  const problems = (item.problems ?? []).map(
    ({ code, warning, field, message }): LogProblem => ({
      code,
      ...(warning === true ? { warning } : {}),
      ...(field === undefined ? {} : { field }),
      message: keepableText(message),
    }),
  )
  return {
    key: item.key,
    leftId: item.pair?.leftId ?? (side === 'left' ? id : null),
    rightId: item.pair?.rightId ?? (side === 'right' ? id : null),
    outcome: item.outcome,
    level: levelOf(item, problems),
    written: [...new Set(item.written)],
    ...(item.because === undefined ? {} : { because: item.because }),
    ...(problems.length === 0 ? {} : { problems }),
    ...(item.next.kind === 'again' ? { againIn: Math.round(item.next.afterSeconds) } : {}),
  }
}

function levelOf(item: ItemCommit, problems: readonly LogProblem[]): LogLevel {
  if (problems.some((problem) => problem.warning !== true)) return 'error'
  if (problems.length > 0 || item.outcome === 'in-doubt' || item.outcome === 'held') return 'warning'
  return item.outcome === 'failed' ? 'error' : 'info'
}

/** The line of a batch: how many records came to what, as bad as the worst of them. */
export function batchLine(items: readonly LogItem[]): LogLine {
  const counts = new Map<ItemOutcome, number>()
  for (const { outcome } of items) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  const told = [...counts].sort(([, a], [, b]) => b - a).map(([outcome, count]) => `${count} ${outcome}`)
  return {
    level: logLevels[Math.max(0, ...items.map(({ level }) => logLevels.indexOf(level)))] ?? 'info',
    category: 'records',
    message: `${items.length} ${items.length === 1 ? 'record' : 'records'}: ${told.join(', ')}.`,
  }
}
