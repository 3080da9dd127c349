import { z } from 'zod'

export const maxBatches = z.int().min(1, 'at least 1').max(64, 'at most 64')

/** How many batches may be under way at a time, over all links, workers and bridges. */
export const limits = z
  .object({
    endpointBatches: z.int().meta({ description: 'At an endpoint without a limit of its own' }),
    batches: z.int().nullable().meta({ description: 'In the whole installation; null: no limit' }),
  })
  .meta({ id: 'Limits' })

export const changeLimits = z
  .strictObject({
    endpointBatches: maxBatches.optional(),
    batches: z.int().min(1, 'at least 1').max(1_024, 'at most 1024').nullable().optional(),
  })
  .meta({ id: 'ChangeLimits' })

export const endpointLoad = z
  .object({
    limit: z.int().meta({ description: 'Batches at a time now: lower while the endpoint asks for pauses' }),
    running: z.int(),
    waiting: z.int().meta({ description: 'Links that wait for their turn' }),
    pausedUntil: z.string().nullable().meta({ description: 'ISO time in UTC' }),
  })
  .meta({ id: 'EndpointLoad' })
