import { type Disturbance, disturbances } from './disturbances.ts'
import { createChance } from './random.ts'
import { everyFault, type TortureOptions } from './torture.ts'

/** What a world of `npm run torture` is like, by its seed alone: every fourth of each kind of trouble, and all mixtures. */
export function planOf(seed: number): Pick<TortureOptions, 'seed' | 'faults' | 'deaths' | 'disturbances'> {
  const level = seed % 4
  const chance = createChance(seed * 7_919)
  const kinds: Disturbance[] =
    // Half of the worlds have only scans for changes, which must do without complete listings.
    seed % 2 === Math.floor(seed / 4) % 2
      ? []
      : disturbances.filter((kind) => chance.yes(kind === 'restore' ? 0.2 : kind === 'deletions' ? 0.6 : 0.3))
  return {
    seed,
    faults: level === 0 || level === 3 ? everyFault : [],
    deaths: level >= 2,
    disturbances: kinds,
  }
}
