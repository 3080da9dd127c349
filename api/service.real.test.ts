import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LinkConfigurationInput } from '../core/link-config.ts'
import { type Service, startService } from '../test/service.ts'
import { routes } from './contract/routes.ts'
import type { LinkView } from './contract/schemas.ts'

let service: Service
let link: LinkView

beforeAll(async () => {
  service = await startService({ alm: { defects: 12 }, octane: { defects: 4 } })
})
afterAll(() => service.close())

async function configuration(id = link.id) {
  const { items } = await service.call('listVersions', { params: { id } })
  const [newest] = items
  if (newest === undefined) throw new Error('a link has a version')
  return { version: newest.version, now: newest.configuration as unknown as LinkConfigurationInput }
}

/** Saves a changed configuration, checks the link, and answers the errors and warnings that name the given field. */
async function findingsOf(change: (now: LinkConfigurationInput) => LinkConfigurationInput) {
  const { version, now } = await configuration()
  const body = { expectedVersion: version, configuration: change(structuredClone(now)) }
  await service.call('addVersion', { params: { id: link.id }, body })
  const run = await service.runToEnd(link.id, 'check')
  const { passed, findings } = await service.call('runFindings', { params: { id: run.id } })
  await service.call('addVersion', {
    params: { id: link.id },
    body: { expectedVersion: version + 1, configuration: now },
  })
  return { run, passed, findings: findings.filter(({ severity }) => severity !== 'ok') }
}

const alm = (change: object = {}) => ({
  name: 'broken',
  address: { ...service.almAddress, ...change },
  secret: service.almSecret,
})
const octane = (change: object = {}) => ({
  name: 'broken',
  address: { ...service.octaneAddress, ...change },
  secret: service.octaneSecret,
})

describe('the contract', () => {
  it('is a valid OpenAPI document that has every route, and a page to browse it', async () => {
    const { text } = await service.client.raw('/openapi.json')
    const result = await new Validator().validate(JSON.parse(text))
    expect(result.errors ?? []).toEqual([])
    const document = JSON.parse(text) as { paths: Record<string, Record<string, { operationId: string }>> }
    const documented = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map((one) => one.operationId),
    )
    expect(documented.sort()).toEqual(Object.keys(routes).sort())
    const page = await service.client.raw('/docs')
    expect(page.text).toContain('swagger-ui-bundle.js')
    expect((await service.client.raw('/docs/assets/swagger-ui-bundle.js')).response.status).toBe(200)
    for (const [, path] of page.text.matchAll(/(?:src|href)="([^"]+)"/g))
      expect([path, (await service.client.raw(path ?? '')).response.status]).toEqual([path, 200])
  })
})

