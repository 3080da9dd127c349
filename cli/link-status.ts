import type { Command } from 'commander'
import type { FreshnessPointView, FreshnessView, LinkSummaryView } from '../api/contract/summary.ts'
import type { Context } from './context.ts'
import { findLink } from './link.ts'
import { localTime, table } from './output.ts'
import { describeRun } from './run.ts'
import { describeNext } from './schedule.ts'

/** `tandem link status` and `tandem link freshness`: how a link is, and how long edits take. */
export function linkStatusCommands(program: Command, context: () => Context): void {
  const link = program.commands.find((one) => one.name() === 'link')
  if (link === undefined) throw new Error('the commands of links come first')

  link
    .command('status <link>')
    .description('how a link is: status, last check and run, counts, issues by owner, freshness, what comes next')
    .action(async (name: string) => {
      const { api, output } = context()
      const { id } = await findLink(context(), name)
      output.show(await api.call('linkSummary', { params: { id } }), describeSummary)
    })

  link
    .command('freshness <link>')
    .description('how long edits took until they were visible on the other side')
    .option('--hours <n>', 'so many hours back', '24')
    .option('--slowest <n>', 'list so many of the slowest edits', '10')
    .action(async (name: string, { hours, slowest }: { hours: string; slowest: string }) => {
      const { api, output } = context()
      const { id } = await findLink(context(), name)
      const found = await api.call('linkFreshness', { params: { id }, query: { hours, slowest } })
      output.show(found, ({ slowestEdits, ...freshness }) =>
        [
          ...freshnessLines(`Last ${hours} h`, freshness),
          ...(slowestEdits.length === 0
            ? []
            : [
                '',
                table(
                  ['Visible', 'Left', 'Right', 'Edited on', 'Took', 'Look', 'Queue', 'Endpoints', 'Retry', 'Person'],
                  slowestEdits.map((edit) => [
                    localTime(edit.visibleAt),
                    edit.leftId,
                    edit.rightId,
                    edit.side,
                    ...[edit.total, edit.poll, edit.queue, edit.endpoint, edit.retry, edit.person].map(took),
                  ]),
                  '',
                ),
              ]),
        ].join('\n'),
      )
    })
}

/** `850 ms`, `4.2 s`, `12 min`, `3.5 h`. */
function took(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`
}

const partWords = [
  ['poll', 'until a look'],
  ['queue', 'in the queue'],
  ['endpoint', 'endpoints'],
  ['retry', 'retries'],
  ['person', 'waiting for a person'],
] as const

function pointWords(point: FreshnessPointView): string {
  const parts = partWords.filter(([part]) => point[part] > 0).map(([part, words]) => `${took(point[part])} ${words}`)
  return `${took(point.total)}${parts.length < 2 ? '' : ` = ${parts.join(' + ')}`}`
}

function freshnessLines(label: string, { edits, p50, p95 }: FreshnessView): string[] {
  if (p50 === null || p95 === null) return [`${label}: no edit was carried over`]
  return [
    `${label}: ${edits} ${edits === 1 ? 'edit' : 'edits'}`,
    `  half were visible within ${pointWords(p50)}`,
    `  95 of 100 within ${pointWords(p95)}`,
  ]
}

function describeSummary(summary: LinkSummaryView): string {
  const { link, lastCheck, lastRun, queue, conflicts, day, week } = summary
  const periods = [day, week]
  const row = (label: string, of: (one: LinkSummaryView['day']) => number) => [label, ...periods.map(of)]
  const ago = (run: NonNullable<typeof lastRun>) => `${localTime(run.endedAt)}: ${describeRun(run)}`
  return [
    `${link.name}: ${link.statusLabel}${link.statusAction === null ? '' : `. ${link.statusAction}`}`,
    ...(link.healthMessage === null ? [] : [`  ${link.healthMessage}`]),
    `  ${link.left.name} <-> ${link.right.name}, ${link.mode} mode${link.paused ? ', paused' : ''}, version ${link.version}`,
    ...describeNext(link),
    ...(summary.looksEverySeconds === null ? [] : [`  looks for changes every ${summary.looksEverySeconds} s`]),
    `  last check ${lastCheck === null ? 'never' : ago(lastCheck)}`,
    `  last run ${lastRun === null ? 'never' : ago(lastRun)}`,
    `  both sides last looked at ${summary.lookedAt === null ? 'never' : localTime(summary.lookedAt)}`,
    `  ${link.pairs} pairs; ${queue.due} records due, ${queue.waiting} waiting to be tried again, ${conflicts} fields waiting for a decision`,
    '',
    table(
      ['', 'Last day', 'Last week'],
      [
        row('runs', (one) => one.runs),
        row('  with errors', (one) => one.withErrors),
        row('  failed, interrupted or cancelled', (one) => one.unfinished),
        row('looks that found nothing', (one) => one.looks.quiet),
        row('looks that did not work', (one) => one.looks.failed),
        row(`created in ${link.left.name}`, (one) => one.counters.createdLeft),
        row(`created in ${link.right.name}`, (one) => one.counters.createdRight),
        row(`updated in ${link.left.name}`, (one) => one.counters.updatedLeft),
        row(`updated in ${link.right.name}`, (one) => one.counters.updatedRight),
        row('deleted', (one) => one.counters.deletedLeft + one.counters.deletedRight),
        row('looks at records that failed', (one) => one.counters.failed),
      ],
      '',
    ),
    '',
    table(
      ['Open issues of', 'Errors', 'Warnings', 'Ignored', 'Since'],
      summary.issues.map((one) => [one.owner, one.errors, one.warnings, one.ignored, localTime(one.since)]),
      'No open issues.',
    ),
    '',
    'From an edit until it is visible on the other side',
    ...freshnessLines('Last day', day.freshness),
    ...freshnessLines('Last week', week.freshness),
  ].join('\n')
}
