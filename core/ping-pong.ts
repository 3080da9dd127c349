import type { BaseField, TrailEntry } from './base.ts'
import { valueHash } from './hash.ts'
import { secondsBetween } from './server-time.ts'
import { type CanonicalValue, otherSide, type Side, type Stamp } from './values.ts'

/** Values of a side that are remembered: the one before our write, ours, and one more. */
const longestTrail = 3

/**
 * Sooner than this after our write, by the endpoint's own clock and in seconds, nobody has seen what we wrote and put the
 * old value back by hand: that was a rule, or another integration.
 */
const soonerThanAnybody = 5
/** A rule that runs now and then is told by its answering the same write twice, each time within so many seconds. */
const answeredTwiceWithin = 600

/**
 * A, B, A: the side held A, we wrote B over it, and it holds A again. Only a write of *ours* that is answered by the very
 * value it replaced counts, and only by that side's own clock; a person's A, B, A, written by us to the other side, is no
 * swing there, since each of our writes stays. Once is an edit like any other, since people do undo what they see appear,
 * unless it came sooner than a person can; twice in a row is a fight, whoever leads it. Where the endpoint tells no time
 * nothing is concluded.
 */
export function swings(base: BaseField, side: Side, now: CanonicalValue, stamp: Stamp): boolean {
  const trail = base.trail?.[side] ?? []
  const ours = trail.at(-1)
  const before = trail.at(-2)
  const earlier = trail.at(-3)
  if (ours?.ours !== true || before === undefined || ours.at === null || stamp.modified === null) return false
  if (before.h === ours.h || before.h !== shortHash(now)) return false
  const seconds = secondsBetween(ours.at, stamp.modified)
  if (seconds >= 0 && seconds < soonerThanAnybody) return true
  if (earlier?.ours !== true || earlier.h !== ours.h || earlier.at === null) return false
  const since = secondsBetween(earlier.at, ours.at)
  return seconds >= 0 && seconds <= answeredTwiceWithin && since >= 0 && since <= 2 * answeredTwiceWithin
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
