import { createHmac } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Service, startService } from '../test/service.ts'
import { linkWorkflowId } from '../workflows/messages.ts'
import type { CreatedWebhookView } from './contract/webhooks.ts'

let service: Service
let linkId = ''
/** Tokens and secrets that were given out. */
const given: string[] = []

beforeAll(async () => {
  service = await startService({ alm: { defects: 3 }, octane: { defects: 2 } })
  const { id } = await service.addLink()
  linkId = id
  const { items } = await service.call('listVersions', { params: { id } })
  // By itself the link would look again in an hour: what arrives here arrives because of a hint.
  await service.call('addVersion', {
    params: { id },
    body: {
      expectedVersion: 1,
      configuration: { ...items[0]?.configuration, schedule: { intervalSeconds: 3_600, fullScans: [] } },
    },
  })
  expect(await service.runToEnd(id, 'run')).toMatchObject({ status: 'passed' })
  await command('automatic')
  // Its first look is over: now it waits.
  await vi.waitFor(
    async () => {
      const [row] = await service.database.sql<{ quiet: number }[]>`
        select coalesce(sum(quiet), 0)::int as quiet from watch_hours where link_id = ${id}`
      if (row?.quiet === 0) throw new Error('the link has not looked yet')
    },
    { timeout: 30_000, interval: 50 },
  )
})
afterAll(() => service.close())
afterEach(() => service.octane.callUrls.clear())

const params = () => ({ id: linkId })
const command = (name: string) => service.call('commandLink', { params: params(), body: { command: name } })
const webhook = () => service.call('getWebhook', { params: params() })

async function made(body: { signed?: boolean } = {}): Promise<CreatedWebhookView & { url: string; secret: string }> {
  const created = await service.call('saveWebhook', { params: params(), body })
  const secret = created.secret ?? ''
  given.push(created.address.split('/').at(-1) ?? '', ...(secret === '' ? [] : [secret]))
  return { ...created, secret, url: `${service.url}${created.address}` }
}

function rule(url: string, secret?: string): void {
  service.octane.callUrls.add({
    url,
    type: 'defect',
    ...(secret === undefined ? {} : { hmac: { header: 'x-tandem-signature', secret } }),
  })
}

async function hint(url: string, body: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { method: 'POST', body, headers })
  return { status: response.status, text: await response.text() }
}

function signedHint(to: { url: string; secret: string }, body: string) {
  const signature = createHmac('sha256', to.secret).update(body).digest('hex')
  return hint(to.url, body, { 'x-tandem-signature': `sha256=${signature}` })
}

const payload = (entityId: unknown, more: object = {}) =>
  JSON.stringify({
    entityType: 'defect',
    entityId,
    workspaceId: Number(service.octane.workspace),
    submissionMode: 'update',
    ...more,
  })

/** Signals that reached the link's workflow so far. */
async function signals(): Promise<number> {
  const { events } = await service.workflows.getHandle(linkWorkflowId(linkId)).fetchHistory()
  return (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes != null).length
}

const queued = async () =>
  (
    await service.database.sql<{ id: string }[]>`
      select external_id as id from pending where link_id = ${linkId} and reason = 'webhook' order by id`
  ).map(({ id }) => id)

/** A defect of Octane that is paired, and where its name arrives. */
function pairedDefect() {
  const [octane] = service.octane.records('defect')
  if (octane === undefined) throw new Error('Octane has defects')
  const id = String(octane.id)
  return {
    id,
    rename: (name: string) => service.octane.edit('defect', id, { name }),
    arrived: (name: string) =>
      expect
        .poll(() => [...service.alm.store.rows('defect').values()].some((row) => row.name === name), {
          timeout: 60_000,
          interval: 100,
        })
        .toBe(true),
  }
}

