import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { WorkflowService } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import proto from '@temporalio/proto'
import type { KeptHistory, TemporalEvent } from '../core/run-history.ts'
import type { Database } from '../db/connection.ts'
import { type DueHistory, dueHistories, postponeHistory, runningRuns, saveHistory } from '../db/run-histories.ts'
import { closeRun, cutOff } from '../db/runs.ts'

type Event = proto.temporal.api.history.v1.IHistoryEvent

interface Keeper {
  database: Database
  workflowService: Pick<
    WorkflowService,
    'describeNamespace' | 'describeWorkflowExecution' | 'getWorkflowExecutionHistory'
  >
  namespace: string
}

/** Histories that one call keeps. */
const atATime = 50
/** A workflow is asked again so late when it has not ended although its run has: its last step is still under way. */
const againSeconds = 20
const pageSize = 1_000
/** A run that would go on so often has no end. */
const mostExecutions = 1_000

const compressed = promisify(gzip)

/**
 * Keeps the histories of runs that are over, before Temporal forgets them; answers how many. Ends runs whose workflow is over
 * or gone without having said so: somebody terminated it, or Temporal lost it.
 */
export async function keepHistories(keeper: Keeper): Promise<number> {
  const { database } = keeper
  const due = await dueHistories(database, atATime)
  if (due.length > 0) await assertNamespace(keeper)
  let kept = 0
  for (const run of due) {
    const history = await historyOf(keeper, run)
    if (history === 'open') {
      await postponeHistory(database, run.runId, againSeconds)
      continue
    }
    if (history === 'gone') await saveHistory(database, { runId: run.runId, content: null, events: 0, size: 0 })
    else {
      const text = JSON.stringify(history)
      const events = history.executions.reduce((sum, execution) => sum + execution.events.length, 0)
      const content = await compressed(text)
      await saveHistory(database, { runId: run.runId, content, events, size: Buffer.byteLength(text) })
    }
    kept++
  }
  return kept
}

/** Ends runs that go on by their rows only; answers how many. */
export async function endCutOffRuns(keeper: Keeper): Promise<number> {
  const running = await runningRuns(keeper.database)
  if (running.length > 0) await assertNamespace(keeper)
  let ended = 0
  for (const { runId, workflowId } of running) {
    if (await isOpen(keeper, workflowId)) continue
    await closeRun(keeper.database, { runId, status: 'interrupted', message: cutOff })
    ended++
  }
  return ended
}

/** Where the namespace is not there, everything in it seems to be gone: that is a wrong address, and no loss of histories. */
async function assertNamespace({ workflowService, namespace }: Keeper): Promise<void> {
  await workflowService.describeNamespace({ namespace })
}

async function isOpen({ workflowService, namespace }: Keeper, workflowId: string): Promise<boolean> {
  try {
    const { workflowExecutionInfo: info } = await workflowService.describeWorkflowExecution({
      namespace,
      execution: { workflowId },
    })
    return info?.status === proto.temporal.api.enums.v1.WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

/** The history of a workflow over all its executions. `open`: it goes on. `gone`: Temporal does not know it any more. */
async function historyOf(keeper: Keeper, run: DueHistory): Promise<KeptHistory | 'open' | 'gone'> {
  const executions: KeptHistory['executions'] = []
  let runId: string | null = run.temporalRunId
  while (runId !== null && executions.length < mostExecutions) {
    const events: Event[] | null = await eventsOf(keeper, run.workflowId, runId)
    // The beginning of a long run may be forgotten when its end is not; what is there is kept then.
    if (events === null) break
    const last: Event | undefined = events.at(-1)
    if (last === undefined || !isEnd(last)) return 'open'
    const { events: told } = JSON.parse(historyToJSON({ events })) as {
      events: TemporalEvent[]
    }
    executions.push({ runId, events: told })
    runId = last.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? null
  }
  return executions.length === 0 ? 'gone' : { workflowId: run.workflowId, executions }
}

/** Null: Temporal knows no such execution. */
async function eventsOf(
  { workflowService, namespace }: Keeper,
  workflowId: string,
  runId: string,
): Promise<Event[] | null> {
  const events: Event[] = []
  let token: Uint8Array | undefined
  do {
    try {
      const page = await workflowService.getWorkflowExecutionHistory({
        namespace,
        execution: { workflowId, runId },
        maximumPageSize: pageSize,
        ...(token === undefined ? {} : { nextPageToken: token }),
      })
      events.push(...(page.history?.events ?? []))
      token = page.nextPageToken
    } catch (error) {
      if (isNotFound(error)) return null
      throw error
    }
  } while (token !== undefined && token.length > 0)
  return events
}

const { EventType } = proto.temporal.api.enums.v1
const ends = new Set<Event['eventType']>([
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
])

function isEnd({ eventType }: Event): boolean {
  return ends.has(eventType)
}

/** The status of gRPC for what is not there. */
const notFound = 5

function isNotFound(error: unknown): boolean {
  return error instanceof Error && (error as Error & { code?: unknown }).code === notFound
}
