import { afterEach, describe, expect, it } from 'vitest'
import { createAlmSandbox } from '../sandbox/alm/server.ts'
import { createOctaneSandbox } from '../sandbox/octane/server.ts'
import { connect } from './connect.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function alm(switches: Record<string, string> = {}, writes: 'lock' | 'bulk' = 'lock') {
  const sandbox = createAlmSandbox({ version: '26.1', seed: 1, defects: 2, switches })
  const { url } = await sandbox.listen()
  const address = { kind: 'alm' as const, url, domain: sandbox.domain, project: sandbox.project }
  const connector = connect(address, { kind: 'password', ...sandbox.credentials.user }, { writes })
  open.push(sandbox, connector)
  return { sandbox, connector }
}

async function octane(defects = 2) {
  const sandbox = createOctaneSandbox({ seed: 1, defects })
  const { url } = await sandbox.listen()
  const address = { kind: 'octane' as const, url, sharedSpace: sandbox.sharedSpace, workspace: sandbox.workspace }
  const connector = connect(address, { kind: 'api-key', ...sandbox.credentials.apiKey }, { writes: 'lock' })
  open.push(sandbox, connector)
  return { sandbox, connector }
}

describe('what an ALM user may do', () => {
  it('is told by the server for each action and field', async () => {
    const { sandbox, connector } = await alm()
    const [all] = await connector.inspect('defect')
    expect(all).toMatchObject({
      entityType: 'defect',
      label: 'Defect',
      may: { read: 'yes', create: 'yes', update: 'yes', delete: 'yes', lock: 'yes' },
      visible: 2,
      reacts: { workflow: true },
    })
    expect(all?.frozen).not.toContain('severity')
    expect(all?.roles.length).toBeGreaterThan(0)
    sandbox.permissions.deny({ type: 'defect', action: 'create' })
    sandbox.permissions.deny({ type: 'defect', action: 'delete' })
    sandbox.permissions.deny({ type: 'defect', action: 'lock' })
    sandbox.permissions.hideField({ type: 'defect', field: 'severity' })
    const [some] = await connector.inspect('defect')
    expect(some?.may).toEqual({ read: 'yes', create: 'no', update: 'yes', delete: 'no', lock: 'no' })
    expect(some?.frozen).toContain('severity')
    sandbox.permissions.deny({ type: 'defect', action: 'read' })
    expect((await connector.inspect('defect'))[0]).toMatchObject({ may: { read: 'no' }, visible: 0 })
  })

  it('stays unknown on a server that does not tell; a type is told apart from the others', async () => {
    const { connector } = await alm({ entityPermissions: 'no' })
    expect((await connector.inspect('defect'))[0]).toMatchObject({
      may: { read: 'yes', create: 'unknown', update: 'unknown', delete: 'unknown', lock: 'unknown' },
      frozen: [],
    })
    const types = await connector.inspect('release_plan')
    expect(types.map((one) => one.entityType)).toEqual(['release', 'release-cycle'])
  })

  it('need not include locking where nothing is locked', async () => {
    const { sandbox, connector } = await alm({}, 'bulk')
    sandbox.permissions.deny({ type: 'defect', action: 'lock' })
    expect((await connector.inspect('defect'))[0]?.may.lock).toBe('yes')
  })
})

describe('what an Octane user may do', () => {
  it('is asked for with requests that cannot succeed, and nothing is written', async () => {
    const { sandbox, connector } = await octane()
    const before = sandbox.truth.entries().length
    const [all] = await connector.inspect('defect')
    expect(all).toMatchObject({
      label: 'Defect',
      may: { read: 'yes', create: 'not-refused', update: 'not-refused', delete: 'unknown' },
      roles: ['Integration'],
      visible: 2,
      reacts: { mails: true, rules: true, workflow: true },
    })
    sandbox.permissions.deny({ type: 'defect', action: 'create' })
    expect((await connector.inspect('defect'))[0]?.may).toMatchObject({ create: 'no', update: 'not-refused' })
    sandbox.permissions.clear()
    sandbox.permissions.deny({ type: 'defect', action: 'update' })
    expect((await connector.inspect('defect'))[0]?.may).toMatchObject({ create: 'not-refused', update: 'no' })
    // A type that may not be read looks empty.
    sandbox.permissions.deny({ type: 'defect', action: 'read' })
    expect((await connector.inspect('defect'))[0]).toMatchObject({ may: { read: 'unknown' }, visible: 0 })
    expect(sandbox.truth.entries()).toHaveLength(before)
    expect([...sandbox.requests.keys()].filter((key) => key.startsWith('DELETE'))).toEqual([])
  })

  it('comes with what may stand above each type', async () => {
    const { connector } = await octane(0)
    const under = Object.fromEntries(
      (await connector.inspect('backlog_item')).map((one) => [one.entityType, one.standsUnder]),
    )
    expect(under).toEqual({
      epic: ['work_item_root'],
      feature: ['epic'],
      story: expect.arrayContaining(['feature', 'work_item_root']),
    })
  })
})
