import { z } from 'zod'
import { reviewAreas } from '../../core/review.ts'
import { createLink } from './schemas.ts'

const side = z.enum(['left', 'right'])

export const reviewEndpoints = createLink
  .pick({ left: true, right: true, entityType: true, types: true })
  .meta({ id: 'ReviewEndpoints' })

const records = z.object({
  total: z.int().meta({ description: 'Records of the kind' }),
  looked: z.int().meta({ description: 'Those that were looked at' }),
})

const reviewItem = z
  .object({
    area: z.enum(reviewAreas),
    need: z
      .enum(['must', 'should', 'may'])
      .meta({ description: 'Without it nothing can be kept in step; some records would be held; worth knowing' }),
    side: side.nullable().meta({ description: 'Where the change is made; null: on either side, or in the link' }),
    subject: z.string(),
    message: z.string(),
    change: z.string().meta({ description: 'What to do' }),
    records: z.int().nullable(),
  })
  .meta({ id: 'ReviewItem' })

export const reviewReport = z
  .object({
    records: z.object({ left: records, right: records }),
    items: z.array(reviewItem).meta({ description: 'By area, what must be done first' }),
  })
  .meta({ id: 'ReviewReport' })
