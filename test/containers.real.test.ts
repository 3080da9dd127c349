import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { parse } from 'yaml'
import { readBridgeEnvironment, readCentralEnvironment } from '../worker/environment.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { createTestNamespace } from './namespace.ts'

interface Service {
  command?: string[]
  environment?: Record<string, string | null>
  ports?: string[]
  volumes?: string[]
  network_mode?: string
  image?: string
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
}

const root = path.resolve(import.meta.dirname, '..')
const compose = parse(readFileSync(path.join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Record<string, Service>
  volumes: Record<string, unknown>
}
const services = Object.entries(compose.services)

/** A service's settings as the process would see them; variables of the caller take a plain value or their default. */
function environmentOf(service: Service): Record<string, string> {
  return Object.fromEntries(
    Object.entries(service.environment ?? {}).flatMap(([name, value]) =>
      value === null
        ? []
        : [
            [
              name,
              value.replace(/\$\{[A-Z_]+(?::-([^}]*))?(?::\?[^}]*)?\}/g, (_all, byDefault) => byDefault ?? 'secret'),
            ],
          ],
    ),
  )
}

describe('docker-compose.yml', () => {
  it('publishes every port on the loopback address only', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? [])
    expect(ports.length).toBeGreaterThan(0)
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
  })

  it('names only volumes and services that exist, and images with a version', () => {
    for (const [, service] of services) {
      for (const volume of service.volumes ?? []) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0])
      for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
        expect(Object.keys(compose.services)).toContain(needed)
        if (condition === 'service_healthy') expect(compose.services[needed]?.healthcheck).toBeDefined()
      }
      expect(service.image).toMatch(/:[\d.]+$/)
    }
  })

  it('gives each process an environment that it accepts', () => {
    const of = (name: string) => environmentOf(compose.services[name] ?? {})
    expect(readCentralEnvironment(of('central'))).toMatchObject({ TEMPORAL_ADDRESS: '127.0.0.1:8711' })
    expect(readBridgeEnvironment(of('bridge'))).toMatchObject({ TANDEM_BRIDGE_ID: 'built-in' })
    expect(of('api')).toMatchObject({ TANDEM_API_HOST: '127.0.0.1', TANDEM_BRIDGE_ID: 'built-in' })
  })
})

describe('the compiled program', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tandem-compiled-'))
  const children: ChildProcess[] = []
  let database: TestDatabase

  beforeAll(async () => {
    const built = spawnSync('npm', ['run', 'build'], { cwd: root, encoding: 'utf8' })
    if (built.status !== 0) throw new Error(`npm run build failed:\n${built.stdout}\n${built.stderr}`)
    database = await createTestDatabase()
  })

  afterAll(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    }
    await database.drop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Starts a service of the compose file as its own command says, and answers its line of readiness. */
  async function ready(name: string, settings: Record<string, string>): Promise<Record<string, unknown>> {
    const [, file = ''] = compose.services[name]?.command ?? []
    const child = spawn(process.execPath, [path.join(root, file)], {
      env: { PATH: process.env.PATH, ...environmentOf(compose.services[name] ?? {}), ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.push(child)
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
    })
    return new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)))
      child.once('exit', (code) => reject(new Error(`${name} ended with ${code}:\n${errors}`)))
    })
  }

  it('starts every process of the compose file', async () => {
    const [, keys = ''] = compose.services.keys?.command ?? []
    const made = spawnSync(process.execPath, [path.join(root, keys), folder, 'built-in'], { encoding: 'utf8' })
    expect(made.stderr).toBe('')
    const [privateFile = '', publicFile = ''] = made.stdout.trim().split('\n')
    expect(existsSync(privateFile)).toBe(true)
    expect(Object.keys(JSON.parse(readFileSync(publicFile, 'utf8')))).not.toContain('d')
    const shared = {
      TANDEM_DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: await createTestNamespace(),
    }
    const central = await ready('central', shared)
    const bridge = await ready('bridge', {
      ...shared,
      TANDEM_BRIDGE_ID: 'compiled',
      TANDEM_BRIDGE_KEY_FILE: privateFile,
    })
    const api = await ready('api', {
      ...shared,
      TANDEM_API_PORT: '0',
      TANDEM_BRIDGE_ID: 'compiled',
      TANDEM_BRIDGE_PUBLIC_KEY_FILE: publicFile,
    })
    expect([central.role, bridge.role, api.role]).toEqual(['central', 'bridge', 'api'])
    const health = (await (await fetch(`${api.url}/api/v1/health`)).json()) as Record<string, unknown>
    expect(health).toMatchObject({ database: 'ok', temporal: 'ok' })
  })
})
