import { z } from 'zod'

const reason = z.string().trim().min(3).max(1_000).meta({ description: 'Why; it stays in the ledger' })
const side = z.enum(['left', 'right'])

/** What waits for somebody to agree, and sides that went back in time. */
export const stops = z
  .object({
    brakes: z.array(
      z.object({
        id: z.uuid(),
        kind: z.enum(['changes', 'deletions', 'look-alikes']),
        runId: z.uuid().nullable(),
        openedAt: z.string(),
        allowed: z.number().meta({ description: 'What a run may do by itself' }),
        pairs: z.number(),
        firstRun: z.boolean(),
        held: z.number().meta({ description: 'How many wait' }),
        counts: z.record(z.string(), z.number()).meta({ description: 'By action and side, such as create-right' }),
        message: z.string(),
        remedy: z.string(),
      }),
    ),
    restored: z.array(z.object({ side, since: z.string(), message: z.string(), remedy: z.string() })),
  })
  .meta({ id: 'Stops' })

/** Agrees to what a brake holds, as it was shown: where more waits by now, nothing is approved. */
export const approveBrake = z
  .strictObject({
    held: z.number().int().min(0).meta({ description: 'How many writes the brake was shown to hold' }),
    reason,
  })
  .meta({ id: 'ApproveBrake' })

/** Accepts the older state that a side shows: everything is compared afresh, under the brake. */
export const acceptRestored = z.strictObject({ side, reason }).meta({ id: 'AcceptRestored' })
