import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, it, vi } from 'vitest'
import { migrate } from '../db/migrate.ts'
import { type RunningPostgres, removeFolder, startPostgres, temporaryFolder } from '../standalone/postgres.ts'
import { type RunningTemporal, startTemporal } from '../standalone/temporal.ts'
import { temporalBinary } from '../standalone/temporal-binary.ts'
import { type Service, type ServiceOptions, startService } from './service.ts'
import { followHistory } from './torture/history.ts'
import { judgeLedger } from './torture/judge-ledger.ts'
import { judgeTwins } from './torture/judge-twins.ts'
import { worldOf } from './torture/storm.ts'
import { createVerdict } from './torture/verdict.ts'

/** How long a part of the service is away; ten minutes in the long form, `TORTURE_OUTAGE_SECONDS=600`. */
const outageSeconds = Number(process.env.TORTURE_OUTAGE_SECONDS ?? 10)
vi.setConfig({ testTimeout: 300_000 + outageSeconds * 1_000 })

const cleanUps: (() => Promise<unknown> | undefined)[] = []
const folders: string[] = []

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  for (const folder of folders.splice(0)) removeFolder(folder)
})

function newFolder(): string {
  const folder = temporaryFolder('tandem-outage')
  folders.push(folder)
  return folder
}

/** A link in automatic mode, in step, with a record of its own for every edit to come. */
async function automaticLink(options: ServiceOptions) {
  const service = await startService({ alm: { defects: 6 }, octane: { defects: 2 }, commandMs: 4_000, ...options })
  cleanUps.push(() => service.close())
  const { id } = await service.addLink()
  await service.configure(id, { schedule: { intervalSeconds: 1 } })
  const world = await worldOf(service, id)
  const history = followHistory(world)
  await service.runToEnd(id, 'run')
  await service.call('commandLink', { params: { id }, body: { command: 'automatic' } })
  expect(service.octane.records('defect')).toHaveLength(8)

  /** What people do while a part is away, and whether all of it has arrived. */
  let round = 0
  function people(): () => boolean {
    const now = ++round
    const twin = (almId: string) =>
      service.octane.records('defect').find((record) => String(record.alm_id_udf).endsWith(`/${almId}`))
    service.alm.edit('defect', '1', { name: `from ALM ${now}` })
    service.octane.edit('defect', twin('2')?.id ?? '', { name: `from Octane ${now}` })
    service.octane.create('defect', { name: `new in Octane ${now}` })
    return () =>
      twin('1')?.name === `from ALM ${now}` &&
      service.alm.store.get('defect', '2').name === `from Octane ${now}` &&
      service.alm.records('defect').some((record) => record.name === `new in Octane ${now}`)
  }

  async function judge() {
    await service.call('commandLink', { params: { id }, body: { command: 'manual' } })
    await service.runToEnd(id, 'full')
    const verdict = createVerdict()
    await judgeTwins(world, history, verdict)
    await judgeLedger(world, history, verdict, new Map())
    expect(verdict.violations).toEqual([])
  }

  return { service, id, people, judge }
}

/** The whole time of an outage, with looks at the API: what it can tell it tells, and what it cannot it says at once. */
async function throughOutage(service: Service, id: string, code: string): Promise<number> {
  let looks = 0
  for (const until = performance.now() + outageSeconds * 1_000; performance.now() < until; await pause(500)) {
    const problem = await service.refused('commandLink', { params: { id }, body: { command: 'run' } })
    expect(problem).toMatchObject({ status: 503, code })
    expect(problem.remedy).not.toBe('')
    looks++
  }
  return looks
}

it('T10: Temporal stops and comes back with its history: links go on alone, nothing is lost or doubled', async () => {
  const folder = newFolder()
  const binary = await temporalBinary(() => undefined)
  let temporal: RunningTemporal = await startTemporal({ binary, folder, port: 0, uiPort: null })
  cleanUps.push(() => temporal.stop())
  const { service, id, people, judge } = await automaticLink({ temporalAddress: temporal.address })
  await temporal.stop()
  const arrived = people()
  const looks = await throughOutage(service, id, 'temporal-down')
  // What lies in the database is told all the while.
  expect(await service.call('getLink', { params: { id } })).toMatchObject({ mode: 'automatic', paused: false })
  expect(arrived()).toBe(false)
  temporal = await startTemporal({ binary, folder, port: Number(temporal.address.split(':')[1]), uiPort: null })
  const since = performance.now()
  await expect.poll(arrived, { timeout: 120_000, interval: 50 }).toBe(true)
  process.stdout.write(
    `T10: Temporal away for ${outageSeconds} s, ${looks} commands refused with words meanwhile, in step ${Math.round((performance.now() - since) / 100) / 10} s after its return\n`,
  )
  await judge()
})

it('T10: PostgreSQL stops and comes back: links go on alone, nothing is lost or doubled', async () => {
  const folder = newFolder()
  const cluster = path.join(folder, 'postgres')
  let server: RunningPostgres = await startPostgres({ folder: cluster, port: 0 })
  cleanUps.push(() => server.stop())
  await migrate(server.url)
  const address = new URL(server.url)
  const { service, id, people, judge } = await automaticLink({
    createDatabase: async () => ({ url: address.href, drop: async () => undefined }),
  })
  await Promise.all([server.stop(), service.databaseProxy.cut()])
  const arrived = people()
  const looks = await throughOutage(service, id, 'database-down')
  expect(arrived()).toBe(false)
  server = await startPostgres({ folder: cluster, port: Number(address.port) })
  await service.databaseProxy.mend()
  const since = performance.now()
  await expect.poll(arrived, { timeout: 120_000, interval: 50 }).toBe(true)
  process.stdout.write(
    `T10: PostgreSQL away for ${outageSeconds} s, ${looks} commands refused with words meanwhile, in step ${Math.round((performance.now() - since) / 100) / 10} s after its return\n`,
  )
  await judge()
})
