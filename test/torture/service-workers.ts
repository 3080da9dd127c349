import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { NativeConnection } from '@temporalio/worker'
import { guardWard } from '../../standalone/guard.ts'
import { registerSearchAttributes } from '../../worker/register-search-attributes.ts'
import { type Service, workflowBundle } from '../service.ts'
import type { ServiceProcessOrder } from './service-process.ts'

type Role = ServiceProcessOrder['role']
const program = path.join(import.meta.dirname, 'service-process.ts')

/** Worker processes of a service, each of which may be killed by the system at any time and started anew. */
export async function startWorkerProcesses(service: Service, folder: string) {
  const bundle = path.join(folder, `workflows-${process.pid}.js`)
  writeFileSync(bundle, (await workflowBundle()).code)
  const connection = await NativeConnection.connect({ address: service.wiring.temporalAddress })
  await registerSearchAttributes(connection, 'default')
  await connection.close()
  const logs: string[] = []
  const running = new Map<Role, { child: ChildProcess; ended: Promise<void>; dismiss(): void }>()
  let kills = 0

  async function start(role: Role): Promise<void> {
    const order: ServiceProcessOrder = { role, ...service.wiring, bundle, leaseSeconds: 4 }
    const child = spawn(process.execPath, ['--import', 'tsx', program], {
      env: { ...process.env, SERVICE_ORDER: JSON.stringify(order) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { pid } = child
    if (pid === undefined) throw new Error(`the ${role} process cannot be started`)
    const dismiss = guardWard({ pid, signal: 'SIGTERM' })
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    running.set(role, { child, ended, dismiss })
    child.stderr?.on('data', (text: Buffer) => void logs.push(text.toString('utf8')))
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (text: Buffer) => {
        logs.push(text.toString('utf8'))
        if (text.includes('"ready":true')) resolve()
      })
      void ended.then(() => reject(new Error(`the ${role} process ended at once: ${logs.slice(-3).join('')}`)))
    })
  }

  async function end(role: Role, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const found = running.get(role)
    if (found === undefined) return
    running.delete(role)
    found.child.kill(signal)
    await found.ended
    found.dismiss()
  }

  await Promise.all([start('central'), start('bridge')])
  return {
    /** What the processes logged. */
    logs,
    kills: () => kills,
    /** Ends a process as a power cut would, and starts another one. */
    kill: async (role: Role) => {
      kills++
      await end(role, 'SIGKILL')
      await start(role)
    },
    close: async () => {
      await Promise.all([end('central', 'SIGKILL'), end('bridge', 'SIGKILL')])
    },
  }
}

export type WorkerProcesses = Awaited<ReturnType<typeof startWorkerProcesses>>
