export const invariants = {
  I1: 'both sides agree',
  I2: 'no edit of a person is lost',
  I3: 'no record has two twins',
  I4: 'nothing deleted on a guess, nothing raised from the dead, no write to an endpoint that went back in time',
  I5: 'a further cycle writes nothing',
  I6: 'no echo: at most one write per edit and other side',
  I7: 'order: no reference before its target, no child before its parent, writes in the ledger as they happened',
  I8: 'no scan position passes a change that is not worked off',
  I9: 'no command without an answer',
  I10: 'writes and ledger rows match one to one',
  I11: 'no credential in the database, in histories, logs or answers',
} as const
export type Invariant = keyof typeof invariants
export const invariantNames = Object.keys(invariants) as Invariant[]

export interface Violation {
  invariant: Invariant
  message: string
}

/** What was looked at and what was wrong. */
export interface Verdict {
  /** Cases judged, by invariant: a green row that was never tried says nothing. */
  readonly cases: Record<Invariant, number>
  readonly violations: Violation[]
  tried(invariant: Invariant, count?: number): void
  broken(invariant: Invariant, message: string): void
}

export function noCases(): Record<Invariant, number> {
  return Object.fromEntries(invariantNames.map((name) => [name, 0])) as Record<Invariant, number>
}

export function createVerdict(): Verdict {
  const cases = noCases()
  const violations: Violation[] = []
  return {
    cases,
    violations,
    tried: (invariant, count = 1) => {
      cases[invariant] += count
    },
    broken: (invariant, message) => void violations.push({ invariant, message }),
  }
}
