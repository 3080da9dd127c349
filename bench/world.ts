import { spawn } from 'node:child_process'
import { createApiClient } from '../cli/api-client.ts'
import type { SandboxPlace } from '../standalone/demo-systems.ts'
import { removeFolder, temporaryFolder } from '../standalone/postgres.ts'
import { startStack } from '../standalone/stack.ts'
import { type RawAlm, type RawOctane, rawAlm, rawOctane } from './raw-clients.ts'

export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

export function round(value: number): number {
  return Math.round(value * 1_000) / 1_000
}

/** The same, with every number rounded. */
export function rounded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_key, one: unknown) => (typeof one === 'number' ? round(one) : one)))
}

/** Both sandboxes in a process of their own, with so many defects in ALM and so many milliseconds before each answer. */
export async function startSandboxes(
  defects: number,
  latency: number,
  /** Behaviours by switch. */
  switches: Readonly<Record<string, string>> = {},
): Promise<{ place: SandboxPlace; stop(): Promise<void> }> {
  const options = ['--json', '--defects', String(defects), '--octane-defects', '0', '--latency', String(latency)]
  for (const [name, value] of Object.entries(switches)) options.push('--set', `${name}=${value}`)
  const child = spawn(process.execPath, ['--import', 'tsx', 'sandbox/main.ts', ...options], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const place = await new Promise<SandboxPlace>((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      if (text.includes('\n')) resolve(JSON.parse(text) as SandboxPlace)
    })
    child.once('close', () => reject(new Error('the sandboxes did not start')))
  })
  return {
    place,
    stop: () =>
      new Promise((resolve) => {
        child.once('close', () => resolve())
        child.kill('SIGTERM')
      }),
  }
}

/** Bare clients of both systems, with so many connections each. */
export async function rawClients(
  { alm, octane }: SandboxPlace,
  connections: number,
): Promise<{ left: RawAlm; right: RawOctane }> {
  return {
    left: await rawAlm(
      { url: alm.url, domain: alm.domain, project: alm.project, ...alm.credentials.user },
      connections,
    ),
    right: await rawOctane(
      { url: octane.url, sharedSpace: octane.sharedSpace, workspace: octane.workspace, ...octane.credentials.apiKey },
      connections,
    ),
  }
}

export type BacklogType = { octane: 'epic' | 'feature' | 'story'; alm: string[] }

/** All parts of Tandem as processes of their own, with a link between the sandboxes that has passed its check; of defects, or of these types. */
export async function startTandem(place: SandboxPlace, types?: readonly BacklogType[]) {
  const folder = temporaryFolder('tandem-bench')
  const stack = await startStack({ data: folder, checklist: { step: (_what, body) => body(), say }, logLevel: 'warn' })
  const stop = async () => {
    await stack.stop()
    removeFolder(folder)
  }
  try {
    const api = createApiClient(stack.api)
    const left = await api.call('createEndpoint', {
      body: {
        name: 'alm',
        address: { kind: 'alm', url: place.alm.url, domain: place.alm.domain, project: place.alm.project },
        secret: { kind: 'password', ...place.alm.credentials.user },
      },
    })
    const { url, sharedSpace, workspace } = place.octane
    const right = await api.call('createEndpoint', {
      body: {
        name: 'octane',
        address: { kind: 'octane', url, sharedSpace, workspace },
        secret: { kind: 'api-key', ...place.octane.credentials.apiKey },
      },
    })
    const { link } = await api.call('createLink', {
      body: {
        name: 'bench',
        left: left.id,
        right: right.id,
        ...(types === undefined ? {} : { entityType: 'backlog', types: [...types] }),
      },
    })
    /** Gives a command and waits for the end of its run; seconds are the run's own, from its begin to its end. */
    const run = async (command: 'check' | 'simulate' | 'run' | 'full') => {
      const { runId } = await api.call('commandLink', { params: { id: link.id }, body: { command } })
      for (;;) {
        const found = await api.call('getRun', { params: { id: runId ?? '' } }).catch(() => null)
        if (found !== null && found.status !== 'running')
          return { ...found, seconds: (Date.parse(found.endedAt ?? '') - Date.parse(found.startedAt)) / 1_000 }
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
    const { seconds: checkSeconds } = await run('check')
    return { run, stack, api, linkId: link.id, checkSeconds, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** How often the first run may be followed by others before everything is at rest. */
const mostRounds = 10

/**
 * Both systems with so many pairs in step, by a real first run that its simulation has approved; 100,000 take some minutes.
 * What the first run wrote is seen once more as an echo, and what it left for later is waited for, until all is at rest.
 */
export async function startPaired(pairs: number, latency: number) {
  const sandboxes = await startSandboxes(pairs, latency)
  const tandem = await startTandem(sandboxes.place)
  const simulated = await tandem.run('simulate')
  if (simulated.status !== 'passed') throw new Error(`the simulation: ${simulated.message ?? simulated.status}`)
  const first = await tandem.run('run')
  if (first.counters.createdRight !== pairs)
    throw new Error(`created ${first.counters.createdRight} of ${pairs}: ${first.message ?? first.status}`)
  for (let round = 0; ; round++) {
    const { counters } = await tandem.run('run')
    if (counters.examined === 0) break
    if (round === mostRounds) throw new Error(`no rest after the first run: ${JSON.stringify(counters)}`)
  }
  return {
    ...sandboxes,
    tandem,
    stop: async () => {
      await tandem.stop()
      await sandboxes.stop()
    },
  }
}

/** Asks the control port of the sandboxes. */
export async function control(place: SandboxPlace, path: string, body: object): Promise<unknown> {
  const answer = await fetch(`${place.control}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

/** Lets time pass for the clocks of both systems: what was written before is not among the latest changes any more. */
export async function letPass(place: SandboxPlace, hours: number): Promise<void> {
  for (const system of ['alm', 'octane']) await control(place, '/clock', { system, offsetMs: hours * 3_600_000 })
}

/** How many requests each system got, by method and path, since they were last forgotten. */
export async function requestsOf(place: SandboxPlace): Promise<Record<string, Record<string, number>>> {
  return (await (await fetch(`${place.control}/requests`)).json()) as Record<string, Record<string, number>>
}

export function totalOf(requests: Record<string, Record<string, number>>): number {
  return Object.values(requests)
    .flatMap((one) => Object.values(one))
    .reduce((sum, count) => sum + count, 0)
}

export async function forgetRequests(place: SandboxPlace): Promise<void> {
  await fetch(`${place.control}/requests`, { method: 'DELETE' })
}
