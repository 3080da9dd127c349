import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { SandboxPlace } from '../standalone/demo-systems.ts'
import { cpuBetween, cpuSeconds, runBreakdown } from './breakdown.ts'
import { type Level, type RawFile, rawBacklog } from './raw-backlog.ts'
import {
  type BacklogType,
  control,
  forgetRequests,
  requestsOf,
  round,
  rounded,
  say,
  startSandboxes,
  startTandem,
  totalOf,
} from './world.ts'

/**
 * The first synchronization of a whole backlog from Octane to ALM: items in three levels, a file (and a comment) at each
 * story. Against the floor: the same reads and writes in bulk with the same concurrency, level by level, and the files as
 * streams, with nothing else. Then one large file each way, with the bridge's memory above what it had at rest.
 */

/** As many requests at a time as a connector of Tandem uses by default. */
const concurrency = 4
const batch = 100

const { values } = parseArgs({
  options: {
    /** 5,000 items with 1 GB of files. */
    full: { type: 'boolean', default: false },
    items: { type: 'string' },
    /** Bytes of all files together, in megabytes. */
    megabytes: { type: 'string' },
    /** Size of the one large file, in megabytes. */
    large: { type: 'string', default: '200' },
    /** A comment at each story as well. */
    comments: { type: 'boolean', default: false },
    latency: { type: 'string', default: '0' },
  },
})
const items = Number(values.items ?? (values.full ? 5_000 : 500))
const megabyte = 1_048_576
const epics = Math.max(1, Math.round(items / 100))
const features = Math.max(1, Math.round(items / 11))
const stories = items - epics - features
const bytesOfFile = Math.round((Number(values.megabytes ?? (values.full ? 1_000 : 100)) * megabyte) / stories)
const latency = Number(values.latency)

const types: BacklogType[] = [
  { octane: 'epic', alm: ['Business'] },
  { octane: 'feature', alm: ['Functional'] },
  { octane: 'story', alm: ['User Story'] },
]
const levels: { level: Level; typeId: string }[] = [
  { level: 'epics', typeId: '4' },
  { level: 'features', typeId: '3' },
  { level: 'stories', typeId: '101' },
]

/** Both systems, with a backlog in Octane and as much room for files as the large one takes. */
async function startBacklog() {
  const sandboxes = await startSandboxes(0, latency, { 'octane.attachmentMaximum': String(4_096 * megabyte) })
  const made = await control(sandboxes.place, '/octane/world', {
    epics,
    features,
    stories,
    commentsEach: values.comments ? 1 : 0,
    attachmentsEach: 1,
    attachmentBytes: bytesOfFile,
  })
  say(`  ${JSON.stringify(made)}`)
  return sandboxes
}

async function atATime<T>(all: readonly T[], body: (one: T) => Promise<void>): Promise<void> {
  const left = [...all]
  const work = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await body(one)
  }
  await Promise.all(Array.from({ length: concurrency }, work))
}

function chunksOf(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / batch) }, (_, index) =>
    ids.slice(index * batch, (index + 1) * batch),
  )
}

/** Seconds of nothing but the requests. */
async function floor(): Promise<number> {
  const { place, stop } = await startBacklog()
  const raw = await rawBacklog(place, concurrency)
  const started = performance.now()
  const twins = new Map<string, string>()
  const files: RawFile[] = []
  for (const { level, typeId } of levels)
    await atATime(chunksOf(await raw.ids(level)), async (chunk) => {
      const rows = await raw.read(level, chunk, values.comments)
      const created = await raw.create(
        rows.map((row) => ({ ...row, typeId, parentId: twins.get(row.parent ?? '') ?? '0' })),
      )
      rows.forEach((row, index) => {
        twins.set(row.id, created[index] ?? '')
      })
      const { domain, project } = place.alm
      await raw.linkBack(
        level,
        rows.map(({ id }) => ({ id, reference: `${domain}/${project}/requirement/${twins.get(id)}` })),
      )
      files.push(...(await raw.files(chunk)))
    })
  await atATime(files, (file) => raw.carry(file, twins.get(file.owner) ?? ''))
  const seconds = (performance.now() - started) / 1_000
  if (twins.size !== items || files.length !== stories) throw new Error(`carried ${twins.size}, ${files.length} files`)
  await raw.close()
  await stop()
  return seconds
}

