import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { LinkView, RunView } from '../api/contract/schemas.ts'
import type { SimulatedRowView } from '../api/contract/simulations.ts'
import { type ApiClient, createApiClient } from '../cli/api-client.ts'
import { createBar, short } from '../cli/output.ts'
import { describeFindings, describeRun } from '../cli/run.ts'
import { createChecklist } from './checklist.ts'
import { FolderInUse } from './data-folder.ts'
import { compareSystems, type DemoSystems, startDemoSystems } from './demo-systems.ts'
import { listenForEnd, type Stack, StartCancelled, startStack } from './stack.ts'

const usage = `Shows the main job: a defect link between an ALM and an Octane sandbox, from nothing to in step.

  npm run demo -- [--data FOLDER] [--fresh] [--exit] [--defects N] [--octane-defects N]

  --fresh     throw away what earlier demos left
  --exit      end after the demonstration: 0 when both systems agree, 1 when not
`

interface Scene {
  stack: Stack
  systems: DemoSystems
  api: ApiClient
  say(line: string): void
}

const reference = 'alm_id_udf'

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      fresh: { type: 'boolean' },
      exit: { type: 'boolean' },
      defects: { type: 'string' },
      'octane-defects': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help === true) {
    process.stdout.write(usage)
    return 0
  }
  const checklist = createChecklist()
  const { say } = checklist
  const end = listenForEnd()
  const data = values.data ?? process.env.TANDEM_DATA ?? '.tandem'
  say('Tandem is starting\n')
  const stack = await startStack({ data, fresh: values.fresh ?? false, checklist, stopRequested: end.signal })
  try {
    const number = nextDemo(stack.folder.path)
    const systems = await checklist.step('ALM and Octane sandboxes', () =>
      startDemoSystems({
        defects: Number(values.defects ?? 300),
        octaneDefects: Number(values['octane-defects'] ?? 100),
        project: `Demo${number}`,
        workspace: 1001 + number,
        logFolder: path.join(stack.folder.path, 'logs'),
        say,
      }),
    )
    const scene: Scene = { stack, systems, api: createApiClient(stack.api), say }
    try {
      const agrees = await Promise.race([play(scene, number), end.asked.then(() => null)])
      if (agrees === null) return 130
      if (values.exit === true) return agrees ? 0 : 1
      say(goOn(scene, number))
      await end.asked
      say('Stopping')
      return 0
    } finally {
      await systems.stop()
    }
  } finally {
    await stack.stop()
  }
}

/** The sandboxes forget everything, so each demo on the same data folder is another project and another link. */
function nextDemo(folder: string): number {
  const file = path.join(folder, 'demo.json')
  const last = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { number: number }).number : 0
  writeFileSync(file, JSON.stringify({ number: last + 1 }))
  return last + 1
}

async function play(scene: Scene, number: number): Promise<boolean> {
  const { say } = scene
  await retireOldLinks(scene)
  const link = await createLink(scene, number)
  await check(scene, link)
  await simulate(scene, link)
  await synchronize(scene, link)
  await showEdits(scene, link)
  await killWorker(scene, link)
  say('\nComparing both systems, record by record, without looking at any table of ours')
  const { pairs, alone, doubled, differences } = await compareSystems(scene.systems)
  say(
    `  ${pairs} pairs, ${alone.length} without twin, ${doubled.length} doubled, ${differences.length} differing fields`,
  )
  for (const one of differences.slice(0, 5))
    say(
      `    ALM ${one.alm} / Octane ${one.octane}, ${one.field}: "${short(one.almValue, 40)}" and "${short(one.octaneValue, 40)}"`,
    )
  return pairs > 0 && alone.length === 0 && doubled.length === 0 && differences.length === 0
}

/** Links of earlier demos look at sandboxes that are gone. */
async function retireOldLinks({ api, say }: Scene): Promise<void> {
  const { items } = await api.call('listLinks')
  for (const old of items.filter((one) => one.name.startsWith('Demo '))) {
    await api.call('deleteLink', { params: { id: old.id } })
    say(`     Deleted "${old.name}" of an earlier demo`)
  }
}

