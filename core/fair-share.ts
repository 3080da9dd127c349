/** A link that works on batches of an endpoint or waits for its turn. */
export interface Turn {
  linkId: string
  /** Endpoints it reads and writes; a batch counts at each. */
  endpoints: readonly string[]
  /** A person waits for these records: they go before what runs by itself. */
  asked: boolean
  /** Seconds since it was last let in; null: never. */
  idleSeconds: number | null
  /** Seconds it has waited without being let in; null: it does not wait. */
  waitingSeconds: number | null
}

export interface Limits {
  /** Batches at a time, by endpoint. */
  endpoints: ReadonlyMap<string, number>
  /** Batches at a time in the whole installation; null: no limit. */
  total: number | null
}

export type Admission =
  | { granted: true }
  /** `atLimit`: some limit is reached. Otherwise there is room, but others that have had less go first. */
  | { granted: false; atLimit: boolean }

/** Whoever has waited so long for several endpoints at once has a place kept, though one of them is full. */
const patienceSeconds = 10

/**
 * May this link begin a batch now? Room goes to whoever has fewest batches under way and was let in longest ago, so that
 * links that always have work take turns, however much of it each has. A waiting link that could not begin anyway, because
 * another of its endpoints is full, holds nobody up, unless it has waited for long.
 */
export function admit(input: {
  claimant: Turn
  /** Links that wait; the claimant may be among them. */
  waiting: readonly Turn[]
  /** Batches under way. */
  running: readonly { linkId: string; endpoints: readonly string[] }[]
  limits: Limits
}): Admission {
  const { claimant, waiting, running, limits } = input
  const held = new Map<string, number>()
  for (const { linkId } of running) held.set(linkId, (held.get(linkId) ?? 0) + 1)
  const installation = ''
  const scopesOf = (turn: { endpoints: readonly string[] }) => [...new Set(turn.endpoints), installation]
  const free = (scope: string): number => {
    const limit = scope === installation ? limits.total : (limits.endpoints.get(scope) ?? null)
    if (limit === null) return Number.POSITIVE_INFINITY
    return limit - running.filter((one) => scope === installation || one.endpoints.includes(scope)).length
  }
  const mine = scopesOf(claimant)
  if (mine.some((scope) => free(scope) <= 0)) return { granted: false, atLimit: true }
  const before = waiting.filter(
    (one) =>
      one.linkId !== claimant.linkId &&
      precedes(one, claimant, held) &&
      (scopesOf(one).every((scope) => free(scope) > 0) || (one.waitingSeconds ?? 0) > patienceSeconds),
  )
  const room = mine.every((scope) => before.filter((one) => scopesOf(one).includes(scope)).length < free(scope))
  return room ? { granted: true } : { granted: false, atLimit: false }
}

function precedes(a: Turn, b: Turn, held: ReadonlyMap<string, number>): boolean {
  if (a.asked !== b.asked) return a.asked
  const [ofA, ofB] = [held.get(a.linkId) ?? 0, held.get(b.linkId) ?? 0]
  if (ofA !== ofB) return ofA < ofB
  const [idleA, idleB] = [a.idleSeconds ?? Number.POSITIVE_INFINITY, b.idleSeconds ?? Number.POSITIVE_INFINITY]
  return idleA === idleB ? a.linkId < b.linkId : idleA > idleB
}

/** How fast an endpoint that asked for a pause is trusted again: one halving less each minute. */
const forgivenAfterSeconds = 60
const mostHalvings = 6

/** Halvings of an endpoint's limit that are left so many seconds after it last asked for a pause. */
export function halvingsLeft(halvings: number, ageSeconds: number): number {
  return Math.max(0, Math.min(mostHalvings, halvings) - Math.floor(ageSeconds / forgivenAfterSeconds))
}

/** Batches at a time at an endpoint that has asked for pauses; at least one. */
export function slowedLimit(limit: number, halvings: number): number {
  return Math.max(1, Math.floor(limit / 2 ** halvings))
}
