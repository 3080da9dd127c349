import type { Command } from 'commander'
import { type RunView, runKindWords } from '../api/contract/schemas.ts'
import { everyPage, Refused } from './api-client.ts'
import type { Context } from './context.ts'
import { describeIssues } from './describe-issues.ts'
import { createBar, localTime } from './output.ts'
import { describeComparison, simulationCommands } from './simulation.ts'

const lookEveryMs = 400

/** Follows a run to its end with a bar. Ctrl-C leaves the run going on and says so. */
export async function followRun({ api, output }: Context, runId: string): Promise<RunView> {
  const bar = createBar()
  const leave = () => {
    bar.end()
    process.stderr.write(`The run goes on. Look at it with: tandem run show ${runId}\n`)
    process.exit(0)
  }
  process.once('SIGINT', leave)
  try {
    for (;;) {
      // A queued run has no row until it begins.
      const run = await api.call('getRun', { params: { id: runId } }).catch((error: unknown) => {
        if (error instanceof Refused && error.problem.code === 'not-found') return null
        throw error
      })
      if (run !== null && run.status !== 'running') return run
      if (run !== null && !output.json) {
        const progress = await api.call('linkProgress', { params: { id: run.linkId } })
        const { examined } = run.counters
        bar.update(
          examined,
          examined + progress.left,
          `${progress.phase ?? 'waiting'}: ${examined} records done, ${progress.left} to do`,
        )
      }
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
    }
  } finally {
    bar.end()
    process.off('SIGINT', leave)
  }
}

export const statusWords: Record<RunView['status'], string> = {
  running: 'is running',
  passed: 'passed',
  'with-errors': 'finished with errors',
  failed: 'failed',
  interrupted: 'was interrupted',
  cancelled: 'was cancelled',
}

/** What a run counts, as people read it. */
export const counterWords: Record<keyof RunView['counters'], string> = {
  scannedLeft: 'listed left',
  scannedRight: 'listed right',
  examined: 'examined',
  unchanged: 'unchanged',
  createdLeft: 'created left',
  createdRight: 'created right',
  updatedLeft: 'updated left',
  updatedRight: 'updated right',
  deletedLeft: 'deleted left',
  deletedRight: 'deleted right',
  linkBacks: 'references to twins',
  adopted: 'adopted',
  declined: 'left alone',
  waiting: 'waiting',
  held: 'held',
  failed: 'failed',
  inDoubt: 'in doubt',
}

/** Counters that one line about a run names, in their order. */
const toldCounters = [
  'createdRight',
  'createdLeft',
  'updatedRight',
  'updatedLeft',
  'deletedRight',
  'deletedLeft',
  'adopted',
  'unchanged',
  'held',
  'failed',
  'waiting',
] as const

/** 0: passed; 3: finished with errors; 1: anything else. */
export function exitCodeOf(run: RunView): number {
  return run.status === 'passed' || run.status === 'running' ? 0 : run.status === 'with-errors' ? 3 : 1
}

export function describeRun(run: RunView): string {
  const { counters } = run
  const seconds =
    run.endedAt === null ? '' : ` in ${((Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1_000).toFixed(1)} s`
  // Whatever is not settled yet waits, for people.
  const shown = { ...counters, waiting: counters.waiting + counters.inDoubt }
  const parts = toldCounters.filter((name) => shown[name] > 0).map((name) => `${shown[name]} ${counterWords[name]}`)
  const counted = parts.length === 0 ? '' : `\n  ${parts.join(', ')}`
  return `${runKindWords[run.kind]} of ${run.linkName} ${statusWords[run.status]}${seconds}.${counted}${run.message === null ? '' : `\n  ${run.message}`}`
}

export function runCommands(program: Command, context: () => Context): void {
  const run = program.command('run').description('runs: what was done, when, and with which outcome')

  run
    .command('show <id>')
    .description('counts, findings, issues and writes of a run')
    .action(async (id: string) => {
      const { api, output, exit } = context()
      const params = { id }
      const [found, { findings }, issues, ledger, { comparison }] = await Promise.all([
        api.call('getRun', { params }),
        api.call('runFindings', { params }),
        output.json
          ? everyPage((cursor) => api.call('runIssues', { params, query: { limit: '200', cursor } }))
          : api.call('runIssues', { params, query: { limit: '20' } }).then(({ items }) => items),
        api.call('runLedger', { params, query: { limit: '10' } }),
        api.call('runComparison', { params }),
      ])
      output.show({ ...found, comparison, findings, issues, ledger: ledger.items }, () =>
        [
          describeRun(found),
          `  started ${localTime(found.startedAt)} by ${found.actor} (${found.trigger}), configuration version ${found.version}`,
          `  between ${found.left.name} and ${found.right.name}`,
          ...describeTime(found.time),
          ...(found.openIssues === 0 ? [] : [`  ${found.openIssues} of its issues are open still`]),
          ...(comparison === null ? [] : [describeComparison(comparison, found.id)]),
          ...(findings.length === 0 ? [] : ['', describeFindings(findings, found)]),
          ...(issues.length === 0 ? [] : ['', describeIssues(issues, found)]),
          ...(ledger.items.length === 0
            ? []
            : [
                '',
                'Last writes:',
                ...ledger.items.map(
                  (one) =>
                    `  ${one.action} ${one.side ?? ''} ${one.leftId ?? ''} / ${one.rightId ?? ''}${one.foundByLooking ? ' (found by looking)' : ''}`,
                ),
              ]),
        ].join('\n'),
      )
      exit(exitCodeOf(found))
    })

  simulationCommands(run, context)
}

/** What the run spent its time with, in parts that add up. */
function describeTime({ phases, work }: RunView['time']): string[] {
  const said = (times: Record<string, number>) =>
    Object.entries(times)
      .filter(([, ms]) => ms > 0)
      .map(([name, ms]) => `${name} ${(ms / 1_000).toFixed(1)} s`)
      .join(', ')
  const batches = said(work)
  return [`  time: ${said(phases)}`, ...(batches === '' ? [] : [`  all batches together: ${batches}`])]
}

interface FindingLike {
  severity: string
  side: 'left' | 'right' | null
  message: string
  remedy: string | null
  pointer: string | null
}

/** What was found, a line or two each; those about one side begin with the name of its endpoint. */
export function describeFindings(
  findings: readonly FindingLike[],
  { left, right }: { left: { name: string }; right: { name: string } },
): string {
  const names = { left: left.name, right: right.name }
  const told = ({ side, message }: FindingLike) =>
    side === null || message.startsWith(names[side]) ? message : `${names[side]}: ${message}`
  const marks: Record<string, string> = { ok: '✓', info: 'i', warning: '!', error: '✗' }
  return findings
    .map(
      (one) =>
        `  ${marks[one.severity] ?? '?'}  ${told(one)}${one.remedy === null || one.severity === 'ok' ? '' : `\n     → ${one.remedy}${one.pointer === null ? '' : ` (${one.pointer})`}`}`,
    )
    .join('\n')
}
