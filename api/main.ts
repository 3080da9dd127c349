import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { z } from 'zod'
import { issueWords } from '../core/issue-words.ts'
import { saveBridge } from '../db/bridges.ts'
import { openDatabase } from '../db/connection.ts'
import { listLiveLinks } from '../db/links.ts'
import { migrate } from '../db/migrate.ts'
import { createApp } from './app.ts'
import { adoptionHandlers } from './handlers/adoptions.ts'
import { conflictHandlers } from './handlers/conflicts.ts'
import { definitionHandlers } from './handlers/definition.ts'
import { endpointHandlers } from './handlers/endpoints.ts'
import { historyHandlers } from './handlers/history.ts'
import { issueHandlers } from './handlers/issues.ts'
import { ledgerHandlers } from './handlers/ledger.ts'
import { linkHandlers } from './handlers/links.ts'
import { recordHandlers } from './handlers/records.ts'
import { resetHandlers } from './handlers/resets.ts'
import { retentionHandlers } from './handlers/retention.ts'
import { runHandlers } from './handlers/runs.ts'
import { scopeHandlers } from './handlers/scope.ts'
import { serviceHandlers } from './handlers/service.ts'
import { stopHandlers } from './handlers/stops.ts'
import { summaryHandlers } from './handlers/summary.ts'
import { userMappingHandlers } from './handlers/user-mapping.ts'
import { versionHandlers } from './handlers/versions.ts'
import { webhookHandlers } from './handlers/webhooks.ts'
import { connectTemporal } from './temporal.ts'

const environment = z.object({
  TANDEM_DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must be an address such as postgres://user@host/tandem'),
  TEMPORAL_ADDRESS: z.string().regex(/^[^/]+:\d+$/, 'must be host:port, such as 127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TANDEM_API_HOST: z
    .string()
    .regex(
      /^(127\.\d+\.\d+\.\d+|localhost|::1)$/,
      'must be a loopback address: until people can sign in, nobody else may reach the API',
    )
    .default('127.0.0.1'),
  TANDEM_API_PORT: z.coerce.number().int().min(0).max(65_535).default(8700),
  TANDEM_BRIDGE_ID: z.string().default('built-in'),
  TANDEM_BRIDGE_PUBLIC_KEY_FILE: z.string().min(1, 'names the file with the public key of the bridge'),
  TANDEM_TEMPORAL_UI: z.string().optional(),
  TANDEM_MAIL_UI: z.string().optional(),
  TANDEM_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** Where the central worker keeps the seals of the ledger and their public keys. */
  TANDEM_SEAL_FOLDER: z.string().min(1).optional(),
  TANDEM_COMMAND_SECONDS: z.coerce.number().int().min(1).max(120).default(15),
})

const housekeepingMs = 60_000
/** How long a caller waits for an endpoint: longer than its time-outs, shorter than patience. */
const askSeconds = 60

/** Runs the API process: migrates, makes the bridge's key known, listens, and keeps the workflows of live links alive. */
export async function runApi(env: NodeJS.ProcessEnv): Promise<void> {
  const parsed = environment.safeParse(env, { error: issueWords })
  if (!parsed.success)
    throw new Error(
      `The environment is not complete:\n${parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`).join('\n')}`,
    )
  const settings = parsed.data
  const logger = pino(
    { name: 'api', level: settings.TANDEM_LOG_LEVEL, redact: ['*.secret', '*.password', '*.authorization'] },
    pino.destination(2),
  )
  const { version: build } = JSON.parse(
    readFileSync(
      new URL(import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json', import.meta.url),
      'utf8',
    ),
  ) as { version: string }

  await migrate(settings.TANDEM_DATABASE_URL)
  const database = openDatabase(settings.TANDEM_DATABASE_URL)
  const publicKey = JSON.parse(readFileSync(settings.TANDEM_BRIDGE_PUBLIC_KEY_FILE, 'utf8')) as Record<string, unknown>
  await saveBridge(database, { id: settings.TANDEM_BRIDGE_ID, name: 'Built-in bridge', publicKey })
  const temporal = await connectTemporal({
    address: settings.TEMPORAL_ADDRESS,
    namespace: settings.TEMPORAL_NAMESPACE,
    commandMs: settings.TANDEM_COMMAND_SECONDS * 1_000,
    askMs: askSeconds * 1_000,
  })
  const dependencies = { database, temporal, bridgeId: settings.TANDEM_BRIDGE_ID }
  const links = { temporalUi: settings.TANDEM_TEMPORAL_UI ?? null, mail: settings.TANDEM_MAIL_UI ?? null }
  const app = createApp(
    { ...dependencies, logger, build, links },
    {
      ...serviceHandlers(dependencies, { build, ...links }),
      ...endpointHandlers(dependencies),
      ...linkHandlers(dependencies),
      ...ledgerHandlers(dependencies, settings.TANDEM_SEAL_FOLDER ?? null),
      ...recordHandlers(dependencies),
      ...runHandlers(dependencies),
      ...historyHandlers(dependencies),
      ...summaryHandlers(dependencies),
      ...retentionHandlers(dependencies),
      ...conflictHandlers(dependencies),
      ...adoptionHandlers(dependencies),
      ...userMappingHandlers(dependencies),
      ...issueHandlers(dependencies),
      ...scopeHandlers(dependencies),
      ...stopHandlers(dependencies),
      ...resetHandlers(dependencies),
      ...versionHandlers(dependencies),
      ...definitionHandlers(dependencies),
      ...webhookHandlers(dependencies),
    },
  )

  // A lost or restored Temporal must not leave a link without its workflow.
  const keepAlive = async () => {
    for (const linkId of await listLiveLinks(database)) await temporal.ensureLink(linkId)
  }
  const housekeeping = setInterval(() => {
    keepAlive().catch((error: unknown) =>
      logger.warn({ error: String(error) }, 'Workflows of links could not be checked'),
    )
  }, housekeepingMs)
  await keepAlive().catch((error: unknown) =>
    logger.warn({ error: String(error) }, 'Workflows of links could not be checked'),
  )

  const server = createServer(app)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(settings.TANDEM_API_PORT, settings.TANDEM_API_HOST, resolve)
  })
  const { port } = server.address() as AddressInfo
  process.stdout.write(
    `${JSON.stringify({ ready: true, role: 'api', url: `http://${settings.TANDEM_API_HOST}:${port}` })}\n`,
  )

  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  clearInterval(housekeeping)
  server.close()
  server.closeIdleConnections()
  setTimeout(() => server.closeAllConnections(), 3_000).unref()
  await temporal.close()
  await database.close()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  runApi(process.env).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
      process.exit(1)
    },
  )
}
