import { setTimeout as pause } from 'node:timers/promises'
import { Connection } from '@temporalio/client'
import { expect, inject, it } from 'vitest'
import { createTcpProxy } from '../test/tcp-proxy.ts'
import { createGrpcRetries } from './grpc-retries.ts'

it('a call that is being repeated does not outlive its connection', async () => {
  const [host = '', port] = inject('temporalAddress').split(':')
  const proxy = await createTcpProxy({ host, port: Number(port) })
  const retries = createGrpcRetries()
  const connection = await Connection.connect({
    address: `127.0.0.1:${proxy.port}`,
    interceptors: [retries.interceptor],
  })
  const thrown: unknown[] = []
  const note = (error: unknown) => thrown.push(error)
  process.on('uncaughtException', note)
  try {
    await proxy.cut()
    const call = connection
      .withDeadline(Date.now() + 20_000, () => connection.workflowService.describeNamespace({ namespace: 'default' }))
      .then(
        () => 'answered',
        () => 'gave up',
      )
    // In the middle of its repeats the connection is closed.
    await pause(700)
    await retries.end()
    await connection.close()
    expect(await call).toBe('gave up')
    await pause(6_000)
    expect(thrown).toEqual([])
  } finally {
    process.off('uncaughtException', note)
    await proxy.close()
  }
})
