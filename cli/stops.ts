import { type Command, Option } from 'commander'
import type { Context } from './context.ts'
import { findLink } from './link.ts'
import { localTime } from './output.ts'

/** Commands about what a link does not do until somebody agrees. */
export function stopCommands(program: Command, context: () => Context): void {
  const link = program.commands.find((one) => one.name() === 'link')
  if (link === undefined) throw new Error('the link commands come first')

  link
    .command('stops <link>')
    .description('what waits for approval, and sides that went back in time')
    .action(async (which: string) => {
      const { api, output } = context()
      const { id } = await findLink(context(), which)
      output.show(await api.call('linkStops', { params: { id } }), ({ brakes, restored }) =>
        brakes.length + restored.length === 0
          ? 'Nothing waits for anybody.'
          : [
              ...brakes.map((one) => `${one.message}\n  ${one.remedy}\n  since ${localTime(one.openedAt)}`),
              ...restored.map((one) => `${one.message}\n  ${one.remedy}\n  since ${localTime(one.since)}`),
            ].join('\n'),
      )
    })

  link
    .command('approve <link>')
    .description('agree to the changes or deletions that the brake holds, as shown by "link stops"')
    .requiredOption('--reason <text>', 'why: it stays in the ledger')
    .addOption(
      new Option('--kind <kind>', 'only what is held of this kind').choices(['changes', 'deletions', 'look-alikes']),
    )
    .action(async (which: string, options: { reason: string; kind?: string }) => {
      const { api, output, exit } = context()
      const { id } = await findLink(context(), which)
      const { brakes } = await api.call('linkStops', { params: { id } })
      const meant = brakes.filter((one) => options.kind === undefined || one.kind === options.kind)
      if (meant.length === 0)
        throw new Error(`Nothing${options.kind === undefined ? '' : ' of that kind'} waits for approval.`)
      let left = { brakes, restored: [] as { side: string }[] }
      for (const brake of meant)
        left = await api.call('approveBrake', {
          params: { id, brakeId: brake.id },
          body: { held: brake.held, reason: options.reason },
        })
      output.show(
        left,
        () => `Approved: ${meant.map((one) => `${one.held} ${one.kind}`).join(', ')}. The next run does it.`,
      )
      exit(0)
    })

  link
    .command('accept-restored <link>')
    .description('accept the older state that a side shows; everything is compared afresh, under the brake')
    .requiredOption('--side <side>', 'left or right')
    .requiredOption('--reason <text>', 'why: it stays in the ledger')
    .action(async (which: string, options: { side: string; reason: string }) => {
      const { api, output } = context()
      const { side, reason } = options
      if (side !== 'left' && side !== 'right') throw new Error('--side takes left or right.')
      const { id } = await findLink(context(), which)
      const left = await api.call('acceptRestored', { params: { id }, body: { side, reason } })
      output.show(left, () => 'Accepted. The next run compares everything of that side afresh.')
    })
}
