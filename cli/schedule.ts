import { type Command, InvalidArgumentError } from 'commander'
import type { LinkView } from '../api/contract/schemas.ts'
import type { Context } from './context.ts'
import { findLink } from './link.ts'
import { savedWords } from './output.ts'

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

interface Times {
  weekdays: string[]
  times: string[]
}
interface Blackout {
  weekdays: string[]
  from: string
  to: string
}
/** The schedule in a link's configuration, as far as it was ever saved: the rest has defaults. */
interface Schedule {
  intervalSeconds?: number | null
  timeZone?: string
  runs?: Times[]
  fullScans?: Times[]
  blackouts?: Blackout[]
}

/** `mon-fri`, `sat,sun`, `fri-mon`. */
function readDays(text: string): string[] {
  const at = (name: string) => {
    const index = weekdays.indexOf(name)
    if (index < 0) throw new InvalidArgumentError(`"${name}" is no weekday: take ${weekdays.join(', ')}.`)
    return index
  }
  const days = new Set<string>()
  for (const part of text.toLowerCase().split(',')) {
    const [first = '', last = first] = part.split('-')
    const end = at(last)
    for (let day = at(first); ; day = (day + 1) % 7) {
      days.add(weekdays[day] ?? '')
      if (day === end) break
    }
  }
  return weekdays.filter((day) => days.has(day))
}

/** "mon-fri 06:00,12:30" or "06:00": days, and what follows them. */
function readParts(text: string): { days: string[]; rest: string } {
  const [first = '', ...others] = text.trim().split(/\s+/)
  if (others.length === 0) return { days: [...weekdays], rest: first }
  return { days: readDays(first), rest: others.join('') }
}

/** Options that may be repeated; `none` empties the list. */
function several<T>(read: (text: string) => T) {
  return (text: string, before: T[] | undefined): T[] => (text === 'none' ? [] : [...(before ?? []), read(text)])
}

const readTimes = several((text): Times => {
  const { days, rest } = readParts(text)
  return { weekdays: days, times: rest.split(',') }
})

const readBlackouts = several((text): Blackout => {
  const { days, rest } = readParts(text)
  const [from, to] = rest.split('-')
  if (from === undefined || to === undefined)
    throw new InvalidArgumentError('Give days, a start and an end, such as "mon-fri 22:00-06:00".')
  return { weekdays: days, from, to }
})

function readInterval(text: string): number | null {
  if (text === 'none') return null
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Give a number of seconds, or none.')
  return Number(text)
}

function dayWords(days: readonly string[]): string {
  if (days.length === weekdays.length) return 'every day'
  const first = weekdays.indexOf(days[0] ?? '')
  const inRow = days.every((day, index) => day === weekdays[first + index])
  return inRow && days.length > 2 ? `${days[0]}-${days[days.length - 1]}` : days.join(', ')
}

function timesWords(list: readonly Times[] | undefined, none: string): string {
  if (list === undefined || list.length === 0) return none
  return list.map((one) => `${dayWords(one.weekdays)} at ${one.times.join(', ')}`).join('; ')
}

/** `2026-03-29 03:00 +02:00`: the link's own wall clock, and how far it is from UTC. */
function wallTime(iso: string): string {
  return iso.replace(/^(.{10})T(.{5}):\d\d(.*)$/, '$1 $2 $3')
}

/** What a link does next by its schedule, a line each. */
export function describeNext({ schedule, mode, paused }: LinkView): string[] {
  const { closedUntil, nextRun, nextFullScan, fullNext, lastFullScan } = schedule
  const line = (label: string, iso: string | null) => (iso === null ? [] : [`  ${label}: ${wallTime(iso)}`])
  return [
    ...line('outside its schedule until', closedUntil),
    ...line('next run', nextRun),
    ...line('next full scan', nextFullScan),
    ...(fullNext ? ['  the next run by itself is a full scan'] : []),
    ...line('last full scan', lastFullScan?.startedAt ?? null),
    ...(mode === 'manual' || paused ? [`  ${paused ? 'paused' : 'in manual mode'}: nothing runs by itself`] : []),
  ]
}

export function describeWaiting(link: string, startsAt: string, runId: string): string {
  return [
    `${link} is outside its schedule: the run waits and starts at ${wallTime(startsAt)}. To run it now, give --force.`,
    `Look at it with: tandem run show ${runId}`,
  ].join('\n')
}

interface Options {
  interval?: number | null
  timeZone?: string
  run?: Times[]
  full?: Times[]
  blackout?: Blackout[]
  comment: string
}

/** `tandem link schedule`: when a link in automatic mode works, and when it leaves both systems alone. */
export function scheduleCommand(program: Command, context: () => Context): void {
  program.commands
    .find((one) => one.name() === 'link')
    ?.command('schedule <link>')
    .description('show when the link works by itself; with options, change what they name')
    .option('--interval <seconds>', 'seconds between looks for changes, or none: only at the times given', readInterval)
    .option('--time-zone <name>', 'zone of all times, such as Europe/Berlin')
    .option('--run <when>', 'synchronize at times, such as "mon-fri 06:00,12:30"; repeat it, or none', readTimes)
    .option('--full <when>', 'list every record at times, such as "sun 03:30"; repeat it, or none', readTimes)
    .option('--blackout <when>', 'leave both systems alone, such as "22:00-06:00"; repeat it, or none', readBlackouts)
    .option('--comment <text>', 'why', '')
    .action(async (which: string, options: Options) => {
      const { api, output } = context()
      const found = await findLink(context(), which)
      const params = { id: found.id }
      const { items } = await api.call('listVersions', { params })
      const configuration = items[0]?.configuration ?? {}
      const before = (configuration.schedule ?? {}) as Schedule
      const change: Schedule = {
        ...(options.interval === undefined ? {} : { intervalSeconds: options.interval }),
        ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
        ...(options.run === undefined ? {} : { runs: options.run }),
        ...(options.full === undefined ? {} : { fullScans: options.full }),
        ...(options.blackout === undefined ? {} : { blackouts: options.blackout }),
      }
      let schedule = before
      if (Object.keys(change).length > 0) {
        const saved = await api.call('addVersion', {
          params,
          body: {
            expectedVersion: found.version,
            comment: options.comment,
            configuration: { ...configuration, schedule: { ...before, ...change } },
          },
        })
        schedule = saved.configuration.schedule as Schedule
        output.line(savedWords(found, saved.version, '; it holds from now on.'))
      }
      const now = await api.call('getLink', { params })
      output.show({ schedule, now: now.schedule }, () => describeSchedule(now, schedule).join('\n'))
    })
}

function describeSchedule(link: LinkView, { intervalSeconds = 60, runs, fullScans, blackouts }: Schedule): string[] {
  const closed = (blackouts ?? []).map((one) => `${dayWords(one.weekdays)} ${one.from}-${one.to}`).join('; ')
  return [
    `${link.name}: ${link.statusLabel}. Times are those of ${link.schedule.timeZone}.`,
    `  looks for changes ${intervalSeconds === null ? 'at the times given only' : `every ${intervalSeconds} s`}`,
    `  runs ${timesWords(runs, 'whenever something has changed')}`,
    `  full scans ${fullScans === undefined ? 'each night' : timesWords(fullScans, 'never by themselves')}`,
    `  blackouts ${closed === '' ? 'none' : closed}`,
    ...describeNext(link),
  ]
}
