/** A reproducible source of chance: the same seed gives the same run of numbers (mulberry32). */
export interface Chance {
  readonly seed: number
  /** In [0, 1). */
  next(): number
  /** An integer in [0, below). */
  below(limit: number): number
  /** True with this probability. */
  yes(probability: number): boolean
  pick<T>(items: readonly T[]): T
}

export function createChance(seed: number): Chance {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    seed,
    next,
    below,
    yes: (probability) => next() < probability,
    pick: (items) => {
      const item = items[below(items.length)]
      if (item === undefined) throw new Error('nothing to pick from')
      return item
    },
  }
}
