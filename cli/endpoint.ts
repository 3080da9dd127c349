import { type Command, InvalidArgumentError, Option } from 'commander'
import type { EndpointView } from '../api/contract/schemas.ts'
import type { Context } from './context.ts'
import { localTime, table } from './output.ts'
import { credentialsOf, type SignInOptions, withSignIn } from './sign-in.ts'

interface AddOptions extends SignInOptions {
  kind: 'alm' | 'octane'
  url: string
  domain?: string
  project?: string
  space?: string
  workspace?: string
  test: boolean
}

export function endpointCommands(program: Command, context: () => Context): void {
  const endpoint = program.command('endpoint').description('the systems that are kept in step')

  withSignIn(
    endpoint
      .command('add <name>')
      .description('add an ALM project or an Octane workspace, after testing the connection')
      .addOption(new Option('--kind <kind>', 'what it is').choices(['alm', 'octane']).makeOptionMandatory())
      .requiredOption('--url <address>', 'https://alm.example.com:8443/qcbin or https://octane.example.com')
      .option('--domain <name>', 'ALM domain')
      .option('--project <name>', 'ALM project')
      .option('--space <number>', 'Octane shared space')
      .option('--workspace <number>', 'Octane workspace'),
  )
    .option('--no-test', 'save it although it cannot be reached')
    .action(async (name: string, options: AddOptions) => {
      const { api, output } = context()
      const secret = await credentialsOf(options)
      const created = await api.call('createEndpoint', {
        body: {
          name,
          address:
            options.kind === 'alm'
              ? { kind: 'alm', url: options.url, domain: options.domain ?? '', project: options.project ?? '' }
              : {
                  kind: 'octane',
                  url: options.url,
                  sharedSpace: options.space ?? '',
                  workspace: options.workspace ?? '',
                },
          secret,
          test: options.test,
        },
      })
      output.show(
        created,
        (one) => `Added ${one.name} (${one.id}).${one.testReport === null ? '' : ` ${report(one.testReport)}`}`,
      )
    })

  endpoint
    .command('list')
    .description('list endpoints')
    .action(async () => {
      const { api, output } = context()
      output.show((await api.call('listEndpoints')).items, (items) =>
        table(
          ['Name', 'Kind', 'Where', 'Tested', 'Batches', 'Links', 'Id'],
          items.map((one) => [
            one.name,
            one.kind,
            whereOf(one),
            localTime(one.testedAt),
            loadOf(one),
            one.links.map((link) => link.name).join(', '),
            one.id,
          ]),
          'There are no endpoints yet. Add one with "tandem endpoint add".',
        ),
      )
    })

  endpoint
    .command('test <name>')
    .description('test the connection now')
    .action(async (name: string) => {
      const { api, output } = context()
      const found = await findEndpoint(context(), name)
      output.show(
        await api.call('testEndpoint', { params: { id: found.id } }),
        (answer) => `Connected. ${report(answer)}`,
      )
    })

  endpoint
    .command('show <name>')
    .description('show an endpoint with the fields of its defects')
    .action(async (name: string) => {
      const { api, output } = context()
      const found = await findEndpoint(context(), name)
      const { fields } = await api.call('describeEndpoint', { params: { id: found.id } })
      output.show({ ...found, fields }, () =>
        [
          `${found.name}: ${whereOf(found)}`,
          '',
          table(
            ['Field', 'Label', 'Type', 'Required', 'Values'],
            fields.map((field) => [
              field.name,
              field.label,
              `${field.type}${field.multiple ? ' (several)' : ''}`,
              field.required ? 'yes' : '',
              field.values === null
                ? ''
                : field.values
                    .map((value) => value.label)
                    .slice(0, 8)
                    .join(', '),
            ]),
            'No fields.',
          ),
        ].join('\n'),
      )
    })

  endpoint
    .command('limit <name>')
    .description('how many batches of all links may be under way at a time at an endpoint')
    .addOption(new Option('--batches <number>', 'from 1 to 64').argParser(wholeNumber))
    .option('--default', 'as "tandem limits" says')
    .action(async (name: string, options: { batches?: number; default?: boolean }) => {
      const { api, output } = context()
      if ((options.batches === undefined) !== (options.default === true))
        throw new Error('Give either --batches or --default.')
      const found = await findEndpoint(context(), name)
      const changed = await api.call('changeEndpoint', {
        params: { id: found.id },
        body: { maxBatches: options.batches ?? null },
      })
      output.show(changed, (one) => `${one.name}: ${loadOf(one)} batches under way.`)
    })

  program
    .command('limits')
    .description('show or change how many batches may be under way at a time')
    .addOption(new Option('--endpoint <number>', 'at an endpoint without a limit of its own').argParser(wholeNumber))
    .addOption(
      // The library takes null for an option that was not given.
      new Option('--total <number>', 'in the whole installation, or "none"').argParser((text: string) =>
        text === 'none' ? text : wholeNumber(text),
      ),
    )
    .action(async (options: { endpoint?: number; total?: number | 'none' }) => {
      const { api, output } = context()
      const change = {
        ...(options.endpoint === undefined ? {} : { endpointBatches: options.endpoint }),
        ...(options.total === undefined ? {} : { batches: options.total === 'none' ? null : options.total }),
      }
      output.show(
        Object.keys(change).length === 0
          ? await api.call('getLimits')
          : await api.call('changeLimits', { body: change }),
        (one) =>
          `At an endpoint without a limit of its own: ${one.endpointBatches} batches at a time.\nIn the whole installation: ${one.batches ?? 'no limit'}.`,
      )
    })

  endpoint
    .command('remove <name>')
    .description('remove an endpoint that no link ever used')
    .action(async (name: string) => {
      const { api, output } = context()
      const found = await findEndpoint(context(), name)
      await api.call('deleteEndpoint', { params: { id: found.id } })
      output.show({ removed: found.id }, () => `Removed ${found.name}.`)
    })
}

/** By name or id. */
export async function findEndpoint({ api }: Context, name: string): Promise<EndpointView> {
  const { items } = await api.call('listEndpoints')
  const found = items.find((one) => one.name === name || one.id === name)
  if (found === undefined)
    throw new Error(
      `There is no endpoint "${name}". There ${items.length === 0 ? 'are none yet' : `is: ${items.map((one) => one.name).join(', ')}`}.`,
    )
  return found
}

/** Batches under way of those that may be, and why it may be fewer now. */
function loadOf({ load }: EndpointView): string {
  const paused = load.pausedUntil === null ? '' : `, paused until ${localTime(load.pausedUntil)}`
  return `${load.running} of ${load.limit}${load.waiting === 0 ? '' : `, ${load.waiting} waiting`}${paused}`
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It takes a whole number.')
  return Number(text)
}

function whereOf({ address }: EndpointView): string {
  return address.kind === 'alm'
    ? `${address.url} ${address.domain}/${address.project}`
    : `${address.url} ${address.sharedSpace}/${address.workspace}`
}

function report(answer: Record<string, unknown>): string {
  return `${String(answer.product)} ${String(answer.version)}, ${String(answer.place)}, as ${String(answer.user)}.`
}
