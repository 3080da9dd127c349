import { readdirSync, readFileSync } from 'node:fs'
import { Client, Connection } from '@temporalio/client'

/**
 * Where a run's time went, by its own history. Seconds; what runs at the same time counts once, so that the phases and
 * `between` (Temporal's and the workflow's own steps between activities) add up to `total`.
 */
export interface RunBreakdown {
  total: number
  phases: Record<string, number>
  between: number
  /** Of each activity: how often, seconds from start to end added up, and seconds they waited for a worker. */
  activities: Record<string, { times: number; seconds: number; waited: number }>
}

/** Phases by the activity that does them. */
const phaseOf: Record<string, string> = {
  beginRun: 'begin',
  check: 'check',
  noteCheck: 'check',
  scan: 'scan',
  queueState: 'reconcile',
  reconcile: 'reconcile',
  finishRun: 'finish',
}

interface Span {
  name: string
  scheduled: number
  started: number
  ended: number
}

/** Reads the history of a run. Times are the server's, in milliseconds. */
export async function runBreakdown(temporalAddress: string, runId: string): Promise<RunBreakdown> {
  const connection = await Connection.connect({ address: temporalAddress })
  try {
    const { events } = await new Client({ connection }).workflow.getHandle(`run-${runId}`).fetchHistory()
    const spans = new Map<string, Span>()
    let [first, last] = [Number.POSITIVE_INFINITY, 0]
    for (const event of events ?? []) {
      const at = Number(event.eventTime?.seconds ?? 0) * 1_000 + (event.eventTime?.nanos ?? 0) / 1_000_000
      first = Math.min(first, at)
      last = Math.max(last, at)
      const scheduled = event.activityTaskScheduledEventAttributes
      if (scheduled)
        spans.set(String(event.eventId), {
          name: scheduled.activityType?.name ?? '',
          scheduled: at,
          started: at,
          ended: at,
        })
      const started = spans.get(String(event.activityTaskStartedEventAttributes?.scheduledEventId))
      if (started !== undefined) started.started = at
      const ended = spans.get(
        String(
          (
            event.activityTaskCompletedEventAttributes ??
            event.activityTaskFailedEventAttributes ??
            event.activityTaskTimedOutEventAttributes
          )?.scheduledEventId,
        ),
      )
      if (ended !== undefined) ended.ended = at
    }
    return summed([...spans.values()], first, last)
  } finally {
    await connection.close()
  }
}

function summed(spans: readonly Span[], first: number, last: number): RunBreakdown {
  const activities: RunBreakdown['activities'] = {}
  for (const { name, scheduled, started, ended } of spans) {
    activities[name] ??= { times: 0, seconds: 0, waited: 0 }
    activities[name].times++
    activities[name].seconds += (ended - started) / 1_000
    activities[name].waited += (started - scheduled) / 1_000
  }
  const phases: Record<string, number> = {}
  let covered = first
  for (const { name, scheduled, ended } of spans.toSorted((a, b) => a.scheduled - b.scheduled)) {
    const phase = phaseOf[name] ?? name
    phases[phase] = (phases[phase] ?? 0) + Math.max(0, ended - Math.max(covered, scheduled)) / 1_000
    covered = Math.max(covered, ended)
  }
  const total = (last - first) / 1_000
  return { total, phases, between: total - Object.values(phases).reduce((sum, one) => sum + one, 0), activities }
}

/** What the processes below this one are, by a word of their command line. */
const parts: readonly (readonly [part: string, mark: RegExp])[] = [
  ['bridge', /worker\/bridge/],
  ['central', /worker\/central/],
  ['api', /api\/main/],
  ['sandboxes', /sandbox\/main/],
  ['database', /postgres/],
  ['temporal', /temporal/],
]

/** Clock ticks of `/proc/<pid>/stat` in a second: Linux shows them as 100, whatever the kernel's own. */
const ticksPerSecond = 100

/** CPU seconds that each part has used so far, over all processes that this one has started. Linux only. */
export function cpuSeconds(): Record<string, number> {
  const seconds: Record<string, number> = {}
  const all = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => processOf(pid) ?? []),
  )
  const isOurs = (pid: number): boolean => {
    const parent = all.get(pid)?.parent
    return parent !== undefined && (parent === process.pid || isOurs(parent))
  }
  for (const [pid, { command, used }] of all) {
    const part = parts.find(([, mark]) => mark.test(command))?.[0]
    if (part !== undefined && isOurs(pid)) seconds[part] = (seconds[part] ?? 0) + used
  }
  return seconds
}

function processOf(pid: string): [number, { parent: number; command: string; used: number }][] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // Fields 14 and 15 of proc(5): time in user and in kernel mode.
    const used = (Number(rest[9]) + Number(rest[10])) / ticksPerSecond
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0/g, ' ')
    return [[Number(pid), { parent: Number(parent), command, used }]]
  } catch {
    // It ended meanwhile.
    return null
  }
}

/** The difference of two readings, by part. */
export function cpuBetween(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(after).map(([part, used]) => [part, used - (before[part] ?? 0)]))
}
