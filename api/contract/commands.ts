import { z } from 'zod'

const id = z.uuid()
const zoned = z.string().meta({ description: "ISO time with the offset of the link's zone" })

/** How a link stands in its schedule. */
export const linkSchedule = z
  .object({
    timeZone: z.string(),
    closedUntil: zoned.nullable().meta({ description: 'End of the blackout that is on; null: none is on' }),
    nextRun: zoned.nullable().meta({
      description: 'Next named time of a synchronization; null: none is named, or the link is paused or in manual mode',
    }),
    nextFullScan: zoned.nullable(),
    fullNext: z.boolean().meta({ description: 'The next automatic run is a full scan, as somebody asked' }),
    lastFullScan: z.object({ startedAt: zoned, endedAt: zoned }).nullable(),
  })
  .meta({ id: 'LinkScheduleNow' })

export const commandNames = [
  'check',
  'simulate',
  'run',
  'full',
  'full-next',
  'cancel',
  'pause',
  'resume',
  'automatic',
  'manual',
] as const
export type CommandName = (typeof commandNames)[number]

const force = z
  .boolean()
  .default(false)
  .meta({ description: 'Run although a blackout is on, and through those that begin meanwhile' })
const runs: readonly string[] = ['check', 'simulate', 'run', 'full'] satisfies CommandName[]

export const command = z
  .strictObject({ command: z.enum(commandNames), force })
  .refine((body) => !body.force || runs.includes(body.command), {
    path: ['force'],
    message: `goes with ${runs.join(', ')} only`,
  })
  .meta({ id: 'Command' })

const startsAt = zoned.nullable().meta({ description: 'The end of the blackout for which the run waits' })

export const commandAnswer = z
  .object({
    command: z.enum(commandNames),
    state: z.string().meta({ description: 'started, queued, waiting, merged, or done' }),
    runId: id.nullable(),
    startsAt,
  })
  .meta({ id: 'CommandAnswer' })
export type CommandAnswer = z.infer<typeof commandAnswer>

/** Releases, cycles and sprints carry the name of their kind before the number. */
export const recordId = z
  .string()
  .regex(/^([a-z]+-)?\d{1,18}$/, 'must be the number of a record, such as 41, release-41 or cycle-41')

const recordIds = z.array(recordId).max(100, 'takes at most 100 records').default([])

/** Records by id on either side; each once. */
export const syncRecords = z
  .strictObject({ left: recordIds, right: recordIds, force })
  .refine(({ left, right }) => left.length + right.length > 0, 'name at least one record, on the left or on the right')
  .meta({ id: 'SyncRecords' })

export const syncAnswer = z
  .object({
    state: z.enum(['started', 'queued', 'waiting']),
    runId: id.meta({ description: 'The run whose records tell the outcome' }),
    startsAt,
  })
  .meta({ id: 'SyncAnswer' })
