import { z } from 'zod'

const value = z.unknown().meta({ description: 'Text, number, boolean, list of texts, or null' })
const side = z.enum(['left', 'right'])
const reason = z.string().trim().min(1, 'say why: it stays in the ledger').max(2_000)
const revision = z
  .int()
  .min(1)
  .meta({ description: 'As the conflict was shown: one that has moved on since, or was decided, is refused' })

const parts = z.array(
  z.object({
    kind: z.enum(['same', 'added', 'removed', 'left-out']),
    text: z.string(),
    lines: z.int().optional().meta({ description: 'Of `left-out`: how many lines are the same here' }),
  }),
)

const differences = z
  .object({
    form: z
      .enum(['text', 'source'])
      .meta({ description: '`text`: as people read it; `source`: the markup, where only that differs' }),
    left: parts.nullable().meta({ description: 'From what was agreed on; null: it was not kept' }),
    right: parts.nullable(),
    between: parts.meta({ description: 'From the left value to the right one' }),
  })
  .meta({ id: 'TextDifferences' })

export const conflict = z
  .object({
    id: z.uuid(),
    linkId: z.uuid(),
    mappingId: z.string(),
    kind: z.enum(['both-changed', 'disputed', 'adopted', 'frozen']),
    leftId: z.string(),
    rightId: z.string(),
    base: z.object({ left: value, right: value }).nullable(),
    left: value,
    right: value,
    differences: differences
      .nullable()
      .meta({ description: 'Of long texts; null where the values are short, or it was not asked for' }),
    revision: z.int(),
    firstSeen: z.string(),
    lastSeen: z.string(),
    valuesSince: z.string().meta({ description: 'Since when both values are what they are' }),
    decidesItself: z
      .object({ at: z.string(), take: side })
      .nullable()
      .meta({ description: 'When the link takes the value of a side by itself; null: never, or it is decided' }),
    decision: z
      .object({ choose: z.string(), value, side, actor: z.string(), reason: z.string() })
      .nullable()
      .meta({ description: 'Decided, and carried out by the next look at the record' }),
    decidedAt: z.string().nullable(),
    resolvedAt: z.string().nullable(),
    resolution: z.enum(['decided', 'over']).nullable(),
  })
  .meta({ id: 'Conflict' })
export type ConflictView = z.infer<typeof conflict>

const choice = {
  choose: z.enum(['left', 'right', 'value', 'retry']),
  value: z
    .union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.null()])
    .optional()
    .meta({ description: 'With `value`: what both sides are to hold, in the words of the field of `side`' }),
  side: side.default('left'),
  reason,
}
const hasValue = (body: { choose: string; value?: unknown }) => (body.choose === 'value') === (body.value !== undefined)
const needsValue = { path: ['value'], message: 'goes with choose "value", and only with it' }

export const resolveConflict = z
  .strictObject({ ...choice, revision })
  .refine(hasValue, needsValue)
  .meta({ id: 'ResolveConflict' })
export const resolveConflicts = z
  .strictObject({
    ...choice,
    conflicts: z
      .array(z.strictObject({ id: z.uuid(), revision }))
      .min(1)
      .max(1_000),
  })
  .refine(hasValue, needsValue)
  .meta({ id: 'ResolveConflicts' })
export const decisionOutcomes = z.object({
  items: z.array(
    z.object({
      id: z.uuid(),
      state: z.enum(['decided', 'moved', 'closed', 'busy', 'refused', 'unknown']),
      message: z.string().nullable().meta({ description: 'Why it was refused' }),
      conflict: conflict.nullable(),
    }),
  ),
})
export const unfreeze = z.strictObject({ mappingId: z.string().optional(), reason }).meta({ id: 'Unfreeze' })

const yesNo = z.enum(['true', 'false'])

/** What a list of conflicts holds. */
export const conflictQuery = z.object({
  open: yesNo.optional(),
  kind: z.enum(['both-changed', 'disputed', 'frozen']).optional(),
  mappingId: z.string().optional(),
  leftId: z.string().optional(),
  rightId: z.string().optional(),
  decided: yesNo.optional().meta({ description: 'true: a decision is to be carried out; false: nobody has decided' }),
  waitingDays: z.coerce
    .number()
    .int()
    .min(0)
    .max(3_650)
    .optional()
    .meta({ description: 'Whose values are what they are for at least so many days' }),
  differences: yesNo.default('false').meta({ description: 'true: with the differences of long texts' }),
})
