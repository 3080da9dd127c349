/**
 * Times of endpoints are kept in their own words: `2026-11-24T14:00:00Z`, or wall time without a zone such as
 * `2026-11-24 09:00:00`. Only differences between two times of one endpoint mean anything; both are read as if UTC, in
 * milliseconds since 1970. NaN: it is no time.
 */
export function milliseconds(time: string): number {
  const text = time.includes('T') ? time : time.replace(' ', 'T')
  // biome-ignore lint/style/noRestrictedGlobals: parses a time it is given, asks no clock
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
}

/** Seconds from `earlier` to `later`, negative when they are the other way round; NaN when either is no time. */
export function secondsBetween(earlier: string, later: string): number {
  return (milliseconds(later) - milliseconds(earlier)) / 1_000
}

/** Is `time` older than `other`? Both in the words of one endpoint; false where either is unknown. */
export function isBefore(time: string | null, other: string | null): boolean {
  return time !== null && other !== null && secondsBetween(time, other) > 0
}

/** True on a Saturday or Sunday, by the time's own words. */
export function isWeekend(time: string): boolean {
  // biome-ignore lint/style/noRestrictedGlobals: takes a time it is given apart, asks no clock
  return [0, 6].includes(new Date(milliseconds(time)).getUTCDay())
}
