import {
  Client,
  Connection,
  isGrpcServiceError,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client'
import { ApplicationFailure, type UpdateDefinition } from '@temporalio/common'
import type { askWorkflow } from '../workflows/ask.ts'
import type { linkWorkflow } from '../workflows/link.ts'
import {
  type Commanded,
  type ConfigurationChanged,
  cancelRunUpdate,
  centralQueue,
  configurationChangedUpdate,
  deleteUpdate,
  fullNextUpdate,
  linkWorkflowId,
  pauseUpdate,
  type RunProgress,
  resumeUpdate,
  runNowUpdate,
  runProgressQuery,
  runWorkflowId,
  type SyncRecords,
  setModeUpdate,
  syncRecordsUpdate,
  wakeSignal,
} from '../workflows/messages.ts'
import type { CommandAnswer, CommandName } from './contract/commands.ts'
import { createGrpcRetries, resourceExhausted } from './grpc-retries.ts'
import { ApiProblem } from './problem.ts'

export interface TemporalOptions {
  address: string
  namespace: string
  /** Queue of the central workers; the usual one when left out. */
  taskQueue?: string
  /** How long a call may wait: a command for a worker, anything for Temporal. */
  commandMs: number
  /** How long a question to an endpoint may take. */
  askMs: number
}

/** How long Temporal may take to say that it is there. */
const upMs = 1_500

export type LinkTemporal = Awaited<ReturnType<typeof connectTemporal>>

/** The one place of the API that talks to Temporal. */
export async function connectTemporal(options: TemporalOptions) {
  const retries = createGrpcRetries()
  const connection = await Connection.connect({
    address: options.address,
    interceptors: [retries.interceptor],
    // Back within seconds of a restart, however long Temporal was away.
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 500, 'grpc.max_reconnect_backoff_ms': 2_000 },
  })
  const client = new Client({ connection, namespace: options.namespace })
  const taskQueue = options.taskQueue ?? centralQueue

  /** Temporal's client repeats calls by itself, for longer than a person waits. */
  const timely = <T>(call: () => Promise<T>) => connection.withDeadline(Date.now() + options.commandMs, call)

  function start(linkId: string) {
    return new WithStartWorkflowOperation<typeof linkWorkflow>('linkWorkflow', {
      workflowId: linkWorkflowId(linkId),
      taskQueue,
      args: [{ linkId }],
      workflowIdConflictPolicy: 'USE_EXISTING',
    })
  }

  /** Sends an Update, starting the link's workflow when it is missing, so that a command never depends on it. */
  async function update<R, C extends Commanded>(
    linkId: string,
    definition: UpdateDefinition<R, [C]>,
    command: C,
  ): Promise<R> {
    try {
      return await timely(() =>
        client.workflow.executeUpdateWithStart(definition, {
          startWorkflowOperation: start(linkId),
          args: [command],
          updateId: command.requestId,
        }),
      )
    } catch (error) {
      throw await translated(error)
    }
  }

  async function command(
    linkId: string,
    { command: name, force }: { command: CommandName; force: boolean },
    commanded: Commanded,
  ): Promise<CommandAnswer> {
    const done = (runId: string | null) => ({ command: name, state: 'done', runId, startsAt: null })
    switch (name) {
      case 'check':
      case 'simulate':
      case 'run':
      case 'full': {
        const kind = { check: 'check', simulate: 'simulation', run: 'incremental', full: 'full' } as const
        const now = { ...commanded, kind: kind[name], ...(force ? { force } : {}) }
        const { state, runId, startsAt = null } = await update(linkId, runNowUpdate, now)
        return { command: name, state, runId, startsAt }
      }
      case 'cancel': {
        const { runId } = await update(linkId, cancelRunUpdate, commanded)
        return done(runId)
      }
      case 'full-next': {
        await update(linkId, fullNextUpdate, commanded)
        return done(null)
      }
      case 'pause': {
        const { interrupting } = await update(linkId, pauseUpdate, commanded)
        return done(interrupting)
      }
      case 'resume': {
        const { runId } = await update(linkId, resumeUpdate, commanded)
        return done(runId)
      }
      default:
        await update(linkId, setModeUpdate, { ...commanded, mode: name })
        return done(null)
    }
  }

  /** Has the link look at what is to be adopted, behind whatever it is doing. */
  function runAdoption(linkId: string, commanded: Commanded) {
    return update(linkId, runNowUpdate, { ...commanded, kind: 'adoption' as const })
  }

  /** Makes sure that a link's workflow is alive; does nothing when it is. */
  async function ensureLink(linkId: string): Promise<void> {
    try {
      await timely(() =>
        client.workflow.start<typeof linkWorkflow>('linkWorkflow', {
          workflowId: linkWorkflowId(linkId),
          taskQueue,
          args: [{ linkId }],
          workflowIdConflictPolicy: 'USE_EXISTING',
        }),
      )
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw await translated(error)
    }
  }

  /** Carries a question to its bridge and returns when its answer lies in the store. */
  async function ask(askId: string, bridgeId: string): Promise<void> {
    try {
      await timely(() =>
        client.workflow.start<typeof askWorkflow>('askWorkflow', {
          workflowId: `ask-${askId}`,
          taskQueue,
          args: [{ askId, bridgeId }],
          workflowExecutionTimeout: options.askMs + 60_000,
        }),
      )
    } catch (error) {
      throw await translated(error)
    }
  }

  async function progress(runId: string): Promise<RunProgress | null> {
    try {
      return await connection.withDeadline(Date.now() + 2_000, () =>
        client.workflow.getHandle(runWorkflowId(runId)).query(runProgressQuery),
      )
    } catch {
      // Progress is a courtesy; the run's row tells what counts.
      return null
    }
  }

  /** Tells a link that something may have changed. Nobody waits for the answer: a link that is not there is woken later. */
  async function wake(linkId: string): Promise<void> {
    await timely(() => client.workflow.getHandle(linkWorkflowId(linkId)).signal(wakeSignal))
  }

  async function isUp(): Promise<boolean> {
    const call = connection
      .withDeadline(Date.now() + upMs, () =>
        connection.workflowService.describeNamespace({ namespace: options.namespace }),
      )
      .then(
        () => true,
        () => false,
      )
    // Between its repeats the client does not look at the deadline.
    return Promise.race([call, new Promise<false>((resolve) => setTimeout(resolve, upMs, false).unref())])
  }

  /** What stopped a call, as a refusal: asked for once more, Temporal itself tells whether it or a worker is away. */
  const translated = async (error: unknown): Promise<unknown> => refusalOf(error, await isUp())

  return {
    command,
    runAdoption,
    ensureLink,
    ask,
    progress,
    wake,
    isUp,
    syncRecords: (linkId: string, commanded: SyncRecords) => update(linkId, syncRecordsUpdate, commanded),
    deleteLink: (linkId: string, commanded: Commanded & { reason?: string }) => update(linkId, deleteUpdate, commanded),
    configurationChanged: (linkId: string, commanded: Commanded & ConfigurationChanged) =>
      update(linkId, configurationChangedUpdate, commanded),
    askMs: options.askMs,
    close: async () => {
      await retries.end()
      await connection.close()
    },
  }
}