describe('endpoints', () => {
  // covers 8, 11, 33
  it('are added after a test of the connection, once for one key', async () => {
    const body = {
      name: 'alm',
      address: { ...service.almAddress, url: `${service.almAddress.url}/` },
      secret: service.almSecret,
    }
    const [first, second] = await Promise.allSettled([
      service.call('createEndpoint', { body, key: 'once' }),
      service.call('createEndpoint', { body, key: 'once' }),
    ])
    // Of two at the same time one is carried out, and the other is told so or gets the same answer.
    const done = [first, second].flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expect(done.length).toBeGreaterThan(0)
    for (const one of [first, second])
      if (one.status === 'rejected') expect(String(one.reason)).toContain('request-running')
    const again = await service.call('createEndpoint', { body, key: 'once' })
    expect(again).toEqual(done[0])
    expect(again.testReport).toMatchObject({ product: 'ALM/Quality Center', user: 'sync' })
    expect(again.address.url).toBe(service.almAddress.url)
    expect((await service.call('listEndpoints')).items).toHaveLength(1)

    const other = await service.refused('createEndpoint', { body: { ...body, name: 'other' }, key: 'once' })
    expect(other).toMatchObject({ status: 422, code: 'idempotency-key-reused' })
    expect(await service.refused('createEndpoint', { body, key: 'twice' })).toMatchObject({
      status: 409,
      code: 'name-taken',
      errors: [{ pointer: '/name' }],
    })
    await service.call('createEndpoint', {
      body: { name: 'octane', address: service.octaneAddress, secret: service.octaneSecret },
    })
  })

  // covers 7, 11, 18
  it('are refused with what is wrong and what to do: password, host, project, workspace, product', async () => {
    const html = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end('<!DOCTYPE html><html><body>Sign in</body></html>')
    })
    await new Promise<void>((resolve) => html.listen(0, '127.0.0.1', resolve))
    const page = `http://127.0.0.1:${(html.address() as AddressInfo).port}`
    const wrong = { kind: 'password' as const, user: 'sync', password: 'hunter2-guess' }
    const cases = [
      ['wrong-password', /credentials of sync/, { ...alm(), secret: wrong }],
      [
        'wrong-password',
        /credentials/,
        { ...octane(), secret: { ...service.octaneSecret, clientSecret: 'hunter2-guess' } },
      ],
      ['host-unreachable', /127\.0\.0\.1:1 /, alm({ url: 'http://127.0.0.1:1/qcbin' })],
      ['host-unreachable', /nowhere\.invalid/, octane({ url: 'http://nowhere.invalid' })],
      [/project/, /Elsewhere/, alm({ project: 'Elsewhere' })],
      [/workspace|forbidden|gone|not-found/, /9999/, octane({ workspace: '9999' })],
      [/html-answer|not-alm/, /page|does not answer like ALM/, alm({ url: `${page}/qcbin` })],
      [/html-answer|not-octane/, /page|does not answer like/, octane({ url: page })],
    ] as const
    try {
      const problems = await Promise.all(cases.map(([, , body]) => service.refused('createEndpoint', { body })))
      problems.forEach((problem, index) => {
        const [code, detail] = cases[index] ?? []
        expect([index, problem.status, problem.code]).toEqual([index, 422, 'connection-failed'])
        expect(problem.errors[0]?.message).toMatch(code ?? '')
        expect(problem.detail).toMatch(detail ?? '')
        expect((problem.remedy ?? '').length).toBeGreaterThan(15)
      })
    } finally {
      html.close()
      html.closeAllConnections()
    }
    expect((await service.call('listEndpoints')).items.map(({ name }) => name)).toEqual(['alm', 'octane'])
  })

  it('take no address that holds a password', async () => {
    for (const url of ['http://sync:pass@127.0.0.1/qcbin', 'http://127.0.0.1/qcbin?token=x', 'http://127.0.0.1/#x']) {
      const problem = await service.refused('createEndpoint', { body: alm({ url }) })
      expect(problem.errors.map(({ pointer }) => pointer)).toEqual(['/address/url'])
      expect(problem.detail).not.toContain('pass@')
    }
  })

  // covers 12, 13
  it('keep product, project and the server that the secret was entered for', async () => {
    const created = await service.call('createEndpoint', { body: { ...alm(), name: 'moving' } })
    const params = { id: created.id }
    expect(await service.refused('changeEndpoint', { params, body: { address: service.octaneAddress } })).toMatchObject(
      {
        code: 'place-fixed',
      },
    )
    const elsewhere = { ...service.almAddress, url: 'http://127.0.0.1:1/qcbin' }
    expect(await service.refused('changeEndpoint', { params, body: { address: elsewhere } })).toMatchObject({
      code: 'secret-needed',
      errors: [{ pointer: '/secret' }],
    })
    const project = { ...service.almAddress, project: 'Elsewhere' }
    expect(await service.refused('changeEndpoint', { params, body: { address: project } })).toMatchObject({
      code: 'connection-failed',
    })
    expect(await service.refused('changeEndpoint', { params, body: { name: 'alm' } })).toMatchObject({
      code: 'name-taken',
    })
    const renamed = await service.call('changeEndpoint', { params, body: { name: 'moved' } })
    expect(renamed).toMatchObject({ name: 'moved', revision: created.revision, address: created.address })
    await service.call('deleteEndpoint', { params })
    expect(await service.refused('getEndpoint', { params })).toMatchObject({ status: 404, code: 'not-found' })
  })

  it('tell a secret that the bridge cannot open from a worker that is away', async () => {
    const created = await service.call('createEndpoint', { body: { ...alm(), name: 'sealed', test: false } })
    await service.database.sql`update credentials set sealed = '{}' where name = 'sealed'`
    const problem = await service.refused('testEndpoint', { params: { id: created.id } })
    expect(problem).toMatchObject({ status: 422, code: 'connection-failed' })
    expect(problem.remedy).toContain('again')
    await service.call('deleteEndpoint', { params: { id: created.id } })
  })
})