describe('hints', () => {
  it('bring an edit over although the next look is an hour away', async () => {
    const { url, address, signed } = await made()
    expect([address, signed]).toEqual([expect.stringMatching(/^\/webhooks\/[\w-]{43}$/), false])
    rule(url)
    const { rename, arrived } = pairedDefect()
    rename('told by the rule')
    await service.octane.callUrls.idle()
    expect(service.octane.callUrls.deliveries.at(-1)).toMatchObject({ event: 'update', status: 202 })
    await arrived('told by the rule')
    await expect.poll(webhook).toMatchObject({ refused: 0, lastReceivedAt: expect.stringMatching(/Z$/) })
    expect((await webhook()).received).toBeGreaterThan(0)
    // Without a signature nothing is taken from the body.
    expect(await queued()).toEqual([])
  })

  it('with a wrong signature are counted and do nothing else; with the right one they work', async () => {
    const { url, secret } = await made({ signed: true })
    expect(secret).toMatch(/^[\w-]{43}$/)
    const before = await signals()
    const wrong = [`${secret}x`, 'guess']
    for (const one of wrong) rule(url, one)
    const { rename, arrived } = pairedDefect()
    rename('badly signed')
    await service.octane.callUrls.idle()
    const body = payload(1)
    for (const signature of ['', 'sha256=', 'sha256=zz', 'sha1=00', `sha256=${'0'.repeat(63)}`, '0'.repeat(65)])
      expect(await hint(url, body, { 'x-tandem-signature': signature })).toEqual({ status: 202, text: '' })
    await expect.poll(webhook).toMatchObject({ refused: wrong.length + 6, received: 0, lastReceivedAt: null })
    expect([await signals(), await queued()]).toEqual([before, []])

    service.octane.callUrls.clear()
    rule(url, secret)
    rename('well signed')
    await arrived('well signed')
    expect((await webhook()).received).toBeGreaterThan(0)
  })

  it('start nothing in manual mode or while paused; signed ones queue the record that they name', async () => {
    const to = await made({ signed: true })
    const { id } = pairedDefect()
    await command('manual')
    const before = await signals()
    const taken = [payload(id), payload(Number(id)), payload('999999')]
    const ignored = [
      payload('x'),
      payload(`${id}'`),
      payload(0),
      payload(-1),
      payload(1.5),
      payload(null),
      payload('1'.repeat(40)),
      payload(8, { entityType: 'story' }),
      payload(8, { workspaceId: 1 }),
      payload(8, { submissionMode: 'delete' }),
      '[]',
      'null',
      '{"entityId":',
      '',
    ]
    for (const body of [...taken, ...ignored]) expect((await signedHint(to, body)).status).toBe(202)
    const received = taken.length + ignored.length
    await expect.poll(webhook).toMatchObject({ received, refused: 0 })
    expect((await queued()).sort()).toEqual([id, '999999'].sort())
    await command('automatic')
    // What is queued is looked at again; what is unknown goes without a trace.
    const link = () => service.call('getLink', { params: params() })
    await expect
      .poll(link, { timeout: 60_000, interval: 100 })
      .toMatchObject({ pending: 0, openIssues: 0, activity: 'idle', currentRun: null })
    await command('pause')
    expect((await signedHint(to, payload(id))).status).toBe(202)
    await expect.poll(webhook).toMatchObject({ received: received + 1 })
    expect([await signals(), await queued()]).toEqual([before, [id]])
    await command('resume')
    await expect.poll(link, { timeout: 60_000, interval: 100 }).toMatchObject({ pending: 0, openIssues: 0 })
  })

  it('in a flood become a few signals', async () => {
    const { url } = await made()
    const before = await signals()
    const answers = await Promise.all(Array.from({ length: 200 }, () => hint(url, '{}')))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    await expect.poll(webhook, { timeout: 30_000 }).toMatchObject({ received: 200 })
    const sent = (await signals()) - before
    expect(sent).toBeGreaterThan(0)
    expect(sent).toBeLessThan(20)
  })
})