async function createLink({ api, systems, say }: Scene, number: number): Promise<LinkView> {
  say('\nAdding both endpoints and a defect link with automatic mapping')
  const left = await api.call('createEndpoint', {
    body: {
      name: `ALM demo ${number}`,
      address: { kind: 'alm', url: systems.alm.url, domain: systems.alm.domain, project: systems.alm.project },
      secret: { kind: 'password', user: systems.alm.user, password: systems.alm.password },
    },
  })
  const right = await api.call('createEndpoint', {
    body: {
      name: `Octane demo ${number}`,
      address: {
        kind: 'octane',
        url: systems.octane.url,
        sharedSpace: systems.octane.sharedSpace,
        workspace: systems.octane.workspace,
      },
      secret: { kind: 'api-key', clientId: systems.octane.clientId, clientSecret: systems.octane.clientSecret },
    },
  })
  for (const endpoint of [left, right])
    say(
      `  ${endpoint.name}: ${String(endpoint.testReport?.product)} ${String(endpoint.testReport?.version)}, ${String(endpoint.testReport?.place)}`,
    )
  const { link, notes } = await api.call('createLink', {
    body: {
      name: `Demo ${number}`,
      left: left.id,
      right: right.id,
      configuration: { schedule: { intervalSeconds: 2 } },
    },
  })
  for (const note of notes) say(`  ! ${note}`)
  return link
}

async function command({ api }: Scene, link: LinkView, name: string): Promise<string> {
  const { runId } = await api.call('commandLink', { params: { id: link.id }, body: { command: name } })
  return runId ?? ''
}

