import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { LinkView } from '../api/contract/schemas.ts'
import { type Service, startService } from './service.ts'

let service: Service
let link: LinkView
const folder = mkdtempSync(path.join(tmpdir(), 'tandem-people-'))

beforeAll(async () => {
  service = await startService()
  link = await service.addLink()
})
afterAll(async () => {
  await service.close()
  rmSync(folder, { recursive: true })
})

const bin = fileURLToPath(new URL('../cli/bin.js', import.meta.url))

/** What the command line says on both outputs. */
async function tandem(...args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH, TANDEM_API: service.url }
  const ended = await promisify(execFile)(process.execPath, [bin, ...args], { env }).catch(
    (error: { stdout: string; stderr: string }) => error,
  )
  return ended.stdout + ended.stderr
}

function almDefect(name: string, owner: string): string {
  const fields = { severity: '2-Medium', 'detected-by': 'ann', 'creation-time': '2026-03-01', status: 'New' }
  return String(service.alm.create('defect', { ...fields, name, owner }).id)
}

function ownerOf(name: string): string | null | undefined {
  const found = ['defect', 'epic'].flatMap((type) => service.octane.records(type)).find((one) => one.name === name)
  if (found === undefined) return undefined
  const owner = service.octane.records('workspace_user').find((one) => one.id === (found.owner as { id: string })?.id)
  return owner === undefined ? null : String(owner.email)
}

const importing = (csv: string) => service.call('importUserMapping', { params: { id: link.id }, body: { csv } })

const gaps = async () => {
  const { items } = await service.call('linkIssues', { params: { id: link.id }, query: { open: 'true' } })
  return items.filter((one) => one.code === 'user-gap' && one.field === 'owner')
}

