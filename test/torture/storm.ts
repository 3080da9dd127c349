import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type CommandName, commandNames } from '../../api/contract/commands.ts'
import { linkConfiguration } from '../../core/link-config.ts'
import type { Service } from '../service.ts'
import { createEditors } from './editors.ts'
import { followHistory, type World } from './history.ts'
import { judgeLedger } from './judge-ledger.ts'
import { judgeTwins } from './judge-twins.ts'
import { createChance } from './random.ts'
import { plantedSecrets, secretIn } from './secrets.ts'
import type { WorkerProcesses } from './service-workers.ts'
import { observeStatuses } from './statuses.ts'
import type { Verdict } from './verdict.ts'

/** One command as it is given: what, with which key, and whether it repeats an earlier one. */
export interface Order {
  name: CommandName | 'sync' | 'configure'
  key: string
}

export interface StormStep {
  /** Given at the same time. */
  orders: Order[]
  kill: 'central' | 'bridge' | null
  edits: number
  pauseMs: number
}

/** A storm is decided before it begins: the same seed gives the same commands, and fewer steps a shorter storm. */
export function planStorm(seed: number, steps: number, kills: boolean): StormStep[] {
  const chance = createChance(seed)
  const keys: Order[] = []
  const weighted = [...commandNames, 'run', 'run', 'cancel', 'pause', 'resume', 'sync', 'sync', 'configure'] as const
  return Array.from({ length: steps }, (_, step) => ({
    orders: Array.from({ length: chance.below(4) + 1 }, (_one, index) => {
      if (keys.length > 0 && chance.yes(0.1)) return chance.pick(keys)
      const order = { name: chance.pick(weighted), key: `storm-${seed}-${step}-${index}` }
      keys.push(order)
      return order
    }),
    kill: kills && chance.yes(0.12) ? chance.pick(['central', 'bridge', 'bridge'] as const) : null,
    edits: chance.below(3),
    pauseMs: chance.yes(0.3) ? 0 : chance.below(250),
  }))
}

export interface StormReport {
  seed: number
  commands: number
  accepted: number
  refused: number
  /** Answers such as "no worker took it in time", after which the same key was sent again. */
  sentAgain: number
  kills: number
  runs: number
  /** Lives of the link's workflow: it continued as new that many times less one. */
  lives: number
  statuses: number
}

type Outcome = { kind: 'accepted'; runId: string | null } | { kind: 'refused'; code: string }

/** Longest time for a definite answer, kills of workers included. */
const answerMs = 90_000
/** Work of a killed process is missed by its heartbeats only, and runs wait for each other. */
const runMinutes = 6
const refusals = /^(paused|already-paused|not-paused|nothing-running|same-mode|version-conflict)$/

/**
 * Commands at random, several at the same time, around continue-as-new and kills of workers, while people edit. I9: each is
 * accepted or refused with a reason, each accepted one stands in the ledger exactly once, each run that was promised ends,
 * and no status jumps. `lose`: a planted defect, an interface that says yes and carries some commands out not at all.
 */