describe('what the address tells', () => {
  it('is the same whether or not there is such a link; only a body that is too large is refused', async () => {
    const { url } = await made()
    const unknown = `${service.url}/webhooks/${'A'.repeat(43)}`
    const strange = [unknown, `${service.url}/webhooks/`, `${service.url}/webhooks/%E0%A4%A`, `${url}/more`, `${url}x`]
    for (const one of [url, ...strange]) {
      expect([one, await hint(one, '{}')]).toEqual([one, { status: 202, text: '' }])
      expect([one, await hint(one, 'x'.repeat(65_537))]).toEqual([one, { status: 413, text: '' }])
      // Small when sent, large when unpacked; and what can't be unpacked.
      const packed = { method: 'POST', headers: { 'content-encoding': 'gzip' } }
      expect((await fetch(one, { ...packed, body: gzipSync('x'.repeat(1_000_000)) })).status).toBe(413)
      expect((await fetch(one, { ...packed, body: 'no gzip' })).status).toBe(202)
    }
    await expect.poll(webhook).toMatchObject({ received: 1, refused: 0 })
  })

  it('takes a relay that calls by another name, which the API refuses', async () => {
    const { address } = await made()
    const { hostname, port } = new URL(service.url)
    const status = (method: string, path: string) =>
      new Promise((resolve, reject) => {
        const headers = { host: 'hooks.example.com', origin: 'https://octane.example.com' }
        httpRequest({ hostname, port, method, path, headers }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode))
        })
          .on('error', reject)
          .end()
      })
    expect(await status('POST', address)).toBe(202)
    await expect.poll(webhook).toMatchObject({ received: 1 })
    expect(await status('GET', address)).toBe(403)
    expect(await status('GET', '/api/v1/links')).toBe(403)
  })

  it('ends with its rotation or removal, and each change is in the ledger', async () => {
    const old = await made()
    const now = await made({ signed: true })
    expect(now.url).not.toBe(old.url)
    expect((await webhook()).address).toBe(`/webhooks/…${now.url.slice(-4)}`)
    expect((await hint(old.url, '{}')).status).toBe(202)
    expect((await hint(now.url, '{}')).status).toBe(202)
    await expect.poll(webhook).toMatchObject({ received: 1, signed: true, createdBy: 'local' })
    await service.call('deleteWebhook', { params: params() })
    for (const name of ['getWebhook', 'deleteWebhook'] as const)
      expect(await service.refused(name, { params: params() })).toMatchObject({ status: 404, code: 'no-webhook' })
    expect((await hint(now.url, '{}')).status).toBe(202)
    const nobody = { params: { id: '00000000-0000-4000-8000-000000000000' } }
    for (const name of ['getWebhook', 'deleteWebhook'] as const)
      expect((await service.refused(name, nobody)).code).toBe('not-found')
    expect((await service.refused('saveWebhook', { ...nobody, body: {} })).code).toBe('not-found')
    const { items } = await service.call('linkLedger', { params: params(), query: { limit: '200' } })
    const changes = items.filter(({ action }) => action.startsWith('webhook'))
    expect(changes.slice(0, 3).map(({ action, kind }) => `${kind} ${action}`)).toEqual([
      'command webhook removed',
      'command webhook rotated',
      'command webhook rotated',
    ])
    expect(changes.at(-1)?.action).toBe('webhook created')
  })

  it('and its secret are nowhere but in the answer that made them and in their own column', async () => {
    const { url, secret } = await made({ signed: true })
    await service.client.raw(`/api/v1/links/${linkId}/webhook`, {
      method: 'POST',
      body: '{"signed":true}',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'once' },
    })
    const kept = await made({ signed: true })
    await signedHint(kept, payload(1))
    await hint(url, payload(1), { 'x-tandem-signature': secret })
    await expect.poll(webhook).toMatchObject({ received: 1 })
    // What went wrong on the way is logged without them too.
    await service.temporalProxy.cut()
    await hint(kept.url, '{}')
    await expect.poll(() => service.logged.join(''), { timeout: 30_000 }).toContain('could not wake')
    await service.temporalProxy.mend()
    await service.databaseProxy.cut()
    await hint(kept.url, '{}')
    await expect.poll(() => service.logged.join(''), { timeout: 30_000 }).toContain('A hint was lost')
    await service.databaseProxy.mend()

    const lines = (await service.dumpDatabase()).split('\n')
    const holding = lines.filter((line) => given.some((one) => line.includes(one)))
    expect(holding).toHaveLength(1)
    expect(holding[0]).toMatch(/^public\.webhooks /)
    expect(holding[0]).toContain(kept.secret)
    expect(holding[0]).not.toContain(kept.address.split('/').at(-1))
    const elsewhere = [service.logged.join('\n'), await service.dumpHistories()]
    for (const one of given) expect(elsewhere.some((text) => text.includes(one))).toBe(false)
  })
})
