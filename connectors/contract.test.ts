import { createAlmSandbox } from '../sandbox/alm/server.ts'
import { createOctaneSandbox } from '../sandbox/octane/server.ts'
import { connect } from './connect.ts'
import { contractSuite, type Subject, type SubjectFault } from './contract.suite.ts'
import { createMemoryConnector } from './memory/connector.ts'
import { createMemorySystem } from './memory/system.ts'

const methods = { read: 'GET', create: 'POST', update: 'PUT', delete: 'DELETE' } as const

interface Faulty {
  faults: {
    add(rule: { match: { method: string; path: string }; kind: never; times?: number; retryAfter?: number }): string
  }
}

function strike(sandbox: Faulty, on: keyof typeof methods, kind: SubjectFault, times = 1): void {
  sandbox.faults.add({
    match: { method: methods[on], path: '/defects' },
    kind: kind as never,
    times,
    ...(kind === 'throttle' ? { retryAfter: 0 } : {}),
  })
}

/** How often somebody signed in, by the requests that were answered. */
function signIns(requests: ReadonlyMap<string, number>, path: RegExp): number {
  return [...requests].reduce((sum, [key, count]) => (path.test(key) ? sum + count : sum), 0)
}

async function alm(version: '12.5' | '26.1', writes: 'lock' | 'bulk'): Promise<Subject> {
  const sandbox = createAlmSandbox({ version, seed: 1, defects: 0 })
  const { url } = await sandbox.listen()
  const address = { kind: 'alm' as const, url, domain: sandbox.domain, project: sandbox.project }
  const { user, password } = sandbox.credentials.user
  const connector = connect(address, { kind: 'password', user, password }, { writes })
  const needed = { severity: '2-Medium', 'detected-by': 'ann', 'creation-time': '2026-03-01', status: 'New' }
  return {
    connector,
    entityType: 'defect',
    fields: {
      title: 'name',
      text: 'description',
      number: 'estimated-fix-time',
      list: { name: 'severity', values: ['1-Low', '3-High'], unknown: '9-Cosmic' },
      user: { name: 'owner', key: 'ann' },
      date: { name: 'closing-date', value: '2026-02-28' },
      reference: 'user-01',
    },
    needed,
    required: 'detected-by',
    person: {
      create: (title) => String(sandbox.create('defect', { ...needed, name: title }).id),
      edit: (id, title) => void sandbox.edit('defect', id, { name: title }),
      remove: (id) => void sandbox.remove('defect', id),
    },
    fault: (on, kind, times) => strike(sandbox as unknown as Faulty, on, kind, times),
    expire: () => sandbox.expireSessions(),
    signIns: () => signIns(sandbox.requests, /authentication-point\/(alm-)?authenticate/),
    withWrongPassword: () => connect(address, { kind: 'password', user, password: 'not the pass-word' }, { writes }),
    secret: 'not the pass-word',
    close: () => sandbox.close(),
  }
}

async function octane(): Promise<Subject> {
  const sandbox = createOctaneSandbox({ seed: 1, defects: 0 })
  const { url } = await sandbox.listen()
  const address = { kind: 'octane' as const, url, sharedSpace: sandbox.sharedSpace, workspace: sandbox.workspace }
  const { clientId, clientSecret } = sandbox.credentials.apiKey
  const connector = connect(address, { kind: 'api-key', clientId, clientSecret }, { writes: 'lock' })
  return {
    connector,
    entityType: 'defect',
    fields: {
      title: 'name',
      text: 'description',
      number: 'story_points',
      list: {
        name: 'severity',
        values: ['list_node.severity.low', 'list_node.severity.high'],
        unknown: 'list_node.severity.cosmic',
      },
      user: { name: 'owner', key: '1002' },
      date: { name: 'closed_on', value: '2026-02-28T23:30:00Z' },
      reference: 'alm_id_udf',
    },
    needed: {},
    required: 'name',
    person: {
      create: (title) => sandbox.create('defect', { name: title }).id,
      edit: (id, title) => void sandbox.edit('defect', id, { name: title }),
      remove: (id) => void sandbox.remove('defect', id),
    },
    fault: (on, kind, times) => strike(sandbox as unknown as Faulty, on, kind, times),
    expire: () => sandbox.expireSessions(),
    signIns: () => signIns(sandbox.requests, /POST .*sign_in/),
    withWrongPassword: () =>
      connect(address, { kind: 'api-key', clientId, clientSecret: 'not the se-cret' }, { writes: 'lock' }),
    secret: 'not the se-cret',
    close: () => sandbox.close(),
  }
}

async function memory(): Promise<Subject> {
  let now = Date.parse('2026-03-01T12:00:00Z')
  const system = createMemorySystem({
    now: () => {
      now += 1_000
      return now
    },
  })
  return {
    connector: createMemoryConnector(system, { user: 'sync', password: system.password }),
    entityType: 'defect',
    fields: {
      title: 'name',
      text: 'text',
      number: 'effort',
      list: { name: 'level', values: ['low', 'high'], unknown: 'cosmic' },
      user: { name: 'owner', key: 'ann' },
      date: { name: 'due', value: '2026-02-28' },
      reference: 'twin',
    },
    needed: {},
    required: 'name',
    person: {
      create: (title) => system.create({ name: title }).id,
      edit: (id, title) => void system.edit(id, { name: title }),
      remove: (id) => void system.records.delete(id),
    },
    fault: (on, kind, times) => system.faults.add({ on, kind, ...(times === undefined ? {} : { times }) }),
    expire: () => system.expire(),
    signIns: () => system.signIns,
    withWrongPassword: () => createMemoryConnector(system, { user: 'sync', password: 'not the password' }),
    secret: 'not the password',
    close: async () => undefined,
  }
}

contractSuite('ALM 12.5', () => alm('12.5', 'lock'))
contractSuite('ALM 26.1', () => alm('26.1', 'lock'))
contractSuite('ALM 26.1 with bulk writes', () => alm('26.1', 'bulk'))
contractSuite('Octane', octane)
contractSuite('memory', memory)