/** Follows a run with a bar until it has ended; `meanwhile` is told how far it is. */
async function follow(scene: Scene, runId: string, meanwhile?: (run: RunView) => void): Promise<RunView> {
  const bar = createBar(process.stdout)
  try {
    for (;;) {
      const run = await scene.api.call('getRun', { params: { id: runId } }).catch(() => null)
      if (run !== null && run.status !== 'running') return run
      if (run !== null) {
        const progress = await scene.api.call('linkProgress', { params: { id: run.linkId } })
        bar.update(
          run.counters.examined,
          run.counters.examined + progress.left,
          `${progress.phase ?? 'working'}: ${run.counters.examined} done, ${progress.left} to do`,
        )
        meanwhile?.(run)
      }
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  } finally {
    bar.end()
  }
}

async function check(scene: Scene, link: LinkView): Promise<void> {
  scene.say('\nIntegrity check')
  const run = await follow(scene, await command(scene, link, 'check'))
  const { findings } = await scene.api.call('runFindings', { params: { id: run.id } })
  scene.say(describeFindings(findings, link))
}

async function simulate(scene: Scene, link: LinkView): Promise<void> {
  scene.say('\nSimulation: what a run would do, without doing it')
  const run = await follow(scene, await command(scene, link, 'simulate'))
  const { counts, items } = await scene.api.call('runSimulation', { params: { id: run.id }, query: { limit: '200' } })
  for (const [action, count] of Object.entries(counts)) scene.say(`  ${String(count).padStart(5)} ${action}`)
  for (const action of ['create-right', 'create-left']) {
    const example: SimulatedRowView | undefined = items.find((item) => item.action === action)
    if (example === undefined) continue
    scene.say(
      `  For example ${action === 'create-right' ? `ALM ${example.leftId}` : `Octane ${example.rightId}`} "${short(example.title, 50)}":`,
    )
    for (const field of example.fields.slice(0, 6)) scene.say(`    ${field.label}: ${short(field.after, 60)}`)
  }
}

async function synchronize(scene: Scene, link: LinkView): Promise<void> {
  scene.say('\nFirst synchronization')
  scene.say(`  ${describeRun(await follow(scene, await command(scene, link, 'run')))}`)
}

/** People edit; the demonstration watches the other system until what they did is there. */
async function showEdits(scene: Scene, link: LinkView): Promise<void> {
  const { systems, say } = scene
  say('\nAutomatic mode: people edit, and each change arrives on the other side')
  await command(scene, link, 'automatic')
  const twins = new Map(
    (await systems.records('octane')).map((record) => [
      String(record[reference] ?? '')
        .split('/')
        .pop() ?? '',
      String(record.id),
    ]),
  )
  const twin = (almId: string) => twins.get(almId) ?? ''
  const arrives = async (what: string, body: () => Promise<void>, there: () => Promise<boolean>) => {
    const started = performance.now()
    await body()
    while (!(await there())) {
      if (performance.now() - started > 120_000) throw new Error(`${what}: it did not arrive within two minutes`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    say(`  ${what}: there after ${((performance.now() - started) / 1_000).toFixed(1)} s`)
  }
  const alm = async (id: string) => (await systems.record('alm', id)) ?? {}
  const octane = async (id: string) => (await systems.record('octane', id)) ?? {}
  await arrives(
    'ALM 11 gets another summary',
    () => systems.edit('alm', '11', { name: 'Renamed in ALM' }),
    async () => (await octane(twin('11'))).name === 'Renamed in ALM',
  )
  await arrives(
    `Octane ${twin('12')} gets another severity`,
    () => systems.edit('octane', twin('12'), { severity: 'list_node.severity.urgent' }),
    async () => (await alm('12')).severity === '5-Urgent',
  )
  await arrives(
    'ALM 13 and its twin get edits to different fields: both are kept',
    async () => {
      await systems.edit('alm', '13', { priority: '4-Very High' })
      await systems.edit('octane', twin('13'), { story_points: 21 })
    },
    async () =>
      String((await alm('13'))['estimated-fix-time']) === '21' &&
      ((await octane(twin('13'))).priority as { id?: string } | null)?.id === 'list_node.priority.very_high',
  )
  await arrives(
    'ALM 14 and its twin get another name each: the dominant side (Octane) wins',
    async () => {
      await systems.edit('alm', '14', { name: 'Name from ALM' })
      await systems.edit('octane', twin('14'), { name: 'Name from Octane' })
    },
    async () => (await alm('14')).name === 'Name from Octane' && (await octane(twin('14'))).name === 'Name from Octane',
  )
}

/** Slows the link down, kills the bridge in the middle of a run with SIGKILL, and lets it resume. */
async function killWorker(scene: Scene, link: LinkView): Promise<void> {
  const { api, systems, stack, say } = scene
  say('\nA slowed run, whose worker is killed in the middle')
  await command(scene, link, 'manual')
  await idle(scene, link)
  await configure(
    scene,
    link,
    { batchSize: 10, parallel: 2, batchPauseMs: 1_500 },
    'Slowed down for the demonstration.',
  )
  const ids = (await systems.records('alm')).slice(20, 140).map((record) => String(record.id))
  for (const id of ids)
    await systems.edit('alm', id, { priority: '3-High', 'user-05': `<p>Changed in bulk, number ${id}</p>` })
  let killed: number | null = null
  const run = await follow(scene, await command(scene, link, 'run'), (now) => {
    if (killed !== null || now.counters.examined < 20) return
    killed = now.counters.examined
    const pid = stack.bridge.pid()
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
    say(`  Killed the bridge (process ${pid}) after ${killed} records`)
  })
  say(`  ${describeRun(run)}`)
  const { items } = await api.call('linkLedger', { params: { id: link.id }, query: { limit: '1' } })
  say(
    `  Killed after ${killed ?? 0} records, ${run.counters.examined} in the end; last write in the ledger ${items[0]?.at.slice(11, 19) ?? ''} UTC`,
  )
  await configure(scene, link, { batchSize: 100, parallel: 4, batchPauseMs: 0 }, 'Back to full speed.')
  await command(scene, link, 'automatic')
  await idle(scene, link)
}

async function configure(
  { api }: Scene,
  link: LinkView,
  tuning: Record<string, unknown>,
  comment: string,
): Promise<void> {
  const { items } = await api.call('listVersions', { params: { id: link.id } })
  const newest = items[0]
  if (newest === undefined) throw new Error('a link has a version')
  const before = newest.configuration as { tuning: Record<string, unknown> }
  await api.call('addVersion', {
    params: { id: link.id },
    body: {
      expectedVersion: newest.version,
      comment,
      configuration: { ...before, tuning: { ...before.tuning, ...tuning } },
    },
  })
}

/** Waits until nothing runs and nothing is to be done. */
async function idle({ api }: Scene, link: LinkView): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    const now = await api.call('getLink', { params: { id: link.id } })
    quiet = now.currentRun === null && now.pending === 0 ? quiet + 1 : 0
    await new Promise((resolve) => setTimeout(resolve, 400))
  }
}

function goOn({ stack, systems }: Scene, number: number): string {
  const tandem = 'npm run tandem --'
  return [
    '',
    'It stays in automatic mode. Look around:',
    `  API and its page    ${stack.api}`,
    ...(stack.temporalUi === null ? [] : [`  Temporal UI         ${stack.temporalUi}`]),
    `  Mail                ${stack.mail}`,
    '',
    'Change a record as a person would, and watch it arrive:',
    `  ${tandem} sandbox edit --control ${systems.control} --system alm --id 15 --set "name=Changed by hand"`,
    `  ${tandem} run list`,
    `  ${tandem} link show "Demo ${number}"`,
    '',
    'Your own systems:',
    `  ${tandem} endpoint add my-alm --kind alm --url https://alm.example.com/qcbin --domain D --project P --user U`,
    `  ${tandem} endpoint add my-octane --kind octane --url https://octane.example.com --space 1001 --workspace 1002 --client-id ID`,
    `  ${tandem} link create my-defects --left my-alm --right my-octane`,
    '',
    'Start over: npm run demo -- --fresh      Stop: Ctrl-C',
    '',
  ].join('\n')
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof StartCancelled) process.exit(130)
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(error instanceof FolderInUse ? 3 : 2)
  },
)
