/** What a server's clock shows. Session ends, locks and the truth log go by the true time, stamps of records by this. */
export interface ClockSetting {
  /** Ahead of the true time (or behind, where negative), in milliseconds; a lower one makes the clock jump back. */
  offsetMs?: number
  /** Stands still at this time (ISO 8601, or milliseconds since 1970); null: runs. */
  fixedAt?: string | number | null
  /** Stamps are cut to whole multiples of so many seconds. */
  granularitySeconds?: number
  /** Zone of wall times without zone (ALM), such as America/New_York. */
  timeZone?: string
}

export class SandboxClock {
  readonly trueTime: () => number
  #setting: Required<ClockSetting>
  #format: Intl.DateTimeFormat

  constructor(trueTime: () => number, timeZone = 'UTC') {
    this.trueTime = trueTime
    this.#setting = { offsetMs: 0, fixedAt: null, granularitySeconds: 1, timeZone }
    this.#format = formatOf(timeZone)
  }

  /** Changes what is given and keeps the rest; throws where a time or zone is none. */
  set(change: ClockSetting): void {
    const setting = { ...this.#setting, ...change }
    if (setting.fixedAt !== null && Number.isNaN(new Date(setting.fixedAt).getTime()))
      throw new Error(`fixedAt: "${setting.fixedAt}" is no time; give it as 2026-11-01T05:30:00Z.`)
    this.#format = formatOf(setting.timeZone)
    this.#setting = setting
  }

  setting(): Required<ClockSetting> {
    return { ...this.#setting }
  }

  /** What the clock shows, in milliseconds since 1970. */
  now(): number {
    const { fixedAt, offsetMs, granularitySeconds } = this.#setting
    const at = fixedAt === null ? this.trueTime() + offsetMs : new Date(fixedAt).getTime()
    const step = granularitySeconds * 1_000
    return step === 1_000 ? at : Math.floor(at / step) * step
  }

  /** Wall time without zone, to the second: in autumn an hour of it comes twice, in spring one is left out; UTC has all. */
  wallTime(at: number, utc = false): string {
    return (utc ? utcFormat : this.#format).format(new Date(at)).replace(',', '')
  }
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  try {
    const two = '2-digit'
    return new Intl.DateTimeFormat('sv-SE', {
      timeZone,
      year: 'numeric',
      month: two,
      day: two,
      hour: two,
      minute: two,
      second: two,
    })
  } catch {
    throw new Error(`timeZone: "${timeZone}" is no time zone; give a name such as America/New_York.`)
  }
}

const utcFormat = formatOf('UTC')
