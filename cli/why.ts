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
      output.show(story, ({ fields, twinId, pairedSince }) => {
        // Of a record without a twin most fields have the same to tell.
        const same = twinId === null ? (fields[0]?.words ?? []).filter((line) => fields.every(has(line))) : []
        return [
          ...(twinId === null ? same : [`${recordId} is in step with ${twinId} since ${pairedSince}.`]),
          ...fields.flatMap(({ field: name, words }) => {
            const own = words.filter((line) => !same.includes(line))
            return own.length === 0 ? [] : ['', name, ...own.map((line) => `  ${line}`)]
          }),
        ].join('\n')
      })
    })
}

function has(line: string): (field: { words: readonly string[] }) => boolean {
  return ({ words }) => words.includes(line)
}
