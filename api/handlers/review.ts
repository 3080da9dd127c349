import type { z } from 'zod'
import type { reviewReport } from '../contract/review.ts'
import { askEndpoint } from './ask.ts'
import { linkEnds } from './link-ends.ts'
import type { Dependencies, Handlers } from './types.ts'

/** What both sides need before a link is created; nothing of it is kept. */
export function reviewHandlers(dependencies: Dependencies): Pick<Handlers, 'reviewEndpoints'> {
  return {
    reviewEndpoints: async ({ body }) => {
      const { left, right } = await linkEnds(dependencies.database, body.left, body.right)
      return askEndpoint<z.infer<typeof reviewReport>>(dependencies, {
        kind: 'review',
        left: { id: left.id },
        right: { id: right.id },
        entityType: body.entityType,
        ...(body.types === undefined ? {} : { types: body.types }),
      })
    },
  }
}
