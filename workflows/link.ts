import {
  ActivityFailure,
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
import type { LinkControl } from '../activities/link-control.ts'
import type { LinkActivity, LinkHealth } from '../core/link-state.ts'
import type { RunKind } from '../core/run.ts'
import { handleCommands } from './link-commands.ts'
import {
  carriedBy,
  centrally,
  enqueueAutomatic,
  isSynchronizing,
  type LinkInput,
  loadAfresh,
  memoryOf,
  nextRun,
  type QueuedRun,
  stopRunning,
} from './link-memory.ts'
import { bridgeQueues, type LinkStatusView, linkStatusQuery, runWorkflowId } from './messages.ts'
import { bridgePatience, watching } from './options.ts'
import { type RunOutcome, runWorkflow, type StopRun, stopRunSignal } from './run.ts'
import { searchAttributes } from './search-attributes.ts'

/** A quiet watch returns after a day, so that no option or code in use is older than that. */
const renewAfterSeconds = 86_400
const renewAfterMs = renewAfterSeconds * 1_000

const activityOf: Record<RunKind, LinkActivity> = {
  check: 'checking',
  simulation: 'simulating',
  incremental: 'synchronizing',
  full: 'synchronizing',
  records: 'synchronizing',
  adoption: 'synchronizing',
}

/**
 * One link, alive as long as the link. The link's row owns mode and pause; this workflow owns what is going on now. Its
 * loop does one unit at a time (a run, or waiting for changes, a named time or the end of a blackout); handlers only change
 * state and wake the loop. What is due by the schedule is read with the row. Whatever a unit throws is logged and tried
 * again: a link never fails.
 */
export async function linkWorkflow(input: LinkInput): Promise<void> {
  const { linkId } = input
  const link = memoryOf(input)
  let shown = ''
  let announced = false
  /** How long this run of the workflow has waited for times that its schedule names. */
  let waitedMs = 0
  const awaited = () => link.wakes !== link.handled

  setHandler(
    linkStatusQuery,
    (): LinkStatusView => ({
      activity: link.running === null ? 'idle' : activityOf[link.running.run.kind],
      health: link.health,
      runId: link.running?.run.runId ?? null,
      queuedRuns: link.queued.map(({ runId, kind }) => ({ runId, kind })),
    }),
  )
  handleCommands(link)

  for (;;) {
    let renew = workflowInfo().continueAsNewSuggested
    try {
      link.handled = link.wakes
      const now = await loadAfresh(link)
      if (now.deleted) break
      await show()
      const next = nextRun(link, now)
      if (next !== undefined) {
        link.queued.splice(link.queued.indexOf(next), 1)
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
      await continueAsNew<typeof linkWorkflow>(carriedBy(link))
    }
  }
  await show()
  await condition(allHandlersFinished)

  /**
   * Waits for a command, for changes in automatic mode, for what the schedule names, or for the day to pass. Answers whether
   * to continue as new.
   */
  async function idle(now: LinkControl): Promise<boolean> {
    const { closedUntil, due, polling, lookAgainInMs } = now.schedule
    if (closedUntil !== null) return rest(`Blackout until ${closedUntil}`, lookAgainInMs)
    // A bridge known to be away is awaited whatever the link does: its return is news, and nobody else would notice.
    const away = link.health === 'waiting-for-bridge'
    // A row that was read before the configuration was saved says nothing about it: the loop comes back with another one.
    if (link.saved && link.readAt === link.changes && !now.paused && !away) {
      link.saved = false
      if (now.check === 'needed') {
        enqueueAutomatic(link, 'check')
        return false
      }
    }
    const onlyCommands = now.paused || now.mode === 'manual' || now.check === 'failed'
    if (onlyCommands) return away ? watchSides(now) : rest('Wait for commands', null)
    if (now.check === 'needed') {
      enqueueAutomatic(link, 'check')
      return false
    }
    // An endpoint in trouble is looked at until it is well, also between named times; then what was missed is made up for.
    if (link.health !== 'ok') return watchSides(now)
    if (due !== null) {
      enqueueAutomatic(link, due)
      return false
    }
    return polling ? watchSides(now) : rest('Wait for the next time of the schedule', lookAgainInMs)
  }

  /** Waits for a command, at most for so long and for a day. */
  async function rest(summary: string, ms: number | null): Promise<boolean> {
    const longest = Math.min(renewAfterMs, ms ?? renewAfterMs)
    if (await condition(awaited, longest, { summary })) return false
    return waited(longest)
  }

  function waited(ms: number): boolean {
    waitedMs += ms
    return waitedMs >= renewAfterMs
  }

  async function watchSides(now: LinkControl): Promise<boolean> {
    const away = link.health === 'waiting-for-bridge'
    const { watchForChanges } = proxyActivities<BridgeActivities>({
      ...watching,
      taskQueue: bridgeQueues(now.bridgeId).watch,
      // Known to be away, the bridge is waited for without a time-out: its return is what starts the attempt.
      ...(away ? {} : { scheduleToStartTimeout: bridgePatience }),
      summary: 'Watch both sides',
    })
    // Woken while the row was read: nothing to wait for.
    if (awaited()) return false
    const watch = new CancellationScope()
    link.watch = watch
    const { lookAgainInMs } = now.schedule
    let rung = false
    try {
      const result = await watch.run(() => {
        if (lookAgainInMs !== null)
          sleep(lookAgainInMs, { summary: 'The next time of the schedule' }).then(
            () => {
              rung = true
              watch.cancel()
            },
            () => undefined,
          )
        return watchForChanges({ linkId, returnAfterSeconds: renewAfterSeconds, healthy: link.health === 'ok', away })
      })
      if (result.kind === 'closed') return false
      if (result.kind === 'trouble') {
        await setHealth('degraded', result.message)
        return false
      }
      // Even that there is nothing to watch was told by a bridge.
      if (result.kind === 'renew' && !away) return true
      await setHealth('ok', null)
      if (result.kind === 'changed' && now.check === 'passed' && now.schedule.polling)
        enqueueAutomatic(link, now.schedule.fullNext ? 'full' : 'incremental')
      return false
    } catch (error) {
      // Whatever ends while we cancel it is a cancel: that attempt's own failure is of no interest any more.
      if ((rung || awaited()) && (error instanceof ActivityFailure || isCancellation(error)))
        return rung && waited(lookAgainInMs ?? 0)
      if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure) {
        await setHealth('waiting-for-bridge', 'No bridge takes the work of this link.')
        return false
      }
      throw error
    } finally {
      link.watch = null
      watch.cancel()
    }
  }

  async function runOne(run: QueuedRun, now: LinkControl): Promise<void> {
    // Known as running before it has started: a pause or cancel that comes meanwhile must reach it.
    let stop: ((how: StopRun) => Promise<void>) | null = null
    let wish: StopRun | null = null
    link.running = {
      run,
      stop: async (how) => {
        if (stop === null) wish ??= how
        else await stop(how)
      },
    }
    const alarm = new CancellationScope()
    try {
      const child = await startChild(runWorkflow, {
        workflowId: runWorkflowId(run.runId),
        args: [
          {
            runId: run.runId,
            kind: run.kind,
            trigger: run.trigger,
            actor: run.actor,
            linkId,
            workspaceId: now.workspaceId,
            bridgeId: now.bridgeId,
            version: now.version,
            checkFirst: now.check !== 'passed',
            despiteBlackout: run.force === true,
          },
        ],
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        staticSummary: `${run.kind} of ${now.name}`,
      })
      stop = (how) => child.signal(stopRunSignal, how)
      if (wish !== null) await stopRunning(link, wish)
      await show()
      if (run.force !== true) alarm.run(stopWhenClosed).catch(() => undefined)
      await settle(run, await child.result())
    } finally {
      alarm.cancel()
      link.running = null
    }
  }

  /** Ends the run that is going on when a blackout begins, also one that a configuration names only now. */
  async function stopWhenClosed(): Promise<void> {
    for (;;) {
      if (link.control !== null && link.readAt === link.changes) {
        const { closedUntil, closesInMs } = link.control.schedule
        if (closedUntil !== null) return stopRunning(link, { as: 'interrupted', blackout: true })
        const moved = () => link.changes !== link.readAt
        if (closesInMs === null) await condition(moved)
        else await condition(moved, closesInMs, { summary: 'The next blackout' })
      }
      await loadAfresh(link)
    }
  }

  /** What a run that has ended means for the link's health, and for what is done next. */
  async function settle(run: QueuedRun, outcome: RunOutcome): Promise<void> {
    const { trouble, status, check, goesOn = null } = outcome
    if (trouble?.kind === 'bridge') await setHealth('waiting-for-bridge', trouble.message)
    else if (trouble !== null) await setHealth('degraded', trouble.message)
    else if (status === 'passed' || status === 'with-errors' || check !== null) await setHealth('ok', null)
    // What a pause has interrupted as well goes on when the link is resumed.
    if (goesOn === null || (link.control?.paused === true && isSynchronizing(run))) return
    if (goesOn !== 'records' && link.queued.some((other) => other.kind === goesOn || other.kind === 'full')) return
    const runId = uuid4()
    if (goesOn === 'records') await centrally('Hand the request on').repeatRequest({ linkId, from: run.runId, runId })
    link.queued.unshift({ runId, kind: goesOn, trigger: run.trigger, actor: run.actor })
  }

  async function setHealth(next: LinkHealth, message: string | null): Promise<void> {
    if (link.health === next && link.healthMessage === message) return
    link.health = next
    link.healthMessage = message
    await show()
  }

  /** One word for what the link is doing or how it is. */
  function word(): string {
    const { control, running, health } = link
    if (control?.deleted === true) return 'deleted'
    if (running !== null) return activityOf[running.run.kind]
    if (control?.paused === true) return 'paused'
    if (control !== null && control.schedule.closedUntil !== null) return 'outside-schedule'
    return health === 'ok' ? (control?.mode ?? 'manual') : health
  }

  /** Makes activity and health visible: in the link's row for people, as search attribute and details in Temporal. */
  async function show(): Promise<void> {
    const { control, running, health, healthMessage } = link
    const said = word()
    const until = said === 'outside-schedule' ? control?.schedule.closedUntil : null
    const now = JSON.stringify([said, health, healthMessage, running?.run.runId ?? null, until])
    if (now === shown) return
    shown = now
    upsertSearchAttributes([
      ...(announced
        ? []
        : [
            { key: searchAttributes.linkId, value: linkId },
            ...(control === null ? [] : [{ key: searchAttributes.workspace, value: control.workspaceId }]),
          ]),
      { key: searchAttributes.linkStatus, value: said },
    ])
    announced = control !== null
    setCurrentDetails(
      [
        `**${control?.name ?? linkId}** is ${typeof until === 'string' ? `outside its schedule until ${until}` : said}.`,
        ...(healthMessage === null ? [] : [healthMessage]),
        ...(running === null ? [] : [`Run ${running.run.runId} (${running.run.kind})`]),
      ].join('\n\n'),
    )
    await centrally('Show the state').saveState({
      linkId,
      activity: running === null ? 'idle' : activityOf[running.run.kind],
      health,
      healthMessage,
      currentRun: running?.run.runId ?? null,
    })
  }
}
