import { afterEach, expect, it } from 'vitest'
import { fullRun, restWrites } from './deletions.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

async function open(options: LabOptions = {}): Promise<Lab> {
  lab = await createLab({ alm: { defects: 1 }, octane: { switches: { attachmentContentCheck: 'no' } }, ...options })
  return lab
}

function twinOf(here: Lab, almId: string): Record<string, unknown> & { id: string } {
  const twin = here.octane.records('defect').find((one) => one.alm_id_udf === `DEFAULT/Sync/defect/${almId}`)
  if (twin === undefined) throw new Error(`no twin of ${almId}`)
  return twin
}

const almText = (here: Lab) => String(here.alm.records('defect')[0]?.description)
const almAddress = (here: Lab, name: string) =>
  `${here.almUrl}/rest/domains/DEFAULT/projects/Sync/defects/1/attachments/${encodeURIComponent(name)}`
const octaneAddress = (here: Lab, id: string, name: string) =>
  `/api/shared_spaces/${here.octane.sharedSpace}/workspaces/${here.octane.workspace}/attachments/${id}/${encodeURIComponent(name)}`

function attachInAlm(here: Lab, name: string, size = 2_000): void {
  here.alm.attach('defect', '1', { name, content: here.alm.attachments.contents.generated(1, size) })
}

async function openIssues(here: Lab): Promise<string[]> {
  const rows = await here.database.sql<{ code: string }[]>`select code from issues where resolved_at is null`
  return rows.map((row) => row.code)
}

it('an image of a text is carried as a file, and each side shows its own, with a new record and later, both ways', async () => {
  const here = await open()
  attachInAlm(here, 'Größe 1.png')
  here.alm.edit('defect', '1', {
    description: `<html><body><p>See <img src="${almAddress(here, 'Größe 1.png')}" width="300" /></p></body></html>`,
  })
  await fullRun(here)
  const twin = twinOf(here, '1')
  const [carried] = here.octane.records('attachment')
  expect(String(twin.description)).toContain(`src="${octaneAddress(here, String(carried?.id), 'Größe 1.png')}"`)
  expect(String(twin.description)).toContain('See')
  expect(await openIssues(here)).toEqual([])

  const { id } = here.octane.attach(
    { type: 'defect', id: twin.id },
    'pasted.png',
    here.octane.contents.generated(9, 900),
  )
  here.octane.edit('defect', twin.id, {
    description: `${String(twin.description).replace('</body>', '')}<p>And <img src="${octaneAddress(here, id, 'pasted.png')}"></p>`,
  })
  await fullRun(here, undefined, 'changes')
  expect(almText(here)).toContain(`src="${almAddress(here, 'pasted.png')}"`)
  expect(almText(here)).toContain(`src="${almAddress(here, 'Größe 1.png')}"`)
  expect(await openIssues(here)).toEqual([])

  const before = restWrites(here)
  await fullRun(here)
  expect(restWrites(here) - before).toBe(0)
})

it('a text whose image cannot be carried is held with the reason, as the file is, and everything else goes on', async () => {
  const here = await open({ octane: { switches: { attachmentExtensions: 'txt' } } })
  await fullRun(here)
  attachInAlm(here, 'shot.png')
  here.alm.edit('defect', '1', {
    name: 'renamed',
    description: `<html><body><p>Behold <img src="${almAddress(here, 'shot.png')}" /></p></body></html>`,
  })
  await fullRun(here)
  expect(twinOf(here, '1').name).toBe('renamed')
  expect(String(twinOf(here, '1').description)).not.toContain('Behold')
  expect(await openIssues(here)).toContain('image-awaited')
})

it('an image of a comment is carried as a file as well, and the comment goes once it is there, both ways', async () => {
  const here = await open()
  await fullRun(here)
  const { id } = twinOf(here, '1')
  attachInAlm(here, 'here.png')
  here.alm.comment('defect', '1', `look <img src="${almAddress(here, 'here.png')}">`)
  const file = here.octane.attach({ type: 'defect', id }, 'there.png', here.octane.contents.generated(9, 900))
  const text = `<p>or <img src="${octaneAddress(here, file.id, 'there.png')}"></p>`
  here.octane.create('comment', { text, owner_work_item: { type: 'defect', id } })
  await fullRun(here)
  const carried = here.octane.records('attachment').find((one) => one.name === 'here.png')
  const inOctane = here.octane.records('comment').map((one) => String(one.text))
  expect(inOctane).toHaveLength(2)
  expect(inOctane[1]).toContain(`src="${octaneAddress(here, String(carried?.id), 'here.png')}"`)
  expect(String(here.alm.records('defect')[0]?.['dev-comments'])).toContain(`src="${almAddress(here, 'there.png')}"`)
  expect(await openIssues(here)).toEqual([])
  const before = restWrites(here)
  await fullRun(here)
  expect(restWrites(here) - before).toBe(0)
})