/** A process's memory now and at its highest since it was last forgotten, in megabytes. */
function memoryOf(pid: number | undefined): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const value = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1_024)
  return { now: value('VmRSS'), peak: value('VmHWM') }
}

function forgetPeak(pid: number | undefined): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

async function firstIdOf(place: SandboxPlace): Promise<{ story: string; requirement: string }> {
  const raw = await rawBacklog(place, 1)
  const [story] = await raw.ids('stories')
  await raw.close()
  const truth = (await (await fetch(`${place.control}/truth?since=0`)).json()) as {
    system: string
    type: string
    action: string
    id: string
  }[]
  const created = truth.findLast(
    (entry) => entry.system === 'alm' && entry.action === 'create' && entry.type === 'requirement',
  )
  return { story: story ?? '', requirement: created?.id ?? '' }
}

async function tandem() {
  const { place, stop } = await startBacklog()
  const world = await startTandem(place, types)
  const { run, stack } = world
  const bridge = stack.bridge.pid()
  try {
    await run('simulate')
    await forgetRequests(place)
    const cpu = cpuSeconds()
    const done = await run('run')
    const used = cpuBetween(cpu, cpuSeconds())
    const counted = await requestsOf(place)
    const uploads = Object.entries(counted.alm ?? {}).flatMap(([key, count]) =>
      key.startsWith('POST') && key.includes('attachments') ? [count] : [],
    )
    const carried = uploads.reduce((sum, count) => sum + count, 0)
    if (done.counters.createdLeft !== items || carried !== stories)
      throw new Error(`created ${done.counters.createdLeft}, ${carried} files: ${done.message ?? done.status}`)
    const peak = memoryOf(bridge).peak
    const breakdown = await runBreakdown(stack.temporalAddress, done.id)
    say(`  ${done.seconds} s; one file of ${values.large} MB each way`)
    await run('run')
    return { seconds: done.seconds, requests: totalOf(counted), counted, breakdown, used, peak, large: await large() }
  } finally {
    await world.stop()
    await stop()
  }

  /** Megabytes that one large file takes above the idle bridge, by where it goes, and its seconds. */
  async function large() {
    const { story, requirement } = await firstIdOf(place)
    const size = Number(values.large) * megabyte
    const results: Record<string, unknown> = {}
    for (const to of ['alm', 'octane'] as const) {
      // What the run before it left behind is given back meanwhile, or counts as idle.
      await new Promise((resolve) => setTimeout(resolve, 10_000))
      const idle = memoryOf(bridge).now
      if (to === 'alm')
        await control(place, '/octane/attachments', { owner: { type: 'story', id: story }, name: 'large.bin', size })
      else
        await control(place, '/attachments', {
          system: 'alm',
          type: 'requirement',
          id: requirement,
          name: 'large.log',
          size,
        })
      forgetPeak(bridge)
      await forgetRequests(place)
      const { seconds, message, status } = await run('full')
      const asked = await requestsOf(place)
      const writes = Object.entries(asked[to] ?? {}).filter(
        ([key]) => key.startsWith('POST') && key.includes('attachments'),
      )
      if (writes.length !== 1) throw new Error(`the large file did not go to ${to}: ${message ?? status}`)
      const { peak } = memoryOf(bridge)
      results[`to ${to}`] = { idle, peak, above: peak - idle, seconds }
    }
    return results
  }
}

say(`The floor: ${epics} epics, ${features} features, ${stories} stories, each with ${bytesOfFile} bytes`)
const floorSeconds = await floor()
say(`  ${floorSeconds.toFixed(1)} s`)
say('Tandem')
const ours = await tandem()
process.stdout.write(
  `${JSON.stringify({
    bench: 'backlog',
    items,
    files: stories,
    comments: values.comments ? stories : 0,
    bytes: bytesOfFile * stories,
    latency,
    ratioToFloor: round(floorSeconds / ours.seconds),
    floorSeconds: round(floorSeconds),
    tandemSeconds: ours.seconds,
    requestsPerItem: round(ours.requests / items),
    requests: ours.counted,
    breakdown: rounded({ run: ours.breakdown, cpuSeconds: ours.used }),
    peakMegabytes: ours.peak,
    large: ours.large,
  })}\n`,
)
