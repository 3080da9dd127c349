import { afterEach, describe, expect, it } from 'vitest'
import type { LinkConfigurationInput } from '../core/link-config.ts'
import { verifyChain } from '../db/ledger-verify.ts'
import { fullRun, restWrites, waitOver } from './deletions.ts'
import { filesOf } from './files.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

async function open(options: LabOptions = {}): Promise<Lab> {
  lab = await createLab(options)
  return lab
}

const attachments = (wanted: LinkConfigurationInput['attachments']) => (same: LinkConfigurationInput) => ({
  ...same,
  attachments: wanted,
})

const almFiles = (here: Lab, id: string) => filesOf(here.alm, 'defect', id)
const octaneFiles = (here: Lab, id: string) => filesOf(here.octane, 'defect', id)

function attachInAlm(here: Lab, id: string, name: string, seed: number, size = 5_000): void {
  here.alm.attach('defect', id, { name, content: here.alm.attachments.contents.generated(seed, size) })
}

function attachInOctane(here: Lab, id: string, name: string, seed: number, size = 5_000): void {
  here.octane.attach({ type: 'defect', id }, name, here.octane.contents.generated(seed, size))
}

function twinOf(here: Lab, almId: string): string {
  const twin = here.octane.records('defect').find((one) => one.alm_id_udf === `DEFAULT/Sync/defect/${almId}`)
  if (twin === undefined) throw new Error(`no twin of ${almId}`)
  return twin.id
}

async function issueCodes(here: Lab): Promise<string[]> {
  const rows = await here.database.sql<
    { code: string }[]
  >`select code from issues where resolved_at is null order by code`
  return rows.map((row) => row.code)
}

