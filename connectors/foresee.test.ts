import { afterEach, describe, expect, it } from 'vitest'
import { type AlmOptions, createAlmSandbox } from '../sandbox/alm/server.ts'
import { createOctaneSandbox, type OctaneOptions } from '../sandbox/octane/server.ts'
import { connect } from './connect.ts'
import type { Connector, ForeseenWrite } from './contract.ts'

const open: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function startAlm(options: Partial<AlmOptions> = {}) {
  const sandbox = createAlmSandbox({ version: '26.1', seed: 1, defects: 4, ...options })
  const { url } = await sandbox.listen()
  const address = { kind: 'alm' as const, url, domain: sandbox.domain, project: sandbox.project }
  const connector = connect(address, { kind: 'password', ...sandbox.credentials.user }, { writes: 'lock' })
  open.push(connector, sandbox)
  return { sandbox, connector }
}

async function startOctane(options: Partial<OctaneOptions> = {}) {
  const sandbox = createOctaneSandbox({ seed: 1, defects: 3, ...options })
  const { url } = await sandbox.listen()
  const { sharedSpace, workspace } = sandbox
  const address = { kind: 'octane' as const, url, sharedSpace, workspace }
  const connector = connect(address, { kind: 'api-key', ...sandbox.credentials.apiKey }, { writes: 'lock' })
  open.push(connector, sandbox)
  return { sandbox, connector }
}

async function codes(connector: Connector, type: string, rows: readonly ForeseenWrite[]): Promise<string[][]> {
  const told = (await connector.foresee?.(type, rows)) ?? []
  return told.map((problems) => problems.map((problem) => `${problem.code}${problem.field ?? ''}`))
}

const update = (id: string, more: Partial<ForeseenWrite> = {}): ForeseenWrite => ({
  action: 'update',
  id,
  fields: { name: 'x' },
  before: {},
  ...more,
})

describe('what ALM would refuse', () => {
  it('is a write to what a person has open, asked for in one request for all', async () => {
    const { sandbox, connector } = await startAlm()
    sandbox.edit('defect', '2', { name: 'open' }, { actor: 'ann', holdLockMs: 60_000 })
    const rows = [update('1'), update('2'), update('2', { alongside: true }), update('3', { action: 'delete' })]
    expect(await codes(connector, 'defect', rows)).toEqual([[], ['locked'], ['locked'], []])
    const asked = [...sandbox.requests].filter(([path]) => path.includes('lock'))
    expect(asked.map(([, count]) => count)).toEqual([1])
  })

  it('is asked for record by record where the server lists no locks, for what is written by itself', async () => {
    const { sandbox, connector } = await startAlm({ switches: { lockList: 'no' } })
    sandbox.edit('defect', '2', { name: 'open' }, { actor: 'ann', holdLockMs: 60_000 })
    const create: ForeseenWrite = { action: 'create', id: null, fields: { name: 'new' }, before: {} }
    const rows = [create, update('1'), update('2'), update('2', { alongside: true })]
    expect(await codes(connector, 'defect', rows)).toEqual([[], [], ['locked'], []])
  })
})

describe('what Octane would refuse', () => {
  it('is a phase to which no way leads through the transitions, and no other', async () => {
    const { connector } = await startOctane()
    const move = (from: string, to: string): ForeseenWrite =>
      update('1', { fields: { phase: `phase.defect.${to}` }, before: { phase: `phase.defect.${from}` } })
    const rows = [move('opened', 'new'), move('new', 'closed'), move('new', 'new'), update('1')]
    expect(await codes(connector, 'defect', rows)).toEqual([['transition-refusedphase'], [], [], []])
  })

  it('is told of the members of a type that stands for several', async () => {
    const { connector } = await startOctane()
    const move = (recordType: string, from: string, to: string): ForeseenWrite =>
      update('1', {
        recordType,
        fields: { phase: `phase.${recordType}.${to}` },
        before: { phase: `phase.${recordType}.${from}`, subtype: recordType },
      })
    const rows = [move('story', 'done', 'new'), move('feature', 'done', 'new'), move('story', 'new', 'done')]
    expect(await codes(connector, 'backlog_item', rows)).toEqual([['transition-refusedphase'], [], []])
  })
})
