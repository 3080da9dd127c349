import path from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { migrate } from '../db/migrate.ts'
import { removeFolder, startPostgres, temporaryFolder } from '../standalone/postgres.ts'
import { fullRun } from '../test/deletions.ts'
import { createLab, type Lab, type Shell } from '../test/lab.ts'
import { type RawAlm, type RawOctane, rawAlm, rawOctane } from './raw-clients.ts'
import { round, say } from './world.ts'

/**
 * What each safety costs, in requests and in time. Lease, write-ahead and commit are calls to the store, the look-up before
 * a create and the link-back are requests of their own: their calls are counted and timed. What guards an update against
 * overwriting somebody is measured against writing the same rows bare in bulk, once by locks and once by the link setting
 * that reads again just before (`tuning.writes`). One batch after the other, so that the times add up. Sandboxes and Tandem
 * share this process: compare the figures with each other and not with those of other scenarios.
 */
const { values } = parseArgs({
  options: { records: { type: 'string', default: '1000' }, latency: { type: 'string', default: '20' } },
})
const [records, latency] = [Number(values.records), Number(values.latency)]
const batch = 100

interface Calls {
  calls: number
  seconds: number
  /** What the sandboxes were asked meanwhile; of the call's own where no other is under way. */
  requests: number
}
const none: Calls = { calls: 0, seconds: 0, requests: 0 }

/** Counts and times every call of an object's methods that answers a promise. */
function timed<T extends object>(target: T, prefix: string, calls: Map<string, Calls>, asked: () => number): T {
  return new Proxy(target, {
    get(object, name, receiver) {
      const member: unknown = Reflect.get(object, name, receiver)
      if (typeof member !== 'function') return member
      return (...parameters: unknown[]) => {
        const [started, before] = [performance.now(), asked()]
        const answer: unknown = member.apply(object, parameters)
        if (!(answer instanceof Promise)) return answer
        return answer.finally(() => {
          const key = `${prefix} ${String(name)}`
          const sum = calls.get(key) ?? none
          calls.set(key, {
            calls: sum.calls + 1,
            seconds: sum.seconds + (performance.now() - started) / 1_000,
            requests: sum.requests + asked() - before,
          })
        })
      }
    },
  })
}

/** Requests that both sandboxes have answered so far. */
function requests(lab: Lab): number {
  return [...lab.alm.requests.values(), ...lab.octane.requests.values()].reduce((sum, one) => sum + one, 0)
}

interface Measured {
  seconds: number
  requests: number
}

async function measured(lab: Lab, body: () => Promise<unknown>): Promise<Measured> {
  const [started, before] = [performance.now(), requests(lab)]
  await body()
  return { seconds: (performance.now() - started) / 1_000, requests: requests(lab) - before }
}

async function run(lab: Lab): Promise<Measured & { calls: Map<string, Calls>; written: number }> {
  const calls = new Map<string, Calls>()
  const shell: Shell = {
    store: (store) => timed(store, 'store', calls, () => requests(lab)),
    connector: (connector) => timed(connector, connector.kind, calls, () => requests(lab)),
  }
  let written = 0
  const time = await measured(lab, async () => {
    const { counters } = await fullRun(lab, shell, 'changes')
    written = counters.createdRight + counters.updatedLeft + counters.updatedRight
  })
  return { ...time, calls, written }
}

/** Runs until nothing is left to look at. */
async function settle(lab: Lab): Promise<void> {
  for (let round = 0; round < 5; round++) if ((await fullRun(lab, undefined, 'changes')).counters.examined === 0) return
  throw new Error('the link does not come to rest')
}

const perThousand = ({ seconds, requests: count }: Measured) => ({
  requestsPer1000: round((count * 1_000) / records),
  secondsPer1000: round((seconds * 1_000) / records),
})

/** Some steps of a run: what they took, and their part of it. */
function steps(of: Awaited<ReturnType<typeof run>>, ...names: readonly string[]) {
  const all = names.map((name) => of.calls.get(name) ?? none)
  const sum = (key: keyof Calls) => all.reduce((total, one) => total + one[key], 0)
  return { seconds: sum('seconds'), requests: sum('requests'), calls: sum('calls'), share: sum('seconds') / of.seconds }
}

/** Store calls ask no endpoint for anything. */
function storeCall(of: Awaited<ReturnType<typeof run>>, name: string) {
  const { seconds, calls, share } = steps(of, `store ${name}`)
  return {
    ...perThousand({ seconds, requests: 0 }),
    storeCallsPer1000: (calls * 1_000) / records,
    shareOfRun: round(share),
  }
}

const minus = (one: Measured, other: Measured): Measured => ({
  seconds: one.seconds - other.seconds,
  requests: one.requests - other.requests,
})

async function inBatches<T>(rows: readonly T[], body: (some: readonly T[]) => Promise<void>): Promise<void> {
  for (let at = 0; at < rows.length; at += batch) await body(rows.slice(at, at + batch))
}

const folder = temporaryFolder('tandem-safeties')
const server = await startPostgres({ folder: path.join(folder, 'postgres'), port: 0 })
const admin = postgres(server.url, { max: 1, onnotice: () => undefined })
let databases = 0

