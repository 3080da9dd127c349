import {
  ActivityFailure,
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  log,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  startChild,
  TimeoutFailure,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow'
import type { BridgeActivities } from '../activities/bridge.ts'
import type { CentralActivities } from '../activities/central.ts'
import type { LinkControl } from '../activities/link-control.ts'
import type { LinkActivity, LinkHealth } from '../core/link-state.ts'
import type { RunKind } from '../core/run.ts'
import {
  bridgeQueues,
  type Commanded,
  type CommandRefusal,
  cancelRunUpdate,
  configurationChangedUpdate,
  deleteUpdate,
  type LinkStatusView,
  linkStatusQuery,
  pauseUpdate,
  type RunNowAnswer,
  resumeUpdate,
  runNowUpdate,
  runWorkflowId,
  setModeUpdate,
  syncRecordsUpdate,
  wakeSignal,
} from './messages.ts'
import { bridgePatience, central, watching } from './options.ts'
import { runWorkflow, stopRunSignal } from './run.ts'
import { searchAttributes } from './search-attributes.ts'

export interface LinkInput {
  linkId: string
  /** What the previous run of this workflow carried over. Plain JSON; new code must read what old code wrote. */
  carried?: CarriedState
}

interface QueuedRun {
  runId: string
  kind: RunKind
  trigger: 'person' | 'automatic'
  actor: string
}

interface CarriedState {
  v: 1
  queued: QueuedRun[]
  health: LinkHealth
  healthMessage: string | null
  /** Answers to the last commands, so that a repeat across continue-as-new is answered as the first time. */
  answers: { requestId: string; answer: unknown }[]
  /** Kind of the run that a pause interrupted: resuming goes on with it. */
  interrupted?: RunKind | null
  /** The run that a pause interrupted: what it left of a person's request is handed on. */
  interruptedRun?: string | null
}

/** A quiet watch returns after a day, so that no option or code in use is older than that. */
const renewAfterSeconds = 86_400
const keptAnswers = 50

const activityOf: Record<RunKind, LinkActivity> = {
  check: 'checking',
  simulation: 'simulating',
  incremental: 'synchronizing',
  full: 'synchronizing',
  records: 'synchronizing',
}

/**
 * One link, alive as long as the link. The link's row owns mode and pause; this workflow owns what is going on now. Its
 * loop does one unit at a time (a run, or waiting for changes); handlers only change state and wake the loop. Whatever a
 * unit throws is logged and tried again: a link never fails.
 */
export async function linkWorkflow({ linkId, carried }: LinkInput): Promise<void> {
  const queued: QueuedRun[] = carried?.queued ?? []
  let health: LinkHealth = carried?.health ?? 'ok'
  let healthMessage = carried?.healthMessage ?? null
  const answers = carried?.answers ?? []
  let interrupted = carried?.interrupted ?? null
  let interruptedRun = carried?.interruptedRun ?? null
  let control: LinkControl | null = null
  let running: { run: QueuedRun; stop(as: 'interrupted' | 'cancelled'): Promise<void> } | null = null
  /** Raised by whatever the loop must look at again. */
  let wakes = 0
  let handled = 0
  /** Raised by whatever a command wrote: a row read meanwhile may be older than that. */
  let changes = 0
  let watch: CancellationScope | null = null
  let shown = ''
  let announced = false

  /** On this workflow's own queue, which is the central workers'. */
  const centrally = (summary: string) => proxyActivities<CentralActivities>({ ...central, summary })

  function wake(): void {
    wakes++
    watch?.cancel()
  }

  function refuse(code: CommandRefusal, message: string): never {
    throw ApplicationFailure.create({ type: code, message, nonRetryable: true })
  }

  function repeated<T>(command: Commanded): T | undefined {
    return answers.find((one) => one.requestId === command.requestId)?.answer as T | undefined
  }

  function remember<T>(command: Commanded, answer: T): T {
    answers.push({ requestId: command.requestId, answer })
    if (answers.length > keptAnswers) answers.shift()
    return answer
  }

  async function stopRunning(as: 'interrupted' | 'cancelled'): Promise<void> {
    try {
      await running?.stop(as)
    } catch (error) {
      if (isCancellation(error)) throw error
      log.info('The run had ended by itself', { linkId })
    }
  }

  /** A few records go before whatever else waits, in the order in which they were asked for. */
  function enqueue(run: QueuedRun): void {
    const behind = run.kind === 'records' ? queued.findIndex((other) => other.kind !== 'records') : -1
    queued.splice(behind < 0 ? queued.length : behind, 0, run)
  }

  /** Takes a queued run away and leaves its row, so that whoever waits for it sees its end. */
  async function drop(run: QueuedRun, now: LinkControl): Promise<void> {
    const index = queued.indexOf(run)
    if (index < 0) return
    queued.splice(index, 1)
    await centrally('Write the cancelled run down').dropRun({
      ...run,
      linkId,
      version: now.version,
      workflowId: runWorkflowId(run.runId),
    })
  }

  /** Validators see the state as it is; before the row has been read the handler decides. */
  const checkPause = () => control?.paused === true && refuse('already-paused', 'The link is paused already.')
  const checkResume = () => control?.paused === false && refuse('not-paused', 'The link is not paused.')
  const checkCancel = () => {
    if (running === null && queued.length === 0) refuse('nothing-running', 'No run is going on or queued.')
  }
  const checkRun = (kind: RunKind) => {
    if (control?.paused === true && kind !== 'check' && kind !== 'simulation')
      refuse('paused', 'The link is paused. Resume it first.')
  }
  const checkMode = (mode: LinkControl['mode']) =>
    control?.mode === mode && refuse('same-mode', `The link is in ${mode} mode already.`)

  /** What a command has written to the row holds at once, also for the next command. */
  function changed(change: Partial<LinkControl>): void {
    if (control !== null) Object.assign(control, change)
    changes++
  }

  async function loadAfresh(): Promise<LinkControl> {
    for (;;) {
      const before = changes
      const now = await centrally('Read the link').loadLink({ linkId })
      // Taken over in the same step as it is compared: a command answered in this very task must find it in place.
      if (before === changes) {
        control = now
        return now
      }
    }
  }

  async function loaded(): Promise<LinkControl> {
    await condition(() => control !== null)
    const now = control as unknown as LinkControl
    if (now.deleted) refuse('deleted', 'The link was deleted.')
    return now
  }

  setHandler(
    linkStatusQuery,
    (): LinkStatusView => ({
      activity: running === null ? 'idle' : activityOf[running.run.kind],
      health,
      runId: running?.run.runId ?? null,
      queuedRuns: queued.map(({ runId, kind }) => ({ runId, kind })),
    }),
  )
  setHandler(wakeSignal, wake)
  setHandler(
    runNowUpdate,
    async (command) => {
      const before = repeated<RunNowAnswer>(command)
      if (before !== undefined) return before
      await loaded()
      checkRun(command.kind)
      const { actor, kind } = command
      await centrally('Write the command down').commandLink({ linkId, actor, command: `run ${kind}`, change: {} })
      const waiting = queued.find((run) => run.kind === kind)
      if (waiting !== undefined) return remember<RunNowAnswer>(command, { state: 'merged', runId: waiting.runId })
      const run: QueuedRun = { runId: uuid4(), kind, trigger: 'person', actor }
      const state = running === null && queued.length === 0 ? 'started' : 'queued'
      queued.push(run)
      wake()
      return remember<RunNowAnswer>(command, { state, runId: run.runId })
    },
    { validator: (command) => void checkRun(command.kind) },
  )
  setHandler(
    syncRecordsUpdate,
    async (command) => {
      const before = repeated<RunNowAnswer>(command)
      if (before !== undefined) return before
      await loaded()
      checkRun('records')
      const { actor, records } = command
      const run: QueuedRun = { runId: uuid4(), kind: 'records', trigger: 'person', actor }
      await centrally('Queue the records').requestRecords({ linkId, runId: run.runId, actor, records })
      const state = running === null && queued.length === 0 ? 'started' : 'queued'
      enqueue(run)
      wake()
      return remember<RunNowAnswer>(command, { state, runId: run.runId })
    },
    { validator: (_command) => void checkRun('records') },
  )
  setHandler(
    cancelRunUpdate,
    async (command) => {
      const before = repeated<{ runId: string }>(command)
      if (before !== undefined) return before
      const now = await loaded()
      checkCancel()
      const target = running?.run ?? queued[0]
      if (target === undefined) refuse('nothing-running', 'No run is going on or queued.')
      const { runId } = target
      await centrally('Write the command down').commandLink({
        linkId,
        actor: command.actor,
        command: 'cancel',
        change: {},
      })
      if (running?.run.runId === runId) await stopRunning('cancelled')
      else await drop(target, now)
      return remember(command, { runId })
    },
    { validator: (_command) => checkCancel() },
  )
  setHandler(
    pauseUpdate,
    async (command) => {
      const before = repeated<{ paused: true; interrupting: string | null }>(command)
      if (before !== undefined) return before
      await loaded()
      checkPause()
      const { actor } = command
      await centrally('Pause the link').commandLink({ linkId, actor, command: 'pause', change: { paused: true } })
      changed({ paused: true })
      const interrupting = running !== null && isSynchronizing(running.run) ? running.run.runId : null
      if (interrupting !== null) {
        interrupted = running?.run.kind ?? null
        interruptedRun = interrupting
        await stopRunning('interrupted')
      }
      wake()
      return remember(command, { paused: true as const, interrupting })
    },
    { validator: (_command) => void checkPause() },
  )
  setHandler(
    resumeUpdate,
    async (command) => {
      const before = repeated<{ paused: false; runId: string | null }>(command)
      if (before !== undefined) return before
      await loaded()
      checkResume()
      const { actor } = command
      await centrally('Resume the link').commandLink({ linkId, actor, command: 'resume', change: { paused: false } })
      changed({ paused: false })
      const kind = interrupted
      interrupted = null
      let runId: string | null = null
      if (kind !== null) {
        const waiting =
          kind === 'records' ? undefined : queued.find((run) => isSynchronizing(run) && run.kind !== 'records')
        runId = waiting?.runId ?? uuid4()
        if (kind === 'records' && interruptedRun !== null)
          await centrally('Hand the request on').repeatRequest({ linkId, from: interruptedRun, runId })
        if (waiting === undefined) enqueue({ runId, kind, trigger: 'person', actor })
      }
      wake()
      return remember(command, { paused: false as const, runId })
    },
    { validator: (_command) => void checkResume() },
  )
  setHandler(
    setModeUpdate,
    async (command) => {
      const before = repeated<{ mode: LinkControl['mode'] }>(command)
      if (before !== undefined) return before
      await loaded()
      checkMode(command.mode)
      const { actor, mode } = command
      await centrally('Set the mode').commandLink({ linkId, actor, command: mode, change: { mode } })
      changed({ mode })
      wake()
      return remember(command, { mode })
    },
    { validator: (command) => void checkMode(command.mode) },
  )
  setHandler(configurationChangedUpdate, async ({ version }) => {
    // A row that is being read just now may still name the version before; no run may be pinned to that one.
    changes++
    wake()
    return { version }
  })
  setHandler(deleteUpdate, async (command) => {
    const now = await loaded()
    const { actor } = command
    await centrally('Delete the link').commandLink({ linkId, actor, command: 'delete', change: { deleted: true } })
    changed({ deleted: true })
    while (queued[0] !== undefined) await drop(queued[0], now)
    await stopRunning('cancelled')
    wake()
    return { deleted: true as const }
  })

  for (;;) {
    let renew = workflowInfo().continueAsNewSuggested
    try {
      handled = wakes
      const now = await loadAfresh()
      if (now.deleted) break
      await show()
      const next = queued.find((run) => !(now.paused && isSynchronizing(run)))
      if (next !== undefined) {
        queued.splice(queued.indexOf(next), 1)
        await runOne(next, now)
      } else if (!renew) {
        renew = await idle(now)
      }
    } catch (error) {
      if (isCancellation(error)) throw error
      log.error('A step of the link failed and is tried again', { linkId, error: String(error) })
      await sleep('30 seconds', { summary: 'Try again' })
    }
    if (renew) {
      await condition(allHandlersFinished)
      await continueAsNew<typeof linkWorkflow>({
        linkId,
        carried: { v: 1, queued, health, healthMessage, answers, interrupted, interruptedRun },
      })
    }
  }
  await show()
  await condition(allHandlersFinished)

  /** Waits for a command, for changes in automatic mode, or for the day to pass. Answers whether to continue as new. */
  async function idle(now: LinkControl): Promise<boolean> {
    const awaited = () => wakes !== handled
    // A bridge known to be away is awaited whatever the link does: its return is news, and nobody else would notice.
    const away = health === 'waiting-for-bridge'
    if (now.paused || now.mode === 'manual')
      return away ? watchSides(now) : !(await condition(awaited, renewAfterSeconds * 1_000))
    if (now.check === 'needed') {
      queued.push({ runId: uuid4(), kind: 'check', trigger: 'automatic', actor: 'tandem' })
      return false
    }
    if (now.check === 'failed') return away ? watchSides(now) : !(await condition(awaited, renewAfterSeconds * 1_000))
    return watchSides(now)
  }

  async function watchSides(now: LinkControl): Promise<boolean> {
    const away = health === 'waiting-for-bridge'
    const { watchForChanges } = proxyActivities<BridgeActivities>({
      ...watching,
      taskQueue: bridgeQueues(now.bridgeId).watch,
      // Known to be away, the bridge is waited for without a time-out: its return is what starts the attempt.
      ...(away ? {} : { scheduleToStartTimeout: bridgePatience }),
      summary: 'Watch both sides',
    })
    // Woken while the row was read: nothing to wait for.
    if (wakes !== handled) return false
    watch = new CancellationScope()
    try {
      const result = await watch.run(() =>
        watchForChanges({ linkId, returnAfterSeconds: renewAfterSeconds, healthy: health === 'ok', away }),
      )
      if (result.kind === 'trouble') {
        await setHealth('degraded', result.message)
        return false
      }
      // Even that there is nothing to watch was told by a bridge.
      if (result.kind === 'renew' && !away) return true
      await setHealth('ok', null)
      if (result.kind === 'changed' && now.check === 'passed')
        queued.push({ runId: uuid4(), kind: 'incremental', trigger: 'automatic', actor: 'tandem' })
      return false
    } catch (error) {
      // Whatever ends while we cancel it is a cancel: that attempt's own failure is of no interest any more.
      if (wakes !== handled && (error instanceof ActivityFailure || isCancellation(error))) return false
      if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure) {
        await setHealth('waiting-for-bridge', 'No bridge takes the work of this link.')
        return false
      }
      throw error
    } finally {
      watch = null
    }
  }

  async function runOne(run: QueuedRun, now: LinkControl): Promise<void> {
    // Known as running before it has started: a pause or cancel that comes meanwhile must reach it.
    let stop: ((as: 'interrupted' | 'cancelled') => Promise<void>) | null = null
    let wish: 'interrupted' | 'cancelled' | null = null
    running = {
      run,
      stop: async (as) => {
        if (stop === null) wish ??= as
        else await stop(as)
      },
    }
    try {
      const child = await startChild(runWorkflow, {
        workflowId: runWorkflowId(run.runId),
        args: [
          {
            ...run,
            linkId,
            workspaceId: now.workspaceId,
            bridgeId: now.bridgeId,
            version: now.version,
            checkFirst: now.check !== 'passed',
          },
        ],
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        staticSummary: `${run.kind} of ${now.name}`,
      })
      stop = (as) => child.signal(stopRunSignal, { as })
      if (wish !== null) await stopRunning(wish)
      await show()
      const outcome = await child.result()
      if (outcome.trouble?.kind === 'bridge') await setHealth('waiting-for-bridge', outcome.trouble.message)
      else if (outcome.trouble !== null) await setHealth('degraded', outcome.trouble.message)
      else if (outcome.status === 'passed' || outcome.status === 'with-errors' || outcome.check !== null)
        await setHealth('ok', null)
    } finally {
      running = null
    }
  }

  async function setHealth(next: LinkHealth, message: string | null): Promise<void> {
    if (health === next && healthMessage === message) return
    health = next
    healthMessage = message
    await show()
  }

  /** Makes activity and health visible: in the link's row for people, as search attribute and details in Temporal. */
  async function show(): Promise<void> {
    const activity: LinkActivity = running === null ? 'idle' : activityOf[running.run.kind]
    const word =
      control?.deleted === true
        ? 'deleted'
        : activity !== 'idle'
          ? activity
          : control?.paused === true
            ? 'paused'
            : health !== 'ok'
              ? health
              : (control?.mode ?? 'manual')
    const now = JSON.stringify([word, health, healthMessage, running?.run.runId ?? null])
    if (now === shown) return
    shown = now
    upsertSearchAttributes([
      ...(announced
        ? []
        : [
            { key: searchAttributes.linkId, value: linkId },
            ...(control === null ? [] : [{ key: searchAttributes.workspace, value: control.workspaceId }]),
          ]),
      { key: searchAttributes.linkStatus, value: word },
    ])
    announced = control !== null
    setCurrentDetails(
      `**${control?.name ?? linkId}** is ${word}.${healthMessage === null ? '' : `\n\n${healthMessage}`}${running === null ? '' : `\n\nRun ${running.run.runId} (${running.run.kind})`}`,
    )
    await centrally('Show the state').saveState({
      linkId,
      activity,
      health,
      healthMessage,
      currentRun: running?.run.runId ?? null,
    })
  }
}

function isSynchronizing(run: { kind: RunKind }): boolean {
  return run.kind === 'incremental' || run.kind === 'full' || run.kind === 'records'
}
