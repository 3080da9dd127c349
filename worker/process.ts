import { readFileSync } from 'node:fs'
import { DefaultLogger, NativeConnection, Runtime, type Worker } from '@temporalio/worker'
import { type Logger, pino } from 'pino'

/** Version of the program, as ledger rows and worker identities name it. */
export const build: string = (
  JSON.parse(
    readFileSync(
      new URL(import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json', import.meta.url),
      'utf8',
    ),
  ) as {
    version: string
  }
).version

/** Logs go to stderr as JSON; stdout is for the one line that says the process is ready. */
export function createLogger(name: string, level: string): Logger {
  const logger = pino(
    { name, level, redact: ['*.password', '*.clientSecret', '*.sealedSecret', '*.authorization'] },
    pino.destination(2),
  )
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level: severity, message, meta }) => {
      logger[severity === 'ERROR' ? 'error' : 'warn'](
        { temporal: meta?.workflowType ?? meta?.activityType, error: meta?.error },
        message,
      )
    }),
  })
  return logger
}

/** Connects to Temporal, waiting for it while it starts or restarts. */
export async function connectTemporal(address: string, logger: Logger): Promise<NativeConnection> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await NativeConnection.connect({ address })
    } catch (error) {
      if (attempt >= 60) throw error
      if (attempt % 10 === 1) logger.warn({ address }, 'Temporal does not answer yet')
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
}

/**
 * Runs workers until the process is told to end (SIGTERM, SIGINT), then lets batches in hand finish, and cleans up.
 * `ready` is printed as one line of JSON when all of them poll.
 */
export async function runWorkers(
  workers: readonly Worker[],
  ready: Record<string, unknown>,
  cleanUp: () => Promise<void>,
): Promise<void> {
  let ending = false
  const end = () => {
    if (ending) return
    ending = true
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown()
  }
  process.once('SIGTERM', end)
  process.once('SIGINT', end)
  const running = Promise.all(
    workers.map((worker) =>
      worker.run().finally(() => {
        // One that stops by itself takes the others along: half a process is worse than a restart.
        end()
      }),
    ),
  )
  process.stdout.write(`${JSON.stringify({ ready: true, ...ready })}\n`)
  try {
    await running
  } finally {
    await cleanUp()
  }
}
