import path from 'node:path'
import { ensureBridgeKey } from './bridge-key.ts'
import { type Checklist, createChecklist } from './checklist.ts'
import { type ManagedChild, startChild } from './children.ts'
import { type DataFolder, openDataFolder } from './data-folder.ts'
import { startMailCatcher } from './mail-catcher.ts'
import { isFree, portOr } from './ports.ts'
import { startPostgres } from './postgres.ts'
import { startTemporal } from './temporal.ts'
import { temporalBinary } from './temporal-binary.ts'

export interface StackOptions {
  data: string
  fresh?: boolean
  checklist?: Checklist
  logLevel?: string
  /** Somebody wants to end while things are still starting: what runs by then is stopped. */
  stopRequested?: AbortSignal
}

/** Thrown by a start that was called off. */
export class StartCancelled extends Error {
  constructor() {
    super('The start was called off.')
    this.name = 'StartCancelled'
  }
}

export interface Stack {
  folder: DataFolder
  api: string
  temporalAddress: string
  temporalUi: string | null
  mail: string
  databaseUrl: string
  bridge: ManagedChild
  central: ManagedChild
  stop(): Promise<void>
}

const bridgeId = 'built-in'
const wantedPorts = { postgres: 8710, temporal: 8711, temporalUi: 8712, smtp: 8713, mail: 8714, api: 8700 }

/** Starts every part on this machine, in order, waiting for each; stops them in the reverse order. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const checklist = interruptible(options.checklist ?? createChecklist(), options.stopRequested)
  const folder = openDataFolder(options.data, { fresh: options.fresh ?? false })
  const stops: (() => Promise<void>)[] = [async () => folder.release()]
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one().catch((error: unknown) => checklist.say(String(error)))
  }
  const wanted = async (name: keyof typeof wantedPorts, label: string) => {
    const port = folder.rememberedPort(name, wantedPorts[name])
    if (!(await isFree(port))) checklist.say(`     Port ${port} is taken; the ${label} gets another one`)
    return port
  }
  try {
    const postgresPort = await wanted('postgres', 'database')
    const postgres = await checklist.step('PostgreSQL', () =>
      keepRunning({
        name: 'database',
        say: checklist.say,
        start: (port) => startPostgres({ folder: path.join(folder.path, 'postgres'), port: port ?? postgresPort }),
        portOf: (server) => server.port,
      }),
    )
    stops.push(postgres.stop)
    const database = postgres.first

    const given = process.env.TEMPORAL_ADDRESS
    let temporalAddress = given ?? ''
    let temporalUi: string | null = null
    const ports: Record<string, number> = { postgres: database.port }
    if (given === undefined) {
      const binary = await temporalBinary(checklist.say)
      const [port, uiPort] = [await wanted('temporal', 'Temporal server'), await wanted('temporalUi', 'Temporal UI')]
      const temporal = await checklist.step('Temporal server and UI', () =>
        keepRunning({
          name: 'Temporal server',
          say: checklist.say,
          start: (again) =>
            startTemporal({ binary, folder: path.join(folder.path, 'temporal'), port: again ?? port, uiPort }),
          portOf: (server) => Number(server.address.split(':')[1]),
        }),
      )
      stops.push(temporal.stop)
      temporalAddress = temporal.first.address
      temporalUi = temporal.first.ui
      ports.temporal = Number(temporalAddress.split(':')[1])
      if (temporalUi !== null) ports.temporalUi = Number(new URL(temporalUi).port)
    }

    const [smtpPort, httpPort] = [await wanted('smtp', 'mail catcher'), await wanted('mail', 'mail page')]
    const mail = await checklist.step('Mail catcher', () =>
      startMailCatcher({ folder: path.join(folder.path, 'mail'), smtpPort, httpPort }),
    )
    stops.push(mail.stop)
    ports.smtp = mail.ports.smtp
    ports.mail = mail.ports.http

    const keys = await ensureBridgeKey(folder.path, bridgeId)
    const apiPort = await portOr(await wanted('api', 'API'))
    ports.api = apiPort
    const env = {
      TANDEM_DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: temporalAddress,
      TANDEM_API_HOST: '127.0.0.1',
      TANDEM_API_PORT: String(apiPort),
      TANDEM_PUBLIC_URL: `http://127.0.0.1:${apiPort}`,
      TANDEM_SMTP_URL: mail.smtp,
      TANDEM_MAIL_FROM: 'Tandem <tandem@localhost>',
      TANDEM_NOTICE_TO: process.env.TANDEM_NOTICE_TO ?? 'admin@localhost',
      TANDEM_MAIL_UI: mail.url,
      ...(temporalUi === null ? {} : { TANDEM_TEMPORAL_UI: temporalUi }),
      TANDEM_BRIDGE_ID: bridgeId,
      TANDEM_BRIDGE_KEY_FILE: keys.privateFile,
      TANDEM_BRIDGE_PUBLIC_KEY_FILE: keys.publicFile,
      TANDEM_SEAL_FOLDER: path.join(folder.path, 'seals'),
      TANDEM_LOG_LEVEL: options.logLevel ?? 'info',
    }
    const child = async (name: string, entry: string, label: string) => {
      const started = await checklist.step(label, () =>
        startChild({
          name,
          entry,
          env,
          logFolder: path.join(folder.path, 'logs'),
          say: (line) => checklist.say(`     ${line}`),
        }),
      )
      stops.push(started.stop)
      return started
    }
    const central = await child('central', 'worker/central.ts', 'Central worker')
    const bridge = await child('bridge', 'worker/bridge.ts', 'Built-in bridge')
    const api = await child('api', 'api/main.ts', 'API')
    const apiUrl = String(api.ready().url)
    folder.rememberPorts(ports)
    folder.publish({
      api: apiUrl,
      temporal: temporalAddress,
      mail: mail.url,
      smtp: mail.smtp,
      ...(temporalUi === null ? {} : { temporalUi }),
    })
    return {
      folder,
      api: apiUrl,
      temporalAddress,
      temporalUi,
      mail: mail.url,
      databaseUrl: database.url,
      bridge,
      central,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

interface Restartable {
  ended: Promise<unknown>
  stop(): Promise<void>
}

/**
 * Starts a server, and starts it again on the same port when it ends by itself: whoever uses it connects again by itself.
 */
