export const pagingFaults = ['page-duplicate', 'page-skip', 'page-reorder', 'page-cut'] as const
export type PagingFault = (typeof pagingFaults)[number]

/**
 * The page of a list as a fault leaves it, and the total that the answer claims. Duplicate: the first row comes twice.
 * Skip: the first row is left out, as where an earlier one was deleted between two pages. Reorder: backwards. Cut: the
 * first half only, and the total says that there is no more.
 */
export function pageOf<T>(
  rows: readonly T[],
  start: number,
  size: number,
  fault?: PagingFault,
): { page: T[]; total: number } {
  const page = rows.slice(start, start + size)
  switch (fault) {
    case 'page-duplicate':
      return { page: [...page.slice(0, 1), ...page], total: rows.length }
    case 'page-skip':
      return { page: rows.slice(start + 1, start + 1 + size), total: rows.length }
    case 'page-reorder':
      return { page: page.reverse(), total: rows.length }
    case 'page-cut': {
      const half = page.slice(0, Math.floor(page.length / 2))
      return { page: half, total: start + half.length }
    }
    default:
      return { page, total: rows.length }
  }
}