describe('links and their configuration', () => {
  // covers 27
  it('are created once for the same ends, however many ask at a time', async () => {
    const { items } = await service.call('listEndpoints')
    const [left, right] = ['alm', 'octane'].map((name) => items.find((one) => one.name === name)?.id ?? '')
    const nobody = '00000000-0000-4000-8000-000000000000'
    expect(await service.refused('createLink', { body: { name: 'x', left: right, right: left } })).toMatchObject({
      code: 'wrong-kind',
      errors: [{ pointer: '/left' }, { pointer: '/right' }],
    })
    expect(await service.refused('createLink', { body: { name: 'x', left: nobody, right } })).toMatchObject({
      code: 'not-found',
      errors: [{ pointer: '/left' }],
    })
    const smuggled = { left: { endpointId: right, entityType: 'defect', crossReference: null } }
    expect(
      await service.refused('createLink', { body: { name: 'x', left, right, configuration: smuggled } }),
    ).toMatchObject({ code: 'invalid-configuration', errors: [{ pointer: '/configuration/left/endpointId' }] })

    const results = await Promise.allSettled(
      ['One', 'Two', 'Three'].map((name) => service.call('createLink', { body: { name, left, right } })),
    )
    const created = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expect(created).toHaveLength(1)
    for (const one of results) if (one.status === 'rejected') expect(String(one.reason)).toContain('link-exists')
    link = created[0]?.link as LinkView
    expect((await service.call('listLinks')).items).toHaveLength(1)
    expect(link).toMatchObject({ status: 'check-required', version: 1, mode: 'manual' })
    expect((await service.refused('deleteEndpoint', { params: { id: left ?? '' } })).code).toBe('in-use')
  })

  // covers 31, 58
  it('name every problem of an invalid configuration at once, each with its path', async () => {
    const { version, now } = await configuration()
    const [first, second] = now.fields
    const problem = await service.refused('addVersion', {
      params: { id: link.id },
      body: {
        expectedVersion: version,
        configuration: {
          ...now,
          surprise: 1,
          fields: [
            { ...first, direction: 'sideways' },
            { ...second, left: null },
            { ...second, id: 'copy', right: second?.right },
          ],
          rules: { toRight: { create: true, update: false }, toLeft: { create: 'yes', update: true } },
          schedule: { intervalSeconds: 0 },
          tuning: { batchSize: 5_000, parallel: 0 },
        },
      },
    })
    expect(problem).toMatchObject({ status: 422, code: 'invalid-configuration' })
    expect(problem.remedy).toContain('nothing was changed')
    const paths = problem.errors.map(({ pointer }) => pointer)
    for (const path of [
      '/configuration',
      '/configuration/fields/0/direction',
      '/configuration/fields/1/left',
      '/configuration/fields/2/right',
      '/configuration/rules/toRight/update',
      '/configuration/rules/toLeft/create',
      '/configuration/schedule/intervalSeconds',
      '/configuration/tuning/batchSize',
      '/configuration/tuning/parallel',
    ])
      expect(paths).toContain(path)
    expect((await service.call('getLink', { params: { id: link.id } })).version).toBe(version)
  })

  // covers 31
  it('keep who saves first: the second of two gets a conflict, not the last word', async () => {
    const { version, now } = await configuration()
    const save = (batchPauseMs: number) => {
      const configuration = { ...now, tuning: { ...now.tuning, batchPauseMs } }
      return service.call('addVersion', { params: { id: link.id }, body: { expectedVersion: version, configuration } })
    }
    const results = await Promise.allSettled([save(1), save(2)])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const lost = results.find((one) => one.status === 'rejected')
    expect(String(lost?.status === 'rejected' ? lost.reason : '')).toContain('version-conflict')
  })

  it('that say what the newest version says already are no version of their own', async () => {
    const { version, now } = await configuration()
    const params = { id: link.id }
    const body = { expectedVersion: version, configuration: now, comment: 'again' }
    expect(await service.call('addVersion', { params, body })).toMatchObject({ version, configuration: now })
    expect((await service.call('getLink', { params })).version).toBe(version)
    expect(
      await service.refused('addVersion', { params, body: { ...body, expectedVersion: version - 1 } }),
    ).toMatchObject({ code: 'version-conflict' })
  })

  // covers 71, 81, 99
  it('say in the check which field is gone, which value is none of its list, what has no source, and the remedy', async () => {
    const at = (now: LinkConfigurationInput, right: string) => now.fields.findIndex((field) => field.right === right)
    const gone = await findingsOf((now) => {
      const index = at(now, 'name')
      now.fields[index] = { ...(now.fields[index] as (typeof now.fields)[number]), left: 'user-99' }
      return now
    })
    expect(gone).toMatchObject({ passed: false, run: { status: 'failed' } })
    expect(gone.findings).toContainEqual(
      expect.objectContaining({
        check: 'field-existence',
        severity: 'error',
        side: 'left',
        pointer: expect.stringMatching(/^\/fields\/\d+\/left$/),
      }),
    )
    expect(gone.findings.find(({ check }) => check === 'field-existence')?.message).toContain('user-99')

    const outside = await findingsOf((now) => {
      const field = now.fields[at(now, 'severity')]
      if (field === undefined) throw new Error('severity is mapped')
      field.values = [...(field.values ?? []), { left: '9-Unheard-of', right: 'list_node.severity.nope' }]
      field.defaults = { right: 'list_node.severity.neither' }
      return now
    })
    expect(outside.passed).toBe(false)
    const words = outside.findings.map(({ message }) => message).join(' ')
    expect(words).toContain('9-Unheard-of')
    expect(words).toContain('list_node.severity.neither')

    const detected = await findingsOf((now) => ({
      ...now,
      fields: now.fields.filter(({ left }) => left !== 'severity'),
    }))
    expect(detected.passed).toBe(false)
    expect(detected.findings).toContainEqual(
      expect.objectContaining({
        check: 'required',
        severity: 'error',
        side: 'left',
        remedy: 'Map it, or set a constant.',
      }),
    )
    for (const { findings } of [gone, outside, detected])
      for (const { severity, remedy } of findings) if (severity === 'error') expect(remedy).not.toBeNull()
  })

  // covers 118, 120
  it('hold one record that cannot be written, name field and remedy, and synchronize the others', async () => {
    const sick = service.alm.records('defect')[0]
    service.alm.edit('defect', String(sick?.id), { name: 'x'.repeat(255), owner: 'ivan' })
    const run = await service.runToEnd(link.id, 'run')
    expect(['passed', 'with-errors']).toContain(run.status)
    const { items } = await service.call('linkIssues', { params: { id: link.id }, query: { open: 'true' } })
    expect(items).toContainEqual(
      expect.objectContaining({ code: 'user-gap', field: 'owner', leftId: String(sick?.id), owner: 'admin' }),
    )
    for (const issue of items) expect(issue.remedy.length).toBeGreaterThan(10)
    expect(service.octane.records('defect')).toHaveLength(16)
  })

  // covers 117
  it('page through lists completely, whatever is added meanwhile', async () => {
    const whole = await service.call('linkLedger', { params: { id: link.id }, query: { limit: '200' } })
    expect(whole.next).toBeNull()
    const pages: string[] = []
    let cursor: string | null = null
    for (;;) {
      const page: Awaited<ReturnType<typeof service.call<'linkLedger'>>> = await service.call('linkLedger', {
        params: { id: link.id },
        query: { limit: '7', ...(cursor === null ? {} : { cursor }) },
      })
      pages.push(...page.items.map(({ id }) => id))
      if (pages.length === 7)
        await service.call('renameLink', { params: { id: link.id }, body: { description: 'meanwhile' } })
      cursor = page.next
      if (cursor === null) break
    }
    expect(pages).toEqual(whole.items.map(({ id }) => id))

    const runs: string[] = []
    for (cursor = null; ; ) {
      const page: Awaited<ReturnType<typeof service.call<'listRuns'>>> = await service.call('listRuns', {
        query: { limit: '1', linkId: link.id, ...(cursor === null ? {} : { cursor }) },
      })
      runs.push(...page.items.map(({ id }) => id))
      cursor = page.next
      if (cursor === null) break
    }
    expect(runs).toEqual((await service.call('listRuns', { query: { linkId: link.id } })).items.map(({ id }) => id))
  })

  it('show a record of either side as it is now, with its ledger, and say when there is none', async () => {
    const shown = await service.call('linkRecord', { params: { id: link.id, side: 'left', recordId: '2' } })
    expect(shown).toMatchObject({ found: true, fields: { name: service.alm.store.get('defect', '2')?.name } })
    expect(shown.ledger.length).toBeGreaterThan(0)
    expect(
      await service.call('linkRecord', { params: { id: link.id, side: 'right', recordId: '999999' } }),
    ).toMatchObject({ found: false, url: null })
    expect(
      (await service.refused('linkRecord', { params: { id: link.id, side: 'middle', recordId: '1 or 1' } })).errors,
    ).toHaveLength(2)
  })

  // covers 118
  it('fail a run in words when the endpoint does not let us in any more, and go on once it does', async () => {
    const left = (await service.call('getLink', { params: { id: link.id } })).left.id
    await service.call('changeEndpoint', {
      params: { id: left },
      body: { secret: { kind: 'password', user: 'sync', password: 'no-longer-valid' }, test: false },
    })
    const failed = await service.runToEnd(link.id, 'run')
    expect(failed.status).toBe('failed')
    const { findings } = await service.call('runFindings', { params: { id: failed.id } })
    expect(`${failed.message} ${findings.map(({ message }) => message).join(' ')}`).toMatch(
      /credentials of sync|integrity check/,
    )
    await service.call('changeEndpoint', { params: { id: left }, body: { secret: service.almSecret } })
    expect((await service.runToEnd(link.id, 'run')).status).not.toBe('failed')
  })
})

