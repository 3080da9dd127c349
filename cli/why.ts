import { Argument, type Command } from 'commander'
import type { Context } from './context.ts'
import { findLink } from './link.ts'

export function whyCommand(program: Command, context: () => Context): void {
  program
    .command('why <link>')
    .description('why the fields of a record have their values: who wrote them, from what, and by which rule')
    .addArgument(new Argument('<side>', 'side of the record').choices(['left', 'right']))
    .argument('<id>', 'id of the record')
    .argument('[field]', "one field, by the endpoint's name of it or the id of its mapping")
    .action(async (which: string, side: string, recordId: string, field: string | undefined) => {
      const { api, output } = context()
      const { id } = await findLink(context(), which)
      const story = await api.call('why', { params: { id, side, recordId }, query: { field } })
      output.show(story, ({ fields, twinId, pairedSince }) =>
        [
          twinId === null ? `${recordId} has no twin.` : `${recordId} is in step with ${twinId} since ${pairedSince}.`,
          ...fields.flatMap((one) => ['', one.field, ...one.words.map((line) => `  ${line}`)]),
        ].join('\n'),
      )
    })
}
