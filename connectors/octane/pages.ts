import type { CallOptions } from '../contract.ts'
import type { OctaneEntity } from './codec.ts'

export interface OctanePage {
  total_count?: number
  /** The server counts only so far: there may be more than `total_count`. */
  exceeds_total_count?: boolean
  data: OctaneEntity[]
}

/** Reads a page in the largest size that the server takes. */
export type ReadPage = (path: string, query: Record<string, string>, call: CallOptions) => Promise<OctanePage>

/** Whether rows may follow a page, `read` being how many of the result are read with it: where the server does not count them all, until a page is empty. */
export function mayFollow(page: OctanePage, read: number): boolean {
  if (page.data.length === 0) return false
  return page.exceeds_total_count === true || page.total_count === undefined || page.total_count > read
}

/** How many rows there are in all; null: the server does not say. */
export function countOf(page: OctanePage): number | null {
  return page.exceeds_total_count === true ? null : (page.total_count ?? null)
}

/** Servers read addresses of 8 kB at least; this much of one is left to values. */
const mostOfAddress = 5_000

/** Items in portions of so many at most; where they stand in an address, also of so many characters. */
export function chunked<T>(items: readonly T[], size: number, lengthOf: (item: T) => number = () => 0): T[][] {
  const chunks: T[][] = []
  let chunk: T[] = []
  let length = 0
  for (const item of items) {
    const more = lengthOf(item)
    if (chunk.length > 0 && (chunk.length >= size || length + more > mostOfAddress)) {
      chunks.push(chunk)
      chunk = []
      length = 0
    }
    chunk.push(item)
    length += more
  }
  return chunk.length > 0 ? [...chunks, chunk] : chunks
}