describe('files of records', () => {
  // covers 89
  it('are carried with a new record and later, both ways, once each, and then rest', async () => {
    const here = await open({ alm: { defects: 2 } })
    attachInAlm(here, '1', 'plan.txt', 1)
    attachInAlm(here, '1', 'Größe & Maß.log', 2, 200_000)
    await fullRun(here)
    const twin = twinOf(here, '1')
    expect(await octaneFiles(here, twin)).toEqual(await almFiles(here, '1'))
    expect(await octaneFiles(here, twin)).toHaveLength(2)
    attachInOctane(here, twin, 'answer.log', 3)
    await fullRun(here)
    expect(await almFiles(here, '1')).toEqual(await octaneFiles(here, twin))
    expect(await almFiles(here, '1')).toHaveLength(3)
    const before = restWrites(here)
    await fullRun(here)
    expect(restWrites(here) - before).toBe(0)
    const [ledger] = await here.database.sql<{ files: number; writes: number }[]>`
      select count(*) filter (where action = 'attachment')::int as files, count(*) filter (where kind = 'write')::int as writes from ledger`
    expect(ledger).toEqual({ files: 3, writes: restWrites(here) })
    expect(await verifyChain(here.database, `link:${here.linkId}`)).toMatchObject({ firstBreak: null })
  })

  for (const rule of ['nothing', 'delete'] as const)
    it(`are neither taken away nor doubled while they may not be seen: ${rule}`, async () => {
      const here = await open({ alm: { defects: 3 }, link: attachments({ delete: rule }) })
      attachInAlm(here, '1', 'plan.txt', 1)
      attachInAlm(here, '1', 'notes.txt', 2)
      attachInAlm(here, '2', 'other.txt', 3)
      await fullRun(here)
      const twins = { '1': twinOf(here, '1'), '2': twinOf(here, '2') }
      const before = restWrites(here)
      here.octane.permissions.deny({ type: 'attachment', action: 'read' })
      for (let round = 0; round < 3; round++) {
        here.octane.edit('defect', twins['1'], { name: `edited ${round}` })
        await fullRun(here)
        await waitOver(here)
      }
      here.octane.permissions.clear()
      for (let round = 0; round < 2; round++) {
        await fullRun(here)
        await waitOver(here)
      }
      for (const [id, twin] of Object.entries(twins))
        expect(await octaneFiles(here, twin)).toEqual(await almFiles(here, id))
      expect(await almFiles(here, '1')).toHaveLength(2)
      expect(restWrites(here) - before).toBe(3)
      expect(await issueCodes(here)).toEqual([])
    })

  /** What files do to their records, in ALM and in Octane. */
  const doings = [
    { attachmentTouches: 'nothing', attachmentsBumpItem: 'no' },
    { attachmentTouches: 'version', attachmentsBumpItem: 'no' },
    { attachmentTouches: 'modified', attachmentsBumpItem: 'yes' },
  ]
  // covers 90, 92
  it.each(doings)('are noticed by any scan, whether or not their records show it: %o', async (switches) => {
    const { attachmentTouches, attachmentsBumpItem } = switches
    const here = await open({
      alm: { defects: 2, switches: { attachmentTouches } },
      octane: { switches: { attachmentsBumpItem } },
      link: attachments({ delete: 'delete' }),
    })
    const scan = () => fullRun(here, undefined, 'changes')
    attachInAlm(here, '1', 'first.txt', 1)
    attachInAlm(here, '2', 'other.txt', 2)
    await fullRun(here)
    await scan()
    const twin = twinOf(here, '1')
    /** Names on both sides, which must be the same. */
    const names = async () => {
      const [left, right] = [await almFiles(here, '1'), await octaneFiles(here, twin)]
      expect(right).toEqual(left)
      return left.map((one) => one.split(' ')[0])
    }
    attachInAlm(here, '1', 'late.txt', 3)
    await scan()
    expect(await names()).toEqual(['first.txt', 'late.txt'])
    attachInOctane(here, twin, 'later.txt', 4)
    await scan()
    expect(await names()).toEqual(['first.txt', 'late.txt', 'later.txt'])
    const inOctane = here.octane.records('attachment').find((one) => one.name === 'late.txt')
    here.octane.remove('attachment', inOctane?.id ?? '')
    await scan()
    expect(await names()).toEqual(['first.txt', 'later.txt'])
    const model = here.alm.store.model('defect')
    const inAlm = here.alm.attachments.of(model, '1').find((one) => one.name === 'first.txt')
    if (inAlm === undefined) throw new Error('attached')
    here.alm.attachments.remove(inAlm, { user: 'ann', session: null, via: 'control' })
    await scan()
    expect(await names()).toEqual(['later.txt'])
    expect(await almFiles(here, '2')).toHaveLength(1)
    // What both sides know of is nobody's change, however often it is listed.
    await scan()
    const before = restWrites(here)
    const { counters } = await scan()
    expect({ examined: counters.examined, writes: restWrites(here) - before }).toEqual({ examined: 0, writes: 0 })
  })

  it('are noticed by a full scan where ALM lists files record by record only', async () => {
    const here = await open({ alm: { defects: 1, switches: { projectAttachments: 'no' } } })
    await fullRun(here)
    attachInAlm(here, '1', 'late.txt', 1)
    await fullRun(here, undefined, 'changes')
    expect(await octaneFiles(here, twinOf(here, '1'))).toEqual([])
    await fullRun(here)
    expect(await octaneFiles(here, twinOf(here, '1'))).toEqual(await almFiles(here, '1'))
  })

  // covers 91
  it('of the same name become one where their contents agree, and two where they do not', async () => {
    const here = await open({ alm: { defects: 2 } })
    await fullRun(here)
    for (const id of ['1', '2']) attachInAlm(here, id, 'same.txt', 7)
    attachInOctane(here, twinOf(here, '1'), 'same.txt', 8)
    const alm = here.alm.attachments.of(here.alm.store.model('defect'), '2')[0]
    if (alm === undefined) throw new Error('attached')
    // The very bytes of the other side.
    const bytes: Buffer[] = []
    for await (const piece of here.alm.attachments.contentOf(alm).open()) bytes.push(piece as Buffer)
    await uploadToOctane(here, twinOf(here, '2'), 'same.txt', Buffer.concat(bytes))
    await fullRun(here)
    expect((await almFiles(here, '2')).map((one) => one.split(' ')[0])).toEqual(['same.txt'])
    expect(await octaneFiles(here, twinOf(here, '2'))).toHaveLength(1)
    expect((await almFiles(here, '1')).map((one) => one.replace(/ \w{12}$/, ''))).toEqual(['same (2).txt', 'same.txt'])
    expect((await octaneFiles(here, twinOf(here, '1'))).map((one) => one.replace(/ \w{12}$/, ''))).toEqual([
      'same (2).txt',
      'same.txt',
    ])
    const before = restWrites(here)
    await fullRun(here)
    expect(restWrites(here) - before).toBe(0)
  })

  // covers 90
  it('follow a new content and, where the other side can, a new name', async () => {
    const here = await open({ alm: { defects: 1 } })
    attachInAlm(here, '1', 'plan.txt', 1)
    await fullRun(here)
    const twin = twinOf(here, '1')
    const [mine] = here.octane.records('attachment').filter((one) => one.name === 'plan.txt')
    here.alm.attach('defect', '1', {
      name: 'plan.txt',
      content: here.alm.attachments.contents.generated(2, 6_000),
      override: true,
    })
    await fullRun(here)
    expect(await octaneFiles(here, twin)).toEqual(await almFiles(here, '1'))
    expect(here.octane.records('attachment').map((one) => one.id)).toContain(mine?.id)
    here.octane.edit('attachment', mine?.id ?? '', { name: 'schedule.txt' })
    await fullRun(here)
    expect(await almFiles(here, '1')).toEqual(await octaneFiles(here, twin))
    expect((await almFiles(here, '1'))[0]).toMatch(/^schedule\.txt /)
    const before = restWrites(here)
    await fullRun(here)
    expect(restWrites(here) - before).toBe(0)
  })

  // covers 92
  it('stay on the other side when one is taken away, unless the link says otherwise', async () => {
    for (const rule of ['nothing', 'delete'] as const) {
      const here = await open({ alm: { defects: 2 }, link: attachments({ delete: rule }) })
      attachInAlm(here, '1', 'plan.txt', 1)
      await fullRun(here)
      const twin = twinOf(here, '1')
      const [file] = here.octane.records('attachment')
      here.octane.remove('attachment', file?.id ?? '')
      await fullRun(here)
      // Where no file reads at all, the right to read them may be lost.
      expect(await almFiles(here, '1')).toHaveLength(1)
      expect(await issueCodes(here)).toEqual(['file-unreadable'])
      attachInAlm(here, '2', 'other.txt', 2)
      for (let round = 0; round < 2; round++) {
        await waitOver(here)
        await fullRun(here)
      }
      expect(await issueCodes(here)).toEqual([])
      expect(await almFiles(here, '1')).toHaveLength(rule === 'delete' ? 0 : 1)
      expect(await octaneFiles(here, twin)).toHaveLength(0)
      const before = restWrites(here)
      await fullRun(here)
      expect(restWrites(here) - before).toBe(0)
      await here.close()
      lab = null
    }
  })

  it('that Tandem wrote and a person took away before anybody looked again are noticed by a scan for changes', async () => {
    const here = await open({ alm: { defects: 2 }, link: attachments({ delete: 'delete' }) })
    await fullRun(here)
    await fullRun(here, undefined, 'changes')
    attachInAlm(here, '1', 'plan.txt', 1)
    attachInAlm(here, '2', 'other.txt', 2)
    here.alm.edit('defect', '1', { name: 'with a file' })
    here.alm.edit('defect', '2', { name: 'with a file, too' })
    await fullRun(here, undefined, 'changes')
    const file = here.octane.records('attachment').find(({ name }) => name === 'plan.txt')
    here.octane.remove('attachment', file?.id ?? '')
    await fullRun(here, undefined, 'changes')
    expect([await almFiles(here, '1'), await almFiles(here, '2')]).toMatchObject([[], [{}]])
  })

  // covers 89
  it('that are too large or not taken hold nobody up, and are told one by one', async () => {
    const here = await open({ alm: { defects: 1 }, link: attachments({ maxBytes: 10_000 }) })
    attachInAlm(here, '1', 'big.bin', 1, 10_001)
    attachInAlm(here, '1', 'small.txt', 2)
    attachInAlm(here, '1', 'macro.vbs', 3)
    here.alm.edit('defect', '1', { name: 'goes on' })
    await fullRun(here)
    const twin = twinOf(here, '1')
    expect((await octaneFiles(here, twin)).map((one) => one.split(' ')[0])).toEqual(['small.txt'])
    expect(here.octane.records('defect').find((one) => one.id === twin)?.name).toBe('goes on')
    expect(await issueCodes(here)).toEqual(expect.arrayContaining(['attachment-too-large']))
    expect(await issueCodes(here)).toHaveLength(2)
  })

  it('are not doubled by an upload whose answer is lost', async () => {
    const here = await open({
      alm: { defects: 1 },
      link: (same) => ({ ...same, tuning: { ...same.tuning, inDoubtSeconds: 1 } }),
    })
    await fullRun(here)
    const twin = twinOf(here, '1')
    attachInAlm(here, '1', 'plan.txt', 1)
    here.octane.faults.add({ match: { method: 'POST', path: '/attachments' }, kind: 'drop-after' })
    await fullRun(here)
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 400))
      await waitOver(here)
      await fullRun(here)
    }
    expect(await octaneFiles(here, twin)).toEqual(await almFiles(here, '1'))
    const [row] = await here.database.sql<{ files: number; open: number }[]>`
      select (select count(*)::int from ledger where action = 'attachment' and found_by_looking) as files,
        (select count(*)::int from intents) as open`
    expect(row).toEqual({ files: 1, open: 0 })
  })

  // covers 88
  it('go as small files that say where they are, where the link says so', async () => {
    const here = await open({ alm: { defects: 1 }, link: attachments({ method: 'address' }) })
    attachInAlm(here, '1', 'plan.txt', 1, 100_000)
    await fullRun(here)
    const [file] = here.octane.records('attachment')
    expect(file).toMatchObject({ name: 'plan.txt.txt' })
    expect(Number(file?.size)).toBeLessThan(300)
    const before = restWrites(here)
    await fullRun(here)
    expect(restWrites(here) - before).toBe(0)
  })
})

/** As a person's browser sends it. */
async function uploadToOctane(here: Lab, id: string, name: string, bytes: Buffer): Promise<void> {
  const bench = await here.connections.workbench(await here.store.link(here.linkId))
  const result = await bench.connectors.right.attachments?.add('defect', id, {
    name,
    size: bytes.length,
    async *content() {
      yield bytes
    },
  })
  if (result?.outcome !== 'done') throw new Error(JSON.stringify(result))
}
