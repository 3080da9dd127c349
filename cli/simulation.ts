import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Command, Option } from 'commander'
import type { ComparisonView, SimulatedRowView, SimulationCountsView } from '../api/contract/simulations.ts'
import type { Context } from './context.ts'
import { short, table } from './output.ts'

const actions: Record<string, string> = {
  'create-right': 'to be created on the right',
  'create-left': 'to be created on the left',
  'update-right': 'to be updated on the right',
  'update-left': 'to be updated on the left',
  'update-both': 'to be updated on both sides',
  'delete-right': 'to be deleted on the right',
  'delete-left': 'to be deleted on the left',
  adopt: 'to be paired as they are',
  none: 'unchanged',
  problem: 'with a problem',
}

/** Counts by type and direction, what is predicted to go wrong, and an example of each kind with its fields before and after. */
export function describeSimulation(
  { counts, types, problems, summary }: SimulationCountsView,
  items: readonly SimulatedRowView[],
): string {
  const several = types.some(({ type }) => type !== null)
  const lines = several
    ? types.map(
        ({ type, action, records }) =>
          `  ${String(records).padStart(6)} ${type ?? '(no type)'} ${actions[action] ?? action}`,
      )
    : Object.entries(counts).map(([action, count]) => `  ${String(count).padStart(6)} ${actions[action] ?? action}`)
  if (summary !== null && summary.oneIn > 1)
    lines.unshift(`  A sample of one in ${summary.oneIn}: ${summary.records} of ${summary.due} were looked at.`)
  if (problems.length > 0)
    lines.push(
      '',
      '  Predicted:',
      ...problems.map(
        ({ code, side, warning, records }) =>
          `  ${String(records).padStart(6)} ${code}${side === null ? '' : ` on the ${side}`}${warning ? ' (warning)' : ''}`,
      ),
    )
  for (const action of Object.keys(counts)) {
    const [example] = items.filter(
      (item) => item.action === action && (item.fields.length > 0 || item.problems.length > 0),
    )
    if (example === undefined) continue
    lines.push(
      '',
      `  For example ${idsOf(example)} "${short(example.title, 50)}", ${actions[action] ?? action}:`,
      ...detailsOf(example, 8),
    )
  }
  return lines.join('\n')
}

function idsOf({ leftId, rightId }: SimulatedRowView): string {
  return [leftId, rightId].filter((id) => id !== null).join(' / ')
}

function detailsOf(item: SimulatedRowView, mostFields: number): string[] {
  return [
    ...item.fields
      .slice(0, mostFields)
      .map((field) => `    ${field.label}: ${short(field.before, 30)} → ${short(field.after, 50)}  (${field.rule})`),
    ...item.problems.map((problem) => `    ! ${problem.message} ${problem.remedy}`),
    ...(item.real === null
      ? []
      : [
          `    came: ${item.real.outcome}${item.real.problems.length === 0 ? '' : ` with ${item.real.problems.map(({ code }) => code).join(', ')}`}`,
        ]),
  ]
}

export function percent(share: number | null): string {
  return share === null ? '-' : `${(share * 100).toFixed(1)} %`
}

/** How a simulation compares with the run that followed. */
export function describeComparison({ simulationId, score, realRunId }: ComparisonView, runId: string): string {
  if (score === null) return '  No run has been compared with this simulation yet.'
  const left = [
    ...(score.changedSince > 0 ? [`${score.changedSince} edited in between`] : []),
    ...(score.notReached > 0 ? [`${score.notReached} without a result`] : []),
  ]
  return [
    runId === simulationId
      ? `  Compared with the run ${realRunId ?? ''} that followed:`
      : `  Compared with the simulation ${simulationId} before it:`,
    `    ${score.compared} of ${score.records} records${left.length === 0 ? '' : ` (${left.join(', ')})`}, ${score.sameAction} as planned`,
    `    errors: ${score.predicted} predicted, ${score.real} came, ${score.hits} both; precision ${percent(score.precision)}, recall ${percent(score.recall)}`,
    ...(score.codes.length === 0
      ? []
      : [
          table(
            ['    Error', 'Predicted', 'Came', 'Both'],
            score.codes.map((one) => [`    ${one.code}`, one.predicted, one.real, one.hits]),
            '',
          ),
        ]),
  ].join('\n')
}

interface Filter {
  action?: string
  type?: string
  code?: string
  class?: string
  field?: string
  text?: string
  compared?: string
}

function withFilter(command: Command): Command {
  return command
    .option('--action <action>', 'only these, such as create-right or problem')
    .option('--type <type>', 'only records of this type pair')
    .option('--code <code>', 'only where this problem is predicted, such as required-field')
    .option('--class <class>', 'only where a problem of this class is predicted, such as conflict')
    .option('--field <field>', 'only where this field would be written or has a problem')
    .option('--text <text>', 'only with this in the title, or with this id')
    .addOption(
      new Option('--compared <how>', 'only where the run that followed was not as predicted').choices([
        'missed',
        'false-alarm',
      ]),
    )
}

/** Below `tandem run`: looking into a simulation, and taking it away. */
export function simulationCommands(run: Command, context: () => Context): void {
  withFilter(run.command('simulation <id>').description('records of a simulation, field by field'))
    .option('--limit <n>', 'how many', '20')
    .action(async (id: string, { limit, ...filter }: Filter & { limit: string }) => {
      const { api, output } = context()
      const { items, ...counts } = await api.call('runSimulation', {
        params: { id },
        query: { ...filter, limit },
      })
      output.show({ ...counts, items }, () =>
        items.length === 0
          ? 'No record of the simulation is like that.'
          : items
              .flatMap((item) => [
                `${idsOf(item)} "${short(item.title, 60)}", ${actions[item.action] ?? item.action}`,
                ...detailsOf(item, 50),
              ])
              .join('\n'),
      )
    })

  withFilter(run.command('export <id>').description('take a simulation away, record by record'))
    .addOption(new Option('--format <format>', 'csv or JSON lines').choices(['csv', 'jsonl']).default('csv'))
    .option('-o, --output <file>', 'into a file; else to the standard output')
    .action(async (id: string, { output: file, ...query }: Filter & { format: string; output?: string }) => {
      const { api, output } = context()
      const body = await api.download('exportSimulation', { params: { id }, query })
      const target = file === undefined ? process.stdout : createWriteStream(file, { flags: 'wx' })
      await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), target, {
        end: file !== undefined,
      })
      if (file !== undefined) output.line(`Written to ${file}.`)
    })
}
