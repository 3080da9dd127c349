import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { loadEndpointLoads } from '../db/batch-slots.ts'
import { createEndpoint, updateEndpoint } from '../db/endpoints.ts'
import { setInstallationLimits } from '../db/installation.ts'
import { createLink } from '../db/links.ts'
import { workspaceFor } from '../db/workspaces.ts'
import { activity, fullRun } from './deletions.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'
import type { LimitsOrder } from './limits-worker.ts'

let lab: Lab | null = null
const children: ChildProcess[] = []

afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
  await lab?.close()
  lab = null
})

async function open(options: LabOptions = {}): Promise<Lab> {
  lab = await createLab(options)
  await lab.database.sql`create table held_batches (token uuid, link_id uuid, began timestamptz, ended timestamptz)`
  return lab
}

/** More links on the lab's ALM project, each with an Octane workspace of its own. */
async function addLinks(here: Lab, count: number): Promise<string[]> {
  const links: string[] = []
  for (let number = 0; number < count; number++) {
    const address = {
      kind: 'octane' as const,
      url: 'http://127.0.0.1:1',
      sharedSpace: '1001',
      workspace: `${2000 + number}`,
    }
    const sealed = { test: 'octane' }
    const name = `octane ${number}`
    const endpointId = await createEndpoint(here.database, { name, address, sealed, testReport: null, actor: 'test' })
    const { configuration } = here
    links.push(
      await createLink(here.database, {
        name: `Link ${number}`,
        description: '',
        workspaceId: await workspaceFor(here.database, address),
        bridgeId: 'test',
        configuration: { ...configuration, right: { ...configuration.right, endpointId } },
        author: 'test',
        comment: '',
      }),
    )
  }
  return links
}

async function queue(here: Lab, linkId: string, rows: number): Promise<void> {
  await here.database.sql`
    insert into pending (link_id, side, external_id, reason)
    select ${linkId}, 'left', n::text, 'scan' from generate_series(1, ${rows}) n`
}

