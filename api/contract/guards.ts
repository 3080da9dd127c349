import { z } from 'zod'

const guard = z.object({
  endpoint: z.string(),
  compareAndSet: z
    .enum(['native', 'lock', 're-read'])
    .meta({ description: 'How a write is kept from overwriting an edit made since our read' }),
  words: z.string(),
  window: z.object({ p50: z.number(), p95: z.number(), measured: z.number() }).nullable().meta({
    description: 'Milliseconds between reading again and the write; null: nothing measured, or the server compares',
  }),
  overwrites: z
    .number()
    .meta({ description: 'Writes under which an edit of somebody else may lie; the ledger names each' }),
})

export type GuardView = z.infer<typeof guard>

/** What keeps the writes of a link from overwriting edits, by side. */
export const guards = z.object({ left: guard, right: guard }).meta({ id: 'OverwriteGuards' })
