import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { createAlmSandbox } from './alm/server.ts'
import { almSwitches } from './alm/switches.ts'
import { startControl } from './common/control.ts'
import { worldPaths } from './common/control-world.ts'
import { faultKinds } from './common/faults.ts'
import { octanePaths } from './octane/control.ts'
import { createOctaneSandbox } from './octane/server.ts'
import { octaneSwitches } from './octane/switches.ts'

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('give a whole number.')
  return Number(text)
}

function pair(text: string, before: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf('=')
  if (equals <= 0) throw new InvalidArgumentError('give it as name=value.')
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) }
}

interface StartOptions {
  almVersion: '12.5' | '26.1'
  almPort: number
  octanePort: number
  controlPort: number
  seed: number
  defects: number
  requirements: number
  octaneDefects?: number
  set?: Record<string, string>
  latency: number
  timeZone: string
  project: string
  workspace: number
  json?: boolean
  listSwitches?: boolean
}

/** Starts both servers and the control port, says where they are, and stays until it is asked to end. */
async function start(options: StartOptions): Promise<void> {
  if (options.listSwitches === true) {
    for (const [name, table] of [
      ['alm', almSwitches],
      ['octane', octaneSwitches],
    ] as const)
      for (const [key, one] of Object.entries(table))
        print(
          `${name.padEnd(7)} ${key.padEnd(22)} ${(typeof one.values === 'string' ? one.values : one.values.join(' | ')).padEnd(40)} default ${one.default}. ${one.description}`,
        )
    return
  }
  const chosen = splitSwitches(options.set ?? {})
  const alm = createAlmSandbox({
    version: options.almVersion,
    seed: options.seed,
    defects: options.defects,
    switches: chosen.alm,
    timeZone: options.timeZone,
    project: options.project,
  })
  const octane = createOctaneSandbox({
    seed: options.seed,
    defects: options.octaneDefects ?? Math.round(options.defects / 3),
    switches: chosen.octane,
    workspace: options.workspace,
  })
  alm.populate({ seed: options.seed, requirements: options.requirements })
  alm.faults.latencyMs = options.latency
  octane.faults.latencyMs = options.latency
  const [almAt, octaneAt] = [await alm.listen(options.almPort), await octane.listen(options.octanePort)]
  const control = await startControl({ alm, octane }, options.controlPort)
  const place = {
    ready: true,
    alm: {
      url: almAt.url,
      version: options.almVersion,
      domain: alm.domain,
      project: alm.project,
      credentials: alm.credentials,
    },
    octane: {
      url: octaneAt.url,
      sharedSpace: octane.sharedSpace,
      workspace: octane.workspace,
      credentials: octane.credentials,
    },
    control: control.url,
  }
  if (options.json === true) print(JSON.stringify(place))
  else
    print(
      [
        `ALM ${options.almVersion}   ${almAt.url}   domain ${alm.domain}, project ${alm.project}`,
        `             user ${alm.credentials.user.user}, password ${alm.credentials.user.password}`,
        ...(alm.credentials.apiKey === null
          ? []
          : [`             API key ${alm.credentials.apiKey.clientId}, secret ${alm.credentials.apiKey.clientSecret}`]),
        `ALM Octane   ${octaneAt.url}   shared space ${octane.sharedSpace}, workspace ${octane.workspace}`,
        `             client id ${octane.credentials.apiKey.clientId}, secret ${octane.credentials.apiKey.clientSecret}`,
        `             user ${octane.credentials.user.user}, password ${octane.credentials.user.password}`,
        `Control      ${control.url}`,
      ].join('\n'),
    )
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
    process.once('disconnect', () => resolve())
  })
  await Promise.all([alm.close(), octane.close(), control.close()])
}