function worker(here: Lab, order: Partial<LimitsOrder> & { links: string[] }): ChildProcess {
  const whole: LimitsOrder = {
    databaseUrl: here.databaseUrl,
    runId: randomUUID(),
    calls: 2,
    holdMs: 60,
    leaseSeconds: 30,
    batchSize: 10,
    ...order,
  }
  const entry = fileURLToPath(new URL('./limits-worker.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', entry, JSON.stringify(whole)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  return child
}

const ended = async (child: ChildProcess) => {
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
}

/** The most batches of these links that were held at the same time. */
async function mostAtOnce(here: Lab): Promise<number> {
  const [row] = await here.database.sql<{ most: number }[]>`
    select max((select count(*) from held_batches b where b.began <= a.began and b.ended > a.began))::int as most
    from held_batches a`
  return row?.most ?? 0
}

const almOf = (here: Lab) => here.configuration.left.endpointId

describe('limits of endpoints', () => {
  // covers 110
  it('hold over all processes and links, for an endpoint and for the installation', async () => {
    const here = await open()
    const links = await addLinks(here, 4)
    for (const linkId of links) await queue(here, linkId, 80)
    await updateEndpoint(here.database, almOf(here), { maxBatches: 3 }, 'test')
    await Promise.all([ended(worker(here, { links })), ended(worker(here, { links }))])
    expect(await mostAtOnce(here)).toBe(3)
    const [row] = await here.database.sql<{ left: number }[]>`select count(*)::int as left from pending`
    expect(row?.left).toBe(0)

    await here.database.sql`delete from held_batches`
    for (const linkId of links) await queue(here, linkId, 40)
    await setInstallationLimits(here.database, { batches: 2 }, 'test')
    await Promise.all([ended(worker(here, { links })), ended(worker(here, { links }))])
    expect(await mostAtOnce(here)).toBe(2)
  })

  it('give the place of a killed worker away when its lease has run out, not before', async () => {
    const here = await open()
    const [first = '', second = ''] = await addLinks(here, 2)
    for (const linkId of [first, second]) await queue(here, linkId, 10)
    await updateEndpoint(here.database, almOf(here), { maxBatches: 1 }, 'test')
    const killed = worker(here, { links: [first], holdMs: 60_000, leaseSeconds: 3, calls: 1 })
    if (killed.stdout !== null) await once(killed.stdout, 'data')
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    const claim = () =>
      here.store.claim({ linkId: second, runId: randomUUID(), limit: 10, leaseSeconds: 30, graceSeconds: 0 })
    expect((await claim()).busy).toMatchObject({ working: false })
    await ended(worker(here, { links: [second], calls: 1 }))
    const [row] = await here.database.sql<{ early: boolean; done: number }[]>`
      select bool_or(b.began < a.began + interval '3 seconds') as early, count(*)::int as done
      from held_batches a, held_batches b where a.link_id = ${first} and b.link_id = ${second}`
    expect(row).toEqual({ early: false, done: 1 })
  })

  it('make a patient call wait in its place for what a dead call of its own link holds, and others end at once', async () => {
    const here = await open({ alm: { defects: 5 } })
    const { linkId, store } = here
    await updateEndpoint(here.database, almOf(here), { maxBatches: 1 }, 'test')
    const runId = randomUUID()
    const temporal = { workflowId: 'w', runId: 'r' }
    await store.beginRun({ runId, linkId, kind: 'full', trigger: 'person', actor: 'test', version: 1, temporal })
    await activity(() => here.activities.scan({ linkId, runId, version: 1, side: 'left', extent: 'all' }))
    const dead = await store.claim({ linkId, runId, limit: 1, leaseSeconds: 3, graceSeconds: 0 })
    expect(dead.items).toHaveLength(1)
    const call = (patient: boolean) => activity(() => here.activities.reconcile({ linkId, runId, version: 1, patient }))
    expect(await call(false)).toMatchObject({ ended: 'busy', batches: 0 })
    expect(await call(true)).toMatchObject({ ended: 'empty', items: 5 })
    expect(here.octane.records('defect')).toHaveLength(5)
  })

  // covers 110
  it('are shared fairly: a hundred thousand records of one link do not hold up three of another', async () => {
    const here = await open()
    const [huge = '', ...others] = await addLinks(here, 5)
    const small = others.pop() ?? ''
    await updateEndpoint(here.database, almOf(here), { maxBatches: 2 }, 'test')
    await queue(here, huge, 100_000)
    await here.database.sql`analyze pending`
    for (const linkId of others) await queue(here, linkId, 150)
    await queue(here, small, 3)
    // The link with much is there first, and asks with more calls than the others together.
    const greedy = worker(here, { links: [huge], calls: 8 })
    if (greedy.stdout !== null) await once(greedy.stdout, 'data')
    await Promise.all([ended(worker(here, { links: [...others, small], calls: 2 }))])
    greedy.kill('SIGKILL')
    const order = await here.database.sql<{ link: string }[]>`
      select link_id as link from held_batches
      where began >= (select min(began) from held_batches where link_id <> ${huge}) order by began`
    // While all have work, each gets about as many batches.
    const whole = order.slice(0, order.map(({ link }) => link).lastIndexOf(others[0] ?? '') + 1)
    const counts = [huge, ...others].map((linkId) => whole.filter(({ link }) => link === linkId).length)
    process.stdout.write(`fairness: ${counts.join(', ')} batches of four links that always had work\n`)
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(2)
    expect(order.findIndex(({ link }) => link === small)).toBeLessThan(10)
  })

  it('are lowered for all links when the endpoint asks for a pause', async () => {
    const here = await open({ alm: { defects: 30 } })
    const [other = ''] = await addLinks(here, 1)
    await queue(here, other, 10)
    here.octane.faults.add({ match: { method: 'POST', path: '/defects$' }, kind: 'throttle', retryAfter: 2 })
    await fullRun(here)
    const octane = here.configuration.right.endpointId
    const load = (await loadEndpointLoads(here.database)).get(octane)
    expect(load?.limit).toBe(4)
    expect(here.octane.records('defect')).toHaveLength(30)
    const alm = (await loadEndpointLoads(here.database)).get(almOf(here))
    expect(alm).toMatchObject({ limit: 8, running: 0, pausedUntil: null })

    await here.store.noteThrottled({ endpointId: almOf(here), waitMs: 60_000 })
    const runId = randomUUID()
    const claim = await here.store.claim({ linkId: other, runId, limit: 10, leaseSeconds: 30, graceSeconds: 0 })
    expect(claim.items).toEqual([])
    expect(claim.busy?.forMs).toBeGreaterThan(50_000)
  })
})
