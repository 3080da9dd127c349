/**
 * Time zones by the platform's own tables, without a clock: instants are milliseconds since 1970 in UTC, wall times
 * milliseconds since 1970 as the clocks on the wall show it. Zones change at whole minutes.
 */
const minuteMs = 60_000
export const dayMs = 86_400_000

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(zone, format)
  }
  return format
}

/** True for a name of the IANA data base, such as Europe/Berlin; a bare offset has no summer time and is none. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    formatOf(name)
    return true
  } catch {
    return false
  }
}

/** Days since 1970-01-01 of a date in the Gregorian calendar. */
function dayNumber(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}

function partsAt(zone: string, instant: number): (name: Intl.DateTimeFormatPartTypes) => number {
  const parts = formatOf(zone).formatToParts(instant)
  return (name) => Number(parts.find((part) => part.type === name)?.value)
}

/**
 * Offsets of minutes asked for lately, by zone: a schedule asks for the same few over and over, and the platform's tables
 * are slow. A memory of what was computed: dropping it changes nothing.
 */
const offsets = new Map<string, Map<number, number>>()
const mostOffsets = 20_000

function offsetAt(zone: string, instant: number): number {
  const minute = Math.floor(instant / minuteMs) * minuteMs
  let known = offsets.get(zone)
  if (known === undefined || known.size >= mostOffsets) {
    known = new Map()
    offsets.set(zone, known)
  }
  let offset = known.get(minute)
  if (offset === undefined) {
    offset = wallOfMinute(zone, minute) - minute
    known.set(minute, offset)
  }
  return offset
}

function wallOfMinute(zone: string, minute: number): number {
  const part = partsAt(zone, minute)
  const second = (part('hour') * 60 + part('minute')) * 60 + part('second')
  return dayNumber(part('year'), part('month'), part('day')) * dayMs + second * 1_000
}

/** The wall time of an instant. */
export function wallOf(zone: string, instant: number): number {
  return instant + offsetAt(zone, instant)
}

/** Offsets a day before and after a wall time; where they differ, also the instant of the change. */
function around(zone: string, wall: number): { before: number; after: number; change: number } {
  let [low, high] = [wall - dayMs, wall + dayMs]
  const [before, after] = [offsetAt(zone, low), offsetAt(zone, high)]
  if (before === after) return { before, after, change: high }
  while (high - low > minuteMs) {
    const middle = low + Math.floor((high - low) / 2 / minuteMs) * minuteMs
    if (offsetAt(zone, middle) === before) low = middle
    else high = middle
  }
  return { before, after, change: high }
}

/**
 * The first instant at which the clocks show a wall time or a later one: a time that a change of clocks leaves out is the
 * instant of that change, one that comes twice is the first of the two.
 */
export function firstInstant(zone: string, wall: number): number {
  const { before, after, change } = around(zone, wall)
  return wall - before < change ? wall - before : Math.max(change, wall - after)
}

/** The first instant from which on the clocks never show an earlier time than this wall time: the second of two. */
export function lastInstant(zone: string, wall: number): number {
  const { before, after, change } = around(zone, wall)
  return wall - after > change ? wall - after : Math.min(change, wall - before)
}

/** ISO time with the zone's offset, to the second: `2026-03-29T03:00:00+02:00`. */
export function zonedIso(zone: string, instant: number): string {
  const part = partsAt(zone, instant)
  const two = (count: number) => String(count).padStart(2, '0')
  const offset = Math.round(offsetAt(zone, instant) / minuteMs)
  const [sign, size] = [offset < 0 ? '-' : '+', Math.abs(offset)]
  const date = `${String(part('year')).padStart(4, '0')}-${two(part('month'))}-${two(part('day'))}`
  const time = `${two(part('hour'))}:${two(part('minute'))}:${two(part('second'))}`
  return `${date}T${time}${sign}${two(Math.floor(size / 60))}:${two(size % 60)}`
}