const remedies: Record<string, string> = {
  paused: 'Resume the link first.',
  'already-paused': 'Resume it to go on.',
  'not-paused': 'Pause it first, or just run it.',
  'nothing-running': 'Look at the list of runs.',
  'same-mode': 'Nothing to do.',
  deleted: 'Create the link anew; its pairs are found again.',
}

/** Calls to Temporal that ended without its word, as gRPC counts them: cancelled, out of time, not there. */
const unansweredCodes = [1, 4, 14]

/**
 * What stopped a call, as a refusal with its remedy; what nobody foresaw stays as it is. `isUp`: whether Temporal answered
 * directly afterwards. A call that found no answer in time says so, even where Temporal answers again by then.
 */
export function refusalOf(error: unknown, isUp: boolean): unknown {
  if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
    const type = error.cause.type === 'AcceptedUpdateCompletedWorkflow' ? 'deleted' : (error.cause.type ?? 'refused')
    const message = type === 'deleted' ? 'The link was deleted meanwhile.' : error.cause.message
    return new ApiProblem(409, type, message, { remedy: remedies[type] ?? 'Look at the status of the link.' })
  }
  if (error instanceof WorkflowNotFoundError)
    return new ApiProblem(409, 'deleted', 'The workflow of the link has ended.', { remedy: 'Look at the link again.' })
  if (isGrpcServiceError(error) && error.code === resourceExhausted)
    return new ApiProblem(503, 'busy', 'So many commands wait for this link that no more are taken.', {
      remedy:
        'Send it again in a moment, with the same Idempotency-Key. If this lasts, see whether the central worker runs.',
    })
  if (!isUp)
    return new ApiProblem(503, 'temporal-down', 'Temporal does not answer.', {
      remedy: 'Start Temporal; links go on where they were.',
    })
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
    return new ApiProblem(504, 'no-worker', 'No worker took the command in time.', {
      remedy:
        'Start the central worker. The command may still be carried out once it runs; sending it again with the same Idempotency-Key is safe.',
    })
  if (isGrpcServiceError(error) && unansweredCodes.includes(error.code))
    return new ApiProblem(503, 'temporal-down', 'Temporal did not answer in time.', {
      remedy: 'Send it again, with the same Idempotency-Key. If this lasts, see what keeps Temporal busy.',
    })
  return error
}
