import type { BaseField, TrailEntry } from './base.ts'
import { valueHash } from './hash.ts'
import { secondsBetween } from './server-time.ts'
import { type CanonicalValue, otherSide, type Side, type Stamp } from './values.ts'

/** Values of a side that are remembered: the one before our write, ours, and one more. */
const longestTrail = 3

/**
 * How soon an answer to our write tells a rule from a person, by the endpoint's own clock, in seconds. A rule acts within
 * moments; a person first has to see what Tandem wrote, and may well put the old value back: an hour or days later that is
 * an edit like any other.
 */
const answeredWithinSeconds = 60

/**
 * A, B, A: the side held A, we wrote B over it, and shortly afterwards it holds A again. Only a write of *ours* that is
 * answered by the very value it replaced counts, and only by that side's own clock; a person's A, B, A, written by us to
 * the other side, is no swing there, since each of our writes stays. Where the endpoint tells no time nothing is concluded.
 */
export function swings(base: BaseField, side: Side, now: CanonicalValue, stamp: Stamp): boolean {
  const trail = base.trail?.[side] ?? []
  const ours = trail.at(-1)
  const before = trail.at(-2)
  if (ours?.ours !== true || before === undefined || ours.at === null || stamp.modified === null) return false
  if (before.h === ours.h || before.h !== shortHash(now)) return false
  const seconds = secondsBetween(ours.at, stamp.modified)
  return seconds >= 0 && seconds <= answeredWithinSeconds
}

/** The trails after a write of ours to `side`; the other side's is kept. */
export function trailAfter(
  earlier: BaseField | undefined,
  side: Side,
  write: { before: CanonicalValue; kept: CanonicalValue; at: string | null },
): NonNullable<BaseField['trail']> {
  const own = earlier?.trail?.[side] ?? []
  const beforeHash = shortHash(write.before)
  const known: readonly TrailEntry[] =
    own.at(-1)?.h === beforeHash ? own : [...own, { h: beforeHash, ours: false, at: null }]
  const next = [...known, { h: shortHash(write.kept), ours: true, at: write.at }].slice(-longestTrail)
  const elsewhere = earlier?.trail?.[otherSide(side)]
  return { ...(elsewhere === undefined ? {} : { [otherSide(side)]: elsewhere }), [side]: next }
}

/** Enough to tell a handful of values apart; base holds it for every field ever written. */
function shortHash(value: CanonicalValue): string {
  return valueHash(value).slice(0, 16)
}
