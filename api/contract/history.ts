import { z } from 'zod'
import { recordId } from './commands.ts'
import { address, finding, pageQuery, run, runKind, runStatus } from './schemas.ts'

const id = z.uuid()
const time = z.string().meta({ description: 'ISO time in UTC' })
const since = z.iso.datetime({ offset: true, error: 'must be a time such as 2026-11-25T00:00:00Z' })
const level = z.enum(['info', 'warning', 'error'])
const outcome = z.enum([
  'unchanged',
  'created',
  'updated',
  'deleted',
  'adopted',
  'declined',
  'waiting',
  'held',
  'failed',
  'in-doubt',
])

export const runFilter = z.object({
  linkId: id.optional(),
  kind: runKind.optional(),
  status: runStatus.optional(),
  trigger: z.string().max(100).optional().meta({ description: '`person` or `automatic`' }),
  actor: z.string().max(200).optional().meta({ description: 'Who started it' }),
  from: since.optional().meta({ description: 'Begun not before this time' }),
  to: since.optional().meta({ description: 'Begun before this time' }),
  changed: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'false: only synchronizations that found everything in step; true: all others' }),
})

const end = z.object({ id, name: z.string(), kind: z.string(), address })

export const runReport = run
  .extend({
    left: end,
    right: end,
    statusWords: z.string().meta({ description: 'End of the sentence "the run ..."' }),
    checks: z
      .object({ ok: z.int(), info: z.int(), warning: z.int(), error: z.int() })
      .nullable()
      .meta({ description: 'What its integrity check found, by severity; null: it made none' }),
    openIssues: z.int().meta({ description: 'Issues last seen in it that are open still' }),
    outcomes: z.record(z.string(), z.int()).meta({ description: 'Looks at records by what they came to' }),
  })
  .meta({ id: 'RunReport' })

const logItem = z.object({
  key: z.string(),
  leftId: z.string().nullable(),
  rightId: z.string().nullable(),
  outcome,
  level,
  written: z.array(z.enum(['left', 'right'])),
  because: z.enum(['rule', 'scope', 'person', 'elsewhere']).optional().meta({ description: 'Why it was declined' }),
  problems: z
    .array(
      z.object({
        code: z.string(),
        warning: z.literal(true).optional(),
        field: z.string().optional(),
        message: z.string(),
      }),
    )
    .optional(),
  againIn: z.int().optional().meta({ description: 'Seconds until it is looked at again' }),
})

export const logQuery = pageQuery.extend({
  level: level.optional().meta({ description: 'This level and worse' }),
  category: z.enum(['run', 'check', 'scan', 'records', 'endpoint']).optional(),
  text: z.string().min(1).max(200).optional().meta({ description: 'Only lines that contain it' }),
})

export const logLine = z
  .object({
    id: z.int(),
    at: time,
    level,
    category: z.string(),
    message: z.string(),
    records: z.array(logItem).meta({ description: 'Of a batch: the first records with problems' }),
    troubled: z.int().meta({ description: 'Of a batch: how many records had problems' }),
  })
  .meta({ id: 'RunLogLine' })
export type LogLineView = z.infer<typeof logLine>

export const outcomeQuery = pageQuery.extend({
  outcome: outcome.optional(),
  level: level.optional().meta({ description: 'This level and worse' }),
  record: recordId.optional().meta({ description: 'Only looks at this record, by its number on either side' }),
})

export const recordOutcome = logItem
  .extend({ at: time, line: z.int(), position: z.int() })
  .meta({ id: 'RecordOutcome' })
export type RecordOutcomeView = z.infer<typeof recordOutcome>

const twoNumbers = z.object({ a: z.int(), b: z.int() })

export const runComparison = z
  .object({
    a: run,
    b: run,
    counters: z.array(twoNumbers.extend({ name: z.string() })).meta({ description: 'Counts that are not 0 in both' }),
    phases: z.array(twoNumbers.extend({ name: z.string() })).meta({ description: 'Milliseconds' }),
    configuration: z
      .array(z.object({ place: z.string(), before: z.unknown(), after: z.unknown() }))
      .meta({ description: 'Where the configuration version of b differs from that of a' }),
    findings: z.object({ onlyA: z.array(finding), onlyB: z.array(finding) }),
    outcomes: z
      .array(z.object({ a: outcome.nullable(), b: outcome.nullable(), records: z.int() }))
      .meta({ description: 'Records by what each run came to last; null: it did not look at them' }),
    records: z
      .array(
        z.object({
          leftId: z.string().nullable(),
          rightId: z.string().nullable(),
          a: outcome.nullable(),
          b: outcome.nullable(),
        }),
      )
      .meta({ description: 'The first records about which they came to different ends' }),
  })
  .meta({ id: 'RunComparison' })
export type RunComparisonView = z.infer<typeof runComparison>

export const hoursQuery = z.object({
  from: since.optional().meta({ description: 'Left out: a day before `to`' }),
  to: since.optional().meta({ description: 'Left out: now' }),
})

export const watchedHours = z
  .object({
    items: z.array(
      z.object({
        hour: time,
        verdict: z.enum(['nothing', 'changed', 'failed', 'not-looked']).meta({
          description:
            'nothing: both sides were looked at, each look worked, and nothing was found or written. failed: no look worked. not-looked: nobody looked',
        }),
        quiet: z.int().meta({ description: 'Looks that found nothing' }),
        changed: z.int().meta({ description: 'Looks that found something' }),
        failed: z.int().meta({ description: 'Looks that did not work' }),
        quietRuns: z.int().meta({ description: 'Synchronizations that ended in this hour and found all in step' }),
        changedRuns: z.int(),
        writes: z.int().meta({ description: 'By the ledger' }),
      }),
    ),
    verdicts: z.record(z.string(), z.int()).meta({ description: 'Hours by verdict' }),
  })
  .meta({ id: 'WatchedHours' })
export type WatchedHoursView = z.infer<typeof watchedHours>

const events = z
  .array(z.looseObject({ eventId: z.string(), eventTime: z.string(), eventType: z.string() }))
  .meta({ description: "Events in the form that Temporal's own tools read" })

export const execution = z.object({ events }).meta({ id: 'WorkflowExecutionHistory' })

export const keptHistory = z
  .object({
    workflowId: z.string(),
    storedAt: time,
    executions: z
      .array(z.object({ runId: z.string(), events }))
      .meta({ description: 'First one first: a long run continues as new' }),
  })
  .meta({ id: 'RunHistory' })
export type KeptHistoryView = z.infer<typeof keptHistory>
