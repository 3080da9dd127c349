import { z } from 'zod'

const reason = z.string().trim().min(3).max(1_000).meta({ description: 'Why; it stays in the ledger' })

/** Which issues are meant: everything given must hold, and something must be given. */
const choice = {
  ids: z.array(z.uuid()).min(1).max(1_000).optional(),
  class: z.string().min(1).max(100).optional(),
  code: z.string().min(1).max(100).optional().meta({ description: 'Such as value-gap' }),
  owner: z.enum(['admin', 'endpoint', 'us']).optional(),
}

const some = (given: { ids?: unknown; class?: unknown; code?: unknown; owner?: unknown }) =>
  given.ids !== undefined || given.class !== undefined || given.code !== undefined || given.owner !== undefined

export const issueFilter = z.object({
  open: z.enum(['true', 'false']).optional(),
  ignored: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'Only those that somebody ignores, or only the others' }),
  class: choice.class,
  code: choice.code,
  owner: choice.owner,
})

export const retryIssues = z
  .strictObject(choice)
  .refine(some, 'say which issues: ids, class, code or owner')
  .meta({ id: 'RetryIssues' })

export const ignoreIssues = z
  .strictObject({
    ...choice,
    reason,
    until: z.iso
      .datetime({ offset: true })
      .nullable()
      .default(null)
      .meta({ description: 'They count again from then on; null: never' }),
  })
  .refine(some, 'say which issues: ids, class, code or owner')
  .meta({ id: 'IgnoreIssues' })

export const concernedIssues = z
  .object({ issues: z.int().meta({ description: 'How many are concerned' }) })
  .meta({ id: 'ConcernedIssues' })
