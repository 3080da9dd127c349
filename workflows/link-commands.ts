import { ApplicationFailure, condition, setHandler, uuid4 } from '@temporalio/workflow'
import type { LinkControl } from '../activities/link-control.ts'
import type { RunKind } from '../core/run.ts'
import {
  centrally,
  changed,
  drop,
  enqueue,
  isSynchronizing,
  type LinkMemory,
  loadAfresh,
  type QueuedRun,
  stopRunning,
  wake,
} from './link-memory.ts'
import {
  type Commanded,
  type CommandRefusal,
  cancelRunUpdate,
  configurationChangedUpdate,
  deleteUpdate,
  fullNextUpdate,
  pauseUpdate,
  type RunNowAnswer,
  resumeUpdate,
  runNowUpdate,
  setModeUpdate,
  syncRecordsUpdate,
  wakeSignal,
} from './messages.ts'

const keptAnswers = 50

function refuse(code: CommandRefusal, message: string): never {
  throw ApplicationFailure.create({ type: code, message, nonRetryable: true })
}

/**
 * The commands of people. Each is written down, with what it changes in the link's row, before it is answered; validators
 * refuse at once what makes no sense. All handlers stand before the loop begins.
 */
export function handleCommands(link: LinkMemory): void {
  const { linkId } = link

  function repeated<T>(command: Commanded): T | undefined {
    return link.answers.find((one) => one.requestId === command.requestId)?.answer as T | undefined
  }

  /** A repeat is answered as the first time, although what it asked for holds by now. */
  const isRepeated = (command: Commanded) => repeated(command) !== undefined

  function remember<T>(command: Commanded, answer: T): T {
    link.answers.push({ requestId: command.requestId, answer })
    if (link.answers.length > keptAnswers) link.answers.shift()
    return answer
  }

  /** Validators see the state as it is; before the row has been read the handler decides. */
  const checkPause = () => link.control?.paused === true && refuse('already-paused', 'The link is paused already.')
  const checkResume = () => link.control?.paused === false && refuse('not-paused', 'The link is not paused.')
  const checkCancel = () => {
    if (link.running === null && link.queued.length === 0) refuse('nothing-running', 'No run is going on or queued.')
  }
  const checkRun = (kind: RunKind) => {
    if (link.control?.paused === true && kind !== 'check' && kind !== 'simulation')
      refuse('paused', 'The link is paused. Resume it first.')
  }
  const checkMode = (mode: LinkControl['mode']) =>
    link.control?.mode === mode && refuse('same-mode', `The link is in ${mode} mode already.`)

  async function loaded(): Promise<LinkControl> {
    await condition(() => link.control !== null)
    const now = link.control as unknown as LinkControl
    if (now.deleted) refuse('deleted', 'The link was deleted.')
    return now
  }

  /** The row as it is now: whether a blackout is on changes by itself. */
  async function loadedNow(): Promise<LinkControl> {
    await loadAfresh(link)
    return loaded()
  }

  /** When a run begins that is queued now. */
  function begins(now: LinkControl, { force }: { force?: boolean }): Pick<RunNowAnswer, 'state' | 'startsAt'> {
    const { closedUntil } = now.schedule
    if (closedUntil !== null && force !== true) return { state: 'waiting', startsAt: closedUntil }
    return { state: link.running === null && link.queued.length === 0 ? 'started' : 'queued' }
  }

  const inSpite = ({ force }: { force?: boolean }) => (force === true ? { force: true } : {})

  setHandler(wakeSignal, () => {
    // Nobody looks in a blackout or between named times, and both ends of these look by themselves.
    const { closedUntil = null, polling = true } = link.control?.schedule ?? {}
    if (closedUntil === null && polling) wake(link)
  })
  setHandler(
    runNowUpdate,
    async (command) => {
      const before = repeated<RunNowAnswer>(command)
      if (before !== undefined) return before
      const now = await loadedNow()
      checkRun(command.kind)
      const { actor, kind } = command
      const words = command.force === true ? `run ${kind}, also in a blackout` : `run ${kind}`
      await centrally('Write the command down').commandLink({ linkId, actor, command: words, change: {} })
      const when = begins(now, command)
      const waiting = link.queued.find((run) => run.kind === kind)
      if (waiting !== undefined) {
        // Whoever asks for a check gets everything looked at, also where one waits that a change has begun.
        Object.assign(waiting, inSpite(command), kind === 'check' ? { trigger: 'person', actor } : {})
        wake(link)
        const forced = waiting.force === true
        const startsAt = forced || when.startsAt === undefined ? {} : { startsAt: when.startsAt }
        return remember<RunNowAnswer>(command, { state: 'merged', runId: waiting.runId, ...startsAt })
      }
      const run: QueuedRun = { runId: uuid4(), kind, trigger: 'person', actor, ...inSpite(command) }
      link.queued.push(run)
      wake(link)
      return remember<RunNowAnswer>(command, { ...when, runId: run.runId })
    },
    { validator: (command) => void (isRepeated(command) || checkRun(command.kind)) },
  )
  setHandler(
    syncRecordsUpdate,
    async (command) => {
      const before = repeated<RunNowAnswer>(command)
      if (before !== undefined) return before
      const now = await loadedNow()
      checkRun('records')
      const { actor, records } = command
      const run: QueuedRun = { runId: uuid4(), kind: 'records', trigger: 'person', actor, ...inSpite(command) }
      await centrally('Queue the records').requestRecords({ linkId, runId: run.runId, actor, records })
      const when = begins(now, command)
      enqueue(link, run)
      wake(link)
      return remember<RunNowAnswer>(command, { ...when, runId: run.runId })
    },
    { validator: (command) => void (isRepeated(command) || checkRun('records')) },
  )
  setHandler(
    cancelRunUpdate,
    async (command) => {
      const before = repeated<{ runId: string }>(command)
      if (before !== undefined) return before
      const now = await loaded()
      checkCancel()
      const target = link.running?.run ?? link.queued[0]
      if (target === undefined) refuse('nothing-running', 'No run is going on or queued.')
      const { runId } = target
      await centrally('Write the command down').commandLink({
        linkId,
        actor: command.actor,
        command: 'cancel',
        change: {},
      })
      if (link.running?.run.runId === runId) await stopRunning(link, { as: 'cancelled' })
      else await drop(link, target, now)
      return remember(command, { runId })
    },
    { validator: (command) => void (isRepeated(command) || checkCancel()) },
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
      changed(link, { paused: true })
      const going = link.running?.run
      const interrupting = going !== undefined && isSynchronizing(going) ? going.runId : null
      if (going !== undefined && interrupting !== null) {
        link.interrupted = going.kind
        link.interruptedRun = interrupting
        await stopRunning(link, { as: 'interrupted' })
      }
      wake(link)
      return remember(command, { paused: true as const, interrupting })
    },
    { validator: (command) => void (isRepeated(command) || checkPause()) },
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
      changed(link, { paused: false })
      const kind = link.interrupted
      link.interrupted = null
      let runId: string | null = null
      if (kind !== null) {
        const waiting =
          kind === 'records' ? undefined : link.queued.find((run) => isSynchronizing(run) && run.kind !== 'records')
        runId = waiting?.runId ?? uuid4()
        if (kind === 'records' && link.interruptedRun !== null)
          await centrally('Hand the request on').repeatRequest({ linkId, from: link.interruptedRun, runId })
        if (waiting === undefined) enqueue(link, { runId, kind, trigger: 'person', actor })
      }
      wake(link)
      return remember(command, { paused: false as const, runId })
    },
    { validator: (command) => void (isRepeated(command) || checkResume()) },
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
      changed(link, { mode })
      wake(link)
      return remember(command, { mode })
    },
    { validator: (command) => void (isRepeated(command) || checkMode(command.mode)) },
  )
  setHandler(fullNextUpdate, async (command) => {
    const before = repeated<{ fullNext: true }>(command)
    if (before !== undefined) return before
    await loaded()
    const { actor } = command
    const change = { fullNext: true as const }
    await centrally('Ask for a full scan').commandLink({ linkId, actor, command: 'full-next', change })
    changed(link, {})
    wake(link)
    return remember(command, change)
  })
  setHandler(configurationChangedUpdate, async ({ version, recheck }) => {
    // A row that is being read just now may still name the version before; no run may be pinned to that one.
    changed(link, {})
    if (recheck === true) link.saved = true
    wake(link)
    return { version }
  })
  setHandler(deleteUpdate, async (command) => {
    const now = await loaded()
    const { actor, reason } = command
    const why = reason === undefined ? {} : { reason }
    await centrally('Delete the link').commandLink({
      linkId,
      actor,
      command: 'delete',
      change: { deleted: true },
      ...why,
    })
    changed(link, { deleted: true })
    while (link.queued[0] !== undefined) await drop(link, link.queued[0], now)
    await stopRunning(link, { as: 'cancelled' })
    wake(link)
    return { deleted: true as const }
  })
}
