import { ApiProblem } from '../problem.ts'

/** Cursors are opaque to callers: the sort key of the last row they got. */
export function writeCursor(key: object): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

export function readCursor<T extends object>(
  cursor: string | undefined,
  fields: readonly (keyof T & string)[],
): T | undefined {
  if (cursor === undefined) return undefined
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (key !== null && typeof key === 'object' && fields.every((field) => field in key)) return key as T
  } catch {
    // Refused below.
  }
  throw new ApiProblem(400, 'bad-cursor', 'The cursor is not one that this list gave out.', {
    remedy: 'Use `next` of the page before, or leave it out.',
  })
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
