import { z } from 'zod'
import { problemClasses } from '../../core/problems.ts'
import { issue } from './schemas.ts'

const reason = z.string().trim().min(3).max(1_000).meta({ description: 'Why; it stays in the ledger' })

/** Which issues are meant: everything given must hold, and something must be given. */
const choice = {
  ids: z.array(z.uuid()).min(1).max(1_000).optional(),
  class: z.enum(Object.keys(problemClasses) as [keyof typeof problemClasses]).optional(),
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

const anyId = '00000000-0000-0000-0000-000000000000'

export const byBeginning = z.object({
  id: z
    .string()
    .refine(
      (given) =>
        given.length >= 8 && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(given + anyId.slice(given.length)),
      'must be the id of an issue, or at least the first 8 characters of it',
    ),
})

const runId = z.uuid()

export const issueDetail = issue
  .extend({
    linkId: z.uuid(),
    linkName: z.string(),
    linkDeleted: z
      .boolean()
      .meta({ description: 'True: the link has been deleted; what is known of its issues stays' }),
    endpoints: z.object({ left: z.string(), right: z.string() }).meta({ description: 'Names of both endpoints' }),
    fields: z
      .object({ left: z.string().nullable(), right: z.string().nullable() })
      .meta({ description: 'The field that it is about, by its names on both sides' }),
    pointer: z
      .string()
      .nullable()
      .meta({ description: 'Place in the newest configuration of the link, such as /fields/3; null: about none' }),
    firstRunId: runId,
    lastRunId: runId,
  })
  .meta({ id: 'IssueDetail' })
export type IssueView = z.infer<typeof issue>
export type IssueDetail = z.infer<typeof issueDetail>

export const concernedIssues = z
  .object({ issues: z.int().meta({ description: 'How many are concerned' }) })
  .meta({ id: 'ConcernedIssues' })
