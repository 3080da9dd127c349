import { z } from 'zod'
import { link } from './schemas.ts'

const end = z.strictObject({ endpoint: z.string(), place: z.string() })
const recordId = z.string().min(1).max(200)

export const linkDefinition = z
  .strictObject({
    format: z.literal(
      'tandem-link/1',
      'must be "tandem-link/1": the file is no definition of a link, or one of a later version',
    ),
    name: z.string(),
    description: z.string(),
    left: end,
    right: end,
    configuration: z.record(z.string(), z.unknown()).meta({
      description: 'A configuration with names instead of ids: list items and types by label, people by login',
    }),
    pairs: z
      .array(z.strictObject({ left: recordId, right: recordId, base: z.record(z.string(), z.unknown()) }))
      .max(100_000, 'takes at most 100000 pairs')
      .optional(),
  })
  .meta({ id: 'LinkDefinition' })

export const definitionQuery = z.object({ pairs: z.enum(['true', 'false']).default('false') })

const root = z.string().min(1).nullable().optional()

export const importLink = z
  .strictObject({
    definition: linkDefinition,
    name: z.string().trim().min(1).max(120).optional().meta({ description: 'Another name than in the file' }),
    left: z.uuid().meta({ description: 'Endpoint on the left' }),
    right: z.uuid().meta({ description: 'Endpoint on the right' }),
    roots: z
      .strictObject({ left: root, right: root })
      .default({})
      .meta({ description: 'Folders of these endpoints instead of those in the file; null: the whole tree' }),
    pairsFit: z
      .boolean()
      .default(false)
      .meta({ description: 'The projects are copies of those in the file, so that its pairs are right here, too' }),
  })
  .meta({ id: 'ImportLink' })

export const importedLink = z.object({ link, pairs: z.int() })
