import { type Command, InvalidArgumentError } from 'commander'
import { recordId } from '../api/contract/commands.ts'
import type { RequestedRecordView } from '../api/contract/schemas.ts'
import type { Context } from './context.ts'
import { findLink } from './link.ts'
import { table } from './output.ts'
import { describeRun, exitCodeOf, followRun } from './run.ts'
import { describeWaiting } from './schedule.ts'

function recordIds(text: string): string[] {
  const ids = text
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '')
  if (ids.length === 0 || ids.some((id) => !recordId.safeParse(id).success))
    throw new InvalidArgumentError(
      'Give numbers of records, separated by commas, such as 41,42; of a release link release-41,cycle-42 or sprint-43.',
    )
  return ids
}

const outcomes: Record<NonNullable<RequestedRecordView['outcome']>, string> = {
  created: 'created on the other side',
  updated: 'updated',
  deleted: 'deleted on the other side, as the rules say',
  unchanged: 'unchanged: both sides agree',
  adopted: 'paired with the record that it names',
  declined: 'left alone: the rules of the link create nothing from it',
  waiting: 'waiting; it is looked at again by itself',
  held: 'held',
  failed: 'failed',
  'in-doubt': 'in doubt; this settles by itself',
  unknown: 'unknown: there is no such record, or it may not be read',
}

export function syncCommand(program: Command, context: () => Context): void {
  program
    .command('sync <link>')
    .description('synchronize one or a few records now, by id, without looking at the others')
    .option('--left <ids>', 'records of the left side (ALM), separated by commas', recordIds, [])
    .option('--right <ids>', 'records of the right side (ALM Octane), separated by commas', recordIds, [])
    .option('--no-wait', 'return at once')
    .option('--force', 'also while a blackout is on')
    .action(async (which: string, options: { left: string[]; right: string[]; wait: boolean; force?: boolean }) => {
      const here = context()
      const { api, output } = here
      const found = await findLink(here, which)
      const answer = await api.call('syncRecords', {
        params: { id: found.id },
        body: { left: options.left, right: options.right, force: options.force === true },
      })
      if (answer.startsAt !== null) {
        output.show(answer, ({ startsAt, runId }) => describeWaiting(found.name, startsAt ?? '', runId))
        return
      }
      if (!options.wait) {
        output.show(answer, ({ state, runId }) => `The run is ${state}. Look at it with: tandem run show ${runId}`)
        return
      }
      if (answer.state !== 'started') output.line(`The run is ${answer.state} behind the one going on.`)
      const run = await followRun(here, answer.runId)
      const { items } = await api.call('runRecords', { params: { id: run.id } })
      output.show({ ...run, records: items }, () =>
        [
          describeRun(run),
          table(
            ['Side', 'Record', 'Twin', 'Outcome'],
            items.map((one) => [
              found[one.side].name,
              one.id,
              one.twinId,
              [
                one.outcome === null ? 'queued; the next run looks at it' : outcomes[one.outcome],
                ...one.issues.map((issue) => `${issue.message} ${issue.remedy}`),
              ].join('\n'),
            ]),
            '',
          ),
        ].join('\n'),
      )
      const bad = items.some((one) => one.outcome === null || one.outcome === 'unknown' || one.outcome === 'failed')
      const code = exitCodeOf(run)
      here.exit(code === 0 && bad ? 3 : code)
    })
}
