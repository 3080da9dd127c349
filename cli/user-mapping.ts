import { createWriteStream, readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import type { MappedPersonView } from '../api/contract/user-mapping.ts'
import type { Context } from './context.ts'
import { findLink } from './link.ts'
import { table } from './output.ts'

const found: Record<NonNullable<MappedPersonView['by']>, string> = {
  mapping: 'user mapping',
  email: 'e-mail',
  login: 'login',
  name: 'full name',
  default: 'default user',
}

const arrows = { both: '<>', 'to-right': '>', 'to-left': '<' } as const

/** Commands about who is who on both sides. */
export function userMappingCommands(program: Command, context: () => Context): void {
  const mapping = program
    .command('user-mapping')
    .description('who is who on both sides, for all links of the same two endpoints')

  mapping
    .command('show <link>')
    .description('the pairs set by hand; everybody else is matched by e-mail, login and full name')
    .action(async (which: string) => {
      const { api, output } = context()
      const { id } = await findLink(context(), which)
      output.show(await api.call('userMapping', { params: { id } }), ({ pairs, links }) =>
        [
          table(
            ['ALM', '', 'Octane'],
            pairs.map(({ left, right, direction }) => [
              left ?? '* (everybody else)',
              arrows[direction],
              right ?? '* (everybody else)',
            ]),
            'Nobody is mapped by hand.',
          ),
          `Used by: ${links.map((link) => link.name).join(', ')}`,
        ].join('\n'),
      )
    })

  mapping
    .command('people <link>')
    .description('every active person of both sides, who they become, and why')
    .option('--without-twin', 'only those whom nobody is for on the other side')
    .action(async (which: string, options: { withoutTwin?: boolean }) => {
      const { api, output } = context()
      const { id } = await findLink(context(), which)
      const { items } = await api.call('mappedPeople', { params: { id } })
      const shown = items.filter(({ by }) => options.withoutTwin !== true || by === null || by === 'default')
      output.show(shown, (people) =>
        table(
          ['Of', 'Login', 'Name', 'E-mail', 'Becomes', 'By'],
          people.map((one) => [
            one.side === 'left' ? 'ALM' : 'Octane',
            one.login,
            one.name,
            one.emails.join(' '),
            one.twin?.name ?? 'nobody',
            one.by === null ? '' : found[one.by],
          ]),
          options.withoutTwin === true ? 'Everybody has a twin.' : 'There is nobody.',
        ),
      )
    })

  mapping
    .command('import <link> <file>')
    .description('replace the pairs by those of a file: "<ALM user name>,<direction>,<Octane e-mail>" a line')
    .addHelpText(
      'after',
      '\nDirections are >, < and <>. "*,>,ann@example.com" makes Ann the default user of Octane, "sync,<,*" the user sync that of ALM.\nLines that begin with # are left out. Nothing is taken of a file with a wrong line.',
    )
    .action(async (which: string, file: string) => {
      const { api, output } = context()
      const { id } = await findLink(context(), which)
      const done = await api.call('importUserMapping', { params: { id }, body: { csv: textOf(file) } })
      output.show(done, ({ added, removed, kept, due, notes }) =>
        [
          `${added} pairs added, ${removed} removed, ${kept} as before. ${due} records that waited for one of them are due.`,
          ...notes.map((note) => `  ! ${note}`),
        ].join('\n'),
      )
    })

  mapping
    .command('export <link> [file]')
    .description('write the pairs to a file that can be imported again, or to the standard output')
    .action(async (which: string, file: string | undefined) => {
      const { api, output } = context()
      const { id } = await findLink(context(), which)
      const body = await api.download('exportUserMapping', { params: { id } })
      const lines = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0])
      if (file === undefined) {
        for await (const chunk of lines) process.stdout.write(chunk)
        return
      }
      await pipeline(lines, createWriteStream(file, { flags: 'wx' }))
      output.line(`Written to ${file}.`)
    })
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch {
    throw new Error(`The file ${file} cannot be read.`)
  }
}