/** `bulk=no` goes to whoever knows the switch; `octane.bulk=no` names the system. */
function splitSwitches(set: Record<string, string>): { alm: Record<string, string>; octane: Record<string, string> } {
  const split = { alm: {} as Record<string, string>, octane: {} as Record<string, string> }
  for (const [key, value] of Object.entries(set)) {
    const [prefix, rest] = key.includes('.') ? key.split('.', 2) : [null, key]
    const name = rest ?? key
    const systems: ('alm' | 'octane')[] =
      prefix === 'alm' || prefix === 'octane'
        ? [prefix]
        : (['alm', 'octane'] as const).filter((one) => name in (one === 'alm' ? almSwitches : octaneSwitches))
    if (systems.length === 0) throw new Error(`There is no switch "${key}". --list-switches shows which there are.`)
    for (const one of systems) split[one][name] = value
  }
  return split
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

async function control(address: string, method: string, path: string, body?: unknown): Promise<void> {
  let answer: Response
  try {
    answer = await fetch(`${address}${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  } catch {
    throw new Error(
      `No sandbox answers at ${address}. Start one with "tandem sandbox", and give its control address with --control.`,
    )
  }
  const text = await answer.text()
  if (!answer.ok) throw new Error((JSON.parse(text) as { error: string }).error)
  print(JSON.stringify(JSON.parse(text), null, 2))
}

const controlOption = () =>
  new Option('--control <url>', 'control address of the sandbox').env('TANDEM_SANDBOX').makeOptionMandatory()
const systemOption = () =>
  new Option('--system <name>', 'which system').choices(['alm', 'octane']).makeOptionMandatory()

interface ActOptions {
  control: string
  system: 'alm' | 'octane'
  type: string
  id: string
  set?: Record<string, string>
  actor?: string
  holdLock?: number
  modifiedSecondsAgo?: number
}

/** Values as a person types them: JSON where it is JSON, else text. */
function typed(set: Record<string, string> = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(set).map(([name, value]) => {
      if (/^(null|true|false|\{.*\}|\[.*\])$/s.test(value)) {
        try {
          return [name, JSON.parse(value)]
        } catch {
          // Text that only looks like JSON.
        }
      }
      return [name, value]
    }),
  )
}

const program = new Command('tandem sandbox')
  .exitOverride()
  // What follows a command is the command's: it has a --set of its own.
  .enablePositionalOptions()
  .description('ALM and ALM Octane servers that answer like the real ones, for trying out and for tests')
  .addOption(new Option('--alm-version <version>', 'generation of ALM').choices(['12.5', '26.1']).default('26.1'))
  .option('--alm-port <port>', 'port of ALM; 0: any', whole, 0)
  .option('--octane-port <port>', 'port of Octane; 0: any', whole, 0)
  .option('--control-port <port>', 'port of the control interface; 0: any', whole, 0)
  .option('--seed <n>', 'number from which the records are made', whole, 1)
  .option('--defects <n>', 'defects in ALM', whole, 300)
  .option('--requirements <n>', 'requirements in ALM', whole, 0)
  .option('--octane-defects <n>', 'defects in Octane (default: a third)', whole)
  .option('--set <switch=value>', 'choose a behaviour; may be repeated', pair)
  .option('--list-switches', 'list the behaviours that can be chosen')
  .option('--latency <ms>', 'delay of every answer', whole, 0)
  .option('--time-zone <name>', 'zone of the ALM server', 'America/New_York')
  .option('--project <name>', 'name of the ALM project', 'Sync')
  .option('--workspace <number>', 'number of the Octane workspace', whole, 1002)
  .option('--json', 'print one line of JSON when ready')
  .action(start)

program
  .command('edit')
  .description('change a record as a person would')
  .addOption(controlOption())
  .addOption(systemOption())
  .option('--type <type>', 'entity type', 'defect')
  .requiredOption('--id <id>', 'number of the record')
  .requiredOption('--set <field=value>', 'new value; may be repeated', pair)
  .option('--actor <login>', 'who it is')
  .option('--hold-lock <ms>', 'keep the record open (ALM) for so long', whole)
  .option('--modified-seconds-ago <n>', 'stamp it as changed so long before it is seen', whole)
  .action((options: ActOptions) =>
    control(options.control, 'POST', '/edit', {
      system: options.system,
      type: options.type,
      id: options.id,
      fields: typed(options.set),
      ...(options.actor === undefined ? {} : { actor: options.actor }),
      ...(options.holdLock === undefined ? {} : { holdLockMs: options.holdLock }),
      ...(options.modifiedSecondsAgo === undefined ? {} : { modifiedSecondsAgo: options.modifiedSecondsAgo }),
    }),
  )

program
  .command('create')
  .description('create a record as a person would')
  .addOption(controlOption())
  .addOption(systemOption())
  .option('--type <type>', 'entity type', 'defect')
  .option('--set <field=value>', 'value; may be repeated', pair)
  .action((options: ActOptions) =>
    control(options.control, 'POST', '/create', {
      system: options.system,
      type: options.type,
      fields: typed(options.set),
    }),
  )

program
  .command('delete')
  .description('delete a record as a person would')
  .addOption(controlOption())
  .addOption(systemOption())
  .option('--type <type>', 'entity type', 'defect')
  .requiredOption('--id <id>', 'number of the record')
  .action((options: ActOptions) =>
    control(options.control, 'POST', '/delete', { system: options.system, type: options.type, id: options.id }),
  )

program
  .command('fault')
  .description('make coming requests fail')
  .addOption(controlOption())
  .addOption(systemOption())
  .addOption(new Option('--kind <kind>', 'what goes wrong').choices(faultKinds).makeOptionMandatory())
  .option('--method <method>', 'only this method')
  .option('--path <regex>', 'only these paths')
  .option('--times <n>', 'how many requests', whole, 1)
  .option('--skip <n>', 'how many pass first', whole, 0)
  .option('--delay <ms>', 'how late the answer is', whole)
  .option('--retry-after <value>', 'Retry-After of 429 and 503')
  .option('--commit-after <ms>', 'commit-late: carried out so long after it came (default: by POST /release)', whole)
  .option('--hang', 'commit-late: keep the connection open until the client gives up')
  .action(
    (options: {
      control: string
      system: string
      kind: string
      method?: string
      path?: string
      times: number
      skip: number
      delay?: number
      retryAfter?: string
      commitAfter?: number
      hang?: boolean
    }) =>
      control(options.control, 'POST', '/faults', {
        system: options.system,
        kind: options.kind,
        match: {
          ...(options.method === undefined ? {} : { method: options.method }),
          ...(options.path === undefined ? {} : { path: options.path }),
        },
        times: options.times,
        skip: options.skip,
        ...(options.delay === undefined ? {} : { delayMs: options.delay }),
        ...(options.retryAfter === undefined ? {} : { retryAfter: options.retryAfter }),
        ...(options.commitAfter === undefined ? {} : { commitAfterMs: options.commitAfter }),
        ...(options.hang === undefined ? {} : { hang: options.hang }),
      }),
  )

program
  .command('truth')
  .description('what was written, by whom')
  .addOption(controlOption())
  .option('--since <n>', 'only entries after this number', whole, 0)
  .action((options: { control: string; since: number }) =>
    control(options.control, 'GET', `/truth?since=${options.since}`),
  )

program
  .command('control')
  .description('send a request to the control port: permissions, clocks, given-up requests, snapshots, webhooks')
  .addOption(controlOption())
  .argument('<method>', 'GET, POST or DELETE')
  .argument('<path>', 'such as /clock')
  .argument('[body]', 'JSON, such as {"system":"alm","offsetMs":120000}')
  .addHelpText(
    'after',
    `\nPaths (GET / lists them all):\n${[...worldPaths, ...octanePaths].map((path) => `  ${path}`).join('\n')}`,
  )
  .action((method: string, path: string, body: string | undefined, options: { control: string }) => {
    let parsed: unknown
    try {
      parsed = body === undefined ? undefined : JSON.parse(body)
    } catch {
      throw new Error('The body is not valid JSON.')
    }
    return control(options.control, method.toUpperCase(), path, parsed)
  })

program.parseAsync().then(
  () => process.exit(0),
  (error: unknown) => {
    // Commander has told its own errors already; help is none.
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(2)
  },
)
