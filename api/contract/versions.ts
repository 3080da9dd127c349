import { z } from 'zod'

const version = z.coerce.number('must be the number of a version').int().min(1)

export const diffQuery = z.object({
  from: version,
  to: version.optional().meta({ description: 'Default: the newest' }),
})

export const difference = z
  .object({
    from: z.int(),
    to: z.int(),
    words: z.array(z.string()),
    patch: z
      .array(z.object({ op: z.enum(['add', 'replace', 'remove']), path: z.string(), value: z.unknown() }))
      .meta({ description: 'JSON patch (RFC 6902); `value` is null and means nothing in a step that removes' }),
  })
  .meta({ id: 'ConfigurationDifference' })

export const rollBack = z
  .strictObject({
    version: z.int().min(1).meta({ description: 'The one whose content is wanted again' }),
    expectedVersion: z.int().min(1).meta({ description: 'The newest one, as you know it' }),
    comment: z.string().max(2_000).default(''),
  })
  .meta({ id: 'RollBack' })
