import { type Command, InvalidArgumentError } from 'commander'
import type { Context } from './context.ts'
import { findLink } from './link.ts'
import { localTime, savedWords, table } from './output.ts'

function versionNumber(text: string): string {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give the number of a version.')
  return text
}

/** Commands about the versions of a link's configuration. */
export function versionCommands(program: Command, context: () => Context): void {
  const link = program.commands.find((one) => one.name() === 'link')
  if (link === undefined) throw new Error('the link commands come first')

  link
    .command('versions <link>')
    .description('list the versions of the configuration, with author and comment')
    .action(async (which: string) => {
      const { api, output } = context()
      const { id } = await findLink(context(), which)
      const { items } = await api.call('listVersions', { params: { id } })
      output.show(items, (versions) =>
        table(
          ['Version', 'Saved', 'By', 'Comment'],
          versions.map((one) => [one.version, localTime(one.createdAt), one.author, one.comment]),
          'No versions.',
        ),
      )
    })

  link
    .command('diff <link>')
    .description('what changed from one version of the configuration to another')
    .argument('<from>', 'version', versionNumber)
    .argument('[to]', 'version; default: the newest', versionNumber)
    .option('--patch', 'as a JSON patch (RFC 6902)')
    .action(async (which: string, from: string, to: string | undefined, options: { patch?: boolean }) => {
      const { api, output } = context()
      const { id } = await findLink(context(), which)
      const found = await api.call('diffVersions', { params: { id }, query: { from, to } })
      output.show(found, ({ words, patch }) =>
        options.patch === true
          ? JSON.stringify(
              patch.map(({ op, path, value }) => (op === 'remove' ? { op, path } : { op, path, value })),
              null,
              2,
            )
          : words.length === 0
            ? `Versions ${found.from} and ${found.to} say the same.`
            : words.join('\n'),
      )
    })

  link
    .command('rollback <link>')
    .description('save the content of an earlier version as a new one')
    .argument('<version>', 'version', versionNumber)
    .option('--comment <text>', 'why', '')
    .action(async (which: string, version: string, options: { comment: string }) => {
      const { api, output } = context()
      const found = await findLink(context(), which)
      const saved = await api.call('rollBack', {
        params: { id: found.id },
        body: { version: Number(version), expectedVersion: found.version, comment: options.comment },
      })
      output.show(saved, (one) => savedWords(found, one.version, ` with the content of version ${version}.`))
    })
}
