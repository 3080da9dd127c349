import { expect, it } from 'vitest'
import { createAlmSandbox } from './server.ts'

it('takes the body of an API key as loosely as clients write it, and no body for nobody', async () => {
  const sandbox = createAlmSandbox({ version: '26.1', seed: 1, defects: 0 })
  const { url } = await sandbox.listen()
  const { clientId = '', clientSecret = '' } = sandbox.credentials.apiKey ?? {}
  const status = async (body: string) =>
    (await fetch(`${url}/rest/oauth2/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body }))
      .status
  expect(await status(JSON.stringify({ clientId, secret: clientSecret }))).toBe(200)
  expect(await status(`{clientId:"${clientId}", secret:"${clientSecret}"}`)).toBe(200)
  expect(await status(`{clientId: '${clientId}', secret: '${clientSecret}'}`)).toBe(200)
  expect(await status(`{'clientId':'${clientId}','secret':'wrong'}`)).toBe(401)
  for (const nobody of ['', '{}', 'clientId=1']) expect(await status(nobody)).toBe(401)
  await sandbox.close()
})