async function createDatabase() {
  const name = `bench_${++databases}`
  await admin.unsafe(`create database ${name}`)
  const own = new URL(server.url)
  own.pathname = `/${name}`
  await migrate(own.href)
  return { url: own.href, drop: async () => void (await admin.unsafe(`drop database if exists ${name} with (force)`)) }
}

/** A lab whose link does not brake at so many records, with bare clients beside it. */
async function world(writes: 'lock' | 'bulk'): Promise<{ lab: Lab; left: RawAlm; right: RawOctane }> {
  const lab = await createLab({
    createDatabase,
    alm: { defects: records },
    link: (same) => ({
      ...same,
      tuning: { writes },
      brake: { changes: { count: records * 10, share: 1 }, deletions: { count: 10, share: 0.01 } },
    }),
  })
  lab.alm.faults.latencyMs = latency
  lab.octane.faults.latencyMs = latency
  return { lab, ...(await clients(lab)) }
}

async function clients({ alm, octane, store, linkId }: Lab): Promise<{ left: RawAlm; right: RawOctane }> {
  const link = await store.link(linkId)
  return {
    left: await rawAlm(
      { url: link.left.address.url, domain: alm.domain, project: alm.project, ...alm.credentials.user },
      1,
    ),
    right: await rawOctane(
      {
        url: link.right.address.url,
        sharedSpace: octane.sharedSpace,
        workspace: octane.workspace,
        ...octane.credentials.apiKey,
      },
      1,
    ),
  }
}

const expected = (what: string, written: number) => {
  if (written < records) throw new Error(`${what}: ${written} of ${records} were written`)
}

/** Renames all defects of a side, as people would; one field each. */
function edit(lab: Lab, side: 'left' | 'right', word: string): void {
  const sandbox = side === 'left' ? lab.alm : lab.octane
  for (const { id } of sandbox.records('defect')) sandbox.edit('defect', String(id), { name: `${word} ${id}` })
}

/** Creates, then updates of both sides, each beside the same rows written bare. */
async function scenario(writes: 'lock' | 'bulk') {
  const { lab, left, right } = await world(writes)
  try {
    say(`${records} creates from ALM to Octane (${writes})`)
    const created = await run(lab)
    expected('creates', created.written)
    await settle(lab)
    const ids = lab.alm.records('defect').map((record) => String(record.id))
    const twins = lab.octane.records('defect').map((record) => String(record.id))

    say('Updates of Octane')
    const bareRight = await measured(lab, () =>
      inBatches(twins, (some) => right.update(some.map((id) => ({ id, story_points: 1 })))),
    )
    const allFields = ['id', 'version_stamp', 'name', 'description', 'severity', 'phase', 'owner', 'story_points']
    const readBack = await measured(lab, () =>
      inBatches(twins, (some) =>
        right.update(
          some.map((id) => ({ id, story_points: 2 })),
          allFields,
        ),
      ),
    )
    await settle(lab)
    edit(lab, 'left', 'from the left')
    const toRight = await run(lab)
    expected('updates of Octane', toRight.written)
    await settle(lab)

    say(`Updates of ALM (${writes})`)
    const bareLeft = await measured(lab, () =>
      inBatches(ids, (some) => left.bulkUpdate(some.map((id) => ({ id, field: 'name', value: `bare ${id}` })))),
    )
    await settle(lab)
    edit(lab, 'right', 'from the right')
    const toLeft = await run(lab)
    expected('updates of ALM', toLeft.written)
    return { created, toRight, toLeft, bareLeft, bareRight, readBack }
  } finally {
    await Promise.all([left.close(), right.close()])
    await lab.close()
  }
}

try {
  const lock = await scenario('lock')
  const bulk = await scenario('bulk')
  const { created, toRight, toLeft } = lock
  process.stdout.write(
    `${JSON.stringify({
      bench: 'safeties',
      records,
      latency,
      batch,
      creates: {
        run: perThousand(created),
        lease: storeCall(created, 'claim'),
        writeAhead: storeCall(created, 'recordIntents'),
        commit: storeCall(created, 'commit'),
        lookUpBeforeCreate: perThousand(steps(created, 'octane find')),
        linkBack: perThousand(steps(created, 'alm update')),
      },
      updates: {
        run: perThousand(toRight),
        lease: storeCall(toRight, 'claim'),
        writeAhead: storeCall(toRight, 'recordIntents'),
        commit: storeCall(toRight, 'commit'),
        // Octane compares stamps itself: against the same rows written bare.
        nativeCompareAndSet: perThousand(minus(steps(toRight, 'octane update'), lock.bareRight)),
        readBack: perThousand(minus(lock.readBack, lock.bareRight)),
      },
      overwrites: {
        bare: perThousand(lock.bareLeft),
        lock: perThousand(minus(steps(toLeft, 'alm update'), lock.bareLeft)),
        reRead: perThousand(minus(steps(bulk.toLeft, 'alm update'), bulk.bareLeft)),
      },
    })}\n`,
  )
} finally {
  await admin.end()
  await server.stop()
  removeFolder(folder)
}
