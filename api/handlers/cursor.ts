import { z } from 'zod'
import { ApiProblem } from '../problem.ts'

/** Cursors are opaque to callers: the sort key of the last row they got. */
export function writeCursor(key: object): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

/** Sort key of lists in order of time, as the database writes it. */
export const timeKey = z.strictObject({ at: z.iso.datetime({ precision: 6 }), id: z.uuid() })

export function readCursor<T extends z.ZodType>(cursor: string | undefined, key: T): z.infer<T> | undefined {
  if (cursor === undefined) return undefined
  const parsed = key.safeParse(decoded(cursor))
  if (parsed.success) return parsed.data
  throw new ApiProblem(400, 'bad-cursor', 'The cursor is not one that this list gave out.', {
    remedy: 'Use `next` of the page before, or leave it out.',
  })
}

function decoded(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}

/** A page and the cursor of the next, from one row more than was asked for. */
export function page<T>(
  rows: readonly T[],
  limit: number,
  keyOf: (row: T) => object,
): { items: T[]; next: string | null } {
  const items = rows.slice(0, limit)
  const last = items[items.length - 1]
  return { items, next: rows.length > limit && last !== undefined ? writeCursor(keyOf(last)) : null }
}
