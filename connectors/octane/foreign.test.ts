import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { connect } from '../connect.ts'
import { ConnectorError } from '../contract.ts'

it('a server that is not Octane is said to be none, whatever it finds wrong with a sign-in', async () => {
  for (const [status, body] of [
    [400, '{"message":"missing csrf token in request header"}'],
    [405, '{}'],
    [404, '{}'],
  ] as const) {
    const server = createServer((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const address = { kind: 'octane' as const, url, sharedSpace: '1001', workspace: '1002' }
    const connector = connect(address, { kind: 'password', user: 'u', password: 'p' }, { writes: 'lock' })
    const error: unknown = await connector.testConnection().catch((one: unknown) => one)
    expect(error instanceof ConnectorError ? error.problem.code : error).toBe('not-octane')
    await connector.close()
    server.closeAllConnections()
    server.close()
  }
})
