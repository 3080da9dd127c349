import type { ProblemClass } from './problems.ts'

/** First wait and longest wait in seconds, by the class of the problem. */
const waits: Record<ProblemClass, { first: number; longest: number }> = {
  moved: { first: 1, longest: 60 },
  'in-doubt': { first: 3, longest: 60 },
  waiting: { first: 60, longest: 3_600 },
  locked: { first: 20, longest: 600 },
  throttled: { first: 10, longest: 300 },
  unavailable: { first: 10, longest: 600 },
  auth: { first: 60, longest: 1_800 },
  forbidden: { first: 120, longest: 7_200 },
  mapping: { first: 120, longest: 7_200 },
  schema: { first: 120, longest: 7_200 },
  refused: { first: 120, longest: 7_200 },
  conflict: { first: 600, longest: 7_200 },
  altered: { first: 600, longest: 7_200 },
  ambiguous: { first: 300, longest: 7_200 },
  missing: { first: 300, longest: 7_200 },
  restored: { first: 600, longest: 7_200 },
  braked: { first: 600, longest: 7_200 },
  internal: { first: 60, longest: 3_600 },
}

/**
 * Seconds until a record is tried again after its `attempts`-th failure in a row (1, 2, ...): doubling from the class's
 * first wait to its longest, spread by up to a fifth by the record's own key so that a crowd does not come back at once.
 */
export function backoffSeconds(problem: ProblemClass, attempts: number, key: string): number {
  const { first, longest } = waits[problem]
  const wait = Math.min(longest, first * 2 ** Math.min(20, Math.max(0, attempts - 1)))
  let spread = 0
  for (let index = 0; index < key.length; index++) spread = (spread * 31 + key.charCodeAt(index)) % 1_000
  return Math.max(1, Math.round(wait * (1 + spread / 5_000)))
}
