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
  const checklist = options.checklist ?? createChecklist()
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
      startPostgres({ folder: path.join(folder.path, 'postgres'), port: postgresPort }),
    )
    stops.push(postgres.stop)

    const given = process.env.TEMPORAL_ADDRESS
    let temporalAddress = given ?? ''
    let temporalUi: string | null = null
    const ports: Record<string, number> = { postgres: postgres.port }
    if (given === undefined) {
      const binary = await temporalBinary(checklist.say)
      const [port, uiPort] = [await wanted('temporal', 'Temporal server'), await wanted('temporalUi', 'Temporal UI')]
      const temporal = await checklist.step('Temporal server and UI', () =>
        startTemporal({ binary, folder: path.join(folder.path, 'temporal'), port, uiPort }),
      )
      stops.push(temporal.stop)
      temporalAddress = temporal.address
      temporalUi = temporal.ui
      ports.temporal = Number(temporal.address.split(':')[1])
      if (temporal.ui !== null) ports.temporalUi = Number(new URL(temporal.ui).port)
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
      TANDEM_DATABASE_URL: postgres.url,
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
      databaseUrl: postgres.url,
      bridge,
      central,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Resolves when this process is asked to end; a second request ends it at once. */
export function untilAskedToEnd(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = 0
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        asked++
        if (asked > 1) process.exit(130)
        resolve(signal)
      })
  })
}