export async function storm(
  service: Service,
  linkId: string,
  steps: readonly StormStep[],
  how: { seed: number; workers: WorkerProcesses; verdict: Verdict; lose?: boolean },
): Promise<StormReport> {
  const { seed, workers, verdict } = how
  const chance = createChance(seed + 1)
  const world = await worldOf(service, linkId)
  const history = followHistory(world)
  const editors = createEditors(world, chance)
  const statuses = await observeStatuses(service.database.sql, linkId)
  const before = await ledgerCommands(service, linkId)
  const outcomes = new Map<string, { order: Order; outcome: Outcome }>()
  const report: StormReport = {
    seed,
    commands: 0,
    accepted: 0,
    refused: 0,
    sentAgain: 0,
    kills: 0,
    runs: 0,
    lives: 0,
    statuses: 0,
  }

  async function request({ name, key }: Order) {
    const number = report.commands
    const path = name === 'sync' ? 'records/sync' : name === 'configure' ? 'versions' : 'commands'
    let body: object = { command: name }
    if (name === 'sync')
      body = {
        left: world.alm
          .records('defect')
          .slice(0, 3)
          .map((one) => String(one.id)),
        right: [],
      }
    if (name === 'configure') {
      const { items } = await service.call('listVersions', { params: { id: linkId } })
      const [newest] = items
      // Each differs from what stands: what says the same is no version.
      const tuning = { ...(newest?.configuration.tuning as object), overlapSeconds: 300 + number }
      const configuration = { ...newest?.configuration, tuning }
      body = { expectedVersion: newest?.version ?? 0, configuration, comment: key }
    }
    return service.client.raw(`/api/v1/links/${linkId}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: bodies.get(key) ?? remember(key, JSON.stringify(body)),
    })
  }

  /** A repeat is the same request, word for word. */
  const bodies = new Map<string, string>()
  function remember(key: string, body: string): string {
    bodies.set(key, body)
    return body
  }

  async function give(order: Order): Promise<void> {
    report.commands++
    verdict.tried('I9')
    if (how.lose === true && chance.yes(0.3)) {
      outcomes.set(order.key, { order, outcome: { kind: 'accepted', runId: null } })
      return
    }
    const until = performance.now() + answerMs
    for (;;) {
      const { response, text } = await request(order)
      const answer = JSON.parse(text) as { runId?: string | null; code?: string; detail?: string; remedy?: string }
      if (response.status < 300) {
        const earlier = outcomes.get(order.key)?.outcome
        const runId = answer.runId ?? null
        if (earlier?.kind === 'accepted' && earlier.runId !== runId)
          verdict.broken('I9', `${order.name} ${order.key} was answered with run ${earlier.runId}, then with ${runId}`)
        outcomes.set(order.key, { order, outcome: { kind: 'accepted', runId } })
        return
      }
      const code = answer.code ?? ''
      if (response.status === 409 && refusals.test(code)) {
        if ((answer.detail ?? '') === '' || (answer.remedy ?? '') === '')
          verdict.broken('I9', `${order.name} was refused without a reason: ${text}`)
        if (outcomes.get(order.key)?.outcome.kind === 'accepted')
          verdict.broken('I9', `${order.name} ${order.key} was accepted and then refused: ${text}`)
        outcomes.set(order.key, { order, outcome: { kind: 'refused', code } })
        return
      }
      const unclear = code === 'request-running' || response.status >= 503
      if (!unclear || performance.now() > until) {
        const words = service.logged.filter((line) => line.includes('"level":50')).at(-1) ?? ''
        verdict.broken(
          'I9',
          `${order.name} ${order.key} got no answer: ${response.status} ${text.slice(0, 100)} ${words}`,
        )
        return
      }
      if (code !== 'request-running') report.sentAgain++
      await pause(100)
    }
  }

  const given: Promise<void>[] = []
  let killing: Promise<void> = Promise.resolve()
  for (const step of steps) {
    for (let index = 0; index < step.edits; index++) editors.act()
    given.push(...step.orders.map(give))
    const { kill } = step
    if (kill !== null) killing = killing.then(() => workers.kill(kill)).then(() => void report.kills++)
    await pause(step.pauseMs)
  }
  await Promise.all([...given, killing])

  // Back to a link that is at rest, by the same commands as people have.
  const settle = async (name: CommandName) => {
    const order: Order = { name, key: `storm-${seed}-end-${name}-${randomUUID()}` }
    await give(order)
    return outcomes.get(order.key)?.outcome
  }
  const link = () => service.call('getLink', { params: { id: linkId } })
  if ((await link()).paused) await settle('resume')
  if ((await link()).mode === 'automatic') await settle('manual')
  for (const { order, outcome } of outcomes.values()) {
    if (outcome.kind === 'refused') {
      report.refused++
      continue
    }
    report.accepted++
    if (outcome.runId === null || order.name === 'pause' || order.name === 'configure') continue
    report.runs++
    verdict.tried('I9')
    const { runId } = outcome
    let ended: unknown = null
    for (let minute = 0; minute < runMinutes; minute++) {
      ended = await service.ended(runId).catch((error: unknown) => String(error))
      if (typeof ended !== 'string') break
    }
    if (typeof ended !== 'string') continue
    const state = await service.workflows
      .getHandle(`link-${linkId}`)
      .query('linkStatus')
      .catch((error: unknown) => String(error))
    const { status, mode, paused } = await link()
    verdict.broken(
      'I9',
      `${order.name} ${order.key} promised run ${runId}, which never ended: ${ended.slice(0, 120)}; the link is ${JSON.stringify({ status, mode, paused, state })}`,
    )
  }
  for (let round = 0; round < 12; round++) {
    const length = history.length()
    const outcome = await settle('full')
    if (outcome?.kind === 'accepted' && outcome.runId !== null) await service.ended(outcome.runId)
    const { pending } = await link()
    if (pending === 0 && history.length() === length) break
    if (pending > 0) await pause(1_000)
  }
  report.accepted = [...outcomes.values()].filter((one) => one.outcome.kind === 'accepted').length

  // Each accepted command once, and nothing else.
  const wanted = new Map<string, number>()
  for (const { order, outcome } of outcomes.values())
    if (outcome.kind === 'accepted') wanted.set(actionOf(order), (wanted.get(actionOf(order)) ?? 0) + 1)
  const now = await ledgerCommands(service, linkId)
  for (const action of new Set([...wanted.keys(), ...now.keys()])) {
    const written = (now.get(action) ?? 0) - (before.get(action) ?? 0)
    if (written !== (wanted.get(action) ?? 0))
      verdict.broken(
        'I9',
        `"${action}" was accepted ${wanted.get(action) ?? 0} times and stands ${written} times in the ledger`,
      )
  }
  report.statuses = await statuses.judge(verdict)
  await judgeTwins(world, history, verdict)
  await judgeLedger(world, history, verdict, new Map())
  await judgeSecrets(service, workers, verdict)
  for await (const _life of service.workflows.list({ query: `WorkflowId = 'link-${linkId}'` })) report.lives++
  return report
}

/** I11 wherever the service writes or answers something. */
export async function judgeSecrets(
  service: Service,
  workers: Pick<WorkerProcesses, 'logs'>,
  verdict: Verdict,
): Promise<void> {
  const secrets = plantedSecrets(service)
  const places: Record<string, string> = {
    'the database': await service.dumpDatabase(),
    'exported histories': await service.dumpHistories(),
    'the log of the API': service.logged.join('\n'),
    'logs of workers': workers.logs.join(''),
    'answers of the API': service.client.answers.join('\n'),
  }
  for (const [place, text] of Object.entries(places)) {
    verdict.tried('I11', text.split('\n').length)
    const found = secretIn(text, secrets)
    if (found !== null) verdict.broken('I11', `${place} hold a secret: ${found}`)
  }
}

/** What judges look at, of a service's link. */
export async function worldOf(service: Service, linkId: string): Promise<World> {
  const { items } = await service.call('listVersions', { params: { id: linkId } })
  const { alm, octane, database } = service
  return { alm, octane, database, linkId, configuration: linkConfiguration.parse(items[0]?.configuration) }
}

function actionOf({ name }: Order): string {
  switch (name) {
    case 'check':
    case 'full':
      return `run ${name}`
    case 'simulate':
      return 'run simulation'
    case 'run':
      return 'run incremental'
    case 'sync':
      return 'run records'
    case 'configure':
      return 'configuration version'
    default:
      return name
  }
}

/** How often each command stands in the ledger of the link. */
async function ledgerCommands(service: Service, linkId: string): Promise<Map<string, number>> {
  const rows = await service.database.sql<{ action: string; count: number }[]>`
    select regexp_replace(action, '^(configuration version) .*', '\\1') as action, count(*)::int
    from ledger where link_id = ${linkId} and kind = 'command' and action <> 'link created' group by 1`
  return new Map(rows.map((row) => [row.action, row.count]))
}
