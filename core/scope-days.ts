/* biome-ignore-all lint/style/noRestrictedGlobals: takes times apart that it is given, asks no clock */

/** Milliseconds since 1970 of an ISO time or a day; NaN: it is none. */
export function millisecondsOf(time: string): number {
  return Date.parse(time)
}

/** ISO 8601 in UTC, to the second: `2026-05-04T09:15:00Z`. */
export function isoOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** Is it a day of the calendar, as `yyyy-MM-dd`? */
export function isDay(text: string): boolean {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? millisecondsOf(text) : Number.NaN
  return !Number.isNaN(at) && isoOf(at).startsWith(text)
}
