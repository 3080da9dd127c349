import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { Context } from './context.ts'
import { findEndpoint } from './endpoint.ts'
import { findLink, readJson } from './link.ts'

interface ImportOptions {
  left?: string
  right?: string
  name?: string
  leftRoot?: string
  rightRoot?: string
  pairsFit?: boolean
}

/** A link as a file, for the way from test to production or to another installation. */
export function definitionCommands(program: Command, context: () => Context): void {
  const link = program.commands.find((one) => one.name() === 'link')
  if (link === undefined) throw new Error('the link commands come first')

  link
    .command('export <link>')
    .description('the definition of a link as JSON, with names instead of ids')
    .option('--pairs', 'with its pairs of records')
    .option('-o, --output <file>', 'into a file; else to the standard output')
    .action(async (which: string, options: { pairs?: boolean; output?: string }) => {
      const { api, output } = context()
      const { id } = await findLink(context(), which)
      const pairs = options.pairs === true ? 'true' : 'false'
      const definition = await api.call('linkDefinition', { params: { id }, query: { pairs } })
      const text = `${JSON.stringify(definition, null, 2)}\n`
      if (options.output === undefined) process.stdout.write(text)
      else {
        writeFileSync(options.output, text, { flag: 'wx' })
        output.line(`Written to ${options.output}.`)
      }
    })

  link
    .command('import <file>')
    .description('create a link from a definition; nothing is created when anything does not fit')
    .option('--left <endpoint>', 'ALM endpoint; default: the one named in the file')
    .option('--right <endpoint>', 'ALM Octane endpoint; default: the one named in the file')
    .option('--name <name>', 'another name')
    .option('--left-root <id>', 'folder of the left side, instead of the one in the file')
    .option('--right-root <id>', 'folder of the right side')
    .option('--pairs-fit', 'the projects are copies of those in the file: its pairs are right here, too')
    .action(async (file: string, options: ImportOptions) => {
      const { api, output } = context()
      const definition = readJson(file) as { left?: { endpoint?: string }; right?: { endpoint?: string } } | null
      for (const side of ['left', 'right'] as const)
        if (options[side] === undefined && definition?.[side]?.endpoint === undefined)
          throw new Error(`The file ${file} is no definition of a link: "tandem link export" writes one.`)
      const left = await findEndpoint(context(), options.left ?? definition?.left?.endpoint ?? '')
      const right = await findEndpoint(context(), options.right ?? definition?.right?.endpoint ?? '')
      const made = await api.call('importLink', {
        body: {
          definition,
          left: left.id,
          right: right.id,
          ...(options.name === undefined ? {} : { name: options.name }),
          roots: {
            ...(options.leftRoot === undefined ? {} : { left: options.leftRoot }),
            ...(options.rightRoot === undefined ? {} : { right: options.rightRoot }),
          },
          pairsFit: options.pairsFit === true,
        },
      })
      output.show(
        made,
        ({ link: one, pairs }) => `Created ${one.name} (${one.id}) with ${pairs} pairs. Next: tandem link check.`,
      )
    })
}
