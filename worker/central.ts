import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker'
import { createTransport } from 'nodemailer'
import { type CentralActivities, createCentralActivities } from '../activities/central.ts'
import { openDatabase } from '../db/connection.ts'
import { ensurePartitions } from '../db/ledger.ts'
import { migrate } from '../db/migrate.ts'
import { cleanUp } from '../db/retention.ts'
import { createStore } from '../db/store.ts'
import { decideUnanswered } from '../db/unanswered.ts'
import { centralQueue } from '../workflows/messages.ts'
import { readCentralEnvironment } from './environment.ts'
import { endCutOffRuns, keepHistories } from './keep-histories.ts'
import { build, connectTemporal, createLogger, runWorkers } from './process.ts'
import { registerSearchAttributes } from './register-search-attributes.ts'
import { openSealFolder, sealLedger } from './seal-ledger.ts'

const sendMailEveryMs = 5_000
const dayMs = 86_400_000
const sealEveryMs = 600_000
const decideEveryMs = 60_000
const tidyEveryMs = 900_000
const keepEveryMs = 10_000
const endRunsEveryMs = 60_000
/** A little less than a day, so that the hour of the day does not wander. */
const cleanUpHours = 23

/** The worker of the central queue. Workflows come from the given bundle, the one of the build, or the source. */
export async function createCentralWorker(options: {
  connection: NativeConnection
  namespace: string
  activities: CentralActivities
  taskQueue?: string
  workflowBundle?: WorkflowBundleOption
}): Promise<Worker> {
  const built = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url))
  const bundle = options.workflowBundle ?? (existsSync(built) ? { codePath: built } : null)
  return Worker.create({
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: options.taskQueue ?? centralQueue,
    activities: options.activities,
    identity: `central ${build} pid ${process.pid}`,
    shutdownGraceTime: '10 seconds',
    shutdownForceTime: '20 seconds',
    ...(bundle === null
      ? { workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)) }
      : { workflowBundle: bundle }),
  })
}

/** Runs the central worker: all workflows, and the activities that need the database and mail. */
export async function runCentral(env: NodeJS.ProcessEnv): Promise<void> {
  const settings = readCentralEnvironment(env)
  const logger = createLogger('central', settings.TANDEM_LOG_LEVEL)
  await migrate(settings.TANDEM_DATABASE_URL)
  const database = openDatabase(settings.TANDEM_DATABASE_URL)
  await ensurePartitions(database)
  const store = createStore(database, { bridgeId: 'central' })
  const connection = await connectTemporal(settings.TEMPORAL_ADDRESS, logger)
  await registerSearchAttributes(connection, settings.TEMPORAL_NAMESPACE)
  const { TANDEM_SMTP_URL: smtp } = settings
  const activities = createCentralActivities({
    database,
    store,
    transport: smtp === undefined ? null : createTransport(smtp),
    from: settings.TANDEM_MAIL_FROM,
    fallbackRecipient: settings.TANDEM_NOTICE_TO ?? null,
    publicUrl: settings.TANDEM_PUBLIC_URL,
  })
  const worker = await createCentralWorker({ connection, namespace: settings.TEMPORAL_NAMESPACE, activities })

  // The outbox is looked at here rather than by a workflow: it must not depend on what it reports about.
  let sending = Promise.resolve()
  const send = () => {
    sending = sending
      .then(() => activities.sendDueNotices())
      .catch((error: unknown) => {
        logger.warn(
          { error: error instanceof Error ? error.message : String(error) },
          'Notices could not be sent; they wait',
        )
      })
  }
  const mail = setInterval(send, sendMailEveryMs)
  const partitions = setInterval(() => {
    ensurePartitions(database).catch((error: unknown) => {
      logger.error({ error: error instanceof Error ? error.message : String(error) }, 'Partitions could not be made')
    })
  }, dayMs)
  // Once a day for each chain that has grown, however often it is asked for.
  const sealFolder =
    settings.TANDEM_SEAL_FOLDER === undefined ? null : await openSealFolder(settings.TANDEM_SEAL_FOLDER)
  let sealing = Promise.resolve()
  const seal = () => {
    if (sealFolder === null) return
    sealing = sealing
      .then(async () => void (await sealLedger(database, sealFolder)))
      .catch((error: unknown) => {
        logger.error(
          { error: error instanceof Error ? error.message : String(error) },
          'The ledger could not be sealed',
        )
      })
  }
  if (sealFolder === null) logger.warn('TANDEM_SEAL_FOLDER is not set: the ledger is not sealed')
  seal()
  const seals = setInterval(seal, sealEveryMs)
  let deciding = Promise.resolve()
  const decide = () => {
    deciding = deciding
      .then(async () => void (await decideUnanswered(database)))
      .catch((error: unknown) => {
        logger.error(
          { error: error instanceof Error ? error.message : String(error) },
          'Conflicts that nobody has decided about could not be decided; they wait',
        )
      })
  }
  const decisions = setInterval(decide, decideEveryMs)
  // Asked for often and done once a day, by whichever central worker comes first.
  const tidy = () => {
    cleanUp(database, { actor: 'tandem', unlessSince: cleanUpHours }).catch((error: unknown) => {
      logger.error(
        { error: error instanceof Error ? error.message : String(error) },
        'Old rows could not be cleaned up',
      )
    })
  }
  const keeper = {
    database,
    workflowService: connection.workflowService,
    namespace: settings.TEMPORAL_NAMESPACE,
  }
  let keeping = Promise.resolve()
  const keep = () => {
    keeping = keeping
      .then(async () => void (await keepHistories(keeper)))
      .catch((error: unknown) => {
        logger.warn(
          { error: error instanceof Error ? error.message : String(error) },
          'Histories of runs could not be kept; they are asked for again',
        )
      })
  }
  const keepingHistories = setInterval(keep, keepEveryMs)
  const endingRuns = setInterval(() => {
    endCutOffRuns(keeper).catch((error: unknown) => {
      logger.warn({ error: error instanceof Error ? error.message : String(error) }, 'Runs could not be looked after')
    })
  }, endRunsEveryMs)
  const tidying = setInterval(tidy, tidyEveryMs)
  await runWorkers([worker], { role: 'central', build }, async () => {
    clearInterval(tidying)
    clearInterval(keepingHistories)
    clearInterval(endingRuns)
    clearInterval(mail)
    clearInterval(partitions)
    clearInterval(seals)
    clearInterval(decisions)
    await Promise.all([sending, sealing, deciding, keeping])
    await connection.close()
    await database.close()
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  runCentral(process.env).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
    // A rejected start must not hang on half-open connections.
    setTimeout(() => process.exit(1), 1_000).unref()
  })
}
