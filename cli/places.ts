import { type Command, Option } from 'commander'
import type { Context } from './context.ts'
import { table } from './output.ts'
import { credentialsOf, type SignInOptions, withSignIn } from './sign-in.ts'

/** What can be given to `endpoint add`, for those who know the server and who they are. */
export function placesCommand(program: Command, context: () => Context): void {
  const endpoint = program.commands.find((one) => one.name() === 'endpoint')
  if (endpoint === undefined) throw new Error('the commands of endpoints come first')
  withSignIn(
    endpoint
      .command('places')
      .description('list the projects or workspaces of a server that you may open; nothing is saved')
      .addOption(new Option('--kind <kind>', 'what it is').choices(['alm', 'octane']).makeOptionMandatory())
      .requiredOption('--url <address>', 'https://alm.example.com:8443/qcbin or https://octane.example.com'),
  ).action(async (options: SignInOptions & { kind: 'alm' | 'octane'; url: string }) => {
    const { api, output } = context()
    const body = { kind: options.kind, url: options.url, secret: await credentialsOf(options) }
    output.show((await api.call('listPlaces', { body })).items, (items) =>
      table(
        ['Name', 'For "tandem endpoint add"'],
        items.map(({ name, address }) => [
          name,
          address.kind === 'alm'
            ? `--domain "${address.domain}" --project "${address.project}"`
            : `--space ${address.sharedSpace} --workspace ${address.workspace}`,
        ]),
        'There is none that you may open: ask for membership, or sign in as somebody else.',
      ),
    )
  })
}