describe('what must stay secret', () => {
  // covers 6, 133
  it('is in no answer, log line, row of the database or history of a workflow', async () => {
    const secrets = [
      service.almSecret.password,
      service.octaneSecret.clientSecret,
      'hunter2-guess',
      'no-longer-valid',
      // As bodies and headers would carry them.
      JSON.stringify(service.almSecret.password).slice(1, -1),
      service.almSecret.password.replace(/&/g, '&amp;').replace(/</g, '&lt;'),
      encodeURIComponent(service.almSecret.password),
      Buffer.from(`${service.almSecret.user}:${service.almSecret.password}`).toString('base64'),
    ]
    const [rows, histories] = await Promise.all([service.dumpDatabase(), service.dumpHistories()])
    const answers = service.client.answers.join('\n')
    const logs = service.logged.join('\n')
    // The search itself works: names that are no secret are found.
    expect(rows).toContain('endpoint created')
    expect(histories).toContain('linkWorkflow')
    expect(histories).toContain(link.id)
    for (const secret of secrets)
      for (const [where, text] of Object.entries({ rows, histories, answers, logs }))
        expect([where, text.includes(secret)]).toEqual([where, false])
  })

  it('keeps the contents of records out of Temporal', async () => {
    const histories = await service.dumpHistories()
    for (const record of [...service.alm.records('defect'), ...service.octane.records('defect')])
      expect(histories).not.toContain(String(record.name))
  })
})