describe('who is who on both sides', () => {
  // covers 82
  it('needs no configuration where addresses agree; somebody unknown is a warning and an empty field, and no failure', async () => {
    almDefect('of bob', 'bob')
    almDefect('of ivan', 'ivan')
    almDefect('of jana', 'jana')
    const run = await service.runToEnd(link.id, 'run')
    expect([run.counters.createdRight, run.counters.failed, run.counters.held]).toEqual([3, 0, 0])
    expect(ownerOf('of bob')).toBe('bob.baker@example.com')
    expect([ownerOf('of ivan'), ownerOf('of jana')]).toEqual([null, null])
    const open = await gaps()
    expect(open.map(({ severity, message }) => [severity, message.split(' of "')[0]]).sort()).toEqual([
      ['warning', 'Ivan Iversen (ivan)'],
      ['warning', 'Jana Jansen (jana)'],
    ])
    // Nor is somebody who stays unknown a reason to look at records again.
    await service.runToEnd(link.id, 'run')
    expect((await service.runToEnd(link.id, 'full')).counters.examined).toBe(0)
    const { items } = await service.call('mappedPeople', { params: { id: link.id } })
    const of = (login: string) => items.find((one) => one.side === 'left' && one.login === login)
    expect([of('bob')?.by, of('bob')?.twin?.name, of('ivan')?.by]).toEqual(['email', 'Bob Baker', null])
  })

  // covers 86
  it('is read from a file, of which nothing is taken while a line is wrong, and every wrong line is told', async () => {
    const refused = await service.refused('importUserMapping', {
      params: { id: link.id },
      body: {
        csv: 'ivan,>,kim.kowalski@example.com\nbob\nbob,=,a@x\n*,<>,kim.kowalski@example.com\nIVAN,<>,lena.lindqvist@example.com\n',
      },
    })
    expect(refused).toMatchObject({ code: 'bad-lines' })
    expect(refused.errors.map(({ message }) => message.split(':')[0])).toEqual(['line 2', 'line 3', 'line 4', 'line 5'])
    const unknown = path.join(folder, 'unknown.csv')
    writeFileSync(
      unknown,
      'ivan,>,nobody@example.com\nleft-long-ago,>,kim.kowalski@example.com\nnobody,<,kim.kowalski@example.com\n',
    )
    const told = await tandem('user-mapping', 'import', 'Defects', unknown)
    expect(told).toContain('line 1: octane has no user "nobody@example.com"')
    expect(told).toContain('line 3: alm has no user "nobody"')
    expect(told).not.toContain('line 2')
    expect((await service.call('userMapping', { params: { id: link.id } })).pairs).toEqual([])
  })

  // covers 84
  it('carries at once what waited for a person, in automatic mode without anybody asking', async () => {
    await service.configure(link.id, { schedule: { fullScans: [], intervalSeconds: 3_600 } })
    await service.call('commandLink', { params: { id: link.id }, body: { command: 'automatic' } })
    // Its next look by itself is an hour away.
    await vi.waitUntil(
      async () => (await service.database.sql`select 1 from watch_hours where link_id = ${link.id}`).length > 0,
      { timeout: 30_000, interval: 100 },
    )
    const done = await importing('ivan,>,kim.kowalski@example.com\nleft-long-ago,>,lena.lindqvist@example.com\n')
    expect(done).toMatchObject({ added: 2, removed: 0, kept: 0, due: 1 })
    expect(done.notes).toEqual([expect.stringContaining('line 2: alm does not list "left-long-ago"')])
    await vi.waitUntil(() => ownerOf('of ivan') === 'kim.kowalski@example.com', { timeout: 30_000, interval: 100 })
    await vi.waitUntil(async () => (await gaps()).length === 1, { timeout: 10_000, interval: 100 })
    expect((await gaps())[0]?.message).toContain('Jana')
    // One way: Kim of Octane is not Ivan of ALM.
    expect(service.alm.records('defect').find((one) => one.name === 'of ivan')?.owner).toBe('ivan')
    await service.call('commandLink', { params: { id: link.id }, body: { command: 'manual' } })
  })

  // covers 83
  it('has somebody stand in for everybody else, until the person is known', async () => {
    expect(await importing('ivan,>,kim.kowalski@example.com\n*,>,lena.lindqvist@example.com\n')).toMatchObject({
      due: 1,
    })
    await service.runToEnd(link.id, 'run')
    expect([ownerOf('of jana'), ownerOf('of ivan')]).toEqual(['lena.lindqvist@example.com', 'kim.kowalski@example.com'])
    expect((await gaps()).map(({ message }) => message)).toEqual([expect.stringContaining('gets the default user')])
    await importing('jana,<>,hugo.holm@example.com\n*,>,lena.lindqvist@example.com\n')
    await service.runToEnd(link.id, 'run')
    expect(ownerOf('of jana')).toBe('hugo.holm@example.com')
    expect(await gaps()).toEqual([])
    expect(service.alm.records('defect').find((one) => one.name === 'of jana')?.owner).toBe('jana')
  })

  // covers 87
  it('is written to a file that is read again as the same', async () => {
    await importing(
      '"ivan",>,kim.kowalski@example.com\r\n# people who left\r\n*,>,lena.lindqvist@example.com\r\njana,<>,HUGO.holm@example.com',
    )
    const file = path.join(folder, 'people.csv')
    await tandem('user-mapping', 'export', 'Defects', file)
    expect(readFileSync(file, 'utf8')).toBe(
      'ivan,>,kim.kowalski@example.com\njana,<>,HUGO.holm@example.com\n*,>,lena.lindqvist@example.com\n',
    )
    expect(await tandem('user-mapping', 'import', 'Defects', file)).toBe(
      '0 pairs added, 0 removed, 3 as before. 0 records that waited for one of them are due.\n',
    )
    expect(await tandem('user-mapping', 'show', 'Defects')).toMatch(/ivan +> +kim\.kowalski@example\.com/)
    expect(await tandem('user-mapping', 'people', 'Defects', '--without-twin')).toMatch(/Octane +kim\.kowalski/)
    const actions = await service.database.sql<
      { actor: string }[]
    >`select actor from ledger where action = 'user mapping changed'`
    expect(actions).toHaveLength(4)
  })

  // covers 85
  it('is one for all links of two endpoints', async () => {
    const { link: backlog } = await service.call('createLink', {
      body: {
        name: 'Backlog',
        left: link.left.id,
        right: link.right.id,
        entityType: 'backlog',
        types: [{ octane: 'epic', alm: ['Business'] }],
        configuration: { schedule: { fullScans: [] } },
      },
    })
    const shared = await service.call('userMapping', { params: { id: backlog.id } })
    expect([shared.pairs.length, shared.links.map(({ name }) => name)]).toEqual([3, ['Backlog', 'Defects']])
    service.alm.create('requirement', { name: 'epic of ivan', 'type-id': '4', 'parent-id': '0', owner: 'ivan' })
    await service.runToEnd(backlog.id, 'run')
    expect(ownerOf('epic of ivan')).toBe('kim.kowalski@example.com')
  })

  // covers 84
  it('is looked at again by a full run: somebody who got an account meanwhile needs no mapping', async () => {
    await importing('')
    almDefect('of jana, again', 'jana')
    await service.runToEnd(link.id, 'run')
    await service.runToEnd(link.id, 'run')
    expect(ownerOf('of jana, again')).toBeNull()
    const kim = service.octane.records('workspace_user').find((one) => one.name === 'kim.kowalski@example.com')
    await service.configure(link.id, { defaultUsers: { left: 'sync', right: String(kim?.id) } })
    await service.runToEnd(link.id, 'run')
    expect(ownerOf('of jana, again')).toBe('kim.kowalski@example.com')
    const email = 'jana.jansen@example.com'
    service.octane.create('workspace_user', { name: email, full_name: 'Jana Jansen', email, activity_level: 0 })
    await service.runToEnd(link.id, 'full')
    expect(ownerOf('of jana, again')).toBe(email)
    expect(await gaps()).toEqual([])
  })

  // covers 84
  it('holds a record whose people are unknown where the link asks for that, and only there', async () => {
    await service.configure(link.id, { unknownUsers: 'hold', defaultUsers: { left: 'sync', right: null } })
    await importing('')
    almDefect('held for ivan', 'ivan')
    const run = await service.runToEnd(link.id, 'run')
    expect([run.status, ownerOf('held for ivan')]).toEqual(['with-errors', undefined])
    const told = (await gaps()).find((one) => one.severity === 'error')
    expect(told?.message).toContain('Ivan Iversen (ivan)')
    expect(told?.remedy).toContain('tandem user-mapping import')
    expect(await importing('ivan,>,kim.kowalski@example.com\n')).toMatchObject({ due: 1 })
    await service.runToEnd(link.id, 'run')
    expect(ownerOf('held for ivan')).toBe('kim.kowalski@example.com')
    expect(await gaps()).toEqual([])
  })
})
