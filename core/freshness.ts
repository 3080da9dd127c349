import { type ProblemClass, problemClasses } from './problems.ts'

/**
 * What the time from an edit until it is visible on the other side consists of, in milliseconds. `poll`: until a look noticed
 * it. `queue`: due, and not yet taken up, also while the link is paused or a blackout is on. `endpoint`: reading, deciding
 * and writing. `retry`: waiting for the next attempt. `person`: waiting for what only a person can do.
 */
export interface Waited {
  poll: number
  queue: number
  endpoint: number
  retry: number
  person: number
}

/** Parts in the order people read them. */
export const waitedParts = ['poll', 'queue', 'endpoint', 'retry', 'person'] as const satisfies readonly (keyof Waited)[]

/** An edit and what it has waited for so far. */
export interface HeldEdit {
  /** Milliseconds since 1970, by the store's clock. */
  editedAt: number
  waited: Waited
  /** Up to here the waiting is accounted for. */
  accountedTo: number
}

export const nothingWaited: Waited = { poll: 0, queue: 0, endpoint: 0, retry: 0, person: 0 }

/** A queue row as it was claimed, all times in milliseconds since 1970 by one clock. */
export interface EditClock {
  /** Null: the edit is not measured. */
  editedAt: number | null
  /** When the row was queued. */
  noticedAt: number
  waited: Waited | null
  accountedTo: number | null
  /** When it was due. */
  dueAt: number
  /** Of the failure it came back from; null: it did not fail. */
  class: ProblemClass | null
  claimedAt: number
  now: number
}

/**
 * Accounts for a row that was claimed and looked at, from where the last account ended to now: the parts add up to the time
 * since the edit. Null: the edit is not measured.
 */
export function accountFor(clock: EditClock): HeldEdit | null {
  const { editedAt, now } = clock
  if (editedAt === null || editedAt > now) return null
  const waited = { ...(clock.waited ?? nothingWaited) }
  let at = clock.accountedTo ?? editedAt
  const until = (time: number, part: keyof Waited) => {
    const end = Math.min(Math.max(time, at), now)
    waited[part] += end - at
    at = end
  }
  if (clock.accountedTo === null) until(clock.noticedAt, 'poll')
  if (clock.class !== null)
    until(Math.min(clock.dueAt, clock.claimedAt), problemClasses[clock.class] === 'admin' ? 'person' : 'retry')
  until(clock.claimedAt, 'queue')
  until(now, 'endpoint')
  return { editedAt, waited, accountedTo: now }
}

export function totalOf(waited: Waited): number {
  return waitedParts.reduce((sum, part) => sum + waited[part], 0)
}

/** Zones differ by whole quarters of an hour. */
const quarterMs = 900_000
/** How far clocks that are kept in step may differ, and how long a look takes. */
const slackMs = 30_000

/**
 * How long ago an edit was made, in milliseconds. A time with a zone says so by itself. One without is read as the zone that
 * puts it between the last look, which had not seen it, and now; where none does, or several do, it is as old as it can be: as
 * the last look. Null: nobody can say.
 */
export function editAge(input: {
  /** The record's time as if UTC, less the server's clock's lead over ours, in milliseconds since 1970. */
  stampMs: number
  hasZone: boolean
  /** By the same clock. */
  nowMs: number
  /** Milliseconds since the last look that worked was over; null: there was none. */
  lookedAgoMs: number | null
}): number | null {
  const { stampMs, nowMs, lookedAgoMs } = input
  if (Number.isNaN(stampMs)) return null
  if (input.hasZone) return Math.max(0, nowMs - stampMs)
  if (lookedAgoMs === null) return null
  const age = nowMs - stampMs
  // The ages that quarters of an hour lead to, between a little in the future and a little before the last look.
  const least = age - Math.floor((age + slackMs) / quarterMs) * quarterMs
  const isOnly = least <= lookedAgoMs + slackMs && least + quarterMs > lookedAgoMs + slackMs
  return Math.max(0, isOnly ? Math.min(least, lookedAgoMs + slackMs) : lookedAgoMs)
}
