import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Service, startService } from '../test/service.ts'

let service: Service
const folder = mkdtempSync(path.join(tmpdir(), 'tandem-cli-'))

beforeAll(async () => {
  service = await startService({ alm: { defects: 12 }, octane: { defects: 3 } })
})
afterAll(async () => {
  await service.close()
  rmSync(folder, { recursive: true })
})

const bin = fileURLToPath(new URL('./bin.js', import.meta.url))

interface Ended {
  code: number | null
  out: string
  err: string
}

function started(
  command: string,
  args: readonly string[],
  input: string | null,
  env: NodeJS.ProcessEnv,
): Promise<Ended> {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, HOME: folder, TANDEM_DATA: folder, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const ended: Ended = { code: null, out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    ended.out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    ended.err += String(chunk)
  })
  if (input === null) child.stdin.end()
  else if (command === 'script') {
    // A person types once they are asked.
    child.stdout.once('data', () => child.stdin.write(input))
  } else child.stdin.end(input)
  return new Promise((resolve) => {
    child.once('close', (code) => {
      child.stdin.destroy()
      resolve({ ...ended, code })
    })
  })
}

function tandem(args: readonly string[], options: { input?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Ended> {
  return started(process.execPath, [bin, ...args], options.input ?? null, { TANDEM_API: service.url, ...options.env })
}

async function json<T>(args: readonly string[]): Promise<T> {
  const { code, out, err } = await tandem(['--json', ...args])
  expect([code, err]).toEqual([0, ''])
  return JSON.parse(out) as T
}

const almOptions = () => {
  const { url, domain, project } = service.almAddress
  return ['--kind', 'alm', '--url', url, '--domain', domain, '--project', project, '--user', service.almSecret.user]
}

describe('endpoints from the command line', () => {
  it('are added with the secret from the standard input, the environment or a file, and never echo it', async () => {
    const { password } = service.almSecret
    const file = path.join(folder, 'secret')
    writeFileSync(file, `${password}\r\n`, { mode: 0o600 })
    const { url, sharedSpace, workspace } = service.octaneAddress
    const results = await Promise.all([
      tandem(['endpoint', 'add', 'alm', ...almOptions(), '--secret-stdin'], { input: `${password}\n` }),
      tandem(
        [
          ...['endpoint', 'add', 'octane', '--kind', 'octane', '--url', url, '--space', sharedSpace],
          ...['--workspace', workspace, '--client-id', service.octaneSecret.clientId, '--secret-env', 'OCTANE_SECRET'],
        ],
        { env: { OCTANE_SECRET: service.octaneSecret.clientSecret } },
      ),
      tandem(['--json', 'endpoint', 'add', 'spare', ...almOptions(), '--secret-file', file]),
    ])
    expect(results.map(({ code, err }) => [code, err])).toEqual(results.map(() => [0, '']))
    const [alm, octane, spare] = results
    expect(alm?.out).toMatch(/^Added alm \([0-9a-f-]{36}\)\. ALM\/Quality Center .* as sync\.\n$/)
    expect(octane?.out).toContain('Added octane')
    expect(JSON.parse(spare?.out ?? '')).toMatchObject({ name: 'spare', kind: 'alm' })
    for (const { out, err } of results)
      for (const secret of [password, service.octaneSecret.clientSecret]) expect(out + err).not.toContain(secret)
  })

  it('ask for the secret where a person sits, without showing what is typed', async (context) => {
    if (!existsSync('/usr/bin/script')) context.skip('there is no program that gives a terminal')
    const line = [process.execPath, bin, 'endpoint', 'add', 'typed', ...almOptions()].map((one) => `'${one}'`).join(' ')
    const answered = await started('script', ['-qec', line, '/dev/null'], `x\u007f${service.almSecret.password}\r`, {
      TANDEM_API: service.url,
    })
    expect(answered.out).toContain('Password of sync: ')
    expect(answered.out).toContain('Added typed')
    expect(answered.out).not.toContain(service.almSecret.password)
    const cancelled = await started('script', ['-qec', line, '/dev/null'], '\u0003', { TANDEM_API: service.url })
    expect(cancelled.out).toContain('Cancelled.')
    expect(cancelled.code).toBe(1)
  })

  it('refuse in words and by exit code what cannot be done', async () => {
    const [noTerminal, wrong, wrongJson, unknown, usage, both, noCommand, noEnv] = await Promise.all([
      tandem(['endpoint', 'add', 'x', ...almOptions()]),
      tandem(['endpoint', 'add', 'x', ...almOptions(), '--secret-stdin'], { input: 'not-the-password\n' }),
      tandem(['endpoint', 'add', 'x', ...almOptions(), '--secret-stdin', '--json'], { input: 'not-the-password\n' }),
      tandem(['endpoint', 'test', 'nobody', '--json']),
      tandem(['endpoint', 'add', 'x', '--kind', 'jira', '--url', 'x']),
      tandem(['endpoint', 'add', 'x', ...almOptions(), '--client-id', 'y']),
      tandem(['endpoint', 'frobnicate']),
      tandem(['endpoint', 'add', 'x', ...almOptions(), '--secret-env', 'NOT_SET']),
    ])
    expect([noTerminal.code, noTerminal.err]).toEqual([1, expect.stringContaining('--secret-stdin')])
    expect([wrong.code, wrong.out]).toEqual([1, ''])
    expect(wrong.err).toMatch(/refuses the credentials of sync/)
    expect(wrong.err).toMatch(/Enter the user and password/)
    expect(wrong.err).not.toContain('not-the-password')
    expect(JSON.parse(wrongJson.out)).toMatchObject({ code: 'connection-failed', status: 422 })
    expect([wrongJson.code, wrongJson.err]).toEqual([1, ''])
    expect(JSON.parse(unknown.out)).toMatchObject({ code: 'failed', detail: expect.stringContaining('"nobody"') })
    expect([usage.code, usage.err]).toEqual([2, expect.stringContaining('Allowed choices are alm, octane')])
    expect([both.code, both.err]).toEqual([1, expect.stringContaining('either --user or --client-id')])
    expect([noCommand.code, noCommand.err]).toEqual([2, expect.stringContaining("unknown command 'frobnicate'")])
    expect([noEnv.code, noEnv.err]).toEqual([1, expect.stringContaining('NOT_SET is not set')])
  })

  // covers 33
  it('are listed as a table and tested', async () => {
    const { out, code } = await tandem(['endpoint', 'list'])
    const [head, ...rows] = out.trimEnd().split('\n')
    expect(code).toBe(0)
    expect(head).toMatch(/Name\s+Kind\s+Where\s+Tested\s+Batches\s+Links\s+Id/)
    expect(rows.some((row) => /alm\s+alm\s+http:\S+ DEFAULT\/Sync/.test(row))).toBe(true)
    expect(await json<unknown[]>(['endpoint', 'list'])).toHaveLength(rows.length)
    expect((await tandem(['endpoint', 'test', 'octane'])).out).toMatch(/^Connected\. /)
  })

  it('are spared as people say, each or all', async () => {
    expect((await tandem(['endpoint', 'limit', 'octane', '--batches', '3'])).out).toBe(
      'octane: 0 of 3 batches under way.\n',
    )
    expect((await tandem(['limits', '--endpoint', '5', '--total', '20'])).out).toContain('20')
    expect(await json<unknown>(['limits', '--total', 'none'])).toEqual({ endpointBatches: 5, batches: null })
    expect((await tandem(['endpoint', 'limit', 'octane', '--default'])).out).toContain('0 of 5 batches')
    const [both, none, wrong] = await Promise.all([
      tandem(['endpoint', 'limit', 'octane', '--default', '--batches', '3']),
      tandem(['limits', '--endpoint', 'many']),
      tandem(['endpoint', 'limit', 'octane', '--batches', '65']),
    ])
    expect([both.code, both.err]).toEqual([1, 'Give either --batches or --default.\n'])
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('whole number')])
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('at most 64')])
    await tandem(['limits', '--endpoint', '8'])
  })
})

