import { afterEach, describe, expect, it } from 'vitest'
import { commentsOf } from '../../core/comments.ts'
import type { RecordScope, ScopeGroup } from '../../core/scope.ts'
import { type AlmOptions, createAlmSandbox } from '../../sandbox/alm/server.ts'
import { connect } from '../connect.ts'
import { type Connector, ConnectorError } from '../contract.ts'

type Sandbox = ReturnType<typeof createAlmSandbox>

let open: { sandbox: Sandbox; connector: Connector }[] = []

afterEach(async () => {
  for (const { sandbox, connector } of open) {
    await connector.close()
    await sandbox.close()
  }
  open = []
})

async function start(options: Partial<AlmOptions> = {}) {
  const sandbox = createAlmSandbox({ version: '26.1', seed: 1, defects: 0, ...options })
  const { url } = await sandbox.listen()
  const address = { kind: 'alm' as const, url, domain: sandbox.domain, project: sandbox.project }
  const connector = connect(address, { kind: 'password', ...sandbox.credentials.user }, { writes: 'lock' })
  open.push({ sandbox, connector })
  return { sandbox, connector }
}

const needed = { severity: '2-Medium', 'detected-by': 'ann', 'creation-time': '2026-03-01', status: 'New' }
const problemOf = (error: unknown) => (error instanceof ConnectorError ? error.problem : error)
const update = async (connector: Connector, type: string, id: string, fields: Record<string, string>) => {
  const [before] = await connector.read(type, [id], ['name'])
  const expected = before?.stamp ?? { version: null, modified: null }
  const [result] = await connector.update(type, [{ id, fields, expected, compareAndSet: true }], Object.keys(fields))
  return result
}

