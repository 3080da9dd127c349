import type { Command } from 'commander'
import type { Context } from './context.ts'
import { findLink } from './link.ts'

interface ResetOptions {
  reason?: string
  yes?: boolean
}

const notDone = 'Nothing was done yet: repeat it with --yes and --reason "...".'

/** Ways back to an earlier state of knowledge, and the end of a link: shown first, and done with --yes. */
export function resetCommands(program: Command, context: () => Context): void {
  const link = program.commands.find((one) => one.name() === 'link')
  if (link === undefined) throw new Error('the link commands come first')
  const listed = ({ words }: { words: readonly string[] }) => words.map((line) => `- ${line}`).join('\n')

  link
    .command('reset-time <link>')
    .description('look again at what was modified since a moment; without --yes: show what would be read again')
    .requiredOption('--since <moment>', 'such as 2026-11-20T08:00:00Z or 2026-11-20T09:00+01:00')
    .option('--reason <text>', 'why: it stays in the ledger')
    .option('--yes', 'do it')
    .action(async (which: string, options: ResetOptions & { since: string }) => {
      const { api, output } = context()
      const { id } = await findLink(context(), which)
      const { since } = options
      if (options.yes !== true) {
        const preview = await api.call('previewTimeReset', { params: { id }, query: { since } })
        return output.show(preview, (one) => `${listed(one)}\n${notDone}`)
      }
      const reason = givenReason(options)
      const done = await api.call('resetTime', { params: { id }, body: { since, reason } })
      output.show(done, (one) => `${listed(one)}\nThe next run does it.`)
    })

  link
    .command('reset-history <link>')
    .description('compare all pairs of a paused link as if they were new; without --yes: show what would be forgotten')
    .option('--reason <text>', 'why: it stays in the ledger')
    .option('--yes', 'do it')
    .action(async (which: string, options: ResetOptions) => {
      const { api, output } = context()
      const { id } = await findLink(context(), which)
      const preview = await api.call('previewHistoryReset', { params: { id } })
      if (options.yes !== true)
        return output.show(
          preview,
          (one) => `${listed(one)}\n${one.atRest ? notDone : `Nothing was done yet: pause the link first.`}`,
        )
      const reason = givenReason(options)
      const done = await api.call('resetHistory', { params: { id }, body: { pairs: preview.pairs, reason } })
      output.show(
        done,
        (one) =>
          `${listed(one)}\nDone. "tandem link simulate" shows what the next run will write, "tandem link resume" lets it.`,
      )
    })

  link
    .command('delete <link>')
    .description('delete a link; without --yes: show what becomes of its pairs')
    .option('--reason <text>', 'why: it stays in the ledger')
    .option('--yes', 'do it')
    .action(async (which: string, options: ResetOptions) => {
      const { api, output } = context()
      const found = await findLink(context(), which)
      const params = { id: found.id }
      if (options.yes !== true)
        return output.show(await api.call('previewDeletion', { params }), (one) => `${listed(one)}\n${notDone}`)
      const reason = givenReason(options)
      await api.call('deleteLink', { params, query: { reason } })
      output.show({ deleted: found.id }, () => `Deleted ${found.name}. Its ${found.pairs} pairs are kept.`)
    })
}

function givenReason({ reason }: ResetOptions): string {
  if (reason === undefined) throw new Error('--yes needs --reason "...": it stays in the ledger.')
  return reason
}
