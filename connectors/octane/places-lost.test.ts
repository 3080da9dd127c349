import { afterEach, describe, expect, it } from 'vitest'
import { createOctaneSandbox } from '../../sandbox/octane/server.ts'
import { connect } from '../connect.ts'
import { ConnectorError } from '../contract.ts'

let open: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  for (const one of open) await one.close()
  open = []
})

async function start(switches: Record<string, string>) {
  const sandbox = createOctaneSandbox({ seed: 1, defects: 4, switches })
  const { url } = await sandbox.listen()
  const address = { kind: 'octane' as const, url, sharedSpace: sandbox.sharedSpace, workspace: sandbox.workspace }
  const secret = { kind: 'api-key' as const, ...sandbox.credentials.apiKey }
  const connector = connect(address, secret, { writes: 'lock' })
  open.push(connector, sandbox)
  return { sandbox, connector, ids: sandbox.records('defect').map(({ id }) => id) }
}

const problemOf = async (work: Promise<unknown>) => {
  const error = await work.then(
    (value) => value,
    (reason: unknown) => reason,
  )
  return error instanceof ConnectorError ? error.problem : error
}

describe('a workspace that is gone, or not for this user', () => {
  for (const switches of [
    { missingWorkspace: 'address' },
    { missingWorkspace: 'entity' },
    { foreignWorkspaceStatus: '403' },
    { foreignWorkspaceStatus: '401' },
    { foreignWorkspaceStatus: '404' },
  ])
    it(`is told as that, and no record counts as deleted (${JSON.stringify(switches)})`, async () => {
      const { sandbox, connector, ids } = await start(switches)
      await connector.describe('defect')
      if ('missingWorkspace' in switches) sandbox.permissions.vanished = true
      else sandbox.permissions.shutOut(sandbox.credentials.apiKey.clientId)
      for (const work of [
        () => connector.testConnection(),
        () => connector.scan({ entityType: 'defect', since: null, afterId: null, limit: 10 }),
        () => connector.read('defect', ids, ['name']),
      ])
        expect(['forbidden', 'auth']).toContain(((await problemOf(work())) as { class: string }).class)
      const evidence = await connector.confirmGone('defect', ids.slice(0, 2), ids.slice(2))
      expect(JSON.stringify(evidence)).not.toContain('"gone"')
      const [row] = await connector.update(
        'defect',
        [
          {
            id: ids[0] ?? '',
            fields: { name: 'x' },
            expected: { modified: null, version: null },
            compareAndSet: false,
          },
        ],
        [],
      )
      expect(row).toMatchObject({ outcome: 'refused' })
      expect((row as { problem: { class: string } }).problem.class).not.toBe('missing')
      const signIns = [...sandbox.requests].find(([key]) => key.includes('sign_in'))?.[1]
      expect(signIns).toBeLessThan(8)
    })
})
