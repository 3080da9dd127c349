import { z } from 'zod'

const side = z.enum(['left', 'right'])
const reason = z.string().trim().min(3).max(1_000).meta({ description: 'Why; it stays in the ledger' })

/** A scope to be looked at; what is left out is as the newest version of the link has it. */
export const previewScope = z
  .strictObject({
    side,
    scope: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: 'Filter and favorite, as in a configuration' }),
    root: z.string().min(1).nullable().optional(),
    pastReleases: z.boolean().optional(),
  })
  .meta({ id: 'PreviewScope' })

export const scopePreview = z
  .object({
    count: z.int().meta({ description: 'Records in scope; at least so many where it is not exact' }),
    exact: z.boolean(),
    total: z.int().meta({ description: 'All records of the type' }),
    first: z.array(z.object({ id: z.string(), name: z.string(), url: z.string() })),
    findings: z.array(z.object({ message: z.string(), pointer: z.string().nullable() })),
  })
  .meta({ id: 'ScopePreview' })

export const favoritesQuery = z.object({ side: side.default('left') })

export const favorites = z
  .object({
    items: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        owner: z.string(),
        public: z.boolean(),
        conditions: z.array(z.string()),
        problem: z.string().nullable().meta({ description: 'Why it cannot serve as a scope; null: it can' }),
      }),
    ),
  })
  .meta({ id: 'Favorites' })

export const recordReason = z.strictObject({ reason }).meta({ id: 'RecordReason' })

const stoppedRecord = z
  .object({
    side,
    id: z.string(),
    twinId: z.string().nullable(),
    actor: z.string(),
    reason: z.string(),
    stoppedAt: z.string(),
  })
  .meta({ id: 'StoppedRecord' })

export const stoppedRecords = z.object({ items: z.array(stoppedRecord) })

/** Why a record is in step, or not. */
export const standing = z
  .object({
    state: z.enum(['paired', 'left-alone', 'waiting', 'unknown']),
    because: z.enum(['rule', 'scope', 'person', 'elsewhere']).nullable(),
    words: z.string(),
    twinId: z.string().nullable(),
    stopped: stoppedRecord.nullable(),
  })
  .meta({ id: 'Standing' })