describe('whatever a server answers where nobody outside knows for certain', () => {
  for (const [version, switches] of [
    ['12.5', { almAuthenticate: 'no', flatSignIn: 'no' }],
    ['12.5', { implicitSession: 'no', authenticateStatus: '201' }],
    ['26.1', { implicitSession: 'no', authenticateStatus: '201', flatSignIn: 'no' }],
  ] as const)
    it(`signing in works: ${version} ${JSON.stringify(switches)}`, async () => {
      const { connector, sandbox } = await start({ version, switches })
      expect((await connector.testConnection()).user).toBe('sync')
      const [result] = await connector.create('defect', [{ fields: { name: 'made', ...needed } }], ['name'])
      expect(result).toMatchObject({ outcome: 'done', snapshot: { fields: { name: 'made' } } })
      await connector.close()
      expect([...sandbox.requests.keys()].filter((one) => one.includes('logout'))).toHaveLength(1)
    })

  for (const version of ['12.5', '26.1'] as const)
    for (const idleRenewal of ['yes', 'no'])
      it(`a session that idled out is renewed by one of the two (${version}, silently by the server: ${idleRenewal})`, async () => {
        let now = Date.parse('2026-03-01T12:00:00Z')
        const switches = { idleRenewal, ssoSeconds: '999999' }
        const { connector, sandbox } = await start({ version, defects: 1, switches, now: () => now })
        await connector.testConnection()
        now += 3_601_000
        expect(await connector.read('defect', ['1'], ['name'])).toHaveLength(1)
        now += 3_601_000
        expect(await update(connector, 'defect', '1', { name: 'after' })).toMatchObject({ outcome: 'done' })
        now += 3_601_000
        const [result] = await connector.create('defect', [{ fields: { name: 'new', ...needed } }], [])
        expect(result).toMatchObject({ outcome: 'done' })
        expect(sandbox.records('defect').map((one) => one.name)).toEqual(['after', 'new'])
      })

  for (const filterQuotes of ['plain', 'doubled'])
    for (const [emptyFilter, filterStatus] of [
      ['matches', '400'],
      ['nothing', '404'],
      ['refused', '400'],
    ] as const)
      it(`texts and empty values are found exactly (${filterQuotes}, ${emptyFilter}, ${filterStatus})`, async () => {
        const { connector, sandbox } = await start({ switches: { filterQuotes, emptyFilter, filterStatus } })
        const texts = [
          'a "quoted" text',
          "it's plain",
          `both "one" and 'two'`,
          'twice ""',
          "and ''",
          'NOT this OR that',
          'plain',
        ]
        for (const [index, text] of texts.entries())
          sandbox.create('defect', {
            name: `record ${index}`,
            'user-01': text,
            ...(index % 2 === 0 ? { priority: '1-Low' } : {}),
            ...needed,
          })
        for (const [index, text] of texts.entries())
          expect([text, (await connector.find('defect', 'user-01', [text], [])).map((one) => one.id)]).toEqual([
            text,
            [String(index + 1)],
          ])
        const among = async (filter: ScopeGroup) => {
          const scope: RecordScope = {
            ...{ filter, favorite: null, root: null, pastReleases: true, types: null },
            ...{ zone: 'UTC', now: '2026-05-20T12:00:00Z' },
          }
          return [
            ...(await connector.matching(
              'defect',
              texts.map((_, index) => String(index + 1)),
              scope,
            )),
          ].sort()
        }
        const condition = { field: 'priority', operator: 'empty' as const, values: [] }
        expect(await among({ match: 'all', conditions: [condition] })).toEqual(['2', '4', '6'])
      })

  for (const favoriteForm of ['typed', 'entity'])
    it(`favorites are read in either form (${favoriteForm})`, async () => {
      const { connector } = await start({ switches: { favoriteForm } })
      const found = await connector.favorites('defect')
      expect(found.map(({ name, public: open, conditions }) => [name, open, conditions])).toEqual([
        ['Mine', false, ['owner["sync"]']],
        ['Open blockers', true, ['status[New OR Open OR Reopen]', "severity['4-Very High' OR 5-Urgent]"]],
      ])
    })

  for (const siteLists of ['nested', 'results'])
    for (const singleElement of ['array', 'object'])
      it(`domains and projects are listed (${siteLists}, ${singleElement})`, async () => {
        const { connector } = await start({ switches: { siteLists, singleElement } })
        expect((await connector.places()).map((one) => one.name)).toEqual(['DEFAULT/Sync'])
      })

  for (const existsStatus of ['400', '409', '500'])
    it(`a name that is taken is refused for good, and nothing is in doubt (${existsStatus})`, async () => {
      const { connector, sandbox } = await start({ defects: 1, switches: { existsStatus } })
      sandbox.create('requirement', { name: 'Twin', 'parent-id': '0', 'type-id': '3' })
      const twin = { name: 'Twin', 'parent-id': null, 'type-id': '3' }
      const [result] = await connector.create('requirement', [{ fields: twin }], [])
      expect(result).toMatchObject({
        outcome: 'refused',
        problem: { class: 'refused', code: 'entity-already-exists', message: expect.stringContaining("'Twin'") },
      })
      expect(sandbox.records('requirement').filter((one) => one.name === 'Twin')).toHaveLength(1)
      const content = async function* () {
        yield Buffer.from('x')
      }
      const attach = () => connector.attachments?.add('defect', '1', { name: 'a.txt', size: 1, content })
      expect(await attach()).toMatchObject({ outcome: 'done', entry: { name: 'a.txt' } })
      expect(await attach()).toMatchObject({ outcome: 'refused', problem: { code: 'entity-already-exists' } })
      expect(sandbox.records('attachment')).toHaveLength(1)
    })

  for (const workflowStatus of ['400', '403'])
    it(`a transition that the workflow refuses is told as that (${workflowStatus})`, async () => {
      const { connector, sandbox } = await start({ switches: { workflow: 'enforced', workflowStatus } })
      sandbox.create('defect', { name: 'one', ...needed })
      expect(await update(connector, 'defect', '1', { status: 'Closed' })).toMatchObject({
        outcome: 'refused',
        problem: { class: 'refused', field: 'status' },
      })
      expect(await update(connector, 'defect', '1', { status: 'Open' })).toMatchObject({ outcome: 'done' })
    })

  for (const [updateWithoutCheckOut, version] of [
    ['refused', null],
    ['versioned', '2'],
    ['unversioned', '1'],
  ] as const)
    it(`under version control a write goes through, or says what is missing (${updateWithoutCheckOut})`, async () => {
      const { connector, sandbox } = await start({ switches: { versionControl: 'yes', updateWithoutCheckOut } })
      sandbox.create('requirement', { name: 'one', 'parent-id': '0', 'type-id': '3' })
      const [id = ''] = sandbox.records('requirement').flatMap((one) => (one.name === 'one' ? [String(one.id)] : []))
      const result = await update(connector, 'requirement', id, { name: 'two' })
      const now = sandbox.records('requirement').find((one) => one.id === id)
      if (version === null) {
        expect(result).toMatchObject({
          outcome: 'refused',
          problem: { code: 'not-checked-out', remedy: expect.stringContaining('version control') },
        })
        expect(now?.name).toBe('one')
      } else {
        expect(result).toMatchObject({ outcome: 'done', snapshot: { fields: { name: 'two' } } })
        expect([now?.name, now?.['vc-version-number']]).toEqual(['two', version])
      }
      sandbox.versionControl('requirement', id, 'check-out', { actor: 'bob' })
      expect(await update(connector, 'requirement', id, { name: 'three' })).toMatchObject({
        outcome: 'refused',
        problem: { class: 'locked', message: expect.stringContaining("'bob'") },
      })
    })

  for (const memoForm of ['printed', 'cleaned', 'verbatim'])
    for (const memoStyles of ['kept', 'removed'])
      it(`a memo reads back as it was written (${memoForm}, styles ${memoStyles})`, async () => {
        const { connector } = await start({ switches: { memoForm, memoStyles } })
        const description = '<p>a <b>bold</b> word &amp; more</p><ul><li>one</li><li>two</li></ul>'
        const fields = { name: 'memo', description, ...needed }
        const [result] = await connector.create('defect', [{ fields }], ['description'])
        if (result?.outcome !== 'done') throw new Error(JSON.stringify(result))
        const [read] = await connector.read('defect', [result.snapshot.id], ['description'])
        expect(read?.fields.description).toBe(result.snapshot.fields.description)
        const again = await update(connector, 'defect', result.snapshot.id, {
          description: String(read?.fields.description),
        })
        expect(again).toMatchObject({
          outcome: 'done',
          snapshot: { fields: { description: read?.fields.description } },
        })
      })

  for (const [hiddenFields, shown] of [
    ['absent', undefined],
    ['empty', null],
  ] as const)
    it(`a field that may not be read is unknown where it is left out (${hiddenFields})`, async () => {
      const { connector, sandbox } = await start({ switches: { hiddenFields } })
      sandbox.create('defect', { name: 'one', priority: '1-Low', ...needed })
      sandbox.permissions.hideField({ type: 'defect', field: 'priority' })
      const [read] = await connector.read('defect', ['1'], ['name', 'priority'])
      expect([read?.fields.name, read?.fields.priority]).toEqual(['one', shown])
      // The permissions tell in either case.
      expect((await connector.inspect('defect'))[0]?.frozen).toContain('priority')
    })

  for (const commentBanner of ['underscores', 'login'])
    it(`comments are taken apart at the banners of old and new clients (${commentBanner})`, async () => {
      const { connector, sandbox } = await start({ switches: { commentBanner } })
      sandbox.create('defect', { name: 'one', ...needed })
      for (const [actor, text] of [
        ['ann', 'Seen twice'],
        ['bob', 'And again'],
      ] as const)
        sandbox.comment('defect', '1', text, { actor })
      const [read] = await connector.read('defect', ['1'], ['dev-comments'])
      const comments = commentsOf(read?.fields['dev-comments'] ?? null)
      expect(comments.map((one) => one.text)).toEqual([
        expect.stringContaining('Seen twice'),
        expect.stringContaining('And again'),
      ])
      // Old clients write no line before the first comment, so that its banner is part of the text.
      const first = commentBanner === 'login' ? expect.stringMatching(/ann/i) : null
      expect(comments.map((one) => one.author)).toEqual([first, expect.stringMatching(/bob/i)])
    })

  for (const foreignProjectStatus of ['401', '403'])
    it(`a project that is closed to the user is told, and signs nobody in again and again (${foreignProjectStatus})`, async () => {
      const { connector, sandbox } = await start({ defects: 1, switches: { foreignProjectStatus } })
      await connector.testConnection()
      sandbox.permissions.shutOut('sync')
      const problem = problemOf(await connector.read('defect', ['1'], ['name']).catch((error: unknown) => error))
      expect(['auth', 'forbidden']).toContain((problem as { class?: string }).class)
      const signIns = [...sandbox.requests].filter(([key]) => key.includes('alm-authenticate'))
      expect(signIns.reduce((sum, [, times]) => sum + times, 0)).toBeLessThan(4)
      sandbox.permissions.letIn('sync')
      expect(await connector.read('defect', ['1'], ['name'])).toHaveLength(1)
    })

  for (const auditActions of ['update', 'all'])
    it(`the history tells the last edit of a field (${auditActions})`, async () => {
      const { connector, sandbox } = await start({ switches: { auditActions } })
      // A write of ours, from which the connector learns what the server's clock shows.
      await connector.create('defect', [{ fields: { name: 'one', ...needed } }], [])
      sandbox.edit('defect', '1', { status: 'Open' }, { actor: 'bob' })
      const [read] = await connector.read('defect', ['1'], ['status', 'severity'])
      if (read === undefined) throw new Error('the record is there')
      expect(Object.keys(await connector.lastEdits('defect', read, ['status', 'severity']))).toEqual(['status'])
    })
})