async function keepRunning<T extends Restartable>(options: {
  name: string
  start(port?: number): Promise<T>
  portOf(server: T): number
  say(line: string): void
}): Promise<{ first: T; stop(): Promise<void> }> {
  const { name, say } = options
  const first = await options.start()
  let current = first
  let stopping = false
  const follow = async (): Promise<void> => {
    for (let failures = 0; !stopping; ) {
      await current.ended
      if (stopping) return
      say(`     The ${name} ended by itself; it is started again`)
      await new Promise((resolve) => setTimeout(resolve, Math.min(10_000, 250 * 2 ** failures)))
      try {
        current = await options.start(options.portOf(first))
        failures = 0
        say(`     The ${name} is up again`)
      } catch (error) {
        failures++
        say(`     ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
  const following = follow()
  return {
    first,
    stop: async () => {
      stopping = true
      await current.stop()
      await following
    },
  }
}

/** No step begins, and none is waited for, once somebody wants to end. */
function interruptible(checklist: Checklist, signal: AbortSignal | undefined): Checklist {
  if (signal === undefined) return checklist
  return {
    say: checklist.say,
    step: (what, body) => {
      if (signal.aborted) throw new StartCancelled()
      return checklist.step(what, body)
    },
  }
}

export interface EndRequest {
  /** Resolves when this process is asked to end. */
  asked: Promise<NodeJS.Signals>
  signal: AbortSignal
}

/** A shell, npm and the terminal may all pass the same Ctrl-C on: repeats so soon are the same wish. */
const sameWishMs = 2_000

/** Listens for the wish to end; a second one, later on, ends at once what takes too long to stop. */
export function listenForEnd(): EndRequest {
  const controller = new AbortController()
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    let first: number | null = null
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(name, () => {
        if (first !== null && performance.now() - first > sameWishMs) process.exit(130)
        first ??= performance.now()
        controller.abort()
        resolve(name)
      })
  })
  return { asked, signal: controller.signal }
}