describe('links from the command line', () => {
  /** One that is open while the link exists. */
  let issueId = ''

  // covers 30, 34, 99, 101, 116
  it('go through their whole life', async () => {
    const created = await tandem(['link', 'create', 'Defects', '--left', 'alm', '--right', 'octane'])
    expect([created.code, created.err]).toEqual([0, ''])
    expect(created.out).toMatch(/^Created Defects \(/)

    const check = await tandem(['link', 'check', 'Defects'])
    expect(check.code).toBe(0)
    expect(check.out).toMatch(/Integrity check of Defects passed/)
    expect(check.out).toMatch(/✓ {2}All mapped fields exist\./)

    const simulate = await tandem(['link', 'simulate', 'Defects'])
    expect(simulate.out).toMatch(/12 to be created on the right/)
    expect(simulate.out).toMatch(/3 to be created on the left/)
    expect(simulate.out).toMatch(/For example 1 .*\n\s+Name: \(empty\) → /)

    const [simulation] = await json<{ id: string; kind: string }[]>(['run', 'list'])
    const simulationId = simulation?.id ?? ''
    const onTheLeft = await tandem(['run', 'simulation', simulationId, '--action', 'create-left'])
    expect(onTheLeft.out.match(/to be created on the left$/gm)).toHaveLength(3)
    const exported = await tandem(['run', 'export', simulationId, '--format', 'jsonl'])
    expect(exported.out.trimEnd().split('\n')).toHaveLength(15)

    const run = await json<{ id: string; status: string; counters: object }>(['link', 'run', 'Defects'])
    expect(run).toMatchObject({ status: 'passed', counters: { createdRight: 12, createdLeft: 3 } })
    const shown = await tandem(['run', 'show', run.id])
    expect([shown.code, shown.err]).toEqual([0, ''])
    expect(shown.out).toMatch(/Synchronization of Defects passed in [\d.]+ s\.\n {2}12 created right, 3 created left/)
    expect(shown.out).toContain('Last writes:')
    expect(shown.out).toContain(`Compared with the simulation ${simulationId} before it:`)
    expect(shown.out).toMatch(/15 of 15 records, 15 as planned\n.*precision .*, recall /)
    const file = path.join(folder, 'simulation.csv')
    expect((await tandem(['run', 'export', simulationId, '-o', file])).out).toBe(`Written to ${file}.\n`)
    expect(readFileSync(file, 'utf8')).toMatch(/^leftId,rightId,title.*\r\n1,,.*,create-right,right,name,.*,created,/m)

    const list = await tandem(['link', 'list'])
    expect(list.out).toMatch(/Name\s+Status\s+Mode/)
    expect(list.out).toMatch(/Defects\s+OK\s+manual\s+alm\s+octane\s+15\s+0\s+0/)
    const show = await tandem(['link', 'show', 'Defects'])
    expect(show.out).toMatch(/name\s+<->\s+name/)
  })

  it('say once what is not there: the story of a stranger, and the simulation of a run that is none', async () => {
    const stranger = await tandem(['why', 'Defects', 'left', '99999'])
    expect(stranger.out).toMatch(/^99999 in alm is not in step with any record of the other side, .*\n$/)
    const [run] = await json<{ id: string }[]>(['run', 'list', '--kind', 'incremental'])
    const none = await tandem(['run', 'simulation', run?.id ?? ''])
    expect([none.code, none.err]).toEqual([1, expect.stringContaining('no simulation: Synchronization')])
  })

  // covers 121
  it('show a bar on a terminal and nothing but the answer on the standard output', async (context) => {
    if (!existsSync('/usr/bin/script')) context.skip('there is no program that gives a terminal')
    for (let id = 1; id <= 12; id++) service.alm.edit('defect', String(id), { name: `seen by the bar ${id}` })
    service.octane.faults.latencyMs = 100
    const file = path.join(folder, 'out.txt')
    const { out, code } = await started(
      'script',
      ['-qec', `'${process.execPath}' '${bin}' link run Defects > '${file}'`, '/dev/null'],
      null,
      {
        TANDEM_API: service.url,
      },
    )
    service.octane.faults.latencyMs = 0
    expect(code).toBe(0)
    expect(out).toMatch(/[█░]{30} +\d+% /)
    expect(readFileSync(file, 'utf8')).toMatch(/^Synchronization of Defects passed in .*\n {2}12 updated right\n$/)
  })

  it('are paused, resumed, set to automatic and back, with a refusal for what makes no sense', async () => {
    const words = async (command: string) => {
      const { code, out, err } = await tandem(['link', command, 'Defects'])
      return [code, out + err]
    }
    expect(await words('pause')).toEqual([0, 'Defects is paused.\n'])
    expect(await words('pause')).toEqual([1, 'The link is paused already.\nResume it to go on.\n'])
    expect(await words('run')).toEqual([1, expect.stringContaining('Resume the link first.')])
    expect(await words('resume')).toEqual([0, 'Defects goes on.\n'])
    expect(await words('auto')).toEqual([0, 'Defects is in automatic mode.\n'])
    expect(await words('manual')).toEqual([0, 'Defects is in manual mode.\n'])
    expect(await words('cancel')).toEqual([1, expect.stringContaining('No run is going on')])
  })

  // covers 100, 137
  it('take a configuration from a file, and list all its problems with their paths', async () => {
    const file = path.join(folder, 'configuration.json')
    const { out } = await tandem(['link', 'export-config', 'Defects'])
    const configuration = JSON.parse(out) as { fields: { id: string; right: string; direction: string }[] }
    writeFileSync(file, JSON.stringify({ ...configuration, fields: [], surprise: true }))
    const broken = await tandem(['link', 'set-config', 'Defects', file])
    expect(broken.code).toBe(1)
    expect(broken.err).toContain('map at least one field')
    expect(broken.err).toContain('surprise')
    writeFileSync(file, '{"fields": ')
    expect((await tandem(['link', 'set-config', 'Defects', file])).err).toMatch(/configuration\.json is not valid JSON/)
    expect((await tandem(['link', 'set-config', 'Defects', path.join(folder, 'none')])).err).toMatch(/cannot be read/)

    writeFileSync(file, JSON.stringify(configuration))
    expect((await tandem(['link', 'set-config', 'Defects', file])).out).toContain(
      'Nothing differs: version 1 of Defects says the same already.',
    )

    const gone = configuration.fields.map((field) =>
      field.right === 'name' ? { ...field, right: 'nowhere_udf' } : field,
    )
    writeFileSync(file, JSON.stringify({ ...configuration, fields: gone }))
    expect((await tandem(['link', 'set-config', 'Defects', file, '--comment', 'try'])).out).toContain('Saved version 2')
    const check = await tandem(['link', 'check', 'Defects'])
    expect(check.code).toBe(1)
    expect(check.out).toMatch(/✗ {2}.*"nowhere_udf" does not exist/)
    expect(check.out).toMatch(/→ .*\(\/fields\/\d+\/right\)/)
    const run = await tandem(['link', 'run', 'Defects'])
    expect([run.code, run.out]).toEqual([1, expect.stringContaining('nothing was synchronized')])
    writeFileSync(file, JSON.stringify(configuration))
    await tandem(['link', 'set-config', 'Defects', file])
  })

  it('are given an address for hints, which is shown once, counted and taken away', async () => {
    const webhook = (...args: string[]) => tandem(['link', 'webhook', 'Defects', ...args])
    expect(await webhook('--show')).toMatchObject({ code: 1, err: expect.stringContaining('no address for hints') })
    const made = await webhook()
    expect(made.out).not.toContain('Secret')
    expect(made.out).toContain('It is not shown again.')
    const signed = await webhook('--signed')
    expect([signed.code, signed.err]).toEqual([0, ''])
    const [, url] = /"Call URL": (http\S+\/webhooks\/[\w-]{43})\n/.exec(signed.out) ?? []
    const [, secret] = /Secret: ([\w-]{43})\n/.exec(signed.out) ?? []
    expect(made.out).not.toContain(url)
    const headers = { 'x-tandem-signature': 'wrong' }
    expect((await fetch(url ?? '', { method: 'POST', body: '{}', headers })).status).toBe(202)
    expect((await fetch(url ?? '', { method: 'POST', body: '{}' })).status).toBe(202)
    await expect
      .poll(async () => (await webhook('--show')).out, { timeout: 30_000 })
      .toMatch(/1 received, .+; 1 refused/)
    const { out } = await webhook('--show')
    expect(out).toContain(`/webhooks/…${url?.slice(-4)}, signed`)
    for (const one of [url?.split('/').at(-1), secret]) expect(out).not.toContain(one)
    expect(await webhook('--show', '--remove')).toMatchObject({ code: 1, err: expect.stringContaining('one of them') })
    expect((await webhook('--remove')).out).toBe('Defects takes no hints any more.\n')
    expect((await webhook('--remove')).code).toBe(1)
  })

  it('end with 3 when a run finished with errors, and name the record, the field and the remedy', async () => {
    service.octane.create('release', {
      name: 'Nowhere else',
      start_date: '2026-01-01T12:00:00Z',
      end_date: '2026-02-01T12:00:00Z',
    })
    const release = service.octane.records('release').find(({ name }) => name === 'Nowhere else')
    const twin = service.octane.records('defect').find(({ alm_id_udf }) => alm_id_udf === 'DEFAULT/Sync/defect/1')
    service.octane.edit('defect', String(twin?.id), { release: { type: 'release', id: release?.id } })
    // Reads the releases anew: a run knows them as they were some minutes ago.
    expect((await tandem(['link', 'check', 'Defects'])).code).toBe(0)
    const run = await tandem(['link', 'run', 'Defects'])
    expect([run.code, run.out]).toEqual([3, expect.stringContaining('finished with errors')])
    const issues = await tandem(['link', 'issues', 'Defects'])
    expect(issues.out).toMatch(/Severity\s+Owner\s+Issue\s+Remedy/)
    expect(issues.out).toContain('Nowhere else')
    expect(issues.out).toContain('tandem issue show <id>')
    const listed = await json<{ id: string; message: string; remedy: string }[]>(['link', 'issues', 'Defects'])
    const issue = listed.find(({ message }) => message.includes('Nowhere else'))
    issueId = issue?.id ?? ''
    const shown = await tandem(['issue', 'show', issueId.slice(0, 8)])
    expect([shown.code, shown.err]).toEqual([0, ''])
    for (const all of [issue?.id, issue?.message, issue?.remedy]) expect(shown.out).toContain(all)
    expect(shown.out).toMatch(/Record {5}1 in alm, target-rel: "\d+"\n {11}\d+ in octane, release: "\d+"\n/)
    expect(shown.out).toMatch(/Mapping {4}\/fields\/\d+ of the configuration\n/)
    expect(await tandem(['issue', 'show', '12345678'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('no issue 12345678'),
    })
    expect(await tandem(['issue', 'retry', 'Defects', '--code', 'nope'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('value-gap'),
    })
    expect((await tandem(['issue', 'retry', 'Defects', issue?.id.slice(0, 8) ?? ''])).out).toContain('1 issue is tried')
    expect((await tandem(['issue', 'retry', 'Defects', '12345678'])).err).toContain('no issue 12345678')
    expect((await tandem(['issue', 'heed', 'Defects', '--owner', 'admin'])).out).toContain('No ignored issue')
  })

  it('list conflicts with what both sides changed, decide about all that match, and name a side for those left open', async () => {
    const id = (await service.call('listLinks')).items.find((one) => one.name === 'Defects')?.id ?? ''
    const { items } = await service.call('listVersions', { params: { id } })
    const { fields } = (items[0]?.configuration ?? {}) as { fields: { id: string; left: string | null }[] }
    await service.configure(id, {
      fields: fields.map((field) => (field.left === 'name' ? { ...field, conflict: 'ask' } : field)),
    })
    const name = (word: string) => ({
      name: `A name that has many words, of which only one, the ${word}, is another one`,
    })
    service.alm.edit('defect', '2', name('common'))
    await service.runToEnd(id, 'check')
    await service.runToEnd(id, 'run')
    const twin = service.octane.records('defect').find(({ alm_id_udf }) => alm_id_udf === 'DEFAULT/Sync/defect/2')
    service.alm.edit('defect', '2', name('first'))
    service.octane.edit('defect', String(twin?.id), name('second'))
    await service.runToEnd(id, 'run')
    const policy = await tandem(['conflict', 'policy', 'Defects', '--after-days', '14', '--take', 'right'])
    expect(policy.out).toContain('take the right side 14 days after their values last changed')
    const { out } = await tandem(['conflict', 'list', '--diff'])
    expect(out).toContain('the [-common, -]{+second, +}is')
    expect(out).toMatch(/the right side is taken on .+ if nobody decides/)
    const all = [
      'conflict',
      'resolve',
      'Defects',
      '--every',
      '--kind',
      'both-changed',
      '--choose',
      'left',
      '--reason',
      'ALM leads',
    ]
    expect((await tandem(all)).out).toContain('Nothing was decided yet')
    expect((await tandem([...all, '--yes'])).out).toMatch(/^\S+ decided\n$/)
    await service.runToEnd(id, 'run')
    expect(service.octane.records('defect').find((one) => one.id === twin?.id)).toMatchObject(name('first'))
  })

  it('show what a reset would do, and do it when told so', async () => {
    const time = ['link', 'reset-time', 'Defects', '--since', '2026-01-01T00:00:00Z']
    expect((await tandem(time)).out).toMatch(
      /octane is listed again from 2026-01-01T00:00:00Z[\s\S]+Nothing was done yet/,
    )
    expect((await tandem([...time, '--yes', '--reason', 'tried'])).out).toContain('The next run does it.')
    const history = ['link', 'reset-history', 'Defects']
    expect((await tandem(history)).out).toMatch(/The 15 pairs stay[\s\S]+pause the link first/)
    const refused = await tandem([...history, '--yes', '--reason', 'tried'])
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('Pause it')])
  })

  it('are deleted, and are then not found', async () => {
    const shown = await tandem(['link', 'delete', 'Defects'])
    expect(shown.out).toContain('Its 15 pairs are kept: a later defect link of')
    expect(shown.out).toContain('Nothing was done yet')
    const unexplained = await tandem(['link', 'delete', 'Defects', '--yes'])
    expect([unexplained.code, unexplained.err]).toEqual([1, expect.stringContaining('--reason')])
    const done = await tandem(['link', 'delete', 'Defects', '--yes', '--reason', 'the project is over'])
    expect(done.out).toBe('Deleted Defects. Its 15 pairs are kept.\n')
    const after = await tandem(['link', 'show', 'Defects'])
    expect([after.code, after.err]).toEqual([1, 'There is no link "Defects". There are none yet.\n'])
    const issue = await tandem(['issue', 'show', issueId])
    expect([issue.code, issue.err]).toEqual([0, ''])
    expect(issue.out).toMatch(
      /Link +Defects \(deleted\)\nRecord +1 in alm, target-rel: not read any more\n {11}\d+ in octane\n/,
    )
    expect(issue.out).not.toMatch(/^Next/m)
  })
})

describe('an API that is not there', () => {
  it('ends with 4 and says where nothing answers, or that something else does', async () => {
    const page = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end('<html>It works!</html>')
    })
    await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve))
    const at = `http://127.0.0.1:${(page.address() as AddressInfo).port}`
    try {
      const [closed, other, none, scripted] = await Promise.all([
        tandem(['link', 'list', '--api', 'http://127.0.0.1:1']),
        tandem(['link', 'list', '--api', at]),
        tandem(['link', 'list'], { env: { TANDEM_API: undefined } }),
        tandem(['link', 'list', '--json', '--api', 'http://127.0.0.1:1']),
      ])
      expect([closed.code, closed.err]).toEqual([4, expect.stringContaining('Nothing answers at http://127.0.0.1:1')])
      expect([other.code, other.err]).toEqual([4, expect.stringContaining('is not Tandem')])
      expect([none.code, none.err]).toEqual([4, expect.stringContaining('npm start')])
      expect([scripted.code, JSON.parse(scripted.out)]).toEqual([4, expect.objectContaining({ code: 'not-reachable' })])
    } finally {
      page.close()
      page.closeAllConnections()
    }
  })
})
