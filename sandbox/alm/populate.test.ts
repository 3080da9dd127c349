import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startControl } from '../common/control.ts'
import { control, startOctane } from '../octane/test-client.ts'
import { type AlmClient, startAlm, value } from './test-client.ts'

let almSide: Awaited<ReturnType<typeof startAlm>>
let octaneSide: Awaited<ReturnType<typeof startOctane>>
let port: Awaited<ReturnType<typeof startControl>>
let one: AlmClient
beforeEach(async () => {
  almSide = await startAlm()
  octaneSide = await startOctane()
  port = await startControl({ alm: almSide.alm, octane: octaneSide.octane })
  one = await almSide.client().signIn()
})
afterEach(async () => {
  await Promise.all([port.close(), almSide.alm.close(), octaneSide.octane.close()])
})

const world = { system: 'alm', seed: 3, defects: 50, requirements: 500, children: 10, comments: 2, attachments: 2 }

test('a large world is made at once, the same from the same number, as if it had always been there', async () => {
  const made = await control(port, 'POST', '/populate', { ...world, attachmentBytes: 5_000, differentFiles: 3 })
  expect(made.json).toEqual({ defects: 50, requirements: 500, attachments: 1_100 })
  expect(almSide.alm.truth.entries()).toEqual([])
  // The root beside them.
  expect((await one.get('requirements?page-size=1')).json.TotalResults).toBe(501)
  expect((await one.get('requirements?query={parent-id[0]}&page-size=1')).json.TotalResults).toBe(10)
  const leaves = await one.get('requirements?query={type-id[<> 1]}&page-size=1')
  expect(leaves.json.TotalResults).toBeGreaterThan(400)
  const [first] = leaves.json.entities
  expect(value(first, 'no-of-sons')).toBe('0')
  expect(value(first, 'comments')?.match(/&lt;[\w.@-]+&gt;, \d\d\/\d\d\/\d{4}:/g)).toHaveLength(2)
  const files = await one.get(`requirements/${value(first, 'id')}/attachments`)
  expect(files.json.entities.map((row: object) => [value(row, 'name'), value(row, 'file-size')])).toEqual([
    ['file-1.bin', '5000'],
    ['file-2.bin', '5000'],
  ])
  const again = await startAlm()
  again.alm.populate({ ...world, seed: 3, attachmentBytes: 5_000, differentFiles: 3 })
  for (const type of ['requirement', 'defect', 'attachment'])
    expect(again.alm.records(type)).toEqual(almSide.alm.records(type))
  await again.alm.close()
})

test('a person attaches a file of any size, whose bytes have the hash that is told', async () => {
  const size = 300_001
  const body = { system: 'alm', type: 'requirement', id: '0', name: 'plan.pdf', size, seed: 9, actor: 'bob' }
  const attached = await control(port, 'POST', '/attachments', body)
  const got = await one.get('requirements/0/attachments/plan.pdf', { accept: 'application/octet-stream' })
  expect([got.bytes.length, createHash('sha256').update(got.bytes).digest('hex')]).toEqual([size, attached.json.sha256])
  expect(almSide.alm.truth.entries().map(({ actor, via, type }) => [actor, via, type])).toEqual([
    ['bob', 'control', 'attachment'],
  ])
  expect((await control(port, 'POST', '/attachments', { ...body, name: 'a.exe' })).status).toBe(400)
})

test('a person checks out, and changes lists', async () => {
  almSide.turn({ versionControl: 'yes' })
  await control(port, 'POST', '/populate', { system: 'alm', requirements: 2 })
  const out = { system: 'alm', type: 'requirement', id: '1', actor: 'bob', action: 'check-out' }
  expect((await control(port, 'POST', '/versions', out)).status).toBe(200)
  expect((await one.update('requirements/1', { name: 'x' })).json.Title).toBe("The entity is checked out by user 'bob'")
  await control(port, 'POST', '/versions', { ...out, action: 'undo-check-out' })
  const items = async () => (await one.get('customization/used-lists?name=Severity')).json.lists[0].Items
  const list = { system: 'alm', list: 'Severity', value: '6-Worst' }
  await control(port, 'POST', '/lists', { ...list, action: 'add' })
  expect((await items()).at(-1)).toMatchObject({ value: '6-Worst' })
  await control(port, 'POST', '/lists', { ...list, action: 'rename', to: '6-Bad' })
  expect((await items()).at(-1)).toMatchObject({ value: '6-Bad' })
  await control(port, 'POST', '/lists', { ...list, action: 'remove', value: '6-Bad' })
  expect(await items()).toHaveLength(5)
  const unknown = await control(port, 'POST', '/lists', { ...list, list: 'Colour', action: 'add' })
  expect([unknown.status, unknown.json.error]).toEqual([400, expect.stringContaining('There are: YesNo')])
})

test('a person comments below the banner of new or of old clients, behind what is there', async () => {
  await control(port, 'POST', '/populate', { system: 'alm', requirements: 1 })
  almSide.alm.clock.set({ fixedAt: '2026-05-05T02:00:00Z' })
  const say = (text: string, actor: string) =>
    control(port, 'POST', '/comments', { system: 'alm', type: 'requirement', id: '1', text, actor })
  const comments = async () => value((await one.get('requirements/1')).json, 'comments')
  await say('first', 'sync')
  // The day is that of the server's zone.
  expect(await comments()).toBe('<html><body>\n<b>Sync User &lt;sync&gt;, 04/05/2026:</b><br />first\n</body></html>')
  almSide.turn({ commentBanner: 'underscores' })
  await say('<i>second</i>', 'sync')
  expect(await comments()).toBe(
    `<html><body>\n<b>Sync User &lt;sync&gt;, 04/05/2026:</b><br />first<br /><b>${'_'.repeat(40)}</b><br /><strong> Sync User , Mon May 04 2026:</strong><br /><i>second</i>\n</body></html>`,
  )
})
