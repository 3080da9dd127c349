import { z } from 'zod'
import { recordId } from './commands.ts'

const value = z.union([z.null(), z.string(), z.number(), z.boolean(), z.array(z.string())])
const side = z.enum(['left', 'right'])
const text = z.string().nullable()

const write = z
  .object({
    ledgerId: z.uuid(),
    at: z.string(),
    kind: z.enum(['write', 'decision']),
    action: z.string(),
    side,
    leftId: text,
    rightId: text,
    field: z.looseObject({ mappingId: z.string(), field: z.string(), rule: z.string() }).meta({
      description:
        'Values as they were: `source` of the other side, `before`, `sent`, and `after` where the endpoint kept another',
    }),
    actor: z.string(),
    bridge: text,
    build: text,
    version: z.object({ number: z.int(), author: text, comment: text, savedAt: text }).nullable(),
    run: z.object({ id: z.uuid(), kind: text, trigger: text }).nullable(),
    workflowId: text,
    temporalRunId: text,
    foundByLooking: z.boolean(),
    possibleOverwrite: z.boolean(),
    chain: z.string(),
    seq: z.int().nullable(),
  })
  .meta({ id: 'FieldWrite' })

export const recordStory = z
  .object({
    side,
    recordId: z.string(),
    twinId: text,
    pairedSince: text,
    fields: z.array(
      z.object({
        field: z.string(),
        mappingId: z.string(),
        value,
        valueKnown: z
          .boolean()
          .meta({ description: 'False: empty so far, or a long text of which only a fingerprint is kept' }),
        origin: z.enum(['written', 'endpoint', 'unknown']),
        words: z.array(z.string()),
        writes: z.array(write),
        decisions: z.array(
          z.object({ at: z.string(), actor: z.string(), choose: z.string(), value, reason: z.string() }),
        ),
        held: z.array(z.object({ since: z.string(), message: z.string(), remedy: z.string() })),
      }),
    ),
  })
  .meta({ id: 'RecordStory' })

export const storyParams = z.object({
  id: z.uuid('must be an id, as lists show it'),
  side,
  recordId: recordId,
})

export const storyQuery = z.object({
  field: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: "The endpoint's name of the field, or the id of its mapping" }),
})
