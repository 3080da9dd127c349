/** How a write is kept from overwriting an edit made since our read; see the connectors' `Capabilities`. */
export type CompareAndSet = 'native' | 'lock' | 're-read'

/** What a side of a link has: ALM by the link's own setting, Octane in the server. */
export function compareAndSetOf(kind: 'alm' | 'octane', writes: 'lock' | 'bulk'): CompareAndSet {
  return kind === 'octane' ? 'native' : writes === 'lock' ? 'lock' : 're-read'
}

export const compareAndSetWords: Record<CompareAndSet, string> = {
  native: 'the server compares: nobody is overwritten',
  lock: 'locked, read again, written: nobody who locks is overwritten',
  're-read': 'read again just before writing: what somebody saves in the window is overwritten, and listed',
}

/** Upper ends of the classes in which windows between reading again and writing are counted, in milliseconds. */
export const windowClasses = [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000] as const

/** The class of a window; the last one holds whatever is longer. */
export function windowClass(ms: number): number {
  const found = windowClasses.findIndex((end) => ms <= end)
  return found < 0 ? windowClasses.length - 1 : found
}

/** The time within which a share of the windows was over, as the end of its class; null: none was measured. */
export function windowPercentile(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  let sum = 0
  for (const [index, count] of counts.entries()) {
    sum += count
    if (sum >= total * share) return windowClasses[index] ?? null
  }
  return null
}
