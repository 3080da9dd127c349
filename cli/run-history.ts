import { createWriteStream, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type {
  KeptHistoryView,
  LogLineView,
  RecordOutcomeView,
  RunComparisonView,
  WatchedHoursView,
} from '../api/contract/history.ts'
import type { RouteName } from '../api/contract/routes.ts'
import { type RunView, runKindWords } from '../api/contract/schemas.ts'
import { everyPage } from './api-client.ts'
import type { Context } from './context.ts'
import { findLink } from './link.ts'
import { localTime, short, table } from './output.ts'
import { counterWords, statusWords } from './run.ts'

const levels = ['info', 'warning', 'error']
const levelOption = () => new Option('--level <level>', 'this level and worse').choices(levels)

interface ListOptions {
  limit: string
  link?: string
  kind?: string
  status?: string
  by?: string
  from?: string
  to?: string
  changed?: boolean
}

/** Commands about what is kept of runs. */
export function runHistoryCommands(program: Command, context: () => Context): void {
  const run = program.commands.find((one) => one.name() === 'run')
  if (run === undefined) throw new Error('the commands of runs come first')

  run
    .command('list')
    .description('list runs, newest first; those in a row that found everything in step are one line')
    .option('--limit <n>', 'how many', '20')
    .option('--link <link>', 'only of this link')
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(Object.keys(runKindWords)))
    .addOption(new Option('--status <status>', 'only with this status').choices(Object.keys(statusWords)))
    .option('--by <person>', 'only those that this person started')
    .option('--from <time>', 'begun not before this time, such as 2026-11-01T00:00:00Z')
    .option('--to <time>', 'begun before this time')
    .option('--changed', 'leave out those that found everything in step')
    .action(async ({ limit, link, by, changed, ...filter }: ListOptions) => {
      const { api, output } = context()
      const linkId = link === undefined ? undefined : (await findLink(context(), link)).id
      const query = { ...filter, limit, linkId, actor: by, changed: changed === true ? 'true' : undefined }
      output.show((await api.call('listRuns', { query })).items, (items) =>
        table(
          ['Started', 'Link', 'Kind', 'By', 'Status', 'Examined', 'Written', 'Id'],
          collapsed(items).map(({ run: one, quiet }) => [
            localTime(one.startedAt),
            one.linkName,
            one.kind,
            one.actor,
            quiet > 1 ? `${quiet} × nothing to do` : one.status,
            one.counters.examined,
            writesOf(one.counters),
            one.id,
          ]),
          'There is no such run.',
        ),
      )
    })

  run
    .command('log <id>')
    .description('the log of a run')
    .addOption(levelOption())
    .addOption(
      new Option('--category <name>', 'only lines of this kind').choices([
        'run',
        'check',
        'scan',
        'records',
        'endpoint',
      ]),
    )
    .option('--text <text>', 'only lines that contain it')
    .action(async (id: string, filter: { level?: string; category?: string; text?: string }) => {
      const { api, output } = context()
      const lines = await everyPage((cursor) =>
        api.call('runLog', { params: { id }, query: { ...filter, limit: '200', cursor } }),
      )
      output.show(lines, describeLog)
    })

  run
    .command('outcomes <id>')
    .description('what became of each record that a run looked at')
    .option('--outcome <outcome>', 'only this one, such as failed, held or created')
    .addOption(levelOption())
    .option('--record <number>', 'only this record, by its number on either side')
    .option('--limit <n>', 'how many at most', countOf, 200)
    .action(async (id: string, { limit, ...filter }: { limit: number; outcome?: string; record?: string }) => {
      const { api, output } = context()
      const rows = await everyPage(
        (cursor) => api.call('runOutcomes', { params: { id }, query: { ...filter, limit: '200', cursor } }),
        limit,
      )
      output.show(rows, describeOutcomes)
    })

  run
    .command('compare <id> <other>')
    .description('what differs between two runs of a link')
    .action(async (id: string, other: string) => {
      const { api, output } = context()
      output.show(await api.call('compareRuns', { params: { id, other } }), describeComparison)
    })

  run
    .command('before <id>')
    .description('what each field that the run wrote held before, as CSV')
    .option('-o, --output <file>', 'into a file; else to the standard output')
    .action(async (id: string, { output: file }: { output?: string }) => save(context(), 'beforeImages', id, file))

  run
    .command('history <id>')
    .description("the run's workflow, event by event, also when Temporal has forgotten it")
    .option('-o, --output <file>', 'save all of it as JSON')
    .option(
      '--execution <n>',
      "with -o: only this execution, 1 is the first, in the form of Temporal's own tools",
      countOf,
    )
    .action(async (id: string, { output: file, execution }: { output?: string; execution?: number }) => {
      const { api, output } = context()
      if (file === undefined) {
        output.show(await api.call('runHistory', { params: { id } }), describeHistory)
        return
      }
      const found =
        execution === undefined
          ? await api.call('runHistory', { params: { id } })
          : await api.call('runExecution', { params: { id, execution: String(execution) } })
      writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`, { flag: 'wx' })
      output.line(`Written to ${file}.`)
    })

  program.commands
    .find((one) => one.name() === 'link')
    ?.command('hours <link>')
    .description('hour by hour: that both sides were looked at, and whether anything changed')
    .option('--days <n>', 'so many days back, at most 31', countOf, 1)
    .option('--from <time>', 'from this time, such as 2026-11-01T00:00:00Z')
    .option('--to <time>', 'to this time; else to now')
    .action(async (name: string, { days, from, to }: { days: number; from?: string; to?: string }) => {
      const { api, output } = context()
      const { id } = await findLink(context(), name)
      const end = to === undefined ? Date.now() : Date.parse(to)
      const begin = from ?? (Number.isNaN(end) ? undefined : new Date(end - days * 86_400_000).toISOString())
      output.show(await api.call('linkHours', { params: { id }, query: { from: begin, to } }), describeHours)
    })
}

/** Saves an answer that comes piece by piece, never over a file that is there. */
async function save({ api, output }: Context, route: RouteName, id: string, file: string | undefined): Promise<void> {
  const body = await api.download(route, { params: { id } })
  const target = file === undefined ? process.stdout : createWriteStream(file, { flags: 'wx' })
  await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), target, {
    end: file !== undefined,
  })
  if (file !== undefined) output.line(`Written to ${file}.`)
}

/** An event a line: when, what, and the name and summary of an activity or timer. */
function describeHistory({ executions }: KeptHistoryView): string {
  return executions
    .map(({ events }) =>
      table(
        ['', 'Time', 'Event', ''],
        events.map((event) => [
          event.eventId,
          localTime(event.eventTime),
          event.eventType
            .replace(/^EVENT_TYPE_/, '')
            .replaceAll('_', ' ')
            .toLowerCase(),
          eventWords(event),
        ]),
        'No event.',
      ),
    )
    .join('\n\n')
}

function eventWords(event: KeptHistoryView['executions'][number]['events'][number]): string {
  const parts = Object.entries(event).find(([name]) => name.endsWith('EventAttributes'))?.[1]
  const { activityType, signalName } = (parts ?? {}) as { activityType?: { name?: string }; signalName?: string }
  const { summary } = (event.userMetadata ?? {}) as { summary?: { data?: string } }
  const told =
    summary?.data === undefined ? undefined : JSON.parse(Buffer.from(summary.data, 'base64').toString('utf8'))
  return [activityType?.name, signalName, told].filter((word) => word !== undefined).join(': ')
}

function countOf(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('It takes a whole number from 1 up.')
  return count
}

function describeLog(lines: readonly LogLineView[]): string {
  if (lines.length === 0) return 'No line of the log is like that.'
  return lines
    .map((line) =>
      [
        `${localTime(line.at)}  ${line.level.toUpperCase().padEnd(7)}  ${line.category.padEnd(8)}  ${line.message}`,
        ...line.records.map(
          (one) => `    ${one.leftId ?? '-'} / ${one.rightId ?? '-'}  ${one.outcome}${problemWords(one.problems)}`,
        ),
        ...(line.troubled > line.records.length ? [`    and ${line.troubled - line.records.length} more`] : []),
      ].join('\n'),
    )
    .join('\n')
}

function problemWords(problems: RecordOutcomeView['problems']): string {
  return (problems ?? []).length === 0 ? '' : `: ${(problems ?? []).map(({ message }) => message).join(' ')}`
}

function describeOutcomes(rows: readonly RecordOutcomeView[]): string {
  return table(
    ['Time', 'Left', 'Right', 'Outcome', 'Written', 'Why'],
    rows.map((row) => [
      localTime(row.at),
      row.leftId,
      row.rightId,
      row.outcome,
      row.written.join(', '),
      row.because ?? short((row.problems ?? []).map(({ message }) => message).join(' '), 90).replace('(empty)', ''),
    ]),
    'The run looked at no such record.',
  )
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`

function describeComparison({ a, b, ...rest }: RunComparisonView): string {
  const name = (run: RunView) =>
    `${runKindWords[run.kind]} of ${localTime(run.startedAt)} ${statusWords[run.status]}, version ${run.version}`
  const findings = [
    ...rest.findings.onlyA.map((one) => `  a  ${one.message}`),
    ...rest.findings.onlyB.map((one) => `  b  ${one.message}`),
  ]
  return [
    `a  ${name(a)}`,
    `b  ${name(b)}`,
    '',
    table(
      ['', 'a', 'b', 'Difference'],
      [
        ...rest.counters.map((one) => [
          counterWords[one.name as keyof typeof counterWords] ?? one.name,
          one.a,
          one.b,
          one.b - one.a,
        ]),
        ...rest.phases.map((one) => [`time: ${one.name}`, seconds(one.a), seconds(one.b), seconds(one.b - one.a)]),
      ],
      'Neither counted anything.',
    ),
    ...(rest.configuration.length === 0 ? [] : ['', 'Configuration of b:']),
    ...rest.configuration.map(
      (one) => `  ${one.place}: ${short(JSON.stringify(one.before), 40)} → ${short(JSON.stringify(one.after), 40)}`,
    ),
    ...(findings.length === 0 ? [] : ['', 'Found by one only:', ...findings]),
    ...(rest.outcomes.length === 0
      ? []
      : [
          '',
          table(
            ['Records', 'a', 'b'],
            rest.outcomes.map((one) => [one.records, one.a ?? 'not looked at', one.b ?? 'not looked at']),
            '',
          ),
        ]),
    ...(rest.records.length === 0
      ? []
      : [
          '',
          table(
            ['Left', 'Right', 'a', 'b'],
            rest.records.slice(0, 30).map((one) => [one.leftId, one.rightId, one.a ?? '', one.b ?? '']),
            '',
          ),
          ...(rest.records.length > 30 ? [`and ${rest.records.length - 30} more`] : []),
        ]),
  ].join('\n')
}

const verdictWords: Record<WatchedHoursView['items'][number]['verdict'], string> = {
  nothing: 'looked at; nothing changed',
  changed: 'changed',
  failed: 'no look worked',
  'not-looked': 'not looked at',
}

function describeHours({ items, verdicts }: WatchedHoursView): string {
  const counted = Object.entries(verdicts).map(
    ([verdict, hours]) => `${hours} h ${verdictWords[verdict as keyof typeof verdictWords]}`,
  )
  return [
    table(
      ['Hour', '', 'Quiet looks', 'Others', 'Failed', 'Runs', 'Writes'],
      items.map((one) => [
        localTime(one.hour).slice(0, 16),
        verdictWords[one.verdict],
        one.quiet,
        one.changed,
        one.failed,
        one.quietRuns + one.changedRuns,
        one.writes,
      ]),
      'No hour lies there in which there was the link.',
    ),
    ...(counted.length === 0 ? [] : [counted.join(', ')]),
  ].join('\n')
}

function writesOf(counters: RunView['counters']): number {
  const { createdLeft, createdRight, updatedLeft, updatedRight, deletedLeft, deletedRight } = counters
  return createdLeft + createdRight + updatedLeft + updatedRight + deletedLeft + deletedRight
}

/** Runs in a row that found everything in step, as one line; the newest of them is named. */
function collapsed(runs: readonly RunView[]): { run: RunView; quiet: number }[] {
  const groups: { run: RunView; quiet: number }[] = []
  for (const run of runs) {
    const before = groups[groups.length - 1]
    if (isQuiet(run) && before !== undefined && before.quiet > 0 && before.run.linkId === run.linkId) before.quiet++
    else groups.push({ run, quiet: isQuiet(run) ? 1 : 0 })
  }
  return groups
}

function isQuiet({ kind, status, message, counters }: RunView): boolean {
  const { scannedLeft: _left, scannedRight: _right, examined: _examined, unchanged: _unchanged, ...rest } = counters
  const synchronizes = kind === 'incremental' || kind === 'full' || kind === 'records'
  return synchronizes && status === 'passed' && message === null && Object.values(rest).every((count) => count === 0)
}
